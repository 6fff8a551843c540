// Where tensors live, by the name that users give: "cpu", "cuda", "cuda:1".
#pragma once
#include <c10/core/Device.h>

#include <string>

#include "vgen/core/error.hpp"

namespace vgen {

// ConfigError for any other name, Unavailable where torch sees no such device. The CUDA back end is opened by the first
// call that asks for it.
VGEN_API at::Device device_named(const std::string& name);

VGEN_API void synchronise(at::Device device);  // waits until all work given to the device is done

}  // namespace vgen
