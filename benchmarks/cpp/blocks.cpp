// Blocks of the networks at the sizes of the full UNet and of the shipped model: bench --benchmark_filter=Attention
#include <ATen/core/grad_mode.h>
#include <ATen/ops/randn.h>
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "vgen/nn/memory.hpp"
#include "vgen/nn/ops.hpp"
#include "vgen/nn/res_block.hpp"
#include "vgen/nn/transformer.hpp"
#include "vgen/text/tokenizer.hpp"
#include "vgen/vae/autoencoder_kl.hpp"

namespace {

using namespace vgen;

// Sizes of a level: frames, positions, channels.
void levels(benchmark::internal::Benchmark* b) {
  b->ArgNames({"frames", "side", "channels"})
      ->Args({16, 8, 64})
      ->Args({16, 32, 320})
      ->Args({16, 16, 640})
      ->Args({16, 8, 1280});
  b->Unit(benchmark::kMillisecond)->UseRealTime();
}
Tensor clip(const benchmark::State& s) { return at::randn({1, s.range(0), s.range(1), s.range(1), s.range(2)}); }
void initialise(nn::Module& m) {
  m.each_parameter([](const std::string&, Tensor& t) { t.normal_(0, 0.02); });
}
void count(benchmark::State& s, double multiplications) {
  s.counters["GFLOP/s"] = benchmark::Counter(2e-9 * multiplications, benchmark::Counter::kIsIterationInvariantRate);
}

void GroupNormSilu(benchmark::State& s) {
  const at::NoGradGuard off;
  const std::int64_t c = s.range(2);
  const Tensor x = clip(s).view({s.range(0), -1, c}), w = at::randn({c}), b = at::randn({c});
  for (auto _ : s) benchmark::DoNotOptimize(nn::group_norm(x, w, b, c == 64 ? 8 : 32, 1e-5, true));
  s.SetBytesProcessed(s.iterations() * x.numel() * 8);
}
BENCHMARK(GroupNormSilu)->Apply(levels);

void LayerNorm(benchmark::State& s) {
  const at::NoGradGuard off;
  const Tensor x = clip(s), w = at::randn({s.range(2)}), b = at::randn({s.range(2)});
  for (auto _ : s) benchmark::DoNotOptimize(nn::layer_norm(x, w, b, 1e-5));
  s.SetBytesProcessed(s.iterations() * x.numel() * 8);
}
BENCHMARK(LayerNorm)->Apply(levels);

void Linear(benchmark::State& s) {
  const at::NoGradGuard off;
  const std::int64_t c = s.range(2);
  const Tensor x = clip(s), w = at::randn({c, c}), b = at::randn({c});
  for (auto _ : s) benchmark::DoNotOptimize(nn::linear(x, w, b));
  count(s, static_cast<double>(x.numel() * c));
}
BENCHMARK(Linear)->Apply(levels);

void LinearGeglu(benchmark::State& s) {
  const at::NoGradGuard off;
  const std::int64_t c = s.range(2);
  const Tensor x = clip(s), w = at::randn({8 * c, c}), b = at::randn({8 * c});
  for (auto _ : s) benchmark::DoNotOptimize(nn::linear_geglu(x, w, b));
  count(s, static_cast<double>(x.numel() * 8 * c));
}
BENCHMARK(LinearGeglu)->Apply(levels);

void Convolution(benchmark::State& s) {
  const at::NoGradGuard off;
  const std::int64_t c = s.range(2);
  const Tensor x = clip(s)[0], w = at::randn({c, c, 3, 3}), b = at::randn({c});
  for (auto _ : s) benchmark::DoNotOptimize(nn::conv2d(x, w, b, 1, 1, 1));
  count(s, static_cast<double>(x.numel() * 9 * c));
}
BENCHMARK(Convolution)->Apply(levels);

void ConvolutionOverFrames(benchmark::State& s) {
  const at::NoGradGuard off;
  const std::int64_t c = s.range(2);
  const Tensor x = clip(s).view({1, s.range(0), -1, c}), w = at::randn({c, c, 3, 1}), b = at::randn({c});
  for (auto _ : s) benchmark::DoNotOptimize(nn::conv2d(x, w, b, 1, 1, 0));
  count(s, static_cast<double>(x.numel() * 3 * c));
}
BENCHMARK(ConvolutionOverFrames)->Apply(levels);

void AttentionOverPositions(benchmark::State& s) {
  const at::NoGradGuard off;
  const std::int64_t c = s.range(2), heads = c / (c == 64 ? 32 : 64);
  const Tensor x = clip(s).view({s.range(0), -1, c});
  for (auto _ : s) benchmark::DoNotOptimize(nn::attend(x, x, x, heads));
  count(s, 2.0 * static_cast<double>(x.numel() * x.size(1)));
}
BENCHMARK(AttentionOverPositions)->Apply(levels);

void AttentionOverFrames(benchmark::State& s) {
  const at::NoGradGuard off;
  const std::int64_t c = s.range(2), heads = c / (c == 64 ? 32 : 64);
  const Tensor x = clip(s).view({1, s.range(0), -1, c});
  for (auto _ : s) benchmark::DoNotOptimize(nn::attend_frames(x, x, x, heads));
  s.SetBytesProcessed(s.iterations() * x.numel() * 16);
}
BENCHMARK(AttentionOverFrames)->Apply(levels);

void ResBlock(benchmark::State& s) {
  const at::NoGradGuard off;
  const std::int64_t c = s.range(2);
  nn::ResBlock block({.in = c, .out = c, .embedding = 4 * c, .norm_groups = c == 64 ? 8 : 32});
  initialise(block);
  nn::BlockContext ctx;
  ctx.embedding = at::randn({1, 1, 4 * c});
  const Tensor x = clip(s);
  for (auto _ : s) benchmark::DoNotOptimize(block.forward(x, ctx));
  count(s, static_cast<double>(x.numel() * 30 * c));
}
BENCHMARK(ResBlock)->Apply(levels);

void Transformer(benchmark::State& s, nn::Transformer::Kind kind) {
  const at::NoGradGuard off;
  const std::int64_t c = s.range(2), d = c == 64 ? 32 : 64;
  nn::Transformer block(kind, c, c / d, d, 64, c == 64 ? 8 : 32);
  initialise(block);
  nn::BlockContext ctx;
  ctx.context = at::randn({1, 1, 77, 64});
  const Tensor x = clip(s);
  for (auto _ : s) benchmark::DoNotOptimize(block.forward(x, ctx));
}
BENCHMARK_CAPTURE(Transformer, spatial, nn::Transformer::Kind::spatial)->Apply(levels);
BENCHMARK_CAPTURE(Transformer, temporal, nn::Transformer::Kind::temporal)->Apply(levels);

void Decode(benchmark::State& s) {
  const at::NoGradGuard off;
  vae::AutoencoderKl vae(
      {.channels = 16, .multipliers = {1, 2, 4, 4}, .blocks = 1, .resolution = 64, .norm_groups = 8});
  initialise(vae);
  const Tensor z = at::randn({1, 4, s.range(0), 8, 8});
  for (auto _ : s) benchmark::DoNotOptimize(vae.decode_frames(z, s.range(0)));
}
BENCHMARK(Decode)->ArgName("frames")->Arg(16)->Unit(benchmark::kMillisecond)->UseRealTime();

void Tokenize(benchmark::State& s) {
  const std::vector<std::string> prompts(static_cast<std::size_t>(s.range(0)),
                                         "a large red circle moving left quickly on a black background");
  for (auto _ : s) benchmark::DoNotOptimize(text::Tokenizer::clip().tokenize(prompts));
  s.SetItemsProcessed(s.iterations() * s.range(0));
}
BENCHMARK(Tokenize)->ArgName("prompts")->Arg(1)->Arg(1000);

const bool cached = (nn::cache_memory(true), true);

}  // namespace
