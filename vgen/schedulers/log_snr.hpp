// Schedules given by log-SNR: cosine, shifted for resolution and interpolated between two shifts (Hoogeboom et al.
// 2023, "simple diffusion"). VGen's super-resolution model samples with the interpolated one. All in float32, as it was
// trained: near pure noise sigma is within a few float32 steps of 1, and alpha = sqrt(1 - sigma^2) depends on that
// rounding.
#pragma once
#include <cmath>
#include <vector>

#include "vgen/schedulers/betas.hpp"

namespace vgen::schedulers {

namespace detail {
// A function of a float32 value, rounded once: what float32 libraries of quality agree on.
template <class F>
float once(F f, float x) {
  return static_cast<float>(f(static_cast<double>(x)));
}
}  // namespace detail

// log SNR of length steps, from max (clean) to min (noise): -2 log tan, linear in the angle.
inline std::vector<float> cosine_log_snr(int steps, double min = -15, double max = 15) {
  const double noisy = std::atan(std::exp(-0.5 * min)), clean = std::atan(std::exp(-0.5 * max));
  std::vector<float> out = linspace<float>(1, 0, steps);
  for (float& u : out) {
    const float angle = static_cast<float>(noisy) + u * static_cast<float>(clean - noisy);
    const float tangent = detail::once([](double x) { return std::tan(x); }, angle);
    u = -2.0f * detail::once([](double x) { return std::log(x); }, tangent);
  }
  return out;
}

// sigma_t = sqrt(sigmoid(-log SNR)) with log SNR going from the shift for scale_min at the clean end to that for
// scale_max at the noisy end.
inline std::vector<float> log_snr_cosine_interpolated_sigmas(int steps, double min = -15, double max = 15,
                                                             double scale_min = 2, double scale_max = 4) {
  const std::vector<float> base = cosine_log_snr(steps, min, max), weight = linspace<float>(1, 0, steps);
  const float near = static_cast<float>(2 * std::log(1.0 / scale_min)),
              far = static_cast<float>(2 * std::log(1.0 / scale_max));
  std::vector<float> sigma(steps);
  for (int t = 0; t < steps; ++t) {
    const float log_snr = weight[t] * (base[t] + near) + (1.0f - weight[t]) * (base[t] + far);
    sigma[t] = std::sqrt(1.0f / (1.0f + detail::once([](double x) { return std::exp(x); }, log_snr)));
  }
  return sigma;
}

}  // namespace vgen::schedulers
