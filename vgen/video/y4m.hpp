// YUV4MPEG2 (.y4m): the video format that needs no codec, read and written by ffmpeg, mpv and the encoders' own
// programs.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "vgen/video/frames.hpp"

namespace vgen::video {

// Written as 4:4:4, full range, BT.601 (what readers assume): RGB comes back within 2/255.
VGEN_API std::string y4m_header(std::int64_t height, std::int64_t width, double fps);
VGEN_API std::string y4m_frame(const std::uint8_t* pixels, std::int64_t height, std::int64_t width,
                               std::int64_t channels);

struct Y4mInfo {
  std::int64_t height = 0, width = 0, frames = 0;  // complete frames in the file
  double fps = 0;
  std::string chroma;  // "444", "422", "420jpeg", "mono", ...
  bool full_range = false, truncated = false;
  std::size_t header_bytes = 0, frame_bytes = 0;
};
// 8-bit 4:2:0, 4:2:2, 4:4:4 and mono. MediaError if malformed, larger than max_pixels or of another depth.
// `size` is that of the whole file, of which `head` needs only the first 4 KiB.
VGEN_API Y4mInfo parse_y4m(std::string_view head, std::size_t size, std::int64_t max_pixels = 8294400);
// One frame's planes to RGB [H, W, 3].
VGEN_API void y4m_to_rgb(const Y4mInfo& info, std::string_view planes, std::uint8_t* rgb);

}  // namespace vgen::video
