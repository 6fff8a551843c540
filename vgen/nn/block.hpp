// BlockContext: what every block of a network receives beside its activations. Passed by value semantics, never stored
// in modules, so that a module can run for several callers at once.
#pragma once
#include <ATen/core/Generator.h>

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "vgen/tensor/tensor.hpp"

namespace vgen::nn {

// Keys and values of the context tokens (before any deltas of their layers), which are constant over the denoising
// steps: computed at the first step, reused after. Keyed by the attention module; belongs to one set of conditions and
// one set of weights.
using ContextCache = std::unordered_map<const void*, std::pair<Tensor, Tensor>>;

struct BlockContext {
  Tensor embedding;                      // silu of the time embedding (+ features), [B, 1 or F, E]
  Tensor context;                        // tokens for cross-attention, [B, 1 or F, L, D]
  ContextCache* cache = nullptr;         // inference only
  std::optional<at::Generator> dropout;  // source of dropout masks; none = torch's default generator
  bool temporal = true;                  // false: temporal branches are bypassed (image batches, HiGen's single frame)
  std::map<std::string, Tensor> conditions;  // of the call, by name, for branches attached to ports
};

}  // namespace vgen::nn
