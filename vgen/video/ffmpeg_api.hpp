// The seam to the FFmpeg back end (libvgen_video_ffmpeg<major>.so): plain C structs and functions, no libav types, no
// exceptions, no symbols of vgen, so that it can be opened with local scope beside any other FFmpeg in the process.
#pragma once
#include <cstdint>

namespace vgen::video::ffmpeg_api {

inline constexpr int version = 3;  // raised with every change of this file

enum Status : int { ok = 0, end = 1, media = 2, io = 3, unavailable = 4, interrupted = 5, internal = 6 };

struct Error {
  Status status;
  char text[1024];
};

// Returns nonzero if work shall stop. Called often, from the calling thread and from FFmpeg's input.
using Interrupted = int (*)(void* user);

struct OpenRead {
  int descriptor;       // a regular file; stays the caller's
  const char* demuxer;  // chosen by the caller from the file's first bytes: nothing is probed
  std::int64_t max_pixels, max_frames;
  int max_streams;
  double deadline_seconds;  // for opening, and then for each frame
  int motion_vectors;       // nonzero: pictures carry them where the decoder exports them
  int threads;              // 0 = by FFmpeg
  Interrupted interrupted;
  void* user;
};

struct Info {
  std::int64_t width, height;  // as shown: after rotation
  std::int64_t frames;         // as declared; -1 unknown
  double fps, duration;        // 0 unknown
  int rotation;                // degrees clockwise that decoded pictures are turned
  int alpha;
  int variable_rate;  // frames are not evenly spaced; fps is their average
  char codec[32], container[64], pixel_format[32];
  const char* comment;  // container metadata "comment"; "" if none; valid until close
};

struct MotionVector {  // as shown, after rotation; see vgen/video/motion_vectors.hpp
  std::int32_t source, width, height, src_x, src_y, dst_x, dst_y, motion_x, motion_y, motion_scale;
};

struct Picture {
  const std::uint8_t* rgba;  // [height, width, 4], rows `stride` bytes apart
  std::int64_t height, width, stride;
  const MotionVector* vectors;
  std::int64_t vector_count;
};

struct OpenWrite {
  int descriptor;  // open for reading and writing, empty; receives a file that is readable up to the last full fragment
  int final_descriptor;         // mp4: receives the finished file; -1: `descriptor` is the finished file
  const char* muxer;            // "mp4", "mov", "matroska", "webm"
  const char* const* encoders;  // tried in this order; null-terminated
  std::int64_t width, height, channels;
  double fps;
  int quality;                  // x264's CRF scale, 0..51
  const char* const* metadata;  // key, value, key, value, null
  int threads;
  Interrupted interrupted;
  void* user;
};

struct Api {
  int version;
  const char* libraries;  // "FFmpeg 5.1.9, libavcodec 59.37.100"
  void* (*read_open)(const OpenRead*, Info*, Error*);
  // Next picture, valid until the next call; `skip` only counts it and gives its motion vectors. Status `end` after the
  // last one.
  Status (*read_next)(void*, int skip, Picture*, Error*);
  // After `end`: nonzero if the file ends early or data had to be dropped.
  int (*read_truncated)(void*);
  void (*read_close)(void*);

  void* (*write_open)(const OpenWrite*, char* encoder_name, std::uint64_t name_size, Error*);
  Status (*write_frame)(void*, const std::uint8_t* pixels, Error*);
  Status (*write_finish)(void*, Error*);
  void (*write_close)(void*);  // also without write_finish
  int (*has_encoder)(const char* name);
};

inline constexpr const char* entry_point = "vgen_video_ffmpeg_api";  // const Api* (*)()

}  // namespace vgen::video::ffmpeg_api
