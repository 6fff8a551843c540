// Attention over the frames of one position: at most 32 keys, so keys and values of a head fit into shared memory and
// the softmax needs one pass over scores. One thread a query; a block takes several heads of neighbouring positions.
#pragma once
#include <cmath>

#include "vgen/cuda/kernels.hpp"
#include "vgen/cuda/launch.hpp"

namespace vgen::cuda {

// D: head channels rounded up; those beyond d are zero.
template <class T, int D>
struct FrameAttentionBody {
  FrameAttention a;
  int sequences;  // of a block; a sequence is one head of one position
  struct State {};
  static constexpr int kPhases = 2, kPad = 4, V = kPack<T>;
  static constexpr std::int64_t kThreads = 128;

  explicit FrameAttentionBody(const FrameAttention& args) : a(args) {
    const std::int64_t by_threads = kThreads / a.f, by_memory = static_cast<std::int64_t>(kMaxShared) / bytes();
    sequences = static_cast<int>(by_threads < by_memory ? by_threads : by_memory);
  }
  VGEN_HOST_DEVICE int frames() const { return static_cast<int>(a.f); }
  VGEN_HOST_DEVICE int matrix() const { return frames() * D + kPad; }  // floats of the keys of a sequence
  std::int64_t bytes() const { return (2 * matrix() + a.f * a.f) * static_cast<std::int64_t>(sizeof(float)); }
  VGEN_HOST_DEVICE std::int64_t total() const { return a.b * a.s * a.heads; }
  Launch launch() const {
    return {(total() + sequences - 1) / sequences, static_cast<int>(sequences * a.f),
            static_cast<std::size_t>(sequences * bytes())};
  }
  // First element of frame f of a sequence; heads are innermost, so neighbours share a row of memory.
  VGEN_HOST_DEVICE T* at(const View& view, std::int64_t sequence, int f) const {
    const std::int64_t head = sequence % a.heads, position = sequence / a.heads;
    return static_cast<T*>(view.data) + position / a.s * view.b + f * view.f + position % a.s * view.s + head * a.d;
  }

  template <int P>
  VGEN_HOST_DEVICE void phase(std::int64_t block, int thread, State&, void* memory) const {
    const int n = frames(), d = static_cast<int>(a.d), all = sequences * matrix();
    float *keys = static_cast<float*>(memory), *values = keys + all, *scores = values + all;
    const std::int64_t first = block * sequences;
    if constexpr (P == 0) {
      constexpr int kPacks = (D + V - 1) / V;
      for (int i = thread; i < sequences * n * kPacks; i += sequences * n) {
        const int pack = i % kPacks, f = i / kPacks % n, local = i / kPacks / n;
        if (first + local >= total()) break;
        Pack<T, V> k = {}, v = {};
        if (pack * V < d) {
          k = pack_at<V>(at(a.k, first + local, f) + pack * V);
          v = pack_at<V>(at(a.v, first + local, f) + pack * V);
        }
        const int to = local * matrix() + f * D + pack * V;
        for (int j = 0; j < V; ++j)
          keys[to + j] = static_cast<float>(k.value[j]), values[to + j] = static_cast<float>(v.value[j]);
      }
    } else {
      const int local = thread / n, query = thread % n;
      if (first + local >= total()) return;
      float* score = scores + thread;  // [key] at stride threads: neighbours write neighbouring banks
      const int stride = sequences * n;
      float q[D] = {};
      const T* from = at(a.q, first + local, query);
      VGEN_UNROLL
      for (int p = 0; p < D / V; ++p) {
        if (p * V >= d) break;
        const Pack<T, V> x = pack_at<V>(from + p * V);
        VGEN_UNROLL
        for (int j = 0; j < V; ++j) q[p * V + j] = static_cast<float>(x.value[j]) * a.scale;
      }
      const float *k = keys + local * matrix(), *v = values + local * matrix();
      float most = 0, sum = 0;
      for (int key = 0; key < n; ++key) {
        float dot = 0;
        VGEN_UNROLL
        for (int c = 0; c < D; c += 4) {
          const auto x = pack_at<4>(k + key * D + c);
          dot += q[c] * x.value[0] + q[c + 1] * x.value[1] + q[c + 2] * x.value[2] + q[c + 3] * x.value[3];
        }
        score[key * stride] = dot;
        most = key == 0 || dot > most ? dot : most;
      }
      float y[D] = {};
      for (int key = 0; key < n; ++key) {
        const float e = expf(score[key * stride] - most);
        sum += e;
        VGEN_UNROLL
        for (int c = 0; c < D; c += 4) {
          const auto x = pack_at<4>(v + key * D + c);
          for (int j = 0; j < 4; ++j) y[c + j] += e * x.value[j];
        }
      }
      T* to = at(a.y, first + local, query);
      VGEN_UNROLL
      for (int p = 0; p < D / V; ++p) {
        if (p * V >= d) break;
        Pack<T, V> x;
        VGEN_UNROLL
        for (int j = 0; j < V; ++j) x.value[j] = static_cast<T>(y[p * V + j] / sum);
        pack_at<V>(to + p * V) = x;
      }
    }
  }
};

}  // namespace vgen::cuda
