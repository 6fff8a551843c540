#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "vgen/schedulers/grid.hpp"
#include "vgen/schedulers/schedule.hpp"

namespace vgen::schedulers {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

NoiseSchedule schedule(ScheduleKind kind, bool zero = false) {
  return make_schedule({.schedule = kind, .zero_terminal_snr = zero});
}

// Values of the reference, alphas_cumprod at t = 0, 19, 500, 981, 998, 999.
TEST(NoiseSchedule, KnownValues) {
  const std::vector<std::tuple<ScheduleKind, bool, std::vector<double>>> known = {
      {ScheduleKind::scaled_linear,
       false,
       {0.99915, 0.9822439910955454, 0.2763326838229747, 0.005775500139495754, 0.00471669889987575,
        0.004660098513077241}},
      {ScheduleKind::scaled_linear,
       true,
       {0.99915, 0.9810104569288466, 0.24101878275731586, 6.886571612302111e-05, 1.9678880566211582e-07, 0}},
      {ScheduleKind::cosine,
       false,
       {0.999958715775178, 0.9982524864661346, 0.49228517244880304, 7.867147536445513e-04, 2.4287669070348544e-06,
        2.4287669070348567e-09}}};
  for (const auto& [kind, zero, values] : known) {
    const NoiseSchedule s = schedule(kind, zero);
    const int times[] = {0, 19, 500, 981, 998, 999};
    for (int i = 0; i < 6; ++i) EXPECT_NEAR(s.alpha_cumprod(times[i]), values[i], 1e-9 * values[i] + 1e-18) << times[i];
  }
}

TEST(NoiseSchedule, LevelsAreVariancePreservingAndFall) {
  for (const ScheduleKind kind : {ScheduleKind::linear, ScheduleKind::scaled_linear, ScheduleKind::quadratic,
                                  ScheduleKind::cosine, ScheduleKind::logsnr_cosine_interp}) {
    const NoiseSchedule s = schedule(kind);
    for (int t = 0; t < s.steps(); ++t) {
      const NoiseLevel l = s.level(t);
      EXPECT_NEAR(l.alpha * l.alpha + l.sigma * l.sigma, 1, 2e-7);
      EXPECT_LT(l.alpha, s.level(t - 1).alpha + (s.is_float32() ? 1e-7 : 0));
    }
    EXPECT_EQ(s.level(-1), (NoiseLevel{-1, 1, 0}));
    EXPECT_THROW(s.level(s.steps()), ConfigError);
  }
}

// Posterior of a Gaussian: precision adds up, so 1 / variance = alpha_t / beta_t + 1 / (1 - alphas_cumprod_{t-1}).
TEST(NoiseSchedule, PosteriorIsBayes) {
  const NoiseSchedule s = schedule(ScheduleKind::scaled_linear);
  const auto& tab = s.tables();
  for (const int t : {1, 10, 500, 999}) {
    const double alpha = 1 - tab.betas[t], before = tab.alphas_cumprod[t - 1];
    const double precision = alpha / tab.betas[t] + 1 / (1 - before);
    EXPECT_NEAR(tab.posterior_variance[t] * precision, 1, 1e-9);
    EXPECT_NEAR(tab.posterior_mean_xt[t] * precision, std::sqrt(alpha) / tab.betas[t], 1e-6 / tab.betas[t]);
    EXPECT_NEAR(tab.posterior_mean_x0[t] * precision, std::sqrt(before) / (1 - before), 1e-6 / (1 - before));
  }
  EXPECT_EQ(tab.posterior_variance[0], 0);
}

TEST(NoiseSchedule, SigmaAndTimeAreInverse) {
  for (const ScheduleKind kind : {ScheduleKind::scaled_linear, ScheduleKind::cosine}) {
    const NoiseSchedule s = schedule(kind);
    for (double t = 0; t < 999; t += 7.3) EXPECT_NEAR(s.time_of(s.ve_sigma_log_linear(t)), t, 1e-9);
    EXPECT_EQ(s.time_of(1e-9), 0);
    EXPECT_EQ(s.time_of(INFINITY), 999);
    EXPECT_NEAR(s.ve_sigma_linear(10.5), (s.ve(10) + s.ve(11)) / 2, 1e-15);
  }
}

TEST(NoiseSchedule, ZeroTerminalSnrKeepsTheFirstAndEndsAtZero) {
  const NoiseSchedule plain = schedule(ScheduleKind::linear), zero = schedule(ScheduleKind::linear, true);
  EXPECT_NEAR(zero.alpha_cumprod(0), plain.alpha_cumprod(0), 1e-15);
  EXPECT_EQ(zero.alpha_cumprod(999), 0);
  EXPECT_EQ(zero.tables().betas[999], 1);
  EXPECT_EQ(zero.level(999).lambda(), -INFINITY);
  EXPECT_EQ(zero_terminal_snr(zero.tables().betas), zero.tables().betas);
  const NoiseSchedule floored = make_schedule({.zero_terminal_snr = true, .alpha_floor = std::ldexp(1.0, -24)});
  EXPECT_NEAR(floored.ve(999), 4096, 1e-3);
}

TEST(NoiseSchedule, Float32TablesAreNearTheFloat64Ones) {
  const NoiseSchedule wide = make_schedule(), narrow = make_schedule({.precision = Precision::float32});
  double worst = 0;
  for (int t = 0; t < 1000; ++t) worst = std::max(worst, std::abs(wide.ve(t) / narrow.ve(t) - 1));
  EXPECT_LT(worst, 1e-4);
  EXPECT_GT(worst, 1e-9);
}

TEST(NoiseSchedule, CopiesShareAndCompare) {
  const NoiseSchedule a = make_schedule(), b = a;
  EXPECT_EQ(&a.tables(), &b.tables());
  EXPECT_EQ(a, make_schedule());
  EXPECT_FALSE(a == schedule(ScheduleKind::cosine));
}

TEST(Timesteps, VgenGrid) {
  // counts and first times of the reference
  const std::vector<std::array<int, 3>> known = {{1, 1, 1},       {3, 4, 999},     {7, 8, 995},      {16, 17, 993},
                                                 {20, 20, 951},   {32, 33, 993},   {50, 50, 981},    {75, 77, 989},
                                                 {300, 334, 999}, {400, 500, 999}, {1000, 1000, 999}};
  for (const auto& [n, count, first] : known) {
    const auto times = spaced_times(Spacing::vgen, 1000, n);
    EXPECT_EQ(static_cast<int>(times.size()), count) << n;
    EXPECT_EQ(times.front(), first) << n;
    EXPECT_EQ(times.back(), 1) << n;
  }
}

TEST(Timesteps, OtherGrids) {
  EXPECT_THAT(spaced_times(Spacing::leading, 1000, 4, 1), ElementsAre(751, 501, 251, 1));
  EXPECT_THAT(spaced_times(Spacing::trailing, 1000, 4), ElementsAre(999, 749, 499, 249));
  EXPECT_THAT(spaced_times(Spacing::linspace, 1000, 4), ElementsAre(999, 666, 333, 0));
  EXPECT_THAT(rounded(spaced_times(Spacing::linspace, 1000, 8, 0, true)),
              ElementsAre(999, 874, 749, 624, 500, 375, 250, 125));
  EXPECT_THAT(consistency_times("lcm", 1000, 4), ElementsAre(999, 759, 499, 259));
  for (const Spacing s : {Spacing::leading, Spacing::trailing, Spacing::linspace})
    for (int n = 1; n <= 1000; ++n) {
      const auto times = spaced_times(s, 1000, n, 1);
      ASSERT_EQ(static_cast<int>(times.size()), n);
      ASSERT_TRUE(times.front() <= 999 && times.back() >= 0) << n;
      ASSERT_TRUE(std::is_sorted(times.rbegin(), times.rend())) << n;
    }
}

TEST(Timesteps, StepsOutOfRangeNameTheNearest) {
  EXPECT_THAT([] { check_steps("ddim", 0, 1000); },
              ThrowsMessage<ConfigError>(HasSubstr("ddim: steps must be in [1, 1000], got 0; try 1")));
  EXPECT_THAT([] { check_steps("ddim", 1001, 1000); }, ThrowsMessage<ConfigError>(HasSubstr("got 1001; try 1000")));
  EXPECT_THROW(consistency_times("lcm", 1000, 51), ConfigError);
  EXPECT_THROW(consistency_times("lcm", 1000, 4, 2000), ConfigError);
}

TEST(Grid, KarrasSigmas) {
  const auto s = karras_sigmas(10, 0.03, 14.6);
  EXPECT_NEAR(s.front(), 14.6, 1e-12);
  EXPECT_NEAR(s.back(), 0.03, 1e-14);
  for (int i = 1; i + 1 < 10; ++i)  // even in the seventh root
    EXPECT_NEAR(std::pow(s[i - 1], 1 / 7.0) - 2 * std::pow(s[i], 1 / 7.0) + std::pow(s[i + 1], 1 / 7.0), 0, 1e-13);
  const auto e = exponential_sigmas(5, 0.1, 10);
  for (int i = 1; i < 5; ++i) EXPECT_NEAR(e[i] / e[i - 1], e[1] / e[0], 1e-12);
}

TEST(Grid, SigmasFallAndEndClean) {
  const NoiseSchedule s = make_schedule();
  for (const Sigmas sigmas : {Sigmas::schedule, Sigmas::karras, Sigmas::exponential})
    for (const Spacing spacing : {Spacing::leading, Spacing::trailing, Spacing::linspace})
      for (const bool multistep : {false, true}) {
        const GridOptions o{.spacing = spacing, .sigmas = sigmas};
        const SamplingGrid g = multistep ? multistep_grid("t", s, 12, o) : euler_grid("t", s, 12, o);
        ASSERT_EQ(g.steps(), 12);
        ASSERT_EQ(g.state.size(), 13u);
        for (int i = 0; i < 12; ++i) EXPECT_GT(g.state[i].ve_sigma(), g.state[i + 1].ve_sigma());
        EXPECT_EQ(g.state.back().sigma, 0);
        EXPECT_EQ(g.network[0].real_time, !multistep);
      }
  EXPECT_EQ(euler_grid("t", s, 5, {.final_sigma = FinalSigma::smallest}).state.back(),
            (NoiseLevel{0, s.level(0).alpha, s.level(0).sigma, true}));
}

TEST(Grid, Errors) {
  const NoiseSchedule zero = make_schedule({.zero_terminal_snr = true});
  EXPECT_THAT([&] { euler_grid("euler", zero, 8, {.sigmas = Sigmas::karras}); },
              ThrowsMessage<ConfigError>(HasSubstr("alpha_floor")));
  EXPECT_THROW(euler_grid("euler", zero, 8, {.times = {10, 20}}), ConfigError);
  EXPECT_THROW(euler_grid("euler", zero, 8, {.times = {1000}}), ConfigError);
  EXPECT_THROW(range_grid("x", zero, 8, {.t_max = 1000}), ConfigError);
  EXPECT_THROW(range_grid("x", zero, 8, {.t_max = 10, .t_min = 10}), ConfigError);
}

// The super-resolution pipeline's list: 31 points planned, the penultimate left out.
TEST(Grid, RangeOfSuperResolution) {
  const NoiseSchedule s = schedule(ScheduleKind::logsnr_cosine_interp);
  const SamplingGrid g = range_grid("t", s, 30, {.t_max = 699, .spacing = Spacing::trailing});
  ASSERT_EQ(g.steps(), 30);
  EXPECT_NEAR(g.state[0].ve_sigma(), 6.36433, 1e-5);
  EXPECT_NEAR(g.state[29].ve_sigma(), 0.144467, 1e-6);
  EXPECT_EQ(g.network[0].t, 699);
  EXPECT_EQ(g.network[29].t, 44);
  EXPECT_EQ(g.state[30].sigma, 0);
}

TEST(ScheduleOptions, ReadFromConfig) {
  const auto read_kind = [](const char* name) {
    return read<ScheduleOptions>(Node::map({{"schedule", Node(name)}})).schedule;
  };
  EXPECT_EQ(read_kind("linear_sd"), ScheduleKind::scaled_linear);
  EXPECT_EQ(read_kind("squaredcos_cap_v2"), ScheduleKind::cosine);
  EXPECT_EQ(name_of(ScheduleKind::scaled_linear), "scaled_linear");
  EXPECT_THAT([&] { read_kind("cosin"); }, ThrowsMessage<ConfigError>(HasSubstr("did you mean 'cosine'")));
  const ScheduleOptions o{
      .schedule = ScheduleKind::linear, .beta_start = 0.001, .beta_end = 0.1, .zero_terminal_snr = true};
  EXPECT_EQ(read<ScheduleOptions>(to_node(o)), o);
}

TEST(ScheduleOptions, DefaultsOfLinear) {  // Ho et al. 2020: 1e-4 to 0.02 over 1000 steps, scaled to other lengths
  const auto betas = [](int steps) {
    return make_schedule({.schedule = ScheduleKind::linear, .steps = steps}).tables().betas;
  };
  EXPECT_NEAR(betas(1000).front(), 1e-4, 1e-18);
  EXPECT_NEAR(betas(1000).back(), 0.02, 1e-16);
  EXPECT_NEAR(betas(200).back(), 0.1, 1e-16);
}

TEST(ScheduleOptions, ZeroSnrNeverGivesNan) {
  for (const auto& [kind, name] : enum_names(ScheduleKind{})) {
    const NoiseSchedule s = make_schedule({.schedule = kind, .zero_terminal_snr = true});
    for (int t = 0; t < s.steps(); ++t) {
      const NoiseLevel l = s.level(t);
      ASSERT_TRUE(std::isfinite(l.alpha) && std::isfinite(l.sigma)) << name << " t = " << t;
    }
    EXPECT_LT(s.level(s.steps() - 1).alpha, 1e-4) << name;
  }
}

TEST(ScheduleOptions, BadValues) {
  EXPECT_THROW(make_schedule({.steps = 1}), ConfigError);
  EXPECT_THROW(make_schedule({.beta_start = 0.0}), ConfigError);
  EXPECT_THROW(make_schedule({.beta_end = 1.5}), ConfigError);
  EXPECT_THROW(make_schedule({.schedule = ScheduleKind::cosine, .cosine_s = -1}), ConfigError);
  EXPECT_THROW(make_schedule({.zero_terminal_snr = true, .alpha_floor = 0.5}), ConfigError);
  EXPECT_THROW(NoiseSchedule::from_betas({0.1}), ConfigError);
  EXPECT_THROW(NoiseSchedule::from_betas({0.1, 0}), ConfigError);
  EXPECT_THROW(NoiseSchedule::from_betas({0.1, std::nan("")}), ConfigError);
  EXPECT_THROW(NoiseSchedule::from_alphas_cumprod({0.5, 0.6}), ConfigError);
}

}  // namespace
}  // namespace vgen::schedulers
