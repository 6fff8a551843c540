#include "vgen/metrics/ssim.hpp"

#include <algorithm>
#include <array>

#include "vgen/video/transforms.hpp"

namespace vgen::metrics {
namespace {

void validate(const SsimOptions& o) {
  VGEN_CHECK(o.window >= 3 && o.window % 2 == 1, ConfigError, "ssim: window must be odd and at least 3, got ",
             o.window);
  VGEN_CHECK(o.k1 >= 0 && o.k2 >= 0, ConfigError, "ssim: k1 and k2 must not be negative, got ", o.k1, " and ", o.k2);
}

// Sums of x, y, xx, yy and xy over every window, by running sums; bytes keep them exact.
double mean_ssim(const std::uint8_t* x, const std::uint8_t* y, std::int64_t height, std::int64_t width,
                 const SsimOptions& o) {
  const std::int64_t n = o.window, across = width - n + 1;
  VGEN_CHECK(height >= n && width >= n, ShapeError, "ssim: pictures must be at least ", n, "x", n, ", got ", width, "x",
             height);
  using Sums = std::array<std::int64_t, 5>;
  std::vector<Sums> columns(std::size_t(width), Sums{});
  const auto add = [&](Sums& s, std::int64_t row, std::int64_t column, int sign) {
    const std::int64_t a = x[(row * width + column) * 3], b = y[(row * width + column) * 3];
    const Sums values{a, b, a * a, b * b, a * b};
    for (std::size_t k = 0; k < s.size(); ++k) s[k] += sign * values[k];
  };
  const double count = double(n * n), sample = count / (count - 1);
  const double c1 = o.k1 * 255 * o.k1 * 255, c2 = o.k2 * 255 * o.k2 * 255;
  double total = 0;
  for (std::int64_t row = 0; row < height; ++row) {
    for (std::int64_t column = 0; column < width; ++column) {
      add(columns[std::size_t(column)], row, column, 1);
      if (row >= n) add(columns[std::size_t(column)], row - n, column, -1);
    }
    if (row < n - 1) continue;
    Sums window{};
    for (std::int64_t column = 0; column < width; ++column) {
      for (std::size_t k = 0; k < window.size(); ++k) {
        window[k] += columns[std::size_t(column)][k];
        if (column >= n) window[k] -= columns[std::size_t(column - n)][k];
      }
      if (column < n - 1) continue;
      const double ux = double(window[0]) / count, uy = double(window[1]) / count;
      const double vx = sample * (double(window[2]) / count - ux * ux),
                   vy = sample * (double(window[3]) / count - uy * uy);
      const double vxy = sample * (double(window[4]) / count - ux * uy);
      total += (2 * ux * uy + c1) * (2 * vxy + c2) / ((ux * ux + uy * uy + c1) * (vx + vy + c2));
    }
  }
  return total / double((height - n + 1) * across);
}

video::Frames one(const video::Frames& clip, std::int64_t i) {
  VGEN_CHECK(i >= 0 && i < clip.count, ShapeError, "ssim: no frame ", i, " in a clip of ", clip.count);
  video::Frames out(1, clip.height, clip.width, clip.channels, clip.fps);
  std::copy_n(clip.frame(i), out.bytes(), out.frame(0));
  return video::to_grey(out, video::Luma::opencv);
}

}  // namespace

double ssim(const video::Frames& a, std::int64_t i, const video::Frames& b, std::int64_t j,
            const SsimOptions& options) {
  validate(options);
  VGEN_CHECK(a.height == b.height && a.width == b.width, ShapeError, "ssim: expected pictures of one size, got ",
             a.width, "x", a.height, " and ", b.width, "x", b.height);
  return mean_ssim(one(a, i).frame(0), one(b, j).frame(0), a.height, a.width, options);
}

std::vector<double> ssim_of_neighbours(const video::Frames& clip, const SsimOptions& options) {
  validate(options);
  VGEN_CHECK(clip.count >= 2, ShapeError, "ssim: neighbours need at least 2 frames, got ", clip.count);
  const video::Frames grey = video::to_grey(clip, video::Luma::opencv);
  std::vector<double> out;
  for (std::int64_t f = 0; f + 1 < clip.count; ++f)
    out.push_back(mean_ssim(grey.frame(f), grey.frame(f + 1), clip.height, clip.width, options));
  return out;
}

}  // namespace vgen::metrics
