#include "vgen/train/checkpoint.hpp"

#include <algorithm>
#include <map>

#include "vgen/core/atomic_file.hpp"
#include "vgen/core/log.hpp"
#include "vgen/formats/json.hpp"
#include "vgen/formats/safetensors.hpp"
#include "vgen/weights/state_dict.hpp"

namespace vgen::train {
namespace fs = std::filesystem;

// Finished checkpoints in the folder, newest first.
static std::vector<std::pair<long long, fs::path>> list(const fs::path& folder) {
  std::vector<std::pair<long long, fs::path>> found;
  if (!fs::is_directory(folder)) return found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (!entry.is_directory() || !name.starts_with("step-") ||
        name.find_first_not_of("0123456789", 5) != std::string::npos)
      continue;
    found.emplace_back(std::stoll(name.substr(5)), entry.path());
  }
  std::ranges::sort(found, std::greater<>());
  return found;
}

void write_checkpoint(const fs::path& folder, const Checkpoint& c, int keep) {
  fs::create_directories(folder);
  const std::string name = str("step-", c.step);
  try {
    AtomicDir dir(folder / name);
    std::vector<Tensor> alive;  // contiguous copies, if any, until the file is written
    std::vector<formats::TensorToWrite> tensors;
    for (const auto& [key, tensor] : c.tensors) {
      alive.push_back(tensor.detach().contiguous());
      tensors.push_back(
          {key, weights::dtype_of(tensor.scalar_type()), tensor.sizes().vec(), alive.back().const_data_ptr()});
    }
    formats::write_safetensors(dir.temporary() / "state.safetensors", tensors);
    Node state = c.state;
    state.set("step", Node(static_cast<std::int64_t>(c.step)));
    write_file(dir.temporary() / "state.json", formats::dump_json(state));
    dir.commit();
    write_file(folder / "LATEST", name + "\n");
  } catch (const IoError& e) {
    throw CheckpointError(str("checkpoint of step ", c.step, " was not written, earlier ones are intact: ", e.what()));
  }
  const auto all = list(folder);
  for (std::size_t i = static_cast<std::size_t>(std::max(keep, 1)); i < all.size(); ++i) fs::remove_all(all[i].second);
}

std::optional<Checkpoint> read_newest_checkpoint(const fs::path& folder) {
  for (const auto& [step, path] : list(folder)) {
    try {
      verify_manifest(path);
      Checkpoint c;
      c.step = step;
      c.state = formats::parse_json(read_file(path / "state.json"), (path / "state.json").string());
      for (auto& [key, tensor] : weights::read_state_dict(path / "state.safetensors"))
        c.tensors.emplace_back(key, tensor.clone());
      return c;
    } catch (const Error& e) { log::warn("checkpoint ", path.string(), " is damaged and is skipped: ", e.what()); }
  }
  return std::nullopt;
}

}  // namespace vgen::train
