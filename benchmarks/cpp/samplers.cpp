// What every sampler costs beside the network: 25 steps on the latent of a clip of 16 frames of 256x256 pixels, with a
// network that only scales its input.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <benchmark/benchmark.h>

#include <string>

#include "vgen/diffusion/denoiser.hpp"
#include "vgen/samplers/sampler.hpp"
#include "vgen/schedulers/schedule.hpp"
#include "vgen/tensor/random.hpp"

namespace {

using namespace vgen;

void run(benchmark::State& state, const std::string& name) {
  const at::NoGradGuard off;
  const auto schedule = schedulers::make_schedule({});
  const diffusion::Model network = [](const Tensor& x, const Tensor&) { return x * 0.1; };
  const auto denoiser = diffusion::denoiser(network, schedule, diffusion::Prediction::epsilon);
  auto generator = make_generator(1);
  const Tensor noise = randn({1, 4, 16, 32, 32}, generator);
  samplers::Sampler sampler = samplers::sampler_named(name);
  samplers::set_steps(sampler, name == "lcm" || name == "tcd" ? 4 : 25);
  for (auto _ : state)
    benchmark::DoNotOptimize(samplers::sample(denoiser, schedule, noise, sampler, noise_from(generator)));
}

const bool registered = [] {
  for (const std::string& name : samplers::sampler_names())
    benchmark::RegisterBenchmark(("Sampler/" + name).c_str(), [name](benchmark::State& s) {
      run(s, name);
    })->Unit(benchmark::kMillisecond);
  return true;
}();

}  // namespace
