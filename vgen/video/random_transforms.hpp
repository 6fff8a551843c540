// Random crops, flips and greys of a clip, one draw for all frames, from an explicit Python generator (what the
// reference's training transforms draw from). Sizes are pixels.
#pragma once
#include <array>
#include <string_view>
#include <tuple>
#include <utility>

#include "vgen/core/mersenne_twister.hpp"
#include "vgen/core/options.hpp"
#include "vgen/video/transforms.hpp"

namespace vgen::video {

// How the aspect ratio of a crop is drawn. uniform: and drawn again until the crop fits; log_uniform: evenly over
// log(ratio), ten tries, then the middle (Szegedy et al. 2015, "Going Deeper with Convolutions", section 6, as
// torchvision's RandomResizedCrop has it).
enum class RatioDraw { uniform, log_uniform };
constexpr auto enum_names(RatioDraw) {
  return std::array{std::pair{RatioDraw::uniform, "uniform"}, std::pair{RatioDraw::log_uniform, "log_uniform"}};
}

struct VGEN_API RandomCropOptions {
  static constexpr std::string_view kind = "random_crop";
  std::array<double, 2> area{0.4, 1};           // share of the picture, least and most
  std::array<double, 2> ratio{3. / 4, 4. / 3};  // width / height, least and most
  RatioDraw draw = RatioDraw::uniform;
  bool operator==(const RandomCropOptions&) const = default;
  static constexpr auto fields() {
    using O = RandomCropOptions;
    return std::tuple{field("area", &O::area, "share of the picture, least and most"),
                      field("ratio", &O::ratio, "width / height, least and most"),
                      field("draw", &O::draw, "how the ratio is drawn")};
  }
};

// A rectangle inside height x width. ConfigError: limits that are not positive or in order, an area above 1, or a
// picture so narrow that no such crop exists (uniform only).
VGEN_API Rect random_crop_rect(std::int64_t height, std::int64_t width, const RandomCropOptions& options,
                               MersenneTwister& random);
// A height x width window at a random place of the frames, x drawn first. ShapeError if the frames are smaller.
VGEN_API Rect random_window(const Frames& frames, std::int64_t height, std::int64_t width, MersenneTwister& random);
// Mirrored, or without colour, with probability p; nothing else is drawn.
VGEN_API Frames random_flip(const Frames& frames, MersenneTwister& random, double p = 0.5);
VGEN_API Frames random_grey(const Frames& frames, MersenneTwister& random, double p = 0.2);

}  // namespace vgen::video
