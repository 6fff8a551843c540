#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "vgen/samplers/ddim_inversion.hpp"
#include "vgen/samplers/partial_chain.hpp"
#include "vgen/samplers/sampler.hpp"
#include "vgen/schedulers/schedule.hpp"

namespace vgen::samplers {
namespace {

using diffusion::Model;
using diffusion::Prediction;
using schedulers::FinalSigma;
using schedulers::Sigmas;
using schedulers::Spacing;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr double kMean = 0.7, kDeviation = 0.4;  // of the data in the tests with a known answer

const NoiseSchedule& schedule() {
  static const NoiseSchedule s = schedulers::make_schedule();
  return s;
}
const NoiseSchedule& zero_snr() {
  static const NoiseSchedule s = schedulers::make_schedule({.zero_terminal_snr = true});
  return s;
}
Tensor normal(int seed, std::int64_t n = 64) { return randn({1, n}, make_generator(seed)).to(at::kDouble); }
NoiseSource source(int seed = 1) { return noise_from(make_generator(seed)); }
double distance(const Tensor& a, const Tensor& b) { return (a - b).abs().max().item<double>(); }

double deviation_at(const NoiseLevel& l) {
  return std::sqrt(l.alpha * l.alpha * kDeviation * kDeviation + l.sigma * l.sigma);
}
// The best denoiser for normal data, E[x0 | x]: with it the reverse SDE gives the data back, and the ODE is solved by
// (x - alpha mean) / deviation(t) = const.
Denoised gaussian(const Tensor& x, const NoiseLevel& l) {
  const double gain = l.alpha * kDeviation * kDeviation / std::pow(deviation_at(l), 2);
  const Tensor x0 = kMean + gain * (x - l.alpha * kMean);
  return {x0, diffusion::eps_from_x0(x, x0, l.alpha, l.sigma), {}};
}
Tensor ode_solution(const Tensor& x, const NoiseLevel& from, const NoiseLevel& to) {
  return to.alpha * kMean + deviation_at(to) / deviation_at(from) * (x - from.alpha * kMean);
}

// A network of v for tests that only compare runs.
Denoiser toy(const NoiseSchedule& s) {
  const Model m = [](const Tensor& x, const Tensor& t) {
    return 0.5 * x.tanh() + t.to(at::kDouble).view({-1, 1}) / 2000 - 0.2;
  };
  return diffusion::denoiser(m, s, Prediction::v);
}

std::vector<Sampler> every_sampler() {
  std::vector<Sampler> all;
  for (const std::string& name : sampler_names()) all.push_back(sampler_named(name));
  return all;
}
std::string kind_of(const Sampler& s) {
  return std::visit([](const auto& o) { return std::string(o.kind); }, s);
}

// ---- against closed forms ----

// Error at the end of the ODE on evenly spaced lambda.
double ode_error(Sampler sampler, int steps) {
  set_steps(sampler, steps);
  std::visit(
      [](auto& o) {
        if constexpr (requires { o.grid; })
          o.grid = {.sigmas = Sigmas::exponential, .final_sigma = FinalSigma::smallest};
        if constexpr (requires { o.lower_order_final; }) o.lower_order_final = false;
        if constexpr (requires { o.start; }) o.start = Start::unit;
      },
      sampler);
  const Tensor start = normal(3);
  const NoiseLevel first = schedule().level(999), last = schedule().level(0);
  return distance(sample(gaussian, schedule(), start, sampler, source()), ode_solution(start, first, last));
}

TEST(Convergence, OrdersOfTheOdeSamplers) {
  // 3M starts with a step of order 1, which holds the whole at 2; it is more accurate all the same. UniPC's corrector
  // adds one to its predictor.
  EXPECT_LT(ode_error(sampler_named("dpmpp_3m"), 81), ode_error(sampler_named("dpmpp_2m"), 81));
  const std::tuple<const char*, double> wanted[] = {
      {"euler", 1}, {"heun", 2}, {"dpmpp_2m", 2}, {"dpmpp_3m", 2}, {"unipc", 3}};
  for (const auto& [name, order] : wanted) {
    const double coarse = ode_error(sampler_named(name), 41), fine = ode_error(sampler_named(name), 81);
    const double measured = std::log2(coarse / fine);
    EXPECT_GT(measured, order - 0.35) << name << " " << coarse << " " << fine;
    EXPECT_LT(fine, order == 1 ? 0.05 : 1e-3) << name;
  }
}

TEST(Convergence, DdimAndPlmsReachTheOde) {
  const Tensor start = normal(3);
  const Tensor exact = ode_solution(start, schedule().level(991), schedule().level(0));
  const double ddim_100 = distance(ddim(gaussian, schedule(), start, {.steps = 100}), exact);
  const double plms_100 = distance(plms(gaussian, schedule(), start, {.steps = 100}), exact);
  EXPECT_LT(ddim_100, 0.05);
  EXPECT_LT(plms_100, ddim_100 / 3);
  EXPECT_LT(distance(ddim(gaussian, schedule(), start, {.steps = 500}),
                     ode_solution(start, schedule().level(999), schedule().level(0))),
            ddim_100 / 3);
}

TEST(Distribution, StochasticSamplersGiveTheDataBack) {
  const Tensor start = normal(5, 20000);
  std::vector<Sampler> samplers = {DdpmOptions{.steps = 250}, DdimOptions{.steps = 250, .eta = 1},
                                   EulerAncestralOptions{.steps = 150}, DpmppSdeOptions{.steps = 60}};
  Dpmpp2mSdeOptions sde;
  sde.steps = 100;
  samplers.push_back(sde);
  for (const Sampler& s : samplers) {
    const Tensor x = sample(gaussian, schedule(), start, s, source(9));
    EXPECT_NEAR(x.mean().item<double>(), kMean, 0.01) << kind_of(s);
    EXPECT_NEAR(x.std().item<double>(), kDeviation, 0.03) << kind_of(s);
    const double correlation = ((x - x.mean()) * (start - start.mean())).mean().item<double>() / (kDeviation * 1.0);
    EXPECT_LT(std::abs(correlation), 0.25) << kind_of(s);  // the start is mostly forgotten
  }
}

TEST(Distribution, LcmWithAConsistencyFunction) {
  const Denoiser consistent = [](const Tensor& x, const NoiseLevel& l) {
    const Tensor x0 = ode_solution(x, l, {});
    return Denoised{x0, diffusion::eps_from_x0(x, x0, l.alpha, l.sigma), {}};
  };
  for (const int n : {1, 4}) {
    const Tensor x = lcm(consistent, schedule(), normal(5, 100000), source(), {.steps = n});
    EXPECT_NEAR(x.mean().item<double>(), kMean, 0.03);  // alpha is not quite 0 at the start
    EXPECT_NEAR(x.std().item<double>(), kDeviation, 0.01);
  }
}

TEST(Inversion, DdimGoesBack) {
  const Tensor data = kMean + kDeviation * normal(2);
  double before = 1;
  for (const int n : {50, 100, 200}) {
    const Tensor noise = ddim_inversion(gaussian, schedule(), data, {.steps = n, .until = 1000 - 1000 / n + 1});
    const double error = distance(ddim(gaussian, schedule(), noise, {.steps = n}), data);
    EXPECT_LT(error, 0.75 * before) << n;
    before = error;
  }
  EXPECT_LT(before, 0.1);
}

TEST(Inversion, EndsInNoiseOrWhereItIsTold) {
  Tensor eps;
  const Denoiser d = [&](const Tensor& x, const NoiseLevel& l) {
    const Denoised out = gaussian(x, l);
    eps = out.eps;
    return out;
  };
  EXPECT_EQ(distance(ddim_inversion(d, schedule(), normal(2), {.steps = 20}), eps), 0);
  const DdimInversionGrid g = ddim_inversion_grid(schedule(), {.steps = 30, .until = 700});
  EXPECT_EQ(g.from.size(), 31u);
  EXPECT_EQ(g.to.back().t, 699);
  EXPECT_THROW(ddim_inversion_grid(schedule(), {.steps = 0}), ConfigError);
  EXPECT_THROW(ddim_inversion_grid(schedule(), {.steps = 30, .until = 1001}), ConfigError);
}

// ---- relations between samplers ----

TEST(Relations, NoNoiseIsTheOde) {
  const Tensor x = normal(1);
  const Denoiser d = toy(schedule());
  Dpmpp2mSdeOptions sde;
  sde.steps = 9, sde.eta = 0;
  EXPECT_EQ(distance(dpmpp_2m_sde(d, schedule(), x, source(), sde), dpmpp_2m(d, schedule(), x, {.steps = 9})), 0);
  EXPECT_LT(distance(euler_ancestral(d, schedule(), x, source(), {.steps = 9, .eta = 0}),
                     euler(d, schedule(), x, {.steps = 9})),
            1e-12);
  EXPECT_EQ(distance(ddim(d, schedule(), x, source(), {.steps = 9}), ddim(d, schedule(), x, {.steps = 9})), 0);
}

TEST(Relations, EulerIsDdimOnTheSameTimes) {
  // times 801, 601, ..., 1 and the end at alphas_cumprod[0]
  const GridOptions grid{.spacing = Spacing::vgen, .final_sigma = FinalSigma::smallest};
  const DdimOptions ddim_options{.steps = 1000};  // every time: the next time is the time less the stride
  const Tensor x = normal(1);
  EXPECT_LT(distance(ddim(toy(schedule()), schedule(), x, ddim_options),
                     euler(toy(schedule()), schedule(), x,
                           {.steps = 1000,
                            .grid = {.final_sigma = FinalSigma::smallest,
                                     .times =
                                         [] {
                                           std::vector<double> t;
                                           for (const NoiseLevel& l : ddim_grid(schedule(), {.steps = 1000}).from)
                                             if (t.empty() || l.t < t.back()) t.push_back(l.t);
                                           return t;
                                         }()},
                            .start = Start::unit})),
            5e-3);
  EXPECT_EQ(euler_grid("t", schedule(), 5, grid).state.front().t, 801);
}

TEST(Relations, TcdWithoutNoiseIsDdimOnItsTimes) {
  const Tensor x = normal(1);
  Tensor y = x;
  const auto times = schedulers::consistency_times("t", 1000, 4);
  for (int i = 0; i < 4; ++i) {
    const NoiseLevel from = schedule().level(times[i]), to = schedule().level(i < 3 ? times[i + 1] : 0);
    y = ddim_step(toy(schedule())(y, from), from, to, 0).mean;
  }
  EXPECT_LT(distance(tcd(toy(schedule()), schedule(), x, source(), {.steps = 4, .eta = 0}), y), 1e-14);
}

TEST(Relations, SpacingOfVgenIsLeadingWhereStepsDivide) {
  const Tensor x = normal(1);
  EXPECT_EQ(distance(ddim(toy(schedule()), schedule(), x, {.steps = 50}),
                     ddim(toy(schedule()), schedule(), x, {.steps = 50, .spacing = Spacing::leading, .offset = 1})),
            0);
}

// ---- every sampler ----

TEST(EverySampler, RunsOnAnyStepCountAndSchedule) {
  for (const NoiseSchedule* s : {&schedule(), &zero_snr()})
    for (Sampler sampler : every_sampler())
      for (const int n : {1, 2, 3, 7, 16, 50}) {
        set_steps(sampler, n);
        SCOPED_TRACE(kind_of(sampler) + str(" ", n, s == &zero_snr() ? " zero SNR" : ""));
        validate(sampler, *s);
        int calls = 0;
        const Tensor x = sample(toy(*s), *s, normal(1), sampler, source(), [&](Step& step) {
          EXPECT_EQ(step.index, calls++);
          EXPECT_EQ(step.x0.sizes(), step.latent.sizes());
          EXPECT_GT(step.from.sigma, step.to.sigma);
          return true;
        });
        EXPECT_TRUE(x.isfinite().all().item<bool>());
        EXPECT_GE(calls, n);
      }
}

TEST(EverySampler, SameSeedSameSample) {
  for (Sampler sampler : every_sampler()) {
    set_steps(sampler, 6);
    SCOPED_TRACE(kind_of(sampler));
    const auto run = [&](int seed) { return sample(toy(schedule()), schedule(), normal(1), sampler, source(seed)); };
    EXPECT_EQ(distance(run(1), run(1)), 0);
    EXPECT_EQ(distance(run(1), run(2)) > 0, is_stochastic(sampler));
  }
}

TEST(EverySampler, StopsWhenTheCallbackSaysSo) {
  for (Sampler sampler : every_sampler()) {
    set_steps(sampler, 8);
    SCOPED_TRACE(kind_of(sampler));
    int calls = 0;
    Tensor last;
    const Tensor x = sample(toy(schedule()), schedule(), normal(1), sampler, source(), [&](Step& s) {
      last = s.latent;
      return ++calls < 3;
    });
    EXPECT_EQ(calls, 3);
    EXPECT_EQ(distance(x, last), 0);
    struct Stop {};
    EXPECT_THROW(sample(toy(schedule()), schedule(), normal(1), sampler, source(), [](Step&) -> bool { throw Stop{}; }),
                 Stop);
  }
}

TEST(EverySampler, TakesTheLatentThatTheCallbackPutsThere) {
  for (Sampler sampler : every_sampler()) {
    set_steps(sampler, 4);
    SCOPED_TRACE(kind_of(sampler));
    const Tensor mine = at::full({1, 64}, 0.25, at::kDouble);
    int calls = 0;
    const Tensor x = sample(toy(schedule()), schedule(), normal(1), sampler, source(), [&](Step& s) {
      if (++calls == s.total) s.latent = mine;
      return true;
    });
    EXPECT_EQ(distance(x, mine), 0);
    EXPECT_THROW(sample(toy(schedule()), schedule(), normal(1), sampler, source(),
                        [](Step& s) {
                          s.latent = at::zeros({1});
                          return true;
                        }),
                 ShapeError);
  }
}

TEST(EverySampler, NanIsAnErrorThatNamesTheStep) {
  for (Sampler sampler : every_sampler()) {
    set_steps(sampler, 5);
    SCOPED_TRACE(kind_of(sampler));
    int calls = 0;
    const Denoiser broken = [&](const Tensor& x, const NoiseLevel& l) {
      Denoised d = gaussian(x, l);
      if (++calls == 3) d.x0 = d.x0 * NAN, d.eps = d.eps * NAN;
      return d;
    };
    EXPECT_THAT([&] { sample(broken, schedule(), normal(1), sampler, source()); },
                ThrowsMessage<NumericsError>(
                    testing::AllOf(HasSubstr(kind_of(sampler) + ": the latent holds NaN"), HasSubstr("of "))));
  }
}

TEST(EverySampler, KeepsShapeDtypeAndGradMode) {
  for (Sampler sampler : every_sampler()) {
    set_steps(sampler, 3);
    SCOPED_TRACE(kind_of(sampler));
    const Denoiser d = [](const Tensor& x, const NoiseLevel& l) {
      EXPECT_TRUE(at::GradMode::is_enabled());
      return gaussian(x, l);
    };
    at::AutoGradMode on(true);
    Tensor x = randn({2, 3, 2, 4, 4}, make_generator(1)).set_requires_grad(true);
    const Tensor y = sample(d, schedule(), x, sampler, source());
    EXPECT_EQ(y.sizes(), x.sizes());
    EXPECT_EQ(y.scalar_type(), at::kFloat);
    EXPECT_TRUE(y.requires_grad());
  }
}

// ---- callers' mistakes ----

TEST(Errors, StepsOutOfRange) {
  for (Sampler sampler : every_sampler())
    for (const int n : {0, -3, 1001}) {
      set_steps(sampler, n);
      const int nearest = n < 1 ? 1
                          : std::holds_alternative<LcmOptions>(sampler) || std::holds_alternative<TcdOptions>(sampler)
                              ? 50
                              : 1000;
      const std::string text =
          kind_of(sampler) + str(": steps must be in [1, ", n < 1 && nearest == 1 ? "" : str(nearest));
      const std::string advice = str(", got ", n, "; try ", nearest);
      EXPECT_THAT([&] { validate(sampler, schedule()); },
                  ThrowsMessage<ConfigError>(testing::AllOf(HasSubstr(text), HasSubstr(advice))))
          << kind_of(sampler);
      EXPECT_THROW(sample(gaussian, schedule(), normal(1), sampler, source()), ConfigError);
    }
}

TEST(Errors, OtherOptions) {
  const auto refused = [](const Sampler& s, const char* text) {
    EXPECT_THAT([&] { validate(s, schedule()); }, ThrowsMessage<ConfigError>(HasSubstr(text)));
    EXPECT_THROW(sample(gaussian, schedule(), normal(1), s, source()), ConfigError);
  };
  refused(DdimOptions{.eta = 1.5}, "ddim: eta must be in [0, 1], got 1.5; try 1");
  refused(DdimOptions{.eta = std::nan("")}, "got nan");
  refused(TcdOptions{.eta = -0.1}, "try 0");
  refused(EulerAncestralOptions{.eta = 2}, "eta");
  refused(UniPcOptions{.order = 5}, "order must be in [1, 4], got 5; try 4");
  refused(LcmOptions{.original_steps = 0}, "original_steps");
  refused(DpmppSdeOptions{.s_noise = -1}, "s_noise");
  EXPECT_THAT([] { ddim(gaussian, schedule(), normal(1), {.eta = 0.5}); },
              ThrowsMessage<ConfigError>(HasSubstr("needs a noise source")));
  EXPECT_THAT([] { ddim_with_log_prob(gaussian, schedule(), normal(1), source(), {}); },
              ThrowsMessage<ConfigError>(HasSubstr("eta > 0")));
  EXPECT_THAT(
      [] { ddpm(gaussian, schedule(), normal(1), source(), {.steps = 5, .variance = diffusion::Variance::learned}); },
      ThrowsMessage<ConfigError>(HasSubstr("learned its variance")));
}

// ---- the choice ----

TEST(Choice, NamesAndSpellings) {
  EXPECT_EQ(sampler_names().size(), 13u);
  EXPECT_EQ(kind_of(sampler_named("DPM++ 2M")), "dpmpp_2m");
  EXPECT_EQ(kind_of(sampler_named("dpm++ 2m sde")), "dpmpp_2m_sde");
  EXPECT_EQ(kind_of(sampler_named("DPM-Solver++ 2M")), "dpmpp_2m");
  EXPECT_EQ(kind_of(sampler_named("DPMSolverMultistepScheduler")), "dpmpp_2m");
  EXPECT_EQ(kind_of(sampler_named("Euler a")), "euler_ancestral");
  EXPECT_EQ(kind_of(sampler_named("UniPC")), "unipc");
  EXPECT_EQ(std::get<Dpmpp2mOptions>(sampler_named("DPM++ 2M Karras")).grid.sigmas, Sigmas::karras);
  EXPECT_THAT([] { sampler_named("ddmi"); },
              ThrowsMessage<ConfigError>(
                  testing::AllOf(HasSubstr("unknown sampler 'ddmi'; did you mean"), HasSubstr("valid: ddim, ddpm"))));
  EXPECT_THROW(sampler_named(""), ConfigError);
}

TEST(Choice, ReadAndWrite) {
  for (const Sampler& s : every_sampler()) EXPECT_EQ(read<Sampler>(to_node(s)), s) << kind_of(s);
  const Node n = Node::map({{"type", Node("dpmpp_2m_sde")},
                            {"steps", Node(30)},
                            {"range", Node::map({{"t_max", Node(699)}, {"spacing", Node("trailing")}})}});
  const auto o = std::get<Dpmpp2mSdeOptions>(read<Sampler>(n));
  EXPECT_EQ(o.range->t_max, 699);
  EXPECT_EQ(o.range->spacing, Spacing::trailing);
  EXPECT_THAT(
      [] {
        read<Sampler>(Node::map({{"type", Node("euler")}, {"stesp", Node(3)}}));
      },
      ThrowsMessage<ConfigError>(HasSubstr("did you mean 'steps'")));
  EXPECT_THROW(read<Sampler>(Node::map({{"type", Node("eulr")}})), ConfigError);
}

// A ninth sampler is a function.
TEST(Choice, AUsersOwnSampler) {
  const SamplerFunction one_jump = [](const Denoiser& d, const NoiseSchedule& s, Tensor x, const NoiseSource&,
                                      const OnStep&) { return d(x, s.level(s.steps() - 1)).x0; };
  const auto use = [](const SamplerFunction& f) { return f(gaussian, schedule(), normal(1), source(), {}); };
  EXPECT_EQ(distance(use(one_jump), gaussian(normal(1), schedule().level(999)).x0), 0);
  EXPECT_EQ(
      distance(use(sampler_function(DdimOptions{.steps = 5})), ddim(gaussian, schedule(), normal(1), {.steps = 5})), 0);
}

// ---- partial chain ----

TEST(PartialChain, IsTheEndOfDdim) {
  const DdimGrid whole = ddim_grid(schedule(), {.steps = 20}),
                 part = partial_chain_grid(schedule(), {.steps = 20, .start = 0.6});
  ASSERT_EQ(part.from.size(), 12u);
  EXPECT_EQ(part.from[0].t, 551);
  EXPECT_EQ(part.from.back(), whole.from.back());
  const Tensor x = normal(1);
  EXPECT_EQ(distance(partial_chain(gaussian, schedule(), x, source(), {.steps = 20, .start = 1}),
                     ddim(gaussian, schedule(), x, {.steps = 20})),
            0);
  EXPECT_THROW(partial_chain_grid(schedule(), {.start = 0}), ConfigError);
  EXPECT_THROW(partial_chain_grid(schedule(), {.steps = 5, .start = 0.1}), ConfigError);
  EXPECT_THROW(partial_chain(gaussian, schedule(), x, source(), {.gradient_steps = -1}), ConfigError);
}

TEST(PartialChain, GradientThroughTheLastStepsOnly) {
  at::AutoGradMode on(true);
  for (const int kept : {0, 1, 3, 12, 50}) {
    Tensor x = normal(1).set_requires_grad(true), w = at::full({1}, 1.0, at::kDouble).set_requires_grad(true);
    std::vector<int> with_grad, indices;
    const Denoiser d = [&](const Tensor& x, const NoiseLevel& l) {
      if (at::GradMode::is_enabled()) with_grad.push_back(static_cast<int>(l.t));
      const Denoised g = gaussian(x, l);
      return Denoised{w * g.x0, g.eps, {}};
    };
    const Tensor y = partial_chain(d, schedule(), x, source(), {.gradient_steps = kept}, [&](Step& s) {
      indices.push_back(s.index);
      EXPECT_EQ(s.total, 12);
      return true;
    });
    EXPECT_EQ(with_grad.size(), static_cast<std::size_t>(std::min(kept, 12)));
    EXPECT_EQ(indices.size(), 12u);
    EXPECT_EQ(indices.back(), 11);
    EXPECT_EQ(y.requires_grad(), kept > 0);
    if (kept > 0) y.sum().backward();
    EXPECT_EQ(w.grad().defined(), kept > 0);
    EXPECT_EQ(x.grad().defined(), kept >= 12);
  }
  int calls = 0;
  partial_chain(gaussian, schedule(), normal(1), source(), {.gradient_steps = 3}, [&](Step&) { return ++calls < 2; });
  EXPECT_EQ(calls, 2);
}

// ---- Brownian noise ----

TEST(Brownian, SeedSequenceIsNumpys) {
  const std::uint64_t key[] = {5, 3};
  EXPECT_EQ(seed_sequence_word(8529485108463927223ull, {}, 24), 1508922015u);
  EXPECT_EQ(seed_sequence_word(8529485108463927223ull, key, 24), 1054940157u);
  EXPECT_EQ(seed_sequence_word(0, {}, 4), 2968811710u);
  EXPECT_EQ(draw_entropy(make_generator(8888)), 8529485108463927223ull);
}

TEST(Brownian, IncrementsAddUpAndHaveTheirVariance) {
  const BrownianTree tree(42, {50000}, 0.1, 14.6);
  const Tensor a = tree.at(3.2) - tree.at(0.1), b = tree.at(9.7) - tree.at(3.2);
  EXPECT_NEAR(a.var().item<double>(), 3.1, 0.1);
  EXPECT_NEAR(b.var().item<double>(), 6.5, 0.2);
  EXPECT_NEAR((a * b).mean().item<double>(), 0, 0.1);
  EXPECT_NEAR(tree.increment(9.7, 3.2).var().item<double>(), 1, 0.03);
  // the same path however it is asked, and after asking elsewhere
  EXPECT_EQ(distance(BrownianTree(42, {50000}, 0.1, 14.6).at(3.2), tree.at(3.2)), 0);
  EXPECT_EQ(tree.at(0.1).abs().max().item<float>(), 0);
  EXPECT_THROW(tree.at(15), ConfigError);
  EXPECT_THROW(BrownianTree(1, {2}, 1, 1), ConfigError);
  EXPECT_THROW(BrownianTree(1, {2}, 0, INFINITY), ConfigError);
}

TEST(Brownian, OneSeedOnePathForAnyStepCount) {
  // with more steps the sample on the same path converges; on another path it is another one
  const auto run = [](int steps, std::int64_t seed) {
    DpmppSdeOptions o;
    o.steps = steps, o.brownian_seed = seed;
    o.grid.sigmas = Sigmas::karras;
    return dpmpp_sde(gaussian, schedule(), normal(1), source(), o);
  };
  const Tensor fine = run(160, 7);
  EXPECT_LT(distance(run(80, 7), fine), 0.6 * distance(run(20, 7), fine));
  EXPECT_GT(distance(run(160, 8), fine), 0.5);
}

}  // namespace
}  // namespace vgen::samplers
