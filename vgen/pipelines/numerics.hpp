// Where NaN comes from.
#pragma once
#include <string>

#include "vgen/nn/module.hpp"
#include "vgen/tensor/tensor.hpp"

namespace vgen::pipelines {

VGEN_API bool finite(const Tensor& t);
// What to do about NaN that arose in `module` (may be null): the weights are to blame, or they are not.
VGEN_API std::string advice(nn::Module* module);

}  // namespace vgen::pipelines
