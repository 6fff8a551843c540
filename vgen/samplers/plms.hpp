// PLMS (Liu et al. 2022, "Pseudo Numerical Methods for Diffusion Models on Manifolds"): DDIM steps along an
// Adams-Bashforth mean of the last four noises. steps + 1 evaluations. The reference has it too, but broken; this is
// what it meant.
#pragma once
#include <deque>
#include <string_view>
#include <tuple>

#include "vgen/samplers/ddim.hpp"

namespace vgen::samplers {

struct PlmsOptions {
  static constexpr std::string_view kind = "plms";
  int steps = 50;
  schedulers::Spacing spacing = schedulers::Spacing::vgen;
  int offset = 1;
  bool operator==(const PlmsOptions&) const = default;
  static constexpr auto fields() {
    return std::tuple{field("steps", &PlmsOptions::steps, "denoising steps"),
                      field("spacing", &PlmsOptions::spacing, "vgen, leading, trailing or linspace"),
                      field("offset", &PlmsOptions::offset, "added to leading times")};
  }
};

inline Tensor plms(const Denoiser& denoiser, const NoiseSchedule& schedule, Tensor noise,
                   const PlmsOptions& options = {}, const OnStep& on_step = {}) {
  schedulers::check_steps("plms", options.steps, schedule.steps());
  const DdimGrid grid =
      ddim_grid(schedule, {.steps = options.steps, .spacing = options.spacing, .offset = options.offset});
  const int n = static_cast<int>(grid.from.size());
  Tensor x = std::move(noise);
  std::deque<Tensor> past;  // noises, latest first
  for (int i = 0; i < n; ++i) {
    const NoiseLevel &from = grid.from[i], &to = grid.to[i];
    const Denoised d = denoiser(x, from);
    // x0 that goes with x and a noise other than the network's; at pure noise only the network's own x0 is known
    const auto stepped = [&](const Tensor& eps) {
      const Tensor x0 = from.alpha > 0 ? (x - from.sigma * eps) / from.alpha : d.x0;
      return to.alpha * x0 + to.sigma * eps;
    };
    Tensor eps;
    switch (past.size()) {
      case 0:
        eps = (d.eps + denoiser(stepped(d.eps), to).eps) / 2;
        break;
      case 1:
        eps = (3 * d.eps - past[0]) / 2;
        break;
      case 2:
        eps = (23 * d.eps - 16 * past[0] + 5 * past[1]) / 12;
        break;
      default:
        eps = (55 * d.eps - 59 * past[0] + 37 * past[1] - 9 * past[2]) / 24;
    }
    past.push_front(d.eps);
    if (past.size() > 3) past.pop_back();
    x = stepped(eps);
    if (!detail::report("plms", on_step, i, n, from, to, x, d.x0)) break;
  }
  return x;
}

}  // namespace vgen::samplers
