#include "vgen/conditioning/mask.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/upsample_nearest2d.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

#include "vgen/conditioning/frames.hpp"
#include "vgen/conditioning/raster.hpp"
#include "vgen/core/options.hpp"

namespace vgen::conditioning {

namespace {

void draw_strokes(const Raster& r, MersenneTwister& random) {
  const std::int64_t strokes = random.integer(1, 6);
  for (std::int64_t i = 0; i < strokes; ++i) {
    Pixel at;
    at.x = random.integer(0, r.width);
    at.y = random.integer(0, r.height);
    for (std::int64_t n = 1 + random.integer(0, 5); n > 0; --n) {
      double angle = 0.01 + static_cast<double>(random.integer(0, 4));
      if (i % 2 == 0) angle = 2 * 3.1415926 - angle;  // the reference's pi: more digits could move an end by a pixel
      const auto length = static_cast<double>(10 + random.integer(0, 200));
      const std::int64_t thickness = 5 + random.integer(0, 100);
      const auto ends = [&](std::int64_t from, double direction, std::int64_t limit) {
        return std::clamp<std::int64_t>(static_cast<std::int64_t>(static_cast<double>(from) + length * direction), 0,
                                        limit);
      };
      const Pixel to{ends(at.x, std::sin(angle), r.width), ends(at.y, std::cos(angle), r.height)};
      r.line(at, to, thickness);
      at = to;
    }
  }
}

void draw_boxes(const Raster& r, MersenneTwister& random) {
  constexpr std::int64_t margin = 10;
  for (std::int64_t n = random.integer(1, 5); n > 0; --n) {
    const std::int64_t width = random.integer(30, 150), height = random.integer(30, 150);
    const std::int64_t x = random.integer(margin, r.width - margin - width + 1);
    const std::int64_t y = random.integer(margin, r.height - margin - height + 1);
    for (std::int64_t row = y; row < y + height; ++row) r.span(row, x, x + width - 1);
  }
}

void draw_half(const Raster& r, MersenneTwister& random) {
  const std::int64_t side = random.integer(0, 4);  // above, below, left, right
  const std::int64_t top = side == 1 ? r.height / 2 : 0, bottom = side == 0 ? r.height / 2 : r.height;
  const std::int64_t left = side == 3 ? r.width / 2 : 0, right = side == 2 ? r.width / 2 : r.width;
  for (std::int64_t y = top; y < bottom; ++y) r.span(y, left, right - 1);
}

}  // namespace

Tensor random_mask(MaskKind kind, std::int64_t height, std::int64_t width, MersenneTwister& random) {
  const std::int64_t least = kind == MaskKind::rectangle ? 169 : 2;
  VGEN_CHECK(height >= least && width >= least && height <= 16384 && width <= 16384, ConfigError,
             "mask: ", name_of(kind), " masks need ", least, " to 16384 pixels a side, got ", height, "x", width,
             "; draw a larger mask and resize it");
  Tensor out = at::zeros({height, width}, at::kByte);
  const Raster raster{height, width, out.data_ptr<std::uint8_t>()};
  switch (kind) {
    case MaskKind::irregular:
      draw_strokes(raster, random);
      break;
    case MaskKind::rectangle:
      draw_boxes(raster, random);
      break;
    case MaskKind::uncrop:
      draw_half(raster, random);
      break;
  }
  return out;
}

Tensor random_mask(std::int64_t height, std::int64_t width, MersenneTwister& kinds, MersenneTwister& random) {
  const double p = kinds.uniform();
  return random_mask(p < 0.7   ? MaskKind::irregular
                     : p < 0.9 ? MaskKind::rectangle
                               : MaskKind::uncrop,
                     height, width, random);
}

Tensor mask_track(const Tensor& mask, std::int64_t frames, std::int64_t height, std::int64_t width) {
  expect_shape(mask, "mask", "mask", {-1, -1});
  VGEN_CHECK(mask.numel() > 0 && frames >= 1 && height >= 1 && width >= 1, ShapeError,
             "mask: mask, frames, height and width must not be empty, got ", shape_string(mask.sizes()), ", ", frames,
             ", ", height, "x", width);
  const Tensor one = mask.to(at::kFloat).view({1, 1, mask.size(0), mask.size(1)});
  return at::upsample_nearest2d(one, {height, width}).expand({frames, 1, height, width}).contiguous();
}

Tensor masked_condition(const Tensor& frames, const Tensor& masks) {
  expect_frames(frames, "mask");
  VGEN_CHECK(masks.defined() && masks.dim() == 4 && (masks.size(0) == 1 || masks.size(0) == frames.size(0)) &&
                 masks.size(1) == 1 && masks.size(2) == frames.size(2) && masks.size(3) == frames.size(3),
             ShapeError, "mask: masks must be [", frames.size(0), ", 1, ", frames.size(2), ", ", frames.size(3),
             "], got ", masks.defined() ? shape_string(masks.sizes()) : "none", "; use mask_track");
  const Tensor m = masks.to(frames.options()).expand({frames.size(0), 1, frames.size(2), frames.size(3)});
  VGEN_CHECK(((m == 0) | (m == 1)).all().item<bool>(), ConfigError,
             "mask: masks must be 0 (keep) or 1 (fill); threshold grey values first");
  return at::cat({(frames - 0.5) / 0.5 * (1 - m), 1 - m}, 1);
}

}  // namespace vgen::conditioning
