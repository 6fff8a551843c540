// Trajectory consistency distillation (Zheng et al. 2024): jumps past the next time to s = (1 - eta) t_next and adds
// noise up to it.
#pragma once
#include <cmath>
#include <string_view>
#include <tuple>

#include "vgen/samplers/step.hpp"

namespace vgen::samplers {

struct TcdOptions {
  static constexpr std::string_view kind = "tcd";
  int steps = 4, original_steps = 50;
  double eta = 0.3;
  bool operator==(const TcdOptions&) const = default;
  static constexpr auto fields() {
    return std::tuple{field("steps", &TcdOptions::steps, "denoising steps = network evaluations"),
                      field("original_steps", &TcdOptions::original_steps,
                            "length of the grid the model was distilled on; steps are taken from it"),
                      field("eta", &TcdOptions::eta, "the paper's gamma: 0 = deterministic, 1 = fully stochastic")};
  }
};

inline Tensor tcd(const Denoiser& denoiser, const NoiseSchedule& schedule, Tensor noise, const NoiseSource& source,
                  const TcdOptions& options = {}, const OnStep& on_step = {}) {
  detail::check_eta("tcd", options.eta);
  const std::vector<int> times =
      schedulers::consistency_times("tcd", schedule.steps(), options.steps, options.original_steps);
  const int n = static_cast<int>(times.size());
  Tensor x = std::move(noise);
  for (int i = 0; i < n; ++i) {
    const int next = i + 1 < n ? times[i + 1] : 0;
    const NoiseLevel from = schedule.level(times[i]), to = schedule.level(next);
    const NoiseLevel below = schedule.level(static_cast<int>(std::floor((1 - options.eta) * next)));
    const Denoised d = denoiser(x, from);
    x = below.alpha * d.x0 + below.sigma * d.eps;
    if (options.eta > 0 && i + 1 < n) {
      const double keep = to.alpha / below.alpha;
      x = keep * x + std::sqrt(std::max(1 - keep * keep, 0.0)) * source(x);
    }
    if (!detail::report("tcd", on_step, i, n, from, to, x, d.x0)) break;
  }
  return x;
}

}  // namespace vgen::samplers
