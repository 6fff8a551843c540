// Pictures as networks were trained on them: their channels shifted and scaled.
#pragma once
#include <ATen/TensorOperators.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/tensor.h>

#include <array>

#include "vgen/tensor/tensor.hpp"

namespace vgen::conditioning {

struct ChannelStatistics {
  std::array<double, 3> mean, deviation;  // of red, green, blue in [0, 1]
};
// Of CLIP's pictures, of ImageNet's, and what turns [0, 1] into [-1, 1].
inline constexpr ChannelStatistics clip_statistics{{0.48145466, 0.4578275, 0.40821073},
                                                   {0.26862954, 0.26130258, 0.27577711}};
inline constexpr ChannelStatistics imagenet_statistics{{0.485, 0.456, 0.406}, {0.229, 0.224, 0.225}};
inline constexpr ChannelStatistics symmetric_statistics{{0.5, 0.5, 0.5}, {0.5, 0.5, 0.5}};

// (x - mean) / deviation per channel; x [n, 3, h, w], first limited to [0, 1], as the reference does. ShapeError.
inline Tensor normalise(const Tensor& x, const ChannelStatistics& s) {
  expect_shape(x, "normalise", "picture", {-1, 3, -1, -1});
  const auto channels = [&](const std::array<double, 3>& v) {
    return at::tensor(at::ArrayRef<double>(v), at::kDouble).to(x.options()).view({1, 3, 1, 1});
  };
  return (at::clamp(x, 0, 1) - channels(s.mean)) / channels(s.deviation);
}

}  // namespace vgen::conditioning
