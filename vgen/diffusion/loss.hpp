// Training losses on one denoising step (Ho et al. 2020; hybrid and variational losses: Nichol & Dhariwal 2021). Each
// returns one value a sample, [B].
#pragma once
#include <ATen/ops/cat.h>
#include <ATen/ops/log.h>
#include <ATen/ops/where.h>

#include <array>
#include <numbers>
#include <string_view>
#include <tuple>
#include <utility>

#include "vgen/core/options.hpp"
#include "vgen/diffusion/posterior.hpp"

namespace vgen::diffusion {

// rescaled_*: as without the prefix, but the variational term of a learned variance weighs T / 1000 (mse, l1) or T
// (kl).
enum class Loss { mse, rescaled_mse, l1, rescaled_l1, charbonnier, kl, rescaled_kl };
constexpr auto enum_names(Loss) {
  return std::array{std::pair{Loss::mse, "mse"},
                    std::pair{Loss::rescaled_mse, "rescaled_mse"},
                    std::pair{Loss::l1, "l1"},
                    std::pair{Loss::rescaled_l1, "rescaled_l1"},
                    std::pair{Loss::charbonnier, "charbonnier"},
                    std::pair{Loss::kl, "kl"},
                    std::pair{Loss::rescaled_kl, "rescaled_kl"}};
}

struct LossOptions {
  static constexpr std::string_view kind = "loss";
  Loss loss = Loss::mse;
  Prediction prediction = Prediction::v;
  Variance variance = Variance::fixed_small;
  double epsilon = 1e-12;
  bool frame_diversity = false;
  bool operator==(const LossOptions&) const = default;
  static constexpr auto fields() {
    return std::tuple{
        field("loss", &LossOptions::loss, "mse, l1, charbonnier, kl; rescaled_mse, rescaled_l1, rescaled_kl"),
        field("prediction", &LossOptions::prediction, "what the network predicts: epsilon, v, x0, previous"),
        field("variance", &LossOptions::variance, "learned kinds add the variational bound for the variance channels"),
        field("epsilon", &LossOptions::epsilon, "inside the root of the charbonnier loss"),
        field("frame_diversity", &LossOptions::frame_diversity,
              "epsilon models: adds 0.001 / (deviation of x0 over the frames)")};
  }
};

// Optional parts of a call.
struct LossInputs {
  Tensor weight = {};  // [B], multiplies the loss of each sample
  Tensor mask = {};  // broadcasts over [B, C, F, H, W]; output and target are multiplied by it. The mean is still over
                     // all elements.
};

namespace detail {
inline Tensor mean_per_sample(const Tensor& x) { return x.flatten(1).mean(1); }

// KL(N(mean1, var1) || N(mean2, var2)) elementwise, in nats.
inline Tensor gaussian_kl(const Tensor& mean1, const Tensor& log_var1, const Tensor& mean2, const Tensor& log_var2) {
  return 0.5 *
         (-1.0 + log_var2 - log_var1 + (log_var1 - log_var2).exp() + (mean1 - mean2).square() * (-log_var2).exp());
}

// -log of the mass that N(mean, exp(log_scale)^2) gives to the bin of width 2 / 255 around x; the outer bins are open.
// tanh approximates the normal CDF.
inline Tensor discretised_gaussian_nll(const Tensor& x, const Tensor& mean, const Tensor& log_scale) {
  const auto cdf = [](const Tensor& z) {
    return 0.5 * (1.0 + (std::sqrt(2 / std::numbers::pi) * (z + 0.044715 * z.pow(3))).tanh());
  };
  const Tensor centred = x - mean, inverse = (-log_scale).exp();
  const Tensor above = cdf(inverse * (centred + 1.0 / 255)), below = cdf(inverse * (centred - 1.0 / 255));
  const auto safe_log = [](const Tensor& p) { return p.clamp_min(1e-12).log(); };
  return -at::where(x < -0.999, safe_log(above), at::where(x > 0.999, safe_log(1.0 - below), safe_log(above - below)));
}
}  // namespace detail

// One term of the variational bound in bits per dimension, [B]: KL(q(x_{t-1} | x_t, x0) || p), and at t = 0 the
// negative log-likelihood, which the reference takes at the *predicted* x0. `out` must carry learned variance channels.
inline Tensor variational_term(const NoiseSchedule& schedule, Prediction prediction, Variance variance,
                               const Tensor& out, const Tensor& x0, const Tensor& x_t, const Tensor& t,
                               const LimitOptions& limit = {}, Tensor* predicted_x0 = nullptr) {
  VGEN_CHECK(is_learned(variance), ConfigError,
             "variational bound: needs a learned variance (learned or learned_range), got ", name_of(variance));
  const Gaussian truth = q_posterior(schedule, x0, x_t, t);
  const Predicted p = p_gaussian(schedule, prediction, variance, out, x_t, t, limit);
  const Tensor kl = detail::mean_per_sample(
      detail::gaussian_kl(truth.mean, truth.log_variance, p.previous.mean, p.previous.log_variance));
  const Tensor nll =
      detail::mean_per_sample(detail::discretised_gaussian_nll(p.x0, p.previous.mean, 0.5 * p.previous.log_variance));
  if (predicted_x0) *predicted_x0 = p.x0;
  return at::where(t == 0, nll, kl) / std::numbers::ln2;
}

// Loss of the network output `out` at (x_t, t), where x_t = add_noise(schedule, x0, eps, t). x0, eps, x_t [B, C, F, H,
// W]; t int64 [B]. -> [B]
inline Tensor training_loss(const NoiseSchedule& schedule, const Tensor& out, const Tensor& x0, const Tensor& eps,
                            const Tensor& x_t, const Tensor& t, const LossOptions& o = {}, const LossInputs& in = {}) {
  const double steps = schedule.steps();
  if (o.loss == Loss::kl || o.loss == Loss::rescaled_kl) {
    const Tensor bound = variational_term(schedule, o.prediction, o.variance, out, x0, x_t, t);
    return o.loss == Loss::kl ? bound : bound * steps;
  }
  const bool rescaled = o.loss == Loss::rescaled_mse || o.loss == Loss::rescaled_l1;
  Tensor said = out, bound;
  if (is_learned(o.variance)) {
    const std::int64_t channels = x0.size(1);
    VGEN_CHECK(out.size(1) == 2 * channels, ShapeError, "loss: a learned variance needs ", 2 * channels,
               " output channels, got ", out.size(1));
    said = out.narrow(1, 0, channels);
    // the mean learns from the regression alone
    const Tensor variance_only = at::cat({said.detach(), out.narrow(1, channels, channels)}, 1);
    bound = variational_term(schedule, o.prediction, o.variance, variance_only, x0, x_t, t);
    if (rescaled) bound = bound * (steps / 1000);
  }
  VGEN_CHECK(said.sizes() == x0.sizes(), ShapeError, "loss: output ", shape_string(said.sizes()), " for samples ",
             shape_string(x0.sizes()));
  Tensor wanted = target(o.prediction, schedule, x0, eps, t, x_t);
  Tensor compared = said;
  if (in.mask.defined()) compared = compared * in.mask, wanted = wanted * in.mask;
  const Tensor difference = compared - wanted;
  Tensor loss;
  switch (o.loss) {
    case Loss::charbonnier:
      loss = (difference.square() + o.epsilon).sqrt();
      break;
    case Loss::l1:
    case Loss::rescaled_l1:
      loss = difference.abs();
      break;
    default:
      loss = difference.square();
  }
  loss = detail::mean_per_sample(loss);
  if (in.weight.defined()) {
    VGEN_CHECK(in.weight.dim() == 1 && in.weight.size(0) == x0.size(0), ShapeError, "loss: weight must be [",
               x0.size(0), "], got ", shape_string(in.weight.sizes()));
    loss = loss * in.weight;
  }
  if (o.frame_diversity && o.prediction == Prediction::epsilon && x0.dim() == 5 && x0.size(2) > 1) {
    const auto& s = schedule.tables();
    const Tensor clean =
        at_times(s.sqrt_recip_alphas_cumprod, t, x_t) * x_t - at_times(s.sqrt_recipm1_alphas_cumprod, t, x_t) * said;
    loss = loss + 0.001 / (detail::mean_per_sample(clean.std(std::vector<std::int64_t>{2}, true)) + 1e-4);
  }
  return bound.defined() ? loss + bound : loss;
}

// What reward tuning reads beside the regression loss (InstructVideo; Yuan et al. 2023): predicted x0 and the
// log-probability of the one-step estimate.
struct RewardTerms {
  Tensor loss, x0, log_prob;  // [B], [B, C, F, H, W], [B]
};
// Epsilon models only; mse or l1.
inline RewardTerms reward_terms(const NoiseSchedule& schedule, const Tensor& out, const Tensor& eps, const Tensor& x_t,
                                const Tensor& t, Loss loss = Loss::mse) {
  VGEN_CHECK(loss == Loss::mse || loss == Loss::rescaled_mse || loss == Loss::l1 || loss == Loss::rescaled_l1,
             ConfigError, "reward terms: loss must be mse or l1, got ", name_of(loss));
  const auto& s = schedule.tables();
  const Tensor beta = at_times(s.betas, t, x_t), root = (1 - beta).sqrt();
  const Tensor difference = out - eps;
  const Tensor previous = (x_t - beta.sqrt() * out) / root;
  const Tensor log_prob = -0.5 * at::log(2 * std::numbers::pi * beta) - (previous - x_t / root).square() / (2 * beta);
  const bool square = loss == Loss::mse || loss == Loss::rescaled_mse;
  return {detail::mean_per_sample(square ? difference.square() : difference.abs()),
          at_times(s.sqrt_recip_alphas_cumprod, t, x_t) * x_t - at_times(s.sqrt_recipm1_alphas_cumprod, t, x_t) * out,
          detail::mean_per_sample(log_prob)};
}

}  // namespace vgen::diffusion
