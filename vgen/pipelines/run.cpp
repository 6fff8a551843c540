#include "vgen/pipelines/run.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>

#include "vgen/diffusion/noise.hpp"
#include "vgen/pipelines/numerics.hpp"
#include "vgen/pipelines/pixels.hpp"
#include "vgen/video/transforms.hpp"

namespace vgen::pipelines {

Run::Run(Components& c, const Plan& p, const Inputs& i, Tensor words, std::uint64_t s, const Callbacks& calls)
    : components(c),
      plan(p),
      request(p.request),
      defaults(c.index.defaults),
      inputs(i),
      callbacks(calls),
      seed(s),
      draw(noise_from(make_generator(s))),
      schedule(schedulers::make_schedule(c.index.schedule)),
      device(c.unet->parameters().front().device()),
      words_(std::move(words)) {
  for (adapters::Injection& each : c.adapters) each.at_step(0);
}

std::int64_t Run::latent_height() const { return *request.height / components.vae->options().downscale(); }
std::int64_t Run::latent_width() const { return *request.width / components.vae->options().downscale(); }

unet::Conditions Run::conditions() const {
  unet::Conditions given;
  for (const auto& [name, tensor] : inputs.conditions.all()) given.set(name, tensor.to(device));
  given.set("text", words_.narrow(0, 0, 1));
  if (std::ranges::find(components.unet->declared(), "fps") != components.unet->declared().end())
    given.set("fps", at::tensor({static_cast<std::int64_t>(*request.fps)}, at::kLong).to(device));
  return given;
}
unet::Conditions Run::negative_conditions() const {
  unet::Conditions given = conditions();
  if (guided()) given.set("text", words_.narrow(0, 1, 1));
  if (const Tensor* image = given.find("image")) given.set("image", at::zeros_like(*image));
  return given;
}

Tensor Run::white_noise(std::int64_t frames) {
  return draw(at::empty({1, components.unet->options().in_channels, frames, latent_height(), latent_width()},
                        at::TensorOptions().dtype(at::kFloat)))
      .to(device);
}
Tensor Run::noise(std::int64_t frames) {
  return diffusion::offset_noise(white_noise(frames), defaults.offset_noise, draw);
}

diffusion::Model Run::model(unet::Conditions conditions) {
  nn::ContextCache* cache = caches_.emplace_back(std::make_unique<nn::ContextCache>()).get();
  return [this, cache, given = std::move(conditions)](const Tensor& x, const Tensor& t) {
    unet::UNet& net = *components.unet;
    callbacks.cancel.check("gen");
    unet::ForwardOptions how{.cache = cache, .observe = {}, .dropout = {}};
    // Blocks are the grain at which a stop is noticed: a full-size step takes seconds.
    how.observe = [this](const std::string&, const Tensor&) { callbacks.cancel.check("gen"); };
    const Tensor out = net.forward(x, t, given, how).to(at::kFloat);
    if (on_model) on_model(x, t, out);
    if (finite(out)) return out;
    std::string first = finite(x) ? "its output" : "its input latent";  // once more, to say where
    bool found = !finite(x);
    net.forward(x, t, given,
                {.cache = nullptr,
                 .observe =
                     [&](const std::string& block, const Tensor& h) {
                       if (!found && !finite(h)) found = true, first = block;
                     },
                 .dropout = {}});
    throw NumericsError(str("unet: NaN or Inf in ", first, " at step ", step_, " of ", *request.steps,
                            " (t = ", t[0].item<double>(), ")", advice(&net)));
  };
}

diffusion::Model Run::guided_model(const unet::Conditions& with, const unet::Conditions& without) {
  if (!guided()) return model(with);
  const diffusion::GuidanceOptions guidance{.scale = *request.guidance, .rescale = *request.guidance_rescale};
  const bool stackable = std::ranges::equal(
      with.all(), without.all(), {}, [](const auto& c) { return c.first; }, [](const auto& c) { return c.first; });
  if (!stackable || !request.guidance_in_one_batch.value_or(true))
    return diffusion::guided(model(with), model(without), guidance);
  return diffusion::guided_in_one_batch(model(unet::Conditions::stack(with, without)), guidance);
}

samplers::OnStep Run::on_step() {
  return [this](samplers::Step& done) {
    callbacks.cancel.check("gen");
    step_ = done.index + 2;
    for (adapters::Injection& each : components.adapters) each.at_step(done.index + 1);
    const bool go_on = !callbacks.on_step || callbacks.on_step(done);
    if (callbacks.progress)
      callbacks.progress({"denoise", done.index + 1, done.total,
                          std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count()});
    return go_on;
  };
}

Tensor Run::sample(const diffusion::Model& model, const Tensor& noise) {
  return sample(diffusion::denoiser(model, schedule, components.index.prediction), schedule, noise);
}

Tensor Run::sample(const diffusion::Denoiser& denoiser, const schedulers::NoiseSchedule& over, const Tensor& noise) {
  if (!callbacks.sampler) return samplers::sample(denoiser, over, noise, plan.sampler, draw, on_step());
  const Tensor latents = callbacks.sampler(denoiser, over, noise, draw, on_step());
  VGEN_CHECK(latents.defined() && latents.sizes() == noise.sizes(), ShapeError, "sampler: must return latents ",
             shape_string(noise.sizes()), ", got ", latents.defined() ? shape_string(latents.sizes()) : "none");
  VGEN_CHECK(finite(latents), NumericsError, "sampler: returned latents with NaN or Inf");
  return latents;
}

Tensor Run::encode(const Tensor& pictures, std::int64_t at_once) {
  vae::AutoencoderKl& vae = *components.vae;
  vae.eval();
  callbacks.cancel.check("encode");
  const Tensor video = pictures.transpose(0, 1).unsqueeze(0);  // [1, 3, F, H, W]
  const Tensor like = vae.parameters().front();
  const Tensor z = vae.encode_frames(video.to(like.device(), like.scalar_type()), draw, at_once);
  if (!finite(z)) throw NumericsError("vae: NaN or Inf in the encoded pictures" + advice(&vae));
  return z.to(device, at::kFloat);
}

Tensor tower_pixels(const video::Frames& pictures, std::int64_t side, int size) {
  const video::Frames square = video::center_crop_wide(video::to_rgb(pictures), side, side);
  return conditioning::clip_normalise((to_tensor(video::resize(square, size, size, video::Filter::triangle)) + 1) / 2);
}

Tensor Run::image_embedding(const video::Frames& picture) {
  if (!components.image_encoder && components.load_image_encoder)
    components.image_encoder = components.load_image_encoder();
  VGEN_CHECK(components.image_encoder, Unavailable, components.index.system,
             ": this model has no image encoder (part image_encoder), which the picture goes through");
  conditioning::ClipVision& tower = *components.image_encoder;
  tower.eval();
  const Tensor like = tower.parameters().front();
  const Tensor pixels = tower_pixels(picture, *request.width, tower.options().image_size);
  return tower.forward(pixels.to(like.device(), like.scalar_type())).to(device, at::kFloat).unsqueeze(1);
}

}  // namespace vgen::pipelines
