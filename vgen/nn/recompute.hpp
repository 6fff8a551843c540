// Gradient recomputation: runs a block without keeping its activations and runs it again in the backward pass (Chen et
// al. 2016).
#pragma once
#include <functional>

#include "vgen/tensor/tensor.hpp"

namespace vgen::nn {

// f(x) with x's gradient and those of every parameter that f uses. `generator`, if given, is rewound for the second run
// so that dropout masks agree. Without gradients it simply calls f. At least x or a parameter must require a gradient.
VGEN_API Tensor recompute(const std::function<Tensor(const std::vector<Tensor>&)>& f, const std::vector<Tensor>& inputs,
                          std::optional<at::Generator> generator = {});

}  // namespace vgen::nn
