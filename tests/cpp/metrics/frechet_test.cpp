#include "vgen/metrics/frechet.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>

namespace vgen::metrics {
namespace {

// Rows by the formula of tests/golden/README.md.
std::vector<double> unit(const std::string& name, std::size_t rows, std::size_t columns, bool second) {
  const std::string text = "metrics:" + name;
  std::uint32_t crc = ~0u;
  for (char c : text) {
    crc ^= static_cast<std::uint8_t>(c);
    for (int i = 0; i < 8; ++i) crc = (crc >> 1) ^ (0xEDB88320u & (0u - (crc & 1u)));
  }
  const std::uint64_t key = static_cast<std::uint64_t>(~crc) << 32;
  std::vector<double> out(rows * columns);
  for (std::size_t i = 0; i < out.size(); ++i) {
    std::uint64_t z = key + i + 0x9E3779B97F4A7C15;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    z ^= z >> 31;
    out[i] = static_cast<float>(std::sqrt(3.0) * (static_cast<double>(z >> 40) / 8388608 - 1));
    if (second) out[i] = out[i] * (0.5 + static_cast<double>(i % columns) / static_cast<double>(columns - 1)) + 0.25;
  }
  return out;
}

// "name" of `group` under "values" of the golden.
double golden(const std::string& group, const std::string& name) {
  std::ifstream file(std::string(VGEN_SOURCE_DIR) + "/tests/golden/data/metric_frechet.json");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const std::size_t at = text.find("\"" + name + "\":", text.find("\"" + group + "\":", text.find("\"values\"")));
  if (at == std::string::npos) throw std::runtime_error("golden metric_frechet.json has no " + group + "." + name);
  return std::stod(text.substr(at + name.size() + 3));
}

TEST(Frechet, EqualsTheGolden) {
  for (auto [group, rows_a, rows_b, d] : {std::tuple{"full_rank", 60, 50, 8}, {"few_samples", 6, 5, 12}}) {
    const std::string name(group);
    const auto size = static_cast<std::size_t>(d);
    const FrechetTerms t =
        frechet_terms(fit_gaussian(unit("input." + name + ".a", static_cast<std::size_t>(rows_a), size, false), size),
                      fit_gaussian(unit("input." + name + ".b", static_cast<std::size_t>(rows_b), size, true), size));
    EXPECT_NEAR(t.mean, golden(name, "mean_term"), 1e-9) << name;
    EXPECT_NEAR(t.trace_a, golden(name, "trace_a"), 1e-9) << name;
    EXPECT_NEAR(t.trace_b, golden(name, "trace_b"), 1e-9) << name;
    // With fewer samples than dimensions the root of rounding errors stays: 1e-7, in scipy's sqrtm as here.
    const double tolerance = name == "full_rank" ? 1e-9 : 1e-6;
    EXPECT_NEAR(t.trace_root, golden(name, "trace_root"), tolerance) << name;
    EXPECT_NEAR(t.distance(), golden(name, "distance"), tolerance) << name;
  }
}

TEST(Frechet, ClosedForms) {
  const Gaussian a{{0, 0}, {4, 0, 0, 9}}, b{{3, 4}, {1, 0, 0, 16}};
  EXPECT_NEAR(frechet_distance(a, b), 25 + 1 + 1, 1e-12);  // commuting: |m|^2 + sum (s_a - s_b)^2
  EXPECT_NEAR(frechet_distance(b, a), frechet_distance(a, b), 1e-12);
  EXPECT_NEAR(frechet_distance(a, a), 0, 1e-12);
  // One dimension of variance against none: tr = the variance.
  EXPECT_NEAR(frechet_distance({{0}, {5}}, {{0}, {0}}), 5, 1e-12);
  // Rotating both changes nothing.
  const double c = std::cos(0.7), s = std::sin(0.7);
  const auto rotated = [&](const Gaussian& g) {
    const auto& [m, v] = g;
    return Gaussian{
        {c * m[0] - s * m[1], s * m[0] + c * m[1]},
        {c * c * v[0] + s * s * v[3], c * s * (v[0] - v[3]), c * s * (v[0] - v[3]), s * s * v[0] + c * c * v[3]}};
  };
  EXPECT_NEAR(frechet_distance(rotated(a), rotated(b)), 27, 1e-10);
}

TEST(Frechet, FitIsUnbiased) {
  const std::vector<double> rows{1, 2, 3, 2, 5, 8};
  const Gaussian g = fit_gaussian(rows, 2);
  EXPECT_EQ(g.mean, (std::vector<double>{3, 4}));
  const double expected[] = {4, 6, 6, 12};
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(g.covariance[i], expected[i], 1e-12);
}

TEST(Frechet, RefusesBadInput) {
  const Gaussian two{{0, 0}, {1, 0, 0, 1}}, one{{0}, {1}};
  EXPECT_THROW(frechet_distance(two, one), ShapeError);
  EXPECT_THROW(frechet_distance(two, {{0, 0}, {1}}), ShapeError);
  EXPECT_THROW(fit_gaussian(std::vector<double>{1, 2, 3}, 2), ShapeError);
  EXPECT_THROW(fit_gaussian(std::vector<double>{1, 2}, 2), ShapeError);
  EXPECT_THROW(frechet_distance(one, {{std::nan("")}, {1}}), NumericsError);
  EXPECT_THROW(fit_gaussian(std::vector<double>{1, std::numeric_limits<double>::infinity()}, 1), NumericsError);
}

}  // namespace
}  // namespace vgen::metrics
