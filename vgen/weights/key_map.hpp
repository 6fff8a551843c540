// Key maps: a model's parameters under our names and under those of a released layout (reference, diffusers,
// open_clip). Models compute them from their options; here they are checked and applied. An empty map means that both
// sides use the same names and shapes.
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

// From their names to ours; shapes stay theirs until load_weights or arrange meets the parameter. Names that the map
// does not know are kept, so that an audit can report them. WeightsError if two tensors end with the same name.
VGEN_API StateDict to_ours(StateDict theirs, const KeyMap& map);
// From our names and shapes to theirs, without copying. WeightsError if a name is not in the map or a shape cannot fit.
VGEN_API StateDict to_theirs(StateDict ours, const KeyMap& map);

}  // namespace vgen::weights
