// How well a clip fits its prompt and its reference pictures, from features of image and text towers: the scores of
// DreamVideo (arXiv:2312.04433, section 4.1; CLIP-T, CLIP-I and temporal consistency with CLIP, Radford et al. 2021;
// DINO-I with DINO, Caron et al. 2021). All are means of cosines, in [-1, 1].
#pragma once
#include <cstddef>
#include <optional>
#include <span>

#include "vgen/core/error.hpp"

namespace vgen::metrics {

// Feature vectors, row by row; need not be of unit length.
struct Features {
  std::span<const float> values;  // [count, dimension]
  std::size_t dimension = 0;
  std::size_t count() const { return dimension ? values.size() / dimension : 0; }
};

// The mean cosine of every row of `a` with every row of `b`, in float64. CLIP-T: frames against the prompt; CLIP-I and
// DINO-I: frames against reference pictures. None where a side has no row (no reference pictures). ShapeError: values
// do not divide into rows, or dimensions differ. NumericsError: a row that is zero or not finite.
VGEN_API std::optional<double> mean_cosine(const Features& a, const Features& b);

// The mean cosine of neighbouring rows: temporal consistency. ShapeError for fewer than two frames.
VGEN_API double temporal_consistency(const Features& frames);

}  // namespace vgen::metrics
