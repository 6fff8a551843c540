// Sinusoidal embedding of scalars and the two-layer perceptron that follows it.
#pragma once
#include "vgen/nn/layers.hpp"

namespace vgen::nn {

// v [N] -> [N, dim]: [cos(v f_i) | sin(v f_i)], f_i = 10000^(-i/half), float32 with a power (not exp of a log: one ulp
// of f is 6e-5 of phase at v = 999, and checkpoints were trained with this one). A zero column is appended when dim is
// odd.
VGEN_API Tensor sinusoidal_embedding(const Tensor& v, std::int64_t dim);

// Linear(in, hidden) -> SiLU -> Linear(hidden, out).
class VGEN_API EmbeddingMlp : public Module {
 public:
  EmbeddingMlp(std::int64_t in, std::int64_t hidden, std::int64_t out);
  Tensor forward(const Tensor& x);
  Linear fc1, fc2;
};

}  // namespace vgen::nn
