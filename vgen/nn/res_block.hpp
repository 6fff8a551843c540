// Residual block of the video UNet: two spatial convolutions with the time embedding between them, then a temporal one.
#pragma once
#include "vgen/nn/block.hpp"
#include "vgen/nn/layers.hpp"

namespace vgen::nn {

// Four stages of group norm (over all frames) -> SiLU -> dropout (not in the first) -> convolution (3,1,1), plus the
// input.
class VGEN_API TemporalConv : public Module {
 public:
  TemporalConv(std::int64_t channels, std::int64_t norm_groups, double dropout);
  Tensor forward(const Tensor& x, const BlockContext& ctx);  // [B, F, H, W, C]

 private:
  class Stage : public Module {
   public:
    Stage(std::int64_t channels, std::int64_t norm_groups);
    GroupNorm norm;
    Conv2d conv;  // kernel (3, 1) over [B, F, H W, C]
  };
  ModuleList<Stage> stages_;
  double dropout_;
};

struct ResBlockOptions {
  std::int64_t in = 320, out = 320, embedding = 1280, norm_groups = 32;
  double dropout = 0.1, temporal_dropout = 0.1;
};

class VGEN_API ResBlock : public Module {
 public:
  explicit ResBlock(const ResBlockOptions& options);
  Tensor forward(const Tensor& x, const BlockContext& ctx);  // [B, F, H, W, in] -> [B, F, H, W, out]

 private:
  GroupNorm norm1_;
  Conv2d conv1_;
  Linear emb_;
  GroupNorm norm2_;
  Conv2d conv2_;
  std::unique_ptr<Linear> skip_;  // a 1x1 convolution where the width changes
  TemporalConv temporal_;
  double dropout_;
};

}  // namespace vgen::nn
