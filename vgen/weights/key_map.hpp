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
// Some layouts keep apart what is one tensor here (q, k and v of transformers' CLIP): then several pairs in a row have
// the same name of ours, and the rows of ours are theirs one after the other. expect_bijection, audit and load_weights
// want such maps joined.
struct Joined {
  StateDict state;  // names of theirs; a joined tensor's is "a + b + c"
  KeyMap map;       // one pair a parameter
};
// A group of which a tensor is absent or has another shape stays apart, so that an audit names it. Each source is
// dropped once it is copied.
VGEN_API Joined join_rows(StateDict theirs, const KeyMap& map);

VGEN_API void expect_bijection(const KeyMap& map, std::string_view who);

// From their names to ours; shapes stay theirs until load_weights or arrange meets the parameter. Names that the map
// does not know are kept, so that an audit can report them. WeightsError if two tensors end with the same name.
VGEN_API StateDict to_ours(StateDict theirs, const KeyMap& map);
// From our names and shapes to theirs, without copying; rows of joined pairs are taken apart again. WeightsError if a
// name is not in the map or a shape cannot fit.
VGEN_API StateDict to_theirs(StateDict ours, const KeyMap& map);

}  // namespace vgen::weights
