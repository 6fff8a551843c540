// PNG and animated PNG, own encoder and decoder: lossless frames on machines without FFmpeg.
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "vgen/core/progress.hpp"
#include "vgen/video/frames.hpp"

namespace vgen::video {

using Metadata = std::map<std::string, std::string>;  // "comment" holds the run manifest (JSON)

// One image [H, W, C], C = 1, 3 or 4, uint8. Metadata become tEXt chunks (iTXt where not ASCII).
VGEN_API std::string encode_png(const std::uint8_t* pixels, std::int64_t height, std::int64_t width,
                                std::int64_t channels, const Metadata& metadata = {});

// Animated PNG (a plain PNG if count is 1); after the first frame only the changed rectangle is stored. loop 0 =
// forever.
VGEN_API std::string encode_apng(const Frames& frames, const Metadata& metadata = {}, int loop = 0,
                                 const CancelToken& cancel = {});

struct PngImage {
  Frames frames;  // [F, H, W, 4], RGBA
  Metadata metadata;
  bool alpha = false;      // the file has transparency
  bool truncated = false;  // an animation ends early; `frames` holds what came before
};
// Every colour type, bit depth (16 bits rounded to 8), interlacing, transparency and animation. MediaError if
// malformed, larger than max_pixels or longer than max_frames.
VGEN_API PngImage decode_png(std::string_view bytes, std::int64_t max_pixels = 8294400, std::int64_t max_frames = 36000,
                             std::int64_t max_bytes = std::int64_t(2) << 30);

VGEN_API bool is_png(std::string_view bytes);

}  // namespace vgen::video
