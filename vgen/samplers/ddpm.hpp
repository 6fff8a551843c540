// DDPM ancestral sampling (Ho et al. 2020, algorithm 2), on all T steps or on fewer (posterior of the strided chain).
#pragma once
#include <cmath>
#include <optional>
#include <string_view>
#include <tuple>

#include "vgen/samplers/step.hpp"

namespace vgen::samplers {

struct DdpmOptions {
  static constexpr std::string_view kind = "ddpm";
  std::optional<int> steps = {};
  diffusion::Variance variance = diffusion::Variance::fixed_small;
  schedulers::Spacing spacing = schedulers::Spacing::leading;
  int offset = 0;
  bool operator==(const DdpmOptions&) const = default;
  static constexpr auto fields() {
    return std::tuple{field("steps", &DdpmOptions::steps, "denoising steps; default: every training step"),
                      field("variance", &DdpmOptions::variance,
                            "fixed_small: posterior; fixed_large: beta; learned, learned_range: the network says"),
                      field("spacing", &DdpmOptions::spacing, "vgen, leading, trailing or linspace"),
                      field("offset", &DdpmOptions::offset, "added to leading times")};
  }
};

inline Tensor ddpm(const Denoiser& denoiser, const NoiseSchedule& schedule, Tensor noise, const NoiseSource& source,
                   const DdpmOptions& options = {}, const OnStep& on_step = {}) {
  using diffusion::Variance;
  const int total = schedule.steps(), wanted = options.steps.value_or(total);
  schedulers::check_steps("ddpm", wanted, total);
  const std::vector<int> times =
      schedulers::rounded(schedulers::spaced_times(options.spacing, total, wanted, options.offset));
  const int n = static_cast<int>(times.size());
  Tensor x = std::move(noise);
  for (int i = 0; i < n; ++i) {
    const int t = times[i], previous = i + 1 < n ? times[i + 1] : -1;
    const NoiseLevel from = schedule.level(t), to = schedule.level(previous);
    const double a = schedule.alpha_cumprod(t), b = schedule.alpha_cumprod(previous), alpha = a / b, beta = 1 - alpha;
    const Denoised d = denoiser(x, from);
    const Tensor mean = (beta * std::sqrt(b) / (1 - a)) * d.x0 + (std::sqrt(alpha) * (1 - b) / (1 - a)) * x;
    if (i + 1 < n) {
      const double posterior = std::max((1 - b) / (1 - a) * beta, 1e-20);
      VGEN_CHECK(!diffusion::is_learned(options.variance) || d.variance.defined(), ConfigError, "ddpm: variance ",
                 name_of(options.variance), " needs a denoiser whose network learned its variance; use fixed_small");
      switch (options.variance) {
        case Variance::fixed_small:
          x = mean + std::sqrt(posterior) * source(x);
          break;
        case Variance::fixed_large:
          x = mean + std::sqrt(beta) * source(x);
          break;
        case Variance::learned:
          x = mean + (0.5 * d.variance).exp() * source(x);
          break;
        case Variance::learned_range: {
          const Tensor share = (d.variance + 1) / 2;
          x = mean + (0.5 * (share * std::log(beta) + (1 - share) * std::log(posterior))).exp() * source(x);
          break;
        }
      }
    } else {
      x = mean;
    }
    if (!detail::report("ddpm", on_step, i, n, from, to, x, d.x0)) break;
  }
  return x;
}

}  // namespace vgen::samplers
