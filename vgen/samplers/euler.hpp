// Euler's method on the probability-flow ODE in sigma (Karras et al. 2022, without churn). The same step as DDIM's; the
// grid differs.
#pragma once
#include <string_view>
#include <tuple>

#include "vgen/samplers/step.hpp"

namespace vgen::samplers {

struct EulerOptions {
  static constexpr std::string_view kind = "euler";
  int steps = 30;
  GridOptions grid = {};
  Start start = Start::automatic;
  bool operator==(const EulerOptions&) const = default;
  static constexpr auto fields() {
    return std::tuple{
        field("steps", &EulerOptions::steps, "denoising steps = network evaluations"),
        field("grid", &EulerOptions::grid, "spacing, Karras sigmas, last sigma"),
        field("start", &EulerOptions::start,
              "unit: the start as it is; sigma: times the first sigma; automatic: by spacing, as diffusers")};
  }
};

inline Tensor euler(const Denoiser& denoiser, const NoiseSchedule& schedule, Tensor noise,
                    const EulerOptions& options = {}, const OnStep& on_step = {}) {
  const SamplingGrid grid = schedulers::euler_grid("euler", schedule, options.steps, options.grid);
  const int n = grid.steps();
  Tensor x = detail::started(std::move(noise), options.start, grid, &options.grid);
  for (int i = 0; i < n; ++i) {
    const NoiseLevel& to = grid.state[i + 1];
    const Denoised d = denoiser(x, grid.network[i]);
    x = to.alpha * d.x0 + to.sigma * d.eps;  // x / alpha moves along eps from one sigma to the next
    if (!detail::report("euler", on_step, i, n, grid.network[i], to, x, d.x0)) break;
  }
  return x;
}

}  // namespace vgen::samplers
