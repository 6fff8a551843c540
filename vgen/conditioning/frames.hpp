// Frames as the encoders of conditions take them: [F, 3, H, W], floating point, in [0, 1].
#pragma once
#include <functional>

#include "vgen/tensor/tensor.hpp"
#include "vgen/video/frames.hpp"

namespace vgen::conditioning {

// [F, 3, H, W] float32 in [0, 1] from uint8 frames of 1, 3 or 4 channels (grey is copied, alpha dropped).
VGEN_API Tensor to_frames(const video::Frames& frames);

// ShapeError or ConfigError unless `frames` are [F, 3, H, W] with F, H, W >= 1 and floating point values in [0, 1];
// `who` begins the message.
VGEN_API void expect_frames(const Tensor& frames, std::string_view who);

// f of `at_once` frames at a time, joined along the first axis; bounds the memory of a network. ConfigError if
// at_once < 1.
VGEN_API Tensor in_parts(const Tensor& frames, std::int64_t at_once, const std::function<Tensor(const Tensor&)>& f);

}  // namespace vgen::conditioning
