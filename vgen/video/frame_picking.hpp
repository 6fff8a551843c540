// Which frames of a clip a model sees: every n-th, so that their rate is near the one it was trained at.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "vgen/core/error.hpp"
#include "vgen/core/mersenne_twister.hpp"

namespace vgen::video {

struct FramePicking {
  std::int64_t stride = 1;
  std::int64_t start = 0;            // 0 = from the beginning
  std::vector<std::int64_t> frames;  // positions in the clip, rising
};

// At most `count` of `total` frames at every round(fps / sample_fps)-th (ties to even), as the reference's loaders pick
// them: a clip shorter than stride * count + 5 frames is taken from its beginning, first frame stride - 1; of a longer
// one `random`, a Python generator, draws the start. Its quirks are kept: at the beginning one frame fewer than `count`
// is found (two at stride 1). ConfigError if a number is not positive; MediaError if fps is below half of sample_fps,
// or if more than `count` frames would be found (the reference fails in both cases).
inline FramePicking pick_frames(std::int64_t total, double fps, double sample_fps, std::int64_t count,
                                MersenneTwister& random) {
  VGEN_CHECK(total >= 1 && count >= 1 && fps > 0 && sample_fps > 0, ConfigError,
             "frame picking: total, count, fps and sample_fps must be positive, got ", total, ", ", count, ", ", fps,
             ", ", sample_fps);
  FramePicking out;
  out.stride = static_cast<std::int64_t>(std::nearbyint(fps / sample_fps));
  VGEN_CHECK(out.stride >= 1, MediaError, "frame picking: a clip of ", fps, " frames a second cannot be sampled at ",
             sample_fps, "; it needs at least half as many");
  const std::int64_t cover = out.stride * count;
  std::int64_t end = total;
  if (total >= cover + 5) {
    out.start = random.between(0, total - cover - 5);
    end = out.start + cover;
  }
  // Positions are counted from 1 there, and the last one is never taken.
  for (std::int64_t p = std::max<std::int64_t>(out.start, 1); p < end - 1; ++p)
    if ((p - out.start) % out.stride == 0) out.frames.push_back(p - 1);
  VGEN_CHECK(static_cast<std::int64_t>(out.frames.size()) <= count, MediaError, "frame picking: ", out.frames.size(),
             " frames of ", total, " at stride ", out.stride, ", more than ", count);
  return out;
}

}  // namespace vgen::video
