// FrameMixer: the small transformer that lets a condition's frames see each other, at every position by itself.
#pragma once
#include <ATen/core/Generator.h>

#include <optional>

#include "vgen/nn/layers.hpp"

namespace vgen::unet {

// x + attention(norm(x)) over the frames with two heads as wide as x each, then x + mlp(x) without a norm:
// VideoComposer's condition encoder. x [B, F, H, W, C]. In training 5 % of the two branches' values are dropped.
class FrameMixer : public nn::Module {
 public:
  explicit FrameMixer(std::int64_t channels);
  Tensor forward(const Tensor& x, const std::optional<at::Generator>& generator = {});
  nn::LayerNorm norm;
  nn::Linear to_qkv, to_out, fc1, fc2;
};

}  // namespace vgen::unet
