// What a super-resolution model sees of the clip that it enlarges (SR600: a second pass that re-noises its latents).
#pragma once
#include <ATen/TensorOperators.h>
#include <ATen/ops/repeat_interleave.h>

#include "vgen/conditioning/convolution.hpp"
#include "vgen/conditioning/frames.hpp"

namespace vgen::conditioning {

// Frames [F, 3, h, w] in [0, 1] -> [F, 3, height, width] in [-1, 1], bilinear without antialiasing. `twice`: each frame
// two times in a row, for a model of 32 frames fed with 16. ShapeError.
inline Tensor low_resolution_input(const Tensor& frames, bool twice = false, std::int64_t height = 720,
                                   std::int64_t width = 1280) {
  expect_frames(frames, "super_resolution");
  VGEN_CHECK(height >= 1 && width >= 1, ShapeError, "super_resolution: height and width must be >= 1, got ", height,
             "x", width);
  const Tensor x = resize_bilinear((frames - 0.5) / 0.5, height, width, /*align_corners=*/false);
  return twice ? at::repeat_interleave(x, 2, 0) : x;
}

}  // namespace vgen::conditioning
