// AdapterRequest: an adapter as the command line and a clip's manifest name it, "FILE[:scale][@first..last]".
#pragma once
#include <limits>
#include <string>
#include <string_view>
#include <tuple>

#include "vgen/adapters/injection.hpp"
#include "vgen/core/options.hpp"

namespace vgen::adapters {

struct AdapterRequest {
  static constexpr std::string_view kind = "adapter";
  std::string file;
  double scale = 1;
  int first_step = 0, last_step = std::numeric_limits<int>::max();
  bool operator==(const AdapterRequest&) const = default;
  static constexpr auto fields() {
    using O = AdapterRequest;
    return std::tuple{field("file", &O::file, "path of the adapter"), field("scale", &O::scale, "how strongly it acts"),
                      field("first_step", &O::first_step, "of the denoising steps, from 0, in which it acts"),
                      field("last_step", &O::last_step, "the last of them")};
  }
};

// "style.safetensors:0.6@0..30". What follows the last : is a scale if it is a number, what follows @ are steps if they
// are written first..last; else it belongs to the name. ConfigError for an empty name and for steps out of order.
VGEN_API AdapterRequest adapter_request(std::string_view text);
// Loads and injects it. The report goes to the log.
VGEN_API Injection inject(std::shared_ptr<unet::UNet> unet, const AdapterRequest& request,
                          const InjectOptions& options = {});

}  // namespace vgen::adapters
