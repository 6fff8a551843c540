#include "vgen/metrics/similarity.hpp"

#include <Eigen/Core>
#include <cmath>

namespace vgen::metrics {
namespace {

using Rows = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Rows unit_rows(const Features& f) {
  VGEN_CHECK(f.dimension > 0 && f.values.size() % f.dimension == 0, ShapeError, "similarity: expected rows of ",
             f.dimension, " values, got ", f.values.size(), " values");
  using Given = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  Rows rows = Eigen::Map<const Given>(f.values.data(), static_cast<Eigen::Index>(f.count()),
                                      static_cast<Eigen::Index>(f.dimension))
                  .cast<double>();
  const Eigen::VectorXd lengths = rows.rowwise().norm();
  for (Eigen::Index i = 0; i < rows.rows(); ++i) {
    VGEN_CHECK(std::isfinite(lengths[i]) && lengths[i] > 0, NumericsError, "similarity: row ",
               static_cast<long long>(i), " is zero or not finite");
    rows.row(i) /= lengths[i];
  }
  return rows;
}

}  // namespace

std::optional<double> mean_cosine(const Features& a, const Features& b) {
  if (a.count() == 0 || b.count() == 0) return std::nullopt;
  VGEN_CHECK(a.dimension == b.dimension, ShapeError, "similarity: expected equal dimensions, got ", a.dimension,
             " and ", b.dimension);
  // The mean of all products is the product of the means.
  return unit_rows(a).colwise().mean().dot(unit_rows(b).colwise().mean());
}

double temporal_consistency(const Features& frames) {
  const Rows rows = unit_rows(frames);
  VGEN_CHECK(rows.rows() >= 2, ShapeError, "similarity: temporal consistency needs at least 2 frames, got ",
             static_cast<long long>(rows.rows()));
  const Eigen::Index pairs = rows.rows() - 1;
  return rows.topRows(pairs).cwiseProduct(rows.bottomRows(pairs)).rowwise().sum().mean();
}

}  // namespace vgen::metrics
