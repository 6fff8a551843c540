// Zero terminal SNR (Lin et al. 2023, "Common Diffusion Noise Schedules and Sample Steps are Flawed"): shifts and scales sqrt(alphas_cumprod)
// so that its last value is exactly 0 and its first stays.
#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

namespace vgen::schedulers {

// Betas that already end in pure noise (largest beta within 1e-4 of 1) come back unchanged.
inline std::vector<double> zero_terminal_snr(std::vector<double> betas) {
  if (std::abs(*std::max_element(betas.begin(), betas.end()) - 1) <= 1e-4) return betas;
  std::vector<double> s(betas.size());
  double product = 1;
  for (std::size_t t = 0; t < s.size(); ++t) s[t] = std::sqrt(product *= 1 - betas[t]);
  const double first = s.front(), last = s.back(), scale = first / (first - last);
  double before = 1;
  for (std::size_t t = 0; t < s.size(); ++t) {
    const double root = (s[t] - last) * scale, square = root * root;
    betas[t] = 1 - square / before;
    before = square;
  }
  return betas;
}

}  // namespace vgen::schedulers
