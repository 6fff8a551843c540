// Which of the T training times a sampler visits: named grids, largest time first.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

#include "vgen/core/error.hpp"
#include "vgen/schedulers/betas.hpp"

namespace vgen::schedulers {

// n of the T training times.
//   vgen      1 + k (T div n) for every k that fits, at most T - 1; 50 of 1000: 981, 961, ..., 1.
//             More than n where n does not divide T.
//   leading   k (T div n) + offset (diffusers; equals vgen for offset 1 where n divides T).
//   trailing  T - k T / n - 1, rounded (Lin et al. 2023); starts at T - 1, for schedules with zero terminal SNR.
//   linspace  n even steps from T - 1 down to 0.
enum class Spacing { vgen, leading, trailing, linspace };
constexpr auto enum_names(Spacing) {
  return std::array{std::pair{Spacing::vgen, "vgen"}, std::pair{Spacing::leading, "leading"},
                    std::pair{Spacing::trailing, "trailing"}, std::pair{Spacing::linspace, "linspace"}};
}

// ConfigError "ddim: steps must be in [1, 1000], got 0; try 1".
inline void check_steps(std::string_view who, int steps, int limit) {
  VGEN_CHECK(steps >= 1 && steps <= limit, ConfigError, who, ": steps must be in [1, ", limit, "], got ", steps,
             "; try ", std::clamp(steps, 1, limit));
}

// Visited times. linspace times are fractional; the others are whole. With `drop_end` the grid has one point more and
// its last is left out: multistep solvers (DPM-Solver++, UniPC) step to sigma = 0 from t > 0, and count that end as a
// point of the grid.
inline std::vector<double> spaced_times(Spacing spacing, int total, int n, int offset = 0, bool drop_end = false) {
  check_steps("timesteps", n, total);
  const int points = n + (drop_end ? 1 : 0);
  std::vector<double> times;
  switch (spacing) {
    case Spacing::vgen:
      for (int t = 1; t - 1 < total; t += total / n) times.push_back(std::min(t, total - 1));
      std::reverse(times.begin(), times.end());
      break;
    case Spacing::leading:
      for (int k = points - 1; k >= points - n; --k)
        times.push_back(std::clamp(double(k) * (total / points) + offset, 0.0, total - 1.0));
      break;
    case Spacing::trailing: {
      // n points even with drop_end: the end (t = -1, clean) is outside the grid already
      const double step = (total - double(total) / n) - total;
      const int count = static_cast<int>(std::ceil(-total / step));
      for (int k = 0; k < std::min(count, n); ++k)
        times.push_back(std::clamp(std::nearbyint(total + k * step) - 1, 0.0, total - 1.0));
      break;
    }
    case Spacing::linspace:
      for (int k = points - 1; k >= points - n; --k)
        times.push_back(points > 1 ? (k == points - 1 ? total - 1.0 : k * ((total - 1.0) / (points - 1))) : 0.0);
      break;
  }
  return times;
}

inline std::vector<int> rounded(const std::vector<double>& times) {  // half to even
  std::vector<int> out;
  for (const double t : times) out.push_back(static_cast<int>(std::nearbyint(t)));
  return out;
}

// Times of consistency models: n of the `original` distillation times (k T div original - 1), evenly spaced by index. 4
// of 50 in 1000: 999, 759, 499, 259.
inline std::vector<int> consistency_times(std::string_view who, int total, int n, int original = 50) {
  VGEN_CHECK(original >= 1 && original <= total, ConfigError, who, ": original_steps must be in [1, ", total, "], got ",
             original, "; try ", std::clamp(original, 1, total));
  check_steps(who, n, original);
  std::vector<int> times;
  for (int i = 0; i < n; ++i) {
    const int index = static_cast<int>(std::floor(i * (double(original) / n)));
    times.push_back((original - index) * (total / original) - 1);
  }
  return times;
}

}  // namespace vgen::schedulers
