// Structural similarity of pictures (Wang, Bovik, Sheikh and Simoncelli 2004, "Image Quality Assessment: From Error
// Visibility to Structural Similarity"): 1 for equal pictures. Between neighbouring frames it tells how calm a clip is.
#pragma once
#include <string_view>
#include <tuple>
#include <vector>

#include "vgen/core/options.hpp"
#include "vgen/video/frames.hpp"

namespace vgen::metrics {

struct VGEN_API SsimOptions {
  static constexpr std::string_view kind = "ssim";
  int window = 7;               // side of the square that statistics are taken over, odd
  double k1 = 0.01, k2 = 0.03;  // of the value range 255
  bool operator==(const SsimOptions&) const = default;
  static constexpr auto fields() {
    return std::tuple{field("window", &SsimOptions::window, "side of the window of equal weights, odd, at least 3"),
                      field("k1", &SsimOptions::k1, "steadies the ratio of means"),
                      field("k2", &SsimOptions::k2, "steadies the ratio of deviations")};
  }
};

// Mean over all windows inside the pictures, of their luma (as OpenCV computes it), with sample variances, in float64:
// the defaults of scikit-image's structural_similarity for 8-bit pictures. Frame `i` of `a` against frame `j` of `b`.
// ShapeError: sizes differ, or a side is shorter than the window. ConfigError: an even or tiny window, a negative k.
VGEN_API double ssim(const video::Frames& a, std::int64_t i, const video::Frames& b, std::int64_t j,
                     const SsimOptions& options = {});
// Of frames 0 and 1, 1 and 2, ...: [F - 1]. ShapeError for fewer than two frames.
VGEN_API std::vector<double> ssim_of_neighbours(const video::Frames& clip, const SsimOptions& options = {});

}  // namespace vgen::metrics
