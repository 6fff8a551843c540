// Denoiser: all that a sampler knows of a model. Given a noisy sample and its noise level, the clean sample and the
// noise in it.
#pragma once
#include <ATen/ops/full.h>

#include <cmath>
#include <functional>
#include <string_view>
#include <tuple>
#include <utility>

#include "vgen/core/options.hpp"
#include "vgen/diffusion/guidance.hpp"
#include "vgen/diffusion/posterior.hpp"
#include "vgen/diffusion/prediction.hpp"

namespace vgen::diffusion {

using Denoiser = std::function<Denoised(const Tensor& x, const NoiseLevel& at)>;

struct DenoiserOptions {
  static constexpr std::string_view kind = "denoiser";
  Prediction prediction = Prediction::v;
  Variance variance = Variance::fixed_small;
  LimitOptions limit = {};
  bool operator==(const DenoiserOptions&) const = default;
  static constexpr auto fields() {
    return std::tuple{
        field("prediction", &DenoiserOptions::prediction, "what the network predicts: epsilon, v, x0, previous"),
        field("variance", &DenoiserOptions::variance,
              "learned kinds: the network has 2 C channels, the second half is variance"),
        field("limit", &DenoiserOptions::limit, "keeps x0 in range; eps is then derived from the limited x0")};
  }
};

// The network's time argument, [B]: int64 where the level's t is whole and not marked real_time, else float32.
inline Tensor time_tensor(const NoiseLevel& at, const Tensor& x) {
  const bool whole = !at.real_time && at.t == std::floor(at.t);
  if (whole) return at::full({x.size(0)}, static_cast<std::int64_t>(at.t), x.options().dtype(at::kLong));
  return at::full({x.size(0)}, at.t, x.options().dtype(at::kFloat));
}

// A model with a known schedule and prediction kind becomes a denoiser. The level that the sampler passes decides alpha
// and sigma, the schedule only those of `previous` models.
inline Denoiser denoiser(Model model, NoiseSchedule schedule, DenoiserOptions options) {
  validate(options.limit);
  return [model = std::move(model), schedule = std::move(schedule), options](const Tensor& x, const NoiseLevel& at) {
    Tensor out = model(x, time_tensor(at, x)), variance;
    if (is_learned(options.variance)) {
      const std::int64_t channels = x.size(1);
      VGEN_CHECK(out.dim() == x.dim() && out.size(1) == 2 * channels, ShapeError,
                 "denoiser: a model that learned its variance must return ", 2 * channels, " channels, got ",
                 shape_string(out.sizes()));
      variance = out.narrow(1, channels, channels);
      out = out.narrow(1, 0, channels);
    }
    VGEN_CHECK(out.sizes() == x.sizes(), ShapeError, "denoiser: the model returned ", shape_string(out.sizes()),
               " for a sample ", shape_string(x.sizes()));
    Denoised d = interpret(options.prediction, x, out, at, schedule);
    d.variance = variance;
    if (options.limit.clamp || options.limit.percentile) {
      d.x0 = limit_x0(d.x0, options.limit);
      d.eps = eps_from_x0(x, d.x0, at.alpha, at.sigma);
    }
    return d;
  };
}
inline Denoiser denoiser(Model model, NoiseSchedule schedule, Prediction prediction = Prediction::v) {
  return denoiser(std::move(model), std::move(schedule), DenoiserOptions{.prediction = prediction});
}

}  // namespace vgen::diffusion
