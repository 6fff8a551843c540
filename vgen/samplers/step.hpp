// What all samplers share: the step report, cancellation, the check for NaN.
//
// Every sampler works on variance-preserving samples x = alpha x0 + sigma eps, also those that their papers write in
// sigma = sigma / alpha space: a latent means the same everywhere, unit noise is the start of all of them, and one
// sampler can go on where another stopped. A sampler is a free function of (denoiser, schedule, start, [noise source],
// options, on_step). It knows no model and no device, changes no grad mode, creates no generator.
//
// Start and result have any shape [B, ...], the same. ConfigError: an option is out of range, or fresh noise is needed
// and no source is given. NumericsError: NaN after a step. What denoiser or callback throw passes through.
#pragma once
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>

#include <array>
#include <cmath>
#include <functional>
#include <string_view>
#include <utility>

#include "vgen/diffusion/denoiser.hpp"
#include "vgen/schedulers/grid.hpp"
#include "vgen/tensor/random.hpp"

namespace vgen::samplers {

using diffusion::Denoised;
using diffusion::Denoiser;
using schedulers::GridOptions;
using schedulers::NoiseLevel;
using schedulers::NoiseSchedule;
using schedulers::SamplingGrid;

struct Step {
  int index = 0, total = 0;  // 0-based; total steps of this run
  NoiseLevel from, to;       // levels before and after
  Tensor latent;             // the sample after the step; the callback may put another of the same shape in its place
  Tensor x0;                 // the clean sample that the model saw in it
};
// Called after each step. false stops: the sampler returns the latent it has. Exceptions pass through.
using OnStep = std::function<bool(Step&)>;

// Where a sigma-space sampler's start comes from. `unit`: the start is taken as it is. `sigma`: it is multiplied by the
// first sigma, the noise share of the first level (k-diffusion's x = noise sigma_max). `automatic`: what diffusers
// does: sigma for linspace and trailing, else unit.
enum class Start { automatic, unit, sigma };
constexpr auto enum_names(Start) {
  return std::array{std::pair{Start::automatic, "automatic"}, std::pair{Start::unit, "unit"},
                    std::pair{Start::sigma, "sigma"}};
}

namespace detail {
// Reports the step and returns whether to go on. NumericsError if the latent holds NaN or Inf.
inline bool report(std::string_view who, const OnStep& on_step, int index, int total, const NoiseLevel& from,
                   const NoiseLevel& to, Tensor& x, const Tensor& x0) {
  VGEN_CHECK(x.isfinite().all().item<bool>(), NumericsError, who, ": the latent holds NaN or Inf after step ",
             index + 1, " of ", total, " (t = ", from.t, "); check the weights, or use float32");
  if (!on_step) return true;
  Step step{index, total, from, to, x, x0};
  const bool go_on = on_step(step);
  VGEN_CHECK(step.latent.defined() && step.latent.sizes() == x.sizes(), ShapeError, who,
             ": the callback replaced a latent ", shape_string(x.sizes()), " by one of another shape");
  x = step.latent;
  return go_on;
}

inline void check_eta(std::string_view who, double eta) {
  VGEN_CHECK(eta >= 0 && eta <= 1, ConfigError, who, ": eta must be in [0, 1], got ", eta, "; try ", eta > 1 ? 1 : 0);
}
inline void check_not_negative(std::string_view who, std::string_view name, double value) {
  VGEN_CHECK(value >= 0 && std::isfinite(value), ConfigError, who, ": ", name, " must be >= 0, got ", value, "; try ",
             value < 0 ? 0 : 1);
}

inline Tensor started(Tensor x, Start start, const SamplingGrid& grid, const GridOptions* options) {
  if (start == Start::automatic)
    start = options && (options->spacing == schedulers::Spacing::linspace ||
                        options->spacing == schedulers::Spacing::trailing)
                ? Start::sigma
                : Start::unit;
  return start == Start::sigma ? x * grid.state[0].sigma : x;
}
}  // namespace detail

}  // namespace vgen::samplers
