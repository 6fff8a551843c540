// The CUDA kernels' bodies, run on the host block by block and thread by thread, against ATen in float64; and the seam
// by which ops.hpp reaches the library. Where there is a GPU, the public operations on it against those on the CPU.
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/silu.h>
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <limits>

#include "vgen/cuda/frame_attention.hpp"
#include "vgen/cuda/geglu.hpp"
#include "vgen/cuda/group_norm.hpp"
#include "vgen/cuda/layer_norm.hpp"
#include "vgen/nn/cuda_ops.hpp"
#include "vgen/nn/ops.hpp"

namespace vgen::nn {
namespace {

using namespace vgen::cuda;

template <int P, class Body>
void run_phases(const Body& body, std::int64_t block, std::vector<typename Body::State>& states, void* shared) {
  if constexpr (P < Body::kPhases) {
    for (std::size_t t = 0; t < states.size(); ++t)
      body.template phase<P>(block, static_cast<int>(t), states[t], shared);
    run_phases<P + 1>(body, block, states, shared);
  }
}

// What a GPU does with a body; shared memory begins as NaN, so that reading what no thread wrote shows.
template <class Body>
void emulate(const Body& body) {
  const Launch l = body.launch();
  ASSERT_LE(l.shared, kMaxShared);
  ASSERT_LE(l.threads, 1024);
  struct alignas(16) Chunk {
    std::byte bytes[16];
  };
  std::vector<Chunk> shared(l.shared / 16 + 1);
  for (std::int64_t block = 0; block < l.blocks; ++block) {
    std::memset(shared.data(), 0xFF, shared.size() * sizeof(Chunk));
    std::vector<typename Body::State> states(static_cast<std::size_t>(l.threads));
    run_phases<0>(body, block, states, shared.data());
  }
}

template <class T>
constexpr Type type_of = std::is_same_v<T, float>      ? Type::f32
                         : std::is_same_v<T, at::Half> ? Type::f16
                                                       : Type::bf16;
template <class T>
constexpr at::ScalarType dtype_of = c10::CppTypeToScalarType<T>::value;

template <class T>
class CudaBodies : public testing::Test {
 protected:
  at::Generator generator_ = at::detail::createCPUGenerator(5);
  Tensor random(at::IntArrayRef shape, double offset = 0) {
    return (at::randn(shape, generator_, at::kDouble) + offset).to(dtype_of<T>);
  }
  // Nothing of the output may stay unwritten: it begins as NaN.
  Tensor unwritten(at::IntArrayRef shape) {
    return at::full(shape, std::numeric_limits<double>::quiet_NaN(), at::TensorOptions().dtype(dtype_of<T>));
  }
  void expect_near(const Tensor& found, const Tensor& exact, double f32 = 2e-6) {
    const double rounding = std::is_same_v<T, float> ? f32 : std::is_same_v<T, at::Half> ? 1e-3 : 8e-3;
    const double error = (found.to(at::kDouble) - exact).abs().max().template item<double>();
    EXPECT_LE(error, rounding * exact.abs().max().template item<double>());  // false for NaN
  }
};
using Types = testing::Types<float, at::BFloat16, at::Half>;
TYPED_TEST_SUITE(CudaBodies, Types, );

template <class T, int V>
Tensor emulated_group_norm(const Tensor& x, const Tensor& w, const Tensor& b, std::int64_t groups, bool silu,
                           Tensor y) {
  const std::int64_t n = x.size(0), c = x.size(-1);
  cuda::GroupNorm a = {.type = type_of<T>,
                       .silu = silu,
                       .eps = 1e-5f,
                       .n = n,
                       .s = x.numel() / (n * c),
                       .c = c,
                       .groups = groups,
                       .x = x.const_data_ptr(),
                       .weight = w.const_data_ptr(),
                       .bias = b.const_data_ptr(),
                       .scratch = nullptr,
                       .y = y.mutable_data_ptr()};
  Tensor scratch = at::full({GroupNormPlan::of(a).scratch(a)}, std::numeric_limits<float>::quiet_NaN(), at::kFloat);
  a.scratch = scratch.mutable_data_ptr<float>();
  emulate(GroupNormSums<T, V>(a));
  emulate(GroupNormFinish<T>(a));
  emulate(GroupNormApply<T, V>(a));
  return y;
}

TYPED_TEST(CudaBodies, GroupNorm) {
  using T = TypeParam;
  struct Case {
    std::int64_t n, s, c, groups;
    double offset;
  };
  for (const Case& k : std::vector<Case>{{2, 5, 24, 3, 0},        // one short chunk, more lanes than rows
                                         {1, 1, 8, 2, 0},         // variance 0 in places
                                         {3, 200, 320, 32, 0},    // groups of 10 channels: packs straddle them
                                         {1, 70000, 8, 1, 0},     // many chunks
                                         {2, 130, 64, 8, 30},     // far from zero
                                         {1, 3, 2560, 32, 0}}) {  // more packs than threads
    SCOPED_TRACE(testing::Message() << k.n << "x" << k.s << "x" << k.c << " groups " << k.groups);
    const Tensor x = this->random({k.n, k.s, k.c}, k.offset), w = this->random({k.c}), b = this->random({k.c});
    for (const bool silu : {false, true}) {
      Tensor exact =
          at::group_norm(x.to(at::kDouble).transpose(1, 2), k.groups, w.to(at::kDouble), b.to(at::kDouble), 1e-5, false)
              .transpose(1, 2);
      if (silu) exact = at::silu(exact);
      // float32 has 1.5e-7 * 30 of noise where values of 1 sit on an offset of 30.
      const double tolerance = k.offset != 0 ? 2e-5 : 2e-6;
      this->expect_near(emulated_group_norm<T, kPack<T>>(x, w, b, k.groups, silu, this->unwritten(x.sizes())), exact,
                        tolerance);
      this->expect_near(emulated_group_norm<T, 1>(x, w, b, k.groups, silu, this->unwritten(x.sizes())), exact,
                        tolerance);
    }
  }
}

TYPED_TEST(CudaBodies, LayerNorm) {
  using T = TypeParam;
  for (const auto& [rows, c] : std::vector<std::pair<std::int64_t, std::int64_t>>{{1, 8}, {7, 320}, {13, 1288}}) {
    const Tensor x = this->random({rows, c}, 3), w = this->random({c}), b = this->random({c});
    const Tensor exact = at::layer_norm(x.to(at::kDouble), {c}, w.to(at::kDouble), b.to(at::kDouble), 1e-5);
    Tensor y = this->unwritten({rows, c});
    const cuda::LayerNorm a = {
        type_of<T>, 1e-5f, rows, c, x.const_data_ptr(), w.const_data_ptr(), b.const_data_ptr(), y.mutable_data_ptr()};
    emulate(LayerNormBody<T, kPack<T>>{a});
    this->expect_near(y, exact);
    y.fill_(std::numeric_limits<double>::quiet_NaN());
    emulate(LayerNormBody<T, 1>{a});
    this->expect_near(y, exact);
  }
}

TYPED_TEST(CudaBodies, Geglu) {
  using T = TypeParam;
  for (const auto& [rows, m] : std::vector<std::pair<std::int64_t, std::int64_t>>{{1, 8}, {37, 64}, {9, 2560}}) {
    const Tensor x = this->random({rows, 2 * m});
    const auto parts = x.to(at::kDouble).chunk(2, -1);
    const Tensor exact = parts[0] * at::gelu(parts[1]);
    Tensor y = this->unwritten({rows, m});
    const cuda::Geglu a = {type_of<T>, rows, m, x.const_data_ptr(), y.mutable_data_ptr()};
    emulate(GegluBody<T, kPack<T>>(a));
    this->expect_near(y, exact);
    y.fill_(std::numeric_limits<double>::quiet_NaN());
    emulate(GegluBody<T, 1>(a));
    this->expect_near(y, exact);
  }
}

template <class T, int D>
void frame_attention_case(const auto& test, auto& random, std::int64_t b, std::int64_t f, std::int64_t s,
                          std::int64_t heads, std::int64_t d, Tensor y) {
  // q, k, v as one projection would give them: rows of 3 * heads * d.
  const Tensor qkv = random({b, f, s, 3 * heads * d});
  const auto parts = qkv.chunk(3, -1);
  const auto sequences = [&](const Tensor& x) {  // [b, s, heads, f, d]
    return x.to(at::kDouble).view({b, f, s, heads, d}).permute({0, 2, 3, 1, 4});
  };
  const Tensor exact =
      at::scaled_dot_product_attention(sequences(parts[0].contiguous()), sequences(parts[1].contiguous()),
                                       sequences(parts[2].contiguous()))
          .permute({0, 3, 1, 2, 4})
          .reshape({b, f, s, heads * d});
  const auto view = [](const Tensor& x) {
    return View{const_cast<void*>(x.const_data_ptr()), x.stride(0), x.stride(1), x.stride(2)};
  };
  emulate(FrameAttentionBody<T, D>({.type = type_of<T>,
                                    .scale = 1 / std::sqrt(static_cast<float>(d)),
                                    .b = b,
                                    .f = f,
                                    .s = s,
                                    .heads = heads,
                                    .d = d,
                                    .q = view(parts[0]),
                                    .k = view(parts[1]),
                                    .v = view(parts[2]),
                                    .y = view(y)}));
  test(y, exact);
}

TYPED_TEST(CudaBodies, FrameAttention) {
  using T = TypeParam;
  const auto test = [&](const Tensor& y, const Tensor& exact) { this->expect_near(y, exact); };
  const auto random = [&](at::IntArrayRef shape) { return this->random(shape); };
  const auto y = [&](std::int64_t b, std::int64_t f, std::int64_t s, std::int64_t c) {
    return this->unwritten({b, f, s, c});
  };
  frame_attention_case<T, 16>(test, random, 1, 1, 1, 1, 16, y(1, 1, 1, 16));  // one frame: v itself
  frame_attention_case<T, 16>(test, random, 1, 5, 2, 3, 8, y(1, 5, 2, 24));   // head padded 8 -> 16
  frame_attention_case<T, 32>(test, random, 1, 16, 4, 2, 32, y(1, 16, 4, 64));
  frame_attention_case<T, 48>(test, random, 2, 8, 3, 2, 40, y(2, 8, 3, 80));     // padded 40 -> 48
  frame_attention_case<T, 64>(test, random, 2, 16, 7, 5, 64, y(2, 16, 7, 320));  // the trunk's; odd number of sequences
  frame_attention_case<T, 80>(test, random, 1, 32, 3, 1, 80, y(1, 32, 3, 80));   // the most of both
}

TEST(CudaOps, OnTheCpuNothingChanges) {
  const Tensor x = at::randn({2, 3, 8}), w = at::randn({8});
  EXPECT_FALSE(cuda_group_norm(x, w, w, 2, 1e-5, true).defined());
  EXPECT_FALSE(cuda_layer_norm(x, w, w, 1e-5).defined());
  EXPECT_FALSE(cuda_geglu(x).defined());
  const Tensor q = at::randn({1, 4, 2, 16});
  EXPECT_FALSE(cuda_attend_frames(q, q, q, 1).defined());
}

TEST(CudaOps, LibraryAnswersWithoutGpu) {
  const CudaStatus& status = cuda_status();
  EXPECT_FALSE(status.text.empty());
#ifdef VGEN_HAVE_CUDA_KERNELS
  ASSERT_TRUE(status.table) << status.text;
  // Bad sizes are refused in words on any machine; good ones run or say what CUDA says, and the process lives.
  const cuda::Geglu empty = {Type::f32, 0, 8, nullptr, nullptr};
  EXPECT_STREQ(status.table->geglu(empty, nullptr), "geglu: sizes do not fit");
  cuda::FrameAttention odd{};
  odd.b = odd.s = odd.heads = 1, odd.f = 33, odd.d = 16;
  EXPECT_STREQ(status.table->frame_attention(odd, nullptr), "frame_attention: sizes do not fit");
#endif
}

TEST(CudaOps, AGpuComputesWhatTheCpuDoes) {
  if (!std::filesystem::exists("/dev/nvidia0")) GTEST_SKIP() << "no GPU here";
  ASSERT_TRUE(dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL)) << dlerror();
  if (!at::hasCUDA()) GTEST_SKIP() << "torch sees no GPU";
  const at::NoGradGuard off;
  const Tensor x = at::randn({2, 300, 320}), w = at::randn({320}), b = at::randn({320});
  const Tensor g = at::randn({50, 640}), q = at::randn({2, 16, 9, 320});
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16, at::kHalf}) {
    SCOPED_TRACE(c10::toString(dtype));
    const auto there = [&](const Tensor& t) { return t.to(at::kCUDA, dtype); };
    const auto near = [&](const char* what, const Tensor& found, const Tensor& kernels, const Tensor& expected) {
#ifdef VGEN_HAVE_CUDA_KERNELS
      ASSERT_TRUE(kernels.defined()) << what << ": ATen computed it";
      EXPECT_TRUE(at::equal(kernels, found)) << what;  // the same launch twice: equal bits
#endif
      const double error = (found.to(at::kCPU, at::kFloat) - expected).abs().max().item<double>();
      EXPECT_LE(error, (dtype == at::kFloat ? 1e-5 : 2e-2) * expected.abs().max().item<double>()) << what;
    };
    near("group_norm", group_norm(there(x), there(w), there(b), 32, 1e-5, true),
         cuda_group_norm(there(x), there(w), there(b), 32, 1e-5, true), group_norm(x, w, b, 32, 1e-5, true));
    near("layer_norm", layer_norm(there(x), there(w), there(b), 1e-5),
         cuda_layer_norm(there(x), there(w), there(b), 1e-5), layer_norm(x, w, b, 1e-5));
    near("geglu", geglu(there(g)), cuda_geglu(there(g)), geglu(g));
    near("attend_frames", attend_frames(there(q), there(q), there(q), 5),
         cuda_attend_frames(there(q), there(q), there(q), 5), attend_frames(q, q, q, 5));
  }
}

}  // namespace
}  // namespace vgen::nn
