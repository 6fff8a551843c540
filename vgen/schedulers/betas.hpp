// Beta schedules: linear (Ho et al. 2020), scaled linear (Rombach et al. 2022; VGen's "linear_sd"), quadratic, cosine
// (Nichol & Dhariwal 2021).
#pragma once
#include <cmath>
#include <numbers>
#include <vector>

#include "vgen/core/error.hpp"

namespace vgen::schedulers {

// n values from first to last, both included, each counted from the nearer end so that the ends are exact; fused as
// torch.linspace is, so that float32 values are its values bit for bit.
template <class Real = double>
std::vector<Real> linspace(Real first, Real last, int n) {
  std::vector<Real> out(n);
  const Real step = n > 1 ? (last - first) / Real(n - 1) : Real(0);
  for (int i = 0; i < n; ++i)
    out[i] = i < n / 2 || n == 1 ? std::fma(step, Real(i), first) : std::fma(-step, Real(n - 1 - i), last);
  return out;
}

template <class Real = double>
std::vector<Real> linear_betas(int steps, double first, double last) {
  return linspace<Real>(Real(first), Real(last), steps);
}

// Linear in the square root.
template <class Real = double>
std::vector<Real> scaled_linear_betas(int steps, double first, double last) {
  std::vector<Real> betas = linspace<Real>(Real(std::sqrt(first)), Real(std::sqrt(last)), steps);
  for (Real& b : betas) b *= b;
  return betas;
}

// beta_k = 1 - f((k + 1) / T) / f(k / T), f(u) = cos^2((u + s) / (1 + s) pi / 2), at most max_beta (eq. 17).
inline std::vector<double> cosine_betas(int steps, double s = 0.008, double max_beta = 0.999) {
  const auto f = [s](double u) {
    const double c = std::cos((u + s) / (1 + s) * std::numbers::pi / 2);
    return c * c;
  };
  std::vector<double> betas(steps);
  for (int k = 0; k < steps; ++k) betas[k] = std::min(1 - f(double(k + 1) / steps) / f(double(k) / steps), max_beta);
  return betas;
}

}  // namespace vgen::schedulers
