// Pictures as the pixel-wise annotators take them: [H, W], [H, W, 1], [H, W, 3] or [H, W, 4], uint8, or floating point
// in [0, 1].
#pragma once
#include <string_view>

#include "vgen/tensor/tensor.hpp"

namespace vgen::conditioning {

// The picture as contiguous uint8 [H, W, C] on the CPU; floating point is multiplied by 255 and rounded to nearest,
// ties to even. ShapeError: another number of axes or channels, empty. ConfigError: another type, or values outside of
// [0, 1]. `who` begins the message.
VGEN_API Tensor to_bytes(const Tensor& picture, std::string_view who = "picture");

// uint8 [H, W, 3]: grey is copied, transparent pixels lie over white (rounded down).
VGEN_API Tensor to_rgb(const Tensor& picture);

// uint8 [H', W', C]: the shorter side becomes `short_side`, then both are rounded to the nearest multiple of 64 (ties
// to the even multiple). Enlarged by Lanczos over 8 pixels, reduced by the mean over the covered area, to the bit as
// OpenCV does (INTER_LANCZOS4, INTER_AREA). ConfigError if a side would become 0.
VGEN_API Tensor resize_picture(const Tensor& picture, std::int64_t short_side);

}  // namespace vgen::conditioning
