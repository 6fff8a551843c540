// The judge of the shapes world: reads the attributes of a clip back from its pixels. It knows neither caption nor
// generator; it is told only the palette and how shapes look. "Don't know" is an answer (nullopt), and so is "no
// object". Figures: docs/components/shapes_world.md.
#pragma once
#include <optional>
#include <tuple>
#include <vector>

#include "vgen/data/shapes_world.hpp"

namespace vgen::metrics {

// What is wrong with a clip, whatever it was meant to show.
enum class ShapesFailure {
  no_object,      // in more than half of the frames
  vanishing,      // no object in some frame
  fragments,      // more than one object
  colour_change,  // the object is not of one colour, over its area or over the clip
  shape_change,   // the object is not of one shape over the clip
  area_flicker,   // the size jumps
  jump,           // the position jumps
  unsteady,       // neither a motion that has a word nor rest: reversed or stopped half way, growing while moving, ...
  background_change,  // the background is not of one level over the clip
};
constexpr auto enum_names(ShapesFailure) {
  using enum ShapesFailure;
  return std::array{std::pair{no_object, "no object"},
                    std::pair{vanishing, "vanishing"},
                    std::pair{fragments, "fragments"},
                    std::pair{colour_change, "colour change"},
                    std::pair{shape_change, "shape change"},
                    std::pair{area_flicker, "area flicker"},
                    std::pair{jump, "jump"},
                    std::pair{unsteady, "unsteady"},
                    std::pair{background_change, "background change"}};
}

template <class Value>
struct ShapesReading {
  std::optional<Value> value;  // nullopt: the judge can't tell
  double confidence = 0;       // [0, 1]; 0 where value is nullopt
};

// What the judge measured; lengths in shares of the frame, times in shares of the clip.
struct VGEN_API ShapesQuality {
  double presence = 0;          // share of frames with an object
  double fragments = 0;         // largest area outside the main component / its area, over frames
  double colour_flicker = 0;    // RMS distance of the frames' colours from the clip's, in levels
  double impurity = 0;          // mean share of the object's inner pixels that are of another colour
  double area_flicker = 0;      // RMS of radius / linear fit - 1
  double position_flicker = 0;  // RMS distance from the linear fit of the path
  double edge_width = 0;        // mean width of the object's edge in pixels; about 1 for a sharp, anti-aliased edge
  double fit = 0;               // mean overlap (soft intersection over union) with the shape read, [0, 1]
};

struct VGEN_API ShapesVerdict {
  ShapesReading<data::Colour> colour;
  ShapesReading<data::Shape> shape;
  ShapesReading<data::Size> size;
  ShapesReading<data::Motion> motion;
  ShapesReading<data::Speed> speed;
  ShapesReading<data::Background> background;
  ShapesQuality quality;
  std::vector<ShapesFailure> failures;
  std::vector<data::ShapesPose> track;  // one a frame, in pixels; radius 0 = no object

  bool object() const;                                // false: no object to speak of
  bool coherent() const { return failures.empty(); }  // one object, there in every frame, steady
};

// Reads a clip: uint8 [F, H, W, 3] with H, W >= 16. With one frame motion and speed are nullopt. ShapeError on other
// shapes.
VGEN_API ShapesVerdict judge(const video::Frames& frames);

// Which of the attributes asked for the verdict confirms.
struct VGEN_API ShapesScore {
  bool colour = false, shape = false, size = false, motion = false, speed = false, background = false;
  bool coherent = false;
  bool all = false;         // colour, shape, motion, background and coherent
  bool everything = false;  // all, and size and speed too
};
VGEN_API ShapesScore score(const ShapesVerdict& verdict, const data::ShapesAttributes& attributes);

}  // namespace vgen::metrics
