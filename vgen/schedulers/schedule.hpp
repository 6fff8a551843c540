// The noise schedule as an option: what a configuration says, and the NoiseSchedule made from it.
#pragma once
#include <array>
#include <cmath>
#include <optional>
#include <string_view>
#include <tuple>

#include "vgen/core/options.hpp"
#include "vgen/schedulers/betas.hpp"
#include "vgen/schedulers/log_snr.hpp"
#include "vgen/schedulers/noise_schedule.hpp"
#include "vgen/schedulers/zero_snr.hpp"

namespace vgen::schedulers {

enum class ScheduleKind { linear, scaled_linear, quadratic, cosine, logsnr_cosine_interp };
// The first name of a kind is written; the others are read too (VGen's and diffusers').
constexpr auto enum_names(ScheduleKind) {
  return std::array{std::pair{ScheduleKind::linear, "linear"},
                    std::pair{ScheduleKind::scaled_linear, "scaled_linear"},
                    std::pair{ScheduleKind::scaled_linear, "linear_sd"},
                    std::pair{ScheduleKind::quadratic, "quadratic"},
                    std::pair{ScheduleKind::cosine, "cosine"},
                    std::pair{ScheduleKind::cosine, "squaredcos_cap_v2"},
                    std::pair{ScheduleKind::logsnr_cosine_interp, "logsnr_cosine_interp"}};
}

// float64: VGen's tables. float32: the rounding of diffusers, which shows in the fifth digit near pure noise.
enum class Precision { float64, float32 };
constexpr auto enum_names(Precision) {
  return std::array{std::pair{Precision::float64, "float64"}, std::pair{Precision::float32, "float32"}};
}

struct ScheduleOptions {
  static constexpr std::string_view kind = "schedule";
  ScheduleKind schedule = ScheduleKind::scaled_linear;
  int steps = 1000;
  std::optional<double> beta_start = {}, beta_end = {};
  double cosine_s = 0.008;
  bool zero_terminal_snr = false;
  double alpha_floor = 0;
  Precision precision = Precision::float64;
  double log_snr_min = -15, log_snr_max = 15, scale_min = 2, scale_max = 4;
  bool operator==(const ScheduleOptions&) const = default;
  static constexpr auto fields() {
    return std::tuple{
        field("schedule", &ScheduleOptions::schedule,
              "linear, scaled_linear (= linear_sd), quadratic, cosine (= squaredcos_cap_v2), logsnr_cosine_interp"),
        field("steps", &ScheduleOptions::steps, "training steps T"),
        field("beta_start", &ScheduleOptions::beta_start,
              "first beta; default linear 0.1 / T, scaled_linear 0.00085, quadratic 0.0015"),
        field("beta_end", &ScheduleOptions::beta_end,
              "last beta; default linear 20 / T, scaled_linear 0.012, quadratic 0.0195"),
        field("cosine_s", &ScheduleOptions::cosine_s, "offset of the cosine schedule"),
        field("zero_terminal_snr", &ScheduleOptions::zero_terminal_snr, "rescale so that the last step is pure noise"),
        field("alpha_floor", &ScheduleOptions::alpha_floor,
              "last alphas_cumprod of a zero-SNR schedule, e.g. 2^-24 for samplers that need a finite sigma; 0 = pure "
              "noise"),
        field("precision", &ScheduleOptions::precision,
              "float64, or float32: tables rounded as diffusers' are; logsnr_cosine_interp is always float32"),
        field("log_snr_min", &ScheduleOptions::log_snr_min,
              "logsnr_cosine_interp: log SNR of the noisy end before the shift"),
        field("log_snr_max", &ScheduleOptions::log_snr_max,
              "logsnr_cosine_interp: log SNR of the clean end before the shift"),
        field("scale_min", &ScheduleOptions::scale_min, "logsnr_cosine_interp: resolution factor at the clean end"),
        field("scale_max", &ScheduleOptions::scale_max, "logsnr_cosine_interp: resolution factor at the noisy end")};
  }
};

// ConfigError for values that make no schedule. logsnr_cosine_interp ends in pure noise already: zero_terminal_snr
// changes nothing there.
inline NoiseSchedule make_schedule(const ScheduleOptions& o = {}) {
  VGEN_CHECK(o.steps >= 2 && o.steps <= 1'000'000, ConfigError, "schedule: steps must be in [2, 1000000], got ",
             o.steps, "; try 1000");
  if (o.schedule == ScheduleKind::logsnr_cosine_interp) {
    VGEN_CHECK(o.log_snr_min < o.log_snr_max && o.scale_min > 0 && o.scale_max > 0, ConfigError,
               "schedule: logsnr_cosine_interp needs log_snr_min < log_snr_max and positive scales");
    return NoiseSchedule::from_float32_sigmas(
        log_snr_cosine_interpolated_sigmas(o.steps, o.log_snr_min, o.log_snr_max, o.scale_min, o.scale_max));
  }
  double first = 0, last = 0;
  if (o.schedule == ScheduleKind::cosine) {
    VGEN_CHECK(o.cosine_s >= 0 && o.cosine_s <= 1, ConfigError, "schedule: cosine_s must be in [0, 1], got ",
               o.cosine_s, "; try 0.008");
  } else {
    const bool linear = o.schedule == ScheduleKind::linear, scaled = o.schedule == ScheduleKind::scaled_linear;
    first = o.beta_start.value_or(linear ? 0.1 / o.steps : scaled ? 0.00085 : 0.0015);
    last = o.beta_end.value_or(linear ? 20.0 / o.steps : scaled ? 0.012 : 0.0195);
    VGEN_CHECK(first > 0 && first <= 1 && last > 0 && last <= 1, ConfigError,
               "schedule: beta_start and beta_end must be in (0, 1], got ", first, " and ", last,
               "; try 0.00085 and 0.012");
  }
  const auto betas = [&]<class Real>(Real) {
    if (o.schedule != ScheduleKind::cosine)
      return o.schedule == ScheduleKind::linear ? linear_betas<Real>(o.steps, first, last)
                                                : scaled_linear_betas<Real>(o.steps, first, last);
    const std::vector<double> wide = cosine_betas(o.steps, o.cosine_s);
    return std::vector<Real>(wide.begin(), wide.end());
  };
  const double floor = o.zero_terminal_snr ? o.alpha_floor : 0;
  VGEN_CHECK(floor >= 0 && floor < 1, ConfigError, "schedule: alpha_floor must be in [0, 1), got ", floor,
             "; try 5.9604644775390625e-08");
  if (o.precision == Precision::float32)
    return NoiseSchedule::from_float32_betas(o.zero_terminal_snr ? zero_terminal_snr(betas(0.0f)) : betas(0.0f),
                                             static_cast<float>(floor));
  if (!o.zero_terminal_snr) return NoiseSchedule::from_betas(betas(0.0));
  NoiseSchedule s = NoiseSchedule::from_betas(zero_terminal_snr(betas(0.0)));
  if (floor == 0) return s;
  std::vector<double> cumprod = s.tables().alphas_cumprod;
  VGEN_CHECK(floor < cumprod[cumprod.size() - 2], ConfigError,
             "schedule: alpha_floor must be below the last but one alphas_cumprod, ", cumprod[cumprod.size() - 2],
             ", got ", floor, "; try 5.9604644775390625e-08");
  cumprod.back() = floor;
  return NoiseSchedule::from_alphas_cumprod(std::move(cumprod));
}

}  // namespace vgen::schedulers
