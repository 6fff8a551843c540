#include "vgen/pipelines/system.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <cmath>

#include "vgen/conditioning/frames.hpp"
#include "vgen/pipelines/pixels.hpp"
#include "vgen/unet/declared.hpp"
#include "vgen/unet/presets.hpp"
#include "vgen/video/transforms.hpp"

namespace vgen::pipelines {
namespace {

using schedulers::ScheduleKind;

constexpr const char* kNegative =
    "Distorted, discontinuous, Ugly, blurry, low resolution, motionless, static, disfigured, disconnected limbs, "
    "Ugly faces, incomplete arms";
constexpr const char* kCinematic = ", cinematic, High Contrast, highly detailed, no blur, 4k render";

schedulers::ScheduleOptions zero_snr(ScheduleKind kind) { return {.schedule = kind, .zero_terminal_snr = true}; }

ModelIndex index_of(const char* system, schedulers::ScheduleOptions schedule, GenerationDefaults defaults,
                    diffusion::Prediction prediction = diffusion::Prediction::v) {
  return {.system = system, .schedule = schedule, .prediction = prediction, .defaults = std::move(defaults)};
}

std::vector<System> table() {
  using samplers::DdimOptions;
  const auto v = diffusion::Prediction::v, epsilon = diffusion::Prediction::epsilon;
  const samplers::Sampler ddim = DdimOptions{.steps = 50};
  const samplers::Sampler lcm = samplers::LcmOptions{.steps = 4};
  // Adapters attached to a network may read a picture.
  const std::vector<Knob> by_adapters{{"image", "image"}, {"appearance_guidance", "image_strength"}};
  const std::vector<Knob> composed{
      {"image", "local_image"}, {"style", "image"}, {"appearance_guidance", "image_strength"}};
  const std::vector<Knob> dreamed{
      {"image", "image"}, {"appearance_guidance", "image_strength"}, {"video"}, {"inverse_noise"}};
  schedulers::ScheduleOptions lcm_schedule = zero_snr(ScheduleKind::scaled_linear);
  lcm_schedule.precision = schedulers::Precision::float32;
  return {
      {.name = "t2v",
       .summary = "text to video",
       .paper = "ModelScope Text-to-Video Technical Report (Wang et al. 2023), arXiv:2308.06571",
       .unet = [] { return unet::UNetOptions{}; },
       .index = index_of("t2v", zero_snr(ScheduleKind::cosine), {.sampler = ddim, .negative_prompt = kNegative}, v),
       .knobs = by_adapters,
       .own = {"fps"},
       .denoise = denoise_from_text},
      {.name = "i2vgen_xl",
       .summary = "a picture and a text to video",
       .paper = "I2VGen-XL (Zhang et al. 2023), arXiv:2311.04145",
       .unet = [] { return unet::i2vgen_xl(); },
       .index = index_of("i2vgen_xl", zero_snr(ScheduleKind::cosine),
                         {.height = 704, .width = 1280, .fps = 16, .sampler = ddim, .negative_prompt = kNegative}, v),
       .needs_image = true,
       .knobs = {{"image"}, {"zero_image"}},
       .own = {"local_image", "image", "fps"},
       .denoise = denoise_i2vgen_xl},
      {.name = "higen",
       .summary = "text to video by way of one picture, with chosen motion and change of looks",
       .paper = "HiGen (Qing et al. 2023), arXiv:2312.04483",
       .unet = [] { return unet::higen(); },
       .index = index_of("higen", zero_snr(ScheduleKind::scaled_linear),
                         {.frames = 32, .guidance = 12, .sampler = ddim, .offset_noise = 0.1}, v),
       .knobs = {{"motion"}, {"appearance"}},
       .own = {"spatial_prior", "motion", "appearance"},
       .denoise = denoise_higen},
      {.name = "sr600",
       .summary = "a small clip and a text to 1280x720",
       .paper = "VGen (ali-vilab), SR600",
       .unet = [] { return unet::sr600(); },
       .index = index_of(
           "sr600", {.schedule = ScheduleKind::logsnr_cosine_interp},
           {.frames = 32,
            .height = 720,
            .width = 1280,
            .guidance_rescale = 0.3,
            .sampler =
                samplers::Dpmpp2mSdeOptions{
                    .steps = 30,
                    .range = schedulers::RangeOptions{.t_max = 699, .spacing = schedulers::Spacing::trailing},
                    .start = samplers::Start::sigma},
            .negative_prompt = "worst quality, normal quality, low quality, low res, blurry, text, watermark, logo, "
                               "banner, extra digits, cropped, jpeg artifacts, signature, username, error, sketch "
                               ",duplicate, ugly, monochrome, horror, geometry, mutation, disgusting",
            .positive_prompt =
                ", cinematic, High Contrast, highly detailed, Unreal Engine 5, no blur, full length ultra-wide angle "
                "shot a cinematic scene, taken using a Canon EOS R camera, hyper detailed photo - realistic maximum "
                "detail, 32k, Color Grading, portrait Photography, ultra HD, extreme meticulous detailing, skin pore "
                "detailing, hyper sharpness, perfect without deformations, 4k render"},
           v),
       .needs_video = true,
       .knobs = {{"video"}, {"double_frames"}},
       .denoise = denoise_sr600},
      {.name = "tf_t2v",
       .summary = "text to video, trained with text-free clips",
       .paper = "TF-T2V (Wang et al. 2023), arXiv:2312.15770",
       .unet = [] { return unet::tf_t2v(); },
       .index = index_of("tf_t2v", zero_snr(ScheduleKind::scaled_linear),
                         {.sampler = ddim, .negative_prompt = kNegative, .positive_prompt = kCinematic}, v),
       .knobs = composed,
       .own = {"fps"},
       .denoise = denoise_composed},
      {.name = "video_composer",
       .summary = "text and any of depth, sketch, motion, mask, picture and style to video",
       .paper = "VideoComposer (Wang et al. 2023), arXiv:2306.02018; TF-T2V",
       .unet = [] { return unet::video_composer(); },
       .index = index_of("video_composer", zero_snr(ScheduleKind::scaled_linear),
                         {.sampler = ddim, .negative_prompt = kNegative, .positive_prompt = kCinematic}, v),
       .knobs = composed,
       .own = {"fps"},
       .denoise = denoise_composed},
      {.name = "video_lcm",
       .summary = "text (and VideoComposer's conditions) to video in four steps",
       .paper = "VideoLCM (Wang et al. 2023), arXiv:2312.09109",
       .unet = [] { return unet::video_lcm(unet::video_composer({"text"})); },
       .index = index_of("video_lcm", lcm_schedule,
                         {.guidance = 1,
                          .sampler = lcm,
                          .positive_prompt = ", cinematic, High Contrast, highly detailed, Unreal Engine 5, no blur, "
                                             "4k render"},
                         v),
       .knobs = composed,
       .own = {"fps"},
       .denoise = denoise_composed},
      {.name = "dream_video",
       .summary = "text to video with a subject and a motion of one's own (adapters)",
       .paper = "DreamVideo (Wei et al. 2023), arXiv:2312.04433",
       .unet = [] { return unet::UNetOptions{}; },
       .index = index_of(
           "dream_video", {.schedule = ScheduleKind::scaled_linear},
           {.frames = 32, .height = 256, .width = 256, .sampler = ddim, .offset_noise = 0.1, .inversion_steps = 50},
           epsilon),
       .knobs = dreamed,
       .own = {"fps"},
       .denoise = denoise_from_text},
      {.name = "instruct_video",
       .summary = "text to video, tuned by human feedback (LoRA)",
       .paper = "InstructVideo (Yuan et al. 2023), arXiv:2312.12490",
       .unet = [] { return unet::UNetOptions{}; },
       .index = index_of("instruct_video", {.schedule = ScheduleKind::scaled_linear},
                         {.height = 256, .width = 256, .guidance = 3, .sampler = DdimOptions{.steps = 20}}, epsilon),
       .knobs = by_adapters,
       .own = {"fps"},
       .denoise = denoise_from_text},
  };
}

}  // namespace

const std::vector<System>& systems() {
  static const std::vector<System> all = table();
  return all;
}

const System& system_named(std::string_view name) {
  std::vector<std::string> names;
  for (const System& s : systems()) {
    if (s.name == name) return s;
    names.emplace_back(s.name);
  }
  const std::string near = nearest(name, names.data(), names.size());
  std::string all;
  for (const std::string& each : names) all += (all.empty() ? "" : ", ") + each;
  throw ConfigError(str("system: unknown '", printable(name), "'", near.empty() ? "" : "; did you mean '" + near + "'?",
                        " (valid: ", all, ")"));
}

// ---- what a system takes ----

namespace {

bool contains(const auto& names, std::string_view name) { return std::ranges::find(names, name) != names.end(); }

// What people call it.
std::string word(std::string_view knob) {
  return knob == "image" ? "picture" : knob == "video" ? "clip" : std::string(knob);
}

std::vector<std::string> callers_conditions(const System& system, const std::vector<std::string>& declared) {
  std::vector<std::string> out;
  for (const std::string& name : declared)
    if (name != "text" && name != "image_strength" && !contains(system.own, name)) out.push_back(name);
  return out;
}

std::string listed(std::vector<std::string> names, const std::vector<std::string>& more) {
  for (const std::string& name : more)
    if (!contains(names, name)) names.push_back(name);
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + printable(name);
  return out.empty() ? "nothing" : out;
}

// "; video_composer takes it", of the family.
std::string who_takes(std::string_view name, bool knob) {
  std::vector<std::string> names;
  for (const System& s : systems()) {
    const auto declared = unet::declared_conditions(s.unet());
    if (knob ? takes(s, declared, name) : contains(callers_conditions(s, declared), name)) names.emplace_back(s.name);
  }
  return names.empty() ? "" : str(", or use a model of ", listed(names, {}), ", which takes it");
}

}  // namespace

Given given_by(const Request& request, const Inputs& inputs) {
  Given out;
  const auto add = [&](const char* name, bool given) {
    if (given) out.knobs.emplace_back(name);
  };
  add("image", inputs.image.bytes() > 0);
  add("style", inputs.style.bytes() > 0);
  add("video", inputs.video.bytes() > 0);
  add("motion", request.motion.has_value());
  add("appearance", request.appearance.has_value());
  add("appearance_guidance", request.appearance_guidance.has_value());
  add("inverse_noise", request.inverse_noise.has_value());
  add("zero_image", request.zero_image.has_value());
  add("double_frames", request.double_frames.has_value());
  for (const auto& [name, tensor] : inputs.conditions.all()) out.conditions.push_back(name);
  return out;
}

bool takes_through(const System& system, std::string_view condition) {
  return std::ranges::any_of(system.knobs, [&](const Knob& k) { return k.through == condition; });
}

bool takes(const System& system, const std::vector<std::string>& declared, std::string_view knob) {
  return std::ranges::any_of(system.knobs, [&](const Knob& k) {
    return k.name == knob && (k.through.empty() || contains(declared, k.through));
  });
}

void expect_taken(const System& system, const std::vector<std::string>& declared, const Given& given) {
  std::vector<std::string> knobs;
  for (const Knob& k : system.knobs)
    if (takes(system, declared, k.name)) knobs.emplace_back(k.name);
  const std::vector<std::string> conditions = callers_conditions(system, declared);
  const std::string lists = str("; beside the prompt it takes ", listed(knobs, conditions),
                                "; given: ", listed(given.knobs, given.conditions));
  VGEN_CHECK(!system.needs_image || contains(given.knobs, "image"), ConfigError, system.name,
             ": needs a picture to begin with; give image (--image FILE)", lists);
  VGEN_CHECK(!system.needs_video || contains(given.knobs, "video"), ConfigError, system.name,
             ": needs a clip to work on; give video (--video FILE)", lists);
  for (const std::string& name : given.knobs)
    VGEN_CHECK(contains(knobs, name), ConfigError, system.name, ": this model takes no ", word(name), lists,
               "; leave it out", who_takes(name, true));
  for (const std::string& name : given.conditions)
    VGEN_CHECK(contains(conditions, name), ConfigError, system.name, ": this model takes no condition '",
               printable(name), "'", lists, "; leave it out", who_takes(name, false));
}

// ---- flows ----

namespace {

// A picture's embedding; without the prompt it is zero.
void add_embedding(Run& run, unet::Conditions& with, unet::Conditions& without, const video::Frames& picture) {
  if (picture.bytes() == 0) return;
  const Tensor embedding = run.image_embedding(picture);
  with.set("image", embedding);
  without.set("image", at::zeros_like(embedding));
  if (!contains(run.components.unet->declared(), "image_strength")) return;
  const auto strengths = run.request.appearance_guidance.value_or(std::array{1.0, 1.0});
  with.set("image_strength", at::full({1}, strengths[0], embedding.options()));
  without.set("image_strength", at::full({1}, strengths[1], embedding.options()));
}

// Where the sampler begins: noise, in which a share may be the caller's clip's own.
Tensor start_of(Run& run) {
  const std::int64_t frames = *run.request.frames;
  const Tensor noise = run.noise(frames);
  const double share = run.request.inverse_noise.value_or(0);
  if (share == 0) return noise;
  const video::Frames& clip = run.inputs.video;
  VGEN_CHECK(clip.count == frames, ConfigError, run.components.index.system, ": the clip whose noise is taken has ",
             clip.count, " frames, the clip to make ", frames, "; set frames, or cut the clip");
  const Tensor pixels =
      to_tensor(video::center_crop_wide(video::to_rgb(clip), *run.request.height, *run.request.width));
  const Tensor own = invert(run, run.encode(pixels, /*at_once=*/2), run.schedule, {});
  return own * std::sqrt(share) + noise * std::sqrt(1 - share);
}

}  // namespace

Tensor denoise_from_text(Run& run) {
  unet::Conditions with = run.conditions(), without = run.negative_conditions();
  add_embedding(run, with, without, run.inputs.image);
  return run.sample(run.guided_model(with, without), start_of(run));
}

// VideoComposer's maps are the same with and without the prompt. A first frame is given as its pixels in every frame.
Tensor denoise_composed(Run& run) {
  unet::Conditions with = run.conditions(), without = run.negative_conditions();
  if (run.inputs.image.bytes() > 0) {
    const video::Frames sized = video::resize(video::to_rgb(run.inputs.image), *run.request.height, *run.request.width,
                                              video::Filter::triangle);
    const Tensor map = conditioning::to_frames(sized)  // [1, 3, H, W]
                           .unsqueeze(2)
                           .expand({1, 3, *run.request.frames, -1, -1})
                           .to(run.device);
    with.set("local_image", map);
    without.set("local_image", map);
  }
  add_embedding(run, with, without, run.inputs.style);
  return run.sample(run.guided_model(with, without), run.noise(*run.request.frames));
}

}  // namespace vgen::pipelines
