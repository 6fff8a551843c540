// Palette histograms: how much of each of a fixed set of colours a picture has, compared in CIELAB (Karayev's Rayleigh
// palette, as Composer uses it: Huang et al. 2023, section 3.2).
//
//   Palette palette({});                                  // 156 colours
//   Tensor h = palette.histogram(picture, 10);            // float64 [156], sums to about 1
#pragma once
#include <string>
#include <vector>

#include "vgen/core/options.hpp"
#include "vgen/tensor/tensor.hpp"

namespace vgen::conditioning {

struct PaletteOptions {
  static constexpr std::string_view kind = "palette";
  int hues = 11, saturations = 5, lights = 4;
  bool operator==(const PaletteOptions&) const = default;
  static constexpr auto fields() {
    using O = PaletteOptions;
    return std::tuple{field("hues", &O::hues, "hues; 8 to 11 are placed as the eye tells them apart"),
                      field("saturations", &O::saturations, "paler versions of every hue"),
                      field("lights", &O::lights, "darker versions of every hue")};
  }
};
VGEN_API void validate(const PaletteOptions& options);

class VGEN_API Palette {
 public:
  // saturations + 2 lights versions of each hue, hue by hue, then as many greys from white to black. ConfigError.
  explicit Palette(const PaletteOptions& options = {});
  std::int64_t size() const { return rgb_.size(0); }
  const Tensor& rgb() const { return rgb_; }  // float64 [n, 3] in [0, 1]
  const Tensor& lab() const { return lab_; }  // float64 [n, 3], CIELAB under D65
  std::vector<std::string> hex() const;       // "#rrggbb"

  // The colour nearest to each pixel, int64 [H, W]; of equals the first. Pictures as in picture.hpp, 3 channels.
  Tensor nearest(const Tensor& picture) const;
  // The picture in these colours, float64 [H, W, 3].
  Tensor quantise(const Tensor& picture) const;
  // Shares of the nearest colours, float64 [n]. With sigma > 0 each colour also gets a part of its neighbours' share,
  // exp(-d^2 / (2 sigma^2)) of the Lab distance d, weights summing to 1; less than 1e-5 becomes 0.
  Tensor histogram(const Tensor& picture, double sigma = 10) const;
  // A picture of a histogram's strongest colours (above its 90th percentile), float64 [height, width, 3]: bands from
  // left to right by share, in whole pixels; what is left over is black. ShapeError.
  Tensor picture(const Tensor& histogram, std::int64_t height = 50, std::int64_t width = 200) const;

 private:
  Tensor rgb_, lab_, distances_;  // [n, n] squared
};

// The histogram condition of frames [F, 3, H, W] in [0, 1]: float32 [F, bins], Palette::histogram of each.
VGEN_API Tensor histogram(const Tensor& frames, const Palette& palette = Palette());

// sRGB in [0, 1] to CIELAB under D65, float64 [.., 3].
VGEN_API Tensor rgb_to_lab(const Tensor& rgb);

}  // namespace vgen::conditioning
