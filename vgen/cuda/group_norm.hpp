// Group norm with channels innermost: sums of chunks of rows, statistics of each group, y = act(x*a + b).
#pragma once
#include <cmath>

#include "vgen/cuda/kernels.hpp"
#include "vgen/cuda/launch.hpp"

namespace vgen::cuda {

// Chunks depend on the shape alone, so equal inputs give equal bits.
struct GroupNormPlan {
  std::int64_t rows, chunks;  // rows of a chunk, chunks of a sample
  static VGEN_HOST_DEVICE GroupNormPlan of(const GroupNorm& a) {
    constexpr std::int64_t kLeast = 64, kBlocks = 512;  // enough rows to pay for a block; enough blocks to fill a GPU
    const std::int64_t per_sample = (kBlocks + a.n - 1) / a.n, even = (a.s + per_sample - 1) / per_sample;
    const std::int64_t rows = even > kLeast ? even : kLeast;
    return {rows, (a.s + rows - 1) / rows};
  }
  // Floats: sums and squares [n, chunks, 2, c], then a and b [n, 2, c].
  VGEN_HOST_DEVICE std::int64_t scratch(const GroupNorm& a) const { return a.n * (chunks + 1) * 2 * a.c; }
};

template <class T, int V>
struct GroupNormRows {  // what the passes over x share
  GroupNorm a;
  GroupNormPlan plan;
  Tile tile;
  explicit GroupNormRows(const GroupNorm& args) : a(args), plan(GroupNormPlan::of(args)), tile(Tile::of(args.c, V)) {}
  VGEN_HOST_DEVICE std::int64_t sample(std::int64_t block) const { return block / plan.chunks; }
  VGEN_HOST_DEVICE std::int64_t first(std::int64_t block) const { return block % plan.chunks * plan.rows; }
  VGEN_HOST_DEVICE std::int64_t end(std::int64_t block) const {
    const std::int64_t e = first(block) + plan.rows;
    return e < a.s ? e : a.s;
  }
  VGEN_HOST_DEVICE const T* x(std::int64_t sample, std::int64_t row, std::int64_t channel) const {
    return static_cast<const T*>(a.x) + (sample * a.s + row) * a.c + channel;
  }
  VGEN_HOST_DEVICE float* totals(std::int64_t sample, std::int64_t chunk) const {
    return a.scratch + (sample * plan.chunks + chunk) * 2 * a.c;
  }
  VGEN_HOST_DEVICE float* scales(std::int64_t sample) const {
    return a.scratch + (a.n * plan.chunks + sample) * 2 * a.c;
  }
};

// Per chunk and channel: the sum of x minus the channel's first value, and of its square. The shift keeps float32
// sums exact enough where the mean is far from zero.
template <class T, int V>
struct GroupNormSums : GroupNormRows<T, V> {
  using GroupNormRows<T, V>::GroupNormRows;
  struct State {};
  static constexpr int kPhases = 2;
  Launch launch() const {
    const std::size_t shared = static_cast<std::size_t>(this->tile.row_lanes) * 2 * this->a.c * sizeof(float);
    return {this->a.n * this->plan.chunks, this->tile.threads(), shared};
  }
  template <int P>
  VGEN_HOST_DEVICE void phase(std::int64_t block, int thread, State&, void* memory) const {
    const auto& t = this->tile;
    const std::int64_t c = this->a.c, sample = this->sample(block);
    float* shared = static_cast<float*>(memory);  // [row_lanes, 2, c]
    if constexpr (P == 0) {
      const int lane = thread % t.lanes, row_lane = thread / t.lanes;
      for (int p = lane; p < t.packs; p += t.lanes) {
        const Pack<T, V> shift = pack_at<V>(this->x(sample, 0, p * V));
        float sum[V] = {}, square[V] = {};
        for (std::int64_t row = this->first(block) + row_lane; row < this->end(block); row += t.row_lanes) {
          const Pack<T, V> x = pack_at<V>(this->x(sample, row, p * V));
          for (int i = 0; i < V; ++i) {
            const float d = static_cast<float>(x.value[i]) - static_cast<float>(shift.value[i]);
            sum[i] += d;
            square[i] += d * d;
          }
        }
        float* to = shared + row_lane * 2 * c + p * V;
        for (int i = 0; i < V; ++i) to[i] = sum[i], to[c + i] = square[i];
      }
    } else {
      float* to = this->totals(sample, block % this->plan.chunks);
      for (int j = thread; j < 2 * c; j += t.threads()) {
        float sum = 0;
        for (int r = 0; r < t.row_lanes; ++r) sum += shared[r * 2 * c + j];
        to[j] = sum;
      }
    }
  }
};

// One block a sample and group: mean and variance in float64, then a = w*rstd and b = bias - mean*a of its channels.
template <class T>
struct GroupNormFinish : GroupNormRows<T, 1> {
  using GroupNormRows<T, 1>::GroupNormRows;
  struct State {};
  static constexpr int kPhases = 4, kThreads = 128;
  VGEN_HOST_DEVICE int width() const { return static_cast<int>(this->a.c / this->a.groups); }
  VGEN_HOST_DEVICE int lanes() const { return width() < kThreads ? kThreads / width() : 1; }  // chunks at a time
  Launch launch() const {
    const std::size_t doubles = static_cast<std::size_t>(lanes()) * 2 * width() + 2;
    return {this->a.n * this->a.groups, kThreads, doubles * sizeof(double)};
  }
  template <int P>
  VGEN_HOST_DEVICE void phase(std::int64_t block, int thread, State&, void* memory) const {
    const int w = width(), n_lanes = lanes();
    const std::int64_t sample = block / this->a.groups, channel = block % this->a.groups * w, c = this->a.c;
    double* shared = static_cast<double*>(memory);  // [lanes, 2, width], then mean and rstd
    double* result = shared + n_lanes * 2 * w;
    const double rows = static_cast<double>(this->a.s);
    if constexpr (P == 0) {
      for (int i = thread; i < n_lanes * w; i += kThreads) {
        const int j = i % w, lane = i / w;
        double sum = 0, square = 0;
        for (std::int64_t chunk = lane; chunk < this->plan.chunks; chunk += n_lanes) {
          const float* from = this->totals(sample, chunk) + channel + j;
          sum += from[0];
          square += from[c];
        }
        shared[lane * 2 * w + j] = sum;
        shared[(lane * 2 + 1) * w + j] = square;
      }
    } else if constexpr (P == 1) {
      for (int j = thread; j < 2 * w; j += kThreads)
        for (int lane = 1; lane < n_lanes; ++lane) shared[j] += shared[lane * 2 * w + j];
    } else if constexpr (P == 2) {
      if (thread != 0) return;
      const T* shift = this->x(sample, 0, channel);
      double mean = 0, variance = 0;
      for (int j = 0; j < w; ++j) mean += static_cast<double>(static_cast<float>(shift[j])) + shared[j] / rows;
      mean /= w;
      for (int j = 0; j < w; ++j) {  // around the channel's own mean, plus how far that is from the group's
        const double d = shared[j] / rows, away = static_cast<double>(static_cast<float>(shift[j])) + d - mean;
        variance += shared[w + j] / rows - d * d + away * away;
      }
      variance /= w;
      result[0] = mean;
      result[1] = 1 / sqrt((variance > 0 ? variance : 0) + static_cast<double>(this->a.eps));
    } else {
      float* to = this->scales(sample) + channel;
      for (int j = thread; j < w; j += kThreads) {
        const double weight = static_cast<float>(static_cast<const T*>(this->a.weight)[channel + j]),
                     bias = static_cast<float>(static_cast<const T*>(this->a.bias)[channel + j]);
        to[j] = static_cast<float>(weight * result[1]);
        to[c + j] = static_cast<float>(bias - result[0] * weight * result[1]);
      }
    }
  }
};

template <class T, int V>
struct GroupNormApply : GroupNormRows<T, V> {
  using GroupNormRows<T, V>::GroupNormRows;
  struct State {};
  static constexpr int kPhases = 1;
  Launch launch() const { return {this->a.n * this->plan.chunks, this->tile.threads(), 0}; }
  template <int P>
  VGEN_HOST_DEVICE void phase(std::int64_t block, int thread, State&, void*) const {
    const auto& t = this->tile;
    const std::int64_t c = this->a.c, sample = this->sample(block);
    const int lane = thread % t.lanes, row_lane = thread / t.lanes;
    for (int p = lane; p < t.packs; p += t.lanes) {
      const float* scale = this->scales(sample) + p * V;
      float a[V], b[V];
      for (int i = 0; i < V; ++i) a[i] = scale[i], b[i] = scale[c + i];
      for (std::int64_t row = this->first(block) + row_lane; row < this->end(block); row += t.row_lanes) {
        const Pack<T, V> x = pack_at<V>(this->x(sample, row, p * V));
        Pack<T, V> y;
        for (int i = 0; i < V; ++i) {
          const float z = static_cast<float>(x.value[i]) * a[i] + b[i];
          y.value[i] = static_cast<T>(this->a.silu ? z / (1 + expf(-z)) : z);
        }
        pack_at<V>(static_cast<T*>(this->a.y) + (sample * this->a.s + row) * c + p * V) = y;
      }
    }
  }
};

}  // namespace vgen::cuda
