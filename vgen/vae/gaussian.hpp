// Diagonal Gaussian posterior of an autoencoder (Kingma & Welling 2014, appendix B and C.2).
#pragma once
#include <ATen/TensorOperators.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include "vgen/tensor/random.hpp"
#include "vgen/tensor/tensor.hpp"

namespace vgen::vae {

// N(mean, exp(logvar)) over all axes but the first. The log variance is clamped to [-30, 20] so that a badly trained
// encoder cannot overflow. A deterministic one has variance 0: every sample is the mean, and divergences are 0.
struct DiagonalGaussian {
  Tensor mean, logvar;  // [N, C, ...]
  bool deterministic = false;

  // moments [N, 2C, ...]: mean, then log variance along axis 1.
  static DiagonalGaussian from_moments(const Tensor& moments, bool deterministic = false) {
    VGEN_CHECK(moments.dim() >= 2 && moments.size(1) % 2 == 0, ShapeError,
               "gaussian: moments must be [N, 2 C, ...], got ", shape_string(moments.sizes()));
    const auto halves = moments.chunk(2, 1);
    return {halves[0], at::clamp(halves[1], -30.0, 20.0), deterministic};
  }

  Tensor stddev() const { return deterministic ? at::zeros_like(mean) : at::exp(0.5 * logvar); }
  Tensor variance() const { return deterministic ? at::zeros_like(mean) : at::exp(logvar); }
  Tensor mode() const { return mean; }
  // mean + stddev * noise. Gradients flow to mean and logvar.
  Tensor sample(const NoiseSource& noise) const { return mean + stddev() * noise(mean); }

  // KL(this || N(0, 1)) [N]; zero [1] if deterministic.
  Tensor kl() const {
    if (deterministic) return at::zeros({1}, mean.options());
    return 0.5 * total(mean * mean + variance() - 1.0 - logvar);
  }
  // KL(this || other) [N].
  Tensor kl(const DiagonalGaussian& other) const {
    if (deterministic) return at::zeros({1}, mean.options());
    const Tensor d = mean - other.mean, v = other.variance();
    return 0.5 * total(d * d / v + variance() / v - 1.0 - logvar + other.logvar);
  }
  // -log p(x) [N].
  Tensor nll(const Tensor& x) const {
    if (deterministic) return at::zeros({1}, mean.options());
    const Tensor d = x - mean;
    constexpr double log_two_pi = 1.8378770664093454836;
    return 0.5 * total(log_two_pi + logvar + d * d / variance());
  }

 private:
  static Tensor total(const Tensor& x) { return x.flatten(1).sum(1); }
};

}  // namespace vgen::vae
