// Adapters of the reference's classes UNetSD_LoRA and UNetSD_DreamVideo, which build them into the network.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "vgen/adapters/injection.hpp"
#include "vgen/core/node.hpp"

namespace vgen::parity {

// What the constructor of a case asks for, injected; nothing for other classes.
std::vector<adapters::Injection> inject_adapters(const std::string& type, const Node& constructor,
                                                 const std::shared_ptr<unet::UNet>& net);
// The network's keys with those of the adapters where the reference registers them.
std::vector<KeyPair> with_adapters(const std::vector<KeyPair>& base, const std::vector<adapters::Injection>& injected);
// Sets the adapters' parameters by the fill rule and adds them to `filled`, as `fill` does for a network.
void fill_adapters(const std::vector<adapters::Injection>& injected, const std::string& salt,
                   std::map<std::string, Tensor>& filled);
// From now on every forward pass puts the outputs of the reference's adapter modules into `seen`, in its shapes.
void observe_adapters(unet::UNet& net, const std::vector<adapters::Injection>& injected,
                      std::map<std::string, Tensor>& seen);

}  // namespace vgen::parity
