// The transformers of the video UNet: a spatial one (self-attention inside each frame, cross-attention to the context)
// and a temporal one (two self-attentions over the frames at each position). ModelScopeT2V, Wang et al. 2023,
// section 3.2.
#pragma once
#include <memory>
#include <vector>

#include "vgen/nn/attention.hpp"

namespace vgen::nn {

// Gated feed-forward: Linear(D, 8D) -> a * gelu(g) -> Linear(4D, D).
class VGEN_API FeedForward : public Module {
 public:
  explicit FeedForward(std::int64_t channels);
  Tensor forward(const Tensor& x, const Tensor& residual = {});  // plus `residual`, where given
  Linear proj, out;
};

// A branch that an adapter attaches behind a sub-layer (adapters/). It sees the sub-layer's input x, before the norm,
// and its result y = x + f(norm(x)), both [B, F, S, D], and returns the new y (parallel: y + g(x); serial: y + g(y)).
class VGEN_API Branch {
 public:
  virtual ~Branch() = default;
  virtual Tensor apply(const Tensor& x, const Tensor& y, const BlockContext& ctx) = 0;
};
using Port = std::vector<std::shared_ptr<Branch>>;  // applied one after the other

// norm -> attn1, norm -> attn2, norm -> ff, each with a residual; [B, F, S, D]. Attention spatial: to the positions,
// then to the context; temporal: to the frames, twice; cross: to the context, twice.
class VGEN_API TransformerBlock : public Module {
 public:
  enum class Kind { spatial, temporal, cross };
  TransformerBlock(Kind kind, std::int64_t channels, std::int64_t heads, std::int64_t context_channels);
  Tensor forward(const Tensor& x, const BlockContext& ctx);
  Attention attn1;
  FeedForward ff;
  Attention attn2;
  LayerNorm norm1, norm2, norm3;
  Port after_attn1, after_attn2, after_ff;  // empty = nothing attached

 private:
  Kind kind_;
};

// group norm -> proj_in -> block -> proj_out, plus the input; [B, F, H, W, C]. The spatial norm is per frame, the
// temporal one over all frames.
class VGEN_API Transformer : public Module {
 public:
  using Kind = TransformerBlock::Kind;
  Transformer(Kind kind, std::int64_t channels, std::int64_t heads, std::int64_t head_channels,
              std::int64_t context_channels, std::int64_t norm_groups);
  Tensor forward(const Tensor& x, const BlockContext& ctx);
  GroupNorm norm;
  Linear proj_in;
  TransformerBlock block;
  Linear proj_out;

 private:
  Kind kind_;
};

}  // namespace vgen::nn
