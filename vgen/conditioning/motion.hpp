// Motion conditions: a sparse field of motion vectors, as VideoComposer takes them from the codec (Wang et al. 2023,
// "VideoComposer: Compositional Video Synthesis with Motion Controllability", section 3.1).
//
//   Tensor motion = motion_vectors("clip.mp4");           // [F, 2, H, W]: (dx, dy) in pixels at each block's centre
#pragma once
#include <array>
#include <filesystem>
#include <string_view>
#include <utility>

#include "vgen/tensor/tensor.hpp"
#include "vgen/video/motion_vectors.hpp"

namespace vgen::conditioning {

// Where the vectors come from. automatic: the file's own codec; if it exports none, a re-encode to MPEG-4; if that
// cannot be had, block matching. What was taken is said in the log.
enum class MotionSource { automatic, codec, reencode, block_matching };
constexpr auto enum_names(MotionSource) {
  using enum MotionSource;
  return std::array{std::pair{automatic, std::string_view("automatic")}, std::pair{codec, std::string_view("codec")},
                    std::pair{reencode, std::string_view("reencode")},
                    std::pair{block_matching, std::string_view("block_matching")}};
}

// The field of each frame of a request, float32 [F, 2, H, W]: how far the content moved (dx, dy), in pixels, written at
// the centre of its block, 0 elsewhere and in intra frames. Errors as of video::VideoReader; with `codec` MediaError if
// the file has several frames and no vectors; with `reencode` Unavailable without FFmpeg.
VGEN_API Tensor motion_vectors(const std::filesystem::path& path, MotionSource source = MotionSource::automatic,
                               const video::ReadOptions& options = {}, const CancelToken& cancel = {});
// The same of decoded frames (already at the rate of the model): re-encoded, else by block matching. ConfigError for
// `codec`.
VGEN_API Tensor motion_vectors(const video::Frames& frames, MotionSource source = MotionSource::automatic,
                               const CancelToken& cancel = {});

// The field of exported vectors: source * motion / scale at dst, moved into the picture; a later vector replaces an
// earlier one.
VGEN_API Tensor motion_field(const video::MotionVectors& vectors);

// One vector for each whole block of `block` pixels: the shift of at most `range` pixels along each axis with the
// smallest sum of absolute differences to the frame before (grey values); of equals the shortest. The first frame has
// none. Needs no codec.
VGEN_API video::MotionVectors match_blocks(const video::Frames& frames, std::int64_t block = 16,
                                           std::int64_t range = 15, const CancelToken& cancel = {});

// A condition [F, C, H, W] for another size: enlarged or reduced until it covers height x width (bilinear, no
// antialiasing, values not rescaled, as VideoComposer does), then the middle. ShapeError.
VGEN_API Tensor fit_condition(const Tensor& x, std::int64_t height, std::int64_t width);

}  // namespace vgen::conditioning
