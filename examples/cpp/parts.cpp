// Schedule, guidance, denoiser and sampler put together by hand, around a formula in place of a network:   parts
#include <cstdio>
#include <vgen/vgen.hpp>

namespace samplers = vgen::samplers;
using vgen::Tensor;
using vgen::diffusion::Denoiser;
using vgen::diffusion::denoiser;
using vgen::diffusion::guided;
using vgen::diffusion::Prediction;
using vgen::schedulers::NoiseSchedule;

int main() {
  const NoiseSchedule schedule = vgen::schedulers::make_schedule({.schedule = vgen::schedulers::ScheduleKind::cosine});
  const vgen::diffusion::Model cond = [](const Tensor& x, const Tensor& t) { return 0.5 * x.tanh(); };  // a network
  const vgen::diffusion::Model uncond = [](const Tensor& x, const Tensor& t) { return 0.1 * x; };
  const Tensor noise = vgen::randn({1, 4, 8, 16, 16}, vgen::make_generator(7));  // [B, C, F, h, w]

  const Denoiser d = denoiser(guided(cond, uncond, {.scale = 9}), schedule, Prediction::v);
  const Tensor latents = samplers::ddim(d, schedule, noise, {.steps = 50});

  // Any sampler by its name, as a configuration or the command line gives it.
  samplers::Sampler sampler = samplers::sampler_named("dpmpp_2m");
  samplers::set_steps(sampler, 20);
  const Tensor others = samplers::sample(d, schedule, noise, sampler, vgen::noise_from(vgen::make_generator(8)));
  std::printf("%.4f %.4f\n", latents.std().item<double>(), others.std().item<double>());
}
