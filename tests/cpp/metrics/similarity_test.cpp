// SSIM and similarity of features; recorded scores are in `vgen parity tests/golden/data`.
#include "vgen/metrics/similarity.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "vgen/metrics/ssim.hpp"

namespace vgen::metrics {
namespace {

TEST(Similarity, MeanCosineAndConsistency) {
  const std::vector<float> frames = {2, 0, 0, 3, 1, 1}, text = {1, 0}, none;
  const Features f{frames, 2}, t{text, 2};
  EXPECT_NEAR(*mean_cosine(f, t), (1 + 0 + std::sqrt(0.5)) / 3, 1e-12);
  EXPECT_NEAR(temporal_consistency(f), (0 + std::sqrt(0.5)) / 2, 1e-12);
  EXPECT_FALSE(mean_cosine(f, Features{none, 2}).has_value());
}

TEST(Similarity, RefusesWhatIsNoFeature) {
  const std::vector<float> a = {1, 2, 3, 4}, zero = {0, 0}, nan = {1, std::numeric_limits<float>::quiet_NaN()};
  EXPECT_THROW(mean_cosine({a, 2}, {a, 4}), ShapeError);
  EXPECT_THROW(mean_cosine({a, 3}, {a, 3}), ShapeError);
  EXPECT_THROW(mean_cosine({a, 2}, {zero, 2}), NumericsError);
  EXPECT_THROW(mean_cosine({a, 2}, {nan, 2}), NumericsError);
  EXPECT_THROW(temporal_consistency({a, 4}), ShapeError);
}

video::Frames pattern(int shift) {
  video::Frames out(1, 12, 16);
  for (std::int64_t i = 0; i < 12 * 16 * 3; ++i)
    (*out.pixels)[std::size_t(i)] = std::uint8_t((i * 37 + i / 48 * 11 + shift) % 251);
  return out;
}

TEST(Ssim, IsOneForEqualPicturesAndSymmetric) {
  const auto a = pattern(0), b = pattern(60);
  EXPECT_DOUBLE_EQ(ssim(a, 0, a, 0), 1);
  EXPECT_LT(ssim(a, 0, b, 0), 0.95);
  EXPECT_DOUBLE_EQ(ssim(a, 0, b, 0), ssim(b, 0, a, 0));
}

// Flat pictures differ in their means only: the first factor of the formula.
TEST(Ssim, ClosedFormForFlatPictures) {
  video::Frames a(1, 9, 9), b(1, 9, 9);
  std::fill(a.pixels->begin(), a.pixels->end(), std::uint8_t(100));
  std::fill(b.pixels->begin(), b.pixels->end(), std::uint8_t(50));
  const double c1 = 2.55 * 2.55;
  EXPECT_NEAR(ssim(a, 0, b, 0, {.window = 5}), (2 * 100 * 50 + c1) / (100 * 100 + 50 * 50 + c1), 1e-12);
}

TEST(Ssim, RefusesWhatDoesNotFit) {
  const auto a = pattern(0);
  EXPECT_THROW(ssim(a, 0, video::Frames(1, 12, 17), 0), ShapeError);
  EXPECT_THROW(ssim(a, 0, a, 1), ShapeError);
  EXPECT_THROW(ssim(a, 0, a, 0, {.window = 13}), ShapeError);
  EXPECT_THROW(ssim(a, 0, a, 0, {.window = 4}), ConfigError);
  EXPECT_THROW(ssim(a, 0, a, 0, {.k1 = -1}), ConfigError);
  EXPECT_THROW(ssim_of_neighbours(a), ShapeError);
}

}  // namespace
}  // namespace vgen::metrics
