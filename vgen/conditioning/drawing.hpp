// Conditions that are drawn instead of extracted: motion along lines, masks between key frames, sketches of strokes,
// and pictures of all of them over the clip. Positions are shares of the picture: (0, 0) is its upper left corner,
// (1, 1) its lower right one; frames are counted from 0, the last one included.
#pragma once
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "vgen/core/options.hpp"
#include "vgen/tensor/tensor.hpp"
#include "vgen/video/frames.hpp"

namespace vgen::conditioning {

// Something that moves along a polyline, at an even pace, from frame `first` to frame `last`.
struct MotionPath {
  static constexpr std::string_view kind = "motion_path";
  std::vector<std::array<double, 2>> points;  // (x, y), at least two
  int first = 0, last = -1;                   // -1 = the clip's last frame
  double radius = 0.15;                       // what moves: a disc, as a share of the shorter side
  bool operator==(const MotionPath&) const = default;
  static constexpr auto fields() {
    return std::tuple{field("points", &MotionPath::points, "(x, y) of each corner, shares of width and height"),
                      field("first", &MotionPath::first, "frame in which the motion begins"),
                      field("last", &MotionPath::last, "frame in which it ends; -1 = the last one"),
                      field("radius", &MotionPath::radius, "of the disc that moves, share of the shorter side")};
  }
};
// "0.2,0.5 -> 0.8,0.5 @ 0..16", with any number of points; "~0.1" at the end sets the radius; without "@" the whole
// clip. ConfigError showing what could not be read, also for points outside of the picture.
VGEN_API MotionPath parse_motion_path(std::string_view text);

// The motion condition, float32 [frames, 2, height, width], as motion_vectors gives it: at the centre of each block of
// `block` pixels that the disc covers in frame f, the shift in pixels since frame f - 1; 0 elsewhere. Later paths
// replace earlier ones. ConfigError naming the path: fewer than two points, a point outside of the picture, frames
// out of order or outside of the clip.
VGEN_API Tensor drawn_motion(const std::vector<MotionPath>& paths, std::int64_t frames, std::int64_t height,
                             std::int64_t width, std::int64_t block = 16);

// A polygon at one frame. Two corners are a box from corner to corner.
struct MaskKey {
  static constexpr std::string_view kind = "mask_key";
  int frame = 0;
  std::vector<std::array<double, 2>> corners;
  bool operator==(const MaskKey&) const = default;
  static constexpr auto fields() {
    return std::tuple{field("frame", &MaskKey::frame, "frame of the clip"),
                      field("corners", &MaskKey::corners, "(x, y) of each corner; two are a box")};
  }
};
// [frames, 1, height, width] float32, 1 inside. Corners move evenly from key to key; before the first and after the
// last one the mask stands still. ConfigError naming the key: order, frame outside of the clip, other numbers of
// corners, corner outside of the picture.
VGEN_API Tensor drawn_mask(const std::vector<MaskKey>& keys, std::int64_t frames, std::int64_t height,
                           std::int64_t width);

// A line that is seen from frame `first` to `last`.
struct SketchStroke {
  static constexpr std::string_view kind = "sketch_stroke";
  std::vector<std::array<double, 2>> points;
  int first = 0, last = -1;
  double thickness = 0.01;  // share of the shorter side, at least 2 pixels
  bool operator==(const SketchStroke&) const = default;
  static constexpr auto fields() {
    return std::tuple{field("points", &SketchStroke::points, "(x, y) of each corner, shares of width and height"),
                      field("first", &SketchStroke::first, "first frame that shows it"),
                      field("last", &SketchStroke::last, "last frame; -1 = the clip's last"),
                      field("thickness", &SketchStroke::thickness, "share of the shorter side")};
  }
};
// [frames, 1, height, width] float32: 1 on lines, 0 elsewhere, as `sketch` gives it. ConfigError as drawn_motion.
VGEN_API Tensor drawn_sketch(const std::vector<SketchStroke>& strokes, std::int64_t frames, std::int64_t height,
                             std::int64_t width);

// The clip with a condition drawn over it, uint8 [F, H, W, 3]: arrows for motion [F, 2, H, W] (`gain` times as long),
// red for masks or sketches [F, 1, H, W]. ShapeError unless sizes agree.
VGEN_API video::Frames overlay(const video::Frames& frames, const Tensor& condition, double gain = 1);

}  // namespace vgen::conditioning
