// DPM-Solver++(3M) (Lu et al. 2022b): third-order multistep; first and second order while it has no history and, below
// 15 steps, at the end.
#pragma once
#include <string_view>
#include <tuple>

#include "vgen/samplers/dpmpp_2m.hpp"

namespace vgen::samplers {

struct Dpmpp3mOptions {
  static constexpr std::string_view kind = "dpmpp_3m";
  int steps = 25;
  SecondOrder solver = SecondOrder::midpoint;
  GridOptions grid = {};
  bool lower_order_final = true;
  bool operator==(const Dpmpp3mOptions&) const = default;
  static constexpr auto fields() {
    return std::tuple{field("steps", &Dpmpp3mOptions::steps, "denoising steps = network evaluations"),
                      field("solver", &Dpmpp3mOptions::solver, "of the second-order steps: midpoint or heun"),
                      field("grid", &Dpmpp3mOptions::grid, "spacing, Karras sigmas, last sigma"),
                      field("lower_order_final", &Dpmpp3mOptions::lower_order_final,
                            "below 15 steps the last two are of order 2 and 1")};
  }
};

inline Tensor dpmpp_3m(const Denoiser& denoiser, const NoiseSchedule& schedule, Tensor noise,
                       const Dpmpp3mOptions& options = {}, const OnStep& on_step = {}) {
  const SamplingGrid grid = schedulers::multistep_grid("dpmpp_3m", schedule, options.steps, options.grid);
  const int n = grid.steps();
  Tensor x = std::move(noise), one_before, two_before;
  double h1 = 0, h2 = 0;  // lambda steps before this one
  for (int i = 0; i < n; ++i) {
    const NoiseLevel &from = grid.state[i], &to = grid.state[i + 1];
    const Denoised d = denoiser(x, grid.network[i]);
    const double h = to.lambda() - from.lambda();
    int order = two_before.defined() ? 3 : one_before.defined() ? 2 : 1;
    if (options.lower_order_final && n < 15) order = std::min(order, n - i);
    if (to.sigma == 0) {
      x = d.x0;
    } else if (from.alpha == 0) {
      x = to.alpha * d.x0 + to.sigma * x;
    } else if (h > 0) {
      const double gain =
          -std::expm1(-h);  // integrals of e^-(h - u) u^k / k! over the step, k = 0, 1, 2, in units of h^k
      const double slope = 1 - gain / h, curve = 0.5 - slope / h;
      x = (to.sigma / from.sigma) * x + (to.alpha * gain) * d.x0;
      if (order == 2) {
        const double weight = options.solver == SecondOrder::midpoint ? 0.5 * gain : slope;
        x = x + (to.alpha * weight * h / h1) * (d.x0 - one_before);
      } else if (order == 3) {
        const double r1 = h1 / h, r2 = h2 / h;
        const Tensor near = (d.x0 - one_before) / r1, far = (one_before - two_before) / r2, change = near - far;
        x = x + (to.alpha * slope) * (near + (r1 / (r1 + r2)) * change) + (to.alpha * curve / (r1 + r2)) * change;
      }
    }
    if (from.alpha > 0) {
      two_before = one_before;
      one_before = d.x0;
      h2 = h1;
      h1 = h;
    }
    if (!detail::report("dpmpp_3m", on_step, i, n, grid.network[i], to, x, d.x0)) break;
  }
  return x;
}

}  // namespace vgen::samplers
