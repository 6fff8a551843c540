#include "vgen/nn/layers.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>

#include "vgen/nn/ops.hpp"

namespace vgen::nn {

static Tensor empty(at::IntArrayRef shape) { return at::empty(shape, at::kFloat); }

Linear::Linear(std::int64_t in, std::int64_t out, bool with_bias) {
  add_parameter("weight", weight, empty({out, in}));
  if (with_bias) add_parameter("bias", bias, empty({out}));
}
Tensor Linear::forward(const Tensor& x) {
  Tensor y = at::linear(x, weight, bias);
  for (const auto& delta : deltas) y = y + delta->apply(x);
  return y;
}

Tensor joined(const Tensor& x, std::initializer_list<Linear*> layers) {
  static std::mutex mutex;
  std::vector<Tensor> weights;
  bool frozen = true, adjacent = true;
  {
    const std::lock_guard lock(mutex);
    std::int64_t rows = 0;
    const Tensor& first = (*layers.begin())->weight;
    for (const Linear* l : layers) {
      frozen = frozen && !l->weight.requires_grad();
      adjacent = adjacent && l->weight.is_contiguous() && l->weight.is_alias_of(first) &&
                 l->weight.storage_offset() == first.storage_offset() + rows * first.size(1);
      rows += l->weight.size(0);
      weights.push_back(l->weight);
    }
    if (frozen && adjacent) return at::linear(x, first.as_strided({rows, first.size(1)}, {first.size(1), 1}));
    if (frozen) {
      const Tensor all = at::cat(weights, 0);
      rows = 0;
      for (Linear* l : layers) {
        const std::int64_t n = l->weight.size(0);
        l->weight.set_data(all.narrow(0, rows, n));
        rows += n;
      }
      return at::linear(x, all);
    }
  }
  return at::linear(x, at::cat(weights, 0));
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
