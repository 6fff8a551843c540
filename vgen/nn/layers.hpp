// Linear, Conv2d, GroupNorm, LayerNorm: parameters plus one call each. Activations keep their channels innermost.
#pragma once
#include <memory>
#include <vector>

#include "vgen/nn/module.hpp"

namespace vgen::nn {

// A low-rank or other additive change of a Linear, attached from outside (adapters/); the layer does not know what it
// is.
class VGEN_API LinearDelta {
 public:
  virtual ~LinearDelta() = default;
  virtual Tensor apply(const Tensor& x, const Tensor& y) = 0;  // y [.., out] plus its change for the input x [.., in]
};

// y = x W^T + b (+ deltas), weight [out, in].
class VGEN_API Linear : public Module {
 public:
  Linear(std::int64_t in, std::int64_t out, bool bias = true);
  Tensor forward(const Tensor& x, const Tensor& residual = {});  // plus `residual`, where given
  Tensor changed(const Tensor& x, Tensor y) const;               // y with the deltas for x
  Tensor weight, bias;
  std::vector<std::shared_ptr<LinearDelta>> deltas;
};

struct Conv2dOptions {
  std::int64_t kernel_h = 3, kernel_w = 3, stride = 1, pad_h = 1, pad_w = 1;
};

// Convolution of [N, H, W, Cin] to [N, H', W', Cout]; weight [Cout, Cin, kh, kw]. No copy: the tensors are
// channels-last images.
class VGEN_API Conv2d : public Module {
 public:
  Conv2d(std::int64_t in, std::int64_t out, Conv2dOptions options = {});
  Tensor forward(const Tensor& x);
  Tensor weight, bias;
  Conv2dOptions options;
};

// Group norm over [N, S.., C]: statistics per sample n and group of channels, over all positions; optionally followed
// by SiLU.
class VGEN_API GroupNorm : public Module {
 public:
  GroupNorm(std::int64_t groups, std::int64_t channels, double eps);
  Tensor forward(const Tensor& x, bool silu = false);
  Tensor weight, bias;
  std::int64_t groups;
  double eps;
};

class VGEN_API LayerNorm : public Module {
 public:
  explicit LayerNorm(std::int64_t channels, double eps = 1e-5);
  Tensor forward(const Tensor& x);
  Tensor weight, bias;
  double eps;
};

}  // namespace vgen::nn
