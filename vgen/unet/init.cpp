#include "vgen/unet/init.hpp"

#include "vgen/nn/init.hpp"

namespace vgen::unet {

void initialise(UNet& unet, at::Generator generator) {
  nn::initialise(unet, std::move(generator));
  nn::zero_parameters(unet,
                      {"*.conv2.*", "*.temporal.3.conv.*", "*.proj_out.*", "head.conv.weight", "embedding.*.fc2.*"});
}

}  // namespace vgen::unet
