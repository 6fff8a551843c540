// DDIM run backwards: from a clean sample to the noise that DDIM would turn into it (Song et al. 2021). Approximate:
// the network is asked at the level that is left, not at the one that is reached.
#pragma once
#include <algorithm>
#include <optional>
#include <string_view>
#include <tuple>

#include "vgen/samplers/step.hpp"

namespace vgen::samplers {

struct DdimInversionOptions {
  static constexpr std::string_view kind = "ddim_inversion";
  int steps = 50;
  std::optional<int> until = {};
  bool operator==(const DdimInversionOptions&) const = default;
  static constexpr auto fields() {
    return std::tuple{
        field("steps", &DdimInversionOptions::steps,
              "steps; a few more are taken where steps does not divide the range"),
        field("until", &DdimInversionOptions::until,
              "stop at this time - 1 (VGen's super-resolution: 700); default: all the way to pure noise")};
  }
};

struct DdimInversionGrid {
  std::vector<NoiseLevel> from, to;
};
// t = 0, stride, 2 stride, ... below `until`. Without `until` the last step ends in pure noise (alpha 0).
inline DdimInversionGrid ddim_inversion_grid(const NoiseSchedule& schedule, const DdimInversionOptions& o) {
  const int total = schedule.steps(), end = o.until.value_or(total);
  VGEN_CHECK(end >= 1 && end <= total, ConfigError, "ddim_inversion: until must be in [1, ", total, "], got ", end,
             "; try ", std::clamp(end, 1, total));
  schedulers::check_steps("ddim_inversion", o.steps, end);
  DdimInversionGrid grid;
  for (int t = 0, stride = end / o.steps; t < end; t += stride) {
    grid.from.push_back(schedule.level(t));
    const int next = std::min(t + stride, o.until ? end - 1 : end);
    grid.to.push_back(next == total ? NoiseLevel{double(total), 0, 1} : schedule.level(next));
  }
  return grid;
}

// x0 [B, ...] -> its noise.
inline Tensor ddim_inversion(const Denoiser& denoiser, const NoiseSchedule& schedule, Tensor x0,
                             const DdimInversionOptions& options = {}, const OnStep& on_step = {}) {
  const DdimInversionGrid grid = ddim_inversion_grid(schedule, options);
  const int n = static_cast<int>(grid.from.size());
  Tensor x = std::move(x0);
  for (int i = 0; i < n; ++i) {
    const Denoised d = denoiser(x, grid.from[i]);
    x = grid.to[i].alpha * d.x0 + grid.to[i].sigma * d.eps;
    if (!detail::report("ddim_inversion", on_step, i, n, grid.from[i], grid.to[i], x, d.x0)) break;
  }
  return x;
}

}  // namespace vgen::samplers
