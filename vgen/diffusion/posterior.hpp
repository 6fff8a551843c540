// Gaussians of the diffusion process: q(x_t | x0), q(x_{t-1} | x_t, x0), and the network's p(x_{t-1} | x_t) (Ho et al.
// 2020; learned variances: Nichol & Dhariwal 2021). All take one time a sample: t int64 [B].
#pragma once
#include <ATen/ops/cat.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/maximum.h>
#include <ATen/ops/minimum.h>
#include <ATen/ops/quantile.h>

#include <array>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

#include "vgen/core/options.hpp"
#include "vgen/diffusion/prediction.hpp"

namespace vgen::diffusion {

enum class Variance { learned, learned_range, fixed_large, fixed_small };
constexpr auto enum_names(Variance) {
  return std::array{std::pair{Variance::learned, "learned"}, std::pair{Variance::learned_range, "learned_range"},
                    std::pair{Variance::fixed_large, "fixed_large"}, std::pair{Variance::fixed_small, "fixed_small"}};
}
constexpr bool is_learned(Variance v) { return v == Variance::learned || v == Variance::learned_range; }

struct Gaussian {
  Tensor mean, variance, log_variance;  // the variances broadcast over the mean
};

// q(x_t | x0)
inline Gaussian q_gaussian(const NoiseSchedule& schedule, const Tensor& x0, const Tensor& t) {
  const auto& s = schedule.tables();
  std::vector<double> variance = s.alphas_cumprod;
  for (double& a : variance) a = 1 - a;
  return {at_times(s.alphas, t, x0) * x0, at_times(variance, t, x0), at_times(s.log_one_minus_alphas_cumprod, t, x0)};
}

// q(x_{t-1} | x_t, x0)
inline Gaussian q_posterior(const NoiseSchedule& schedule, const Tensor& x0, const Tensor& x_t, const Tensor& t) {
  const auto& s = schedule.tables();
  return {at_times(s.posterior_mean_x0, t, x0) * x0 + at_times(s.posterior_mean_xt, t, x0) * x_t,
          at_times(s.posterior_variance, t, x0), at_times(s.posterior_log_variance, t, x0)};
}

// Log-variance of a step of variance beta whose posterior variance is beta_tilde, from what the network says in [-1,
// 1].
inline Tensor learned_range_log_variance(const Tensor& raw, const Tensor& log_beta, const Tensor& log_beta_tilde) {
  const Tensor share = (raw + 1) / 2;
  return share * log_beta + (1 - share) * log_beta_tilde;
}

// Keeps x0 in [-limit, limit].
inline Tensor clamp_x0(const Tensor& x0, double limit) { return at::clamp(x0, -limit, limit); }

// Dynamic thresholding (Saharia et al. 2022): each sample is cut at the `share`-quantile of its |x0|, if that is above
// 1, and divided by it.
inline Tensor threshold_x0(const Tensor& x0, double share) {
  std::vector<std::int64_t> shape(x0.dim(), 1);
  shape[0] = x0.size(0);
  const Tensor wide = x0.scalar_type() == at::kDouble ? x0 : x0.to(at::kFloat);
  const Tensor s = at::quantile(wide.reshape({x0.size(0), -1}).abs(), share, 1).clamp_min(1.0).view(shape);
  return (at::minimum(at::maximum(wide, -s), s) / s).to(x0.scalar_type());
}

struct LimitOptions {
  static constexpr std::string_view kind = "limit";
  std::optional<double> clamp = {}, percentile = {};
  bool operator==(const LimitOptions&) const = default;
  static constexpr auto fields() {
    return std::tuple{field("clamp", &LimitOptions::clamp, "keep x0 in [-clamp, clamp]"),
                      field("percentile", &LimitOptions::percentile,
                            "dynamic thresholding at this quantile of |x0|, in (0, 1]; wins over clamp")};
  }
};
inline void validate(const LimitOptions& o) {
  VGEN_CHECK(!o.clamp || (*o.clamp > 0 && std::isfinite(*o.clamp)), ConfigError,
             "denoiser: clamp must be positive, got ", o.clamp.value_or(0), "; try 1");
  VGEN_CHECK(!o.percentile || (*o.percentile > 0 && *o.percentile <= 1), ConfigError,
             "denoiser: percentile must be in (0, 1], got ", o.percentile.value_or(0), "; try 0.995");
}
inline Tensor limit_x0(const Tensor& x0, const LimitOptions& o) {
  return o.percentile ? threshold_x0(x0, *o.percentile) : o.clamp ? clamp_x0(x0, *o.clamp) : x0;
}

struct Predicted {
  Gaussian previous;  // p(x_{t-1} | x_t)
  Tensor x0;
};

// p(x_{t-1} | x_t) from a network output, which has 2 C channels where the variance is learned. The mean uses x0 before
// the limit.
inline Predicted p_gaussian(const NoiseSchedule& schedule, Prediction prediction, Variance variance, const Tensor& out,
                            const Tensor& x_t, const Tensor& t, const LimitOptions& limit = {}) {
  validate(limit);
  const auto& s = schedule.tables();
  const std::int64_t channels = x_t.size(1);
  const bool learned = is_learned(variance);
  VGEN_CHECK(out.size(1) == (learned ? 2 : 1) * channels, ShapeError, "p_gaussian: the output must have ",
             (learned ? 2 : 1) * channels, " channels for variance ", name_of(variance), ", got ",
             shape_string(out.sizes()));
  const Tensor said = learned ? out.narrow(1, 0, channels) : out;
  const auto c = [&](const std::vector<double>& table) { return at_times(table, t, x_t); };
  const auto mapped = [](std::vector<double> table, auto f) {
    for (double& v : table) v = f(v);
    return table;
  };
  Predicted p;
  switch (prediction) {
    case Prediction::epsilon:
      p.x0 = c(s.sqrt_recip_alphas_cumprod) * x_t - c(s.sqrt_recipm1_alphas_cumprod) * said;
      break;
    case Prediction::v:
      p.x0 = c(s.alphas) * x_t - c(s.sigmas) * said;
      break;
    case Prediction::x0:
      p.x0 = said;
      break;
    case Prediction::previous: {
      std::vector<double> ratio = s.posterior_mean_xt;
      for (std::size_t i = 0; i < ratio.size(); ++i) ratio[i] /= s.posterior_mean_x0[i];
      p.x0 = c(mapped(s.posterior_mean_x0, [](double v) { return 1 / v; })) * said - c(ratio) * x_t;
      break;
    }
  }
  p.previous.mean =
      prediction == Prediction::previous ? said : c(s.posterior_mean_x0) * p.x0 + c(s.posterior_mean_xt) * x_t;
  switch (variance) {
    case Variance::learned:
      p.previous.log_variance = out.narrow(1, channels, channels);
      break;
    case Variance::learned_range:
      p.previous.log_variance = learned_range_log_variance(out.narrow(1, channels, channels),
                                                           c(mapped(s.betas, [](double b) { return std::log(b); })),
                                                           c(s.posterior_log_variance));
      break;
    case Variance::fixed_large:
      p.previous.variance = c(s.fixed_large_variance);
      p.previous.log_variance = c(mapped(s.fixed_large_variance, [](double b) { return std::log(b); }));
      break;
    case Variance::fixed_small:
      p.previous.variance = c(s.posterior_variance);
      p.previous.log_variance = c(s.posterior_log_variance);
      break;
  }
  if (learned) p.previous.variance = p.previous.log_variance.exp();
  p.x0 = limit_x0(p.x0, limit);
  return p;
}

}  // namespace vgen::diffusion
