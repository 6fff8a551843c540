// Layer norm: 32 lanes a row; the mean first, then the variance around it.
#pragma once
#include <cmath>

#include "vgen/cuda/kernels.hpp"
#include "vgen/cuda/launch.hpp"

namespace vgen::cuda {

template <class T, int V>
struct LayerNormBody {
  LayerNorm a;
  struct State {
    float mean;
  };
  static constexpr int kPhases = 3, kLanes = 32, kRows = 4;
  Launch launch() const { return {(a.rows + kRows - 1) / kRows, kLanes * kRows, 2 * kLanes * kRows * sizeof(float)}; }

  static VGEN_HOST_DEVICE float total(const float* lanes) {
    float sum = 0;
    for (int i = 0; i < kLanes; i += 4) {
      const auto four = pack_at<4>(lanes + i);
      sum += (four.value[0] + four.value[1]) + (four.value[2] + four.value[3]);
    }
    return sum;
  }
  template <int P>
  VGEN_HOST_DEVICE void phase(std::int64_t block, int thread, State& state, void* memory) const {
    const int lane = thread % kLanes, local = thread / kLanes;
    const std::int64_t row = block * kRows + local;
    if (row >= a.rows) return;
    float *sums = static_cast<float*>(memory) + local * kLanes, *squares = sums + kLanes * kRows;
    const T* x = static_cast<const T*>(a.x) + row * a.c;
    const int packs = static_cast<int>(a.c / V);
    const float inverse = 1 / static_cast<float>(a.c);
    if constexpr (P == 0) {
      float sum = 0;
      for (int p = lane; p < packs; p += kLanes) {
        const Pack<T, V> from = pack_at<V>(x + p * V);
        for (int i = 0; i < V; ++i) sum += static_cast<float>(from.value[i]);
      }
      sums[lane] = sum;
    } else if constexpr (P == 1) {
      state.mean = total(sums) * inverse;
      float square = 0;
      for (int p = lane; p < packs; p += kLanes) {
        const Pack<T, V> from = pack_at<V>(x + p * V);
        for (int i = 0; i < V; ++i) {
          const float d = static_cast<float>(from.value[i]) - state.mean;
          square += d * d;
        }
      }
      squares[lane] = square;
    } else {
      const float rstd = 1 / sqrtf(total(squares) * inverse + a.eps);
      const T *w = static_cast<const T*>(a.weight), *b = static_cast<const T*>(a.bias);
      T* y = static_cast<T*>(a.y) + row * a.c;
      for (int p = lane; p < packs; p += kLanes) {
        const Pack<T, V> from = pack_at<V>(x + p * V), weight = pack_at<V>(w + p * V), bias = pack_at<V>(b + p * V);
        Pack<T, V> to;
        for (int i = 0; i < V; ++i)
          to.value[i] = static_cast<T>((static_cast<float>(from.value[i]) - state.mean) * rstd *
                                           static_cast<float>(weight.value[i]) +
                                       static_cast<float>(bias.value[i]));
        pack_at<V>(y + p * V) = to;
      }
    }
  }
};

}  // namespace vgen::cuda
