// HiGen (Qing et al. 2023, "Hierarchical Spatio-temporal Decoupling for Text-to-Video Generation").
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>

#include "vgen/pipelines/system.hpp"

namespace vgen::pipelines {

// Similarity of each pair of frames: 1 - amount |i - j| / (F - 1), [1, F, F].
static Tensor appearance_of(double amount, std::int64_t frames) {
  const Tensor at = at::arange(frames, at::kFloat);
  return (1 - (at.unsqueeze(1) - at).abs() * (amount / static_cast<double>(std::max<std::int64_t>(frames - 1, 1))))
      .unsqueeze(0);
}

// One frame first, from the prompt alone; then the clip around it.
Tensor denoise_higen(Run& run) {
  const auto& features = run.components.unet->options().embeddings;
  std::int64_t compared = 32;
  for (const auto& feature : features)
    if (const auto* appearance = std::get_if<unet::Appearance>(&feature)) compared = appearance->frames;
  const std::int64_t frames = *run.request.frames;
  VGEN_CHECK(frames == compared || frames == 1, ConfigError, "higen: this model makes clips of ", compared,
             " frames (or 1), got ", frames, "; nearest ", compared);

  const auto sampled = [&](const Tensor& noise, const Tensor& prior, const Tensor& motion, const Tensor& appearance) {
    unet::Conditions with = run.conditions(), without = run.negative_conditions();
    for (unet::Conditions* each : {&with, &without}) {
      each->set("spatial_prior", prior);
      each->set("motion", motion);
      each->set("appearance", appearance.to(run.device));
    }
    return run.sample(run.guided_model(with, without), noise);
  };
  const at::TensorOptions whole = at::TensorOptions().dtype(at::kLong).device(run.device);
  const Tensor start = run.white_noise(1);
  const Tensor picture = sampled(start, start.select(2, 0).mul(0), at::full({1}, 0, whole), at::ones({1, 1, compared}));
  if (frames == 1) return picture;
  return sampled(run.noise(frames), picture.select(2, 0),
                 at::full({1, frames - 1}, static_cast<std::int64_t>(*run.request.motion), whole),
                 appearance_of(*run.request.appearance, frames));
}

}  // namespace vgen::pipelines
