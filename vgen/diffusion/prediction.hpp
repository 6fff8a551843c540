// What a network predicts, and the algebra between the kinds. With x = alpha x0 + sigma eps:
//   epsilon: eps (Ho et al. 2020)      x0: the clean sample      v = alpha eps - sigma x0 (Salimans & Ho 2022)
//   previous: the mean of q(x_{t-1} | x_t, x0)
#pragma once
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>

#include <array>
#include <cmath>
#include <string_view>
#include <utility>

#include "vgen/diffusion/coefficients.hpp"

namespace vgen::diffusion {

enum class Prediction { epsilon, v, x0, previous };
// The first name of a kind is written; the others are read too (VGen's and diffusers').
constexpr auto enum_names(Prediction) {
  return std::array{std::pair{Prediction::epsilon, "epsilon"},
                    std::pair{Prediction::epsilon, "eps"},
                    std::pair{Prediction::v, "v"},
                    std::pair{Prediction::v, "v_prediction"},
                    std::pair{Prediction::x0, "x0"},
                    std::pair{Prediction::x0, "sample"},
                    std::pair{Prediction::previous, "previous"},
                    std::pair{Prediction::previous, "x_{t-1}"}};
}

// The clean sample and the noise that a sample is made of, as the network sees it.
struct Denoised {
  Tensor x0, eps;
  Tensor variance;  // raw variance channels of a network that learned them, else undefined
};

// eps so that x = alpha x0 + sigma eps. At sigma = 0 there is no noise to speak of: zeros.
inline Tensor eps_from_x0(const Tensor& x, const Tensor& x0, double alpha, double sigma) {
  return sigma > 0 ? (x - alpha * x0) / sigma : x.new_zeros(x.sizes());
}

// Network output -> x0 and eps at one level for the whole batch. No division where v allows none, so v models work from
// pure noise (alpha = 0); an epsilon model cannot say x0 there: ConfigError. `schedule` is read for `previous` only.
inline Denoised interpret(Prediction prediction, const Tensor& x, const Tensor& out, const NoiseLevel& at,
                          const NoiseSchedule& schedule) {
  const double a = at.alpha, s = at.sigma;
  switch (prediction) {
    case Prediction::epsilon:
      VGEN_CHECK(a > 0, ConfigError, "denoiser: an epsilon model cannot be asked at t = ", at.t,
                 ", where the schedule is pure noise; start lower, use a v model, or set the schedule's alpha_floor");
      return {(x - s * out) / a, out, {}};
    case Prediction::v:
      return {a * x - s * out, a * out + s * x, {}};
    case Prediction::x0:
      return {out, eps_from_x0(x, out, a, s), {}};
    case Prediction::previous: {
      const int t = static_cast<int>(at.t);
      VGEN_CHECK(t == at.t && t >= 0, ConfigError,
                 "denoiser: a model of x_{t-1} is defined at whole times only, got t = ", at.t);
      const auto& tables = schedule.tables();
      const double c0 = tables.posterior_mean_x0[t], ct = tables.posterior_mean_xt[t];
      const Tensor x0 = out / c0 - (ct / c0) * x;
      return {x0, eps_from_x0(x, x0, a, s), {}};
    }
  }
  throw ConfigError("denoiser: unknown prediction");
}

// What a network of this kind should have said: training targets, with a time for each sample. x_t is read for
// `previous` only.
inline Tensor target(Prediction prediction, const NoiseSchedule& schedule, const Tensor& x0, const Tensor& eps,
                     const Tensor& t, const Tensor& x_t) {
  const auto& tables = schedule.tables();
  switch (prediction) {
    case Prediction::epsilon:
      return eps;
    case Prediction::v:
      return at_times(tables.alphas, t, x0) * eps - at_times(tables.sigmas, t, x0) * x0;
    case Prediction::x0:
      return x0;
    case Prediction::previous:
      return at_times(tables.posterior_mean_x0, t, x0) * x0 + at_times(tables.posterior_mean_xt, t, x0) * x_t;
  }
  throw ConfigError("target: unknown prediction");
}

}  // namespace vgen::diffusion
