// The variational bound of a model over all T steps (Ho et al. 2020; Nichol & Dhariwal 2021), in bits per dimension.
#pragma once
#include <ATen/ops/full.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros_like.h>

#include "vgen/diffusion/guidance.hpp"
#include "vgen/diffusion/loss.hpp"
#include "vgen/diffusion/noise.hpp"

namespace vgen::diffusion {

struct VariationalBound {
  Tensor terms;   // [B, T], column n is step T - 1 - n
  Tensor x0_mse;  // [B, T], error of the predicted x0
  Tensor prior;   // [B], KL(q(x_T | x0) || N(0, 1))
  Tensor total;   // [B], prior + sum of terms
};

// KL(q(x_t | x0) || N(0, 1)) in bits per dimension, [B]: what is left of x0 at time t.
inline Tensor prior_bits(const NoiseSchedule& schedule, const Tensor& x0, int t) {
  const Gaussian q = q_gaussian(schedule, x0, at::full({x0.size(0)}, t, x0.options().dtype(at::kLong)));
  const Tensor zero = at::zeros_like(q.mean);
  return detail::mean_per_sample(detail::gaussian_kl(q.mean, q.log_variance, zero, zero)) / std::numbers::ln2;
}

// Needs a model with a learned variance (2 C output channels). One draw of noise a step, from T - 1 down.
inline VariationalBound variational_bound(const Model& model, const NoiseSchedule& schedule, Prediction prediction,
                                          Variance variance, const Tensor& x0, const NoiseSource& noise,
                                          const LimitOptions& limit = {}) {
  VariationalBound bound;
  std::vector<Tensor> terms, errors;
  for (int step = schedule.steps() - 1; step >= 0; --step) {
    const Tensor t = at::full({x0.size(0)}, step, x0.options().dtype(at::kLong));
    const Tensor x_t = add_noise(schedule, x0, noise(x0), t);
    Tensor predicted;
    terms.push_back(variational_term(schedule, prediction, variance, model(x_t, t), x0, x_t, t, limit, &predicted));
    errors.push_back(detail::mean_per_sample((predicted - x0).square()));
  }
  bound.terms = at::stack(terms, 1);
  bound.x0_mse = at::stack(errors, 1);
  bound.prior = prior_bits(schedule, x0, schedule.steps() - 1);
  bound.total = bound.terms.sum(1) + bound.prior;
  return bound;
}

}  // namespace vgen::diffusion
