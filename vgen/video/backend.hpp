// Finds FFmpeg at run time: the library back end, else an `ffmpeg` program (writing only). Neither is needed to load
// vgen.
#pragma once
#include <filesystem>
#include <string>

#include "vgen/core/error.hpp"

namespace vgen::video {

namespace ffmpeg_api {
struct Api;
}

struct VGEN_API BackendStatus {
  bool available = false;
  std::string text;               // "FFmpeg 5.1.9, ..." or why it cannot be used
  std::filesystem::path library;  // the file that was opened
};
// Opens the library once. VGEN_VIDEO_BACKEND names the only file to try; else those beside the binary that holds vgen.
VGEN_API const BackendStatus& backend_status();

// The library's functions, or Unavailable with the reason and the package to install. `what` begins the message.
VGEN_API const ffmpeg_api::Api& backend(const std::string& what);

// VGEN_FFMPEG, else `ffmpeg` on PATH; empty if there is none.
VGEN_API std::filesystem::path ffmpeg_program();

// What to install, for messages and for `vgen doctor`.
VGEN_API std::string ffmpeg_advice();

}  // namespace vgen::video
