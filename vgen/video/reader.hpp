// Reading videos and pictures from files that nobody vouches for. PNG, APNG and Y4M by own decoders; mp4, mov, mkv,
// webm, avi, gif, JPEG and WebP by FFmpeg, which gets one descriptor and never opens another file, a device or a
// network address.
#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "vgen/core/options.hpp"
#include "vgen/core/progress.hpp"
#include "vgen/video/frames.hpp"

namespace vgen::video {

// Fixed limits; a request may lower them.
inline constexpr std::int64_t max_pixels = 8294400;  // a picture of 3840 x 2160
inline constexpr std::int64_t max_frames = 36000;    // decoded for one request
inline constexpr int max_streams = 16;

struct VGEN_API ReadOptions {
  static constexpr std::string_view kind = "read_video";
  std::int64_t start = 0;   // first frame, counted in decoding order for display
  std::int64_t stride = 1;  // every n-th frame from there
  std::int64_t frames = 0;  // at most so many; 0 = to the end
  std::int64_t pixels = max_pixels;
  std::int64_t bytes = std::int64_t(2) << 30;  // of decoded pixels held at once
  double timeout = 30;                         // seconds for opening, and for each frame; 0 = none
  int threads = 0;                             // 0 = by FFmpeg
  std::optional<std::array<std::uint8_t, 3>> background =
      {};  // transparent pictures lie over it; none: alpha is dropped
  bool operator==(const ReadOptions&) const = default;
  static constexpr auto fields() {
    return std::tuple{
        field("start", &ReadOptions::start, "first frame"),
        field("stride", &ReadOptions::stride, "every n-th frame"),
        field("frames", &ReadOptions::frames, "at most so many; 0 = to the end"),
        field("pixels", &ReadOptions::pixels, "limit of a picture; may be lowered"),
        field("bytes", &ReadOptions::bytes, "limit of all decoded pixels"),
        field("timeout", &ReadOptions::timeout, "seconds a frame"),
        field("threads", &ReadOptions::threads, "0 = automatic"),
        field("background", &ReadOptions::background, "colour under transparent pixels; none drops alpha")};
  }
};

struct VGEN_API VideoInfo {
  std::string container, codec, pixel_format;
  std::int64_t height = 0, width = 0;  // as shown, after rotation
  std::int64_t frames = -1;            // as declared, -1 unknown; after reading: as decoded
  double fps = 0, duration = 0;        // 0 for single pictures
  int rotation = 0;                    // degrees clockwise, applied on reading
  bool alpha = false;
  bool variable_rate = false;  // frames are not evenly spaced; fps is their average
  bool truncated = false;      // the file ends early or is damaged; what came before the fault was delivered
  std::string comment;         // vgen's own files: the run manifest (JSON)
};

// Frame by frame, in constant memory.
class VGEN_API VideoReader {
 public:
  // IoError: cannot be opened. MediaError: malformed, beyond a limit, or of a kind that is not read. Unavailable: needs
  // FFmpeg.
  explicit VideoReader(const std::filesystem::path& path, const ReadOptions& options = {},
                       const CancelToken& cancel = {});
  ~VideoReader();
  VideoReader(VideoReader&&) noexcept;
  VideoReader& operator=(VideoReader&&) noexcept;

  const VideoInfo& info() const;
  // The next frame of the request into `frame` [1, H, W, 3] (its memory is reused), or false after the last one.
  bool next(Frames& frame);

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

// What the header says. Decodes a few frames at most.
VGEN_API VideoInfo probe(const std::filesystem::path& path, const CancelToken& cancel = {});

// All frames of the request as [F, H, W, 3]. A file that ends early gives the frames before the fault, info->truncated
// and, where `info` is null, a warning in the log.
VGEN_API Frames read_video(const std::filesystem::path& path, const ReadOptions& options = {},
                           VideoInfo* info = nullptr, const OnProgress& progress = {}, const CancelToken& cancel = {});

// The first picture, [1, H, W, 3].
VGEN_API Frames read_image(const std::filesystem::path& path, const CancelToken& cancel = {});

}  // namespace vgen::video
