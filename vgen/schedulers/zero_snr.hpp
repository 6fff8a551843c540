// Zero terminal SNR (Lin et al. 2023, "Common Diffusion Noise Schedules and Sample Steps are Flawed"): shifts and
// scales sqrt(alphas_cumprod) so that its last value is exactly 0 and its first stays.
#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

namespace vgen::schedulers {

// Betas that already end in pure noise (largest beta within 1e-4 of 1) come back unchanged. Real float: in float32 with
// the rounding of diffusers.
template <class Real>
std::vector<Real> zero_terminal_snr(std::vector<Real> betas) {
  if (std::abs(*std::max_element(betas.begin(), betas.end()) - Real(1)) <= Real(1e-4)) return betas;
  std::vector<Real> s(betas.size());
  double product = 1;
  for (std::size_t t = 0; t < s.size(); ++t) s[t] = std::sqrt(static_cast<Real>(product *= Real(1) - betas[t]));
  const Real first = s.front(), last = s.back(), scale = first / (first - last);
  Real before = 1;
  for (std::size_t t = 0; t < s.size(); ++t) {
    const Real root = (s[t] - last) * scale, square = root * root;
    betas[t] = Real(1) - square / before;
    before = square;
  }
  return betas;
}

}  // namespace vgen::schedulers
