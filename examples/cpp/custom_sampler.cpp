// A sampler of one's own, first tried on a problem with a known answer, then run by a pipeline:
//   custom_sampler [MODEL PROMPT FILE]
#include <cmath>
#include <cstdio>
#include <vgen/vgen.hpp>

using vgen::Tensor;
using vgen::diffusion::Denoised;
using vgen::diffusion::Denoiser;
using vgen::samplers::OnStep;
using vgen::schedulers::NoiseLevel;
using vgen::schedulers::NoiseSchedule;
using vgen::schedulers::SamplingGrid;

// DPM-Solver-2 (Lu et al. 2022, "DPM-Solver: A Fast ODE Solver", algorithm 1): two evaluations a step, the second half
// way in log(sigma / alpha). Second order.
Tensor dpm_solver_2(const Denoiser& denoiser, const NoiseSchedule& schedule, Tensor x, const SamplingGrid& grid,
                    const OnStep& on_step) {
  for (int i = 0; i < grid.steps(); ++i) {
    const NoiseLevel &from = grid.state[i], &to = grid.state[i + 1];
    Denoised d = denoiser(x, grid.network[i]);
    if (from.alpha > 0 && to.sigma > 0) {
      const double middle = std::sqrt(from.ve_sigma() * to.ve_sigma());
      const NoiseLevel half = NoiseLevel::from_ve(schedule.time_of(middle), middle, true);
      d = denoiser(half.alpha * d.x0 + half.sigma * d.eps, half);
      d.x0 = (x - from.sigma * d.eps) / from.alpha;  // the line through x in the direction seen half way
    }
    x = to.alpha * d.x0 + to.sigma * d.eps;
    vgen::samplers::Step step{i, grid.steps(), from, to, x, d.x0};
    if (on_step && !on_step(step)) break;
    x = step.latent;  // the callback may have changed it
  }
  return x;
}

// The best denoiser for normal data of mean 0.7 and deviation 0.4, and what the ODE makes of a start x.
Denoised normal_data(const Tensor& x, const NoiseLevel& at) {
  const double variance = at.alpha * at.alpha * 0.16 + at.sigma * at.sigma;
  const Tensor x0 = 0.7 + at.alpha * 0.16 / variance * (x - at.alpha * 0.7);
  return {x0, (x - at.alpha * x0) / at.sigma, {}};
}
Tensor exact(const Tensor& x, const NoiseLevel& from, const NoiseLevel& to) {
  const auto deviation = [](const NoiseLevel& l) { return std::sqrt(l.alpha * l.alpha * 0.16 + l.sigma * l.sigma); };
  return to.alpha * 0.7 + deviation(to) / deviation(from) * (x - from.alpha * 0.7);
}

int main(int argc, char** argv) try {
  const NoiseSchedule schedule =
      vgen::schedulers::make_schedule({.schedule = vgen::schedulers::ScheduleKind::scaled_linear});
  double error[2];
  for (int k = 0; k < 2; ++k) {
    const int steps = k == 0 ? 20 : 40;
    const SamplingGrid grid =
        vgen::schedulers::euler_grid("error", schedule, steps, {.sigmas = vgen::schedulers::Sigmas::karras});
    const Tensor x = vgen::randn({1, 64}, vgen::make_generator(1));
    // up to the last level that is not clean: the very last step jumps there from the smallest sigma
    Tensor reached;
    dpm_solver_2(normal_data, schedule, x, grid,
                 [&](vgen::samplers::Step& step) { return step.to.sigma > 0 ? (reached = step.latent, true) : false; });
    error[k] = (reached - exact(x, grid.state[0], grid.state[steps - 1])).abs().max().item<double>();
  }
  std::printf("error with 20 steps %.2e, with 40 steps %.2e: order %.1f\n", error[0], error[1],
              std::log2(error[0] / error[1]));
  if (argc != 4) return 0;

  auto pipe = vgen::Pipeline::from_pretrained(argv[1]);
  vgen::pipelines::Callbacks callbacks;
  callbacks.sampler = [](const Denoiser& denoiser, const NoiseSchedule& schedule, Tensor noise,
                         const vgen::NoiseSource&, const OnStep& on_step) {
    return dpm_solver_2(denoiser, schedule, noise, vgen::schedulers::euler_grid("mine", schedule, 12, {}), on_step);
  };
  pipe.generate({.prompt = argv[2], .seed = 7}, callbacks).front().save(argv[3]);
  std::printf("%s\n", argv[3]);
} catch (const vgen::Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return int(error.code());
}
