// System: one model family of VGen, as a value: its network, what it was trained with, what it takes beside a prompt,
// and the flow from noise to latents. The table is explicit; a program may run its own System with a Pipeline.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "vgen/pipelines/run.hpp"

namespace vgen::pipelines {

struct System {
  std::string_view name, summary, paper;
  unet::UNetOptions (*unet)() = nullptr;  // of the released checkpoint
  ModelIndex index;                       // schedule, prediction and defaults of the released checkpoint
  bool needs_image = false, needs_video = false;
  std::function<Tensor(Run&)> denoise;  // scaled latents [1, C, F, h, w]
};

VGEN_API const std::vector<System>& systems();
// ConfigError naming the nearest.
VGEN_API const System& system_named(std::string_view name);

// The common flow: the prompt and the caller's conditions, guided by the negative prompt.
VGEN_API Tensor denoise_from_text(Run& run);
VGEN_API Tensor denoise_i2vgen_xl(Run& run);
VGEN_API Tensor denoise_higen(Run& run);
VGEN_API Tensor denoise_sr600(Run& run);
VGEN_API Tensor denoise_composed(Run& run);
// A clip's latents -> the noise that DDIM would make them from, up to defaults.noise_levels, under the negative prompt
// without guidance. Where the model's own schedule is not the one its frames are noised on, `over` is.
VGEN_API Tensor invert(Run& run, const Tensor& latents, const schedulers::NoiseSchedule& over,
                       const samplers::OnStep& on_step = {});

}  // namespace vgen::pipelines
