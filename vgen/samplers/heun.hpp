// Heun's method on the probability-flow ODE in sigma (Karras et al. 2022, algorithm 1 without churn): second order, two
// evaluations a step.
#pragma once
#include <string_view>
#include <tuple>

#include "vgen/samplers/step.hpp"

namespace vgen::samplers {

struct HeunOptions {
  static constexpr std::string_view kind = "heun";
  int steps = 20;
  GridOptions grid = {};
  Start start = Start::automatic;
  bool operator==(const HeunOptions&) const = default;
  static constexpr auto fields() {
    return std::tuple{
        field("steps", &HeunOptions::steps, "steps; the network is evaluated 2 steps - 1 times"),
        field("grid", &HeunOptions::grid, "spacing, Karras sigmas, last sigma"),
        field("start", &HeunOptions::start,
              "unit: the start as it is; sigma: times the first sigma; automatic: by spacing, as diffusers")};
  }
};

inline Tensor heun(const Denoiser& denoiser, const NoiseSchedule& schedule, Tensor noise,
                   const HeunOptions& options = {}, const OnStep& on_step = {}) {
  const SamplingGrid grid = schedulers::euler_grid("heun", schedule, options.steps, options.grid);
  const int n = grid.steps();
  Tensor x = detail::started(std::move(noise), options.start, grid, &options.grid);
  for (int i = 0; i < n; ++i) {
    const NoiseLevel &from = grid.state[i], &to = grid.state[i + 1];
    const Denoised d = denoiser(x, grid.network[i]);
    Tensor next = to.alpha * d.x0 + to.sigma * d.eps;
    if (to.sigma > 0 && from.alpha > 0) {
      // a network level for the trial: the next grid point, or the end of the grid where that is not clean
      const NoiseLevel& at = i + 1 < n ? grid.network[i + 1] : to;
      const Denoised trial = denoiser(next, at);
      next = (to.alpha / from.alpha) * x + (to.alpha * (to.ve_sigma() - from.ve_sigma()) / 2) * (d.eps + trial.eps);
    }
    x = next;
    if (!detail::report("heun", on_step, i, n, grid.network[i], to, x, d.x0)) break;
  }
  return x;
}

}  // namespace vgen::samplers
