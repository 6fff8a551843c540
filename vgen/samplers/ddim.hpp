// DDIM (Song et al. 2021, eq. 12 and 16): eta = 0 follows the probability-flow ODE, eta = 1 is as random as DDPM.
// VGen's main sampler.
//
// The default grid and end are VGen's: t = 1 + k stride, and the last step ends at alphas_cumprod[0], not at 1.
#pragma once
#include <cmath>
#include <numbers>
#include <string_view>
#include <tuple>
#include <vector>

#include <ATen/ops/stack.h>

#include "vgen/samplers/step.hpp"

namespace vgen::samplers {

struct DdimOptions {
  static constexpr std::string_view kind = "ddim";
  int steps = 50;
  double eta = 0;
  schedulers::Spacing spacing = schedulers::Spacing::vgen;
  int offset = 1;
  bool end_clean = false;
  bool operator==(const DdimOptions&) const = default;
  static constexpr auto fields() {
    return std::tuple{field("steps", &DdimOptions::steps,
                            "denoising steps; the vgen grid takes a few more where steps does not divide T"),
                      field("eta", &DdimOptions::eta, "0 = deterministic, 1 = as much fresh noise as DDPM"),
                      field("spacing", &DdimOptions::spacing, "vgen, leading, trailing or linspace"),
                      field("offset", &DdimOptions::offset, "added to leading times (diffusers: steps_offset)"),
                      field("end_clean", &DdimOptions::end_clean,
                            "end at alpha 1 instead of alphas_cumprod[0] (diffusers: set_alpha_to_one)")};
  }
};

struct DdimGrid {
  std::vector<NoiseLevel> from, to;
};
// Every step goes from t to t - T div steps (whatever the spacing), the last to the first time or to clean.
inline DdimGrid ddim_grid(const NoiseSchedule& schedule, const DdimOptions& o) {
  const int total = schedule.steps();
  schedulers::check_steps("ddim", o.steps, total);
  const int stride = total / o.steps;
  DdimGrid grid;
  for (const int t : schedulers::rounded(schedulers::spaced_times(o.spacing, total, o.steps, o.offset))) {
    grid.from.push_back(schedule.level(t));
    grid.to.push_back(t - stride >= 0 ? schedule.level(t - stride) : schedule.level(o.end_clean ? -1 : 0));
  }
  return grid;
}

// One step: the mean of x' given x, and the deviation of the noise to add to it.
struct DdimStep {
  Tensor mean;
  double deviation;
};
inline DdimStep ddim_step(const Denoised& d, const NoiseLevel& from, const NoiseLevel& to, double eta) {
  double deviation = 0;
  if (eta > 0) {
    const double a = from.alpha * from.alpha, b = to.alpha * to.alpha;
    deviation = eta * std::sqrt((1 - b) / (1 - a) * (1 - a / b));
  }
  const double direction = std::sqrt(std::max(to.sigma * to.sigma - deviation * deviation, 0.0));
  return {to.alpha * d.x0 + direction * d.eps, deviation};
}

namespace detail {
// Steps [first, last) of the grid; `noise` is asked once a step if eta > 0.
inline Tensor ddim_run(const Denoiser& denoiser, const DdimGrid& grid, int first, int last, Tensor x,
                       const NoiseSource& noise, double eta, const OnStep& on_step) {
  for (int i = first; i < last; ++i) {
    const Denoised d = denoiser(x, grid.from[i]);
    const DdimStep step = ddim_step(d, grid.from[i], grid.to[i], eta);
    x = step.mean;
    if (eta > 0) x = x + step.deviation * noise(x);
    if (!report("ddim", on_step, i - first, last - first, grid.from[i], grid.to[i], x, d.x0)) break;
  }
  return x;
}
}  // namespace detail

// noise: the start, unit normal, any shape [B, ...]. -> the sample. eta > 0 needs the overload with a noise source.
inline Tensor ddim(const Denoiser& denoiser, const NoiseSchedule& schedule, Tensor noise,
                   const DdimOptions& options = {}, const OnStep& on_step = {}) {
  detail::check_eta("ddim", options.eta);
  VGEN_CHECK(options.eta == 0, ConfigError, "ddim: eta = ", options.eta,
             " adds noise and so needs a noise source; pass one or set eta = 0");
  const DdimGrid grid = ddim_grid(schedule, options);
  return detail::ddim_run(denoiser, grid, 0, static_cast<int>(grid.from.size()), std::move(noise), {}, 0, on_step);
}
inline Tensor ddim(const Denoiser& denoiser, const NoiseSchedule& schedule, Tensor noise, const NoiseSource& source,
                   const DdimOptions& options = {}, const OnStep& on_step = {}) {
  detail::check_eta("ddim", options.eta);
  const DdimGrid grid = ddim_grid(schedule, options);
  return detail::ddim_run(denoiser, grid, 0, static_cast<int>(grid.from.size()), std::move(noise), source, options.eta,
                          on_step);
}

// log N(x; mean, deviation^2), the mean over the elements of each sample: [B].
inline Tensor gaussian_log_prob(const Tensor& x, const Tensor& mean, double deviation) {
  return (-(x - mean).square() / (2 * deviation * deviation) - std::log(deviation) -
          0.5 * std::log(2 * std::numbers::pi))
      .flatten(1)
      .mean(1);
}

// DDIM with the log-probability of each step (DDPO; Black et al. 2023). Needs eta > 0.
struct DdimTrace {
  Tensor latents, log_probs;  // [steps, B, ...], [steps, B]
};
inline DdimTrace ddim_with_log_prob(const Denoiser& denoiser, const NoiseSchedule& schedule, Tensor x,
                                    const NoiseSource& source, const DdimOptions& options) {
  detail::check_eta("ddim", options.eta);
  VGEN_CHECK(options.eta > 0, ConfigError, "ddim: log-probabilities need eta > 0, got 0; try 1");
  const DdimGrid grid = ddim_grid(schedule, options);
  std::vector<Tensor> latents, log_probs;
  for (std::size_t i = 0; i < grid.from.size(); ++i) {
    const DdimStep step = ddim_step(denoiser(x, grid.from[i]), grid.from[i], grid.to[i], options.eta);
    VGEN_CHECK(step.deviation > 0, ConfigError, "ddim: the step at t = ", grid.from[i].t,
               " adds no noise and so has no log-probability; set end_clean = false");
    x = step.mean + step.deviation * source(step.mean);
    latents.push_back(x);
    log_probs.push_back(gaussian_log_prob(x, step.mean, step.deviation));
  }
  return {at::stack(latents), at::stack(log_probs)};
}

}  // namespace vgen::samplers
