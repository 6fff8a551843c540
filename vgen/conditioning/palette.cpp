#include "vgen/conditioning/palette.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/bincount.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "vgen/conditioning/frames.hpp"
#include "vgen/conditioning/picture.hpp"

namespace vgen::conditioning {

namespace {

using Colour = std::array<double, 3>;

Colour hsv_to_rgb(double h, double s, double v) {
  const double sixth = std::floor(h * 6), f = h * 6 - sixth;
  const double p = v * (1 - s), q = v * (1 - f * s), t = v * (1 - (1 - f) * s);
  const Colour sectors[] = {{v, t, p}, {q, v, p}, {p, v, t}, {p, q, v}, {t, p, v}, {v, p, q}};
  return sectors[static_cast<int>(sixth) % 6];
}

std::vector<double> hues_of(int n) {
  switch (n) {  // spaced by eye instead of evenly
    case 8:
      return {0., 0.10, 0.15, 0.28, 0.51, 0.58, 0.77, 0.85};
    case 9:
      return {0., 0.10, 0.15, 0.28, 0.49, 0.54, 0.60, 0.7, 0.87};
    case 10:
      return {0., 0.10, 0.15, 0.28, 0.49, 0.54, 0.60, 0.66, 0.76, 0.87};
    case 11:
      return {0., 0.0833, 0.166, 0.25, 0.333, 0.5, 0.56333, 0.666, 0.73, 0.803, 0.916};
    default:
      break;
  }
  std::vector<double> out;
  for (int i = 0; i < n; ++i) out.push_back(static_cast<double>(i) * (1.0 / n));
  return out;
}

Colour lab_of(const double* rgb) {
  static constexpr double xyz[3][3] = {
      {0.412453, 0.357580, 0.180423}, {0.212671, 0.715160, 0.072169}, {0.019334, 0.119193, 0.950227}};
  static constexpr double white[3] = {0.95047, 1.0, 1.08883};
  Colour linear, f;
  for (std::size_t k = 0; k < 3; ++k)
    linear[k] = rgb[k] > 0.04045 ? std::pow((rgb[k] + 0.055) / 1.055, 2.4) : rgb[k] / 12.92;
  for (std::size_t k = 0; k < 3; ++k) {
    const double v = (xyz[k][0] * linear[0] + xyz[k][1] * linear[1] + xyz[k][2] * linear[2]) / white[k];
    f[k] = v > 0.008856 ? std::cbrt(v) : 7.787 * v + 16.0 / 116;
  }
  return {116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])};
}

double squared_distance(const double* a, const double* b) {
  return (a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]) + (a[2] - b[2]) * (a[2] - b[2]);
}

// Floating point pictures keep their values; bytes are divided by 255.
Tensor unit_picture(const Tensor& picture) {
  const Tensor bytes = to_bytes(picture, "palette");  // also checks
  VGEN_CHECK(bytes.size(2) == 3, ShapeError, "palette: a picture must be [H, W, 3], got ",
             shape_string(picture.sizes()), "; use to_rgb first");
  return picture.scalar_type() == at::kByte ? bytes.to(at::kDouble) / 255
                                            : picture.to(at::kCPU, at::kDouble).contiguous();
}

}  // namespace

void validate(const PaletteOptions& o) {
  const auto in_range = [](const char* name, int v, int low, int high) {
    VGEN_CHECK(v >= low && v <= high, ConfigError, "palette: ", name, " must be in [", low, ", ", high, "], got ", v);
  };
  in_range("hues", o.hues, 1, 256);
  in_range("saturations", o.saturations, 0, 64);
  in_range("lights", o.lights, 1, 64);
}

Palette::Palette(const PaletteOptions& o) {
  validate(o);
  const auto between = [](double from, double to, int steps, int i) {  // point i of `steps` + 1 from `from` to `to`
    return from + i * ((to - from) / steps);
  };
  std::vector<std::pair<double, double>> versions;  // saturation, value
  for (int i = 1; i <= o.saturations; ++i) versions.emplace_back(between(0, 1, o.saturations + 1, i), 1.0);
  versions.emplace_back(1.0, 1.0);
  for (int i = 1; i <= o.lights; ++i) versions.emplace_back(1.0, between(1, 0.2, o.lights + 1, i));
  for (int i = 1; i < o.lights; ++i) versions.emplace_back(0.4, between(1, 0.2, o.lights + 1, i));
  std::vector<Colour> colours;
  for (const double hue : hues_of(o.hues))
    for (const auto& [saturation, value] : versions) colours.push_back(hsv_to_rgb(hue, saturation, value));
  const int greys = static_cast<int>(versions.size());
  for (int i = 0; i < greys; ++i) {
    const double v = greys == 1 ? 1 : i == greys - 1 ? 0 : between(1, 0, greys - 1, i);
    colours.push_back({v, v, v});
  }
  const auto n = static_cast<std::int64_t>(colours.size());
  rgb_ = at::empty({n, 3}, at::kDouble);
  std::copy_n(colours.front().data(), 3 * n, rgb_.data_ptr<double>());
  lab_ = rgb_to_lab(rgb_);
  distances_ = at::empty({n, n}, at::kDouble);
  const double* lab = lab_.data_ptr<double>();
  double* d = distances_.data_ptr<double>();
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j) d[i * n + j] = squared_distance(lab + 3 * i, lab + 3 * j);
}

std::vector<std::string> Palette::hex() const {
  std::vector<std::string> out;
  const double* rgb = rgb_.data_ptr<double>();
  for (std::int64_t i = 0; i < size(); ++i) {
    char text[8];
    const auto byte = [&](int k) { return static_cast<unsigned>(std::nearbyint(rgb[3 * i + k] * 255)) & 255u; };
    std::snprintf(text, sizeof text, "#%02x%02x%02x", byte(0), byte(1), byte(2));
    out.emplace_back(text);
  }
  return out;
}

Tensor Palette::nearest(const Tensor& given) const {
  const Tensor lab = rgb_to_lab(unit_picture(given));
  Tensor out = at::empty({lab.size(0), lab.size(1)}, at::kLong);
  const double *pixel = lab.data_ptr<double>(), *colour = lab_.data_ptr<double>();
  std::int64_t* to = out.data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < out.numel(); ++i) {
    double best = squared_distance(pixel + 3 * i, colour);
    to[i] = 0;
    for (std::int64_t k = 1; k < size(); ++k)
      if (const double d = squared_distance(pixel + 3 * i, colour + 3 * k); d < best) best = d, to[i] = k;
  }
  return out;
}

Tensor Palette::quantise(const Tensor& given) const {
  const Tensor index = nearest(given);
  return rgb_.index_select(0, index.view({-1})).view({index.size(0), index.size(1), 3});
}

Tensor Palette::histogram(const Tensor& given, double sigma) const {
  VGEN_CHECK(std::isfinite(sigma) && sigma >= 0, ConfigError, "palette: sigma must be >= 0, got ", sigma);
  const Tensor index = nearest(given).view({-1});
  const Tensor shares = at::bincount(index, {}, size()).to(at::kDouble) / static_cast<double>(index.numel());
  if (sigma == 0) return shares;
  const Tensor weights = at::exp(distances_ / (-2 * sigma * sigma));
  const Tensor smooth = (weights / weights.sum(1, /*keepdim=*/true) * shares).sum(1);
  return smooth * (smooth >= 1e-5).to(at::kDouble);
}

Tensor Palette::picture(const Tensor& given, std::int64_t height, std::int64_t width) const {
  expect_shape(given, "palette", "histogram", {size()});
  VGEN_CHECK(height >= 1 && width >= 1, ConfigError, "palette: height and width must be >= 1, got ", height, "x",
             width);
  const Tensor shares = given.to(at::kCPU, at::kDouble).contiguous();
  const double* share = shares.data_ptr<double>();
  std::vector<std::int64_t> order(static_cast<std::size_t>(size()));
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, [&](auto a, auto b) { return share[a] > share[b]; });
  // 90th percentile, interpolated between ranks.
  const double rank = 0.9 * static_cast<double>(size() - 1);
  const auto below = static_cast<std::int64_t>(std::floor(rank));
  const auto ranked = [&](std::int64_t r) {
    return share[order[static_cast<std::size_t>(size() - 1 - std::min(r, size() - 1))]];
  };
  const double limit = ranked(below) + (ranked(below + 1) - ranked(below)) * (rank - static_cast<double>(below));
  std::erase_if(order, [&](std::int64_t i) { return share[i] <= limit; });
  double sum = 0;
  for (const std::int64_t i : order) sum += share[i];
  Tensor out = at::zeros({height, width, 3}, at::kDouble);
  std::int64_t at = 0;
  for (const std::int64_t i : order) {
    const auto band = std::min(static_cast<std::int64_t>(share[i] / sum * static_cast<double>(width)), width - at);
    if (band > 0) out.slice(1, at, at + band).copy_(rgb_[i].expand({height, band, 3}));
    at += band;
  }
  return out;
}

Tensor histogram(const Tensor& frames, const Palette& palette) {
  expect_frames(frames, "histogram");
  return in_parts(frames, 1, [&](const Tensor& frame) {
    return palette.histogram(frame[0].permute({1, 2, 0}).clamp(0, 1)).unsqueeze(0).to(at::kFloat);
  });
}

Tensor rgb_to_lab(const Tensor& rgb) {
  VGEN_CHECK(rgb.dim() >= 1 && rgb.size(-1) == 3, ShapeError, "palette: colours must be [.., 3], got ",
             shape_string(rgb.sizes()));
  const Tensor in = rgb.to(at::kCPU, at::kDouble).contiguous();
  Tensor out = at::empty_like(in);
  const double* from = in.data_ptr<double>();
  double* to = out.data_ptr<double>();
  for (std::int64_t i = 0; i < in.numel(); i += 3) {
    const Colour lab = lab_of(from + i);
    std::copy(lab.begin(), lab.end(), to + i);
  }
  return out;
}

}  // namespace vgen::conditioning
