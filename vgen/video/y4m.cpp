#include "vgen/video/y4m.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

namespace vgen::video {
namespace {

std::uint8_t to8(double v) { return std::uint8_t(std::clamp(std::lround(v), 0l, 255l)); }

// Decimal digits of `s` from `at`; -1 if there are none or too many.
std::int64_t number(std::string_view s, std::size_t& at) {
  std::int64_t v = 0;
  const std::size_t begin = at;
  for (; at < s.size() && s[at] >= '0' && s[at] <= '9' && at - begin < 10; ++at) v = v * 10 + (s[at] - '0');
  return at == begin ? -1 : v;
}

std::pair<std::int64_t, std::int64_t> chroma_size(const Y4mInfo& i) {
  if (i.chroma == "mono") return {0, 0};
  if (i.chroma == "444") return {i.width, i.height};
  if (i.chroma == "422") return {(i.width + 1) / 2, i.height};
  return {(i.width + 1) / 2, (i.height + 1) / 2};
}

}  // namespace

std::string y4m_header(std::int64_t height, std::int64_t width, double fps) {
  VGEN_CHECK(height > 0 && width > 0, ShapeError, "y4m: expected a non-empty picture, got ", height, "x", width);
  VGEN_CHECK(fps > 0 && fps <= 1000, ConfigError, "y4m: fps must be in (0, 1000], got ", fps);
  const bool whole = fps == std::floor(fps);
  return str("YUV4MPEG2 W", width, " H", height, " F",
             whole ? static_cast<long long>(fps) : std::llround(fps * 1000000), ":", whole ? 1 : 1000000,
             " Ip A1:1 C444 XCOLORRANGE=FULL\n");
}

std::string y4m_frame(const std::uint8_t* pixels, std::int64_t height, std::int64_t width, std::int64_t channels) {
  const auto n = std::size_t(height * width);
  std::string out = "FRAME\n";
  const std::size_t begin = out.size();
  out.resize(begin + 3 * n);
  for (std::size_t i = 0; i < n; ++i, pixels += channels) {
    const double r = pixels[0], g = pixels[channels > 1 ? 1 : 0], b = pixels[channels > 1 ? 2 : 0];
    const double y = 0.299 * r + 0.587 * g + 0.114 * b;
    out[begin + i] = char(to8(y));
    out[begin + n + i] = char(to8(128 + (b - y) / 1.772));
    out[begin + 2 * n + i] = char(to8(128 + (r - y) / 1.402));
  }
  return out;
}

Y4mInfo parse_y4m(std::string_view head, std::size_t size, std::int64_t max_pixels) {
  const std::size_t end = head.substr(0, 4096).find('\n');
  VGEN_CHECK(head.substr(0, 9) == "YUV4MPEG2" && end != std::string_view::npos, MediaError,
             "y4m: not a YUV4MPEG2 file");
  Y4mInfo info;
  info.header_bytes = end + 1;
  info.chroma = "420";
  const auto line = head.substr(9, end - 9);
  for (std::size_t at = 0; at < line.size();) {
    if (line[at] == ' ') {
      ++at;
      continue;
    }
    const auto word = line.substr(at, line.find(' ', at) - at);
    at += word.size();
    std::size_t pos = 1;
    if (word[0] == 'W') info.width = number(word, pos);
    if (word[0] == 'H') info.height = number(word, pos);
    if (word[0] == 'F') {
      const auto num = number(word, pos);
      const auto den = ++pos < word.size() ? number(word, pos) : -1;
      info.fps = num > 0 && den > 0 ? double(num) / double(den) : 0;
    }
    if (word[0] == 'C') info.chroma = word.substr(1);
    if (word == "XCOLORRANGE=FULL") info.full_range = true;
  }
  VGEN_CHECK(info.width > 0 && info.height > 0, MediaError, "y4m: no valid size in the header");
  VGEN_CHECK(info.width <= max_pixels / info.height, MediaError, "y4m: limit: ", info.width, "x", info.height,
             " pixels, at most ", max_pixels, " are read");
  VGEN_CHECK(info.fps > 0 && info.fps <= 1000, MediaError, "y4m: limit: frame rate ", info.fps, " is not in (0, 1000]");
  if (info.chroma == "420jpeg" || info.chroma == "420mpeg2" || info.chroma == "420paldv") info.chroma = "420";
  VGEN_CHECK(
      info.chroma == "420" || info.chroma == "422" || info.chroma == "444" || info.chroma == "mono", MediaError,
      "y4m: chroma '", printable(info.chroma),
      "' is not read; expected 420, 422, 444 or mono with 8 bits. Convert: ffmpeg -i IN -pix_fmt yuv444p OUT.y4m");
  const auto [cw, ch] = chroma_size(info);
  info.frame_bytes = std::size_t(info.width * info.height + 2 * cw * ch);
  const std::size_t rest = size > info.header_bytes ? size - info.header_bytes : 0, each = info.frame_bytes + 6;
  info.frames = std::int64_t(rest / each);
  info.truncated = rest % each != 0;
  return info;
}

void y4m_to_rgb(const Y4mInfo& info, std::string_view planes, std::uint8_t* rgb) {
  const auto [cw, ch] = chroma_size(info);
  const auto* y_plane = reinterpret_cast<const std::uint8_t*>(planes.data());
  const auto* u_plane = y_plane + info.width * info.height;
  const auto* v_plane = u_plane + cw * ch;
  const double y_scale = info.full_range ? 1 : 255.0 / 219, c_scale = info.full_range ? 1 : 255.0 / 224,
               y_zero = info.full_range ? 0 : 16;
  // Chroma is upsampled bilinearly with centred samples (the 420jpeg placement).
  const auto chroma = [&, cw = cw, ch = ch](const std::uint8_t* plane, std::int64_t x, std::int64_t y) {
    if (cw == info.width && ch == info.height) return double(plane[y * cw + x]);
    const auto side = [](std::int64_t i, std::int64_t n, std::int64_t full) {
      if (n == full) return std::tuple{i, i, 0.0};
      const std::int64_t a = std::clamp<std::int64_t>((i - 1) >> 1, 0, n - 1),
                         b = std::clamp<std::int64_t>(((i - 1) >> 1) + 1, 0, n - 1);
      return std::tuple{a, b, i % 2 ? 0.25 : 0.75};
    };
    const auto [x0, x1, fx] = side(x, cw, info.width);
    const auto [y0, y1, fy] = side(y, ch, info.height);
    return (1 - fy) * ((1 - fx) * plane[y0 * cw + x0] + fx * plane[y0 * cw + x1]) +
           fy * ((1 - fx) * plane[y1 * cw + x0] + fx * plane[y1 * cw + x1]);
  };
  for (std::int64_t y = 0; y < info.height; ++y)
    for (std::int64_t x = 0; x < info.width; ++x, rgb += 3) {
      const double luma = (y_plane[y * info.width + x] - y_zero) * y_scale;
      const double u = cw ? (chroma(u_plane, x, y) - 128) * c_scale : 0,
                   v = cw ? (chroma(v_plane, x, y) - 128) * c_scale : 0;
      rgb[0] = to8(luma + 1.402 * v);
      rgb[1] = to8(luma - (0.299 * 1.402 * v + 0.114 * 1.772 * u) / 0.587);
      rgb[2] = to8(luma + 1.772 * u);
    }
}

}  // namespace vgen::video
