// Key maps: a model's parameters under our names and under those of a released layout (reference, diffusers, open_clip). Models compute
// them from their options; here they are checked and applied. An empty map means that both sides use the same names and shapes.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "vgen/core/key_pair.hpp"
#include "vgen/weights/state_dict.hpp"

namespace vgen::weights {

using KeyMap = std::vector<KeyPair>;

// ConfigError naming the first name that stands twice on one side. `who` begins the message.
VGEN_API void expect_bijection(const KeyMap& map, std::string_view who);

// Renames and reshapes, without copying where strides allow. Names that the map does not know are kept, so that an audit can report
// them. A tensor whose shape is not the one that the map says keeps its own. WeightsError if two tensors end with the same name.
VGEN_API StateDict to_ours(StateDict theirs, const KeyMap& map);
// From our names to theirs; their_shape is applied. WeightsError if a name is not in a map that is not empty, or a shape cannot fit.
VGEN_API StateDict to_theirs(StateDict ours, const KeyMap& map);

}  // namespace vgen::weights
