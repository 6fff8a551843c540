// Each primitive against its formulation by ATen in float64: values, gradients, every instruction set, odd sizes,
// thread counts.
#include "vgen/nn/ops.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/special_erfc.h>
#include <ATen/ops/stack.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <limits>

#include "vgen/nn/kernels.hpp"

namespace vgen::nn {
namespace {

using kernels::Level;
using Tensors = std::vector<Tensor>;
using Op = std::function<Tensor(const Tensors&)>;

const char* name_of(Level l) { return l == Level::generic ? "generic" : l == Level::avx2 ? "avx2" : "avx512"; }

double error(const Tensor& a, const Tensor& b) {  // relative to the largest value
  EXPECT_EQ(a.sizes(), b.sizes());
  const Tensor x = a.to(at::kDouble), y = b.to(at::kDouble);
  return (x - y).abs().max().item<double>() / std::max(y.abs().max().item<double>(), 1e-30);
}

Tensors leaves(const Tensors& values, at::ScalarType dtype) {
  Tensors out;
  for (const Tensor& v : values) out.push_back(v.to(dtype).detach().clone().requires_grad_(true));
  return out;
}
// The output and the gradients of sum(output * g).
Tensors run(const Op& f, const Tensors& inputs, const Tensor& g) {
  const Tensor y = f(inputs);
  Tensors out = torch::autograd::grad({y}, inputs, {g.to(y.scalar_type())});
  out.insert(out.begin(), y.detach());
  return out;
}

class OpsTest : public ::testing::TestWithParam<Level> {
 protected:
  void SetUp() override {
    if (!kernels::supported(GetParam())) GTEST_SKIP() << "this processor has no " << name_of(GetParam());
    kernels::set_level(GetParam());
    ASSERT_EQ(kernels::level(), GetParam());
  }
  void TearDown() override { kernels::set_level(before_); }

  at::Generator generator_ = at::detail::createCPUGenerator(7);
  Level before_ = kernels::level();
  Tensor random(at::IntArrayRef shape) { return at::randn(shape, generator_, at::kDouble); }

  // `ours` in float32 and bfloat16 against `exact` in float64. bf16 inputs are rounded for both. Another number of
  // threads must give the same bits (but where oneDNN or MKL multiply matrices), and the path without gradients the
  // same values as the one with them.
  void compare(const std::string& what, const Op& ours, const Op& exact, const Tensors& values, double forward = 1e-6,
               double backward = 1e-5, bool same_bits = true) {
    for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
      SCOPED_TRACE(what + " " + c10::toString(dtype));
      Tensors rounded;
      for (const Tensor& v : values) rounded.push_back(v.to(dtype).to(at::kDouble));
      const Tensor shape = exact(rounded);
      const Tensor g = random(shape.sizes()).to(dtype).to(at::kDouble);
      const Tensors expected = run(exact, leaves(rounded, at::kDouble), g), inputs = leaves(rounded, dtype);
      const Tensors found = run(ours, inputs, g);
      const bool f32 = dtype == at::kFloat;
      for (std::size_t i = 0; i < found.size(); ++i) {
        EXPECT_EQ(found[i].scalar_type(), dtype);
        EXPECT_LE(error(found[i], expected[i]), f32 ? (i == 0 ? forward : backward) : 1.0 / 128) << "output " << i;
      }
      {
        const at::NoGradGuard off;
        EXPECT_TRUE(at::equal(ours(inputs), found[0]));
      }
      const int threads = at::get_num_threads();
      at::set_num_threads(threads == 1 ? 3 : 1);
      const Tensors again = run(ours, inputs, g);
      at::set_num_threads(threads);
      for (std::size_t i = 0; i < found.size(); ++i)
        EXPECT_TRUE(same_bits ? at::equal(again[i], found[i]) : error(again[i], found[i]) <= (f32 ? 1e-6 : 1.0 / 128))
            << "threads change output " << i;
    }
  }
};
INSTANTIATE_TEST_SUITE_P(Levels, OpsTest, ::testing::Values(Level::generic, Level::avx2, Level::avx512),
                         [](const auto& info) { return name_of(info.param); });

Tensor exact_group_norm(const Tensor& x, const Tensor& w, const Tensor& b, std::int64_t groups, double eps, bool silu) {
  const Tensor flat = x.reshape({x.size(0), -1, groups, x.size(-1) / groups});
  const Tensor mean = flat.mean({1, 3}, true), centred = flat - mean;
  const Tensor y = (centred / (centred.square().mean({1, 3}, true) + eps).sqrt()).reshape(x.sizes()) * w + b;
  return silu ? y * y.sigmoid() : y;
}

TEST_P(OpsTest, GroupNorm) {
  struct Case {
    std::vector<std::int64_t> shape;
    std::int64_t groups;
    double offset;
  };
  for (const Case& c : std::vector<Case>{{{2, 5, 12}, 3, 0},
                                         {{1, 1, 8}, 2, 0},
                                         {{3, 7, 5, 33}, 11, 0},
                                         {{1, 300, 64}, 32, 1},
                                         {{1, 4, 9, 9, 96}, 32, 50},
                                         {{40, 64, 64}, 16, 0},
                                         {{2, 4000, 40}, 8, -3},
                                         {{1, 2, 17}, 1, 0}})
    for (const bool silu : {false, true}) {
      const std::int64_t channels = c.shape.back();
      compare(
          "group_norm " + shape_string(c.shape) + (silu ? " silu" : ""),
          [&](const Tensors& t) { return group_norm(t[0], t[1], t[2], c.groups, 1e-5, silu); },
          [&](const Tensors& t) { return exact_group_norm(t[0], t[1], t[2], c.groups, 1e-5, silu); },
          {random(c.shape) + c.offset, random({channels}), random({channels})}, c.offset == 50 ? 5e-6 : 1e-6);
    }
}

TEST_P(OpsTest, GroupNormKeepsPrecisionFarFromZero) {  // one-pass sums of squares would lose every digit here
  const Tensor x = (random({1, 512, 32}) * 1e-2 + 100).to(at::kFloat), w = at::ones({32}), b = at::ones({32});
  const Tensor y = group_norm(x, w, b, 4, 1e-12, false);
  EXPECT_LE(error(y, exact_group_norm(x.to(at::kDouble), w.to(at::kDouble), b.to(at::kDouble), 4, 1e-12, false)), 1e-3);
}

TEST_P(OpsTest, LayerNorm) {
  for (const auto& shape :
       std::vector<std::vector<std::int64_t>>{{5, 12}, {1, 1, 1, 8}, {2, 3, 70, 33}, {2, 200, 64}, {3, 320}, {1, 7}})
    compare(
        "layer_norm " + shape_string(shape), [&](const Tensors& t) { return layer_norm(t[0], t[1], t[2], 1e-5); },
        [&](const Tensors& t) { return at::layer_norm(t[0], {shape.back()}, t[1], t[2], 1e-5); },
        {random(shape) * 2 + 0.5, random({shape.back()}), random({shape.back()})});
}

TEST_P(OpsTest, Geglu) {
  for (const auto& shape : std::vector<std::vector<std::int64_t>>{{2, 3, 10}, {1, 2}, {4, 65, 66}, {300, 256}})
    compare(
        "geglu " + shape_string(shape), [](const Tensors& t) { return geglu(t[0]); },
        [](const Tensors& t) {
          const auto parts = t[0].chunk(2, -1);
          return parts[0] * at::gelu(parts[1]);
        },
        {random(shape) * 3});
}

TEST_P(OpsTest, GeluIsExactOverItsWholeRange) {
  const Tensor g = at::linspace(-9, 9, 20001, at::kDouble).to(at::kFloat),
               x = at::stack({at::ones({20001}), g}, 1).contiguous();
  const Tensor y = geglu(x).view({-1}).to(at::kDouble), z = g.to(at::kDouble),
               exact = z * at::special_erfc(z * -std::sqrt(0.5)) / 2;
  EXPECT_LE((y - exact).abs().max().item<double>(), 1e-6);                                   // 9 has a unit of 1e-6
  EXPECT_LE(((y - exact).abs() / exact.abs().clamp_min(1e-12)).max().item<double>(), 5e-6);  // tail included
}

Tensor heads_apart(const Tensor& x, std::int64_t heads) {
  return x.reshape({x.size(0), x.size(1), heads, -1}).transpose(1, 2);
}

Tensor exact_attend(const Tensor& q, const Tensor& k, const Tensor& v, std::int64_t heads, bool causal) {
  Tensor s =
      at::matmul(heads_apart(q, heads), heads_apart(k, heads).transpose(2, 3)) / std::sqrt(double(q.size(2) / heads));
  if (causal) s = s + at::full({q.size(1), k.size(1)}, -std::numeric_limits<double>::infinity(), s.options()).triu(1);
  return at::matmul(s.softmax(-1), heads_apart(v, heads)).transpose(1, 2).reshape(q.sizes());
}

TEST_P(OpsTest, Attend) {
  struct Case {
    std::int64_t n, lq, lk, heads, d;
    bool causal;
  };
  for (const Case& c : std::vector<Case>{{2, 5, 5, 2, 8, false},
                                         {1, 1, 1, 1, 3, false},
                                         {1, 300, 77, 2, 32, false},
                                         {3, 64, 64, 1, 64, false},
                                         {2, 77, 77, 2, 64, true},
                                         {1, 33, 250, 1, 40, false},
                                         {2, 7, 19, 3, 5, false},
                                         {1, 20, 17, 1, 16, true},
                                         {1, 9, 300, 2, 16, false}})
    compare(
        "attend " + shape_string({c.n, c.lq, c.lk, c.heads, c.d}),
        [&](const Tensors& t) { return attend(t[0], t[1], t[2], c.heads, c.causal); },
        [&](const Tensors& t) { return exact_attend(t[0], t[1], t[2], c.heads, c.causal); },
        {random({c.n, c.lq, c.heads * c.d}), random({c.n, c.lk, c.heads * c.d}), random({c.n, c.lk, c.heads * c.d})},
        2e-6);
}

TEST_P(OpsTest, AttendReadsStridedInputs) {
  const Tensor joined = random({2, 20, 3 * 24});
  const Op parts = [](const Tensors& t) {
    const auto p = t[0].chunk(3, -1);
    return attend(p[0], p[1], p[2], 3);
  };
  compare(
      "packed", parts,
      [](const Tensors& t) {
        const auto p = t[0].chunk(3, -1);
        return exact_attend(p[0], p[1], p[2], 3, false);
      },
      {joined}, 2e-6);
}

TEST_P(OpsTest, AttendFrames) {
  for (const auto& [b, f, s, heads, d] : std::vector<std::array<std::int64_t, 5>>{
           {2, 16, 6, 2, 32}, {1, 1, 4, 1, 8}, {2, 24, 3, 3, 20}, {1, 5, 1, 2, 7}}) {
    const auto fold = [](const Tensor& x) {
      return x.transpose(1, 2).reshape({x.size(0) * x.size(2), x.size(1), x.size(3)});
    };
    const std::vector<std::int64_t> shape{b, f, s, heads * d};
    compare(
        "frames " + shape_string(shape), [h = heads](const Tensors& t) { return attend_frames(t[0], t[1], t[2], h); },
        [&, h = heads](const Tensors& t) {
          const Tensor y = exact_attend(fold(t[0]), fold(t[1]), fold(t[2]), h, false);
          return y.view({t[0].size(0), t[0].size(2), t[0].size(1), -1}).transpose(1, 2);
        },
        {random(shape), random(shape), random(shape)}, 2e-6);
  }
}

TEST_P(OpsTest, AttentionSurvivesLargeScores) {
  const Tensor q = random({1, 6, 8}).to(at::kFloat) * 100, k = random({1, 6, 8}).to(at::kFloat) * 100,
               v = random({1, 6, 8}).to(at::kFloat);
  EXPECT_LE(error(attend(q, k, v, 1), exact_attend(q.to(at::kDouble), k.to(at::kDouble), v.to(at::kDouble), 1, false)),
            1e-3);
}

TEST_P(OpsTest, Conv2d) {
  struct Case {
    std::int64_t n, h, w, in, out, kh, kw, stride;
  };
  for (const Case& c : std::vector<Case>{{2, 6, 5, 4, 6, 3, 3, 1},
                                         {1, 8, 8, 16, 32, 3, 3, 2},
                                         {2, 5, 12, 32, 32, 3, 1, 1},
                                         {3, 16, 64, 48, 48, 3, 1, 1},
                                         {1, 1, 7, 5, 3, 3, 1, 1},
                                         {2, 4, 4, 33, 17, 1, 1, 1},
                                         {1, 9, 7, 320, 4, 3, 3, 1}})
    compare(
        "conv2d " + shape_string({c.n, c.h, c.w, c.in, c.out, c.kh, c.kw}),
        [&](const Tensors& t) { return conv2d(t[0], t[1], t[2], c.stride, c.kh / 2, c.kw / 2); },
        [&](const Tensors& t) {
          return at::conv2d(t[0].permute({0, 3, 1, 2}), t[1], t[2], {c.stride, c.stride}, {c.kh / 2, c.kw / 2})
              .permute({0, 2, 3, 1});
        },
        {random({c.n, c.h, c.w, c.in}), random({c.out, c.in, c.kh, c.kw}), random({c.out})}, 2e-6, 1e-5,
        /*same_bits=*/false);
}

TEST_P(OpsTest, Linear) {
  struct Case {
    std::vector<std::int64_t> shape;
    std::int64_t out;
    bool own;  // multiplied by the kernels in float32, not by ATen
  };
  for (const Case& c : std::vector<Case>{{{33, 16}, 16, true},
                                         {{2, 50, 48}, 80, true},
                                         {{1, 4000, 64}, 128, true},
                                         {{5, 400, 400}, 64, true},
                                         {{3, 32}, 32, false},
                                         {{40, 20}, 16, false}}) {
    const std::int64_t in = c.shape.back();
    auto shape = c.shape;
    shape.back() = c.out;
    const std::string what = "linear " + shape_string(c.shape) + " to " + std::to_string(c.out);
    const Op exact = [](const Tensors& t) { return at::matmul(t[0], t[1].t()) + t[2]; };
    const Tensors values{random(c.shape), random({c.out, in}), random({c.out})};
    compare(
        what, [](const Tensors& t) { return linear(t[0], t[1], t[2]); }, exact, values, 2e-6, 1e-5, false);
    compare(
        what + " without bias", [](const Tensors& t) { return linear(t[0], t[1], {}); },
        [](const Tensors& t) { return at::matmul(t[0], t[1].t()); }, {values[0], values[1]}, 2e-6, 1e-5, false);
    const Tensor residual = random(shape);
    const at::NoGradGuard off;
    for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
      const auto t = [&](const Tensor& x) { return x.to(dtype); };
      const Tensor y = linear(t(values[0]), t(values[1]), t(values[2]), t(residual));
      EXPECT_LE(error(y, exact(values) + residual), dtype == at::kFloat ? 2e-6 : 1.0 / 64) << what;
      const Tensor gated = linear_geglu(t(values[0]), t(values[1]), t(values[2]));
      const auto parts = exact(values).chunk(2, -1);
      EXPECT_LE(error(gated, parts[0] * at::gelu(parts[1])), dtype == at::kFloat ? 2e-6 : 1.0 / 32) << what;
      if (!c.own || dtype != at::kFloat) continue;
      const int threads = at::get_num_threads();
      at::set_num_threads(threads == 1 ? 3 : 1);
      EXPECT_TRUE(at::equal(linear(t(values[0]), t(values[1]), t(values[2]), t(residual)), y)) << what;
      at::set_num_threads(threads);
    }
  }
}

TEST_P(OpsTest, GradientsOfProductsDoNotDependOnThreads) {
  const Tensor x = random({2, 9, 100, 32}), w = random({48, 32}), frames = random({48, 32, 3, 1}), b = random({48});
  const Tensor g = random({2, 9, 100, 48});
  for (const bool conv : {false, true}) {
    const Tensors inputs = leaves({x, conv ? frames : w, b}, at::kFloat);
    const Op f = [&](const Tensors& t) { return conv ? conv2d(t[0], t[1], t[2], 1, 1, 0) : linear(t[0], t[1], t[2]); };
    const Tensors found = run(f, inputs, g);
    const int threads = at::get_num_threads();
    at::set_num_threads(threads == 1 ? 3 : 1);
    const Tensors again = run(f, inputs, g);
    at::set_num_threads(threads);
    for (std::size_t i = 0; i < found.size(); ++i) EXPECT_TRUE(at::equal(found[i], again[i])) << conv << " " << i;
  }
}

TEST_P(OpsTest, GroupNormAddsAShiftFirst) {
  const Tensor x = random({3, 40, 24}) + 2, w = random({24}), b = random({24}), shift = random({3, 24});
  const Tensor expected = exact_group_norm(x + shift.unsqueeze(1), w, b, 4, 1e-5, true);
  for (const bool grad : {false, true}) {
    const at::AutoGradMode mode(grad);
    Tensors t = leaves({x, w, b, shift}, at::kFloat);
    EXPECT_LE(error(group_norm(t[0], t[1], t[2], 4, 1e-5, true, t[3]), expected), 1e-6) << grad;
  }
}

TEST_P(OpsTest, ConvolutionAddsAResidual) {
  const at::NoGradGuard off;
  for (const bool frames : {false, true}) {
    const Tensor x = random({2, 6, 9, 32}), w = random({16, 32, 3, frames ? 1 : 3}), b = random({16}),
                 residual = random({2, 6, 9, 16});
    const std::int64_t pad = frames ? 0 : 1;
    const auto f = [](const Tensor& t) { return t.to(at::kFloat); };
    const Tensor expected = at::conv2d(x.permute({0, 3, 1, 2}), w, b, 1, {1, pad}).permute({0, 2, 3, 1}) + residual;
    EXPECT_LE(error(conv2d(f(x), f(w), f(b), 1, 1, pad, f(residual)), expected), 2e-6) << frames;
  }
}

// Sizes at which the 3x3 convolution takes Winograd's form: the same values, and the same bits for any number of
// threads and for a clip whole or frame by frame.
TEST_P(OpsTest, LargeConvolutions) {
  struct Case {
    std::int64_t n, h, w, in, out;
  };
  const at::NoGradGuard off;
  for (const Case& c : std::vector<Case>{{2, 8, 10, 128, 80}, {3, 16, 18, 144, 64}, {1, 40, 36, 160, 208}}) {
    const Tensor x = random({c.n, c.h, c.w, c.in}), w = random({c.out, c.in, 3, 3}), b = random({c.out}),
                 residual = random({c.n, c.h, c.w, c.out});
    const auto f = [](const Tensor& t) { return t.to(at::kFloat); };
    const std::string what = shape_string({c.n, c.h, c.w, c.in, c.out});
    const Tensor plain = at::conv2d(x.permute({0, 3, 1, 2}), w, b, 1, 1).permute({0, 2, 3, 1});
    const auto run = [&](const Tensor& images) { return conv2d(f(images), f(w), f(b), 1, 1, 1); };
    const Tensor y = run(x);
    EXPECT_LE(error(y, plain), 2e-6) << what;
    EXPECT_LE(error(conv2d(f(x), f(w), f(b), 1, 1, 1, f(residual)), plain + residual), 2e-6) << what;
    EXPECT_LE(error(conv2d(f(x), f(w), {}, 1, 1, 1), plain - b), 2e-6) << what;
    for (std::int64_t i = 0; i < c.n; ++i)
      EXPECT_TRUE(at::equal(run(x.narrow(0, i, 1)), y.narrow(0, i, 1))) << what << " image " << i;
    const int threads = at::get_num_threads();
    at::set_num_threads(threads == 1 ? 3 : 1);
    EXPECT_TRUE(at::equal(run(x), y)) << what;
    at::set_num_threads(threads);
  }
}

TEST_P(OpsTest, GradientsAgreeWithDifferences) {
  const double h = 1e-2;
  const auto check = [&](const std::string& what, const Op& f, const Tensors& values) {
    const Tensors inputs = leaves(values, at::kFloat);
    const Tensor g = random(f(inputs).sizes());
    const auto loss = [&](const Tensors& t) {
      const at::NoGradGuard off;
      return (f(t).to(at::kDouble) * g).sum().item<double>();
    };
    const Tensors found = run(f, inputs, g);
    for (std::size_t i = 0; i < inputs.size(); ++i) {  // along a random direction
      const Tensor direction = random(inputs[i].sizes());
      Tensors plus = inputs, minus = inputs;
      plus[i] = (inputs[i].detach().to(at::kDouble) + direction * h).to(at::kFloat);
      minus[i] = (inputs[i].detach().to(at::kDouble) - direction * h).to(at::kFloat);
      const double slope = (loss(plus) - loss(minus)) / (2 * h),
                   ours = (found[i + 1].to(at::kDouble) * direction).sum().item<double>();
      EXPECT_NEAR(ours, slope, 5e-3 * (1 + std::abs(slope))) << what << " input " << i;
    }
  };
  check("group_norm", [](const Tensors& t) { return group_norm(t[0], t[1], t[2], 2, 1e-5, true); },
        {random({2, 5, 6}), random({6}), random({6})});
  check("layer_norm", [](const Tensors& t) { return layer_norm(t[0], t[1], t[2], 1e-5); },
        {random({3, 7}), random({7}), random({7})});
  check("geglu", [](const Tensors& t) { return geglu(t[0]); }, {random({3, 10})});
  check("attend", [](const Tensors& t) { return attend(t[0], t[1], t[2], 2, true); },
        {random({2, 4, 6}), random({2, 4, 6}), random({2, 4, 6})});
  check("attend_frames", [](const Tensors& t) { return attend_frames(t[0], t[1], t[2], 1); },
        {random({1, 3, 2, 4}), random({1, 3, 2, 4}), random({1, 3, 2, 4})});
}

TEST_P(OpsTest, SecondDerivatives) {  // through the ATen formulation
  const auto second = [&](const Op& f, const Tensors& inputs) {
    const Tensor first =
        torch::autograd::grad({f(inputs).square().sum()}, {inputs[0]}, {}, std::nullopt, /*create_graph=*/true)[0];
    return torch::autograd::grad({first.square().sum()}, {inputs[0]})[0];
  };
  const Tensors x{random({2, 5, 8}), random({8}), random({8})};
  const auto check = [&](const Op& ours, const Op& exact) {
    EXPECT_LE(error(second(ours, leaves(x, at::kFloat)), second(exact, leaves(x, at::kDouble))), 1e-4);
  };
  check([](const Tensors& t) { return group_norm(t[0], t[1], t[2], 2, 1e-2, true); },
        [](const Tensors& t) { return exact_group_norm(t[0], t[1], t[2], 2, 1e-2, true); });
  check([](const Tensors& t) { return layer_norm(t[0], t[1], t[2], 1e-2); },
        [](const Tensors& t) { return at::layer_norm(t[0], {8}, t[1], t[2], 1e-2); });
  check([](const Tensors& t) { return geglu(t[0]); },
        [](const Tensors& t) { return t[0].chunk(2, -1)[0] * at::gelu(t[0].chunk(2, -1)[1]); });
  const Tensor rows = random({40, 16});
  EXPECT_LE(error(second([](const Tensors& t) { return linear(t[0], t[0].narrow(0, 0, 16), {}); },
                         leaves({rows}, at::kFloat)),
                  second([](const Tensors& t) { return at::matmul(t[0], t[0].narrow(0, 0, 16).t()); },
                         leaves({rows}, at::kDouble))),
            1e-4);
  check([](const Tensors& t) { return attend(t[0], t[0] * 0.5, t[0] + 1, 2); },
        [](const Tensors& t) { return exact_attend(t[0], t[0] * 0.5, t[0] + 1, 2, false); });
}

TEST_P(OpsTest, OtherTypesTakeTheGeneralPath) {
  const Tensor x = random({2, 6, 8}), w = random({8}), b = random({8});
  EXPECT_LE(error(group_norm(x, w, b, 2, 1e-5, true), exact_group_norm(x, w, b, 2, 1e-5, true)), 1e-12);
  EXPECT_LE(error(attend(x, x, x, 2), exact_attend(x, x, x, 2, false)), 1e-12);
  EXPECT_LE(error(upsample2x(x.view({2, 2, 3, 8}))[1][3][5], x.view({2, 2, 3, 8})[1][1][2]), 0);
}

}  // namespace
}  // namespace vgen::nn
