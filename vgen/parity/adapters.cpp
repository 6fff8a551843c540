#include "vgen/parity/adapters.hpp"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <array>

#include "vgen/nn/transformer.hpp"
#include "vgen/parity/case.hpp"
#include "vgen/tensor/random.hpp"

namespace vgen::parity {
namespace {

using adapters::Position;

// A quirk: a layer in the list whose position is neither word has its adapter, but is passed by as a whole.
struct Bypass : nn::Branch {
  Tensor apply(const Tensor& x, const Tensor&, const nn::BlockContext&) override { return x; }
};

// The reference's default positions, of the spatial and of the temporal blocks.
std::array<std::string, 3> positions_of(const Node& c, const std::string& which) {
  const Node* given = c.find(which + "_adapter_position_list");
  if (given && !given->is_null()) return {(*given)[0].as_string(), (*given)[1].as_string(), (*given)[2].as_string()};
  return which == "spatial" ? std::array<std::string, 3>{"", "parallel", ""}
                            : std::array<std::string, 3>{"parallel", "parallel", "parallel"};
}
constexpr std::array kLayers = {"self_attention", "cross_attention", "feedforward"};
bool listed(const Node& list, const char* layer) {
  return std::ranges::any_of(list.items, [&](const Node& n) { return n.as_string() == layer; });
}
bool bypassed(const std::string& position) { return position != "parallel" && position != "serial"; }

// Lists like ["self_attention", "feedforward"] and ["serial", "", "parallel"].
std::optional<adapters::BottleneckOptions> bottleneck_of(const Node& c, const std::string& which) {
  const Node* list = c.find(which + "_adapter_list");
  if (!list || list->size() == 0) return {};
  const auto positions = positions_of(c, which);
  const auto position = [&](std::size_t i) {
    if (!listed(*list, kLayers[i])) return Position::none;
    return positions[i] == "serial" ? Position::serial : Position::parallel;
  };
  const auto count = [&](const char* key) {
    const Node* n = c.find(which + key);
    return n && !n->is_null() ? n->as_int() : 0;
  };
  return adapters::BottleneckOptions{.match = "*." + which + ".block",
                                     .after_attn1 = position(0),
                                     .after_attn2 = position(1),
                                     .after_ff = position(2),
                                     .hidden = count("_adapter_hidden_dim"),
                                     .condition_channels = count("_adapter_condition_dim")};
}

Tensor recorded(const Tensor& h, bool temporal) {  // [B, F, S, D] -> [B S, F, D] or [B F, S, D]
  if (h.dim() != 4) return h;
  return temporal ? h.permute({0, 2, 1, 3}).flatten(0, 1) : h.flatten(0, 1);
}

// Stand before the adapter, change nothing.
struct DeltaProbe : nn::LinearDelta {
  std::shared_ptr<nn::LinearDelta> watched;
  Tensor* seen = nullptr;
  bool temporal = false;
  Tensor apply(const Tensor& x, const Tensor& y) override {
    const at::NoGradGuard off;
    *seen = recorded(watched->apply(x, at::zeros_like(y)), temporal).contiguous();
    return y;
  }
};
struct BranchProbe : nn::Branch {
  std::shared_ptr<nn::Branch> watched;
  Tensor* seen = nullptr;
  bool temporal = false, serial = false;
  Tensor apply(const Tensor& x, const Tensor& y, const nn::BlockContext& ctx) override {
    const at::NoGradGuard off;
    *seen = recorded(watched->apply(x, serial ? y : x, ctx), temporal).contiguous();  // it holds the skip connection
    return y;
  }
};

}  // namespace

std::vector<adapters::Injection> inject_adapters(const std::string& type, const Node& c,
                                                 const std::shared_ptr<unet::UNet>& net) {
  std::vector<adapters::Injection> out;
  const at::Generator generator = make_generator(0);
  if (const Node* on = c.find("use_lora"); type == "UNetSD_LoRA" && on && on->as_bool()) {
    const Node* alpha = c.find("lora_alpha");
    out.push_back(adapters::inject(
        net,
        adapters::LoraOptions{.rank = c.at("lora_rank").as_int(),
                              .alpha = !alpha || alpha->is_null() ? std::nullopt : std::optional(alpha->as_double())},
        generator));
  }
  if (type == "UNetSD_DreamVideo")
    for (const char* which : {"spatial", "temporal"})
      if (const auto o = bottleneck_of(c, which)) {
        out.push_back(adapters::inject(net, *o, generator));
        const auto positions = positions_of(c, which);
        net->each_module([&](const std::string& name, nn::Module& module) {
          auto* block = dynamic_cast<nn::TransformerBlock*>(&module);
          if (!block || !name.ends_with(std::string(".") + which + ".block")) return;
          nn::Port* ports[] = {&block->after_attn1, &block->after_attn2, &block->after_ff};
          for (std::size_t i = 0; i < kLayers.size(); ++i)
            if (bypassed(positions[i]) && listed(c.at(std::string(which) + "_adapter_list"), kLayers[i]))
              ports[i]->push_back(std::make_shared<Bypass>());
        });
      }
  return out;
}

std::vector<KeyPair> with_adapters(const std::vector<KeyPair>& base, const std::vector<adapters::Injection>& injected) {
  std::map<std::string, std::vector<KeyPair>> after;  // by the name of the parameter before them
  for (const auto& injection : injected)
    for (const KeyPair& key : injection.reference_keys()) {
      const bool lora = key.theirs.find("_lora.") != std::string::npos;
      const std::size_t dot = key.theirs.rfind('.', key.theirs.find(lora ? "_lora." : "_adapter."));
      after[key.theirs.substr(0, dot) + (lora ? ".to_out.0.bias" : ".norm3.bias")].push_back(key);
    }
  std::vector<KeyPair> out;
  for (const KeyPair& key : base) {
    out.push_back(key);
    if (const auto found = after.find(key.theirs); found != after.end())
      out.insert(out.end(), found->second.begin(), found->second.end());
  }
  return out;
}

void fill_adapters(const std::vector<adapters::Injection>& injected, const std::string& salt,
                   std::map<std::string, Tensor>& filled) {
  const at::NoGradGuard off;
  for (const auto& injection : injected) {
    std::map<std::string, Tensor> ours;
    for (auto& [name, t] : injection.named_parameters()) ours[name] = t;
    for (const KeyPair& key : injection.reference_keys()) {
      ours.at(key.ours).copy_(parameter(salt, key.theirs, key.their_shape));
      filled[key.theirs] = ours.at(key.ours);
    }
  }
}

void observe_adapters(unet::UNet& net, const std::vector<adapters::Injection>& injected,
                      std::map<std::string, Tensor>& seen) {
  std::map<std::string, std::string> theirs;  // modules, by our names without the last two parts
  for (const auto& injection : injected)
    for (const KeyPair& key : injection.reference_keys()) {
      const std::size_t end =
          key.ours.ends_with(".lora_down.weight") ? key.ours.find(".lora_down.") : key.ours.find(".down.weight");
      if (end != std::string::npos && key.theirs.ends_with(".down_linear.weight"))
        theirs[key.ours.substr(0, end)] = key.theirs.substr(0, key.theirs.find(".down_linear."));
    }
  const auto watch = [&](auto& list, const std::string& name, auto probe) {
    const auto found = theirs.find(name);
    if (found == theirs.end()) return;
    probe->watched = list.back();
    probe->seen = &seen[found->second];
    probe->temporal = name.find(".temporal.") != std::string::npos;
    list.insert(list.end() - 1, probe);
  };
  net.each_module([&](const std::string& name, nn::Module& module) {
    if (auto* layer = dynamic_cast<nn::Linear*>(&module))
      if (!layer->deltas.empty()) watch(layer->deltas, name, std::make_shared<DeltaProbe>());
    if (auto* block = dynamic_cast<nn::TransformerBlock*>(&module))
      for (const auto& [port, at] : {std::pair{"after_attn1", &block->after_attn1},
                                     {"after_attn2", &block->after_attn2},
                                     {"after_ff", &block->after_ff}}) {
        if (at->empty()) continue;
        auto probe = std::make_shared<BranchProbe>();
        const auto* branch = dynamic_cast<const adapters::BottleneckBranch*>(at->back().get());
        probe->serial = branch && branch->position() == Position::serial;
        watch(*at, name + "." + port, probe);
      }
  });
}

}  // namespace vgen::parity
