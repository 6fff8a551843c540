// Networks that were trained on times in [0, 1000) whatever the length of their schedule (guided-diffusion, and the
// option `rescale_timesteps` of VGen).
#pragma once
#include <utility>

#include "vgen/diffusion/guidance.hpp"

namespace vgen::diffusion {

// `model` with the times of a schedule of `steps` steps scaled by 1000 / steps; it receives float32 times.
inline Model rescaled_times(Model model, int steps) {
  return [model = std::move(model), steps](const Tensor& x, const Tensor& t) {
    return model(x, t.to(at::kFloat) * 1000.0 / steps);
  };
}

}  // namespace vgen::diffusion
