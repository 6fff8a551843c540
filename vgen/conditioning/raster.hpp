// Thick lines and filled polygons on a grid of pixels, to the bit as OpenCV draws them without smoothing.
#pragma once
#include <cstdint>
#include <vector>

#include "vgen/core/export.hpp"

namespace vgen::conditioning {

struct Pixel {
  std::int64_t x = 0, y = 0;
  bool operator==(const Pixel&) const = default;
};

// Rows of `width` values; what is drawn becomes `value`, parts outside are cut off.
struct VGEN_API Raster {
  std::int64_t height = 0, width = 0;
  std::uint8_t* values = nullptr;
  std::uint8_t value = 1;

  void span(std::int64_t y, std::int64_t left, std::int64_t right) const;  // both ends included
  // A disc as far as `radius` from the centre pixel.
  void disc(Pixel centre, std::int64_t radius) const;
  // Round ends; thickness >= 2 pixels (1 is drawn as 2). Coordinates within +-2^40.
  void line(Pixel from, Pixel to, std::int64_t thickness) const;
  // Pixels whose centre lies inside (even-odd rule; exact, unlike the lines not OpenCV's). Corners in pixels: the first
  // pixel spans 0 to 1.
  void polygon(const std::vector<std::pair<double, double>>& corners) const;
};

}  // namespace vgen::conditioning
