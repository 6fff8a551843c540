// AdamW (Loshchilov and Hutter 2019), gradient clipping and the exponential moving average of weights: functions over
// lists of tensors, with state that can be saved and restored to the bit.
#pragma once
#include <string_view>
#include <tuple>
#include <vector>

#include "vgen/core/options.hpp"
#include "vgen/tensor/tensor.hpp"

namespace vgen::train {

struct AdamWOptions {
  static constexpr std::string_view kind = "adamw";
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0;
  bool operator==(const AdamWOptions&) const = default;
  static constexpr auto fields() {
    using O = AdamWOptions;
    return std::tuple{field("beta1", &O::beta1, "decay of the first moment"),
                      field("beta2", &O::beta2, "decay of the second moment"),
                      field("eps", &O::eps, "added to the root of the second moment"),
                      field("weight_decay", &O::weight_decay, "decoupled")};
  }
};

class VGEN_API AdamW {
 public:
  AdamW(std::vector<Tensor> parameters, const AdamWOptions& options = {});
  // One update with the gradients that the parameters hold; those without a gradient stay as they are.
  void step(double learning_rate);
  void zero_grad();

  const std::vector<Tensor>& parameters() const { return parameters_; }
  std::vector<Tensor>& first_moments() { return first_; }
  std::vector<Tensor>& second_moments() { return second_; }
  long long steps() const { return steps_; }
  void set_steps(long long n);

 private:
  AdamWOptions options_;
  std::vector<Tensor> parameters_, first_, second_;
  Tensor count_;  // steps, where the parameters are
  long long steps_ = 0;
};

// L2 norm over all gradients; if `limit` > 0 they are scaled so that it is not exceeded. Returns the norm before
// scaling.
VGEN_API double clip_gradients(const std::vector<Tensor>& parameters, double limit);

// average <- parameter + decay (average - parameter).
VGEN_API void update_average(std::vector<Tensor>& average, const std::vector<Tensor>& parameters, double decay);

}  // namespace vgen::train
