#include "vgen/conditioning/drawing.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "vgen/conditioning/raster.hpp"
#include "vgen/video/transforms.hpp"

namespace vgen::conditioning {

namespace {

using Point = std::array<double, 2>;

std::string shown(const Point& p) { return str("(", p[0], ", ", p[1], ")"); }

void check_size(const char* who, std::int64_t frames, std::int64_t height, std::int64_t width) {
  VGEN_CHECK(frames >= 1 && height >= 1 && width >= 1 && height <= 16384 && width <= 16384 &&
                 frames <= (std::int64_t(1) << 31) / (height * width),
             ConfigError, who, ": expected frames >= 1 and sides in [1, 16384], got ", frames, " of ", height, "x",
             width);
}

void check_points(const std::string& who, const std::vector<Point>& points, std::size_t least) {
  VGEN_CHECK(points.size() >= least, ConfigError, who, ": expected at least ", least, " points, got ", points.size());
  for (const Point& p : points)
    VGEN_CHECK(p[0] >= 0 && p[0] <= 1 && p[1] >= 0 && p[1] <= 1, ConfigError, who, ": point ", shown(p),
               " lies outside of the picture; positions are shares from 0 to 1");
}

// The last frame that is meant; the number of frames, too, is said for the end of the clip.
std::int64_t check_range(const std::string& who, int first, int last, std::int64_t frames) {
  const std::int64_t end = last == -1 || (last == frames && first < last) ? frames - 1 : last;
  VGEN_CHECK(first >= 0 && first <= end && end < frames, ConfigError, who, ": frames ", first, "..", end,
             " are out of order or outside of the clip, which has frames 0..", frames - 1);
  return end;
}

Point mix(const Point& a, const Point& b, double share) {
  return {a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share};
}

// The point after a share of a polyline's length, in pixels.
Point along(const std::vector<Point>& line, double share) {
  double total = 0;
  const auto length = [&](std::size_t i) {
    return std::hypot(line[i + 1][0] - line[i][0], line[i + 1][1] - line[i][1]);
  };
  for (std::size_t i = 0; i + 1 < line.size(); ++i) total += length(i);
  double left = share * total;
  for (std::size_t i = 0; i + 1 < line.size(); ++i) {
    const double l = length(i);
    if (l > 0 && (left <= l || i + 2 == line.size())) return mix(line[i], line[i + 1], std::min(left / l, 1.0));
    left -= l;
  }
  return line.back();
}

std::vector<Point> in_pixels(std::vector<Point> points, std::int64_t height, std::int64_t width) {
  for (Point& p : points) p[0] *= static_cast<double>(width), p[1] *= static_cast<double>(height);
  return points;
}

Pixel pixel(const Point& p, std::int64_t height, std::int64_t width) {
  return {std::clamp<std::int64_t>(std::llround(std::floor(p[0])), 0, width - 1),
          std::clamp<std::int64_t>(std::llround(std::floor(p[1])), 0, height - 1)};
}

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

template <class T>
T number(std::string_view text, std::string_view part) {
  part = trimmed(part);
  T value{};
  const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
  VGEN_CHECK(error == std::errc() && end == part.data() + part.size() && !part.empty(), ConfigError, "motion path '",
             printable(std::string(text)), "': '", printable(std::string(part)),
             "' is no number; expected \"x,y -> x,y @ first..last\"");
  return value;
}

}  // namespace

MotionPath parse_motion_path(std::string_view text) {
  MotionPath out;
  std::string_view rest = text;
  const auto split =
      [&](std::string_view mark) -> std::optional<std::string_view> {  // takes what stands after the mark
    const auto at = rest.rfind(mark);
    if (at == std::string_view::npos) return {};
    const std::string_view after = rest.substr(at + mark.size());
    rest = rest.substr(0, at);
    return after;
  };
  if (const auto radius = split("~")) out.radius = number<double>(text, *radius);
  if (const auto range = split("@")) {
    const auto dots = range->find("..");
    VGEN_CHECK(dots != std::string_view::npos, ConfigError, "motion path '", printable(std::string(text)),
               "': expected frames as first..last after '@'");
    out.first = number<int>(text, range->substr(0, dots));
    out.last = number<int>(text, range->substr(dots + 2));
  }
  for (std::string_view left = rest;;) {
    const auto arrow = left.find("->");
    const std::string_view point = left.substr(0, arrow);
    const auto comma = point.find(',');
    VGEN_CHECK(comma != std::string_view::npos, ConfigError, "motion path '", printable(std::string(text)), "': '",
               printable(std::string(trimmed(point))), "' is no point; expected x,y");
    out.points.push_back({number<double>(text, point.substr(0, comma)), number<double>(text, point.substr(comma + 1))});
    if (arrow == std::string_view::npos) break;
    left = left.substr(arrow + 2);
  }
  check_points(str("motion path '", printable(std::string(text)), "'"), out.points, 2);
  return out;
}

Tensor drawn_motion(const std::vector<MotionPath>& paths, std::int64_t frames, std::int64_t height, std::int64_t width,
                    std::int64_t block) {
  check_size("drawn_motion", frames, height, width);
  VGEN_CHECK(block >= 1, ConfigError, "drawn_motion: block must be >= 1, got ", block);
  Tensor out = at::zeros({frames, 2, height, width}, at::kFloat);
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const MotionPath& path = paths[i];
    const std::string who = str("motion path ", i);
    check_points(who, path.points, 2);
    const std::int64_t last = check_range(who, path.first, path.last, frames);
    VGEN_CHECK(path.radius > 0 && path.radius <= 2, ConfigError, who, ": radius must be in (0, 2], got ", path.radius);
    const std::vector<Point> line = in_pixels(path.points, height, width);
    const double reach = path.radius * static_cast<double>(std::min(height, width));
    Point before = line.front();
    for (std::int64_t f = path.first + 1; f <= last; ++f) {
      const Point now = along(line, static_cast<double>(f - path.first) / static_cast<double>(last - path.first));
      float* field = out.data_ptr<float>() + f * 2 * height * width;
      for (std::int64_t y = block / 2; y < height; y += block)
        for (std::int64_t x = block / 2; x < width; x += block) {
          if (std::hypot(static_cast<double>(x) + 0.5 - now[0], static_cast<double>(y) + 0.5 - now[1]) > reach)
            continue;
          field[y * width + x] = static_cast<float>(now[0] - before[0]);
          field[(height + y) * width + x] = static_cast<float>(now[1] - before[1]);
        }
      before = now;
    }
  }
  return out;
}

Tensor drawn_mask(const std::vector<MaskKey>& given, std::int64_t frames, std::int64_t height, std::int64_t width) {
  check_size("drawn_mask", frames, height, width);
  VGEN_CHECK(!given.empty(), ConfigError, "drawn_mask: expected at least one key");
  std::vector<MaskKey> keys = given;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const std::string who = str("mask key ", i);
    check_points(who, keys[i].corners, 2);
    VGEN_CHECK(keys[i].frame >= 0 && keys[i].frame < frames, ConfigError, who, ": frame ", keys[i].frame,
               " is outside of the clip, which has frames 0..", frames - 1);
    VGEN_CHECK(i == 0 || keys[i].frame > keys[i - 1].frame, ConfigError, who, ": frame ", keys[i].frame,
               " does not come after frame ", keys[i - 1].frame, "; order the keys");
    if (auto& c = keys[i].corners; c.size() == 2) c = {c[0], {c[1][0], c[0][1]}, c[1], {c[0][0], c[1][1]}};
    VGEN_CHECK(keys[i].corners.size() == keys[0].corners.size(), ConfigError, who, ": ", keys[i].corners.size(),
               " corners, the first key has ", keys[0].corners.size());
    keys[i].corners = in_pixels(keys[i].corners, height, width);
  }
  Tensor bytes = at::zeros({frames, 1, height, width}, at::kByte);
  for (std::int64_t f = 0; f < frames; ++f) {
    std::size_t next = 0;
    while (next < keys.size() && keys[next].frame < f) ++next;
    const MaskKey &a = keys[next == 0 ? 0 : next - 1], &b = keys[std::min(next, keys.size() - 1)];
    const double share = b.frame > a.frame ? static_cast<double>(f - a.frame) / (b.frame - a.frame) : 0;
    std::vector<std::pair<double, double>> corners;
    for (std::size_t i = 0; i < a.corners.size(); ++i) {
      const Point p = mix(a.corners[i], b.corners[i], std::clamp(share, 0.0, 1.0));
      corners.emplace_back(p[0], p[1]);
    }
    Raster{height, width, bytes.data_ptr<std::uint8_t>() + f * height * width}.polygon(corners);
  }
  return bytes.to(at::kFloat);
}

Tensor drawn_sketch(const std::vector<SketchStroke>& strokes, std::int64_t frames, std::int64_t height,
                    std::int64_t width) {
  check_size("drawn_sketch", frames, height, width);
  Tensor bytes = at::zeros({frames, 1, height, width}, at::kByte);
  for (std::size_t i = 0; i < strokes.size(); ++i) {
    const SketchStroke& s = strokes[i];
    const std::string who = str("sketch stroke ", i);
    check_points(who, s.points, 1);
    const std::int64_t last = check_range(who, s.first, s.last, frames);
    VGEN_CHECK(s.thickness > 0 && s.thickness <= 1, ConfigError, who, ": thickness must be in (0, 1], got ",
               s.thickness);
    const auto line = in_pixels(s.points, height, width);
    const auto thickness =
        std::max<std::int64_t>(2, std::llround(s.thickness * static_cast<double>(std::min(height, width))));
    for (std::int64_t f = s.first; f <= last; ++f)
      for (std::size_t k = 0; k < line.size(); ++k)
        Raster{height, width, bytes.data_ptr<std::uint8_t>() + f * height * width}.line(
            pixel(line[k], height, width), pixel(line[std::min(k + 1, line.size() - 1)], height, width), thickness);
  }
  return bytes.to(at::kFloat);
}

video::Frames overlay(const video::Frames& frames, const Tensor& condition, double gain) {
  VGEN_CHECK(frames.count > 0 && frames.pixels, ShapeError, "overlay: there are no frames");
  expect_shape(condition, "overlay", "condition", {frames.count, -1, frames.height, frames.width});
  const std::int64_t channels = condition.size(1), h = frames.height, w = frames.width;
  VGEN_CHECK(channels == 1 || channels == 2, ShapeError,
             "overlay: a condition must have 1 channel (mask, sketch) or 2 (motion), got ", channels);
  const video::Frames rgb = video::to_rgb(frames);
  video::Frames out(rgb.count, h, w, 3, rgb.fps);
  *out.pixels = *rgb.pixels;
  const Tensor values = condition.to(at::kCPU, at::kFloat).contiguous();
  std::vector<std::uint8_t> drawn(static_cast<std::size_t>(h * w));
  for (std::int64_t f = 0; f < out.count; ++f) {
    const float* v = values.data_ptr<float>() + f * channels * h * w;
    std::ranges::fill(drawn, std::uint8_t(0));
    const Raster raster{h, w, drawn.data()};
    if (channels == 1) {
      for (std::int64_t i = 0; i < h * w; ++i) drawn[std::size_t(i)] = v[i] > 0.5f;
    } else {
      for (std::int64_t y = 0; y < h; ++y)
        for (std::int64_t x = 0; x < w; ++x) {
          const double dx = gain * v[y * w + x], dy = gain * v[(h + y) * w + x], length = std::hypot(dx, dy);
          if (!(length > 0) || length > 32000) continue;
          const Pixel from{x, y}, to{x + std::llround(dx), y + std::llround(dy)};
          raster.line(from, to, 2);
          for (const double turn : {2.6, -2.6}) {  // the head of the arrow, 149 degrees back
            const double a = std::atan2(dy, dx) + turn, size = std::clamp(length / 3, 2.0, 8.0);
            raster.line(to, {to.x + std::llround(size * std::cos(a)), to.y + std::llround(size * std::sin(a))}, 2);
          }
        }
    }
    std::uint8_t* p = out.frame(f);
    for (std::int64_t i = 0; i < h * w; ++i, p += 3)
      if (drawn[std::size_t(i)]) {
        if (channels == 2) {
          p[0] = 255, p[1] = 40, p[2] = 40;
        } else {  // half transparent
          p[0] = static_cast<std::uint8_t>((p[0] + 255) / 2), p[1] = static_cast<std::uint8_t>(p[1] / 2),
          p[2] = static_cast<std::uint8_t>(p[2] / 2);
        }
      }
  }
  return out;
}

}  // namespace vgen::conditioning
