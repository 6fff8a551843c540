// libvgen_cuda.so: the bodies as CUDA kernels, and the table by which nn finds them.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <cstdint>
#include <initializer_list>
#include <type_traits>

#include "vgen/cuda/frame_attention.hpp"
#include "vgen/cuda/geglu.hpp"
#include "vgen/cuda/group_norm.hpp"
#include "vgen/cuda/layer_norm.hpp"

namespace vgen::cuda {
namespace {

template <int P, class Body>
__device__ __forceinline__ void run_phases(const Body& body, typename Body::State& state, void* shared) {
  if constexpr (P < Body::kPhases) {
    if constexpr (P > 0) __syncthreads();
    body.template phase<P>(blockIdx.x, threadIdx.x, state, shared);
    run_phases<P + 1>(body, state, shared);
  }
}

template <class Body>
__global__ void run(const __grid_constant__ Body body) {
  extern __shared__ __align__(16) unsigned char shared[];
  typename Body::State state;
  run_phases<0>(body, state, shared);
}

const char* text_of(cudaError_t error) { return error == cudaSuccess ? nullptr : cudaGetErrorString(error); }

template <class Body>
const char* launch(const Body& body, void* stream) {
  const Launch l = body.launch();
  if (l.shared > kMaxShared) return "too many channels for the shared memory of a block";
  if (l.blocks > INT32_MAX) return "too many blocks";
  run<<<static_cast<unsigned>(l.blocks), l.threads, l.shared, static_cast<cudaStream_t>(stream)>>>(body);
  return text_of(cudaGetLastError());
}

// f(T()) with the storage type.
template <class F>
const char* with_type(Type type, const F& f) {
  switch (type) {
    case Type::f32:
      return f(float());
    case Type::bf16:
      return f(__nv_bfloat16());
    case Type::f16:
      return f(__half());
  }
  return "unknown storage type";
}

// Whether rows of c elements can be moved in packs of 16 bytes.
template <class T>
bool packs(std::int64_t c, std::initializer_list<const void*> pointers) {
  if (c % kPack<T> != 0) return false;
  for (const void* p : pointers)
    if (reinterpret_cast<std::uintptr_t>(p) % 16 != 0) return false;
  return true;
}

std::int64_t group_norm_scratch(const GroupNorm& a) { return GroupNormPlan::of(a).scratch(a); }

const char* group_norm(const GroupNorm& a, void* stream) {
  if (a.n < 1 || a.s < 1 || a.groups < 1 || a.c < 1 || a.c % a.groups != 0) return "group_norm: sizes do not fit";
  return with_type(a.type, [&]<class T>(T) {
    const auto passes = [&]<int V>(std::integral_constant<int, V>) {
      if (const char* e = launch(GroupNormSums<T, V>(a), stream)) return e;
      if (const char* e = launch(GroupNormFinish<T>(a), stream)) return e;
      return launch(GroupNormApply<T, V>(a), stream);
    };
    return packs<T>(a.c, {a.x, a.y}) ? passes(std::integral_constant<int, kPack<T>>())
                                     : passes(std::integral_constant<int, 1>());
  });
}

const char* layer_norm(const LayerNorm& a, void* stream) {
  if (a.rows < 1 || a.c < 1) return "layer_norm: sizes do not fit";
  return with_type(a.type, [&]<class T>(T) {
    return packs<T>(a.c, {a.x, a.y, a.weight, a.bias}) ? launch(LayerNormBody<T, kPack<T>>{a}, stream)
                                                       : launch(LayerNormBody<T, 1>{a}, stream);
  });
}

const char* geglu(const Geglu& a, void* stream) {
  if (a.rows < 1 || a.m < 1) return "geglu: sizes do not fit";
  return with_type(a.type, [&]<class T>(T) {
    return packs<T>(a.m, {a.x, a.y}) ? launch(GegluBody<T, kPack<T>>(a), stream) : launch(GegluBody<T, 1>(a), stream);
  });
}

const char* frame_attention(const FrameAttention& a, void* stream) {
  if (a.b < 1 || a.s < 1 || a.heads < 1 || a.f < 1 || a.f > kMaxFrames || a.d < kMinHead || a.d > kMaxHead ||
      a.d % 8 != 0)
    return "frame_attention: sizes do not fit";
  return with_type(a.type, [&]<class T>(T) -> const char* {
    for (const View* v : {&a.q, &a.k, &a.v, &a.y})
      if (!packs<T>(v->b, {v->data}) || !packs<T>(v->f, {}) || !packs<T>(v->s, {}))
        return "frame_attention: rows are not aligned to 16 bytes";
    if (a.d <= 16) return launch(FrameAttentionBody<T, 16>(a), stream);
    if (a.d <= 32) return launch(FrameAttentionBody<T, 32>(a), stream);
    if (a.d <= 48) return launch(FrameAttentionBody<T, 48>(a), stream);
    if (a.d <= 64) return launch(FrameAttentionBody<T, 64>(a), stream);
    return launch(FrameAttentionBody<T, 80>(a), stream);
  });
}

constexpr Table kTable = {kVersion, group_norm_scratch, group_norm, layer_norm, geglu, frame_attention};

}  // namespace
}  // namespace vgen::cuda

extern "C" __attribute__((visibility("default"))) const vgen::cuda::Table* vgen_cuda_table() {
  return &vgen::cuda::kTable;
}
