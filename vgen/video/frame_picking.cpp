#include "vgen/video/frame_picking.hpp"

#include <algorithm>
#include <cmath>

namespace vgen::video {

FramePicking pick_frames(std::int64_t total, double fps, const FramePickingOptions& o, MersenneTwister& random) {
  VGEN_CHECK(total >= 1 && o.count >= 1 && fps > 0 && o.sample_fps > 0, ConfigError,
             "frame picking: total, count, fps and sample_fps must be positive, got ", total, ", ", o.count, ", ", fps,
             ", ", o.sample_fps);
  const bool custom = o.rule == PickingRule::custom, whole = custom && total <= o.count;
  FramePicking out;
  out.stride = whole ? 1 : static_cast<std::int64_t>(std::nearbyint(fps / o.sample_fps));
  if (custom) out.stride = std::max<std::int64_t>(out.stride, 1);
  VGEN_CHECK(out.stride >= 1, MediaError, "frame picking: a clip of ", fps, " frames a second cannot be sampled at ",
             o.sample_fps, "; it needs at least half as many");
  const std::int64_t cover = out.stride * o.count;
  std::int64_t end = total;
  if (!whole && total >= cover + 5) {
    out.start = o.start ? *o.start : random.between(0, total - cover - 5);
    VGEN_CHECK(out.start >= 0 && out.start < total, ConfigError, "frame picking: start must be in [0, ", total,
               "), got ", out.start);
    end = out.start + cover;
  }
  // Positions are counted from 1 there, hence the frame before each.
  const std::int64_t stop = whole ? end + 1 : custom ? end : end - 1;
  for (std::int64_t p = std::max<std::int64_t>(out.start, 1); p < std::min(stop, total + 1); ++p)
    if ((p - out.start) % out.stride == 0) out.frames.push_back(p - 1);
  const auto found = static_cast<std::int64_t>(out.frames.size());
  VGEN_CHECK(found >= 1 && found <= o.count, MediaError, "frame picking: ", found, " frames of ", total, " at stride ",
             out.stride, found ? ", more than " : ", too few for ", o.count, "; choose another sample_fps or count");
  return out;
}

Frames select_frames(const Frames& clip, std::span<const std::int64_t> positions) {
  Frames out(static_cast<std::int64_t>(positions.size()), clip.height, clip.width, clip.channels, clip.fps);
  const std::int64_t size = clip.height * clip.width * clip.channels;
  for (std::size_t i = 0; i < positions.size(); ++i) {
    VGEN_CHECK(positions[i] >= 0 && positions[i] < clip.count, ShapeError, "select_frames: no frame ", positions[i],
               " in a clip of ", clip.count);
    std::copy_n(clip.frame(positions[i]), size, out.frame(static_cast<std::int64_t>(i)));
  }
  return out;
}

}  // namespace vgen::video
