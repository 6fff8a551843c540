// Shared by the tests of video: clips to write, a folder to write into, the ffmpeg program as an oracle.
#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <string>

#include "vgen/core/error.hpp"
#include "vgen/video/frames.hpp"

namespace vgen::video::test {
namespace fs = std::filesystem;

class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "vgen_video_XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  fs::path operator/(const std::string& name) const { return path_ / name; }
  const fs::path& path() const { return path_; }
  std::size_t parts() const {  // temporary files left behind
    std::size_t n = 0;
    for (const auto& e : fs::directory_iterator(path_)) n += e.path().extension() == ".part";
    return n;
  }

 private:
  fs::path path_;
};

// Smooth colours with a moving bright square: compresses like video, and every frame differs.
inline Frames clip(std::int64_t f, std::int64_t h, std::int64_t w, std::int64_t c = 3, double fps = 8) {
  Frames out(f, h, w, c, fps);
  for (std::int64_t i = 0; i < f; ++i)
    for (std::int64_t y = 0; y < h; ++y)
      for (std::int64_t x = 0; x < w; ++x) {
        const bool inside = std::abs(x - w * (i + 1) / (f + 1)) < w / 6 && std::abs(y - h / 2) < h / 6;
        for (std::int64_t k = 0; k < c; ++k) {
          const double wave = 100 + 60 * std::sin(double(x) / double(w) * 3 + double(k) + double(i) * 0.1) +
                              40 * std::cos(double(y) / double(h) * 2);
          out.frame(i)[(y * w + x) * c + k] = std::uint8_t(k == 3 ? 255 : inside ? 240 - 12 * k : wave);
        }
      }
  return out;
}

inline Frames noise(std::int64_t f, std::int64_t h, std::int64_t w, std::int64_t c, unsigned seed) {
  Frames out(f, h, w, c);
  std::mt19937 random(seed);
  for (auto& p : *out.pixels) p = std::uint8_t(random());
  return out;
}

inline std::string slurp(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}
inline void spit(const fs::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

inline int max_difference(const std::uint8_t* a, const std::uint8_t* b, std::size_t n) {
  int worst = 0;
  for (std::size_t i = 0; i < n; ++i) worst = std::max(worst, std::abs(int(a[i]) - int(b[i])));
  return worst;
}
inline double psnr(const Frames& a, const Frames& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.bytes(); ++i) sum += std::pow(double((*a.pixels)[i]) - double((*b.pixels)[i]), 2);
  return sum == 0 ? 99 : 10 * std::log10(255.0 * 255.0 * double(a.bytes()) / sum);
}

inline bool has_ffmpeg() {
  static const bool yes = std::system("ffmpeg -version >/dev/null 2>&1 && ffprobe -version >/dev/null 2>&1") == 0;
  return yes;
}
// Runs the ffmpeg program; paths in tests need no quoting.
inline bool ffmpeg(const std::string& arguments) {
  return std::system(("ffmpeg -hide_banner -loglevel error -nostdin -y " + arguments + " >/dev/null 2>&1").c_str()) ==
         0;
}
inline std::string output_of(const std::string& command) {
  std::string out;
  if (FILE* p = popen(command.c_str(), "r")) {
    char buffer[4096];
    while (const std::size_t n = fread(buffer, 1, sizeof buffer, p)) out.append(buffer, n);
    pclose(p);
  }
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}
// What the ffmpeg program decodes, with the scaler flags that vgen uses.
inline std::string decoded_by_ffmpeg(const fs::path& file, const Folder& folder,
                                     const std::string& options = "-pix_fmt rgb24") {
  const fs::path raw = folder / "oracle.raw";
  if (!ffmpeg("-i " + file.string() +
              " -vsync passthrough -sws_flags bicubic+accurate_rnd+full_chroma_int+full_chroma_inp " + options +
              " -f rawvideo " + raw.string()))
    return "";
  return slurp(raw);
}

#define NEEDS_FFMPEG() \
  if (!has_ffmpeg()) GTEST_SKIP() << "no ffmpeg program"

template <class E, class F>
std::string message_of(F&& body) {
  try {
    body();
  } catch (const E& e) { return e.what(); } catch (const std::exception& e) {
    ADD_FAILURE() << "another error: " << e.what();
    return "";
  }
  ADD_FAILURE() << "no error";
  return "";
}

}  // namespace vgen::video::test
