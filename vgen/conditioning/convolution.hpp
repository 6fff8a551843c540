// The convolution of the annotators' networks: with stride, dilation, groups, transposed, with or without a bias.
// Images are [N, C, H, W] with channels-last memory, which is what nn/ops.hpp calls [N, H, W, C].
#pragma once
#include "vgen/nn/module.hpp"

namespace vgen::conditioning {

struct ConvolutionOptions {
  std::int64_t kernel = 3, stride = 1, pad = 1, dilation = 1, groups = 1;
  bool bias = true;
  bool transposed = false;  // weight [in, out, k, k] instead of [out, in / groups, k, k]
};

class VGEN_API Convolution : public nn::Module {
 public:
  Convolution(std::int64_t in, std::int64_t out, ConvolutionOptions options = {});
  Tensor forward(const Tensor& x);
  Tensor weight, bias;

 private:
  ConvolutionOptions options_;
};

// Bilinear resize of [N, C, H, W].
VGEN_API Tensor resize_bilinear(const Tensor& x, std::int64_t height, std::int64_t width, bool align_corners);

}  // namespace vgen::conditioning
