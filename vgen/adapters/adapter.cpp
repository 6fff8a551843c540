#include "vgen/adapters/adapter.hpp"

#include <algorithm>
#include <cmath>

#include "vgen/core/atomic_file.hpp"
#include "vgen/formats/json.hpp"
#include "vgen/formats/tensor_file.hpp"

namespace vgen::adapters {
namespace fs = std::filesystem;
namespace {

constexpr const char* kPeftWeights = "adapter_model.safetensors";
constexpr const char* kPeftConfig = "adapter_config.json";

// What PEFT says beside the tensors. Keys may be prefixed by the part of the model they are about ("unet.lora_alpha").
void read_peft(const Node& config, const std::string& source, Adapter& adapter) {
  for (const auto& [key, value] : config.entries) {
    const std::string name = key.substr(key.rfind('.') + 1);
    if (key != name && !key.starts_with("unet.")) continue;
    if (name == "lora_alpha" && value.is_number()) adapter.alpha = value.as_double();
    if (name == "use_rslora" && value.is(Node::Type::boolean)) adapter.rank_stabilised = value.boolean;
    VGEN_CHECK(name != "alpha_pattern" || value.entries.empty(), UnsupportedError, source, ": ", name,
               " gives layers an alpha of their own, which is not read; ",
               "convert the file to kohya's layout, which keeps alpha beside each layer");
    VGEN_CHECK(name != "use_dora" || !value.is(Node::Type::boolean) || !value.boolean, UnsupportedError, source,
               ": DoRA is not supported; use a plain LoRA");
  }
}

}  // namespace

Adapter load(const fs::path& given) {
  const fs::path path = fs::is_directory(given) ? given / kPeftWeights : given;
  const formats::TensorFile file = formats::read_tensor_file(path);
  Adapter adapter{.source = path.string(), .tensors = weights::to_state_dict(file), .metadata = file.metadata};
  if (const auto found = file.metadata.find("lora_adapter_metadata"); found != file.metadata.end())
    read_peft(formats::parse_json(found->second, adapter.source), adapter.source, adapter);
  if (const fs::path config = path.parent_path() / kPeftConfig; path.filename() == kPeftWeights && fs::exists(config))
    read_peft(formats::parse_json(read_file(config), config.string()), config.string(), adapter);
  return adapter;
}

bool LoadReport::fits() const {
  return unknown.empty() && misshaped.empty() && incomplete.empty() && not_finite.empty() && base.empty() &&
         loras + branches > 0;
}

std::string LoadReport::text(std::size_t each) const {
  const std::vector<std::pair<const char*, const std::vector<std::string>*>> lists = {
      {"unknown", &unknown},       {"misshaped", &misshaped},      {"incomplete", &incomplete},
      {"NaN or Inf", &not_finite}, {"of the base network", &base}, {"ignored", &ignored}};
  std::string out = str(loras, " LoRA layers, ", branches, " bottleneck adapters");
  for (const auto& [label, names] : lists)
    if (!names->empty() || names == &unknown) out += str(", ", names->size(), " ", label);
  if (!layouts.empty()) {
    out += "; layout ";
    for (std::size_t i = 0; i < layouts.size(); ++i) out += (i ? ", " : "") + layouts[i];
  }
  for (const auto& [label, names] : lists) {
    if (names->empty()) continue;
    out += str("\n  ", label, ":");
    for (std::size_t i = 0; i < std::min(each, names->size()); ++i) out += "\n    " + (*names)[i];
    if (names->size() > each) out += str("\n    and ", names->size() - each, " more");
  }
  return out;
}

Node LoadReport::node() const {
  const auto list = [](const std::vector<std::string>& names) {
    Node out = Node::list();
    for (const std::string& name : names) out.items.emplace_back(name);
    return out;
  };
  return Node::map({{"layouts", list(layouts)},
                    {"loras", Node(static_cast<std::int64_t>(loras))},
                    {"branches", Node(static_cast<std::int64_t>(branches))},
                    {"unknown", list(unknown)},
                    {"misshaped", list(misshaped)},
                    {"incomplete", list(incomplete)},
                    {"not_finite", list(not_finite)},
                    {"base", list(base)},
                    {"ignored", list(ignored)}});
}

}  // namespace vgen::adapters
