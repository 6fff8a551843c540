#include "vgen/weights/load.hpp"

#include <ATen/ops/aminmax.h>
#include <ATen/ops/isfinite.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <unordered_map>
#include <unordered_set>

namespace vgen::weights {
namespace {

struct Wanted {
  std::string theirs;
  std::vector<std::int64_t> shape;  // as the file should have it
  std::ptrdiff_t found = -1;        // index into the state
};

struct Match {
  AuditReport report;
  std::vector<Wanted> wanted;  // one a target
};

Match match(const Targets& targets, const StateDict& state, const KeyMap& map) {
  expect_bijection(map, "weights");
  std::unordered_map<std::string_view, const KeyPair*> pairs;
  for (const KeyPair& pair : map) pairs.emplace(pair.ours, &pair);
  std::unordered_map<std::string_view, std::size_t> index;
  for (std::size_t i = 0; i < state.size(); ++i)
    VGEN_CHECK(index.emplace(state[i].first, i).second, WeightsError, "weights: two tensors are named '",
               printable(state[i].first), "'");

  Match out;
  std::vector<bool> used(state.size());
  for (const auto& [name, tensor] : targets) {
    Wanted want{.theirs = name, .shape = tensor->sizes().vec()};
    if (!map.empty()) {
      const auto at = pairs.find(name);
      VGEN_CHECK(at != pairs.end(), ConfigError, "weights: the key map lacks the parameter '", printable(name), "'");
      want.theirs = at->second->theirs;
      want.shape = at->second->their_shape;
      std::int64_t count = 1;
      for (const std::int64_t size : want.shape) count *= size;
      VGEN_CHECK(count == tensor->numel(), ConfigError, "weights: the key map gives '", printable(name), "' ",
                 shape_string(tensor->sizes()), " the shape ", shape_string(want.shape));
      pairs.erase(at);
    }
    const std::string shown = printable(name) + (want.theirs == name ? "" : " (" + printable(want.theirs) + ")");
    if (const auto at = index.find(want.theirs); at == index.end()) {
      out.report.missing.push_back(shown);
    } else {
      used[at->second] = true;
      const Tensor& found = state[at->second].second;
      if (found.sizes() != at::IntArrayRef(want.shape)) {
        out.report.misshaped.push_back(
            str(shown, ": expected ", shape_string(want.shape), ", got ", shape_string(found.sizes())));
      } else {
        want.found = static_cast<std::ptrdiff_t>(at->second);
        ++out.report.matched;
      }
    }
    out.wanted.push_back(std::move(want));
  }
  VGEN_CHECK(map.empty() || pairs.empty(), ConfigError, "weights: the key map names '", printable(pairs.begin()->first),
             "', which the model does not have");
  for (std::size_t i = 0; i < state.size(); ++i)
    if (!used[i]) out.report.unexpected.push_back(printable(state[i].first));
  return out;
}

void expect_finite(const std::string& name, const Tensor& tensor) {
  if (!tensor.is_floating_point() || tensor.numel() == 0) return;
  const Tensor wide = tensor.element_size() == 1 ? tensor.to(at::kFloat) : tensor;  // float8 has no comparison
  const auto [low, high] = at::aminmax(wide);                                       // one pass, no mask; NaN wins both
  if (std::isfinite(low.item<double>()) && std::isfinite(high.item<double>())) return;
  const std::int64_t bad = tensor.numel() - at::isfinite(wide).sum().item<std::int64_t>();
  throw NumericsError(str("weights: '", printable(name), "' holds ", bad, " values that are NaN or infinite, of ",
                          tensor.numel(), "; the file is damaged or its training diverged"));
}

}  // namespace

std::string AuditReport::text(std::size_t each) const {
  std::string out = str(matched, " matched");
  for (const auto& [label, names] :
       {std::pair{"missing", &missing}, std::pair{"unexpected", &unexpected}, std::pair{"misshaped", &misshaped}})
    out += str(", ", names->size(), " ", label);
  for (const auto& [label, names] :
       {std::pair{"missing", &missing}, std::pair{"unexpected", &unexpected}, std::pair{"misshaped", &misshaped}}) {
    if (names->empty()) continue;
    out += str("\n  ", label, ":");
    for (std::size_t i = 0; i < std::min(each, names->size()); ++i) out += str("\n    ", (*names)[i]);
    if (names->size() > each) out += str("\n    and ", names->size() - each, " more");
  }
  return out;
}

Node AuditReport::node() const {
  const auto list = [](const std::vector<std::string>& names) {
    Node out = Node::list();
    for (const std::string& name : names) out.items.emplace_back(name);
    return out;
  };
  return Node::map({{"matched", Node(static_cast<std::int64_t>(matched))},
                    {"missing", list(missing)},
                    {"unexpected", list(unexpected)},
                    {"misshaped", list(misshaped)}});
}

AuditReport audit(const Targets& targets, const StateDict& state, const KeyMap& map) {
  return match(targets, state, map).report;
}

AuditReport load_weights(const Targets& targets, StateDict state, const KeyMap& map, const LoadOptions& options) {
  Match m = match(targets, state, map);
  const AuditReport& r = m.report;
  VGEN_CHECK(r.misshaped.empty() && (r.missing.empty() || options.ignore_missing) &&
                 (r.unexpected.empty() || options.ignore_unexpected),
             WeightsError, "weights do not fit the model, nothing was loaded: ", r.text());
  VGEN_CHECK(r.matched > 0 || targets.empty(), WeightsError,
             "weights: the file has none of the model's parameters, nothing was loaded: ", r.text());

  // A tensor that two targets share, or that the caller also holds, lives on; all others are dropped as soon as they
  // are converted.
  std::vector<int> uses(state.size());
  for (const Wanted& want : m.wanted)
    if (want.found >= 0) ++uses[static_cast<std::size_t>(want.found)];
  for (std::size_t i = 0; i < state.size(); ++i)
    if (uses[i] == 0) state[i].second.reset();

  const auto start = std::chrono::steady_clock::now();
  std::vector<Tensor> fresh(targets.size());
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (m.wanted[i].found < 0) continue;
    options.cancel.check("load");
    const Tensor& now = *targets[i].second;
    Tensor& source = state[static_cast<std::size_t>(m.wanted[i].found)].second;
    if (options.check_finite) expect_finite(targets[i].first, source);
    const at::ScalarType dtype =
        now.is_floating_point() ? options.dtype.value_or(now.scalar_type()) : now.scalar_type();
    fresh[i] = source.detach().reshape(now.sizes()).to(options.device.value_or(now.device()), dtype).contiguous();
    if (--uses[static_cast<std::size_t>(m.wanted[i].found)] == 0) source.reset();
    if (options.on_progress)
      options.on_progress({"load", static_cast<long long>(i + 1), static_cast<long long>(targets.size()),
                           std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()});
  }
  for (std::size_t i = 0; i < targets.size(); ++i) {  // nothing below throws
    if (!fresh[i].defined()) continue;
    if (targets[i].second->requires_grad()) fresh[i].set_requires_grad(true);
    *targets[i].second = std::move(fresh[i]);
  }
  return m.report;
}

StateDict arrange(const Targets& targets, StateDict state, const KeyMap& map) {
  const Match m = match(targets, state, map);
  VGEN_CHECK(m.report.fits(), WeightsError, "weights do not fit the model: ", m.report.text());
  StateDict out;
  for (std::size_t i = 0; i < targets.size(); ++i)
    out.emplace_back(targets[i].first,
                     state[static_cast<std::size_t>(m.wanted[i].found)].second.reshape(targets[i].second->sizes()));
  return out;
}

}  // namespace vgen::weights
