// Start values for training a UNet from scratch.
#pragma once
#include <ATen/core/Generator.h>

#include "vgen/unet/unet.hpp"

namespace vgen::unet {

// PyTorch's defaults, but zero where a branch ends (second convolutions, last temporal convolutions, transformer
// outputs, the head's weight, the last layer of added embeddings), so that the network starts as the identity of its
// skips.
VGEN_API void initialise(UNet& unet, at::Generator generator);

}  // namespace vgen::unet
