#include "vgen/weights/key_map.hpp"

#include <functional>
#include <numeric>
#include <unordered_map>
#include <unordered_set>

namespace vgen::weights {

void expect_bijection(const KeyMap& map, std::string_view who) {
  std::unordered_set<std::string_view> ours, theirs;
  for (const KeyPair& pair : map) {
    VGEN_CHECK(ours.insert(pair.ours).second, ConfigError, who, ": key map: our '", printable(pair.ours),
               "' appears twice");
    VGEN_CHECK(theirs.insert(pair.theirs).second, ConfigError, who, ": key map: their '", printable(pair.theirs),
               "' appears twice");
  }
}

StateDict to_ours(StateDict theirs, const KeyMap& map) {
  if (map.empty()) return theirs;
  expect_bijection(map, "weights");
  std::unordered_map<std::string_view, const KeyPair*> by_name;
  for (const KeyPair& pair : map) by_name.emplace(pair.theirs, &pair);
  std::unordered_set<std::string> taken;
  for (auto& [name, tensor] : theirs) {
    if (const auto at = by_name.find(name); at != by_name.end()) name = at->second->ours;
    VGEN_CHECK(taken.insert(name).second, WeightsError, "weights: after renaming two tensors are '", printable(name),
               "'");
  }
  return theirs;
}

StateDict to_theirs(StateDict ours, const KeyMap& map) {
  if (map.empty()) return ours;
  expect_bijection(map, "weights");
  std::unordered_map<std::string_view, const KeyPair*> by_name;
  for (const KeyPair& pair : map) by_name.emplace(pair.ours, &pair);
  for (auto& [name, tensor] : ours) {
    const auto at = by_name.find(name);
    VGEN_CHECK(at != by_name.end(), WeightsError, "weights: '", printable(name), "' is not in the key map");
    const KeyPair& pair = *at->second;
    const std::int64_t count =
        std::accumulate(pair.their_shape.begin(), pair.their_shape.end(), std::int64_t(1), std::multiplies<>());
    VGEN_CHECK(count == tensor.numel(), WeightsError, "weights: '", printable(name), "' ", shape_string(tensor.sizes()),
               " cannot become ", shape_string(pair.their_shape), " of '", printable(pair.theirs), "'");
    tensor = tensor.reshape(pair.their_shape);
    name = pair.theirs;
  }
  return ours;
}

}  // namespace vgen::weights
