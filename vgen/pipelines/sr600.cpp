// SR600: VGen's super-resolution. A clip is enlarged, inverted to noise and denoised under a prompt for detail (SDEdit,
// Meng et al. 2022, with DDIM inversion in place of fresh noise).
#include <ATen/ops/empty.h>

#include "vgen/conditioning/super_resolution.hpp"
#include "vgen/pipelines/system.hpp"
#include "vgen/samplers/brownian.hpp"
#include "vgen/samplers/ddim_inversion.hpp"

namespace vgen::pipelines {

// Entropy of the noise: the reference seeds, draws one whole number from [699, 700), then lets the tree draw.
static std::uint64_t entropy(std::uint64_t seed) {
  at::Generator generator = make_generator(seed);
  at::empty({1}, at::kLong).random_(699, 700, generator);
  return samplers::draw_entropy(generator);
}

Tensor invert(Run& run, const Tensor& latents, const schedulers::NoiseSchedule& over, std::optional<int> until,
              const samplers::OnStep& on_step) {
  const unet::Conditions given = run.guided() ? run.negative_conditions() : run.conditions();
  const auto start = std::chrono::steady_clock::now();
  const auto report = [&](samplers::Step& done) {
    if (run.callbacks.progress)
      run.callbacks.progress({"invert", done.index + 1, done.total,
                              std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()});
    return !on_step || on_step(done);
  };
  return samplers::ddim_inversion(diffusion::denoiser(run.model(given), over, run.components.index.prediction), over,
                                  latents, {.steps = run.defaults.inversion_steps, .until = until}, report);
}

// The second order solver with noise from a tree that the seed fixes, unless the caller wants another sampler.
static Tensor from_noise(Run& run, const Tensor& noise) {
  const diffusion::Denoiser denoiser = diffusion::denoiser(
      run.guided_model(run.conditions(), run.negative_conditions()), run.schedule, run.components.index.prediction);
  const auto* sde = std::get_if<samplers::Dpmpp2mSdeOptions>(&run.plan.sampler);
  if (!sde || run.callbacks.sampler) return run.sample(denoiser, run.schedule, noise);
  const auto [low, high] = samplers::sigma_interval(samplers::dpmpp_2m_sde_grid(run.schedule, *sde));
  const samplers::IntervalNoise tree =
      run.brownian ? run.brownian : samplers::brownian_noise(entropy(run.seed), low, high);
  return samplers::dpmpp_2m_sde(denoiser, run.schedule, noise, tree, *sde, run.on_step());
}

std::int64_t shown_frames(const video::Frames& clip, const Request& request, const GenerationDefaults& model) {
  return clip.count * (request.double_frames.value_or(2 * clip.count == model.frames) ? 2 : 1);
}

// Of a clip that is shown with every frame twice, every second frame of the result is kept: the model works on 32
// frames, its makers' smaller models on 16.
Tensor denoise_sr600(Run& run) {
  const video::Frames& clip = run.inputs.video;
  const std::int64_t shown = shown_frames(clip, run.request, run.defaults);
  const bool twice = shown > clip.count;
  VGEN_CHECK(shown <= *run.request.frames, ConfigError, "sr600: the clip has ", clip.count, " frames",
             twice ? ", each of them twice" : "", ", the model takes ", *run.request.frames, "; cut the clip, or set ",
             "frames to ", shown, ", beyond what it was trained for");
  const Tensor large =
      conditioning::low_resolution_input(conditioning::to_frames(clip), twice, *run.request.height, *run.request.width);
  const Tensor noise = invert(run, run.encode(large, /*at_once=*/2),
                              schedulers::make_schedule(run.defaults.inversion_schedule), run.defaults.noise_levels);
  const Tensor latents = from_noise(run, noise);
  return twice ? latents.slice(2, 0, std::nullopt, 2).contiguous() : latents;
}

}  // namespace vgen::pipelines
