// Animated GIF, own encoder: palettes by median cut (Heckbert 1982), ordered dithering, only what changed is stored.
// For readers without video support and for README pictures; colours are exact when the clip has at most 255 of them.
#pragma once
#include <array>
#include <string>
#include <utility>

#include "vgen/core/progress.hpp"
#include "vgen/video/frames.hpp"

namespace vgen::video {

enum class GifPalette { clip, frame };
constexpr auto enum_names(GifPalette) {
  return std::array{std::pair{GifPalette::clip, "clip"}, std::pair{GifPalette::frame, "frame"}};
}

struct VGEN_API GifOptions {
  int loop = 0;                           // 0 = forever
  GifPalette palette = GifPalette::clip;  // one palette keeps still areas still; one a frame keeps more colours
  bool dither = true;                     // only where colours are not exact
  std::string comment = {};               // the run manifest
};
// GIF counts time in 1/100 s: delays are rounded so that the clip as a whole keeps its length. Browsers slow down above
// 50 fps, which is refused.
VGEN_API std::string encode_gif(const Frames& frames, const GifOptions& options = {}, const CancelToken& cancel = {});

}  // namespace vgen::video
