#include "vgen/pipelines/system.hpp"

#include <ATen/ops/zeros_like.h>

#include "vgen/unet/presets.hpp"

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
  schedulers::ScheduleOptions lcm_schedule = zero_snr(ScheduleKind::scaled_linear);
  lcm_schedule.precision = schedulers::Precision::float32;
  return {
      {.name = "t2v",
       .summary = "text to video",
       .paper = "ModelScope Text-to-Video Technical Report (Wang et al. 2023), arXiv:2308.06571",
       .unet = [] { return unet::UNetOptions{}; },
       .index = index_of("t2v", zero_snr(ScheduleKind::cosine), {.sampler = ddim, .negative_prompt = kNegative}, v),
       .denoise = denoise_from_text},
      {.name = "i2vgen_xl",
       .summary = "a picture and a text to video",
       .paper = "I2VGen-XL (Zhang et al. 2023), arXiv:2311.04145",
       .unet = [] { return unet::i2vgen_xl(); },
       .index = index_of("i2vgen_xl", zero_snr(ScheduleKind::cosine),
                         {.height = 704, .width = 1280, .fps = 16, .sampler = ddim, .negative_prompt = kNegative}, v),
       .needs_image = true,
       .denoise = denoise_i2vgen_xl},
      {.name = "higen",
       .summary = "text to video by way of one picture, with chosen motion and change of looks",
       .paper = "HiGen (Qing et al. 2023), arXiv:2312.04483",
       .unet = [] { return unet::higen(); },
       .index = index_of("higen", zero_snr(ScheduleKind::scaled_linear),
                         {.frames = 32, .guidance = 12, .sampler = ddim, .offset_noise = 0.1}, v),
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
       .denoise = denoise_sr600},
      {.name = "tf_t2v",
       .summary = "text to video, trained with text-free clips",
       .paper = "TF-T2V (Wang et al. 2023), arXiv:2312.15770",
       .unet = [] { return unet::tf_t2v(); },
       .index = index_of("tf_t2v", zero_snr(ScheduleKind::scaled_linear),
                         {.sampler = ddim, .negative_prompt = kNegative, .positive_prompt = kCinematic}, v),
       .denoise = denoise_composed},
      {.name = "video_composer",
       .summary = "text and any of depth, sketch, motion, mask, picture and style to video",
       .paper = "VideoComposer (Wang et al. 2023), arXiv:2306.02018; TF-T2V",
       .unet = [] { return unet::video_composer(); },
       .index = index_of("video_composer", zero_snr(ScheduleKind::scaled_linear),
                         {.sampler = ddim, .negative_prompt = kNegative, .positive_prompt = kCinematic}, v),
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
       .denoise = denoise_composed},
      {.name = "dream_video",
       .summary = "text to video with a subject and a motion of one's own (adapters)",
       .paper = "DreamVideo (Wei et al. 2023), arXiv:2312.04433",
       .unet = [] { return unet::UNetOptions{}; },
       .index = index_of("dream_video", {.schedule = ScheduleKind::scaled_linear},
                         {.frames = 32, .height = 256, .width = 256, .sampler = ddim, .offset_noise = 0.1}, epsilon),
       .denoise = denoise_from_text},
      {.name = "instruct_video",
       .summary = "text to video, tuned by human feedback (LoRA)",
       .paper = "InstructVideo (Yuan et al. 2023), arXiv:2312.12490",
       .unet = [] { return unet::UNetOptions{}; },
       .index = index_of("instruct_video", {.schedule = ScheduleKind::scaled_linear},
                         {.height = 256, .width = 256, .guidance = 3, .sampler = DdimOptions{.steps = 20}}, epsilon),
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
                        " There are ", all));
}

Tensor denoise_from_text(Run& run) {
  return run.sample(run.guided_model(run.conditions(), run.negative_conditions()), run.noise(*run.request.frames));
}

// VideoComposer's maps are the same with and without the prompt; the style picture's embedding is zero without it.
Tensor denoise_composed(Run& run) {
  unet::Conditions with = run.conditions(), without = run.negative_conditions();
  if (run.inputs.image.bytes() > 0) {
    const Tensor style = run.image_embedding(run.inputs.image);
    with.set("image", style);
    without.set("image", at::zeros_like(style));
  }
  return run.sample(run.guided_model(with, without), run.noise(*run.request.frames));
}

}  // namespace vgen::pipelines
