// Encoding through an `ffmpeg` program where the library back end is missing: raw frames go down a pipe. No shell.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "vgen/core/progress.hpp"

namespace vgen::video {

struct WriteOptions;

class ProgramEncoder {
 public:
  // Encodes into `file` (fragmented if mp4) with the first of `encoders` that the program has. Unavailable if it has
  // none.
  ProgramEncoder(std::filesystem::path program, std::filesystem::path file, std::string muxer,
                 const std::vector<std::string>& encoders, std::int64_t height, std::int64_t width,
                 std::int64_t channels, double fps, const WriteOptions& options, CancelToken cancel);
  ~ProgramEncoder();  // ends the program if finish() was not called
  ProgramEncoder(const ProgramEncoder&) = delete;
  ProgramEncoder& operator=(const ProgramEncoder&) = delete;

  const std::string& encoder() const { return encoder_; }
  void add(const std::uint8_t* pixels);
  // Waits for the program; mp4 is rewritten into `final_file` with its index in front.
  void finish(const std::filesystem::path& final_file);

  struct Child;

 private:
  std::filesystem::path program_, file_;
  std::string muxer_, encoder_;
  std::int64_t height_, width_, channels_;
  CancelToken cancel_;
  std::vector<std::uint8_t> padded_;
  std::unique_ptr<Child> child_;
};

// Names from `ffmpeg -encoders`.
std::vector<std::string> program_encoders(const std::filesystem::path& program);

}  // namespace vgen::video
