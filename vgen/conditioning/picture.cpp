#include "vgen/conditioning/picture.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

namespace vgen::conditioning {

namespace {

std::uint8_t clamp_byte(std::int64_t v) { return static_cast<std::uint8_t>(std::clamp<std::int64_t>(v, 0, 255)); }

// Eight taps a pixel, weights in 1/2048: what 8-bit Lanczos resizing amounts to.
struct Taps {
  std::int64_t first;  // source position of tap 0; positions beyond an edge mean the edge
  std::array<int, 8> weight;
};
std::vector<Taps> lanczos_taps(std::int64_t from, std::int64_t to) {
  const double scale = 1.0 / (static_cast<double>(to) / static_cast<double>(from));
  std::vector<Taps> out(static_cast<std::size_t>(to));
  for (std::int64_t i = 0; i < to; ++i) {
    const float centre = static_cast<float>((static_cast<double>(i) + 0.5) * scale - 0.5);
    const float floor = std::floor(centre), fraction = centre - floor;
    // sinc(d) sinc(d / 4) over distances d = fraction + 3 - k: sin(pi d) only alternates its sign with k.
    std::array<float, 8> w{};
    float sum = 0;
    for (int k = 0; k < 8; ++k) {
      const float distance = fraction + 3 - static_cast<float>(k);
      const double quarter = distance * (std::numbers::pi / 4);
      w[std::size_t(k)] = std::abs(distance) < 1e-6f
                              ? 1e30f
                              : static_cast<float>((k % 2 ? -1 : 1) * std::sin(quarter) / (quarter * quarter));
      sum += w[std::size_t(k)];
    }
    Taps& t = out[std::size_t(i)];
    t.first = static_cast<std::int64_t>(floor) - 3;
    for (std::size_t k = 0; k < 8; ++k) t.weight[k] = static_cast<int>(std::nearbyint(w[k] * (1.f / sum) * 2048.f));
  }
  return out;
}

Tensor enlarge(const Tensor& picture, std::int64_t height, std::int64_t width) {
  const std::int64_t h = picture.size(0), w = picture.size(1), c = picture.size(2);
  const auto columns = lanczos_taps(w, width), rows = lanczos_taps(h, height);
  const std::uint8_t* in = picture.data_ptr<std::uint8_t>();
  std::vector<int> wide(std::size_t(h * width * c));
  for (std::int64_t y = 0; y < h; ++y)
    for (std::int64_t x = 0; x < width; ++x)
      for (std::int64_t k = 0; k < c; ++k) {
        const Taps& t = columns[std::size_t(x)];
        int sum = 0;
        for (std::int64_t i = 0; i < 8; ++i)
          sum += in[(y * w + std::clamp<std::int64_t>(t.first + i, 0, w - 1)) * c + k] * t.weight[std::size_t(i)];
        wide[std::size_t((y * width + x) * c + k)] = sum;
      }
  Tensor out = at::empty({height, width, c}, at::kByte);
  std::uint8_t* to = out.data_ptr<std::uint8_t>();
  for (std::int64_t y = 0; y < height; ++y)
    for (std::int64_t i = 0; i < width * c; ++i) {
      const Taps& t = rows[std::size_t(y)];
      std::int64_t sum = 1 << 21;
      for (std::int64_t k = 0; k < 8; ++k)
        sum += std::int64_t(wide[std::size_t(std::clamp<std::int64_t>(t.first + k, 0, h - 1) * width * c + i)]) *
               t.weight[std::size_t(k)];
      to[y * width * c + i] = clamp_byte(sum >> 22);
    }
  return out;
}

// Source pixels that target pixel i covers, with their shares.
struct Cover {
  std::int64_t first;
  std::vector<float> share;
};
std::vector<Cover> covers(std::int64_t from, std::int64_t to) {
  const double scale = 1.0 / (static_cast<double>(to) / static_cast<double>(from));
  std::vector<Cover> out(static_cast<std::size_t>(to));
  for (std::int64_t i = 0; i < to; ++i) {
    const double begin = static_cast<double>(i) * scale, end = begin + scale;
    const double cell = std::min(scale, static_cast<double>(from) - begin);
    const auto whole_end = std::min(static_cast<std::int64_t>(std::floor(end)), from - 1);
    const auto whole_begin = std::min(static_cast<std::int64_t>(std::ceil(begin)), whole_end);
    Cover& c = out[std::size_t(i)];
    const bool left = static_cast<double>(whole_begin) - begin > 1e-3;
    c.first = whole_begin - (left ? 1 : 0);
    if (left) c.share.push_back(static_cast<float>((static_cast<double>(whole_begin) - begin) / cell));
    for (std::int64_t s = whole_begin; s < whole_end; ++s) c.share.push_back(static_cast<float>(1.0 / cell));
    if (end - static_cast<double>(whole_end) > 1e-3)
      c.share.push_back(static_cast<float>(std::min({end - static_cast<double>(whole_end), 1.0, cell}) / cell));
  }
  return out;
}

// Area resizing where a side grows: two taps, blended only where a target pixel covers both; weights in 1/2048, the
// rows' sum with 4 bits fewer.
Tensor enlarge_area(const Tensor& picture, std::int64_t height, std::int64_t width) {
  struct Pair {
    std::int64_t first, second;
    int weight[2];
  };
  const auto pairs = [](std::int64_t from, std::int64_t to) {
    const double grow = static_cast<double>(to) / static_cast<double>(from), scale = 1.0 / grow;
    std::vector<Pair> out;
    for (std::int64_t i = 0; i < to; ++i) {
      const auto s = static_cast<std::int64_t>(std::floor(static_cast<double>(i) * scale));
      const auto over = static_cast<float>(static_cast<double>(i + 1) - static_cast<double>(s + 1) * grow);
      const float f = over <= 0 || s >= from - 1 ? 0.f : over - std::floor(over);
      out.push_back(
          {std::min(s, from - 1),
           std::min(s + 1, from - 1),
           {static_cast<int>(std::nearbyint((1.f - f) * 2048.f)), static_cast<int>(std::nearbyint(f * 2048.f))}});
    }
    return out;
  };
  const std::int64_t h = picture.size(0), w = picture.size(1), c = picture.size(2);
  const auto columns = pairs(w, width), rows = pairs(h, height);
  const std::uint8_t* in = picture.data_ptr<std::uint8_t>();
  std::vector<int> wide(std::size_t(h * width * c));
  for (std::int64_t y = 0; y < h; ++y)
    for (std::int64_t x = 0; x < width; ++x)
      for (std::int64_t k = 0; k < c; ++k) {
        const Pair& p = columns[std::size_t(x)];
        wide[std::size_t((y * width + x) * c + k)] =
            in[(y * w + p.first) * c + k] * p.weight[0] + in[(y * w + p.second) * c + k] * p.weight[1];
      }
  Tensor out = at::empty({height, width, c}, at::kByte);
  std::uint8_t* to = out.data_ptr<std::uint8_t>();
  for (std::int64_t y = 0; y < height; ++y)
    for (std::int64_t i = 0; i < width * c; ++i) {
      const Pair& p = rows[std::size_t(y)];
      const int a = wide[std::size_t(p.first * width * c + i)] >> 4,
                b = wide[std::size_t(p.second * width * c + i)] >> 4;
      to[y * width * c + i] = clamp_byte((((p.weight[0] * a) >> 16) + ((p.weight[1] * b) >> 16) + 2) >> 2);
    }
  return out;
}

Tensor reduce(const Tensor& picture, std::int64_t height, std::int64_t width) {
  const std::int64_t h = picture.size(0), w = picture.size(1), c = picture.size(2);
  const std::uint8_t* in = picture.data_ptr<std::uint8_t>();
  Tensor out = at::empty({height, width, c}, at::kByte);
  std::uint8_t* to = out.data_ptr<std::uint8_t>();
  if (h % height == 0 && w % width == 0) {  // whole pixels: integer sums
    const std::int64_t sy = h / height, sx = w / width, area = sx * sy;
    const float share = 1.f / static_cast<float>(area);
    for (std::int64_t y = 0; y < height; ++y)
      for (std::int64_t x = 0; x < width; ++x)
        for (std::int64_t k = 0; k < c; ++k) {
          std::int64_t sum = 0;
          for (std::int64_t j = 0; j < sy; ++j)
            for (std::int64_t i = 0; i < sx; ++i) sum += in[((y * sy + j) * w + x * sx + i) * c + k];
          to[(y * width + x) * c + k] =
              sx == 2 && sy == 2
                  ? clamp_byte((sum + 2) >> 2)
                  : clamp_byte(static_cast<std::int64_t>(std::nearbyint(static_cast<float>(sum) * share)));
        }
    return out;
  }
  const auto columns = covers(w, width), rows = covers(h, height);
  std::vector<float> row(std::size_t(width * c)), sum(std::size_t(width * c));
  for (std::int64_t y = 0; y < height; ++y) {
    const Cover& r = rows[std::size_t(y)];
    for (std::size_t j = 0; j < r.share.size(); ++j) {
      const std::uint8_t* line = in + (r.first + std::int64_t(j)) * w * c;
      std::ranges::fill(row, 0.f);
      for (std::int64_t x = 0; x < width; ++x) {
        const Cover& q = columns[std::size_t(x)];
        for (std::size_t i = 0; i < q.share.size(); ++i)
          for (std::int64_t k = 0; k < c; ++k)
            row[std::size_t(x * c + k)] += line[(q.first + std::int64_t(i)) * c + k] * q.share[i];
      }
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] = (j ? sum[i] : 0.f) + r.share[j] * row[i];
    }
    for (std::size_t i = 0; i < sum.size(); ++i)
      to[y * width * c + std::int64_t(i)] = clamp_byte(static_cast<std::int64_t>(std::nearbyint(sum[i])));
  }
  return out;
}

}  // namespace

Tensor to_bytes(const Tensor& given, std::string_view who) {
  VGEN_CHECK(given.defined() && (given.dim() == 2 || given.dim() == 3) && given.numel() > 0, ShapeError, who,
             ": a picture must be [H, W] or [H, W, C], got ", given.defined() ? shape_string(given.sizes()) : "none");
  const Tensor picture = given.dim() == 2 ? given.unsqueeze(2) : given;
  const std::int64_t c = picture.size(2);
  VGEN_CHECK(c == 1 || c == 3 || c == 4, ShapeError, who,
             ": a picture must have 1, 3 or 4 channels in its last axis, got ", shape_string(given.sizes()),
             c > 4 && picture.size(0) <= 4 ? "; channels first? Permute to [H, W, C]" : "");
  if (picture.scalar_type() == at::kByte) return picture.to(at::kCPU).contiguous();
  VGEN_CHECK(picture.is_floating_point(), ConfigError, who,
             ": a picture must be uint8 or floating point in [0, 1], got ", at::toString(picture.scalar_type()),
             "; 16-bit values become bytes by dividing by 257");
  const Tensor x = picture.to(at::kCPU);
  const double low = x.min().item<double>(), high = x.max().item<double>();
  VGEN_CHECK(low >= 0 && high <= 1, ConfigError, who, ": a floating point picture must lie in [0, 1], got values from ",
             low, " to ", high);
  return (x * 255).round().to(at::kByte).contiguous();
}

Tensor to_rgb(const Tensor& given) {
  const Tensor picture = to_bytes(given);
  const std::int64_t h = picture.size(0), w = picture.size(1);
  if (picture.size(2) == 3) return picture;
  if (picture.size(2) == 1) return picture.expand({h, w, 3}).contiguous();
  const Tensor colour = picture.slice(2, 0, 3).to(at::kFloat), alpha = picture.slice(2, 3).to(at::kFloat) / 255.0;
  return (colour * alpha + 255.0 * (1.0 - alpha)).clamp(0, 255).to(at::kByte);
}

Tensor resize_picture(const Tensor& given, std::int64_t short_side) {
  const Tensor picture = to_bytes(given);
  const double h = static_cast<double>(picture.size(0)), w = static_cast<double>(picture.size(1));
  VGEN_CHECK(short_side >= 1, ConfigError, "picture: the short side must be >= 1, got ", short_side);
  const double k = static_cast<double>(short_side) / std::min(h, w);
  const auto height = static_cast<std::int64_t>(std::nearbyint(h * k / 64)) * 64;
  const auto width = static_cast<std::int64_t>(std::nearbyint(w * k / 64)) * 64;
  VGEN_CHECK(height > 0 && width > 0, ConfigError, "picture: a short side of ", short_side,
             " rounds to 0 (sides are multiples of 64); take at least 33");
  VGEN_CHECK(height <= (std::int64_t(1) << 27) / width, ConfigError, "picture: ", height, "x", width,
             " pixels are too many; take a smaller short side");
  if (height == picture.size(0) && width == picture.size(1)) return picture.clone();
  if (k > 1) return enlarge(picture, height, width);
  const bool shrinks = height <= picture.size(0) && width <= picture.size(1);
  return shrinks ? reduce(picture, height, width) : enlarge_area(picture, height, width);
}

}  // namespace vgen::conditioning
