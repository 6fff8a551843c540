// Latent consistency sampling (Luo et al. 2023): each step jumps to the clean sample and adds noise of the next level.
// 1 to 8 steps, no guidance.
#pragma once
#include <cmath>
#include <string_view>
#include <tuple>

#include "vgen/samplers/step.hpp"

namespace vgen::samplers {

struct LcmOptions {
  static constexpr std::string_view kind = "lcm";
  int steps = 4, original_steps = 50;
  double timestep_scaling = 10;
  bool operator==(const LcmOptions&) const = default;
  static constexpr auto fields() {
    return std::tuple{field("steps", &LcmOptions::steps, "denoising steps = network evaluations"),
                      field("original_steps", &LcmOptions::original_steps,
                            "length of the grid the model was distilled on; steps are taken from it"),
                      field("timestep_scaling", &LcmOptions::timestep_scaling, "of t in the boundary condition")};
  }
};

// c_skip and c_out at time t, with sigma_data = 0.5: at t = 0 the sample is its own clean version.
struct Boundary {
  double skip, out;
};
inline Boundary lcm_boundary(double t, double timestep_scaling = 10) {
  const double s = t * timestep_scaling, data = 0.25;
  return {data / (s * s + data), s / std::sqrt(s * s + data)};
}

// The network's t is float32.
inline Tensor lcm(const Denoiser& denoiser, const NoiseSchedule& schedule, Tensor noise, const NoiseSource& source,
                  const LcmOptions& options = {}, const OnStep& on_step = {}) {
  const std::vector<int> times =
      schedulers::consistency_times("lcm", schedule.steps(), options.steps, options.original_steps);
  const int n = static_cast<int>(times.size());
  Tensor x = std::move(noise);
  for (int i = 0; i < n; ++i) {
    NoiseLevel from = schedule.level(times[i]);
    from.real_time = true;
    const NoiseLevel to = schedule.level(i + 1 < n ? times[i + 1] : -1);
    const Denoised d = denoiser(x, from);
    const Boundary c = lcm_boundary(from.t, options.timestep_scaling);
    const Tensor clean = c.out * d.x0 + c.skip * x;
    x = i + 1 < n ? to.alpha * clean + to.sigma * source(clean) : clean;
    if (!detail::report("lcm", on_step, i, n, from, to, x, clean)) break;
  }
  return x;
}

}  // namespace vgen::samplers
