#include "vgen/pipelines/model_part.hpp"

#include <map>

#include "vgen/core/atomic_file.hpp"
#include "vgen/formats/json.hpp"
#include "vgen/weights/state_dict.hpp"

namespace vgen::pipelines {
namespace fs = std::filesystem;

void write_part(const fs::path& folder, const std::string& part, const Node& config,
                const std::vector<std::pair<std::string, Tensor>>& tensors, at::ScalarType dtype) {
  fs::create_directories(folder / part);
  weights::StateDict state;
  for (const auto& [name, tensor] : tensors) state.emplace_back(name, tensor.detach().to(at::kCPU, dtype));
  weights::save_state_dict(folder / part / "model.safetensors", state);
  write_file(folder / part / "config.json", formats::dump_json(config) + "\n");
}

Node read_part_config(const fs::path& folder, const std::string& part) {
  const fs::path path = folder / part / "config.json";
  VGEN_CHECK(fs::exists(path), IoError, "model folder ", printable(folder.string()), " has no part '", part, "' (",
             path.filename().string(), " missing)");
  return formats::parse_json(read_file(path), path.string());
}

void load_part(const fs::path& folder, const std::string& part, nn::Module& module, at::ScalarType dtype,
               at::Device device) {
  const fs::path path = folder / part / "model.safetensors";
  const weights::StateDict state = weights::read_state_dict(path);
  std::map<std::string, Tensor> by_name(state.begin(), state.end());
  std::size_t missing = 0, misshaped = 0;
  std::string first;
  module.each_parameter([&](const std::string& name, Tensor& value) {
    const auto found = by_name.find(name);
    const bool absent = found == by_name.end();
    if (absent)
      ++missing;
    else if (found->second.sizes() != value.sizes())
      ++misshaped;
    else
      return;
    if (first.empty()) first = name;
  });
  const std::size_t unexpected = by_name.size() + missing - module.named_parameters().size();
  VGEN_CHECK(missing + misshaped + unexpected == 0, WeightsError, path.string(), ": ", missing, " tensors missing, ",
             misshaped, " misshaped, ", unexpected, " unexpected; first: ", printable(first), "; nothing was loaded");
  module.each_parameter([&](const std::string& name, Tensor& value) { value = by_name.at(name).to(device, dtype); });
}

}  // namespace vgen::pipelines
