#include "vgen/unet/init.hpp"

#include <cmath>

#include "vgen/nn/init.hpp"

namespace vgen::unet {

void initialise(UNet& unet, at::Generator generator) {
  nn::initialise(unet, generator);
  unet.each_parameter([&](const std::string& name, Tensor& value) {  // learned queries
    if (name.ends_with(".tokens"))
      value.detach().normal_(0, 1 / std::sqrt(static_cast<double>(value.size(2))), generator);
  });
  nn::zero_parameters(unet, {"down.*.conv2.*", "mid.*.conv2.*", "up.*.conv2.*", "*.temporal.3.conv.*", "*.proj_out.*",
                             "head.conv.weight", "embedding.*.fc2.*", "stem.spatial_prior.*"});
}

}  // namespace vgen::unet
