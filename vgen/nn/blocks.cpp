// Sources of attention.hpp, transformer.hpp, res_block.hpp, embedding.hpp, dropout.hpp: together, because parsing
// ATen's headers costs more than compiling all of them.
#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/bernoulli.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/pow.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/sin.h>
#include <ATen/ops/zeros.h>

#include "vgen/nn/attention.hpp"
#include "vgen/nn/dropout.hpp"
#include "vgen/nn/embedding.hpp"
#include "vgen/nn/ops.hpp"
#include "vgen/nn/res_block.hpp"
#include "vgen/nn/transformer.hpp"
#include "vgen/tensor/random.hpp"

namespace vgen::nn {

Tensor dropout(const Tensor& x, double p, bool training, const std::optional<at::Generator>& generator) {
  if (!training || p == 0) return x;
  const Tensor mask = at::empty_like(x);
  if (generator)
    mask.bernoulli_(1 - p, generator_on(x.device(), *generator));
  else
    mask.bernoulli_(1 - p);
  return x * mask.div_(1 - p);
}

// ---- embeddings ----

Tensor sinusoidal_embedding(const Tensor& v, std::int64_t dim) {
  const std::int64_t half = dim / 2;
  const auto like = at::TensorOptions().dtype(at::kFloat).device(v.device());
  const Tensor frequency = at::pow(10000.0, at::arange(half, like).div(static_cast<double>(half)).neg());
  const Tensor argument = at::outer(v.to(at::kFloat), frequency);
  std::vector<Tensor> parts{argument.cos(), argument.sin()};
  if (dim % 2) parts.push_back(at::zeros({v.size(0), 1}, like));
  return at::cat(parts, 1);
}

EmbeddingMlp::EmbeddingMlp(std::int64_t in, std::int64_t hidden, std::int64_t out) : fc1(in, hidden), fc2(hidden, out) {
  add_child("fc1", fc1);
  add_child("fc2", fc2);
}
Tensor EmbeddingMlp::forward(const Tensor& x) { return fc2.forward(at::silu(fc1.forward(x))); }

// residual + layer(x), in one pass where the primitives can.
static Tensor plus(const Tensor& residual, Linear& layer, const Tensor& x) { return layer.forward(x, residual); }
static Tensor plus(const Tensor& residual, Conv2d& layer, const Tensor& x) {
  const Conv2dOptions& o = layer.options;
  return conv2d(x, layer.weight, layer.bias, o.stride, o.pad_h, o.pad_w, residual);
}

// ---- attention ----

Attention::Attention(std::int64_t query_channels, std::int64_t context_channels, std::int64_t heads,
                     std::int64_t head_channels)
    : to_q(query_channels, heads * head_channels, false),
      to_k(context_channels, heads * head_channels, false),
      to_v(context_channels, heads * head_channels, false),
      to_out(heads * head_channels, query_channels),
      heads_(heads) {
  add_child("to_q", to_q);
  add_child("to_k", to_k);
  add_child("to_v", to_v);
  add_child("to_out", to_out);
}

Tensor Attention::over_positions(const Tensor& x, const Tensor& residual) {
  const Tensor images = x.flatten(0, 1);
  const Tensor y = attend(to_q.forward(images), to_k.forward(images), to_v.forward(images), heads_);
  return plus(residual, to_out, y.view({x.size(0), x.size(1), x.size(2), y.size(2)}));
}
Tensor Attention::over_frames(const Tensor& x, const Tensor& residual) {
  return plus(residual, to_out, attend_frames(to_q.forward(x), to_k.forward(x), to_v.forward(x), heads_));
}

Tensor Attention::over_context(const Tensor& x, const BlockContext& ctx, const Tensor& residual) {
  const std::int64_t b = x.size(0), f = x.size(1), s = x.size(2), groups = ctx.context.size(1),
                     length = ctx.context.size(2);
  const Tensor tokens = ctx.context.reshape({b * groups, length, -1});
  Tensor k, v;
  const auto cached = ctx.cache ? ctx.cache->find(this) : ContextCache::iterator{};
  if (ctx.cache && cached != ctx.cache->end()) {
    std::tie(k, v) = cached->second;
  } else {
    k = linear(tokens, to_k.weight, to_k.bias);
    v = linear(tokens, to_v.weight, to_v.bias);
    if (ctx.cache) ctx.cache->emplace(this, std::pair{k, v});
  }
  k = to_k.changed(tokens, k);  // deltas may change from step to step: they are not cached
  v = to_v.changed(tokens, v);
  // All frames of a clip share the tokens, so their queries are one long sequence: nothing is repeated.
  const Tensor q = to_q.forward(x).view({b * groups, f / groups * s, -1});
  return plus(residual, to_out, attend(q, k, v, heads_).view({b, f, s, -1}));
}

// ---- transformers ----

FeedForward::FeedForward(std::int64_t channels) : proj(channels, 8 * channels), out(4 * channels, channels) {
  add_child("proj", proj);
  add_child("out", out);
}
Tensor FeedForward::forward(const Tensor& x, const Tensor& residual) {
  const Tensor h = proj.deltas.empty() ? linear_geglu(x, proj.weight, proj.bias) : geglu(proj.forward(x));
  return plus(residual, out, h);
}

TransformerBlock::TransformerBlock(Kind kind, std::int64_t channels, std::int64_t heads, std::int64_t context_channels)
    : attn1(channels, kind == Kind::cross ? context_channels : channels, heads, channels / heads),
      ff(channels),
      attn2(channels, kind == Kind::temporal ? channels : context_channels, heads, channels / heads),
      norm1(channels),
      norm2(channels),
      norm3(channels),
      kind_(kind) {
  add_child("attn1", attn1);
  add_child("ff", ff);
  add_child("attn2", attn2);
  add_child("norm1", norm1);
  add_child("norm2", norm2);
  add_child("norm3", norm3);
}

Tensor TransformerBlock::forward(const Tensor& x0, const BlockContext& ctx) {
  const auto through = [&](const Port& port, const Tensor& x, Tensor y) {
    for (const auto& branch : port) y = branch->apply(x, y, ctx);
    return y;
  };
  Tensor h = norm1.forward(x0);
  const Tensor y1 = kind_ == Kind::spatial    ? attn1.over_positions(h, x0)
                    : kind_ == Kind::temporal ? attn1.over_frames(h, x0)
                                              : attn1.over_context(h, ctx, x0);
  const Tensor x1 = through(after_attn1, x0, y1);
  h = norm2.forward(x1);
  const Tensor y2 = kind_ == Kind::temporal ? attn2.over_frames(h, x1) : attn2.over_context(h, ctx, x1);
  const Tensor x2 = through(after_attn2, x1, y2);
  return through(after_ff, x2, ff.forward(norm3.forward(x2), x2));
}

static constexpr double kTransformerNormEps = 1e-6;  // every other norm uses 1e-5

Transformer::Transformer(Kind kind, std::int64_t channels, std::int64_t heads, std::int64_t head_channels,
                         std::int64_t context_channels, std::int64_t norm_groups)
    : norm(norm_groups, channels, kTransformerNormEps),
      proj_in(channels, heads * head_channels),
      block(kind, heads * head_channels, heads, context_channels),
      proj_out(heads * head_channels, channels),
      kind_(kind) {
  add_child("norm", norm);
  add_child("proj_in", proj_in);
  add_child("block", block);
  add_child("proj_out", proj_out);
}

Tensor Transformer::forward(const Tensor& x, const BlockContext& ctx) {
  if (kind_ == Kind::temporal && !ctx.temporal) return x;
  const std::int64_t b = x.size(0), f = x.size(1), h = x.size(2), w = x.size(3), c = x.size(4);
  const Tensor normed =
      kind_ == Kind::spatial ? norm.forward(x.view({b * f, h * w, c})) : norm.forward(x.view({b, f * h * w, c}));
  const Tensor y = block.forward(proj_in.forward(normed.view({b, f, h * w, c})), ctx);
  return plus(x.view({b, f, h * w, c}), proj_out, y).view(x.sizes());
}

// ---- residual block ----

TemporalConv::Stage::Stage(std::int64_t channels, std::int64_t norm_groups)
    : norm(norm_groups, channels, 1e-5),
      conv(channels, channels, {.kernel_h = 3, .kernel_w = 1, .pad_h = 1, .pad_w = 0}) {
  add_child("norm", norm);
  add_child("conv", conv);
}
TemporalConv::TemporalConv(std::int64_t channels, std::int64_t norm_groups, double dropout) : dropout_(dropout) {
  for (int i = 0; i < 4; ++i) add_child(std::to_string(i), stages_.emplace(channels, norm_groups));
}
Tensor TemporalConv::forward(const Tensor& x, const BlockContext& ctx) {
  if (!ctx.temporal) return x;
  const std::int64_t b = x.size(0), f = x.size(1), s = x.size(2) * x.size(3), c = x.size(4);
  Tensor h = x.view({b, f, s, c});
  for (std::size_t i = 0; i < stages_.size(); ++i) {
    h = stages_[i].norm.forward(h, /*silu=*/true);
    if (i > 0) h = dropout(h, dropout_, training(), ctx.dropout);
    h = plus(i + 1 == stages_.size() ? x.view({b, f, s, c}) : Tensor(), stages_[i].conv, h);
  }
  return h.view(x.sizes());
}

ResBlock::ResBlock(const ResBlockOptions& o)
    : norm1_(o.norm_groups, o.in, 1e-5),
      conv1_(o.in, o.out),
      emb_(o.embedding, o.out),
      norm2_(o.norm_groups, o.out, 1e-5),
      conv2_(o.out, o.out),
      skip_(o.in == o.out ? nullptr : std::make_unique<Linear>(o.in, o.out)),
      temporal_(o.out, o.norm_groups, o.temporal_dropout),
      dropout_(o.dropout) {
  add_child("norm1", norm1_);
  add_child("conv1", conv1_);
  add_child("emb", emb_);
  add_child("norm2", norm2_);
  add_child("conv2", conv2_);
  if (skip_) add_child("skip", *skip_);
  add_child("temporal", temporal_);
}

Tensor ResBlock::forward(const Tensor& x, const BlockContext& ctx) {
  const std::int64_t b = x.size(0), f = x.size(1), height = x.size(2), width = x.size(3);
  const auto images = [&](const Tensor& t) { return t.view({b * f, height, width, t.size(-1)}); };
  const auto clip = [&](const Tensor& t) { return t.view({b, f, height, width, t.size(-1)}); };
  Tensor h = conv1_.forward(norm1_.forward(images(x), true));
  const Tensor shift = emb_.forward(ctx.embedding).expand({b, f, h.size(-1)}).reshape({b * f, h.size(-1)});
  h = group_norm(h, norm2_.weight, norm2_.bias, norm2_.groups, norm2_.eps, /*silu=*/true, shift);
  h = dropout(h, dropout_, training(), ctx.dropout);
  const Tensor y = clip(plus(skip_ ? Tensor() : images(x), conv2_, h));
  return temporal_.forward(skip_ ? plus(y, *skip_, x) : y, ctx);
}

}  // namespace vgen::nn
