// How the kernels are written: as bodies made of phases. All threads of a block finish a phase before any starts the
// next, so a body runs as a CUDA kernel (phases with a barrier between them) and, thread after thread, on the host,
// where the tests compare indices and arithmetic with ATen on machines without a GPU.
//
//   struct Body {
//     struct State {};                        // what a thread keeps from phase to phase
//     static constexpr int kPhases = 2;
//     Launch launch() const;
//     template <int P> VGEN_HOST_DEVICE void phase(std::int64_t block, int thread, State&, void* shared) const;
//   };
#pragma once
#include <cstddef>
#include <cstdint>

#ifdef __CUDACC__
#define VGEN_HOST_DEVICE __host__ __device__ __forceinline__
#define VGEN_UNROLL _Pragma("unroll")  // arrays indexed by the loop then stay in registers
#else
#define VGEN_HOST_DEVICE inline
#define VGEN_UNROLL
#endif

namespace vgen::cuda {

struct Launch {
  std::int64_t blocks;
  int threads;
  std::size_t shared;  // bytes
};
inline constexpr std::size_t kMaxShared = 48 << 10;  // what every device gives without asking

// V neighbouring elements, moved in one access.
template <class T, int V>
struct alignas(sizeof(T) * V) Pack {
  T value[V];
};
template <class T>
inline constexpr int kPack = 16 / sizeof(T);

template <int V, class T>
VGEN_HOST_DEVICE const Pack<T, V>& pack_at(const T* p) {
  return *reinterpret_cast<const Pack<T, V>*>(p);
}
template <int V, class T>
VGEN_HOST_DEVICE Pack<T, V>& pack_at(T* p) {
  return *reinterpret_cast<Pack<T, V>*>(p);
}

// How the threads of a block share the rows [first, first + rows) of c channels: `lanes` neighbours take one row,
// `row_lanes` rows at a time. A lane takes packs lane, lane + lanes, ...
struct Tile {
  int lanes, row_lanes, packs;
  static VGEN_HOST_DEVICE Tile of(std::int64_t c, int v) {
    constexpr int threads = 256;
    const int packs = static_cast<int>(c / v), lanes = packs < threads ? packs : threads;
    return {lanes, threads / lanes, packs};
  }
  VGEN_HOST_DEVICE int threads() const { return lanes * row_lanes; }
};

}  // namespace vgen::cuda
