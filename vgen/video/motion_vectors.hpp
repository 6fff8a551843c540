// Motion vectors of a coded video: the blocks that its decoder copied, and where from. Through FFmpeg's decoders that
// export them (H.264, MPEG-4 part 2); other codecs and pictures have none here.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "vgen/core/progress.hpp"
#include "vgen/video/reader.hpp"

namespace vgen::video {

// Pixels of the picture as shown. Content moved by source * (motion_x, motion_y) / motion_scale to dst, the block's
// centre; source is negative for a past reference, positive for a future one.
struct MotionVector {
  std::int32_t source = 0, width = 0, height = 0, src_x = 0, src_y = 0, dst_x = 0, dst_y = 0, motion_x = 0,
               motion_y = 0, motion_scale = 1;
  bool operator==(const MotionVector&) const = default;
};

struct VGEN_API MotionVectors {
  std::int64_t height = 0, width = 0;
  double fps = 0;
  std::string codec;
  bool truncated = false;                         // as VideoInfo's
  std::vector<std::vector<MotionVector>> frames;  // [F], in display order; intra frames have none
  std::size_t total() const;
};

// Of the request's frames; pixels are not converted. Errors as of VideoReader; MediaError if there is no frame.
VGEN_API MotionVectors read_motion_vectors(const std::filesystem::path& path, const ReadOptions& options = {},
                                           const CancelToken& cancel = {});

}  // namespace vgen::video
