// Multi-head attention with separate projections (Vaswani et al. 2017, eq. 1), over positions, frames or context
// tokens.
#pragma once
#include "vgen/nn/block.hpp"
#include "vgen/nn/layers.hpp"

namespace vgen::nn {

class VGEN_API Attention : public Module {
 public:
  // query_channels -> heads * head_channels -> query_channels; keys and values come from context_channels.
  Attention(std::int64_t query_channels, std::int64_t context_channels, std::int64_t heads, std::int64_t head_channels);
  // All add `residual`, where given, to the result.
  Tensor over_positions(const Tensor& x, const Tensor& residual = {});  // [B, F, S, C], over S
  Tensor over_frames(const Tensor& x, const Tensor& residual = {});     // [B, F, S, C], over F
  // x [B, F, S, C]; ctx.context [B, 1 or F, L, D]
  Tensor over_context(const Tensor& x, const BlockContext& ctx, const Tensor& residual = {});
  Linear to_q, to_k, to_v, to_out;

 private:
  std::int64_t heads_;
};

}  // namespace vgen::nn
