// 3x3 convolutions of float32 images on the CPU with 4/9 of the multiplications: F(2x2, 3x3) of Lavin and Gray 2016,
// "Fast Algorithms for Convolutional Neural Networks". The same function in real arithmetic; rounding differs by about
// 1e-6 of the largest output. Internal to nn.
#pragma once
#include "vgen/tensor/tensor.hpp"

namespace vgen::nn {

// Is it the faster form? x [N, H, W, in], weight [out, in, 3, 3]. The number of images plays no part, so that a clip
// gives the same values whole and in chunks.
bool has_winograd(const Tensor& x, const Tensor& weight, const Tensor& bias);

// Stride 1, padding 1, [N, H, W, out]; plus bias and `residual` of that shape where defined. Keeps no graph.
Tensor winograd_conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& residual);

}  // namespace vgen::nn
