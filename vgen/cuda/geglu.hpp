// GEGLU (Shazeer 2020): a * gelu(g) in one pass over x = [a | g].
#pragma once
#include <cmath>

#include "vgen/cuda/kernels.hpp"
#include "vgen/cuda/launch.hpp"

namespace vgen::cuda {

template <class T, int V>
struct GegluBody {
  Geglu a;
  Tile tile;
  explicit GegluBody(const Geglu& args) : a(args), tile(Tile::of(args.m, V)) {}
  struct State {};
  static constexpr int kPhases = 1, kSteps = 4;  // rows of a thread
  VGEN_HOST_DEVICE std::int64_t rows() const { return static_cast<std::int64_t>(tile.row_lanes) * kSteps; }
  Launch launch() const { return {(a.rows + rows() - 1) / rows(), tile.threads(), 0}; }
  template <int P>
  VGEN_HOST_DEVICE void phase(std::int64_t block, int thread, State&, void*) const {
    const int lane = thread % tile.lanes, row_lane = thread / tile.lanes;
    for (int step = 0; step < kSteps; ++step) {
      const std::int64_t row = block * rows() + step * tile.row_lanes + row_lane;
      if (row >= a.rows) return;
      const T* x = static_cast<const T*>(a.x) + row * 2 * a.m;
      T* y = static_cast<T*>(a.y) + row * a.m;
      for (int p = lane; p < tile.packs; p += tile.lanes) {
        const Pack<T, V> value = pack_at<V>(x + p * V), gate = pack_at<V>(x + a.m + p * V);
        Pack<T, V> to;
        for (int i = 0; i < V; ++i) {
          const float g = static_cast<float>(gate.value[i]);
          to.value[i] =
              static_cast<T>(static_cast<float>(value.value[i]) * 0.5f * g * (1 + erff(g * 0.70710678118654752f)));
        }
        pack_at<V>(y + p * V) = to;
      }
    }
  }
};

}  // namespace vgen::cuda
