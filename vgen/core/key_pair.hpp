// KeyPair: one parameter under our name and under the name (and shape) that a released layout uses. Models compute
// lists of them from their options; weights/ applies them.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace vgen {

struct KeyPair {
  std::string ours, theirs;
  std::vector<std::int64_t>
      their_shape;  // same number of elements; differs where theirs stores a 1x1 convolution as such
};

}  // namespace vgen
