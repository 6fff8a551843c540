// Internal to adapters/: which tensor of a file belongs to which layer or port of a network.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "vgen/adapters/injection.hpp"
#include "vgen/nn/transformer.hpp"

namespace vgen::adapters {

// The places of a network where something can be attached, by our names, in order.
struct Places {
  explicit Places(unet::UNet& unet);
  std::vector<std::pair<std::string, nn::Linear*>> layers;
  std::vector<std::pair<std::string, nn::TransformerBlock*>> blocks;
  // From the names of a layout (modules, without ".weight") to ours; "" where the layout has no such module.
  std::map<std::string, std::string> from_reference, from_diffusers, from_kohya, from_ours, blocks_from;
  std::map<std::string, std::string> to_reference, to_diffusers;
  std::vector<std::string> base;  // parameters of the network in every layout, sorted

  nn::Linear* layer(const std::string& name) const;
  nn::TransformerBlock* block(const std::string& name) const;
};

inline constexpr std::array<const char*, 3> kPorts = {"after_attn1", "after_attn2", "after_ff"};
inline constexpr std::array<const char*, 3> kReferencePorts = {"attn_adapter", "cross_attn_adapter", "ff_adapter"};
nn::Port& port(nn::TransformerBlock& block, std::size_t i);
inline std::int64_t width(const nn::TransformerBlock& block) { return block.norm1.weight.size(0); }

struct FoundLora {
  std::string name;  // of the layer
  Tensor down, up;
  double factor = 1;
};
struct FoundBranch {
  std::string block;
  std::size_t port = 0;
  Position position = Position::parallel;
  Tensor down_weight, down_bias, up_weight, up_bias, condition_weight, condition_bias;
};
struct Resolved {
  std::vector<FoundLora> loras;
  std::vector<FoundBranch> branches;
  LoadReport report;
};
Resolved resolve(const Places& places, const Adapter& adapter, const InjectOptions& options);

}  // namespace vgen::adapters
