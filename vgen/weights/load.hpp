// Loading weights into a model: compare first, say all that does not fit, then replace all parameters or none.
#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "vgen/core/node.hpp"
#include "vgen/core/progress.hpp"
#include "vgen/tensor/tensor.hpp"
#include "vgen/weights/key_map.hpp"
#include "vgen/weights/state_dict.hpp"

namespace vgen::weights {

using Targets = std::vector<std::pair<std::string, Tensor*>>;  // our names; the tensors that will be replaced

// The parameters of anything with nn::Module's visitors; with their buffers if asked.
template <class Module>
Targets targets_of(Module& module, bool buffers = false) {
  Targets out;
  const auto add = [&](const std::string& name, Tensor& tensor) { out.emplace_back(name, &tensor); };
  module.each_parameter(add);
  if (buffers) module.each_buffer(add);
  return out;
}

struct VGEN_API AuditReport {
  std::size_t matched = 0;
  std::vector<std::string> missing;     // wanted by the model, not in the file: "ours" or "ours (theirs)"
  std::vector<std::string> unexpected;  // in the file, not wanted
  std::vector<std::string> misshaped;   // "name: expected [..], got [..]"

  bool fits() const { return missing.empty() && unexpected.empty() && misshaped.empty(); }
  std::string text(std::size_t each = 5) const;  // counts and the first few of each kind
  Node node() const;                             // everything, for --json
};

// ConfigError if the key map is not empty and no bijection onto the targets.
VGEN_API AuditReport audit(const Targets& targets, const StateDict& state, const KeyMap& map = {});

struct LoadOptions {
  std::optional<at::ScalarType> dtype = {};  // of floating-point parameters; none: the dtype that each has now
  std::optional<at::Device> device = {};     // none: the device that each is on now
  bool check_finite = false;                 // NumericsError naming the first tensor with NaN or Inf
  bool ignore_unexpected = false;            // e.g. one tower of a checkpoint with two
  bool ignore_missing = false;               // parameters that the file lacks keep their values
  CancelToken cancel = {};
  OnProgress on_progress = {};  // stage "load", in tensors
};

// Replaces the targets by the tensors of `state`: views of the file where dtype and device agree, else converted one by
// one, each source given back at once, so that memory stays at one copy (move `state` in). requires_grad is kept.
// WeightsError with the audit's text if it does not fit. On any exception no target has changed.
VGEN_API AuditReport load_weights(const Targets& targets, StateDict state, const KeyMap& map = {},
                                  const LoadOptions& options = {});

// The same check, without a model's memory being touched: `state` in our names, shapes and order (for converting
// files).
VGEN_API StateDict arrange(const Targets& targets, StateDict state, const KeyMap& map = {});

}  // namespace vgen::weights
