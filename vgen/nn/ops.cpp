#include "vgen/nn/ops.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/silu.h>

namespace vgen::nn {

Tensor group_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, std::int64_t groups, double eps, bool silu) {
  const std::int64_t n = x.size(0), c = x.size(-1);
  const Tensor image = x.reshape({n, -1, 1, c}).permute({0, 3, 1, 2});
  Tensor y = at::group_norm(image, groups, weight, bias, eps, /*cudnn_enabled=*/false);
  if (silu) y = at::silu(y);
  return y.permute({0, 2, 3, 1}).reshape(x.sizes());
}

Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, std::int64_t stride, std::int64_t pad_h, std::int64_t pad_w) {
  const Tensor image = x.permute({0, 3, 1, 2});
  const Tensor y = at::conv2d(image, weight, bias, {stride, stride}, {pad_h, pad_w});
  return y.permute({0, 2, 3, 1}).contiguous();
}

static Tensor split_heads(const Tensor& x, std::int64_t heads) {
  return x.view({x.size(0), x.size(1), heads, x.size(2) / heads}).transpose(1, 2);
}

Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v, std::int64_t heads, bool causal) {
  const Tensor y = at::scaled_dot_product_attention(split_heads(q, heads), split_heads(k, heads), split_heads(v, heads), {}, 0.0, causal);
  return y.transpose(1, 2).reshape(q.sizes());
}

Tensor attend_frames(const Tensor& q, const Tensor& k, const Tensor& v, std::int64_t heads) {
  const std::int64_t b = q.size(0), f = q.size(1), s = q.size(2), c = q.size(3);
  const auto fold = [&](const Tensor& x) {  // [b s, heads, f, d]
    return x.view({b, f, s, heads, c / heads}).permute({0, 2, 3, 1, 4}).reshape({b * s, heads, f, c / heads});
  };
  const Tensor y = at::scaled_dot_product_attention(fold(q), fold(k), fold(v));
  return y.view({b, s, heads, f, c / heads}).permute({0, 3, 1, 2, 4}).reshape({b, f, s, c});
}

Tensor geglu(const Tensor& x) {
  const auto parts = x.chunk(2, -1);
  return parts[0] * at::gelu(parts[1]);
}

Tensor upsample2x(const Tensor& x) {
  const std::int64_t n = x.size(0), h = x.size(1), w = x.size(2), c = x.size(3);
  return x.view({n, h, 1, w, 1, c}).expand({n, h, 2, w, 2, c}).reshape({n, 2 * h, 2 * w, c});
}

}  // namespace vgen::nn
