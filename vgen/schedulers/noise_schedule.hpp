// NoiseSchedule: how much signal and noise a sample holds at each of T times. Everything that samplers and losses ask
// of a schedule is here, in float64: x_t = alpha_t x0 + sigma_t eps with alpha^2 + sigma^2 = 1 (variance preserving, Ho
// et al. 2020). Three views of one level: (alpha, sigma); sigma / alpha, the "sigma" of k-diffusion (Karras et al.
// 2022); lambda = log(alpha / sigma), half the log-SNR, the time of DPM-Solver (Lu et al. 2022).
#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "vgen/core/error.hpp"

namespace vgen::schedulers {

// A point between clean (alpha 1, sigma 0) and noise (alpha 0, sigma 1).
struct NoiseLevel {
  double t = 0;  // what the network is told; may be fractional
  double alpha = 1, sigma = 0;
  bool real_time =
      false;  // t reaches the network as float32 even where it is whole (LCM, Euler); else int64 where whole

  double ve_sigma() const { return alpha > 0 ? sigma / alpha : std::numeric_limits<double>::infinity(); }
  double lambda() const { return std::log(alpha) - std::log(sigma); }  // +inf when clean, -inf for pure noise
  static NoiseLevel from_ve(double t, double ve_sigma, bool real_time = false) {
    if (std::isinf(ve_sigma)) return {t, 0, 1, real_time};
    const double alpha = 1 / std::sqrt(1 + ve_sigma * ve_sigma);
    return {t, alpha, ve_sigma * alpha, real_time};
  }
  bool operator==(const NoiseLevel&) const = default;
};

// Every derived table, length T. A zero-terminal-SNR schedule holds inf in the two reciprocal tables at T - 1.
struct ScheduleTables {
  std::vector<double> betas, alphas_cumprod, alphas_cumprod_prev, alphas_cumprod_next;
  std::vector<double> alphas, sigmas;  // sqrt(alphas_cumprod), sqrt(1 - alphas_cumprod)
  std::vector<double> log_one_minus_alphas_cumprod, sqrt_recip_alphas_cumprod, sqrt_recipm1_alphas_cumprod;
  std::vector<double> posterior_variance, posterior_log_variance, posterior_mean_x0,
      posterior_mean_xt;                     // log: clipped at 1e-20
  std::vector<double> fixed_large_variance;  // betas, with the first posterior variance at t = 0
  std::vector<double> log_ve_sigmas;         // log(sigma / alpha), increasing
  bool operator==(const ScheduleTables&) const = default;
};

// A cheap value: copies share the immutable tables.
class NoiseSchedule {
 public:
  // Betas in (0, 1], length >= 2; ConfigError otherwise.
  static NoiseSchedule from_betas(std::vector<double> betas) {
    VGEN_CHECK(betas.size() >= 2, ConfigError, "noise schedule: needs at least 2 steps, got ", betas.size());
    std::vector<double> cumprod(betas.size());
    double product = 1;
    for (std::size_t t = 0; t < betas.size(); ++t) {
      VGEN_CHECK(betas[t] > 0 && betas[t] <= 1, ConfigError, "noise schedule: every beta must be in (0, 1], got ",
                 betas[t], " at t = ", t);
      cumprod[t] = product *= 1 - betas[t];
    }
    return NoiseSchedule(std::move(betas), std::move(cumprod));
  }
  // Decreasing values in [0, 1).
  static NoiseSchedule from_alphas_cumprod(std::vector<double> cumprod) {
    VGEN_CHECK(cumprod.size() >= 2, ConfigError, "noise schedule: needs at least 2 steps, got ", cumprod.size());
    std::vector<double> betas(cumprod.size());
    for (std::size_t t = 0; t < cumprod.size(); ++t) {
      const double before = t ? cumprod[t - 1] : 1;
      VGEN_CHECK(cumprod[t] >= 0 && cumprod[t] < before, ConfigError,
                 "noise schedule: alphas_cumprod must decrease within [0, 1), got ", cumprod[t], " at t = ", t);
      betas[t] = 1 - cumprod[t] / before;
    }
    return NoiseSchedule(std::move(betas), std::move(cumprod));
  }
  // Tables of a program that computes them in float32 from `betas` (diffusers): the products are kept in float64 and
  // rounded when stored. `last`, if positive, replaces the last alphas_cumprod.
  static NoiseSchedule from_float32_betas(const std::vector<float>& betas, float last = 0) {
    VGEN_CHECK(betas.size() >= 2, ConfigError, "noise schedule: needs at least 2 steps, got ", betas.size());
    ScheduleTables s;
    double product = 1;
    for (std::size_t t = 0; t < betas.size(); ++t) {
      VGEN_CHECK(betas[t] > 0 && betas[t] <= 1, ConfigError, "noise schedule: every beta must be in (0, 1], got ",
                 betas[t], " at t = ", t);
      float a = static_cast<float>(product *= 1.0f - betas[t]);
      if (last > 0 && t + 1 == betas.size()) a = last;
      s.betas.push_back(betas[t]);
      s.alphas_cumprod.push_back(a);
      s.alphas.push_back(std::sqrt(a));
      s.sigmas.push_back(std::sqrt(1.0f - a));
      s.log_ve_sigmas.push_back(std::log(double(std::sqrt((1.0f - a) / a))));
    }
    derive(s);
    NoiseSchedule out;
    out.tables_ = std::make_shared<const ScheduleTables>(std::move(s));
    return out;
  }
  // Tables as a float32 program holds them: sigma and alpha rounded once, log(sigma / alpha) from the rounded sigma,
  // hence inf where sigma is 1 in float32. VGen's super-resolution model was sampled with such tables; near pure noise
  // they differ from the float64 ones.
  NoiseSchedule rounded_to_float32() const {
    std::vector<float> sigma(tables_->sigmas.begin(), tables_->sigmas.end()),
        alpha(tables_->alphas.begin(), tables_->alphas.end());
    return float32(sigma, alpha);
  }
  static NoiseSchedule from_float32_sigmas(const std::vector<float>& sigma) {
    std::vector<float> alpha(sigma.size());
    for (std::size_t t = 0; t < sigma.size(); ++t) alpha[t] = std::sqrt(1.0f - sigma[t] * sigma[t]);
    return float32(sigma, alpha);
  }

  int steps() const { return static_cast<int>(tables_->betas.size()); }  // T
  const ScheduleTables& tables() const { return *tables_; }
  bool is_float32() const { return float32_; }

  double alpha_cumprod(int t) const { return t < 0 ? 1.0 : tables_->alphas_cumprod.at(t); }  // t = -1: the clean sample
  // The level at a whole time; t = -1 is clean.
  NoiseLevel level(int t) const {
    if (t < 0) return {double(t), 1, 0};
    VGEN_CHECK(t < steps(), ConfigError, "noise schedule: t must be in [-1, ", steps() - 1, "], got ", t);
    return {double(t), tables_->alphas[t], tables_->sigmas[t]};
  }
  // Between whole times sigma / alpha is interpolated: in its logarithm (k-diffusion, VGen) or directly (diffusers).
  double ve_sigma_log_linear(double t) const {
    if (float32_) return log_linear<float>(static_cast<float>(t));
    return log_linear<double>(t);
  }
  double ve_sigma_linear(double t) const {
    const double at = std::clamp(t, 0.0, steps() - 1.0);
    const int low = std::min(static_cast<int>(at), steps() - 2);
    const double a = ve(low), b = ve(low + 1);
    return at == low ? a : at == low + 1 ? b : a + (b - a) * (at - low);
  }
  // The time whose sigma / alpha is `ve_sigma`, log-linear, clamped to [0, T - 1].
  double time_of(double ve_sigma) const {
    return float32_ ? time_of_as<float>(static_cast<float>(ve_sigma)) : time_of_as<double>(ve_sigma);
  }
  double ve(int t) const { return std::exp(tables_->log_ve_sigmas.at(t)); }

  bool operator==(const NoiseSchedule& o) const { return *tables_ == *o.tables_; }

 private:
  NoiseSchedule(std::vector<double> betas, std::vector<double> cumprod) {
    ScheduleTables s;
    s.betas = std::move(betas);
    s.alphas_cumprod = std::move(cumprod);
    for (const double a : s.alphas_cumprod) s.alphas.push_back(std::sqrt(a)), s.sigmas.push_back(std::sqrt(1 - a));
    for (std::size_t t = 0; t < s.alphas.size(); ++t)
      s.log_ve_sigmas.push_back(std::log(s.sigmas[t]) - std::log(s.alphas[t]));
    derive(s);
    tables_ = std::make_shared<const ScheduleTables>(std::move(s));
  }
  static void derive(ScheduleTables& s) {
    const std::size_t n = s.betas.size();
    for (std::size_t t = 0; t < n; ++t) {
      const double a = s.alphas_cumprod[t], before = t ? s.alphas_cumprod[t - 1] : 1, beta = s.betas[t];
      s.alphas_cumprod_prev.push_back(before);
      s.alphas_cumprod_next.push_back(t + 1 < n ? s.alphas_cumprod[t + 1] : 0);
      s.log_one_minus_alphas_cumprod.push_back(std::log(1 - a));
      s.sqrt_recip_alphas_cumprod.push_back(std::sqrt(1 / a));
      s.sqrt_recipm1_alphas_cumprod.push_back(std::sqrt(1 / a - 1));
      s.posterior_variance.push_back(beta * (1 - before) / (1 - a));
      s.posterior_log_variance.push_back(std::log(std::max(s.posterior_variance.back(), 1e-20)));
      s.posterior_mean_x0.push_back(beta * std::sqrt(before) / (1 - a));
      s.posterior_mean_xt.push_back((1 - before) * std::sqrt(1 - beta) / (1 - a));
    }
    s.fixed_large_variance = s.betas;
    s.fixed_large_variance[0] = s.posterior_variance[1];
  }
  static NoiseSchedule float32(const std::vector<float>& sigma, const std::vector<float>& alpha) {
    VGEN_CHECK(sigma.size() >= 2, ConfigError, "noise schedule: needs at least 2 steps, got ", sigma.size());
    ScheduleTables s;
    for (std::size_t t = 0; t < sigma.size(); ++t) {
      VGEN_CHECK(sigma[t] > 0 && sigma[t] <= 1, ConfigError, "noise schedule: every sigma must be in (0, 1], got ",
                 sigma[t], " at t = ", t);
      s.sigmas.push_back(sigma[t]);
      s.alphas.push_back(alpha[t]);
      s.alphas_cumprod.push_back(double(alpha[t]) * alpha[t]);
      const float ratio = alpha[t] / (t ? alpha[t - 1] : 1.0f), square = sigma[t] * sigma[t];
      s.betas.push_back(1.0f - ratio * ratio);
      s.log_ve_sigmas.push_back(static_cast<float>(std::log(double(std::sqrt(square / (1.0f - square))))));
    }
    derive(s);
    // 1 - alphas_cumprod has lost its digits near t = 0, where sigma still has them
    for (std::size_t t = 0; t < sigma.size(); ++t) {
      const float beta = static_cast<float>(s.betas[t]), a = t ? alpha[t - 1] : 1.0f, b = t ? sigma[t - 1] : 0.0f,
                  square = sigma[t] * sigma[t];
      s.posterior_mean_x0[t] = beta * a / square;
      s.posterior_mean_xt[t] = alpha[t] * (b * b) / (a * square);
      s.posterior_variance[t] = beta * (b / sigma[t]) * (b / sigma[t]);
      s.posterior_log_variance[t] = std::log(std::max(s.posterior_variance[t], 1e-20));
    }
    NoiseSchedule out;
    out.tables_ = std::make_shared<const ScheduleTables>(std::move(s));
    out.float32_ = true;
    return out;
  }
  NoiseSchedule() = default;

  // Real is float where the tables are float32: a time that falls on k + 0.5 is then rounded to the same neighbour as
  // in the float32 program.
  template <class Real>
  double log_linear(Real t) const {
    const Real at = std::clamp(t, Real(0), Real(steps() - 1));
    const int low = static_cast<int>(std::floor(at)), high = static_cast<int>(std::ceil(at));
    const Real a = static_cast<Real>(tables_->log_ve_sigmas[low]), b = static_cast<Real>(tables_->log_ve_sigmas[high]),
               w = at - Real(low);
    if (low != high && std::isinf(b)) return std::numeric_limits<double>::infinity();
    const Real log_sigma = low == high ? a : (Real(1) - w) * a + w * b;
    return static_cast<Real>(std::exp(double(log_sigma)));
  }
  template <class Real>
  double time_of_as(Real ve_sigma) const {
    if (std::isinf(ve_sigma)) return steps() - 1;
    const Real wanted = static_cast<Real>(std::log(double(std::max(ve_sigma, Real(1e-10)))));
    const auto& table = tables_->log_ve_sigmas;
    const auto above = std::upper_bound(table.begin(), table.end(), double(wanted));
    const int low = std::clamp(static_cast<int>(above - table.begin()) - 1, 0, steps() - 2);
    const Real a = static_cast<Real>(table[low]), b = static_cast<Real>(table[low + 1]);
    const Real w = std::isinf(b) ? Real(0) : std::clamp((a - wanted) / (a - b), Real(0), Real(1));
    return (Real(1) - w) * Real(low) + w * Real(low + 1);
  }

  std::shared_ptr<const ScheduleTables> tables_;
  bool float32_ = false;
};

}  // namespace vgen::schedulers
