// Sigma lists that do not follow a training schedule: Karras et al. 2022 (eq. 5) and exponential.
#pragma once
#include <cmath>
#include <vector>

#include "vgen/schedulers/betas.hpp"

namespace vgen::schedulers {

// n values of sigma / alpha from largest to smallest, evenly spaced in their rho-th root.
inline std::vector<double> karras_sigmas(int n, double smallest, double largest, double rho = 7) {
  const double from = std::pow(largest, 1 / rho), to = std::pow(smallest, 1 / rho);
  std::vector<double> out = linspace(0.0, 1.0, n);
  for (double& s : out) s = std::pow(from + s * (to - from), rho);
  return out;
}

// Evenly spaced in the logarithm.
inline std::vector<double> exponential_sigmas(int n, double smallest, double largest) {
  std::vector<double> out = linspace(std::log(largest), std::log(smallest), n);
  for (double& s : out) s = std::exp(s);
  return out;
}

}  // namespace vgen::schedulers
