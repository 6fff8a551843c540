// System: one model family of VGen, as a value: its network, what it was trained with, what it takes beside a prompt,
// and the flow from noise to latents. The table is explicit; a program may run its own System with a Pipeline.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vgen/pipelines/run.hpp"

namespace vgen::pipelines {

// Something that a run may be given beside the prompt: an input ("image", "style", "video") or a field of Request.
struct Knob {
  std::string_view name;
  std::string_view through = {};  // the UNet's condition that it becomes; without that condition it is not taken
};

struct System {
  std::string_view name, summary, paper;
  unet::UNetOptions (*unet)() = nullptr;  // of the released checkpoint
  ModelIndex index;                       // schedule, prediction and defaults of the released checkpoint
  bool needs_image = false, needs_video = false;
  std::vector<Knob> knobs;              // what it needs among them
  std::vector<std::string_view> own;    // conditions of the UNet that the flow makes; all others are the caller's
  std::function<Tensor(Run&)> denoise;  // scaled latents [1, C, F, h, w]
};

// Whether something that the system may be given becomes this condition, of the UNet or of an adapter on it.
VGEN_API bool takes_through(const System& system, std::string_view condition);

// Names of what somebody gives a run: knobs, and finished conditions.
struct Given {
  std::vector<std::string> knobs, conditions;
};
VGEN_API Given given_by(const Request& request, const Inputs& inputs);
// ConfigError naming what a system takes and what is given, unless the network (whose conditions are `declared`) takes
// all of it and nothing needed is missing.
VGEN_API void expect_taken(const System& system, const std::vector<std::string>& declared, const Given& given);
VGEN_API bool takes(const System& system, const std::vector<std::string>& declared, std::string_view knob);

VGEN_API const std::vector<System>& systems();
// ConfigError naming the nearest.
VGEN_API const System& system_named(std::string_view name);

// The common flow: the prompt and the caller's conditions, guided by the negative prompt. Where adapters read a picture
// (DreamVideo's appearance guidance), its embedding, zero without the prompt.
VGEN_API Tensor denoise_from_text(Run& run);
VGEN_API Tensor denoise_i2vgen_xl(Run& run);
VGEN_API Tensor denoise_higen(Run& run);
VGEN_API Tensor denoise_sr600(Run& run);
// Frames that sr600's network sees of a clip: each twice where the request says so, or by itself if the clip is half as
// long as the model takes.
VGEN_API std::int64_t shown_frames(const video::Frames& clip, const Request& request, const GenerationDefaults& model);
VGEN_API Tensor denoise_composed(Run& run);
// A clip's latents -> the noise that DDIM would make them from over the schedule `over`, under the negative prompt
// without guidance. `until`: up to that time only.
VGEN_API Tensor invert(Run& run, const Tensor& latents, const schedulers::NoiseSchedule& over, std::optional<int> until,
                       const samplers::OnStep& on_step = {});

}  // namespace vgen::pipelines
