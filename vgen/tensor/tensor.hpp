// Tensor alias and shape checks. Why activations lie as they do: docs/architecture.md, "Layout".
//
// Inside the networks activations are contiguous [B, F, H, W, C]. Public faces take and give [B, C, F, H, W] as the
// papers do.
#pragma once
#include <ATen/core/Tensor.h>

#include <initializer_list>
#include <string>
#include <string_view>

#include "vgen/core/error.hpp"

namespace vgen {

using Tensor = at::Tensor;

VGEN_API std::string shape_string(at::IntArrayRef shape);  // "[2, 4, 16, 32, 32]"

// ShapeError "who: name must be [2, 4, ...], got [...]" unless shapes agree; -1 matches any size.
VGEN_API void expect_shape(const Tensor& x, std::string_view who, std::string_view name,
                           std::initializer_list<std::int64_t> shape);

}  // namespace vgen
