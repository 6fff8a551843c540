// Dropout with an explicit generator: keeps each value with probability 1 - p and scales it by 1 / (1 - p).
#pragma once
#include <ATen/core/Generator.h>

#include <optional>

#include "vgen/tensor/tensor.hpp"

namespace vgen::nn {

VGEN_API Tensor dropout(const Tensor& x, double p, bool training, const std::optional<at::Generator>& generator);

}  // namespace vgen::nn
