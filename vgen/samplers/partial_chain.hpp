// The last part of a DDIM chain with gradient through its last steps only: how InstructVideo tunes a model on a reward
// (Yuan et al. 2023; truncated as in DRaFT, Clark et al. 2023). The one place in samplers/ that switches gradients off,
// because that is its purpose.
#pragma once
#include <ATen/core/grad_mode.h>

#include <string_view>
#include <tuple>

#include "vgen/samplers/ddim.hpp"

namespace vgen::samplers {

struct PartialChainOptions {
  static constexpr std::string_view kind = "partial_chain";
  int steps = 20;
  double start = 0.6;
  int gradient_steps = 1;
  double eta = 0;
  bool operator==(const PartialChainOptions&) const = default;
  static constexpr auto fields() {
    return std::tuple{
        field("steps", &PartialChainOptions::steps, "steps of the whole DDIM chain"),
        field("start", &PartialChainOptions::start, "share of the chain that is run, counted from its end, in (0, 1]"),
        field("gradient_steps", &PartialChainOptions::gradient_steps, "last steps that keep gradient; 0 = none"),
        field("eta", &PartialChainOptions::eta, "as in ddim")};
  }
};

// The steps that are run: the last int(count start) of ddim's.
inline DdimGrid partial_chain_grid(const NoiseSchedule& schedule, const PartialChainOptions& o) {
  VGEN_CHECK(o.start > 0 && o.start <= 1, ConfigError, "partial_chain: start must be in (0, 1], got ", o.start,
             "; try 0.6");
  DdimGrid grid = ddim_grid(schedule, {.steps = o.steps, .eta = o.eta});
  const int keep = static_cast<int>(grid.from.size() * o.start), drop = static_cast<int>(grid.from.size()) - keep;
  VGEN_CHECK(keep >= 1, ConfigError, "partial_chain: start ", o.start, " of ", grid.from.size(),
             " steps leaves none; try ", 1.0 / grid.from.size());
  grid.from.erase(grid.from.begin(), grid.from.begin() + drop);
  grid.to.erase(grid.to.begin(), grid.to.begin() + drop);
  return grid;
}

// x: a sample at the level of the first step, partial_chain_grid(...).from[0]. Recomputation of activations is the
// model's matter.
inline Tensor partial_chain(const Denoiser& denoiser, const NoiseSchedule& schedule, Tensor x,
                            const NoiseSource& source, const PartialChainOptions& options = {},
                            const OnStep& on_step = {}) {
  detail::check_eta("partial_chain", options.eta);
  const DdimGrid grid = partial_chain_grid(schedule, options);
  const int n = static_cast<int>(grid.from.size()), kept = std::min(options.gradient_steps, n);
  VGEN_CHECK(options.gradient_steps >= 0, ConfigError, "partial_chain: gradient_steps must be >= 0, got ",
             options.gradient_steps, "; try 1");
  bool stopped = false;
  const OnStep counted = [&](Step& s) { return on_step ? !(stopped = !on_step(s)) : true; };
  const auto run = [&](int first, int last) {
    // indices of the whole run, not of each half
    const OnStep shifted = [&](Step& s) {
      s.index += first;
      s.total = n;
      return counted(s);
    };
    x = detail::ddim_run(denoiser, grid, first, last, x, source, options.eta, shifted);
  };
  {
    at::NoGradGuard no_grad;
    run(0, n - kept);
  }
  if (!stopped) run(n - kept, n);
  return x;
}

}  // namespace vgen::samplers
