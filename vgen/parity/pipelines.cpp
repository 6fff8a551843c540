// Area "pipelines": from a prompt, a picture or a clip to uint8 frames, stage by stage.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>

#include <algorithm>
#include <limits>

#include "vgen/conditioning/clip_text.hpp"
#include "vgen/conditioning/frames.hpp"
#include "vgen/conditioning/super_resolution.hpp"
#include "vgen/parity/case.hpp"
#include "vgen/parity/networks.hpp"
#include "vgen/pipelines/pixels.hpp"
#include "vgen/pipelines/system.hpp"
#include "vgen/video/transforms.hpp"

namespace vgen::parity {
namespace {

// What differs between the cases; the run itself is the system's.
struct Kind {
  const char *system, *network, *schedule;
  double tolerance;  // of the reference against itself 6e-6 or 9e-5, amplified by guidance
};
const std::map<std::string, Kind>& kinds() {
  static const std::map<std::string, Kind> all = {
      {"t2v", {"t2v", "UNetSD_T2VBase", "diffusion", 1e-4}},
      {"i2vgen", {"i2vgen_xl", "UNetSD_I2VGen", "diffusion", 1e-4}},
      {"sr600", {"sr600", "UNetSD_SR600", "diffusion.forward_diffusion", 1e-3}}};
  return all;
}

const Node& at_path(const Node& node, const std::string& path) {
  const std::size_t dot = path.find('.');
  return dot == std::string::npos ? node.at(path) : at_path(node.at(path.substr(0, dot)), path.substr(dot + 1));
}

// Pictures by rule: floor(128 (value + 1)).
video::Frames pictures(const std::string& salt, const std::vector<std::string>& names,
                       const std::vector<std::int64_t>& size) {
  video::Frames out(static_cast<std::int64_t>(names.size()), size[0], size[1], 3, 8);
  for (std::size_t f = 0; f < names.size(); ++f) {
    const Tensor bytes = (uniform(salt, names[f], {size[0], size[1], 3}) + 1).mul(128).floor().to(at::kByte);
    std::copy_n(bytes.const_data_ptr<std::uint8_t>(), bytes.numel(), out.frame(static_cast<std::int64_t>(f)));
  }
  return out;
}

}  // namespace

void run_pipelines(const Case& c, Report& report) {
  const std::string pipeline = c.json.at("pipeline").as_string();
  VGEN_CHECK(kinds().contains(pipeline), UnsupportedError, "pipelines: ", printable(pipeline), " is not built in");
  const Kind& kind = kinds().at(pipeline);
  const at::NoGradGuard off;
  const Node& config = c.json.at("config");
  const Node& salts = c.json.at("salts");
  const std::string salt = c.json.at("salt").as_string();
  const auto compare = [&](const std::string& name, const Tensor& ours) {
    if (!c.tensors.contains(name)) return;
    const std::int64_t stride = c.json.at("tensors").at(name).at("stride").as_int();
    const Tensor part =
        stride == 1 ? ours : ours.contiguous().flatten().slice(0, 0, std::numeric_limits<std::int64_t>::max(), stride);
    report.relative(name, part, c.golden(name), kind.tolerance);
  };
  const auto sizes = [&](const char* key) { return config.at(key).as_ints(); };

  // The parts.
  pipelines::Components parts;
  parts.unet = std::make_shared<unet::UNet>(unet_options(kind.network, config.at("unet"), nullptr));
  parts.unet->eval();
  fill(*parts.unet, unet::reference_keys(*parts.unet), salts.at("unet").as_string());
  const Node& vae_config = config.at("vae");
  const Node* embed = vae_config.find("embed_dim");
  parts.vae = std::make_shared<vae::AutoencoderKl>(vae::AutoencoderKlOptions::from_ddconfig(
      vae_config, static_cast<int>((embed ? *embed : vae_config.at("z_channels")).as_int())));
  parts.vae->eval();
  fill(*parts.vae, vae::reference_keys(parts.vae->options()), salts.at("vae").as_string());
  if (const Node* clip = config.find("clip"); clip && clip->find("vision_cfg")) {
    const auto options = conditioning::ClipVisionOptions::from_open_clip(*clip);
    parts.image_encoder = std::make_shared<conditioning::ClipVision>(options);
    fill(*parts.image_encoder, conditioning::open_clip_keys(options), salts.at("clip").as_string());
  }
  const Node& schedule = at_path(config, kind.schedule);
  const std::int64_t frames = config.at("frames").as_int();
  parts.index.system = kind.system;
  parts.index.prediction = read<diffusion::Prediction>(schedule.at("mean_type"));
  parts.index.schedule = schedule_options(schedule);

  // The request.
  pipelines::Plan plan;
  const bool sr = config.find("size") != nullptr;
  const auto size = sr ? sizes("size") : sizes("resolution");  // sr: height, width; else width, height
  plan.request.height = static_cast<int>(size[sr ? 0 : 1]);
  plan.request.width = static_cast<int>(size[sr ? 1 : 0]);
  plan.request.frames = static_cast<int>(frames);
  plan.request.fps = config.find("target_fps") ? config.at("target_fps").as_double() : 8;
  plan.request.guidance = config.at("guide_scale").as_double();
  plan.request.guidance_rescale = config.find("guide_rescale") ? config.at("guide_rescale").as_double() : 0;
  const auto flag = [&](const char* key, bool fallback) {
    const Node* n = config.find(key);
    return n ? n->as_bool() : fallback;
  };
  plan.request.zero_image = flag("use_zero_infer", true);
  plan.request.double_frames = flag("double_frames_sr", false);
  pipelines::Inputs inputs;
  if (sr) {
    const int levels = static_cast<int>(config.at("total_noise_levels").as_int());
    parts.index.defaults.noise_levels = levels;
    parts.index.defaults.inversion_steps = static_cast<int>(config.at("inversion_timesteps").as_int());
    parts.index.defaults.inversion_schedule = schedule_options(config.at("diffusion").at("reverse_diffusion"));
    auto sampler = std::get<samplers::Dpmpp2mSdeOptions>(pipelines::system_named("sr600").index.defaults.sampler);
    sampler.steps = static_cast<int>(config.at("steps").as_int());
    sampler.range->t_max = levels - 1;
    plan.sampler = sampler;
    std::vector<std::string> names;
    for (std::int64_t f = 0; f < frames; ++f) names.push_back(str("input.frame.", f));
    inputs.video = pictures(salt, names, sizes("low_resolution"));
    if (*plan.request.double_frames) plan.request.frames = static_cast<int>(2 * frames);
  } else {
    plan.sampler = samplers::DdimOptions{.steps = static_cast<int>(config.at("ddim_timesteps").as_int())};
  }
  plan.request.steps = samplers::steps_of(plan.sampler);
  if (config.find("picture")) inputs.image = pictures(salt, {"input.picture"}, sizes("picture"));

  // The text.
  Tensor words;
  if (const Node* prompt = config.find("prompt")) {
    conditioning::ClipText tower(conditioning::ClipTextOptions::from_open_clip(config.at("clip")));
    fill(tower, conditioning::open_clip_keys(tower.options()), salts.at("clip").as_string());
    const Tensor ids = conditioning::ids_tensor(text::Tokenizer::clip().tokenize(
                                                    {prompt->as_string(), config.at("negative_prompt").as_string()},
                                                    tower.options().context_length))
                           .to(device());
    report.exact("tokens", ids, c.golden("tokens"));
    words = tower.forward(ids).words;
    compare("y", words.narrow(0, 0, 1));
    compare("y_negative", words.narrow(0, 1, 1));
  } else {
    const std::vector<std::int64_t> shape{1, 77, parts.unet->options().context_channels};
    words = at::cat({unit(salt, "input.y", shape), unit(salt, "input.y_negative", shape)});
  }

  // Draws by rule, in place of a generator's.
  int encoded = 0, increments = 0, seen = 0;  // seen: outputs of the network
  std::vector<double> times;
  pipelines::Callbacks callbacks;
  callbacks.on_step = [&](samplers::Step& step) {
    compare(str("xt.", step.index), step.latent);
    compare(str("x0.", step.index), step.x0);
    compare(str("denoised.", step.index), step.x0);
    return true;
  };
  const auto make_run = [&] {
    encoded = 0;
    pipelines::Run run(parts, plan, inputs, words, 0, callbacks);
    run.draw = [&](const Tensor& like) {
      return unit(salt, like.dim() == 5 ? std::string("input.noise") : str("input.vae_noise.", encoded++),
                  like.sizes());
    };
    run.brownian = [&](const Tensor& like, double, double) {
      return unit(salt, str("input.sde_noise.", increments++), like.sizes());
    };
    return run;
  };

  // What goes in, on its own.
  if (inputs.image.bytes() > 0) {
    pipelines::Run run = make_run();
    const Tensor picture =
        pipelines::to_tensor(video::center_crop_wide(inputs.image, *plan.request.height, *plan.request.width));
    compare("train_image", picture);
    compare("vit_image",
            pipelines::tower_pixels(inputs.image, *plan.request.width, parts.image_encoder->options().image_size));
    compare("local_image", run.encode(picture).squeeze(2));
    compare("y_visual", run.image_embedding(inputs.image));
  }
  if (inputs.video.bytes() > 0) {
    pipelines::Run run = make_run();
    const Tensor large = conditioning::low_resolution_input(conditioning::to_frames(inputs.video),
                                                            *plan.request.double_frames, size[0], size[1]);
    compare("enlarged", large);
    const Tensor latents = run.encode(large, 2);
    compare("encoded", latents);
    pipelines::invert(run, latents, schedule_of(config.at("diffusion").at("reverse_diffusion")),
                      parts.index.defaults.noise_levels, [&](samplers::Step& step) {
                        compare(str("inverted.", step.index), step.latent);
                        return true;
                      });
  }

  // The run.
  pipelines::Run run = make_run();
  run.on_model = [&](const Tensor& x, const Tensor& t, const Tensor& out) {
    for (std::int64_t b = 0; b < x.size(0); ++b) compare(str("model.", seen++), out.narrow(0, b, 1));
    times.insert(times.end(), static_cast<std::size_t>(x.size(0)), t[0].item<double>());
  };
  const Tensor latents = pipelines::system_named(kind.system).denoise(run);
  compare("latent", latents);
  report.check("model_times", times == c.json.at("model_times").as_doubles(), "other timesteps");

  // Frames.
  const std::int64_t at_once = config.at("decoder_bs").as_int();
  report.check("decoded_pieces", vae::pieces(latents.size(2), at_once) == c.json.at("decoded_pieces").as_ints(),
               "other pieces");
  const Tensor decoded = parts.vae->decode_frames(
      latents / c.json.at("scale_factor").as_double() * parts.vae->options().scale_factor, at_once);
  compare("decoded", decoded);
  const video::Frames pixels = pipelines::to_frames(decoded, 8);
  const Tensor golden = c.golden("frames");
  Tensor ours = golden.new_empty(golden.sizes());
  VGEN_CHECK(static_cast<std::size_t>(ours.numel()) == pixels.bytes(), ShapeError,
             "frames: other size than the golden");
  std::copy_n(pixels.pixels->data(), pixels.bytes(), ours.data_ptr<std::uint8_t>());
  report.absolute("frames", ours, golden, 2);
}

}  // namespace vgen::parity
