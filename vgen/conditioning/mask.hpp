// Masks for inpainting, 1 = to be filled: drawn at random as the networks were trained (strokes, boxes, halves; after
// Yu et al. 2019, "Free-Form Image Inpainting with Gated Convolution"), and the condition made of a mask.
#pragma once
#include <array>
#include <string_view>
#include <utility>

#include "vgen/core/mersenne_twister.hpp"
#include "vgen/tensor/tensor.hpp"

namespace vgen::conditioning {

enum class MaskKind { irregular, rectangle, uncrop };
constexpr auto enum_names(MaskKind) {
  using enum MaskKind;
  return std::array{std::pair{irregular, std::string_view("irregular")},
                    std::pair{rectangle, std::string_view("rectangle")}, std::pair{uncrop, std::string_view("uncrop")}};
}

// uint8 [height, width], 0 or 1. irregular: 1 to 5 strokes of 1 to 5 thick lines. rectangle: 1 to 4 boxes of 30 to 149
// pixels a side, 10 pixels from the border. uncrop: one half. ConfigError if the picture is too small (169 pixels a
// side for boxes) or larger than 16384.
VGEN_API Tensor random_mask(MaskKind kind, std::int64_t height, std::int64_t width, MersenneTwister& random);
// Of the kind that the reference draws: 70 % irregular, 20 % rectangles, 10 % halves. `kinds` is its Python generator,
// `random` its numpy generator.
VGEN_API Tensor random_mask(std::int64_t height, std::int64_t width, MersenneTwister& kinds, MersenneTwister& random);

// [F, 1, H, W] float32 of a mask [H, W] (values 0 and 1) for frames of height x width: nearest pixel, copied to all
// frames.
VGEN_API Tensor mask_track(const Tensor& mask, std::int64_t frames, std::int64_t height, std::int64_t width);

// The condition "masked": [F, 4, H, W] of frames [F, 3, H, W] in [0, 1] and masks [F, 1, H, W] (or [1, 1, H, W] for
// all): pixels in [-1, 1], 0 where they are to be filled, and 1 - mask. ShapeError; ConfigError for other mask values.
VGEN_API Tensor masked_condition(const Tensor& frames, const Tensor& masks);

}  // namespace vgen::conditioning
