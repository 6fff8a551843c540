// Area "pipelines": from a prompt to uint8 frames, stage by stage.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>

#include <algorithm>
#include <limits>

#include "vgen/conditioning/clip_text.hpp"
#include "vgen/diffusion/denoiser.hpp"
#include "vgen/parity/case.hpp"
#include "vgen/parity/networks.hpp"
#include "vgen/pipelines/pixels.hpp"
#include "vgen/samplers/ddim.hpp"
#include "vgen/schedulers/schedule.hpp"
#include "vgen/vae/autoencoder_kl.hpp"

namespace vgen::parity {

void run_pipelines(const Case& c, Report& report) {
  const std::string pipeline = c.json.at("pipeline").as_string();
  VGEN_CHECK(pipeline == "t2v", UnsupportedError, "pipelines: ", printable(pipeline), " is not built in");
  const at::NoGradGuard off;
  const Node& config = c.json.at("config");
  const Node& salts = c.json.at("salts");
  const std::string salt = c.json.at("salt").as_string();
  constexpr double tolerance = 1e-4;  // of the reference against itself: 6e-6, amplified by guidance
  const auto compare = [&](const std::string& name, const Tensor& ours) {
    if (!c.tensors.contains(name)) return;
    const std::int64_t stride = c.json.at("tensors").at(name).at("stride").as_int();
    const Tensor part =
        stride == 1 ? ours : ours.contiguous().flatten().slice(0, 0, std::numeric_limits<std::int64_t>::max(), stride);
    report.relative(name, part, c.golden(name), tolerance);
  };

  // Text.
  conditioning::ClipText tower(conditioning::ClipTextOptions::from_open_clip(config.at("clip")));
  fill(tower, conditioning::open_clip_keys(tower.options()), salts.at("clip").as_string());
  const auto tokens = text::Tokenizer::clip().tokenize(
      {config.at("prompt").as_string(), config.at("negative_prompt").as_string()}, tower.options().context_length);
  const Tensor ids = conditioning::ids_tensor(tokens);
  report.exact("tokens", ids, c.golden("tokens"));
  const auto embedded = tower.forward(ids);
  compare("y", embedded.words.narrow(0, 0, 1));
  compare("y_negative", embedded.words.narrow(0, 1, 1));

  // UNet and DDIM.
  unet::UNet net(unet_options(config.at("unet")));
  net.eval();
  fill(net, unet::reference_keys(net), salts.at("unet").as_string());
  const Node& vae_config = config.at("vae");
  const Node* embed = vae_config.find("embed_dim");
  vae::AutoencoderKl vae(vae::AutoencoderKlOptions::from_ddconfig(
      vae_config, static_cast<int>((embed ? *embed : vae_config.at("z_channels")).as_int())));
  vae.eval();
  fill(vae, vae::reference_keys(vae.options()), salts.at("vae").as_string());
  const auto size = config.at("resolution").as_ints();
  const int down = vae.options().downscale();
  const std::int64_t frames = config.at("frames").as_int();
  const Tensor noise =
      unit(salt, "input.noise", {1, net.options().in_channels, frames, size[1] / down, size[0] / down});

  std::vector<double> times;
  unet::Conditions both{{"text", embedded.words}};
  if (!net.options().embeddings.empty()) both.set("fps", at::full({2}, config.at("target_fps").as_int(), at::kLong));
  const diffusion::Model model = [&](const Tensor& x, const Tensor& t) {
    const Tensor out = net.forward(x, t, both);
    const std::int64_t b = x.size(0) / 2;
    if (times.empty()) {
      compare("model.0", out.narrow(0, 0, b));
      compare("model.1", out.narrow(0, b, b));
    }
    times.insert(times.end(), 2, t[0].item<double>());
    return out;
  };
  const Node& d = config.at("diffusion");
  VGEN_CHECK(!d.find("rescale_timesteps") || !d.at("rescale_timesteps").as_bool(), UnsupportedError,
             "pipelines: rescaled timesteps are not built in");
  const schedulers::NoiseSchedule schedule = schedule_of(d);
  const diffusion::Denoiser denoiser =
      diffusion::denoiser(diffusion::guided_in_one_batch(model, {.scale = config.at("guide_scale").as_double()}),
                          schedule, read<diffusion::Prediction>(d.at("mean_type")));
  const Tensor latents =
      samplers::ddim(denoiser, schedule, noise, {.steps = static_cast<int>(config.at("ddim_timesteps").as_int())},
                     [&](samplers::Step& step) {
                       compare(str("xt.", step.index), step.latent);
                       compare(str("x0.", step.index), step.x0);
                       return true;
                     });
  report.check("model_times", times == c.json.at("model_times").as_doubles(), "other timesteps");

  // Frames.
  const std::int64_t at_once = config.at("decoder_bs").as_int();
  report.check("decoded_pieces", vae::pieces(frames, at_once) == c.json.at("decoded_pieces").as_ints(), "other pieces");
  const Tensor decoded =
      vae.decode_frames(latents / c.json.at("scale_factor").as_double() * vae.options().scale_factor, at_once);
  compare("decoded", decoded);
  video::Frames pixels = pipelines::to_frames(decoded, 8);
  // The reference's writer leaves out a last frame that is grey: more than 40 % of its values in 117..137.
  const std::size_t bytes = pixels.bytes() / static_cast<std::size_t>(pixels.count);
  const std::uint8_t* last = pixels.frame(pixels.count - 1);
  const auto grey = std::count_if(last, last + bytes, [](std::uint8_t v) { return v >= 117 && v <= 137; });
  if (pixels.count > 1 && static_cast<double>(grey) > 0.4 * static_cast<double>(bytes)) --pixels.count;
  const Tensor golden = c.golden("frames");
  Tensor ours = golden.new_empty(golden.sizes());
  VGEN_CHECK(static_cast<std::size_t>(ours.numel()) == pixels.bytes(), ShapeError,
             "frames: other size than the golden");
  std::copy_n(pixels.pixels->data(), pixels.bytes(), ours.data_ptr<std::uint8_t>());
  report.absolute("frames", ours, golden, 2);
}

}  // namespace vgen::parity
