// The device-dispatched primitives of the networks, all on tensors whose channels are innermost. Differentiable.
#pragma once
#include "vgen/tensor/tensor.hpp"

namespace vgen::nn {

// silu(group_norm(x)) or group_norm(x); x [N, S.., C], weight and bias [C]. `added` [N, C], where given, is added to
// every position of x first.
VGEN_API Tensor group_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, std::int64_t groups, double eps,
                           bool silu, const Tensor& added = {});

// x [.., in] * weight [out, in]^T + bias; `residual`, where given, has the shape of the result and is added to it.
VGEN_API Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& residual = {});

// geglu(linear(x)).
VGEN_API Tensor linear_geglu(const Tensor& x, const Tensor& weight, const Tensor& bias);

// [N, H, W, Cin] * weight [Cout, Cin, kh, kw] -> [N, H', W', Cout]; `residual` as in linear.
VGEN_API Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, std::int64_t stride,
                       std::int64_t pad_h, std::int64_t pad_w, const Tensor& residual = {});

// softmax(q k^T / sqrt(d)) v with `heads` heads; q [N, Lq, heads*d], k and v [N, Lk, heads*d] (head-major channels).
VGEN_API Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v, std::int64_t heads, bool causal = false);

// The same over the frame axis: q, k, v [B, F, S, heads*d]; every position s attends over its F frames.
VGEN_API Tensor attend_frames(const Tensor& q, const Tensor& k, const Tensor& v, std::int64_t heads);

// Over the last axis; weight and bias [C].
VGEN_API Tensor layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps);

// a * gelu(g) with x = [a | g] along the last axis, exact (erf) GELU.
VGEN_API Tensor geglu(const Tensor& x);

// Nearest-neighbour enlargement by 2 of [N, H, W, C].
VGEN_API Tensor upsample2x(const Tensor& x);

}  // namespace vgen::nn
