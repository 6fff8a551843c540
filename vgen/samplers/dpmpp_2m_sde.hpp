// DPM-Solver++(2M) SDE (Lu et al. 2022b; Crowson's k-diffusion): 2M with fresh noise in each step. With `range` it is
// VGen's super-resolution sampler.
#pragma once
#include <algorithm>
#include <optional>
#include <string_view>
#include <tuple>

#include "vgen/samplers/dpmpp_2m.hpp"

namespace vgen::samplers {

struct Dpmpp2mSdeOptions {
  static constexpr std::string_view kind = "dpmpp_2m_sde";
  int steps = 25;
  double eta = 1, s_noise = 1;
  SecondOrder solver = SecondOrder::midpoint;
  GridOptions grid = {};
  std::optional<schedulers::RangeOptions> range = {};
  Start start = Start::unit;
  bool lower_order_final = true;
  std::optional<std::int64_t> brownian_seed = {};
  bool operator==(const Dpmpp2mSdeOptions&) const = default;
  static constexpr auto fields() {
    return std::tuple{
        field("steps", &Dpmpp2mSdeOptions::steps, "denoising steps = network evaluations"),
        field("eta", &Dpmpp2mSdeOptions::eta, "0 = dpmpp_2m, 1 = the reverse SDE"),
        field("s_noise", &Dpmpp2mSdeOptions::s_noise, "factor on the added noise"),
        field("solver", &Dpmpp2mSdeOptions::solver, "midpoint or heun"),
        field("grid", &Dpmpp2mSdeOptions::grid, "spacing, Karras sigmas, last sigma"),
        field("range", &Dpmpp2mSdeOptions::range,
              "walk a part of the schedule as VGen's super-resolution does; replaces grid"),
        field("start", &Dpmpp2mSdeOptions::start, "unit: the start as it is; sigma: times the first sigma"),
        field("lower_order_final", &Dpmpp2mSdeOptions::lower_order_final, "below 15 steps the last is first order"),
        field("brownian_seed", &Dpmpp2mSdeOptions::brownian_seed,
              "noise from the Brownian tree that torchsde makes after torch.manual_seed(seed)")};
  }
};

inline SamplingGrid dpmpp_2m_sde_grid(const NoiseSchedule& schedule, const Dpmpp2mSdeOptions& o) {
  return o.range ? schedulers::range_grid("dpmpp_2m_sde", schedule, o.steps, *o.range)
                 : schedulers::multistep_grid("dpmpp_2m_sde", schedule, o.steps, o.grid);
}

// Smallest positive and largest finite sigma / alpha of a grid: the interval of its Brownian tree. {0, 0} if no step
// adds noise.
inline std::pair<double, double> sigma_interval(const SamplingGrid& grid) {
  double low = std::numeric_limits<double>::infinity(), high = 0;
  for (const NoiseLevel& l : grid.state) {
    const double s = l.ve_sigma();
    if (s > 0 && std::isfinite(s)) low = std::min(low, s), high = std::max(high, s);
  }
  return low < high ? std::pair{low, high} : std::pair{0.0, 0.0};
}

inline Tensor dpmpp_2m_sde(const Denoiser& denoiser, const NoiseSchedule& schedule, Tensor start,
                           const IntervalNoise& noise, const Dpmpp2mSdeOptions& options = {},
                           const OnStep& on_step = {}) {
  detail::check_not_negative("dpmpp_2m_sde", "eta", options.eta);
  detail::check_not_negative("dpmpp_2m_sde", "s_noise", options.s_noise);
  const SamplingGrid grid = dpmpp_2m_sde_grid(schedule, options);
  Tensor x = detail::started(std::move(start), options.start, grid, options.range ? nullptr : &options.grid);
  return detail::dpmpp_2m_run("dpmpp_2m_sde", denoiser, grid, x, options.eta, options.s_noise, options.solver,
                              options.lower_order_final, noise, on_step);
}
inline Tensor dpmpp_2m_sde(const Denoiser& denoiser, const NoiseSchedule& schedule, Tensor start,
                           const NoiseSource& source, const Dpmpp2mSdeOptions& options = {},
                           const OnStep& on_step = {}) {
  IntervalNoise noise = independent_noise(source);
  if (options.brownian_seed) {
    const auto [low, high] = sigma_interval(dpmpp_2m_sde_grid(schedule, options));
    if (low < high)
      noise =
          brownian_noise(draw_entropy(make_generator(static_cast<std::uint64_t>(*options.brownian_seed))), low, high);
  }
  return dpmpp_2m_sde(denoiser, schedule, std::move(start), noise, options, on_step);
}

}  // namespace vgen::samplers
