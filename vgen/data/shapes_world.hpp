// The shapes world: endless captioned clips of one or two flat objects on a flat background, small enough to train on a
// laptop. Sample `index` of seed `seed` is the same clip everywhere, to the bit: counter-based integer randomness,
// integer geometry, integer anti-aliasing. Ground truth (attributes, poses, mask, depth, motion vectors, edges) travels
// with each clip. docs/components/shapes_world.md shows the table of attributes; metrics/shapes_judge.hpp reads them
// back from pixels.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "vgen/core/options.hpp"
#include "vgen/video/frames.hpp"

namespace vgen::data {

// Attribute values, spelled as the caption spells them. Size::medium and Speed::normal have no word in a caption.
// From `star` and `circling` on: held out, seen only in Split::custom.
enum class Colour { red, green, blue, yellow, magenta, cyan, orange, purple };
enum class Shape { circle, square, triangle, star, ring, cross };
enum class Size { small, medium, large };
enum class Motion { left, right, up, down, still, growing, shrinking, circling, zigzagging };
enum class Speed { slowly, normal, quickly };
enum class Background { black, gray, white };

constexpr auto enum_names(Colour) {
  using enum Colour;
  return std::array{std::pair{red, "red"},       std::pair{green, "green"},     std::pair{blue, "blue"},
                    std::pair{yellow, "yellow"}, std::pair{magenta, "magenta"}, std::pair{cyan, "cyan"},
                    std::pair{orange, "orange"}, std::pair{purple, "purple"}};
}
constexpr auto enum_names(Shape) {
  using enum Shape;
  return std::array{std::pair{circle, "circle"}, std::pair{square, "square"}, std::pair{triangle, "triangle"},
                    std::pair{star, "star"},     std::pair{ring, "ring"},     std::pair{cross, "cross"}};
}
constexpr auto enum_names(Size) {
  using enum Size;
  return std::array{std::pair{small, "small"}, std::pair{medium, "medium"}, std::pair{large, "large"}};
}
constexpr auto enum_names(Motion) {
  using enum Motion;
  return std::array{
      std::pair{left, "moving left"},    std::pair{right, "moving right"},   std::pair{up, "moving up"},
      std::pair{down, "moving down"},    std::pair{still, "standing still"}, std::pair{growing, "growing"},
      std::pair{shrinking, "shrinking"}, std::pair{circling, "circling"},    std::pair{zigzagging, "zigzagging"}};
}
constexpr auto enum_names(Speed) {
  using enum Speed;
  return std::array{std::pair{slowly, "slowly"}, std::pair{normal, "normal"}, std::pair{quickly, "quickly"}};
}
constexpr auto enum_names(Background) {
  using enum Background;
  return std::array{std::pair{black, "black"}, std::pair{gray, "gray"}, std::pair{white, "white"}};
}

using Rgb = std::array<std::uint8_t, 3>;
VGEN_API Rgb rgb(Colour colour);
VGEN_API Rgb rgb(Background background);
constexpr bool has_direction(Motion m) { return m <= Motion::down; }  // these alone have a speed
constexpr bool held_out(Shape s) { return s >= Shape::star; }
constexpr bool held_out(Motion m) { return m >= Motion::circling; }

struct VGEN_API ShapesAttributes {
  static constexpr std::string_view kind = "shapes_attributes";
  Colour colour = Colour::red;
  Shape shape = Shape::circle;
  Size size = Size::medium;
  Motion motion = Motion::left;
  Speed speed = Speed::normal;  // normal unless has_direction(motion)
  Background background = Background::black;
  bool operator==(const ShapesAttributes&) const = default;
  static constexpr auto fields() {
    return std::tuple{field("colour", &ShapesAttributes::colour, "colour of the object"),
                      field("shape", &ShapesAttributes::shape, "shape of the object"),
                      field("size", &ShapesAttributes::size, "radius 0.10, 0.15 or 0.21 of the frame, +-10 %"),
                      field("motion", &ShapesAttributes::motion, "what the object does"),
                      field("speed", &ShapesAttributes::speed,
                            "travel 0.20, 0.42 or 0.64 of the frame, +-10 %; with a direction only"),
                      field("background", &ShapesAttributes::background, "colour of the background")};
  }
};

// Which combinations of attributes a sample may have. One combination in ten, chosen by a hash of the tuple, is never
// in `train`; these are `unseen`. `custom` has at least one held-out shape or motion, for customisation.
enum class Split { train, unseen, custom };
constexpr auto enum_names(Split) {
  return std::array{std::pair{Split::train, "train"}, std::pair{Split::unseen, "unseen"},
                    std::pair{Split::custom, "custom"}};
}
VGEN_API Split split_of(const ShapesAttributes& attributes);

struct VGEN_API ShapesOptions {
  static constexpr std::string_view kind = "shapes";
  int size = 64;  // height and width
  int frames = 16;
  double fps = 8;
  int objects = 1;
  int antialias = 4;       // 4x4 samples a pixel
  double canonical = 0.5;  // share of captions in the canonical form; the others are paraphrases
  bool operator==(const ShapesOptions&) const = default;
  static constexpr auto fields() {
    return std::tuple{field("size", &ShapesOptions::size, "height and width in pixels, 16 to 1024"),
                      field("frames", &ShapesOptions::frames, "frames a clip, 1 to 256"),
                      field("fps", &ShapesOptions::fps, "frames a second written into the clip"),
                      field("objects", &ShapesOptions::objects, "objects in a clip, 1 or 2"),
                      field("antialias", &ShapesOptions::antialias, "samples a pixel along each axis, 1 to 8"),
                      field("canonical", &ShapesOptions::canonical,
                            "share of canonical captions, 0 to 1; the others are paraphrases")};
  }
};

// Where an object is in one frame, in pixels; (0, 0) is the upper left corner of the frame, y points down.
struct VGEN_API ShapesPose {
  double x = 0, y = 0, radius = 0;
  bool operator==(const ShapesPose&) const = default;
};
struct VGEN_API ShapesObject {
  ShapesAttributes attributes;
  std::vector<ShapesPose> poses;  // one a frame
};

struct VGEN_API ShapesClip {
  video::Frames frames;         // uint8 [F, S, S, 3]
  ShapesAttributes attributes;  // of the first object
  std::string caption;
  std::vector<ShapesObject> objects;  // later ones lie in front of earlier ones
  int antialias = 4;

  // Ground truth, computed when asked for; row-major.
  std::vector<std::uint8_t> mask(std::size_t object = 0) const;  // [F, S, S] visible share of each pixel, 0 to 255
  std::vector<float> depth()
      const;  // [F, S, S] height in [0, 1]: 0 = background; the object rises like a dome to 1 at its centre
  std::vector<float> motion() const;        // [F, S, S, 2] (dx, dy) pixels that what is seen here moved since the frame
                                            // before; frame 0 and background: 0
  std::vector<std::uint8_t> edges() const;  // [F, S, S] 255 on the outermost pixels of an object, else 0
};

// Sample `index` of the endless data set `seed`. ConfigError if an option is out of range.
VGEN_API ShapesClip shapes_clip(std::uint64_t seed, std::uint64_t index, Split split = Split::train,
                                const ShapesOptions& options = {});
// A clip with these attributes and its canonical caption; `seed` chooses position, exact size and travel.
// ConfigError if a speed is given to a motion without direction.
VGEN_API ShapesClip shapes_clip(const ShapesAttributes& attributes, std::uint64_t seed,
                                const ShapesOptions& options = {});
// The same for one or two objects; they share the first one's background.
VGEN_API ShapesClip shapes_clip(const std::vector<ShapesAttributes>& objects, std::uint64_t seed,
                                const ShapesOptions& options = {});
// Only what a text tower needs: attributes and caption of sample (seed, index), without rendering.
VGEN_API std::vector<ShapesAttributes> shapes_attributes(std::uint64_t seed, std::uint64_t index,
                                                         Split split = Split::train, int objects = 1);
VGEN_API std::string shapes_caption(std::uint64_t seed, std::uint64_t index, Split split = Split::train,
                                    const ShapesOptions& options = {});

// "a [small|large] <colour> <shape> <motion> [slowly|quickly] on a <background> background" ("an orange ...");
// two objects: "a ... and a ... on a <background> background".
VGEN_API std::string canonical_caption(const ShapesAttributes& attributes);
VGEN_API std::string canonical_caption(const std::vector<ShapesAttributes>& objects);
// Another wording of the same attributes; `draw` chooses it. Colour, shape, motion and background are always said, size
// and speed where the canonical caption says them.
VGEN_API std::string paraphrase(const std::vector<ShapesAttributes>& objects, std::uint64_t draw);
// The inverse of canonical_caption for one object. ConfigError names the first word that does not fit.
VGEN_API ShapesAttributes parse_caption(std::string_view caption);

// The prompts of `vgen eval shapes`: prompt k of a seed, `unseen` of them (rounded down, evenly spread) of combinations
// never trained on.
struct VGEN_API ShapesPrompt {
  std::string caption;  // canonical
  ShapesAttributes attributes;
  bool unseen = false;
};
VGEN_API std::vector<ShapesPrompt> eval_prompts(int count, std::uint64_t seed, double unseen = 0.5);

}  // namespace vgen::data
