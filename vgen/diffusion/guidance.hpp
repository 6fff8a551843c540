// Classifier-free guidance (Ho & Salimans 2022, eq. 6) on network outputs, with rescaling (Lin et al. 2023) and several
// conditions (Liu et al. 2022).
#pragma once
#include <ATen/ops/cat.h>

#include <cmath>
#include <functional>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "vgen/core/options.hpp"
#include "vgen/diffusion/posterior.hpp"

namespace vgen::diffusion {

// A network with its conditions bound: (x [B, C, ...], t [B]) -> output of x's shape (2 C channels where the variance
// is learned). t is int64 where it is whole, float32 where it is fractional or the sampler says so.
using Model = std::function<Tensor(const Tensor& x, const Tensor& t)>;

struct GuidanceOptions {
  static constexpr std::string_view kind = "guidance";
  double scale = 9.0;
  double rescale = 0.0;
  Variance variance = Variance::fixed_small;
  bool operator==(const GuidanceOptions&) const = default;
  static constexpr auto fields() {
    return std::tuple{
        field("scale", &GuidanceOptions::scale, "1 = the condition alone (half the cost), higher follows it more"),
        field("rescale", &GuidanceOptions::rescale,
              "in [0, 1]: share of the standard deviation of the conditional output that is restored"),
        field("variance", &GuidanceOptions::variance,
              "learned kinds: the second half of the channels is not guided but taken from the condition")};
  }
};

inline void validate(const GuidanceOptions& o) {
  VGEN_CHECK(std::isfinite(o.scale), ConfigError, "guidance: scale must be a finite number, got ", o.scale, "; try 9");
  VGEN_CHECK(o.rescale >= 0 && o.rescale <= 1, ConfigError, "guidance: rescale must be in [0, 1], got ", o.rescale,
             "; try ", o.rescale > 1 ? 1 : 0);
}

// Scales `guided` so that its deviation over each sample goes a share `phi` of the way back to that of `cond`.
inline Tensor rescale_guided(const Tensor& guided, const Tensor& cond, double phi) {
  if (phi == 0) return guided;
  std::vector<std::int64_t> dims;
  for (std::int64_t d = 1; d < guided.dim(); ++d) dims.push_back(d);
  const Tensor ratio = cond.std(dims, /*unbiased=*/true, /*keepdim=*/true) / (guided.std(dims, true, true) + 1e-12);
  return guided * (phi * ratio + (1 - phi));
}

// uncond + scale (cond - uncond), in the dtype of the outputs.
inline Tensor guide(const Tensor& cond, const Tensor& uncond, const GuidanceOptions& o = {}) {
  const bool learned = is_learned(o.variance);
  const std::int64_t channels = learned ? cond.size(1) / 2 : cond.size(1);
  const Tensor y = learned ? cond.narrow(1, 0, channels) : cond, u = learned ? uncond.narrow(1, 0, channels) : uncond;
  const Tensor out = rescale_guided(u + o.scale * (y - u), y, o.rescale);
  return learned ? at::cat({out, cond.narrow(1, channels, channels)}, 1) : out;
}

// Two calls, the condition first. scale 1 leaves the second out.
inline Model guided(Model cond, Model uncond, const GuidanceOptions& options = {}) {
  validate(options);
  if (options.scale == 1) return cond;
  return [cond = std::move(cond), uncond = std::move(uncond), options](const Tensor& x, const Tensor& t) {
    const Tensor y = cond(x, t);
    return guide(y, uncond(x, t), options);
  };
}

// One call: `both` is given the batch twice, conditional half first, and holds the conditions stacked the same way.
inline Model guided_in_one_batch(Model both, const GuidanceOptions& options = {}) {
  validate(options);
  return [both = std::move(both), options](const Tensor& x, const Tensor& t) {
    const Tensor out = both(at::cat({x, x}, 0), at::cat({t, t}, 0));
    const std::int64_t batch = x.size(0);
    return guide(out.narrow(0, 0, batch), out.narrow(0, batch, batch), options);
  };
}

// uncond + sum of scale_i (cond_i - uncond): several conditions, each with its own scale. Rescaled towards the first.
inline Model guided(std::vector<std::pair<Model, double>> conditions, Model uncond, double rescale = 0) {
  VGEN_CHECK(!conditions.empty(), ConfigError, "guidance: needs at least one condition");
  for (const auto& [model, scale] : conditions) validate(GuidanceOptions{.scale = scale, .rescale = rescale});
  return [conditions = std::move(conditions), uncond = std::move(uncond), rescale](const Tensor& x, const Tensor& t) {
    const Tensor u = uncond(x, t);
    Tensor out = u, first;
    for (const auto& [model, scale] : conditions) {
      const Tensor y = model(x, t);
      if (!first.defined()) first = y;
      out = out + scale * (y - u);
    }
    return rescale_guided(out, first, rescale);
  };
}

}  // namespace vgen::diffusion
