// Which frames of a clip a model sees: every n-th, so that their rate is near the one it was trained at.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "vgen/core/mersenne_twister.hpp"
#include "vgen/core/options.hpp"
#include "vgen/video/frames.hpp"

namespace vgen::video {

// The reference's loaders disagree at both ends of a clip. general (its VideoDataset and VideoComposer's loader): the
// last position of the window is never taken, so a window at the beginning gives one frame fewer than `count` (two at
// stride 1). custom (VideoCustomDataset, which DreamVideo trains with): it is taken; a clip of at most `count` frames
// is taken whole; a rate below half of sample_fps gives stride 1.
enum class PickingRule { general, custom };
constexpr auto enum_names(PickingRule) {
  return std::array{std::pair{PickingRule::general, "general"}, std::pair{PickingRule::custom, "custom"}};
}

struct VGEN_API FramePickingOptions {
  static constexpr std::string_view kind = "frame_picking";
  double sample_fps = 8;
  std::int64_t count = 16;
  PickingRule rule = PickingRule::general;
  std::optional<std::int64_t> start = {};
  bool operator==(const FramePickingOptions&) const = default;
  static constexpr auto fields() {
    using O = FramePickingOptions;
    return std::tuple{field("sample_fps", &O::sample_fps, "frames a second that the model sees"),
                      field("count", &O::count, "at most so many frames"), field("rule", &O::rule, "general or custom"),
                      field("start", &O::start, "first position of the window; none = drawn at random")};
  }
};

struct FramePicking {
  std::int64_t stride = 1;
  std::int64_t start = 0;            // 0 = from the beginning
  std::vector<std::int64_t> frames;  // positions in the clip, rising
};

// At most `count` of `total` frames at every round(fps / sample_fps)-th (ties to even), as the reference's loaders pick
// them: a clip shorter than stride * count + 5 frames is taken from its beginning, first frame stride - 1; of a longer
// one `random`, a Python generator, draws the start, unless it is given. ConfigError if a number is not positive or the
// start leaves the clip; MediaError if no frame would be found, or more than `count` (the reference fails then).
VGEN_API FramePicking pick_frames(std::int64_t total, double fps, const FramePickingOptions& options,
                                  MersenneTwister& random);

// Copies of the frames at these positions. ShapeError if there is no such frame.
VGEN_API Frames select_frames(const Frames& clip, std::span<const std::int64_t> positions);

}  // namespace vgen::video
