// Canny's edges (Canny 1986, "A Computational Approach to Edge Detection"), to the bit as OpenCV finds them: Sobel 3x3,
// |dx| + |dy|, the channel with the strongest gradient decides.
#pragma once
#include "vgen/tensor/tensor.hpp"

namespace vgen::conditioning {

struct CannyThresholds {
  double low = 0, high = 0;
  bool operator==(const CannyThresholds&) const = default;
};
// From the median m of all values: 0.67 m and 1.33 m (at most 255), both rounded down. Pictures as in picture.hpp.
VGEN_API CannyThresholds canny_thresholds(const Tensor& picture);
// (1 - share) m, rounded down, and twice that; the reference draws `share` from [0.1, 0.4). ConfigError unless in [0,
// 1].
VGEN_API CannyThresholds canny_thresholds(const Tensor& picture, double share);

// 0 or 1, uint8 [H, W, 1]. Gradients above `high` are edges, those above `low` are where they touch one. Thresholds are
// rounded down and ordered. ConfigError if one is not finite or negative.
VGEN_API Tensor canny(const Tensor& picture, const CannyThresholds& thresholds);
// The canny condition of frames [F, 3, H, W] in [0, 1]: float32 [F, 1, H, W], each frame by its own median.
VGEN_API Tensor canny(const Tensor& frames);

}  // namespace vgen::conditioning
