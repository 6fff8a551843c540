#include "vgen/metrics/frechet.hpp"

#include <Eigen/Core>
#include <Eigen/Eigenvalues>

namespace vgen::metrics {
namespace {
using Rows = Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;
using Vector = Eigen::Map<const Eigen::VectorXd>;

Eigen::MatrixXd covariance_of(const Gaussian& g) {
  const auto d = static_cast<Eigen::Index>(g.mean.size());
  VGEN_CHECK(d > 0 && g.covariance.size() == g.mean.size() * g.mean.size(), ShapeError,
             "frechet: expected a covariance of ", g.mean.size() * g.mean.size(), " values for a mean of ",
             g.mean.size(), ", got ", g.covariance.size());
  const Eigen::MatrixXd s = Rows(g.covariance.data(), d, d);
  VGEN_CHECK(s.allFinite() && Vector(g.mean.data(), d).allFinite(), NumericsError,
             "frechet: NaN or Inf in a mean or covariance");
  return (s + s.transpose()) / 2;
}
}  // namespace

Gaussian fit_gaussian(std::span<const double> rows, std::size_t dimension) {
  VGEN_CHECK(dimension > 0 && rows.size() % dimension == 0 && rows.size() / dimension >= 2, ShapeError,
             "fit_gaussian: expected at least 2 rows of ", dimension, " values, got ", rows.size(), " values");
  const auto d = static_cast<Eigen::Index>(dimension);
  const Rows x(rows.data(), static_cast<Eigen::Index>(rows.size()) / d, d);
  VGEN_CHECK(x.allFinite(), NumericsError, "fit_gaussian: NaN or Inf in the samples");
  Gaussian g{std::vector<double>(dimension), std::vector<double>(dimension * dimension)};
  const Eigen::RowVectorXd mean = x.colwise().mean();
  const Eigen::MatrixXd centred = x.rowwise() - mean;
  Eigen::Map<Eigen::RowVectorXd>(g.mean.data(), d) = mean;
  Eigen::Map<Eigen::MatrixXd>(g.covariance.data(), d, d) =
      centred.transpose() * centred / static_cast<double>(x.rows() - 1);
  return g;
}

FrechetTerms frechet_terms(const Gaussian& a, const Gaussian& b) {
  VGEN_CHECK(a.mean.size() == b.mean.size(), ShapeError, "frechet: expected equal dimensions, got ", a.mean.size(),
             " and ", b.mean.size());
  const auto d = static_cast<Eigen::Index>(a.mean.size());
  const Eigen::MatrixXd sa = covariance_of(a), sb = covariance_of(b);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> of_a(sa);
  VGEN_CHECK(of_a.info() == Eigen::Success, NumericsError,
             "frechet: the eigenvalues of the first covariance did not converge");
  const Eigen::VectorXd roots = of_a.eigenvalues().cwiseMax(0.0).cwiseSqrt();
  const Eigen::MatrixXd half = of_a.eigenvectors() * roots.asDiagonal() * of_a.eigenvectors().transpose();
  const Eigen::MatrixXd product = half * sb * half;
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> of_product((product + product.transpose()) / 2,
                                                                  Eigen::EigenvaluesOnly);
  VGEN_CHECK(of_product.info() == Eigen::Success, NumericsError,
             "frechet: the eigenvalues of the product did not converge");
  return {(Vector(a.mean.data(), d) - Vector(b.mean.data(), d)).squaredNorm(), sa.trace(), sb.trace(),
          of_product.eigenvalues().cwiseMax(0.0).cwiseSqrt().sum()};
}

}  // namespace vgen::metrics
