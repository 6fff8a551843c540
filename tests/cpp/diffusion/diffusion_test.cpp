#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "vgen/diffusion/bound.hpp"
#include "vgen/diffusion/denoiser.hpp"
#include "vgen/diffusion/guidance.hpp"
#include "vgen/diffusion/loss.hpp"
#include "vgen/diffusion/noise.hpp"
#include "vgen/schedulers/schedule.hpp"

namespace vgen::diffusion {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

const std::vector<std::int64_t> kShape = {2, 3, 2, 2, 2};
Tensor normal(int seed, at::IntArrayRef shape = kShape) { return randn(shape, make_generator(seed)).to(at::kDouble); }
double distance(const Tensor& a, const Tensor& b) { return (a - b).abs().max().item<double>(); }
const NoiseSchedule& schedule() {
  static const NoiseSchedule s = schedulers::make_schedule();
  return s;
}

TEST(Prediction, AllKindsAgreeOnWhatASampleIsMadeOf) {
  const Tensor x0 = normal(1), eps = normal(2);
  for (const int t : {1, 300, 999}) {
    const NoiseLevel level = schedule().level(t);
    const Tensor x = add_noise(x0, eps, level), times = at::full({2}, t, at::kLong);
    for (const Prediction p : {Prediction::epsilon, Prediction::v, Prediction::x0, Prediction::previous}) {
      const Tensor said = target(p, schedule(), x0, eps, times, x);
      const Denoised d = interpret(p, x, said, level, schedule());
      EXPECT_LT(distance(d.x0, x0), 1e-10) << name_of(p) << " " << t;
      EXPECT_LT(distance(d.eps, eps), 1e-9) << name_of(p) << " " << t;
      // the batched path through p(x_{t-1} | x_t) gives the same x0 and the posterior's mean
      const Predicted pred = p_gaussian(schedule(), p, Variance::fixed_small, said, x, times);
      EXPECT_LT(distance(pred.x0, x0), 1e-9);
      EXPECT_LT(distance(pred.previous.mean, q_posterior(schedule(), x0, x, times).mean), 1e-10);
    }
  }
}

TEST(Prediction, PureNoise) {
  const NoiseSchedule zero = schedulers::make_schedule({.zero_terminal_snr = true});
  const Tensor x = normal(1), out = normal(2);
  const Denoised d = interpret(Prediction::v, x, out, zero.level(999), zero);
  EXPECT_EQ(distance(d.x0, -out), 0);
  EXPECT_EQ(distance(d.eps, x), 0);
  EXPECT_THAT([&] { interpret(Prediction::epsilon, x, out, zero.level(999), zero); },
              ThrowsMessage<ConfigError>(HasSubstr("pure noise")));
}

TEST(Noise, EachSampleHasItsTime) {
  const Tensor x0 = normal(1), eps = normal(2), t = at::tensor({0, 999}, at::kLong);
  const Tensor x = add_noise(schedule(), x0, eps, t);
  for (const int b : {0, 1}) EXPECT_LT(distance(x[b], add_noise(x0[b], eps[b], schedule().level(b ? 999 : 0))), 1e-12);
  EXPECT_THROW(add_noise(schedule(), x0, eps, at::tensor({0, 1000}, at::kLong)), ConfigError);
  EXPECT_THROW(add_noise(schedule(), x0, eps, at::tensor({-1, 0}, at::kLong)), ConfigError);
  EXPECT_THROW(add_noise(schedule(), x0, eps, at::tensor({1}, at::kLong)), ShapeError);
}

TEST(Noise, OffsetIsOneValueASampleChannelAndFrame) {
  const NoiseSource source = noise_from(make_generator(7));
  const Tensor eps = normal(1), noisy = offset_noise(eps, 0.1, source), added = (noisy - eps) / 0.1;
  EXPECT_LT(added.std({3, 4}, false, false).max().item<double>(), 1e-12);
  EXPECT_LT(distance(added.select(4, 0).select(3, 0),
                     randn({2, 3, 2, 1, 1}, make_generator(7)).to(at::kDouble).squeeze(4).squeeze(3)),
            1e-6);
  EXPECT_EQ(distance(offset_noise(eps, 0, source), eps), 0);
  EXPECT_THROW(offset_noise(eps, -1, source), ConfigError);
  EXPECT_THROW(offset_noise(eps.select(2, 0), 0.1, source), ShapeError);
}

TEST(Limit, ClampAndPercentile) {
  const Tensor x0 = 3 * normal(1, {2, 4, 5, 3, 3});
  EXPECT_LE(limit_x0(x0, {.clamp = 0.8}).abs().max().item<double>(), 0.8);
  const Tensor cut = limit_x0(x0, {.percentile = 0.9});
  EXPECT_NEAR(cut.abs().max().item<double>(), 1, 1e-12);
  // each sample by its own threshold (the reference mixes them up): sample 0 alone gives the same
  EXPECT_LT(distance(cut.narrow(0, 0, 1), threshold_x0(x0.narrow(0, 0, 1), 0.9)), 1e-15);
  EXPECT_EQ(distance(threshold_x0(0.1 * x0.sign(), 0.9), 0.1 * x0.sign()), 0);  // already inside
  EXPECT_THROW(validate(LimitOptions{.clamp = -1.0}), ConfigError);
  EXPECT_THROW(validate(LimitOptions{.percentile = 1.1}), ConfigError);
}

TEST(Guidance, IsLinear) {
  const Tensor y = normal(1), u = normal(2);
  EXPECT_LT(distance(guide(y, u, {.scale = 1}), y), 1e-12);
  EXPECT_LT(distance(guide(y, u, {.scale = 0}), u), 1e-12);
  EXPECT_LT(distance(guide(y, u, {.scale = 9}), u + 9 * (y - u)), 1e-12);
  const Tensor full = guide(y, u, {.scale = 9, .rescale = 1});
  EXPECT_LT(distance(full.flatten(1).std(1), y.flatten(1).std(1)), 1e-9);
}

TEST(Guidance, LearnedVarianceComesFromTheCondition) {
  const Tensor y = normal(1, {2, 6, 2, 2, 2}), u = normal(2, {2, 6, 2, 2, 2});
  const Tensor out = guide(y, u, {.scale = 4, .variance = Variance::learned_range});
  EXPECT_EQ(distance(out.narrow(1, 3, 3), y.narrow(1, 3, 3)), 0);
  EXPECT_LT(distance(out.narrow(1, 0, 3), (u + 4 * (y - u)).narrow(1, 0, 3)), 1e-12);
}

TEST(Guidance, TwoCallsOneBatchAndSeveralConditionsAgree) {
  const Tensor a = normal(3), b = normal(4), x = normal(5), t = at::full({2}, 5, at::kLong);
  int calls = 0;
  const auto model = [&](const Tensor& bias) {
    return [&calls, bias](const Tensor& x, const Tensor&) {
      ++calls;
      return 0.5 * x + bias;
    };
  };
  const Model both = [&](const Tensor& x, const Tensor& t) {
    EXPECT_EQ(t.size(0), 4);
    return 0.5 * x + at::cat({a, b}, 0);
  };
  const Tensor two = guided(Model(model(a)), Model(model(b)), {.scale = 3})(x, t);
  EXPECT_EQ(calls, 2);
  EXPECT_LT(distance(two, guided_in_one_batch(both, {.scale = 3})(x, t)), 1e-12);
  EXPECT_LT(
      distance(two, guided(std::vector<std::pair<Model, double>>{{model(a), 1.0}, {model(a), 2.0}}, model(b))(x, t)),
      1e-12);
  calls = 0;
  guided(Model(model(a)), Model(model(b)), {.scale = 1})(x, t);
  EXPECT_EQ(calls, 1);
}

TEST(Guidance, BadValues) {
  const Model m;
  EXPECT_THAT([&] { guided(m, m, {.scale = std::nan("")}); },
              ThrowsMessage<ConfigError>(HasSubstr("scale must be a finite number, got nan; try 9")));
  EXPECT_THROW(guided(m, m, {.scale = INFINITY}), ConfigError);
  EXPECT_THROW(guided(m, m, {.rescale = 1.5}), ConfigError);
}

TEST(Denoiser, TimeTypesAndShapes) {
  at::ScalarType seen = at::kByte;
  const Model m = [&](const Tensor& x, const Tensor& t) {
    seen = t.scalar_type();
    EXPECT_EQ(t.sizes(), at::IntArrayRef({2}));
    return x;
  };
  const Denoiser d = denoiser(m, schedule(), Prediction::v);
  NoiseLevel level = schedule().level(10);
  d(normal(1), level);
  EXPECT_EQ(seen, at::kLong);
  level.real_time = true;
  d(normal(1), level);
  EXPECT_EQ(seen, at::kFloat);
  d(normal(1), NoiseLevel::from_ve(10.5, 0.3));
  EXPECT_EQ(seen, at::kFloat);
  const Model narrow = [](const Tensor& x, const Tensor&) { return x.narrow(1, 0, 2); };
  EXPECT_THROW(denoiser(narrow, schedule(), Prediction::v)(normal(1), level), ShapeError);
}

TEST(Denoiser, LimitedX0KeepsTheSampleTogether) {
  const Model m = [](const Tensor& x, const Tensor&) { return x.tanh(); };
  const DenoiserOptions o{
      .prediction = Prediction::epsilon, .variance = Variance::fixed_small, .limit = {.clamp = 0.5}};
  const Tensor x = normal(1);
  const NoiseLevel at = schedule().level(400);
  const Denoised d = denoiser(m, schedule(), o)(x, at);
  EXPECT_LE(d.x0.abs().max().item<double>(), 0.5);
  EXPECT_LT(distance(at.alpha * d.x0 + at.sigma * d.eps, x), 1e-12);
}

TEST(Loss, PerfectOutputCostsNothing) {
  const Tensor x0 = normal(1), eps = normal(2), t = at::tensor({20, 700}, at::kLong),
               x = add_noise(schedule(), x0, eps, t);
  for (const Prediction p : {Prediction::epsilon, Prediction::v, Prediction::x0, Prediction::previous}) {
    const Tensor wanted = target(p, schedule(), x0, eps, t, x);
    for (const Loss l : {Loss::mse, Loss::l1, Loss::rescaled_mse, Loss::charbonnier})
      EXPECT_LT(training_loss(schedule(), wanted, x0, eps, x, t, {.loss = l, .prediction = p}).max().item<double>(),
                1.1e-6);
    // off by 0.5 everywhere
    EXPECT_NEAR(training_loss(schedule(), wanted + 0.5, x0, eps, x, t, {.prediction = p})[1].item<double>(), 0.25,
                1e-9);
    EXPECT_NEAR(
        training_loss(schedule(), wanted + 0.5, x0, eps, x, t, {.loss = Loss::l1, .prediction = p})[1].item<double>(),
        0.5, 1e-9);
  }
}

TEST(Loss, WeightAndMask) {
  const Tensor x0 = normal(1), eps = normal(2), t = at::tensor({20, 700}, at::kLong),
               x = add_noise(schedule(), x0, eps, t);
  const Tensor out = target(Prediction::v, schedule(), x0, eps, t, x) + 1.0;
  const Tensor weighted =
      training_loss(schedule(), out, x0, eps, x, t, {}, {.weight = at::tensor({0.5, 2.0}, at::kDouble)});
  EXPECT_NEAR(weighted[0].item<double>(), 0.5, 1e-9);
  EXPECT_NEAR(weighted[1].item<double>(), 2.0, 1e-9);
  Tensor mask = at::zeros({2, 1, 2, 2, 2}, at::kDouble);
  mask.select(2, 0).fill_(1);
  EXPECT_NEAR(training_loss(schedule(), out, x0, eps, x, t, {}, {.mask = mask})[0].item<double>(), 0.5, 1e-9);
  EXPECT_THROW(training_loss(schedule(), out, x0, eps, x, t, {}, {.weight = at::ones({3})}), ShapeError);
}

TEST(Loss, VariationalTerms) {
  const Tensor x0 = 0.3 * normal(1), eps = normal(2), t = at::tensor({300, 700}, at::kLong),
               x = add_noise(schedule(), x0, eps, t);
  EXPECT_THROW(training_loss(schedule(), x0, x0, eps, x, t, {.loss = Loss::kl}), ConfigError);
  // the true posterior (raw = -1 picks its variance) has zero divergence, any other variance or mean more
  const Tensor v = target(Prediction::v, schedule(), x0, eps, t, x);
  const LossOptions o{.loss = Loss::kl, .variance = Variance::learned_range};
  const auto kl = [&](const Tensor& mean, double raw) {
    return training_loss(schedule(), at::cat({mean, at::full(kShape, raw, at::kDouble)}, 1), x0, eps, x, t, o);
  };
  EXPECT_LT(kl(v, -1).abs().max().item<double>(), 1e-9);
  EXPECT_GT(kl(v + 0.1, -1).min().item<double>(), 1e-7);
  EXPECT_GT(kl(v, -0.5).min().item<double>(), 0);
  EXPECT_LT(distance(training_loss(schedule(), at::cat({v + 0.1, v}, 1), x0, eps, x, t,
                                   {.loss = Loss::rescaled_kl, .variance = Variance::learned_range}),
                     1000 * training_loss(schedule(), at::cat({v + 0.1, v}, 1), x0, eps, x, t, o)),
            1e-9);
}

TEST(Loss, DiscretisedMassSumsToOne) {
  // the bins around -1, -1 + 2/255, ..., 1 share out the whole distribution
  const Tensor x = at::tensor(schedulers::linspace(-1.0, 1.0, 256), at::kDouble),
               mean = at::full({256}, 0.123, at::kDouble);
  for (const double scale : {-5.0, -2.0, 0.0})
    EXPECT_NEAR(
        (-detail::discretised_gaussian_nll(x, mean, at::full({256}, scale, at::kDouble))).exp().sum().item<double>(), 1,
        1e-6)
        << scale;
}

TEST(Bound, PriorIsSmallAndTotalAddsUp) {
  const NoiseSchedule s = schedulers::make_schedule({.schedule = schedulers::ScheduleKind::cosine, .steps = 30});
  const Model m = [](const Tensor& x, const Tensor&) { return at::cat({x, 0 * x}, 1); };
  const VariationalBound b =
      variational_bound(m, s, Prediction::epsilon, Variance::learned_range, normal(1), noise_from(make_generator(1)));
  EXPECT_EQ(b.terms.sizes(), at::IntArrayRef({2, 30}));
  EXPECT_LT(b.prior.abs().max().item<double>(), 1e-3);
  EXPECT_GT(prior_bits(s, normal(1), 0).min().item<double>(), 1);
  EXPECT_LT(distance(b.total, b.prior + b.terms.sum(1)), 1e-12);
}

TEST(Options, ReadAndWrite) {
  const LossOptions o{.loss = Loss::rescaled_kl, .prediction = Prediction::x0, .variance = Variance::learned};
  EXPECT_EQ(read<LossOptions>(to_node(o)), o);
  EXPECT_EQ(read<DenoiserOptions>(Node::map({{"prediction", Node("v_prediction")}})).prediction, Prediction::v);
  EXPECT_THROW(read<GuidanceOptions>(Node::map({{"scael", Node(1)}})), ConfigError);
}

}  // namespace
}  // namespace vgen::diffusion
