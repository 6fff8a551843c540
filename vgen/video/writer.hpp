// Writing videos and pictures; the name decides the format. A file appears complete or not at all
// (core/atomic_file.hpp).
//
//   .mp4 .m4v .mov .mkv .webm   FFmpeg: the library, else an `ffmpeg` program
//   .gif .apng .png .y4m        own encoders, on any machine (.png with several frames is an animated PNG)
//   a name that ends in '/'     a folder of PNGs, frame_00000.png ...
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "vgen/core/options.hpp"
#include "vgen/core/progress.hpp"
#include "vgen/video/frames.hpp"
#include "vgen/video/gif.hpp"

namespace vgen::video {

struct VGEN_API WriteOptions {
  static constexpr std::string_view kind = "write_video";
  double fps = 0;  // 0 = the frames' own rate
  int quality =
      10;  // 0 (best) .. 51 on x264's CRF scale; other encoders get their equivalent; 10 is what the reference writes
  std::string encoder = "auto";  // auto: libx264, libopenh264, h264_nvenc, libvpx-vp9, libsvtav1, mpeg4: the first that
                                 // opens; "ffv1" is lossless in .mkv
  int loop = 0;                  // gif, apng: 0 = forever
  GifPalette palette = GifPalette::clip;
  bool dither = true;  // gif
  int threads = 0;     // 0 = by the encoder
  // "comment" holds the run manifest; all formats but y4m keep it. mp4 and mov keep other keys too, as generic tags.
  std::map<std::string, std::string> metadata = {};
  bool operator==(const WriteOptions&) const = default;
  static constexpr auto fields() {
    return std::tuple{field("fps", &WriteOptions::fps, "frames a second; 0 = the clip's own"),
                      field("quality", &WriteOptions::quality, "0 best .. 51, x264's CRF scale"),
                      field("encoder", &WriteOptions::encoder, "auto or FFmpeg's name of one"),
                      field("loop", &WriteOptions::loop, "gif, apng: 0 = forever"),
                      field("palette", &WriteOptions::palette, "gif: one palette for the clip or each frame"),
                      field("dither", &WriteOptions::dither, "gif: ordered dithering where colours are not exact"),
                      field("threads", &WriteOptions::threads, "0 = automatic"),
                      field("metadata", &WriteOptions::metadata, "text kept in the file")};
  }
};

struct VGEN_API WriteReport {
  std::filesystem::path path;
  std::string encoder;  // "libx264", "gif", "png", ...
  std::int64_t frames = 0;
  std::uintmax_t bytes = 0;
};

// Frame by frame, for clips that need not be in memory at once (.gif and .apng are collected). Without finish() nothing
// appears.
class VGEN_API VideoWriter {
 public:
  // ConfigError: name, size, rate or encoder cannot be written. Unavailable: needs FFmpeg. IoError: folder missing,
  // read-only, full.
  VideoWriter(const std::filesystem::path& path, std::int64_t height, std::int64_t width, std::int64_t channels,
              double fps, const WriteOptions& options = {}, const CancelToken& cancel = {});
  ~VideoWriter();
  VideoWriter(VideoWriter&&) noexcept;
  VideoWriter& operator=(VideoWriter&&) noexcept;
  void add(const std::uint8_t* pixels);  // [H, W, C]
  WriteReport finish();

  struct Sink;

 private:
  std::filesystem::path path_;
  CancelToken cancel_;
  std::unique_ptr<Sink> sink_;
  std::int64_t frames_ = 0;
};

VGEN_API WriteReport write_video(const std::filesystem::path& path, const Frames& frames,
                                 const WriteOptions& options = {}, const OnProgress& progress = {},
                                 const CancelToken& cancel = {});

// One frame as PNG.
VGEN_API WriteReport write_image(const std::filesystem::path& path, const Frames& frames, std::int64_t frame = 0,
                                 const std::map<std::string, std::string>& metadata = {});

// ConfigError or Unavailable now instead of after an hour of sampling: name, rate and a usable encoder. Writes nothing.
VGEN_API void expect_video_path(const std::filesystem::path& path, double fps = 8, const WriteOptions& options = {});

}  // namespace vgen::video
