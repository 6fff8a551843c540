// Frames: a clip of decoded pixels on the host, uint8 [F, H, W, C], with its rate. What pipelines return, writers take,
// readers give, the shapes world renders and the judge reads. No torch.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "vgen/core/error.hpp"

namespace vgen::video {

struct VGEN_API Frames {
  std::int64_t count = 0, height = 0, width = 0, channels = 3;  // [F, H, W, C]
  double fps = 8;
  std::shared_ptr<std::vector<std::uint8_t>> pixels;  // row-major; shared, not copied

  Frames() = default;
  Frames(std::int64_t f, std::int64_t h, std::int64_t w, std::int64_t c = 3, double rate = 8)
      : count(f),
        height(h),
        width(w),
        channels(c),
        fps(rate),
        pixels(std::make_shared<std::vector<std::uint8_t>>(static_cast<std::size_t>(f * h * w * c))) {}
  std::uint8_t* frame(std::int64_t i) { return pixels->data() + i * height * width * channels; }
  const std::uint8_t* frame(std::int64_t i) const { return pixels->data() + i * height * width * channels; }
  std::size_t bytes() const { return static_cast<std::size_t>(count * height * width * channels); }
};

}  // namespace vgen::video
