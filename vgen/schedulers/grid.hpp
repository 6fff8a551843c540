// SamplingGrid: the noise levels a sampler steps through, and what the network is told at each. Samplers in sigma take
// a grid and do not know how it was made; the differences between libraries (spacing, Karras sigmas, rounding, what the
// last sigma is) all live here.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string_view>
#include <tuple>
#include <vector>

#include "vgen/core/options.hpp"
#include "vgen/schedulers/karras.hpp"
#include "vgen/schedulers/noise_schedule.hpp"
#include "vgen/schedulers/timesteps.hpp"

namespace vgen::schedulers {

struct SamplingGrid {
  std::vector<NoiseLevel>
      state;  // n + 1 levels of the sample; the last is where it ends (clean, or the smallest sigma)
  std::vector<NoiseLevel> network;  // n levels at which the network is asked and its output read
  int steps() const { return static_cast<int>(network.size()); }
};

enum class Sigmas { schedule, karras, exponential };
constexpr auto enum_names(Sigmas) {
  return std::array{std::pair{Sigmas::schedule, "schedule"}, std::pair{Sigmas::karras, "karras"},
                    std::pair{Sigmas::exponential, "exponential"}};
}
enum class FinalSigma { zero, smallest };
constexpr auto enum_names(FinalSigma) {
  return std::array{std::pair{FinalSigma::zero, "zero"}, std::pair{FinalSigma::smallest, "smallest"}};
}

struct GridOptions {
  static constexpr std::string_view kind = "grid";
  Spacing spacing = Spacing::linspace;
  int offset = 0;
  Sigmas sigmas = Sigmas::schedule;
  FinalSigma final_sigma = FinalSigma::zero;
  std::vector<double> times = {};
  bool operator==(const GridOptions&) const = default;
  static constexpr auto fields() {
    return std::tuple{
        field("spacing", &GridOptions::spacing,
              "leading, trailing, linspace or vgen: which training times are visited"),
        field("offset", &GridOptions::offset, "added to leading times (diffusers: steps_offset)"),
        field("sigmas", &GridOptions::sigmas,
              "schedule: sigmas of the visited times; karras, exponential: spread between largest and smallest"),
        field("final_sigma", &GridOptions::final_sigma, "zero, or the smallest sigma of the schedule"),
        field("times", &GridOptions::times, "visited times given one by one, falling; replaces steps and spacing")};
  }
};

// Part of a schedule, as VGen's super-resolution sampler walks it: fractional times in [t_min, t_max], the state at the
// exact sigma, the network at the nearest whole time with that time's tables.
struct RangeOptions {
  static constexpr std::string_view kind = "range";
  int t_max = 999, t_min = 0;
  Spacing spacing = Spacing::linspace;
  bool drop_penultimate = true;
  std::vector<double> times = {};
  bool operator==(const RangeOptions&) const = default;
  static constexpr auto fields() {
    return std::tuple{
        field("t_max", &RangeOptions::t_max, "first time"), field("t_min", &RangeOptions::t_min, "last time"),
        field("spacing", &RangeOptions::spacing, "leading, trailing or linspace"),
        field("drop_penultimate", &RangeOptions::drop_penultimate,
              "plan one step more and leave out the one before the end"),
        field("times", &RangeOptions::times, "visited times given one by one, falling; replaces steps and spacing")};
  }
};

namespace detail {
inline void check_times(std::string_view who, const std::vector<double>& times, int total) {
  for (std::size_t i = 0; i < times.size(); ++i)
    VGEN_CHECK(times[i] >= 0 && times[i] <= total - 1 && (i == 0 || times[i] < times[i - 1]), ConfigError, who,
               ": times must fall and lie in [0, ", total - 1, "], got ", times[i], " at position ", i);
}

// ve sigmas (largest first) and the network's times -> grid
inline SamplingGrid grid_of(const NoiseSchedule& schedule, const std::vector<double>& sigmas,
                            const std::vector<double>& times, FinalSigma final, bool real_time) {
  SamplingGrid grid;
  for (std::size_t i = 0; i < sigmas.size(); ++i) {
    const double t = times[i];
    // a whole time of the schedule itself keeps the schedule's own alpha and sigma (exact even at zero SNR)
    const bool own = t == std::floor(t) && sigmas[i] == schedule.ve(static_cast<int>(t));
    NoiseLevel level = own ? schedule.level(static_cast<int>(t)) : NoiseLevel::from_ve(t, sigmas[i]);
    level.real_time = real_time;
    grid.state.push_back(level);
  }
  grid.network = grid.state;
  NoiseLevel end = final == FinalSigma::zero ? schedule.level(-1) : schedule.level(0);
  end.real_time = real_time;
  grid.state.push_back(end);
  return grid;
}
}  // namespace detail

// For Euler and Heun (k-diffusion, diffusers): n points, fractional times, Karras sigmas between the grid's own ends.
inline SamplingGrid euler_grid(std::string_view who, const NoiseSchedule& schedule, int steps, const GridOptions& o) {
  const int total = schedule.steps();
  if (o.times.empty()) check_steps(who, steps, total);
  std::vector<double> times = o.times.empty() ? spaced_times(o.spacing, total, steps, o.offset) : o.times, sigmas;
  detail::check_times(who, times, total);
  for (const double t : times) sigmas.push_back(schedule.ve_sigma_linear(t));
  if (o.sigmas != Sigmas::schedule) {
    VGEN_CHECK(std::isfinite(sigmas.front()), ConfigError, who, ": ", name_of(o.sigmas),
               " sigmas need a finite largest sigma, and t = ", times.front(),
               " is pure noise; set the schedule's alpha_floor to 5.9604644775390625e-08");
    const int n = static_cast<int>(times.size());
    sigmas = o.sigmas == Sigmas::karras ? karras_sigmas(n, sigmas.back(), sigmas.front())
                                        : exponential_sigmas(n, sigmas.back(), sigmas.front());
    for (int i = 0; i < n; ++i) times[i] = schedule.time_of(sigmas[i]);
  }
  return detail::grid_of(schedule, sigmas, times, o.final_sigma, true);
}

// For multistep solvers (DPM-Solver++, UniPC): n points of n + 1, whole times, Karras sigmas between the schedule's
// ends.
inline SamplingGrid multistep_grid(std::string_view who, const NoiseSchedule& schedule, int steps,
                                   const GridOptions& o) {
  const int total = schedule.steps();
  if (o.times.empty()) check_steps(who, steps, total);
  std::vector<double> times = o.times.empty() ? spaced_times(o.spacing, total, steps, o.offset, true) : o.times, sigmas;
  detail::check_times(who, times, total);
  if (o.sigmas == Sigmas::schedule) {
    for (double& t : times) sigmas.push_back(schedule.ve(static_cast<int>(t = std::nearbyint(t))));
  } else {
    const int n = o.times.empty() ? steps : static_cast<int>(times.size());
    VGEN_CHECK(std::isfinite(schedule.ve(total - 1)), ConfigError, who, ": ", name_of(o.sigmas),
               " sigmas need a finite largest sigma, and this schedule ends in pure noise; set its alpha_floor to "
               "5.9604644775390625e-08");
    sigmas = o.sigmas == Sigmas::karras ? karras_sigmas(n, schedule.ve(0), schedule.ve(total - 1))
                                        : exponential_sigmas(n, schedule.ve(0), schedule.ve(total - 1));
    times.resize(n);
    for (int i = 0; i < n; ++i) {
      const double t = schedule.time_of(sigmas[i]);
      times[i] =
          o.sigmas == Sigmas::karras ? std::nearbyint(t) : std::floor(t + 1e-6);  // as diffusers does, whole ends kept
    }
  }
  return detail::grid_of(schedule, sigmas, times, o.final_sigma, false);
}

namespace detail {
// start + k step in float32, bit for bit as torch.arange counts: blocks of eight from a rounded start while sixteen are
// left, then one by one. The last bit matters: a Brownian tree is asked for these times' sigmas, and another time means
// other noise.
inline std::vector<double> float32_range(double start, double step, int count) {
  std::vector<double> out;
  for (int k = 0; k < count; ++k) {
    const int block = k < count / 16 * 16 ? k / 8 * 8 : k;
    out.push_back(static_cast<float>(double(static_cast<float>(start + step * block)) + (k - block) * step));
  }
  return out;
}
}  // namespace detail

// Fractional times of a range, largest first, in float32 steps as the reference counts them.
inline std::vector<double> range_times(std::string_view who, int steps, const RangeOptions& o) {
  if (!o.times.empty()) return o.times;
  const int n = steps + (o.drop_penultimate ? 1 : 0);
  const float low = static_cast<float>(o.t_min), high = static_cast<float>(o.t_max);
  const double step = (o.t_max - o.t_min + 1.0) / n;
  std::vector<double> times;
  if (o.spacing == Spacing::linspace) {
    for (const float t : linspace<float>(high, low, n)) times.push_back(t);
  } else if (o.spacing == Spacing::trailing) {
    times = detail::float32_range(o.t_max, -step, static_cast<int>(std::ceil((o.t_min - 1.0 - o.t_max) / -step)));
  } else {
    VGEN_CHECK(o.spacing == Spacing::leading, ConfigError, who, ": a range is spaced leading, trailing or linspace");
    times = detail::float32_range(o.t_min, step, static_cast<int>(std::ceil((o.t_max + 1.0 - o.t_min) / step)));
    std::reverse(times.begin(), times.end());
  }
  for (double& t : times) t = std::clamp(t, double(low), double(high));
  return times;
}

inline SamplingGrid range_grid(std::string_view who, const NoiseSchedule& schedule, int steps, const RangeOptions& o) {
  const int total = schedule.steps();
  VGEN_CHECK(o.t_min >= 0 && o.t_min < o.t_max && o.t_max < total, ConfigError, who,
             ": t_min and t_max must satisfy 0 <= t_min < t_max <= ", total - 1, ", got ", o.t_min, " and ", o.t_max);
  if (o.times.empty()) check_steps(who, steps, o.t_max - o.t_min + 1);
  const std::vector<double> times = range_times(who, steps, o);
  for (const double t : times)
    VGEN_CHECK(t >= 0 && t <= total - 1, ConfigError, who, ": times must lie in [0, ", total - 1, "], got ", t);
  std::vector<double> sigmas;
  for (const double t : times) sigmas.push_back(schedule.ve_sigma_log_linear(t));
  if (o.drop_penultimate && o.times.empty()) sigmas.pop_back();
  SamplingGrid grid;
  for (const double s : sigmas) {
    const double t = schedule.time_of(s);
    grid.state.push_back(NoiseLevel::from_ve(t, s));
    grid.network.push_back(schedule.level(static_cast<int>(std::nearbyint(t))));
  }
  grid.state.push_back(schedule.level(-1));
  return grid;
}

}  // namespace vgen::schedulers
