#include "vgen/video/transforms.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "vgen/video/xtensor.hpp"

namespace vgen::video {
namespace {

// Output sample i is sum_k weight[k] * input[first + k].
struct Taps {
  std::int64_t first = 0;
  std::vector<float> weight;
};

std::vector<Taps> taps(std::int64_t from, std::int64_t to, Filter filter) {
  std::vector<Taps> out(static_cast<std::size_t>(to));
  const double scale = double(from) / double(to);
  for (std::int64_t i = 0; i < to; ++i) {
    Taps& t = out[std::size_t(i)];
    if (filter == Filter::bilinear) {
      const double at = std::max(0.0, (double(i) + 0.5) * scale - 0.5);
      t.first = std::min<std::int64_t>(std::int64_t(at), from - 1);
      const double part = at - double(t.first);
      t.weight = {float(1 - part)};
      if (t.first + 1 < from && part > 0) t.weight.push_back(float(part));
    } else {
      const double begin = double(i) * scale, end = std::min(double(from), begin + scale);
      t.first = std::min<std::int64_t>(std::int64_t(begin + 1e-9), from - 1);
      double sum = 0;
      std::vector<double> w;
      for (std::int64_t k = t.first; k < from && (w.empty() || double(k) < end - 1e-9); ++k) {
        w.push_back(std::max(0.0, std::min(end, double(k + 1)) - std::max(begin, double(k))));
        sum += w.back();
      }
      for (double v : w) t.weight.push_back(float(v / sum));
    }
  }
  return out;
}

// Keys' cubic convolution kernel with a = -1/2.
double cubic(double x) {
  x = std::abs(x);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
}

// Pillow's kernels: half a width and a function.
struct Kernel {
  double support;
  double (*at)(double);
};
Kernel kernel(Filter filter) {
  if (filter == Filter::bicubic) return {2, cubic};
  if (filter == Filter::triangle) return {1, [](double x) { return std::max(0.0, 1 - std::abs(x)); }};
  return {0.5, [](double x) { return x > -0.5 && x <= 0.5 ? 1.0 : 0.0; }};
}

constexpr int kFixedBits = 22;  // weights as integers: a sum of 8-bit values keeps within 32 bits

struct FixedTaps {
  std::int64_t first = 0;
  std::vector<std::int32_t> weight;
};

std::vector<FixedTaps> fixed_taps(std::int64_t from, std::int64_t to, const Kernel& kernel) {
  std::vector<FixedTaps> out(static_cast<std::size_t>(to));
  const double scale = double(from) / double(to), wide = std::max(scale, 1.0), support = kernel.support * wide;
  for (std::int64_t i = 0; i < to; ++i) {
    FixedTaps& t = out[std::size_t(i)];
    const double centre = (double(i) + 0.5) * scale;
    t.first = std::max<std::int64_t>(0, std::int64_t(centre - support + 0.5));
    const auto end = std::min(from, std::int64_t(centre + support + 0.5));
    std::vector<double> w;
    double sum = 0;
    for (std::int64_t k = t.first; k < end; ++k)
      sum += w.emplace_back(kernel.at((double(k) - centre + 0.5) * (1 / wide)));
    for (const double v : w) t.weight.push_back(std::int32_t(std::lround(v / sum * (1 << kFixedBits))));
  }
  return out;
}

// Mixes along the middle axis of [outer, from, inner] bytes.
void mix(const std::uint8_t* in, std::uint8_t* out, std::int64_t outer, std::int64_t from, std::int64_t inner,
         const std::vector<FixedTaps>& taps) {
  for (std::int64_t o = 0; o < outer; ++o, in += from * inner)
    for (const FixedTaps& t : taps)
      for (std::int64_t i = 0; i < inner; ++i) {
        std::int32_t sum = 1 << (kFixedBits - 1);
        const std::uint8_t* at = in + t.first * inner + i;
        for (const std::int32_t w : t.weight) sum += w * *at, at += inner;
        *out++ = std::uint8_t(std::clamp(sum >> kFixedBits, 0, 255));
      }
}

Frames resize_rows(const Frames& frames, std::int64_t height, const Kernel& kernel) {
  if (height == frames.height) return frames;  // an axis that keeps its length is not touched
  Frames out(frames.count, height, frames.width, frames.channels, frames.fps);
  mix(frames.pixels->data(), out.pixels->data(), frames.count, frames.height, frames.width * frames.channels,
      fixed_taps(frames.height, height, kernel));
  return out;
}
Frames resize_columns(const Frames& frames, std::int64_t width, const Kernel& kernel) {
  if (width == frames.width) return frames;
  Frames out(frames.count, frames.height, width, frames.channels, frames.fps);
  mix(frames.pixels->data(), out.pixels->data(), frames.count * frames.height, frames.width, frames.channels,
      fixed_taps(frames.width, width, kernel));
  return out;
}

// Pillow adds the step up instead of multiplying, which shows where a centre falls on a border of pixels.
std::vector<std::int64_t> nearest_taps(std::int64_t from, std::int64_t to) {
  std::vector<std::int64_t> out;
  const double scale = double(from) / double(to);
  double at = scale * 0.5;
  for (std::int64_t i = 0; i < to; ++i, at += scale) out.push_back(std::min(std::int64_t(at), from - 1));
  return out;
}

Frames resize_nearest(const Frames& frames, std::int64_t height, std::int64_t width) {
  const auto rows = nearest_taps(frames.height, height), columns = nearest_taps(frames.width, width);
  Frames out(frames.count, height, width, frames.channels, frames.fps);
  std::uint8_t* to = out.pixels->data();
  for (std::int64_t f = 0; f < frames.count; ++f)
    for (const std::int64_t y : rows)
      for (const std::int64_t x : columns)
        to = std::copy_n(frames.frame(f) + (y * frames.width + x) * frames.channels, frames.channels, to);
  return out;
}

Frames resize_fixed(const Frames& frames, std::int64_t height, std::int64_t width, const Kernel& kernel) {
  // Pillow 13 mixes rows first where the height shrinks by more than twice what the width does; the order shows, since
  // values are rounded to 8 bits in between. (Found by trial: 1485 random sizes agree.)
  if (height < frames.height && frames.height - height > 2 * (frames.width - width))
    return resize_columns(resize_rows(frames, height, kernel), width, kernel);
  return resize_rows(resize_columns(frames, width, kernel), height, kernel);
}

void paste(const Frames& from, std::int64_t frame, Frames& sheet, std::int64_t y, std::int64_t x) {
  for (std::int64_t row = 0; row < from.height; ++row)
    std::memcpy(sheet.frame(0) + ((y + row) * sheet.width + x) * 3, from.frame(frame) + row * from.width * 3,
                std::size_t(from.width * 3));
}

Frames empty_sheet(std::int64_t rows, std::int64_t columns, const Frames& cell, const SheetOptions& o) {
  Frames sheet(1, rows * (cell.height + o.gap) + o.gap, columns * (cell.width + o.gap) + o.gap, 3, 1);
  auto pixels = view(sheet);
  for (std::size_t c = 0; c < 3; ++c) xt::view(pixels, xt::all(), xt::all(), xt::all(), c) = o.background[c];
  return sheet;
}

}  // namespace

Frames resize(const Frames& frames, std::int64_t height, std::int64_t width, Filter filter) {
  VGEN_CHECK(height > 0 && width > 0, ShapeError, "resize: expected a size of at least 1x1, got ", height, "x", width);
  VGEN_CHECK(frames.bytes() > 0, ShapeError, "resize: no pixels");
  if (filter == Filter::nearest) return resize_nearest(frames, height, width);
  if (filter != Filter::bilinear && filter != Filter::area) return resize_fixed(frames, height, width, kernel(filter));
  Frames out(frames.count, height, width, frames.channels, frames.fps);
  const auto c = frames.channels, w = frames.width;
  const auto rows = taps(frames.height, height, filter), columns = taps(w, width, filter);
  std::vector<float> mixed(std::size_t(w * c));  // one output row before its columns are mixed
  for (std::int64_t f = 0; f < frames.count; ++f)
    for (std::int64_t y = 0; y < height; ++y) {
      const Taps& ty = rows[std::size_t(y)];
      std::fill(mixed.begin(), mixed.end(), 0.f);
      for (std::size_t k = 0; k < ty.weight.size(); ++k) {
        const std::uint8_t* row = frames.frame(f) + (ty.first + std::int64_t(k)) * w * c;
        for (std::size_t i = 0; i < mixed.size(); ++i) mixed[i] += ty.weight[k] * float(row[i]);
      }
      std::uint8_t* to = out.frame(f) + y * width * c;
      for (std::int64_t x = 0; x < width; ++x) {
        const Taps& tx = columns[std::size_t(x)];
        for (std::int64_t ch = 0; ch < c; ++ch) {
          float sum = 0;
          for (std::size_t k = 0; k < tx.weight.size(); ++k)
            sum += tx.weight[k] * mixed[std::size_t((tx.first + std::int64_t(k)) * c + ch)];
          to[x * c + ch] = std::uint8_t(std::clamp(std::lround(sum), 0l, 255l));
        }
      }
    }
  return out;
}

Frames crop(const Frames& frames, const Rect& r) {
  VGEN_CHECK(r.x >= 0 && r.y >= 0 && r.width > 0 && r.height > 0 && r.x + r.width <= frames.width &&
                 r.y + r.height <= frames.height,
             ShapeError, "crop: ", r.width, "x", r.height, " at (", r.x, ", ", r.y, ") leaves the picture of ",
             frames.width, "x", frames.height);
  return to_frames(
      xt::view(view(frames), xt::all(), xt::range(r.y, r.y + r.height), xt::range(r.x, r.x + r.width), xt::all()),
      frames.fps);
}

Frames center_crop(const Frames& frames, std::int64_t height, std::int64_t width) {
  return crop(frames, {(frames.width - width) / 2, (frames.height - height) / 2, width, height});
}

Frames crop_padded(const Frames& frames, const Rect& r) {
  VGEN_CHECK(r.width > 0 && r.height > 0, ShapeError, "crop_padded: expected a size of at least 1x1, got ", r.width,
             "x", r.height);
  const std::int64_t c = frames.channels;
  const std::int64_t left = std::clamp<std::int64_t>(r.x, 0, frames.width);
  const std::int64_t right = std::clamp<std::int64_t>(r.x + r.width, left, frames.width);
  Frames out(frames.count, r.height, r.width, c, frames.fps);
  for (std::int64_t f = 0; f < frames.count && left < right; ++f)
    for (std::int64_t y = std::max<std::int64_t>(r.y, 0); y < std::min(r.y + r.height, frames.height); ++y)
      std::memcpy(out.frame(f) + ((y - r.y) * r.width + (left - r.x)) * c,
                  frames.frame(f) + (y * frames.width + left) * c, std::size_t((right - left) * c));
  return out;
}

namespace {
Frames resize_shorter(const Frames& frames, std::int64_t side, Filter filter) {
  const double scale = double(side) / double(std::min(frames.height, frames.width));
  const auto scaled = [&](std::int64_t n) { return std::int64_t(std::nearbyint(double(n) * scale)); };
  return resize(frames, scaled(frames.height), scaled(frames.width), filter);
}
void expect_side(const char* who, const Frames& frames, std::int64_t side) {
  VGEN_CHECK(side >= 1, ShapeError, who, ": expected a side of at least 1, got ", side);
  VGEN_CHECK(frames.bytes() > 0, ShapeError, who, ": no pixels");
}
}  // namespace

Frames resize_short_side(const Frames& frames, std::int64_t side, Filter filter) {
  expect_side("resize_short_side", frames, side);
  return resize_shorter(frames, side, filter);
}

Frames reduce_short_side(const Frames& given, std::int64_t side) {
  expect_side("reduce_short_side", given, side);
  Frames frames = given;
  while (std::min(frames.height, frames.width) >= 2 * side)
    frames = resize(frames, frames.height / 2, frames.width / 2, Filter::box);
  return resize_shorter(frames, side, Filter::bicubic);
}

Frames center_square(const Frames& frames, std::int64_t short_side, std::int64_t side) {
  expect_side("center_square", frames, std::min(short_side, side));
  const std::int64_t h = frames.height, w = frames.width, shorter = std::min(h, w);
  const Frames sized = resize(frames, h * short_side / shorter, w * short_side / shorter, Filter::bicubic);
  // A margin that cannot be halved is split so that the offset is even, as Python's rounding of x.5 does.
  const auto offset = [](std::int64_t margin) { return std::int64_t(std::nearbyint(double(margin) / 2)); };
  return crop_padded(sized, {offset(sized.width - side), offset(sized.height - side), side, side});
}

WideCrop wide_crop(std::int64_t from_height, std::int64_t from_width, std::int64_t height, std::int64_t width) {
  VGEN_CHECK(height > 0 && width > 0, ShapeError, "center_crop_wide: expected a size of at least 1x1, got ", height,
             "x", width);
  VGEN_CHECK(from_height > 0 && from_width > 0, ShapeError, "center_crop_wide: no pixels");
  const double scale = std::min(double(from_width) / double(width), double(from_height) / double(height));
  // Python's floor division of floats, which the reference uses: exact quotients can come out one too small.
  const auto floor_divided = [&](std::int64_t side) {
    const double quotient = (double(side) - std::fmod(double(side), scale)) / scale, floor = std::floor(quotient);
    return std::max<std::int64_t>(1, std::int64_t(quotient - floor > 0.5 ? floor + 1 : floor));
  };
  const std::int64_t h = floor_divided(from_height), w = floor_divided(from_width);
  const auto half = [](std::int64_t n) { return n >= 0 ? n / 2 : -((1 - n) / 2); };  // rounded down
  return {h, w, {half(w - width), half(h - height), width, height}};
}

Frames center_crop_wide(const Frames& frames, std::int64_t height, std::int64_t width, Filter filter) {
  const WideCrop plan = wide_crop(frames.height, frames.width, height, width);
  return crop_padded(resize(frames, plan.height, plan.width, filter), plan.crop);
}

Frames flip_horizontal(const Frames& frames) {
  return to_frames(
      xt::view(view(frames), xt::all(), xt::all(), xt::range(xt::placeholders::_, xt::placeholders::_, -1), xt::all()),
      frames.fps);
}

Frames to_rgb(const Frames& frames, const std::uint8_t* background) {
  if (frames.channels == 3) return frames;
  VGEN_CHECK(frames.channels == 1 || frames.channels == 4, ShapeError, "video: expected 1, 3 or 4 channels, got ",
             frames.channels);
  Frames out(frames.count, frames.height, frames.width, 3, frames.fps);
  const std::uint8_t* s = frames.pixels->data();
  std::uint8_t* d = out.pixels->data();
  for (std::size_t i = 0, n = out.bytes() / 3; i < n; ++i, s += frames.channels, d += 3) {
    if (frames.channels == 1) {
      d[0] = d[1] = d[2] = s[0];
    } else if (background) {
      for (int k = 0; k < 3; ++k) d[k] = std::uint8_t((s[k] * s[3] + background[k] * (255 - s[3]) + 127) / 255);
    } else {
      std::memcpy(d, s, 3);
    }
  }
  return out;
}

Frames to_grey(const Frames& given, Luma luma) {
  const Frames frames = to_rgb(given);
  const bool pillow = luma == Luma::pillow;
  const int r = pillow ? 19595 : 9798, g = pillow ? 38470 : 19235, b = pillow ? 7471 : 3735, bits = pillow ? 16 : 15;
  Frames out(frames.count, frames.height, frames.width, 3, frames.fps);
  const std::uint8_t* s = frames.pixels->data();
  std::uint8_t* d = out.pixels->data();
  for (std::size_t i = 0, n = out.bytes(); i < n; i += 3)
    d[i] = d[i + 1] = d[i + 2] = std::uint8_t((r * s[i] + g * s[i + 1] + b * s[i + 2] + (1 << (bits - 1))) >> bits);
  return out;
}

Frames side_by_side(const std::vector<Frames>& panels) {
  VGEN_CHECK(!panels.empty(), ShapeError, "side_by_side: no panels");
  Frames out;
  for (const Frames& p : panels) out.count = std::max(out.count, p.count), out.width += p.width;
  for (const Frames& p : panels)
    VGEN_CHECK(p.bytes() > 0 && p.height == panels[0].height && p.channels == panels[0].channels &&
                   (p.count == 1 || p.count == out.count),
               ShapeError, "side_by_side: expected panels of ", panels[0].height, " rows and ", panels[0].channels,
               " channels with 1 or ", out.count, " frames, got ", p.count, " of ", p.height, " rows and ", p.channels,
               " channels");
  out = Frames(out.count, panels[0].height, out.width, panels[0].channels, panels[0].fps);
  for (std::int64_t f = 0; f < out.count; ++f) {
    std::uint8_t* to = out.frame(f);
    for (std::int64_t y = 0; y < out.height; ++y)
      for (const Frames& p : panels) {
        const auto row = std::size_t(p.width * p.channels);
        std::memcpy(to, p.frame(p.count == 1 ? 0 : f) + std::size_t(y) * row, row);
        to += row;
      }
  }
  return out;
}

Frames drop_grey_last_frame(const Frames& frames, double share) {
  VGEN_CHECK(share >= 0 && share <= 1, ConfigError, "drop_grey_last_frame: share must be in [0, 1], got ", share);
  if (frames.count < 2) return frames;
  const std::int64_t n = frames.height * frames.width * frames.channels;
  const std::uint8_t* last = frames.frame(frames.count - 1);
  const auto grey = std::count_if(last, last + n, [](std::uint8_t v) { return v >= 117 && v <= 137; });
  if (double(grey) <= share * double(n)) return frames;
  Frames out(frames.count - 1, frames.height, frames.width, frames.channels, frames.fps);
  std::copy_n(frames.frame(0), out.bytes(), out.frame(0));
  return out;
}

Frames contact_sheet(const Frames& given, const SheetOptions& o) {
  VGEN_CHECK(given.count > 0, ShapeError, "contact_sheet: no frames");
  VGEN_CHECK(o.columns >= 0 && o.gap >= 0, ConfigError, "contact_sheet: columns and gap must not be negative, got ",
             o.columns, " and ", o.gap);
  const Frames frames = to_rgb(given);
  const auto columns =
      std::min(frames.count, o.columns ? o.columns : std::int64_t(std::ceil(std::sqrt(double(frames.count)))));
  Frames sheet = empty_sheet((frames.count + columns - 1) / columns, columns, frames, o);
  for (std::int64_t i = 0; i < frames.count; ++i)
    paste(frames, i, sheet, o.gap + i / columns * (frames.height + o.gap),
          o.gap + i % columns * (frames.width + o.gap));
  return sheet;
}

Frames contact_sheet(const std::vector<Frames>& clips, const SheetOptions& o) {
  VGEN_CHECK(!clips.empty(), ShapeError, "contact_sheet: no clips");
  VGEN_CHECK(o.columns >= 0 && o.gap >= 0, ConfigError, "contact_sheet: columns and gap must not be negative, got ",
             o.columns, " and ", o.gap);
  std::int64_t longest = 0;
  for (const Frames& c : clips) {
    VGEN_CHECK(c.count > 0 && c.height == clips[0].height && c.width == clips[0].width, ShapeError,
               "contact_sheet: expected clips of ", clips[0].width, "x", clips[0].height, ", got ", c.count,
               " frames of ", c.width, "x", c.height);
    longest = std::max(longest, c.count);
  }
  const auto columns = o.columns ? std::min(o.columns, longest) : longest;
  Frames sheet = empty_sheet(std::int64_t(clips.size()), columns, clips[0], o);
  for (std::size_t row = 0; row < clips.size(); ++row) {
    const Frames clip = to_rgb(clips[row]);
    const auto shown = std::min(columns, clip.count);
    for (std::int64_t i = 0; i < shown; ++i) {
      const auto frame = shown == 1 ? 0 : (i * (clip.count - 1) + (shown - 1) / 2) / (shown - 1);
      paste(clip, frame, sheet, o.gap + std::int64_t(row) * (clip.height + o.gap), o.gap + i * (clip.width + o.gap));
    }
  }
  return sheet;
}

Rect changed_rect(const std::uint8_t* a, const std::uint8_t* b, std::int64_t height, std::int64_t width,
                  std::int64_t channels) {
  const auto row = std::size_t(width * channels);
  std::int64_t top = 0, bottom = height;
  const auto same = [&](std::int64_t y) {
    return std::memcmp(a + std::size_t(y) * row, b + std::size_t(y) * row, row) == 0;
  };
  while (top < bottom && same(top)) ++top;
  if (top == bottom) return {};
  while (same(bottom - 1)) --bottom;
  std::int64_t left = width, right = 0;
  for (std::int64_t y = top; y < bottom; ++y) {
    const std::uint8_t *p = a + std::size_t(y) * row, *q = b + std::size_t(y) * row;
    std::int64_t x = 0, end = width;
    while (x < left && std::memcmp(p + x * channels, q + x * channels, std::size_t(channels)) == 0) ++x;
    while (end > right && std::memcmp(p + (end - 1) * channels, q + (end - 1) * channels, std::size_t(channels)) == 0)
      --end;
    left = std::min(left, x), right = std::max(right, end);
  }
  return {left, top, right - left, bottom - top};
}

}  // namespace vgen::video
