#include "vgen/conditioning/canny.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "vgen/conditioning/frames.hpp"
#include "vgen/conditioning/picture.hpp"

namespace vgen::conditioning {

namespace {

double median(const Tensor& bytes) {
  std::array<std::int64_t, 256> count{};
  const std::uint8_t* p = bytes.data_ptr<std::uint8_t>();
  const std::int64_t n = bytes.numel();
  for (std::int64_t i = 0; i < n; ++i) ++count[p[i]];
  const auto ranked = [&](std::int64_t rank) {
    int v = 0;
    for (std::int64_t seen = count[0]; seen <= rank; seen += count[std::size_t(v)]) ++v;
    return v;
  };
  return (ranked((n - 1) / 2) + ranked(n / 2)) / 2.0;
}

struct Gradient {
  int dx = 0, dy = 0, size = 0;
};

// Sobel of every pixel; a picture continues with its border pixels. Of several channels the strongest, the first of
// equals.
std::vector<Gradient> gradients(const Tensor& bytes) {
  const std::int64_t h = bytes.size(0), w = bytes.size(1), c = bytes.size(2);
  const std::uint8_t* in = bytes.data_ptr<std::uint8_t>();
  std::vector<Gradient> out(std::size_t(h * w));
  for (std::int64_t y = 0; y < h; ++y) {
    const std::uint8_t* above = in + std::max<std::int64_t>(y - 1, 0) * w * c;
    const std::uint8_t* here = in + y * w * c;
    const std::uint8_t* below = in + std::min(y + 1, h - 1) * w * c;
    for (std::int64_t x = 0; x < w; ++x) {
      const std::int64_t left = std::max<std::int64_t>(x - 1, 0) * c, mid = x * c, right = std::min(x + 1, w - 1) * c;
      Gradient& best = out[std::size_t(y * w + x)];
      best.size = -1;
      for (std::int64_t k = 0; k < c; ++k) {
        const int dx = above[right + k] - above[left + k] + 2 * (here[right + k] - here[left + k]) + below[right + k] -
                       below[left + k];
        const int dy = below[left + k] - above[left + k] + 2 * (below[mid + k] - above[mid + k]) + below[right + k] -
                       above[right + k];
        const int size = std::abs(dx) + std::abs(dy);
        if (size > best.size) best = {dx, dy, size};
      }
    }
  }
  return out;
}

// Whether a pixel is the ridge of its gradient, against the two neighbours in the gradient's direction, which is one of
// four: tan 22.5 and 67.5 degrees in 1/32768. Of two equals in a row or column the first counts.
template <class Size>
bool is_ridge(const Gradient& g, Size&& size_at) {
  constexpr std::int64_t tan22 = 13573;  // 0.41421356 * 32768, rounded
  const std::int64_t x = std::abs(g.dx), y = std::int64_t(std::abs(g.dy)) << 15;
  if (y < x * tan22) return g.size > size_at(-1, 0) && g.size >= size_at(1, 0);
  if (y > x * tan22 + (x << 16)) return g.size > size_at(0, -1) && g.size >= size_at(0, 1);
  const int s = (g.dx < 0) != (g.dy < 0) ? -1 : 1;
  return g.size > size_at(-s, -1) && g.size > size_at(s, 1);
}

}  // namespace

CannyThresholds canny_thresholds(const Tensor& picture) {
  const double m = median(to_bytes(picture, "canny"));
  return {std::floor(std::max(0.0, 0.67 * m)), std::floor(std::min(255.0, 1.33 * m))};
}

CannyThresholds canny_thresholds(const Tensor& picture, double share) {
  VGEN_CHECK(share >= 0 && share <= 1, ConfigError, "canny: the share must be in [0, 1], got ", share);
  const double low = std::floor((1.0 - share) * median(to_bytes(picture, "canny")));
  return {low, 2 * low};
}

Tensor canny(const Tensor& picture, const CannyThresholds& thresholds) {
  for (const double t : {thresholds.low, thresholds.high})
    VGEN_CHECK(std::isfinite(t) && t >= 0 && t <= 1e6, ConfigError, "canny: thresholds must be in [0, 1e6], got ",
               thresholds.low, " and ", thresholds.high);
  const int low = static_cast<int>(std::min(thresholds.low, thresholds.high));
  const int high = static_cast<int>(std::max(thresholds.low, thresholds.high));
  const Tensor bytes = to_bytes(picture, "canny");
  const std::int64_t h = bytes.size(0), w = bytes.size(1);
  const auto gradient = gradients(bytes);
  Tensor out = at::zeros({h, w, 1}, at::kByte);
  std::uint8_t* edge = out.data_ptr<std::uint8_t>();
  std::vector<bool> weak(std::size_t(h * w));
  std::vector<std::int64_t> strong;
  for (std::int64_t y = 0; y < h; ++y)
    for (std::int64_t x = 0; x < w; ++x) {
      const std::int64_t i = y * w + x;
      const Gradient& g = gradient[std::size_t(i)];
      const auto size_at = [&](std::int64_t dx, std::int64_t dy) {
        const bool inside = x + dx >= 0 && x + dx < w && y + dy >= 0 && y + dy < h;
        return inside ? gradient[std::size_t(i + dy * w + dx)].size : 0;
      };
      if (g.size <= low || !is_ridge(g, size_at)) continue;
      if (g.size > high)
        edge[i] = 1, strong.push_back(i);
      else
        weak[std::size_t(i)] = true;
    }
  while (!strong.empty()) {  // edges spread to the weak pixels that touch them
    const std::int64_t i = strong.back(), y = i / w, x = i % w;
    strong.pop_back();
    for (std::int64_t v = std::max<std::int64_t>(y - 1, 0); v <= std::min(y + 1, h - 1); ++v)
      for (std::int64_t u = std::max<std::int64_t>(x - 1, 0); u <= std::min(x + 1, w - 1); ++u)
        if (weak[std::size_t(v * w + u)] && !edge[v * w + u]) edge[v * w + u] = 1, strong.push_back(v * w + u);
  }
  return out;
}

Tensor canny(const Tensor& frames) {
  expect_frames(frames, "canny");
  return in_parts(frames, 1, [](const Tensor& frame) {
    const Tensor picture = frame[0].permute({1, 2, 0}).clamp(0, 1);
    return canny(picture, canny_thresholds(picture)).permute({2, 0, 1}).unsqueeze(0).to(at::kFloat);
  });
}

}  // namespace vgen::conditioning
