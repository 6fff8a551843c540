#include "vgen/conditioning/frames.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/from_blob.h>

#include "vgen/video/transforms.hpp"

namespace vgen::conditioning {

Tensor to_frames(const video::Frames& frames) {
  VGEN_CHECK(frames.pixels && frames.count > 0 && frames.height > 0 && frames.width > 0, ShapeError,
             "conditioning: there are no frames");
  const video::Frames rgb = video::to_rgb(frames);
  const Tensor bytes = at::from_blob(rgb.pixels->data(), {rgb.count, rgb.height, rgb.width, 3}, at::kByte);
  return bytes.permute({0, 3, 1, 2}).to(at::kFloat).contiguous().div_(255);
}

void expect_frames(const Tensor& frames, std::string_view who) {
  expect_shape(frames, who, "frames", {-1, 3, -1, -1});
  VGEN_CHECK(frames.numel() > 0, ShapeError, who, ": there are no frames, got ", shape_string(frames.sizes()));
  VGEN_CHECK(frames.is_floating_point(), ConfigError, who, ": frames must be floating point in [0, 1], got ",
             at::toString(frames.scalar_type()), "; divide bytes by 255 (conditioning.to_frames)");
  const double low = frames.min().item<double>(), high = frames.max().item<double>();
  VGEN_CHECK(low >= -1e-3 && high <= 1 + 1e-3, ConfigError, who, ": frames must lie in [0, 1], got values from ", low,
             " to ", high, "; pixels in [-1, 1] become x * 0.5 + 0.5");
}

Tensor in_parts(const Tensor& frames, std::int64_t at_once, const std::function<Tensor(const Tensor&)>& f) {
  VGEN_CHECK(at_once >= 1, ConfigError, "conditioning: at_once must be >= 1, got ", at_once);
  std::vector<Tensor> parts;
  for (const Tensor& part : frames.split(at_once)) parts.push_back(f(part));
  return at::cat(parts);
}

}  // namespace vgen::conditioning
