#include "vgen/video/random_transforms.hpp"

#include <algorithm>
#include <cmath>

namespace vgen::video {

Rect random_crop_rect(std::int64_t height, std::int64_t width, const RandomCropOptions& o, MersenneTwister& random) {
  VGEN_CHECK(height >= 1 && width >= 1, ShapeError, "random_crop: expected a picture of at least 1x1, got ", width, "x",
             height);
  VGEN_CHECK(o.area[0] > 0 && o.area[0] <= o.area[1] && o.area[1] <= 1, ConfigError,
             "random_crop: area must rise within (0, 1], got ", o.area[0], " to ", o.area[1]);
  VGEN_CHECK(o.ratio[0] > 0 && o.ratio[0] <= o.ratio[1], ConfigError,
             "random_crop: ratio must be positive and rise, got ", o.ratio[0], " to ", o.ratio[1]);
  const double pixels = double(height) * double(width);
  const bool uniform = o.draw == RatioDraw::uniform;
  if (uniform) {  // the smallest crop of the ratio nearest to the picture's decides whether drawing can ever end
    const double r = std::clamp(double(width) / double(height), o.ratio[0], o.ratio[1]);
    VGEN_CHECK(std::nearbyint(std::sqrt(o.area[0] * pixels * r)) <= double(width) &&
                   std::nearbyint(std::sqrt(o.area[0] * pixels / r)) <= double(height),
               ConfigError, "random_crop: no crop of ", o.area[0], " of the area and a ratio of ", o.ratio[0], " to ",
               o.ratio[1], " fits into ", width, "x", height, "; lower area or widen ratio");
  }
  for (int tries = 0; uniform || tries < 10; ++tries) {
    const double area = random.uniform(o.area[0], o.area[1]) * pixels;
    const double ratio = uniform ? random.uniform(o.ratio[0], o.ratio[1])
                                 : std::exp(random.uniform(std::log(o.ratio[0]), std::log(o.ratio[1])));
    const auto w = std::int64_t(std::nearbyint(std::sqrt(area * ratio)));
    const auto h = std::int64_t(std::nearbyint(std::sqrt(area / ratio)));
    if (w < 1 || h < 1 || w > width || h > height) continue;
    Rect r{0, 0, w, h};
    if (uniform) r.x = random.between(0, width - w), r.y = random.between(0, height - h);
    if (!uniform) r.y = random.between(0, height - h), r.x = random.between(0, width - w);
    return r;
  }
  const double r = double(width) / double(height);
  const std::int64_t w = r > o.ratio[1] ? std::int64_t(std::nearbyint(double(height) * o.ratio[1])) : width;
  const std::int64_t h = r < o.ratio[0] ? std::int64_t(std::nearbyint(double(width) / o.ratio[0])) : height;
  return {(width - w) / 2, (height - h) / 2, w, h};
}

Rect random_window(const Frames& frames, std::int64_t height, std::int64_t width, MersenneTwister& random) {
  VGEN_CHECK(height >= 1 && width >= 1 && height <= frames.height && width <= frames.width, ShapeError,
             "random_window: ", width, "x", height, " does not fit into ", frames.width, "x", frames.height);
  Rect r{0, 0, width, height};
  r.x = random.between(0, frames.width - width);
  r.y = random.between(0, frames.height - height);
  return r;
}

Frames random_flip(const Frames& frames, MersenneTwister& random, double p) {
  return random.uniform() < p ? flip_horizontal(frames) : frames;
}

Frames random_grey(const Frames& frames, MersenneTwister& random, double p) {
  return random.uniform() < p ? to_grey(frames) : to_rgb(frames);
}

}  // namespace vgen::video
