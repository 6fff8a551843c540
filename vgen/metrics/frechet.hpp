// Frechet distance between two Gaussians (Dowson and Landau 1982), the distance of FID (arXiv:1706.08500) and FVD
// (arXiv:1812.01717):
//   d = |m_a - m_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2)).
// S_a S_b is not symmetric, but (S_a^(1/2) S_b S_a^(1/2)) is and has the same eigenvalues: two symmetric eigenproblems,
// no general root.
#pragma once
#include <span>
#include <vector>

#include "vgen/core/error.hpp"

namespace vgen::metrics {

struct VGEN_API Gaussian {
  std::vector<double> mean;        // [D]
  std::vector<double> covariance;  // [D, D], symmetric
};

// Mean and unbiased covariance of `rows` [N, dimension], N >= 2, in float64. ShapeError if the size does not fit;
// NumericsError on NaN or Inf.
VGEN_API Gaussian fit_gaussian(std::span<const double> rows, std::size_t dimension);

struct VGEN_API FrechetTerms {
  double mean = 0, trace_a = 0, trace_b = 0, trace_root = 0;  // trace_root = tr (S_a S_b)^(1/2)
  double distance() const { return mean + trace_a + trace_b - 2 * trace_root; }
};
// The terms of the distance; eigenvalues below zero by rounding (fewer samples than dimensions) count as zero.
// ShapeError if the dimensions differ; NumericsError on NaN or Inf.
VGEN_API FrechetTerms frechet_terms(const Gaussian& a, const Gaussian& b);
inline double frechet_distance(const Gaussian& a, const Gaussian& b) { return frechet_terms(a, b).distance(); }

}  // namespace vgen::metrics
