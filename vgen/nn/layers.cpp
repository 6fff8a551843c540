#include "vgen/nn/layers.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>

#include "vgen/nn/ops.hpp"

namespace vgen::nn {

static Tensor empty(at::IntArrayRef shape) { return at::empty(shape, at::kFloat); }

Linear::Linear(std::int64_t in, std::int64_t out, bool with_bias) {
  add_parameter("weight", weight, empty({out, in}));
  if (with_bias) add_parameter("bias", bias, empty({out}));
}
Tensor Linear::forward(const Tensor& x, const Tensor& residual) {
  return changed(x, linear(x, weight, bias, residual));
}
Tensor Linear::changed(const Tensor& x, Tensor y) const {
  for (const auto& delta : deltas) y = delta->apply(x, y);
  return y;
}

Conv2d::Conv2d(std::int64_t in, std::int64_t out, Conv2dOptions o) : options(o) {
  add_parameter("weight", weight, empty({out, in, o.kernel_h, o.kernel_w}));
  add_parameter("bias", bias, empty({out}));
}
Tensor Conv2d::forward(const Tensor& x) {
  return conv2d(x, weight, bias, options.stride, options.pad_h, options.pad_w);
}

GroupNorm::GroupNorm(std::int64_t g, std::int64_t channels, double e) : groups(g), eps(e) {
  VGEN_CHECK(g >= 1 && channels % g == 0, ConfigError, "group norm: ", channels, " channels do not divide into ", g,
             " groups");
  add_parameter("weight", weight, empty({channels}));
  add_parameter("bias", bias, empty({channels}));
}
Tensor GroupNorm::forward(const Tensor& x, bool silu) { return group_norm(x, weight, bias, groups, eps, silu); }

LayerNorm::LayerNorm(std::int64_t channels, double e) : eps(e) {
  add_parameter("weight", weight, empty({channels}));
  add_parameter("bias", bias, empty({channels}));
}
Tensor LayerNorm::forward(const Tensor& x) { return layer_norm(x, weight, bias, eps); }

}  // namespace vgen::nn
