// The forward process: clean sample -> noisy sample, and the noise it uses.
#pragma once
#include "vgen/diffusion/coefficients.hpp"
#include "vgen/tensor/random.hpp"

namespace vgen::diffusion {

// x_t = alpha_t x0 + sigma_t eps with a time for each sample: t int64 [B].
inline Tensor add_noise(const NoiseSchedule& schedule, const Tensor& x0, const Tensor& eps, const Tensor& t) {
  return at_times(schedule.tables().alphas, t, x0) * x0 + at_times(schedule.tables().sigmas, t, x0) * eps;
}
// The same at one level for the whole batch.
inline Tensor add_noise(const Tensor& x0, const Tensor& eps, const NoiseLevel& at) {
  return at.alpha * x0 + at.sigma * eps;
}

// Offset noise: one value a sample, channel and frame is added to white noise eps [B, C, F, H, W]. Not renormalised:
// the variance is 1 + strength^2. `source` is asked once, for [B, C, F, 1, 1].
inline Tensor offset_noise(const Tensor& eps, double strength, const NoiseSource& source) {
  if (strength == 0) return eps;
  VGEN_CHECK(std::isfinite(strength) && strength > 0, ConfigError, "offset noise: strength must be >= 0, got ",
             strength, "; try 0.1");
  VGEN_CHECK(eps.dim() == 5, ShapeError, "offset noise: needs noise [B, C, F, H, W], got ", shape_string(eps.sizes()));
  return eps + strength * source(eps.narrow(3, 0, 1).narrow(4, 0, 1));
}

// White noise, then its offset: the order in which the reference draws.
inline Tensor draw_noise(const Tensor& like, double offset_strength, const NoiseSource& source) {
  return offset_noise(source(like), offset_strength, source);
}

}  // namespace vgen::diffusion
