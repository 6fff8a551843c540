// Initial values of parameters: PyTorch's defaults for the layers that vgen has.
#pragma once
#include <ATen/core/Generator.h>

#include "vgen/nn/module.hpp"

namespace vgen::nn {

// Weights of two or more dimensions and the biases beside them: uniform in +-1/sqrt(fan in) (He et al. 2015 with a =
// sqrt 5). Weights of one dimension: 1; biases without such a weight before them: 0. Parameters are made contiguous
// float32 on the CPU and require gradients.
VGEN_API void initialise(Module& module, at::Generator generator);

// Sets the parameters whose names match one of the globs to zero.
VGEN_API void zero_parameters(Module& module, std::initializer_list<const char*> globs);

}  // namespace vgen::nn
