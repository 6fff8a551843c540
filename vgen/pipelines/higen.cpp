// HiGen (Qing et al. 2023, "Hierarchical Spatio-temporal Decoupling for Text-to-Video Generation").
#include <ATen/TensorOperators.h>

#include "vgen/conditioning/factors.hpp"
#include "vgen/pipelines/system.hpp"

namespace vgen::pipelines {

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
      each->set("motion", motion.to(run.device));
      each->set("appearance", appearance.to(run.device));
    }
    return run.sample(run.guided_model(with, without), noise);
  };
  const Tensor start = run.white_noise(1);
  const Tensor picture = sampled(start, start.select(2, 0).mul(0), conditioning::motion_factors(1, 0),
                                 conditioning::appearance_of_first_frame(compared));
  if (frames == 1) return picture;
  return sampled(run.noise(frames), picture.select(2, 0),
                 conditioning::motion_factors(frames, static_cast<std::int64_t>(*run.request.motion)),
                 conditioning::appearance_factors(frames, *run.request.appearance));
}

}  // namespace vgen::pipelines
