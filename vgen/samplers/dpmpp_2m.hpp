// DPM-Solver++(2M) (Lu et al. 2022b): second-order multistep solver in lambda = log(alpha / sigma), one evaluation a
// step. Usual choice at 15-30 steps.
#pragma once
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <string_view>
#include <tuple>
#include <utility>

#include "vgen/samplers/brownian.hpp"
#include "vgen/samplers/step.hpp"

namespace vgen::samplers {

// How the second-order term is integrated; both are second order.
enum class SecondOrder { midpoint, heun };
constexpr auto enum_names(SecondOrder) {
  return std::array{std::pair{SecondOrder::midpoint, "midpoint"}, std::pair{SecondOrder::heun, "heun"}};
}

struct Dpmpp2mOptions {
  static constexpr std::string_view kind = "dpmpp_2m";
  int steps = 25;
  SecondOrder solver = SecondOrder::midpoint;
  GridOptions grid = {};
  bool lower_order_final = true;
  bool operator==(const Dpmpp2mOptions&) const = default;
  static constexpr auto fields() {
    return std::tuple{field("steps", &Dpmpp2mOptions::steps, "denoising steps = network evaluations"),
                      field("solver", &Dpmpp2mOptions::solver, "midpoint or heun"),
                      field("grid", &Dpmpp2mOptions::grid, "spacing, Karras sigmas, last sigma"),
                      field("lower_order_final", &Dpmpp2mOptions::lower_order_final,
                            "below 15 steps the last is first order (it always is when it ends clean)")};
  }
};

namespace detail {
// 2M with noise of strength eta (0: the ODE; 1: the reverse SDE), on a grid. `noise` is asked in each step that adds
// noise.
inline Tensor dpmpp_2m_run(std::string_view who, const Denoiser& denoiser, const SamplingGrid& grid, Tensor x,
                           double eta, double s_noise, SecondOrder solver, bool lower_order_final,
                           const IntervalNoise& noise, const OnStep& on_step) {
  const int n = grid.steps();
  Tensor before;
  double h_before = 0;
  for (int i = 0; i < n; ++i) {
    const NoiseLevel &from = grid.state[i], &to = grid.state[i + 1];
    const Denoised d = denoiser(x, grid.network[i]);
    const double h = to.lambda() - from.lambda();
    const bool first_order = !before.defined() || to.sigma == 0 || (i == n - 1 && lower_order_final && n < 15);
    if (to.sigma == 0) {
      x = d.x0;
    } else if (from.alpha == 0) {
      // from pure noise the sample is that noise: it is carried on, not drawn anew
      x = to.alpha * d.x0 + to.sigma * x;
    } else if (h > 0) {  // a grid may end with its smallest sigma twice: nothing happens between them
      const double H = h * (1 + eta), gain = -std::expm1(-H);
      x = (to.sigma / from.sigma * std::exp(-eta * h)) * x + (to.alpha * gain) * d.x0;
      if (!first_order) {
        const double r = h_before / h, weight = solver == SecondOrder::midpoint ? 0.5 * gain : 1 - gain / H;
        x = x + (to.alpha * weight / r) * (d.x0 - before);
      }
      if (eta > 0)
        x = x + (to.sigma * std::sqrt(-std::expm1(-2 * eta * h)) * s_noise) * noise(x, from.ve_sigma(), to.ve_sigma());
    }
    if (from.alpha > 0) before = d.x0, h_before = h;
    if (!report(who, on_step, i, n, grid.network[i], to, x, d.x0)) break;
  }
  return x;
}
}  // namespace detail

inline Tensor dpmpp_2m(const Denoiser& denoiser, const NoiseSchedule& schedule, Tensor noise,
                       const Dpmpp2mOptions& options = {}, const OnStep& on_step = {}) {
  const SamplingGrid grid = schedulers::multistep_grid("dpmpp_2m", schedule, options.steps, options.grid);
  return detail::dpmpp_2m_run("dpmpp_2m", denoiser, grid, std::move(noise), 0, 0, options.solver,
                              options.lower_order_final, {}, on_step);
}

}  // namespace vgen::samplers
