// Low-rank adaptation of linear layers, y = x W^T + scale alpha / rank (x A^T) B^T (Hu et al. 2022, "LoRA", section
// 4.1).
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include "vgen/adapters/strength.hpp"
#include "vgen/core/options.hpp"
#include "vgen/nn/layers.hpp"

namespace vgen::adapters {

// A LoRA to be trained: A is drawn from N(0, 1 / rank^2), B is zero, so that it changes nothing at first.
struct LoraOptions {
  static constexpr std::string_view kind = "lora";
  std::int64_t rank = 4;
  std::optional<double> alpha;
  std::string match = "*.block.attn{1,2}.to_{q,k,v,out}";
  bool operator==(const LoraOptions&) const = default;
  static constexpr auto fields() {
    using O = LoraOptions;
    return std::tuple{field("rank", &O::rank, "width of the bottleneck"),
                      field("alpha", &O::alpha, "the change is multiplied by alpha / rank; none: by 1"),
                      field("match", &O::match,
                            "names of the linear layers: a glob with {a,b} for alternatives, * also matches dots")};
  }
};

// What is attached to a layer.
class VGEN_API LoraDelta : public nn::LinearDelta {
 public:
  // down [rank, in], up [out, rank]
  LoraDelta(Tensor down, Tensor up, double factor, std::shared_ptr<const Strength> strength);
  Tensor apply(const Tensor& x, const Tensor& y) override;
  Tensor change(const Tensor& weight) const;  // scale factor up down, [out, in], at least float32
  Tensor down, up;
  double factor;    // alpha / rank
  Tensor original;  // the layer's own weight while this is merged into the one in use
 private:
  std::shared_ptr<const Strength> strength_;
};

}  // namespace vgen::adapters
