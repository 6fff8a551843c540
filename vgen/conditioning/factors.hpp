// HiGen's two numbers for a clip (Qing et al. 2024, "Hierarchical Spatio-temporal Decoupling for Text-to-Video
// Generation", section 3.3): how much moves, and how much the picture changes. The second pass gets one value between
// neighbouring frames and one row a frame; the first pass makes a single frame that does neither.
#pragma once
#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>

#include "vgen/tensor/tensor.hpp"

namespace vgen::conditioning {

// int64 [1, frames - 1], every value `motion` in [0, 999]; for a single frame [1], 0. ConfigError.
inline Tensor motion_factors(std::int64_t frames, std::int64_t motion) {
  VGEN_CHECK(frames >= 1 && motion >= 0 && motion <= 999, ConfigError,
             "higen: frames must be >= 1 and motion in [0, 999], got ", frames, " and ", motion);
  return frames == 1 ? at::full({1}, 0, at::kLong) : at::full({1, frames - 1}, motion, at::kLong);
}

// float32 [1, frames, frames]: 1 - appearance |r - j| / (frames - 1), the wanted likeness of frames r and j; appearance
// in [0, 1]. ConfigError.
inline Tensor appearance_factors(std::int64_t frames, double appearance) {
  VGEN_CHECK(frames >= 2 && appearance >= 0 && appearance <= 1, ConfigError,
             "higen: frames must be >= 2 and appearance in [0, 1], got ", frames, " and ", appearance);
  const Tensor at = at::arange(frames, at::kDouble);
  const Tensor distance = (at.unsqueeze(1) - at).abs();
  return (1 - distance * (appearance / static_cast<double>(frames - 1))).to(at::kFloat).unsqueeze(0);
}
// Of the single frame of the first pass: ones, [1, 1, frames].
inline Tensor appearance_of_first_frame(std::int64_t frames) { return at::ones({1, 1, frames}, at::kFloat); }

}  // namespace vgen::conditioning
