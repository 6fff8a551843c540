// What a model folder says about itself, and what a caller may ask of a pipeline.
#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "vgen/core/options.hpp"
#include "vgen/diffusion/prediction.hpp"
#include "vgen/samplers/sampler.hpp"
#include "vgen/schedulers/schedule.hpp"

namespace vgen::pipelines {

// What a request leaves open.
struct GenerationDefaults {
  static constexpr std::string_view kind = "generation_defaults";
  int frames = 16, height = 256, width = 448;
  double fps = 8, guidance = 9, guidance_rescale = 0;
  samplers::Sampler sampler = samplers::DdimOptions{};
  std::string negative_prompt, positive_prompt;
  double offset_noise = 0, motion = 500, appearance = 1;
  int noise_levels = 700, inversion_steps = 30;
  schedulers::ScheduleOptions inversion_schedule{.schedule = schedulers::ScheduleKind::cosine};
  bool operator==(const GenerationDefaults&) const = default;
  static constexpr auto fields() {
    using O = GenerationDefaults;
    return std::tuple{
        field("frames", &O::frames, "frames of a clip"),
        field("height", &O::height, "pixels"),
        field("width", &O::width, "pixels"),
        field("fps", &O::fps, "frames a second"),
        field("guidance", &O::guidance, "guidance scale"),
        field("guidance_rescale", &O::guidance_rescale, "share of the conditional deviation restored after guidance"),
        field("sampler", &O::sampler, "algorithm and its options"),
        field("negative_prompt", &O::negative_prompt, "unconditional text"),
        field("positive_prompt", &O::positive_prompt, "appended to every prompt"),
        field("offset_noise", &O::offset_noise, "strength of the noise that all positions of a frame share"),
        field("motion", &O::motion, "higen: how much moves between frames, in [0, 999]"),
        field("appearance", &O::appearance, "higen: how much the looks change over the clip, in [0, 1]"),
        field("noise_levels", &O::noise_levels,
              "sr600: times of the schedule that a clip is noised over, in [1, 1000]"),
        field("inversion_steps", &O::inversion_steps, "sr600, dream_video: steps from a clip to its noise"),
        field("inversion_schedule", &O::inversion_schedule,
              "sr600: noise schedule on that way; the way back is on the model's own")};
  }
};

// model_index.json
struct ModelIndex {
  static constexpr std::string_view kind = "model_index";
  std::string system = "t2v";
  schedulers::ScheduleOptions schedule{.schedule = schedulers::ScheduleKind::cosine, .zero_terminal_snr = true};
  diffusion::Prediction prediction = diffusion::Prediction::v;
  GenerationDefaults defaults;
  bool operator==(const ModelIndex&) const = default;
  static constexpr auto fields() {
    using O = ModelIndex;
    return std::tuple{field("system", &O::system, "which pipeline runs the parts"),
                      field("schedule", &O::schedule, "noise schedule of the UNet"),
                      field("prediction", &O::prediction, "what the UNet predicts"),
                      field("defaults", &O::defaults, "of generation")};
  }
};

// One request; what is not given comes from the model's defaults. What the model does not take is a ConfigError.
struct Request {
  static constexpr std::string_view kind = "request";
  std::string prompt;
  std::optional<std::string> negative_prompt;
  std::optional<int> frames, height, width, steps;
  std::optional<double> fps, guidance, guidance_rescale, motion, appearance, inverse_noise;
  std::optional<std::array<double, 2>> appearance_guidance;
  std::optional<bool> zero_image, double_frames, guidance_in_one_batch;
  std::optional<samplers::Sampler> sampler;
  std::uint64_t seed = 0;
  int count = 1;                     // clips, with seeds seed, seed + 1, ...
  std::vector<std::uint64_t> seeds;  // instead: one clip a seed
  int decode_chunk = 0;              // frames decoded at once; 0 = by memory
  bool operator==(const Request&) const = default;
  static constexpr auto fields() {
    using O = Request;
    return std::tuple{
        field("prompt", &O::prompt, "what the clip shows"),
        field("negative_prompt", &O::negative_prompt, "what it shall not show"),
        field("frames", &O::frames, "frames of the clip"),
        field("height", &O::height, "pixels"),
        field("width", &O::width, "pixels"),
        field("steps", &O::steps, "denoising steps"),
        field("fps", &O::fps, "frames a second"),
        field("guidance", &O::guidance, "guidance scale; 1 = none, at half the cost"),
        field("guidance_rescale", &O::guidance_rescale, "in [0, 1]"),
        field("motion", &O::motion, "higen: how much moves between frames, in [0, 999]"),
        field("appearance", &O::appearance, "higen: how much the looks change, in [0, 1]"),
        field("appearance_guidance", &O::appearance_guidance,
              "dream_video: how strongly the picture guides motion adapters, with the prompt and without"),
        field("inverse_noise", &O::inverse_noise,
              "dream_video: share of the clip's own noise (DDIM inversion) in the start, in [0, 1]"),
        field("zero_image", &O::zero_image,
              "i2vgen_xl: without the prompt the picture's embedding is zero (true) or left out"),
        field("double_frames", &O::double_frames,
              "sr600: every frame twice in the model; by itself for clips half as long as it takes"),
        field("sampler", &O::sampler, "algorithm and its options"),
        field("seed", &O::seed, "equal seeds give equal clips"),
        field("count", &O::count, "number of clips"),
        field("seeds", &O::seeds, "a seed for each clip"),
        field("decode_chunk", &O::decode_chunk, "frames decoded at once; 0 = by memory"),
        field("guidance_in_one_batch", &O::guidance_in_one_batch,
              "with and without the prompt in one call, for twice the memory; none = by memory")};
  }
};

}  // namespace vgen::pipelines
