// Pixels between host frames (uint8 [F, H, W, C]) and tensors in [-1, 1].
#pragma once
#include <string_view>

#include "vgen/tensor/tensor.hpp"
#include "vgen/video/frames.hpp"

namespace vgen::pipelines {

// [F, C, H, W] float32, x / 127.5 - 1.
VGEN_API Tensor to_tensor(const video::Frames& frames);
// [F, C, H, W] or [1, C, F, H, W] in about [-1, 1]: x * 0.5 + 0.5, clamped, times 255, truncated (as the reference
// does).
VGEN_API video::Frames to_frames(const Tensor& pixels, double fps);

// Pictures as a condition [1, C, F, H, W] in [0, 1]: three channels for local_image, else the mean of them (a map of
// depth, edges or lines).
VGEN_API Tensor to_condition(std::string_view name, const video::Frames& frames);

}  // namespace vgen::pipelines
