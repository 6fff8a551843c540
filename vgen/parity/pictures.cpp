#include "vgen/parity/pictures.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>

#include <algorithm>

#include "vgen/video/deflate.hpp"

namespace vgen::parity {

Tensor scene(std::int64_t h, std::int64_t w, std::int64_t k) {
  Tensor out = at::empty({h, w, 3}, at::kByte);
  std::uint8_t* p = out.data_ptr<std::uint8_t>();
  const std::int64_t cx = (w / 4 + 2 * k) % w, cy = h / 2, r = std::min(h, w) / 4;
  for (std::int64_t y = 0; y < h; ++y)
    for (std::int64_t x = 0; x < w; ++x)
      for (std::int64_t c = 0; c < 3; ++c) {
        const std::int64_t t = (3 * x + 5 * y + 7 * k + 85 * c) % 256;
        std::int64_t v = 40 + (t < 128 ? t : 255 - t);
        if ((x - cx) * (x - cx) + (y - cy) * (y - cy) <= r * r) v = 255 - v;
        if (5 * w / 8 <= x && x < 7 * w / 8 && h / 4 <= y && y < h / 2) v = (2 * v + 60 * c) % 256;
        *p++ = static_cast<std::uint8_t>(v);
      }
  return out;
}

Tensor noise(std::string_view salt, std::string_view name, std::int64_t h, std::int64_t w) {
  return ((uniform(salt, name, {h, w, 3}) + 1) * 128).floor().to(at::kByte);  // the upper 8 of the rule's 24 bits
}

Tensor picture(const Node& d) {
  const std::string& kind = d.at("kind").as_string();
  const std::int64_t h = d.at("height").as_int(), w = d.at("width").as_int();
  VGEN_CHECK(kind == "scene" || kind == "noise", UnsupportedError, "picture kind ", printable(kind), " is not known");
  const Tensor out = kind == "scene" ? scene(h, w, d.at("k").as_int())
                                     : noise(d.at("salt").as_string(), d.at("name").as_string(), h, w);
  const auto crc = video::crc32({static_cast<const char*>(out.data_ptr()), std::size_t(out.numel())});
  VGEN_CHECK(crc == d.at("crc32").as_int(), FormatError, "picture: checksum ", crc, ", golden ",
             d.at("crc32").as_int());
  return out;
}

}  // namespace vgen::parity
