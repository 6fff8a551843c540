// Checkpoints of a training run: a folder step-N that is complete or absent, verified by hash when read.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "vgen/core/node.hpp"
#include "vgen/tensor/tensor.hpp"

namespace vgen::train {

struct Checkpoint {
  long long step = 0;
  Node state;  // seed, fingerprint, counters
  std::vector<std::pair<std::string, Tensor>>
      tensors;  // "model/<name>", "ema/<name>", "adam1/<name>", "adam2/<name>", "muon/<name>"
};

// Writes <folder>/step-N atomically, points <folder>/LATEST at it and removes all but the newest `keep`.
// CheckpointError.
VGEN_API void write_checkpoint(const std::filesystem::path& folder, const Checkpoint& checkpoint, int keep);
// The newest complete one; damaged ones are skipped with a warning. None if there is none.
VGEN_API std::optional<Checkpoint> read_newest_checkpoint(const std::filesystem::path& folder);

}  // namespace vgen::train
