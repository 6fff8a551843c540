#include "vgen/conditioning/compose.hpp"

#include <span>

#include "vgen/conditioning/mask.hpp"

namespace vgen::conditioning {

unet::Conditions compose(const Composition& given, std::int64_t frames) {
  VGEN_CHECK(given.mask.defined() == given.frames.defined(), ConfigError,
             "compose: a mask and the frames that it covers go together, got only ",
             given.mask.defined() ? "a mask" : "frames");
  struct Map {
    const char* name;
    Tensor map;
    std::int64_t channels;
    bool may_be_one;  // a picture for all frames
  };
  const Map maps[] = {{"depth", given.depth, 1, false},
                      {"sketch", given.sketch, 1, false},
                      {"canny", given.canny, 1, false},
                      {"motion", given.motion, 2, false},
                      {"single_sketch", given.single_sketch, 1, true},
                      {"local_image", given.local_image, 3, true},
                      {"frames", given.frames, 3, true},
                      {"mask", given.mask, 1, true}};
  const char* says = "frames";  // who said how many frames there are
  for (const Map& m : maps) {
    if (!m.map.defined()) continue;
    expect_shape(m.map, "compose", m.name, {-1, m.channels, -1, -1});
    if ((m.may_be_one && m.map.size(0) == 1) || frames > 0) continue;
    frames = m.map.size(0);
    says = m.name;
  }
  if (frames == 0) frames = 1;
  const auto all_frames = [&](const Map& m) {
    const std::int64_t has = m.map.size(0);
    VGEN_CHECK(has == frames || (m.may_be_one && has == 1), ShapeError, "compose: '", m.name, "' has ", has,
               " frames, '", says, "' says ", frames, "; cut or sample one of them to the other's frames");
    return m.map.expand({frames, m.channels, m.map.size(2), m.map.size(3)});
  };
  const auto as_condition = [](const Tensor& map) { return map.transpose(0, 1).unsqueeze(0).contiguous(); };
  unet::Conditions out;
  for (const Map& m : std::span(maps).first<6>())
    if (m.map.defined()) out.set(m.name, as_condition(all_frames(m)));
  if (given.mask.defined()) out.set("masked", as_condition(masked_condition(all_frames(maps[6]), all_frames(maps[7]))));
  if (given.image.defined()) {
    const std::int64_t width = given.image.numel();
    VGEN_CHECK(width > 0 && given.image.dim() >= 1 && given.image.size(-1) == width, ShapeError,
               "compose: 'image' must be one embedding [D], [1, D] or [1, 1, D], got ",
               shape_string(given.image.sizes()));
    out.set("image", given.image.reshape({1, 1, width}));
  }
  if (given.histogram.defined()) {
    const Tensor rows = given.histogram.dim() == 1 ? given.histogram.unsqueeze(0) : given.histogram;
    VGEN_CHECK(rows.dim() == 2 && (rows.size(0) == 1 || rows.size(0) == frames), ShapeError,
               "compose: 'histogram' must be [bins] or [", frames, ", bins], got ",
               shape_string(given.histogram.sizes()));
    out.set("histogram", rows.expand({frames, rows.size(1)}).unsqueeze(0).contiguous());
  }
  return out;
}

}  // namespace vgen::conditioning
