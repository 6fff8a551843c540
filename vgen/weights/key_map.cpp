#include "vgen/weights/key_map.hpp"

#include <ATen/ops/cat.h>

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

Joined join_rows(StateDict theirs, const KeyMap& map) {
  Joined out;
  std::unordered_map<std::string_view, std::size_t> index;
  for (std::size_t i = 0; i < theirs.size(); ++i) index.emplace(theirs[i].first, i);
  StateDict fresh;
  std::unordered_set<std::size_t> used;
  for (std::size_t i = 0; i < map.size();) {
    std::size_t end = i + 1;
    while (end < map.size() && map[end].ours == map[i].ours) ++end;
    KeyPair pair = map[i];
    std::vector<std::size_t> parts;
    for (std::size_t k = i; k < end; ++k) {
      if (k > i) {
        pair.theirs += " + " + map[k].theirs;
        VGEN_CHECK(!map[k].their_shape.empty() && !pair.their_shape.empty(), ConfigError,
                   "weights: key map: scalars have no rows to join ('", printable(pair.theirs), "')");
        pair.their_shape[0] += map[k].their_shape[0];
      }
      const auto at = index.find(map[k].theirs);
      if (at != index.end() && theirs[at->second].second.sizes() == at::IntArrayRef(map[k].their_shape))
        parts.push_back(at->second);
    }
    if (end - i > 1 && parts.size() == end - i) {
      std::vector<Tensor> rows;
      for (const std::size_t p : parts) {
        rows.push_back(std::move(theirs[p].second));
        used.insert(p);
      }
      fresh.emplace_back(pair.theirs, at::cat(rows));
    }
    out.map.push_back(std::move(pair));
    i = end;
  }
  for (std::size_t i = 0; i < theirs.size(); ++i)
    if (!used.contains(i)) out.state.push_back(std::move(theirs[i]));
  for (auto& each : fresh) out.state.push_back(std::move(each));
  return out;
}

StateDict to_theirs(StateDict ours, const KeyMap& map) {
  if (map.empty()) return ours;
  std::unordered_map<std::string_view, std::vector<const KeyPair*>> by_name;
  for (const KeyPair& pair : map) by_name[pair.ours].push_back(&pair);
  StateDict out;
  for (auto& [name, tensor] : ours) {
    const auto at = by_name.find(name);
    VGEN_CHECK(at != by_name.end(), WeightsError, "weights: '", printable(name), "' is not in the key map");
    const bool whole = at->second.size() == 1;
    std::int64_t row = 0;
    for (const KeyPair* pair : at->second) {
      const auto& shape = pair->their_shape;
      const std::int64_t rows = whole ? 0 : shape.at(0), left = whole ? 0 : tensor.size(0) - row;
      Tensor part = whole ? tensor : rows <= left ? tensor.narrow(0, row, rows) : Tensor();
      const std::int64_t count = std::accumulate(shape.begin(), shape.end(), std::int64_t(1), std::multiplies<>());
      VGEN_CHECK(part.defined() && count == part.numel(), WeightsError, "weights: '", printable(name), "' ",
                 shape_string(tensor.sizes()), " cannot become ", shape_string(shape), " of '", printable(pair->theirs),
                 "'");
      out.emplace_back(pair->theirs, part.reshape(shape));
      row += rows;
    }
    VGEN_CHECK(whole || row == tensor.size(0), WeightsError, "weights: '", printable(name), "' ",
               shape_string(tensor.sizes()), " has more rows than its ", at->second.size(), " parts");
  }
  std::unordered_set<std::string_view> taken;
  for (const auto& [name, tensor] : out)
    VGEN_CHECK(taken.insert(name).second, ConfigError, "weights: key map: their '", printable(name), "' appears twice");
  return out;
}

}  // namespace vgen::weights
