// Training data of the reference: lists of `file|||caption` beside a folder of pictures or clips, each item made ready
// for the networks. Pixels stay uint8; conditioning/normalise.hpp makes tensors of them. Where the reference hides a
// file that it cannot read behind zeros, an item here has no frames and says why.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "vgen/core/mersenne_twister.hpp"
#include "vgen/core/options.hpp"
#include "vgen/video/frame_picking.hpp"

namespace vgen::data {

enum class ListedMedia { pictures, clips };
enum class ReferenceFrame { middle, first };
constexpr auto enum_names(ListedMedia) {
  return std::array{std::pair{ListedMedia::pictures, "pictures"}, std::pair{ListedMedia::clips, "clips"}};
}
constexpr auto enum_names(ReferenceFrame) {
  return std::array{std::pair{ReferenceFrame::middle, "middle"}, std::pair{ReferenceFrame::first, "first"}};
}

struct VGEN_API ListedClipOptions {
  static constexpr std::string_view kind = "listed_clips";
  ListedMedia media = ListedMedia::clips;
  std::string folder = ".";
  std::int64_t height = 256, width = 256;  // of the frames
  std::int64_t vision_size = 224;          // of the square picture for the vision tower
  video::FramePickingOptions picking = {};
  ReferenceFrame reference = ReferenceFrame::middle;  // which of the frames the vision tower sees
  bool masks = false;  // pictures: masks/NAME.png beside them, white is the subject, at an eighth of the size
  std::vector<std::string> placeholders = {};  // words for "{}" in captions, in order
  bool operator==(const ListedClipOptions&) const = default;
  static constexpr auto fields() {
    using O = ListedClipOptions;
    return std::tuple{field("media", &O::media, "pictures or clips"),
                      field("folder", &O::folder, "of the files that lines name"),
                      field("height", &O::height, "of the frames"),
                      field("width", &O::width, "of the frames"),
                      field("vision_size", &O::vision_size, "side of the picture for the vision tower"),
                      field("picking", &O::picking, "which frames of a clip"),
                      field("reference", &O::reference, "the frame that the vision tower sees"),
                      field("masks", &O::masks, "read masks/NAME.png beside pictures"),
                      field("placeholders", &O::placeholders, "words for {} in captions")};
  }
};

struct VGEN_API ListedClip {
  std::string file, caption;   // as listed; empty if the line is malformed
  video::Frames frames;        // [n, height, width, 3], n <= picking.count; 1 for pictures; 0 if there is a problem
  std::int64_t reference = 0;  // its place in `frames`
  video::Frames vision;        // [1, vision_size, vision_size, 3] of that frame
  video::Frames mask;          // [1, height / 8, width / 8, 3], 0 or 255; empty without masks
  std::string problem;         // why there are no frames
};

// One line. `random`, a Python generator, draws the start of clips. Errors of the line or of its file are the item's
// problem; ConfigError for sizes that are not positive.
VGEN_API ListedClip load_listed(const std::string& line, const ListedClipOptions& options, MersenneTwister& random);

// The picture for a vision tower: the middle square of `side` pixels, or of `size` if that is larger, resized to
// size x size. How the reference prepares it: side is the width of its frames.
VGEN_API video::Frames vision_picture(const video::Frames& frames, std::int64_t side, std::int64_t size);

}  // namespace vgen::data
