#include "vgen/pipelines/model_part.hpp"

#include "vgen/core/atomic_file.hpp"
#include "vgen/formats/json.hpp"

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
  std::string found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end && found.size() < 400; it.increment(error))
    found += (found.empty() ? "" : ", ") + printable(it->path().filename().string());
  VGEN_CHECK(fs::exists(path), IoError, "model folder ", printable(folder.string(), 400), " has no part '", part, "' (",
             part, "/config.json is missing); found: ", found.empty() ? "nothing" : found);
  return formats::parse_json(read_file(path), path.string());
}

weights::AuditReport load_part(const fs::path& folder, const std::string& part, nn::Module& module,
                               const weights::LoadOptions& options) {
  const fs::path path = folder / part / "model.safetensors";
  try {
    return weights::load_weights(weights::targets_of(module), weights::read_state_dict(path), {}, options);
  } catch (const WeightsError& e) { throw WeightsError(str(printable(path.string(), 400), ": ", e.what())); }
}

}  // namespace vgen::pipelines
