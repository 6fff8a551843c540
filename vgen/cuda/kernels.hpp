// What libvgen_cuda.so offers: kernels of the network primitives on raw device pointers, sizes and a stream, so that
// its sources see no torch header and the library serves any torch. Channels are innermost, arithmetic is float32
// whatever the storage, sums run in a fixed order. nn/cuda_ops.cpp opens the library and calls them.
#pragma once
#include <cstdint>

namespace vgen::cuda {

enum class Type : std::int32_t { f32, bf16, f16 };

// y = group_norm(x), then SiLU if asked; x, y [n, s, c] dense, weight and bias [c]. `scratch` are the floats that
// group_norm_scratch asks for.
struct GroupNorm {
  Type type;
  bool silu;
  float eps;
  std::int64_t n, s, c, groups;
  const void *x, *weight, *bias;
  float* scratch;
  void* y;
};

// Over the last axis of x, y [rows, c] dense; weight and bias [c].
struct LayerNorm {
  Type type;
  float eps;
  std::int64_t rows, c;
  const void *x, *weight, *bias;
  void* y;
};

// y [rows, m] = x[:, :m] * gelu(x[:, m:]), exact (erf) GELU.
struct Geglu {
  Type type;
  std::int64_t rows, m;
  const void* x;
  void* y;
};

// A [b, f, s, heads*d] tensor by element strides; the last axis is contiguous.
struct View {
  void* data;
  std::int64_t b, f, s;
};
// y = softmax(scale q k^T) v over the frames of each position and head.
struct FrameAttention {
  Type type;
  float scale;
  std::int64_t b, f, s, heads, d;
  View q, k, v, y;
};
inline constexpr std::int64_t kMaxFrames = 32, kMinHead = 8, kMaxHead = 80;  // of FrameAttention; d a multiple of 8

// Functions return nullptr, or what is wrong in words. They use the current device and return before the work is done.
struct Table {
  std::int32_t version;
  std::int64_t (*group_norm_scratch)(const GroupNorm& a);
  const char* (*group_norm)(const GroupNorm& a, void* stream);
  const char* (*layer_norm)(const LayerNorm& a, void* stream);
  const char* (*geglu)(const Geglu& a, void* stream);
  const char* (*frame_attention)(const FrameAttention& a, void* stream);
};
inline constexpr std::int32_t kVersion = 1;
inline constexpr const char* kEntryPoint = "vgen_cuda_table";  // extern "C" const Table* vgen_cuda_table()

}  // namespace vgen::cuda
