#include "vgen/conditioning/convolution.hpp"

#include <ATen/ops/conv2d.h>
#include <ATen/ops/conv_transpose2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/upsample_bilinear2d.h>

namespace vgen::conditioning {

Convolution::Convolution(std::int64_t in, std::int64_t out, ConvolutionOptions o) : options_(o) {
  const std::int64_t rows = o.transposed ? in : out, columns = o.transposed ? out : in / o.groups;
  add_parameter("weight", weight, at::empty({rows, columns, o.kernel, o.kernel}, at::kFloat));
  if (o.bias) add_parameter("bias", bias, at::empty({out}, at::kFloat));
}

Tensor Convolution::forward(const Tensor& x) {
  const auto& o = options_;
  if (o.transposed)
    return at::conv_transpose2d(x, weight, bias, {o.stride, o.stride}, {o.pad, o.pad}, {0, 0}, o.groups,
                                {o.dilation, o.dilation});
  return at::conv2d(x, weight, bias, {o.stride, o.stride}, {o.pad, o.pad}, {o.dilation, o.dilation}, o.groups);
}

Tensor resize_bilinear(const Tensor& x, std::int64_t height, std::int64_t width, bool align_corners) {
  return at::upsample_bilinear2d(x, {height, width}, align_corners);
}

}  // namespace vgen::conditioning
