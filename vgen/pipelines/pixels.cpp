#include "vgen/pipelines/pixels.hpp"

#include "vgen/video/transforms.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/from_blob.h>

#include <cstring>

namespace vgen::pipelines {

Tensor to_tensor(const video::Frames& f) {
  const Tensor bytes =
      at::from_blob(f.pixels->data(), {f.count, f.height, f.width, f.channels}, at::TensorOptions().dtype(at::kByte));
  return bytes.permute({0, 3, 1, 2}).to(at::kFloat).div_(127.5).sub_(1);
}

video::Frames to_frames(const Tensor& pixels, double fps) {
  const Tensor images = pixels.dim() == 5 ? pixels[0].transpose(0, 1) : pixels;  // [F, C, H, W]
  VGEN_CHECK(images.dim() == 4, ShapeError, "frames: pixels must be [F, C, H, W] or [1, C, F, H, W], got ",
             shape_string(pixels.sizes()));
  const Tensor bytes = images.detach()
                           .to(at::kCPU, at::kFloat)
                           .mul(0.5)
                           .add_(0.5)
                           .clamp_(0, 1)
                           .mul_(255)
                           .to(at::kByte)
                           .permute({0, 2, 3, 1})
                           .contiguous();
  video::Frames out(bytes.size(0), bytes.size(1), bytes.size(2), bytes.size(3), fps);
  std::memcpy(out.pixels->data(), bytes.const_data_ptr(), out.bytes());
  return out;
}

Tensor to_condition(std::string_view name, const video::Frames& frames) {
  const Tensor pixels = (to_tensor(video::to_rgb(frames)) + 1) / 2;  // [F, 3, H, W]
  return (name == "local_image" ? pixels : pixels.mean(1, true)).transpose(0, 1).unsqueeze(0).contiguous();
}

}  // namespace vgen::pipelines
