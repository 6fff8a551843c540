#include "vgen/video/gif.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <unordered_map>
#include <vector>

#include "vgen/video/transforms.hpp"
#include "vgen/video/xtensor.hpp"

namespace vgen::video {
namespace {

constexpr int max_colours = 255;          // one of 256 entries means "unchanged"
constexpr std::uint32_t bins = 1u << 18;  // 6 bits a channel

std::uint32_t rgb(const std::uint8_t* p) { return std::uint32_t(p[0]) << 16 | std::uint32_t(p[1]) << 8 | p[2]; }
std::uint32_t bin_of(std::uint32_t c) { return (c >> 18 & 63) << 12 | (c >> 10 & 63) << 6 | (c >> 2 & 63); }

struct Bin {
  std::uint64_t n = 0;
  std::array<double, 3> mean{};
};

std::vector<std::uint32_t> median_cut(std::vector<Bin> cells) {
  struct Box {
    std::size_t begin, end, axis;
    double spread;  // weighted variance along `axis`: the box that errs most is cut first
  };
  const auto measure = [&](std::size_t begin, std::size_t end) {
    Box box{begin, end, 0, -1};
    for (std::size_t a = 0; a < 3; ++a) {
      double n = 0, sum = 0, square = 0;
      for (std::size_t i = begin; i < end; ++i) {
        const double w = double(cells[i].n), v = cells[i].mean[a];
        n += w, sum += w * v, square += w * v * v;
      }
      const double spread = square - sum * sum / n;
      if (spread > box.spread) box.axis = a, box.spread = spread;
    }
    return box;
  };
  std::vector<Box> boxes{measure(0, cells.size())};
  while (boxes.size() < max_colours) {
    const auto worst = std::max_element(boxes.begin(), boxes.end(), [](const Box& a, const Box& b) {
      return (a.end - a.begin > 1 ? a.spread : -1) < (b.end - b.begin > 1 ? b.spread : -1);
    });
    const Box box = *worst;
    if (box.end - box.begin < 2) break;
    std::sort(cells.begin() + std::ptrdiff_t(box.begin), cells.begin() + std::ptrdiff_t(box.end),
              [&](const Bin& a, const Bin& b) { return a.mean[box.axis] < b.mean[box.axis]; });
    std::uint64_t total = 0, half = 0;
    for (std::size_t i = box.begin; i < box.end; ++i) total += cells[i].n;
    std::size_t cut = box.begin;
    while (cut < box.end && 2 * (half + cells[cut].n) <= total) half += cells[cut++].n;
    cut = std::clamp(cut, box.begin + 1, box.end - 1);
    *worst = measure(box.begin, cut);
    boxes.push_back(measure(cut, box.end));
  }
  std::vector<std::uint32_t> palette;
  for (const Box& box : boxes) {
    std::array<double, 3> sum{};
    double n = 0;
    for (std::size_t i = box.begin; i < box.end; ++i) {
      n += double(cells[i].n);
      for (std::size_t a = 0; a < 3; ++a) sum[a] += double(cells[i].n) * cells[i].mean[a];
    }
    std::uint32_t colour = 0;
    for (std::size_t a = 0; a < 3; ++a) colour = colour << 8 | std::uint32_t(std::lround(sum[a] / n));
    palette.push_back(colour);
  }
  return palette;
}

// Maps colours to palette entries; exact when every colour is in the palette.
class Quantizer {
 public:
  Quantizer(const std::uint8_t* pixels, std::size_t count, bool dither) : dither_(dither) {
    for (std::size_t i = 0; i < count && exact_.size() <= max_colours; ++i)
      exact_.emplace(rgb(pixels + 3 * i), int(exact_.size()));
    if (exact_.size() <= max_colours) {
      palette_.resize(exact_.size());
      for (auto [colour, index] : exact_) palette_[std::size_t(index)] = colour;
      return;
    }
    exact_.clear();
    xt::xtensor<double, 2> sums({bins, 4});
    sums.fill(0);
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint8_t* p = pixels + 3 * i;
      double* s = &sums(bin_of(rgb(p)), 0);
      s[0] += p[0], s[1] += p[1], s[2] += p[2], s[3] += 1;
    }
    std::vector<Bin> cells;
    for (std::uint32_t b = 0; b < bins; ++b)
      if (const double n = sums(b, 3); n > 0)
        cells.push_back({std::uint64_t(n), {sums(b, 0) / n, sums(b, 1) / n, sums(b, 2) / n}});
    palette_ = median_cut(std::move(cells));
    nearest_.assign(bins, -1);
  }
  const std::vector<std::uint32_t>& palette() const { return palette_; }
  int operator()(const std::uint8_t* p, std::int64_t x, std::int64_t y) {
    if (!exact_.empty()) return exact_.at(rgb(p));
    std::array<std::uint8_t, 3> c{p[0], p[1], p[2]};
    if (dither_) {
      // 8x8 Bayer matrix from the interleaved bits of x^y and y; about half the palette's mean spacing.
      int m = 0;
      for (int b = 0; b < 3; ++b) m |= int((x ^ y) >> b & 1) << (5 - 2 * b) | int(y >> b & 1) << (4 - 2 * b);
      const int shift = (m - 32) * 16 / 64;
      for (auto& v : c) v = std::uint8_t(std::clamp(int(v) + shift, 0, 255));
    }
    auto& hit = nearest_[bin_of(rgb(c.data()))];
    if (hit < 0) {
      int best = 1 << 30;
      for (std::size_t i = 0; i < palette_.size(); ++i) {
        const int dr = int(palette_[i] >> 16) - ((c[0] & 252) | 2),
                  dg = int(palette_[i] >> 8 & 255) - ((c[1] & 252) | 2),
                  db = int(palette_[i] & 255) - ((c[2] & 252) | 2);
        const int d = 2 * dr * dr + 4 * dg * dg + 3 * db * db;  // rough luma weights
        if (d < best) best = d, hit = std::int16_t(i);
      }
    }
    return hit;
  }

 private:
  bool dither_;
  std::unordered_map<std::uint32_t, int> exact_;
  std::vector<std::uint32_t> palette_;
  std::vector<std::int16_t> nearest_;
};

void put16(std::string& out, std::int64_t v) { out.push_back(char(v & 255)), out.push_back(char(v >> 8 & 255)); }

void put_sub_blocks(std::string& out, std::string_view data) {
  for (; !data.empty(); data.remove_prefix(std::min<std::size_t>(255, data.size()))) {
    const auto piece = data.substr(0, 255);
    out.push_back(char(piece.size()));
    out += piece;
  }
  out.push_back(0);
}

// Variable-length-code LZW (GIF89a, appendix F).
std::string lzw(const std::vector<std::uint8_t>& indices, int code_size) {
  const int clear = 1 << code_size, end = clear + 1;
  std::string out;
  std::uint32_t hold = 0;
  int held = 0, width = code_size + 1, next = end + 1;
  const auto put = [&](int code) {
    hold |= std::uint32_t(code) << held;
    for (held += width; held >= 8; held -= 8, hold >>= 8) out.push_back(char(hold & 255));
  };
  constexpr std::uint32_t slots = 1 << 14;
  std::vector<std::int32_t> keys(slots, -1);
  std::vector<std::int16_t> codes(slots);
  put(clear);
  int prefix = indices[0];
  for (std::size_t i = 1; i < indices.size(); ++i) {
    const std::int32_t key = prefix << 8 | indices[i];
    std::uint32_t slot = std::uint32_t(key) * 2654435761u >> 18;
    while (keys[slot] >= 0 && keys[slot] != key) slot = (slot + 1) % slots;
    if (keys[slot] == key) {
      prefix = codes[slot];
      continue;
    }
    put(prefix);
    prefix = indices[i];
    if (next < 4096) {
      if (next == 1 << width) ++width;
      keys[slot] = key, codes[slot] = std::int16_t(next++);
    } else {
      put(clear);
      std::fill(keys.begin(), keys.end(), -1);
      width = code_size + 1, next = end + 1;
    }
  }
  put(prefix);
  if (next == 1 << width && width < 12) ++width;  // readers grow their table after every code
  put(end);
  if (held > 0) out.push_back(char(hold & 255));
  return out;
}

int table_bits(std::size_t colours) {
  int bits = 1;
  while ((std::size_t(1) << bits) < colours) ++bits;
  return bits;
}
void put_table(std::string& out, const std::vector<std::uint32_t>& palette, int bits) {
  for (std::size_t i = 0; i < std::size_t(1) << bits; ++i) {
    const std::uint32_t c = i < palette.size() ? palette[i] : 0;
    out += {char(c >> 16 & 255), char(c >> 8 & 255), char(c & 255)};
  }
}

}  // namespace

std::string encode_gif(const Frames& given, const GifOptions& o, const CancelToken& cancel) {
  VGEN_CHECK(given.count > 0 && given.height > 0 && given.width > 0, ShapeError, "gif: no frames");
  VGEN_CHECK(given.height < 65536 && given.width < 65536, ShapeError, "gif: sides must be below 65536, got ",
             given.width, "x", given.height);
  VGEN_CHECK(given.fps > 0 && given.fps <= 50, ConfigError, "gif: fps must be in (0, 50], got ", given.fps,
             "; write mp4 or apng instead");
  VGEN_CHECK(o.loop >= 0 && o.loop < 65536, ConfigError, "gif: loop must be in [0, 65535], got ", o.loop);
  const Frames frames = to_rgb(given);
  const auto area = std::size_t(frames.height * frames.width);
  const bool shared = o.palette == GifPalette::clip;
  Quantizer quantize(frames.frame(0), shared ? area * std::size_t(frames.count) : area, o.dither);

  std::string out = "GIF89a";
  put16(out, frames.width), put16(out, frames.height);
  int bits = table_bits(quantize.palette().size() + 1);
  out += {char(shared ? 0xf0 | (bits - 1) : 0x70), 0, 0};
  if (shared) put_table(out, quantize.palette(), bits);
  if (frames.count > 1) {
    out += std::string("\x21\xff\x0bNETSCAPE2.0\x03\x01", 16);
    put16(out, o.loop), out.push_back(0);
  }
  if (!o.comment.empty()) out += "\x21\xfe", put_sub_blocks(out, o.comment);

  std::vector<std::uint8_t> shown(area * 3), next(area * 3), index(area);
  for (std::int64_t f = 0; f < frames.count; ++f) {
    cancel.check("gif");
    if (!shared && f) quantize = Quantizer(frames.frame(f), area, o.dither);
    const auto& palette = quantize.palette();
    bits = table_bits(palette.size() + 1);
    for (std::size_t i = 0; i < area; ++i) {
      const int k = quantize(frames.frame(f) + 3 * i, std::int64_t(i) % frames.width, std::int64_t(i) / frames.width);
      index[i] = std::uint8_t(k);
      const std::uint32_t c = palette[std::size_t(k)];
      next[3 * i] = std::uint8_t(c >> 16), next[3 * i + 1] = std::uint8_t(c >> 8), next[3 * i + 2] = std::uint8_t(c);
    }
    Rect r{0, 0, frames.width, frames.height};
    if (f) r = changed_rect(shown.data(), next.data(), frames.height, frames.width, 3);
    if (r.width == 0) r = {0, 0, 1, 1};
    const auto clear = std::uint8_t(palette.size());  // the "unchanged" entry
    std::vector<std::uint8_t> picture;
    for (std::int64_t y = r.y; y < r.y + r.height; ++y)
      for (std::int64_t x = r.x; x < r.x + r.width; ++x) {
        const auto i = std::size_t(y * frames.width + x);
        picture.push_back(f && std::memcmp(&shown[3 * i], &next[3 * i], 3) == 0 ? clear : index[i]);
      }
    const auto time = [&](std::int64_t n) { return std::llround(double(n) * 100 / frames.fps); };
    out += {'\x21', '\xf9', 4, char(1 << 2 | (f ? 1 : 0))};  // keep what is shown; transparency after the first frame
    put16(out, std::min<std::int64_t>(65535, time(f + 1) - time(f)));
    out += {char(clear), 0, ','};
    put16(out, r.x), put16(out, r.y), put16(out, r.width), put16(out, r.height);
    out.push_back(char(shared ? 0 : 0x80 | (bits - 1)));
    if (!shared) put_table(out, palette, bits);
    const int code_size = std::max(2, bits);
    out.push_back(char(code_size));
    put_sub_blocks(out, lzw(picture, code_size));
    shown = next;
  }
  out.push_back(';');
  return out;
}

}  // namespace vgen::video
