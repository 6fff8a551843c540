// I2VGen-XL (Zhang et al. 2023, "I2VGen-XL: High-Quality Image-to-Video Synthesis via Cascaded Diffusion Models").
#include <ATen/ops/zeros_like.h>

#include "vgen/pipelines/pixels.hpp"
#include "vgen/pipelines/system.hpp"
#include "vgen/video/transforms.hpp"

namespace vgen::pipelines {

// The picture enters three times: its latent as channels and as tokens, its CLIP embedding as tokens. Without the
// prompt the embedding is zero (or left out), the latent stays.
Tensor denoise_i2vgen_xl(Run& run) {
  const video::Frames picture = video::to_rgb(run.inputs.image);
  const Tensor pixels = to_tensor(video::center_crop_wide(picture, *run.request.height, *run.request.width));
  unet::Conditions with = run.conditions(), without = run.negative_conditions();
  const Tensor latent = run.encode(pixels), embedding = run.image_embedding(picture);  // the posterior is drawn first
  for (unet::Conditions* each : {&with, &without}) each->set("local_image", latent);
  with.set("image", embedding);
  if (run.request.zero_image.value_or(true)) without.set("image", at::zeros_like(embedding));
  return run.sample(run.guided_model(with, without), run.noise(*run.request.frames));
}

}  // namespace vgen::pipelines
