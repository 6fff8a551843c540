#include "vgen/video/png.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "vgen/video/deflate.hpp"
#include "vgen/video/transforms.hpp"

namespace vgen::video {
namespace {

constexpr std::string_view signature("\x89PNG\r\n\x1a\n", 8);

void put32(std::string& out, std::uint32_t v) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(char(v >> shift & 255));
}
void put16(std::string& out, std::uint32_t v) { out.push_back(char(v >> 8 & 255)), out.push_back(char(v & 255)); }

void put_chunk(std::string& out, std::string_view type, std::string_view data) {
  put32(out, std::uint32_t(data.size()));
  out.append(type).append(data);
  put32(out, crc32(data, crc32(type)));
}

std::uint32_t get32(std::string_view s, std::size_t at) {
  const auto* p = reinterpret_cast<const unsigned char*>(s.data()) + at;
  return std::uint32_t(p[0]) << 24 | std::uint32_t(p[1]) << 16 | std::uint32_t(p[2]) << 8 | p[3];
}
std::uint32_t get16(std::string_view s, std::size_t at) {
  return std::uint32_t(static_cast<unsigned char>(s[at])) << 8 | static_cast<unsigned char>(s[at + 1]);
}

int paeth(int a, int b, int c) {
  const int p = a + b - c, pa = std::abs(p - a), pb = std::abs(p - b), pc = std::abs(p - c);
  return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
}

// Filtered scan lines of a rectangle. The filter with the least sum of absolute residuals is taken, as PNG 12.8
// advises.
std::string filtered(const std::uint8_t* pixels, std::int64_t stride, Rect r, std::int64_t channels) {
  const auto row_bytes = std::size_t(r.width * channels), bpp = std::size_t(channels);
  std::string out;
  out.reserve((row_bytes + 1) * std::size_t(r.height));
  const std::vector<std::uint8_t> zeros(row_bytes);
  std::array<std::string, 5> tries;
  for (auto& t : tries) t.resize(row_bytes);
  for (std::int64_t y = 0; y < r.height; ++y) {
    const std::uint8_t* row = pixels + (r.y + y) * stride + r.x * channels;
    const std::uint8_t* up = y ? row - stride : zeros.data();
    std::size_t best = 0;
    std::uint64_t best_sum = ~std::uint64_t(0);
    for (std::size_t f = 0; f < 5; ++f) {
      std::uint64_t sum = 0;
      for (std::size_t i = 0; i < row_bytes; ++i) {
        const int a = i >= bpp ? row[i - bpp] : 0, b = up[i], c = i >= bpp ? up[i - bpp] : 0;
        const int guess = f == 0 ? 0 : f == 1 ? a : f == 2 ? b : f == 3 ? (a + b) / 2 : paeth(a, b, c);
        const auto residual = std::uint8_t(row[i] - guess);
        tries[f][i] = char(residual);
        sum += std::uint64_t(std::abs(int(static_cast<signed char>(residual))));
      }
      if (sum < best_sum) best_sum = sum, best = f;
    }
    out.push_back(char(best));
    out += tries[best];
  }
  return out;
}

std::string header(std::int64_t height, std::int64_t width, std::int64_t channels) {
  VGEN_CHECK(height > 0 && width > 0 && height < (1 << 30) && width < (1 << 30), ShapeError,
             "png: expected a non-empty image, got ", height, "x", width);
  VGEN_CHECK(channels == 1 || channels == 3 || channels == 4, ShapeError, "png: expected 1, 3 or 4 channels, got ",
             channels);
  std::string data, out(signature);
  put32(data, std::uint32_t(width)), put32(data, std::uint32_t(height));
  data += {8, char(channels == 1 ? 0 : channels == 3 ? 2 : 6), 0, 0, 0};
  put_chunk(out, "IHDR", data);
  return out;
}

void put_metadata(std::string& out, const Metadata& metadata) {
  for (const auto& [key, value] : metadata) {
    VGEN_CHECK(
        !key.empty() && key.size() < 80 && key.find('\0') == std::string::npos && value.find('\0') == std::string::npos,
        ConfigError, "png: metadata keys have 1 to 79 characters and no zero bytes, got '", printable(key), "'");
    const bool ascii = std::all_of(value.begin(), value.end(), [](char c) { return static_cast<signed char>(c) >= 0; });
    put_chunk(out, ascii ? "tEXt" : "iTXt", key + std::string(ascii ? 1 : 5, '\0') + value);
  }
}

// ---- decoding ----
struct Header {
  std::int64_t width = 0, height = 0;
  int depth = 0, type = 0, channels = 0;
  bool interlaced = false;
};
struct Pass {
  std::int64_t x0, y0, dx, dy;
};
constexpr std::array<Pass, 7> adam7{
    {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}}};

struct Limit : MediaError {  // unlike damage, no reason to hand out what came before
  using MediaError::MediaError;
};

class PngReader {
 public:
  PngReader(std::string_view bytes, std::int64_t max_pixels, std::int64_t max_frames, std::int64_t max_bytes)
      : in_(bytes), max_pixels_(max_pixels), max_frames_(max_frames), max_bytes_(max_bytes) {}

  PngImage read() {
    VGEN_CHECK(is_png(in_), MediaError, "png: not a PNG file");
    std::string data;
    std::optional<Control> control;  // of the frame whose data is being collected
    bool animated = false, before_image = true, ended = false;
    const auto flush = [&] {
      if (!data.empty()) add_frame(data, control);
      data.clear();
    };
    try {
      for (std::size_t at = signature.size(); !ended;) {
        VGEN_CHECK(at + 12 <= in_.size(), MediaError, "png: the file ends early");
        const std::size_t size = get32(in_, at);
        VGEN_CHECK(size <= in_.size() - at - 12, MediaError, "png: the file ends early");
        const auto type = in_.substr(at + 4, 4), body = in_.substr(at + 8, size);
        VGEN_CHECK(crc32(in_.substr(at + 4, size + 4)) == get32(in_, at + 8 + size), MediaError,
                   "png: checksum of a chunk is wrong");
        VGEN_CHECK((h_.width > 0) == (type != "IHDR"), MediaError, "png: IHDR must come first, once");
        at += size + 12;
        if (type == "IHDR") {
          read_header(body);
        } else if (type == "PLTE") {
          VGEN_CHECK(size % 3 == 0 && size <= 768, MediaError, "png: bad palette");
          palette_ = body;
        } else if (type == "tRNS") {
          transparency_ = body;
          image_.alpha = true;
        } else if (type == "acTL" && before_image) {
          VGEN_CHECK(size == 8, MediaError, "png: bad acTL");
          animated = true;
          declared_ = get32(body, 0);
          VGEN_CHECK(declared_ <= max_frames_, MediaError, "png: limit: ", declared_, " frames, at most ", max_frames_,
                     " are read");
        } else if (type == "fcTL" && animated) {
          flush();
          VGEN_CHECK(size == 26, MediaError, "png: bad fcTL");
          control = read_control(body);
        } else if (type == "IDAT") {
          before_image = false;
          // The default image of an animation whose first fcTL comes later is no frame.
          if (!animated || control) data += body;
        } else if (type == "fdAT" && animated) {
          VGEN_CHECK(size >= 4 && control, MediaError, "png: bad fdAT");
          data += body.substr(4);
        } else if (type == "tEXt" || type == "iTXt") {
          read_text(body, type == "iTXt");
        } else if (type == "IEND") {
          flush();
          ended = true;
        } else {
          VGEN_CHECK(type[0] & 32, MediaError, "png: unknown critical chunk ", printable(type));
        }
      }
    } catch (const Limit&) { throw; } catch (const MediaError&) {
      if (!animated || count_ == 0) throw;
      image_.truncated = true;  // keeps the frames before the fault
    }
    VGEN_CHECK(count_ > 0, MediaError, "png: no image data");
    if (animated && count_ < declared_) image_.truncated = true;
    auto& f = image_.frames;
    f.count = count_, f.height = h_.height, f.width = h_.width, f.channels = 4;
    f.fps = delay_ > 0 ? std::clamp(double(count_) / delay_, 0.01, 1000.0) : 8;
    f.pixels = std::move(pixels_);
    image_.alpha = image_.alpha || h_.type == 4 || h_.type == 6;
    return std::move(image_);
  }

 private:
  struct Control {
    Rect rect;
    double seconds;
    int dispose, blend;
  };

  void read_header(std::string_view b) {
    VGEN_CHECK(b.size() == 13, MediaError, "png: bad IHDR");
    Header h{get32(b, 0), get32(b, 4), b[8], b[9], 0, b[12] != 0};
    h.channels = h.type == 2 ? 3 : h.type == 4 ? 2 : h.type == 6 ? 4 : 1;
    const bool small = h.depth == 1 || h.depth == 2 || h.depth == 4;
    VGEN_CHECK((h.type == 0 && (small || h.depth == 8 || h.depth == 16)) || (h.type == 3 && (small || h.depth == 8)) ||
                   ((h.type == 2 || h.type == 4 || h.type == 6) && (h.depth == 8 || h.depth == 16)),
               MediaError, "png: colour type ", h.type, " with ", h.depth, " bits is not defined");
    VGEN_CHECK(b[10] == 0 && b[11] == 0 && (b[12] == 0 || b[12] == 1), MediaError,
               "png: unknown compression, filter or interlace method");
    VGEN_CHECK(h.width > 0 && h.height > 0 && h.width < (std::int64_t(1) << 31) && h.height < (std::int64_t(1) << 31),
               MediaError, "png: bad size");
    VGEN_CHECK(h.width * h.height <= max_pixels_, MediaError, "png: limit: ", h.width, "x", h.height,
               " pixels, at most ", max_pixels_, " are read");
    h_ = h;
    pixels_ = std::make_shared<std::vector<std::uint8_t>>();
  }

  Control read_control(std::string_view b) const {
    Control c{
        {std::int64_t(get32(b, 12)), std::int64_t(get32(b, 16)), std::int64_t(get32(b, 4)), std::int64_t(get32(b, 8))},
        0,
        b[24],
        b[25]};
    VGEN_CHECK(c.rect.width > 0 && c.rect.height > 0 && c.rect.x + c.rect.width <= h_.width &&
                   c.rect.y + c.rect.height <= h_.height,
               MediaError, "png: a frame lies outside the image");
    VGEN_CHECK(c.dispose >= 0 && c.dispose <= 2 && (c.blend == 0 || c.blend == 1), MediaError, "png: bad fcTL");
    const double den = get16(b, 22);
    c.seconds = get16(b, 20) / (den > 0 ? den : 100.0);
    return c;
  }

  void read_text(std::string_view b, bool international) {
    const auto key = b.substr(0, b.find('\0'));
    if (key.size() == b.size() || key.empty()) return;
    auto rest = b.substr(key.size() + 1);
    if (international) {
      if (rest.size() < 2 || rest[0] != 0) return;  // compressed text is skipped
      rest.remove_prefix(2);
      for (int i = 0; i < 2; ++i) {
        const auto end = rest.find('\0');
        if (end == std::string_view::npos) return;
        rest.remove_prefix(end + 1);
      }
    }
    image_.metadata.emplace(key, rest);
  }

  void add_frame(std::string_view data, const std::optional<Control>& control) {
    VGEN_CHECK(count_ < max_frames_, Limit, "png: limit: more than ", max_frames_, " frames");
    const auto frame_bytes = std::size_t(h_.width * h_.height * 4);
    VGEN_CHECK(std::int64_t(frame_bytes) * (count_ + 1) <= max_bytes_, Limit, "png: limit: more than ", max_bytes_,
               " bytes of pixels");
    const Rect r = control ? control->rect : Rect{0, 0, h_.width, h_.height};
    const auto rgba = decode(data, r);
    if (canvas_.empty()) canvas_.resize(frame_bytes);
    const auto before = control && control->dispose == 2 ? canvas_ : std::vector<std::uint8_t>();
    for (std::int64_t y = 0; y < r.height; ++y)
      for (std::int64_t x = 0; x < r.width; ++x) {
        const std::uint8_t* s = rgba.data() + (y * r.width + x) * 4;
        std::uint8_t* d = canvas_.data() + ((r.y + y) * h_.width + r.x + x) * 4;
        if (!control || control->blend == 0 || s[3] == 255 || d[3] == 0) {
          std::memcpy(d, s, 4);
        } else if (s[3]) {  // "over", straight alpha
          const int under = d[3] * (255 - s[3]) / 255, sum = s[3] + under;
          for (int k = 0; k < 3; ++k) d[k] = std::uint8_t((s[k] * s[3] + d[k] * under + sum / 2) / sum);
          d[3] = std::uint8_t(sum);
        }
      }
    pixels_->insert(pixels_->end(), canvas_.begin(), canvas_.end());
    ++count_;
    if (!control) return;
    delay_ += control->seconds;
    if (control->dispose == 2) canvas_ = before;
    if (control->dispose == 1)
      for (std::int64_t y = 0; y < r.height; ++y)
        std::memset(canvas_.data() + ((r.y + y) * h_.width + r.x) * 4, 0, std::size_t(r.width * 4));
  }

  std::vector<std::uint8_t> decode(std::string_view data, Rect r) const {
    const int bits = h_.depth * h_.channels;
    const std::array<Pass, 1> whole{{{0, 0, 1, 1}}};
    const Pass* passes = h_.interlaced ? adam7.data() : whole.data();
    const std::size_t n = h_.interlaced ? 7 : 1;
    std::size_t total = 0;
    const auto extent = [&](const Pass& p) {
      return std::pair{r.width > p.x0 ? (r.width - p.x0 + p.dx - 1) / p.dx : 0,
                       r.height > p.y0 ? (r.height - p.y0 + p.dy - 1) / p.dy : 0};
    };
    for (std::size_t i = 0; i < n; ++i)
      if (const auto [w, h] = extent(passes[i]); w && h) total += std::size_t(h) * std::size_t(1 + (w * bits + 7) / 8);
    std::string raw = zlib_decompress(data, total);
    std::vector<std::uint8_t> out(std::size_t(r.width * r.height * 4));
    auto* line = reinterpret_cast<std::uint8_t*>(raw.data());
    for (std::size_t i = 0; i < n; ++i) {
      const Pass& p = passes[i];
      const auto [w, h] = extent(p);
      if (!w || !h) continue;
      const auto row_bytes = std::size_t((w * bits + 7) / 8), bpp = std::size_t(std::max(1, bits / 8));
      const std::uint8_t* up = nullptr;
      for (std::int64_t y = 0; y < h; ++y, up = line + 1, line += row_bytes + 1) {
        unfilter(line, up, row_bytes, bpp);
        for (std::int64_t x = 0; x < w; ++x)
          put_pixel(line + 1, x, out.data() + ((p.y0 + y * p.dy) * r.width + p.x0 + x * p.dx) * 4);
      }
    }
    return out;
  }

  static void unfilter(std::uint8_t* line, const std::uint8_t* up, std::size_t n, std::size_t bpp) {
    const int f = line[0];
    VGEN_CHECK(f < 5, MediaError, "png: unknown filter ", f);
    std::uint8_t* row = line + 1;
    for (std::size_t i = 0; i < n && f; ++i) {
      const int a = i >= bpp ? row[i - bpp] : 0, b = up ? up[i] : 0, c = up && i >= bpp ? up[i - bpp] : 0;
      row[i] = std::uint8_t(row[i] + (f == 1 ? a : f == 2 ? b : f == 3 ? (a + b) / 2 : paeth(a, b, c)));
    }
  }

  int sample(const std::uint8_t* row, std::int64_t i) const {
    if (h_.depth == 8) return row[i];
    if (h_.depth == 16) return row[2 * i] << 8 | row[2 * i + 1];
    const std::int64_t bit = i * h_.depth;
    return row[bit / 8] >> (8 - h_.depth - bit % 8) & ((1 << h_.depth) - 1);
  }

  void put_pixel(const std::uint8_t* row, std::int64_t x, std::uint8_t* out) const {
    const auto trans = [&](std::size_t i) {
      return transparency_.size() >= 2 * i + 2 ? int(get16(transparency_, 2 * i)) : -1;
    };
    if (h_.type == 3) {
      const auto i = std::size_t(sample(row, x));
      VGEN_CHECK(3 * i + 3 <= palette_.size(), MediaError, "png: colour ", static_cast<unsigned long>(i),
                 " is not in the palette");
      for (std::size_t k = 0; k < 3; ++k) out[k] = std::uint8_t(palette_[3 * i + k]);
      out[3] = i < transparency_.size() ? std::uint8_t(transparency_[i]) : 255;
      return;
    }
    std::array<int, 4> v{};
    for (int k = 0; k < h_.channels; ++k) v[std::size_t(k)] = sample(row, x * h_.channels + k);
    const int top = (1 << h_.depth) - 1;
    const auto to8 = [&](int s) { return std::uint8_t((s * 255 + top / 2) / top); };
    if (h_.type == 0 || h_.type == 4) {
      out[0] = out[1] = out[2] = to8(v[0]);
      out[3] = h_.type == 4 ? to8(v[1]) : v[0] == trans(0) ? 0 : 255;
    } else {
      for (std::size_t k = 0; k < 3; ++k) out[k] = to8(v[k]);
      out[3] = h_.type == 6 ? to8(v[3]) : v[0] == trans(0) && v[1] == trans(1) && v[2] == trans(2) ? 0 : 255;
    }
  }

  std::string_view in_;
  std::int64_t max_pixels_, max_frames_, max_bytes_, count_ = 0, declared_ = 1;
  double delay_ = 0;
  Header h_;
  std::string palette_, transparency_;
  std::vector<std::uint8_t> canvas_;
  std::shared_ptr<std::vector<std::uint8_t>> pixels_;
  PngImage image_;
};

}  // namespace

bool is_png(std::string_view bytes) { return bytes.substr(0, signature.size()) == signature; }

std::string encode_png(const std::uint8_t* pixels, std::int64_t height, std::int64_t width, std::int64_t channels,
                       const Metadata& metadata) {
  std::string out = header(height, width, channels);
  put_metadata(out, metadata);
  put_chunk(out, "IDAT", zlib_compress(filtered(pixels, width * channels, {0, 0, width, height}, channels)));
  put_chunk(out, "IEND", "");
  return out;
}

std::string encode_apng(const Frames& frames, const Metadata& metadata, int loop, const CancelToken& cancel) {
  VGEN_CHECK(frames.count > 0, ShapeError, "apng: no frames");
  VGEN_CHECK(frames.fps > 0 && frames.fps <= 1000, ConfigError, "apng: fps must be in (0, 1000], got ", frames.fps);
  if (frames.count == 1) return encode_png(frames.frame(0), frames.height, frames.width, frames.channels, metadata);
  std::string out = header(frames.height, frames.width, frames.channels), data;
  put32(data, std::uint32_t(frames.count)), put32(data, std::uint32_t(loop));
  put_chunk(out, "acTL", data);
  put_metadata(out, metadata);
  const auto stride = frames.width * frames.channels;
  for (std::int64_t f = 0, sequence = 0; f < frames.count; ++f) {
    cancel.check("apng");
    Rect r{0, 0, frames.width, frames.height};
    if (f) r = changed_rect(frames.frame(f - 1), frames.frame(f), frames.height, frames.width, frames.channels);
    if (r.width == 0) r = {0, 0, 1, 1};
    data.clear();
    put32(data, std::uint32_t(sequence++));
    for (auto v : {r.width, r.height, r.x, r.y}) put32(data, std::uint32_t(v));
    // The delay is a fraction of 16-bit numbers: 1/fps with the largest denominator that fits keeps 23.976 exact to
    // 1e-5.
    const double scale = std::max(1.0, std::floor(65535 / std::max(1.0, frames.fps)));
    const bool whole = frames.fps == std::floor(frames.fps);
    put16(data, std::uint32_t(whole ? 1 : scale)),
        put16(data, std::uint32_t(whole ? frames.fps : std::lround(frames.fps * scale)));
    data += {0, 0};  // dispose: none; blend: source
    put_chunk(out, "fcTL", data);
    data = zlib_compress(filtered(frames.frame(f), stride, r, frames.channels));
    if (f == 0) {
      put_chunk(out, "IDAT", data);
    } else {
      std::string body;
      put32(body, std::uint32_t(sequence++));
      put_chunk(out, "fdAT", body + data);
    }
  }
  put_chunk(out, "IEND", "");
  return out;
}

PngImage decode_png(std::string_view bytes, std::int64_t max_pixels, std::int64_t max_frames, std::int64_t max_bytes) {
  return PngReader(bytes, max_pixels, max_frames, max_bytes).read();
}

}  // namespace vgen::video
