// Which conditions a network would read, told from its options alone: before gigabytes of weights are loaded.
#pragma once
#include <string>
#include <vector>

#include "vgen/unet/options.hpp"

namespace vgen::unet {

// UNet(options).declared(). ConfigError.
VGEN_API std::vector<std::string> declared_conditions(const UNetOptions& options);

}  // namespace vgen::unet
