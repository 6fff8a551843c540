// SR600: VGen's super-resolution. A clip is enlarged, inverted to noise and denoised under a prompt for detail (SDEdit,
// Meng et al. 2022, with DDIM inversion in place of fresh noise).
#include <ATen/ops/empty.h>
#include <ATen/ops/upsample_bilinear2d.h>

#include "vgen/pipelines/pixels.hpp"
#include "vgen/pipelines/system.hpp"
#include "vgen/samplers/brownian.hpp"
#include "vgen/samplers/ddim_inversion.hpp"
#include "vgen/video/transforms.hpp"

namespace vgen::pipelines {

// Entropy of the noise: the reference seeds, draws one whole number from [699, 700), then lets the tree draw.
static std::uint64_t entropy(std::uint64_t seed) {
  at::Generator generator = make_generator(seed);
  at::empty({1}, at::kLong).random_(699, 700, generator);
  return samplers::draw_entropy(generator);
}

Tensor invert(Run& run, const Tensor& latents, const schedulers::NoiseSchedule& over, const samplers::OnStep& on_step) {
  const unet::Conditions given = run.guided() ? run.negative_conditions() : run.conditions();
  const auto start = std::chrono::steady_clock::now();
  const auto report = [&](samplers::Step& done) {
    if (run.callbacks.progress)
      run.callbacks.progress({"invert", done.index + 1, done.total,
                              std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()});
    return !on_step || on_step(done);
  };
  return samplers::ddim_inversion(diffusion::denoiser(run.model(given), over, run.components.index.prediction), over,
                                  latents, {.steps = run.defaults.inversion_steps, .until = run.defaults.noise_levels},
                                  report);
}

Tensor denoise_sr600(Run& run) {
  const Tensor pixels = to_tensor(video::to_rgb(run.inputs.video));
  const Tensor large = at::upsample_bilinear2d(pixels, {*run.request.height, *run.request.width}, false);
  const Tensor noise = invert(run, run.encode(large, /*at_once=*/2),
                              schedulers::make_schedule({.schedule = schedulers::ScheduleKind::cosine}));
  const diffusion::Denoiser denoiser = diffusion::denoiser(
      run.guided_model(run.conditions(), run.negative_conditions()), run.schedule, run.components.index.prediction);
  const auto* sde = std::get_if<samplers::Dpmpp2mSdeOptions>(&run.plan.sampler);
  if (!sde || run.callbacks.sampler) return run.sample(denoiser, run.schedule, noise);
  const auto [low, high] = samplers::sigma_interval(samplers::dpmpp_2m_sde_grid(run.schedule, *sde));
  const samplers::IntervalNoise tree =
      run.brownian ? run.brownian : samplers::brownian_noise(entropy(run.seed), low, high);
  return samplers::dpmpp_2m_sde(denoiser, run.schedule, noise, tree, *sde, run.on_step());
}

}  // namespace vgen::pipelines
