// DPM-Solver++ SDE, single step (Lu et al. 2022b; k-diffusion's "DPM++ SDE"): two evaluations a step, the second
// halfway in lambda.
#pragma once
#include <optional>
#include <string_view>
#include <tuple>

#include "vgen/samplers/dpmpp_2m_sde.hpp"

namespace vgen::samplers {

struct DpmppSdeOptions {
  static constexpr std::string_view kind = "dpmpp_sde";
  int steps = 15;
  double eta = 1, s_noise = 1;
  GridOptions grid = {};
  Start start = Start::automatic;
  std::optional<std::int64_t> brownian_seed = {};
  bool operator==(const DpmppSdeOptions&) const = default;
  static constexpr auto fields() {
    return std::tuple{field("steps", &DpmppSdeOptions::steps, "steps; the network is evaluated 2 steps - 1 times"),
                      field("eta", &DpmppSdeOptions::eta, "0 = the ODE, 1 = the reverse SDE"),
                      field("s_noise", &DpmppSdeOptions::s_noise, "factor on the added noise"),
                      field("grid", &DpmppSdeOptions::grid, "spacing, Karras sigmas, last sigma"),
                      field("start", &DpmppSdeOptions::start,
                            "unit: the start as it is; sigma: times the first sigma; automatic: by spacing"),
                      field("brownian_seed", &DpmppSdeOptions::brownian_seed,
                            "noise from the Brownian tree of torch.manual_seed(seed)")};
  }
};

namespace detail {
// Splits a step of sigma into a deterministic part down to `down` and fresh noise `up`: down^2 + up^2 = to^2.
struct AncestralSplit {
  double down, up;
};
inline AncestralSplit ancestral_split(double from, double to, double eta) {
  const double full = std::isinf(from) ? to : to * std::sqrt(1 - to * to / (from * from));
  const double up = std::min(to, eta * full);
  return {std::sqrt(std::max(to * to - up * up, 0.0)), up};
}
}  // namespace detail

// Both noises of a step come from one path: the interval to the midpoint is part of the whole.
inline Tensor dpmpp_sde(const Denoiser& denoiser, const NoiseSchedule& schedule, Tensor start,
                        const IntervalNoise& noise, const DpmppSdeOptions& options = {}, const OnStep& on_step = {}) {
  detail::check_not_negative("dpmpp_sde", "eta", options.eta);
  detail::check_not_negative("dpmpp_sde", "s_noise", options.s_noise);
  const SamplingGrid grid = schedulers::euler_grid("dpmpp_sde", schedule, options.steps, options.grid);
  const int n = grid.steps();
  Tensor x = detail::started(std::move(start), options.start, grid, &options.grid);
  for (int i = 0; i < n; ++i) {
    const NoiseLevel &from = grid.state[i], &to = grid.state[i + 1];
    Denoised d = denoiser(x, grid.network[i]);
    const double s = from.ve_sigma(), end = to.ve_sigma();
    if (to.sigma == 0) {
      x = d.x0;
    } else if (from.alpha == 0) {
      x = to.alpha * d.x0 + to.sigma * x;
    } else {
      const double middle = std::sqrt(s * end);
      const NoiseLevel half = NoiseLevel::from_ve(schedule.time_of(middle), middle, true);
      // x / alpha goes from sigma s to `sigma`; the exact solution for a constant x0
      const auto moved = [&](const Tensor& x0, const NoiseLevel& level, const detail::AncestralSplit& split) {
        const double keep = split.down / s;
        return (level.alpha * keep / from.alpha) * x + (level.alpha * (1 - keep)) * x0;
      };
      const auto first = detail::ancestral_split(s, middle, options.eta),
                 second = detail::ancestral_split(s, end, options.eta);
      Tensor trial = moved(d.x0, half, first);
      if (options.eta > 0) trial = trial + (half.alpha * first.up * options.s_noise) * noise(x, s, middle);
      const Tensor x0 = denoiser(trial, half).x0;
      Tensor next = moved(x0, to, second);
      if (options.eta > 0) next = next + (to.alpha * second.up * options.s_noise) * noise(x, s, end);
      x = next;
      d.x0 = x0;
    }
    if (!detail::report("dpmpp_sde", on_step, i, n, grid.network[i], to, x, d.x0)) break;
  }
  return x;
}
// With independent draws the path is built as it is walked: one draw to the midpoint, one from there to the end.
inline Tensor dpmpp_sde(const Denoiser& denoiser, const NoiseSchedule& schedule, Tensor start,
                        const NoiseSource& source, const DpmppSdeOptions& options = {}, const OnStep& on_step = {}) {
  if (options.brownian_seed) {
    const auto [low, high] = sigma_interval(schedulers::euler_grid("dpmpp_sde", schedule, options.steps, options.grid));
    if (low < high)
      return dpmpp_sde(
          denoiser, schedule, std::move(start),
          brownian_noise(draw_entropy(make_generator(static_cast<std::uint64_t>(*options.brownian_seed))), low, high),
          options, on_step);
  }
  struct {
    double from = -1, to = 0;
    Tensor noise;
  } half;
  const IntervalNoise path = [&half, &source](const Tensor& like, double from, double to) -> Tensor {
    const Tensor fresh = source(like);
    if (half.from == from && to < half.to) {
      const Tensor whole =
          (std::sqrt(from - half.to) * half.noise + std::sqrt(half.to - to) * fresh) / std::sqrt(from - to);
      half.from = -1;
      return whole;
    }
    half.from = from, half.to = to, half.noise = fresh;
    return fresh;
  };
  return dpmpp_sde(denoiser, schedule, std::move(start), path, options, on_step);
}

}  // namespace vgen::samplers
