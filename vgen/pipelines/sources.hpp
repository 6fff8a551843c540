// Sources: the files and drawings that a run's inputs and conditions are made of, as the command line names them.
#pragma once
#include <string>
#include <tuple>
#include <vector>

#include "vgen/conditioning/annotators.hpp"
#include "vgen/pipelines/system.hpp"

namespace vgen::pipelines {

// Paths of pictures and clips; what is empty is not given.
struct Sources {
  static constexpr std::string_view kind = "sources";
  std::string image, style, video, mask, depth, sketch, single_sketch, motion_from;
  std::vector<std::string> draw_motion, condition;
  double condition_fps = 0;
  bool operator==(const Sources&) const = default;
  static constexpr auto fields() {
    using O = Sources;
    return std::tuple{
        field("image", &O::image, "picture: the first frame, or the subject"),
        field("style", &O::style, "picture that the clip shall look like"),
        field("video", &O::video, "clip to enlarge, to fill under a mask, or whose noise is taken"),
        field("mask", &O::mask, "picture or clip, white where the video (or the image) is to be filled"),
        field("depth", &O::depth, "picture or clip whose depth is taken"),
        field("sketch", &O::sketch, "picture or clip whose lines are taken, of every frame"),
        field("single_sketch", &O::single_sketch, "picture or clip whose first frame's lines are taken"),
        field("motion_from", &O::motion_from, "clip whose motion is taken"),
        field("draw_motion", &O::draw_motion, "motion along a line: \"x,y -> x,y @ first..last\""),
        field("condition", &O::condition,
              "NAME=FILE: a finished condition, pictures or .safetensors with a tensor of that name"),
        field("condition_fps", &O::condition_fps,
              "frames a second at which frames are taken from clips of conditions; 0 = the clip's to make")};
  }
};

// What they are to a system.
VGEN_API Given given_by(const Sources& sources);
// IoError naming every file that is missing; ConfigError for what goes not together, or a drawing that cannot be read.
VGEN_API void check(const Sources& sources);

// The size of the clip to make.
struct ClipSize {
  std::int64_t frames = 16, height = 256, width = 448;
  double fps = 8;
};
// Reads and annotates. Pictures for a condition stand for all frames. IoError and MediaError naming the file,
// ConfigError for one with too few frames, with the way out.
VGEN_API Inputs read_sources(const Sources& sources, const ClipSize& size, conditioning::Annotators& annotators,
                             const OnProgress& progress = {}, const CancelToken& cancel = {});

}  // namespace vgen::pipelines
