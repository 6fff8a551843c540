#include "vgen/adapters/resolve.hpp"

#include <ATen/ops/isfinite.h>
#include <fnmatch.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <set>

#include "vgen/adapters/pattern.hpp"

namespace vgen::adapters {
namespace {

std::string with_underscores(std::string name) {
  std::ranges::replace(name, '.', '_');
  return name;
}

std::string without_suffix(const std::string& name, std::string_view suffix) {
  return name.substr(0, name.size() - suffix.size());
}

// What programs put before the names of the UNet's modules.
std::string_view without_prefixes(std::string_view name) {
  for (bool again = true; again;) {
    again = false;
    for (const std::string_view prefix :
         {"module.", "base_model.model.", "unet.", "model.diffusion_model.", "diffusion_model."})
      if (name.starts_with(prefix)) name.remove_prefix(prefix.size()), again = true;
  }
  return name;
}

// A tensor of a LoRA: which module it says it is about, and which of its tensors.
struct Key {
  std::string module, role;
};

// "<module>.lora_A.weight", "<module>.lora_A.<adapter>.weight", "<module>.lora.down.weight",
// "<module>_lora.down_linear.weight", "<module>.alpha", ...
std::optional<Key> lora_key(const std::string& name) {
  static const std::pair<std::string_view, const char*> roles[] = {{".lora_A.", "down"},
                                                                   {".lora_B.", "up"},
                                                                   {".lora_down.", "down"},
                                                                   {".lora_up.", "up"},
                                                                   {".lora.down.", "down"},
                                                                   {".lora.up.", "up"},
                                                                   {"_lora.down_linear.", "down"},
                                                                   {"_lora.up_linear.", "up"},
                                                                   {"_lora.down.", "down"},
                                                                   {"_lora.up.", "up"},
                                                                   {".lora_linear_layer.down.", "down"},
                                                                   {".lora_linear_layer.up.", "up"}};
  Key key;
  if (name.ends_with(".alpha")) {
    key = {without_suffix(name, ".alpha"), "alpha"};
    for (const std::string_view tail : {".lora", "_lora"})
      if (key.module.ends_with(tail)) key.module = without_suffix(key.module, tail);
  } else {
    if (!name.ends_with(".weight")) return {};
    for (const auto& [part, role] : roles) {
      const std::size_t at = name.find(part);
      if (at == std::string::npos) continue;
      // between the part and ".weight" at most PEFT's name of the adapter
      const std::string rest = name.substr(at + part.size());
      if (std::ranges::count(rest, '.') > (rest == "weight" ? 0 : 1)) continue;
      key = {name.substr(0, at), role};
      break;
    }
  }
  if (key.module.empty()) return {};
  if (const std::size_t at = key.module.find(".processor."); at != std::string::npos)
    key.module.replace(at, std::string_view(".processor.").size(), ".");
  return key;
}

struct Place {
  std::string ours;
  const char* layout;
};

std::optional<Place> place_of(const Places& places, const std::string& module) {
  const auto look = [&](const std::map<std::string, std::string>& names, const char* layout) -> std::optional<Place> {
    for (const std::string& name : {module, module + ".0"})  // to_out without its index
      if (const auto found = names.find(name); found != names.end()) return Place{found->second, layout};
    return {};
  };
  if (module.starts_with("lora_unet_")) {
    const std::string name = module.substr(std::string_view("lora_unet_").size());
    for (const std::string& each : {name, name + "_0"})
      if (const auto found = places.from_kohya.find(each); found != places.from_kohya.end())
        return Place{found->second, "kohya"};
    return {};
  }
  if (auto found = look(places.from_ours, "vgen")) return found;
  if (auto found = look(places.from_reference, "reference")) return found;
  return look(places.from_diffusers, "diffusers");
}

std::string shown(const std::string& theirs, const std::string& ours) {
  return printable(theirs) + (theirs == ours ? "" : " (" + printable(ours) + ")");
}

bool finite(const Tensor& t) { return at::isfinite(t.to(at::kFloat)).all().item<bool>(); }

}  // namespace

std::vector<std::string> expand_braces(const std::string& glob) {
  const std::size_t open = glob.find('{');
  if (open == std::string::npos) return {glob};
  const std::size_t close = glob.find('}', open);
  VGEN_CHECK(close != std::string::npos, ConfigError, "pattern '", printable(glob), "': a { is not closed");
  std::vector<std::string> out;
  std::size_t from = open + 1;
  for (std::size_t at = from; at <= close; ++at) {
    if (glob[at] != ',' && at != close) continue;
    for (const std::string& rest : expand_braces(glob.substr(close + 1)))
      out.push_back(glob.substr(0, open) + glob.substr(from, at - from) + rest);
    from = at + 1;
  }
  return out;
}

bool matches(const std::string& glob, const std::string& name) {
  return std::ranges::any_of(expand_braces(glob),
                             [&](const std::string& each) { return fnmatch(each.c_str(), name.c_str(), 0) == 0; });
}

nn::Port& port(nn::TransformerBlock& block, std::size_t i) {
  return i == 0 ? block.after_attn1 : i == 1 ? block.after_attn2 : block.after_ff;
}

Places::Places(unet::UNet& unet) {
  unet.each_module([&](const std::string& name, nn::Module& module) {
    if (auto* layer = dynamic_cast<nn::Linear*>(&module)) layers.emplace_back(name, layer);
    if (auto* block = dynamic_cast<nn::TransformerBlock*>(&module)) blocks.emplace_back(name, block);
  });
  const auto add_layout = [&](const std::vector<KeyPair>& pairs, std::map<std::string, std::string>& from,
                              std::map<std::string, std::string>& to) {
    for (const KeyPair& pair : pairs) {
      base.push_back(pair.theirs);
      base.push_back(pair.ours);
      if (!pair.ours.ends_with(".weight")) continue;
      const std::string ours = without_suffix(pair.ours, ".weight"), theirs = without_suffix(pair.theirs, ".weight");
      to[ours] = theirs;
      if (layer(ours)) from[theirs] = ours;
      // a block by the name of its first norm
      if (ours.ends_with(".norm1") && block(without_suffix(ours, ".norm1")))
        blocks_from[without_suffix(theirs, ".norm1")] = without_suffix(ours, ".norm1");
    }
  };
  try {
    add_layout(unet::reference_keys(unet), from_reference, to_reference);
  } catch (const ConfigError&) { /* a network of the user's own: files in our names only */
  }
  try {
    add_layout(unet::diffusers_keys(unet), from_diffusers, to_diffusers);
  } catch (const ConfigError&) { /* no counterpart there */
  }
  for (const auto& [name, ignored] : layers) from_ours[name] = name;
  for (const auto& [name, ignored] : blocks) blocks_from[name] = name;
  for (const auto* names : {&from_reference, &from_diffusers})
    for (const auto& [theirs, ours] : *names) from_kohya[with_underscores(theirs)] = ours;
  std::ranges::sort(base);
}

nn::Linear* Places::layer(const std::string& name) const {
  const auto found = std::ranges::find(layers, name, [](const auto& each) { return each.first; });
  return found == layers.end() ? nullptr : found->second;
}
nn::TransformerBlock* Places::block(const std::string& name) const {
  const auto found = std::ranges::find(blocks, name, [](const auto& each) { return each.first; });
  return found == blocks.end() ? nullptr : found->second;
}

Resolved resolve(const Places& places, const Adapter& adapter, const InjectOptions& options) {
  struct Named {
    std::string name;
    const Tensor* tensor;
  };
  using Roles = std::map<std::string, Named>;
  std::map<std::string, Roles> loras, branches;  // by layer; by "block.port"
  Resolved out;
  LoadReport& r = out.report;
  std::set<std::string> layouts;
  const auto take = [&](Roles& roles, const std::string& role, const std::string& name, const Tensor& tensor) {
    if (!roles.emplace(role, Named{name, &tensor}).second)
      r.incomplete.push_back(printable(name) + ": the file has it twice, as " + printable(roles.at(role).name));
    if (tensor.is_floating_point() && !finite(tensor)) r.not_finite.push_back(printable(name));
  };

  for (const auto& [name, tensor] : adapter.tensors) {
    if (!options.ignore.empty() && matches(options.ignore, name)) {
      r.ignored.push_back(printable(name));
      continue;
    }
    const std::string bare(without_prefixes(name));
    // bottleneck adapters
    bool placed = false;
    for (std::size_t i = 0; i < 3 && !placed; ++i)
      for (const auto& [part, layout] : {std::pair{kPorts[i], "vgen"}, std::pair{kReferencePorts[i], "reference"}}) {
        const std::size_t at = bare.find(str(".", part, "."));
        if (at == std::string::npos) continue;
        const auto block = places.blocks_from.find(bare.substr(0, at));
        std::string role = bare.substr(at + std::string_view(part).size() + 2);
        if (const std::size_t linear = role.find("_linear."); linear != std::string::npos) role.erase(linear, 7);
        static const std::set<std::string> known = {"down.weight", "down.bias",        "up.weight",     "up.bias",
                                                    "serial",      "condition.weight", "condition.bias"};
        if (block == places.blocks_from.end() || !known.contains(role)) continue;
        take(branches[block->second + "." + kPorts[i]], role, name, tensor);
        layouts.insert(layout);
        placed = true;
      }
    if (placed) continue;
    if (const auto key = lora_key(bare))
      if (const auto place = place_of(places, key->module)) {
        take(loras[place->ours], key->role, name, tensor);
        layouts.insert(place->layout);
        continue;
      }
    (std::ranges::binary_search(places.base, bare) ? r.base : r.unknown).push_back(printable(name));
  }
  r.layouts.assign(layouts.begin(), layouts.end());

  const auto flat = [](const Tensor& t) {  // of a 1x1 convolution
    Tensor flattened = t;
    while (flattened.dim() > 2 && flattened.size(-1) == 1) flattened = flattened.squeeze(-1);
    return flattened;
  };
  const auto expect = [&](const std::string& ours, const Named& got, const Tensor& t, std::vector<std::int64_t> want,
                          const char* why = "") {
    if (t.sizes() == at::IntArrayRef(want)) return true;
    r.misshaped.push_back(str(shown(got.name, ours), ": expected ", shape_string(want), why, ", got ",
                              shape_string(got.tensor->sizes())));
    return false;
  };

  const std::size_t with_alpha =
      static_cast<std::size_t>(std::ranges::count_if(loras, [](const auto& l) { return l.second.contains("alpha"); }));
  for (const auto& [ours, layer] : places.layers) {  // in the order of the network
    const auto found = loras.find(ours);
    if (found == loras.end()) continue;
    const Roles& roles = found->second;
    if (!roles.contains("down") || !roles.contains("up")) {
      r.incomplete.push_back(
          str(shown(roles.begin()->second.name, ours), ": has no ", roles.contains("down") ? "up" : "down", " matrix"));
      continue;
    }
    if (with_alpha > 0 && !roles.contains("alpha"))
      r.incomplete.push_back(shown(roles.at("down").name, ours) + ": has no alpha, other layers of the file have one");
    FoundLora lora{.name = ours, .down = flat(*roles.at("down").tensor), .up = flat(*roles.at("up").tensor)};
    const std::int64_t in = layer->weight.size(1), width = layer->weight.size(0);
    const std::int64_t rank = lora.down.dim() == 2 ? lora.down.size(0) : 0;
    const bool fits = expect(ours, roles.at("down"), lora.down, {std::max<std::int64_t>(rank, 1), in}) &
                      expect(ours, roles.at("up"), lora.up, {width, std::max<std::int64_t>(rank, 1)},
                             " (the rank is that of the down matrix)");
    std::optional<double> alpha = adapter.alpha;
    if (const auto given = roles.find("alpha"); given != roles.end()) {
      if (given->second.tensor->numel() == 1)
        alpha = given->second.tensor->to(at::kDouble).item<double>();
      else
        expect(ours, given->second, *given->second.tensor, {});
    }
    if (!fits) continue;
    const double size = static_cast<double>(rank);
    if (alpha) lora.factor = *alpha / (adapter.rank_stabilised ? std::sqrt(size) : size);
    out.loras.push_back(std::move(lora));
  }

  for (const auto& [name, block] : places.blocks)
    for (std::size_t i = 0; i < 3; ++i) {
      const std::string ours = name + "." + kPorts[i];
      const auto found = branches.find(ours);
      if (found == branches.end()) continue;
      const Roles& roles = found->second;
      const auto tensor = [&](const char* role) {
        const auto at = roles.find(role);
        return at == roles.end() ? Tensor() : *at->second.tensor;
      };
      FoundBranch branch{.block = name, .port = i, .position = options.position};
      if (roles.contains("serial")) branch.position = Position::serial;
      bool complete = true;
      for (const char* role :
           {"down.weight", "down.bias", "up.weight", "up.bias", "condition.weight", "condition.bias"}) {
        const bool optional = std::string_view(role).starts_with("condition");
        const bool other = optional && (roles.contains("condition.weight") || roles.contains("condition.bias"));
        if (roles.contains(role) || (optional && !other)) continue;
        r.incomplete.push_back(str(shown(roles.begin()->second.name, ours), ": has no ", role));
        complete = false;
      }
      if (!complete) continue;
      const Tensor down = tensor("down.weight");
      const std::int64_t d = width(*block), hidden = down.dim() == 2 ? down.size(0) : 1;
      bool fits = true;
      const auto want = [&](const char* role, Tensor& into, std::vector<std::int64_t> shape) {
        into = tensor(role);
        fits = expect(ours, roles.at(role), into, std::move(shape)) && fits;
      };
      want("down.weight", branch.down_weight, {hidden, d});
      want("down.bias", branch.down_bias, {hidden});
      want("up.weight", branch.up_weight, {d, hidden});
      want("up.bias", branch.up_bias, {d});
      if (roles.contains("condition.weight")) {
        const Tensor c = tensor("condition.weight");
        want("condition.weight", branch.condition_weight, {d, c.dim() == 2 ? c.size(1) : 1});
        want("condition.bias", branch.condition_bias, {d});
      }
      if (fits) out.branches.push_back(std::move(branch));
    }
  r.loras = out.loras.size();
  r.branches = out.branches.size();
  return out;
}

}  // namespace vgen::adapters
