// Euler with ancestral noise ("Euler a"; k-diffusion): each step goes below its sigma and fresh noise brings it back
// up.
#pragma once
#include <string_view>
#include <tuple>

#include "vgen/samplers/dpmpp_sde.hpp"

namespace vgen::samplers {

struct EulerAncestralOptions {
  static constexpr std::string_view kind = "euler_ancestral";
  int steps = 30;
  double eta = 1;
  GridOptions grid = {};
  Start start = Start::automatic;
  bool operator==(const EulerAncestralOptions&) const = default;
  static constexpr auto fields() {
    return std::tuple{
        field("steps", &EulerAncestralOptions::steps, "denoising steps = network evaluations"),
        field("eta", &EulerAncestralOptions::eta, "0 = euler, 1 = as much fresh noise as the process itself"),
        field("grid", &EulerAncestralOptions::grid, "spacing, Karras sigmas, last sigma"),
        field("start", &EulerAncestralOptions::start,
              "unit: the start as it is; sigma: times the first sigma; automatic: by spacing, as diffusers")};
  }
};

inline Tensor euler_ancestral(const Denoiser& denoiser, const NoiseSchedule& schedule, Tensor noise,
                              const NoiseSource& source, const EulerAncestralOptions& options = {},
                              const OnStep& on_step = {}) {
  detail::check_eta("euler_ancestral", options.eta);
  const SamplingGrid grid = schedulers::euler_grid("euler_ancestral", schedule, options.steps, options.grid);
  const int n = grid.steps();
  Tensor x = detail::started(std::move(noise), options.start, grid, &options.grid);
  for (int i = 0; i < n; ++i) {
    const NoiseLevel &from = grid.state[i], &to = grid.state[i + 1];
    const Denoised d = denoiser(x, grid.network[i]);
    const auto split = detail::ancestral_split(from.ve_sigma(), to.ve_sigma(), options.eta);
    x = to.alpha * d.x0 + (to.alpha * split.down) * d.eps;
    if (split.up > 0) x = x + (to.alpha * split.up) * source(x);
    if (!detail::report("euler_ancestral", on_step, i, n, grid.network[i], to, x, d.x0)) break;
  }
  return x;
}

}  // namespace vgen::samplers
