// Area "unets": tiny reference networks with recorded outputs, intermediate tensors and gradients.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

#include "vgen/parity/adapters.hpp"
#include "vgen/parity/case.hpp"
#include "vgen/parity/networks.hpp"

namespace vgen::parity {
namespace {

// One argument of the reference's forward call, on the CPU or where the formula makes it.
Tensor given_argument(const Node& node, std::string_view salt) {
  if (node.is_number()) return at::full({1}, node.as_double());
  if (const Node* name = node.find("unit")) return unit(salt, name->as_string(), node.at("shape").as_ints());
  if (const Node* shape = node.find("zeros")) return at::zeros(shape->as_ints());
  if (const Node* values = node.find("int64")) {  // a list, or a list of lists of one length
    if (values->size() == 0 || !(*values)[0].is_list()) return at::tensor(values->as_ints(), at::kLong);
    std::vector<Tensor> rows;
    for (const Node& row : values->items) rows.push_back(at::tensor(row.as_ints(), at::kLong));
    return at::stack(rows);
  }
  if (const Node* values = node.find("float32")) return at::tensor(values->as_doubles(), at::kDouble).to(at::kFloat);
  throw UnsupportedError("unets: an argument is none of unit, zeros, int64, float32");
}
Tensor argument(const Node& node, std::string_view salt) { return given_argument(node, salt).to(device()); }

// The reference's names of conditions -> ours. Its other arguments have no effect.
const std::map<std::string, std::string>& condition_names() {
  static const std::map<std::string, std::string> names = {{"y", "text"},
                                                           {"fps", "fps"},
                                                           {"image", "image"},
                                                           {"local_image", "local_image"},
                                                           {"depth", "depth"},
                                                           {"motion", "motion"},
                                                           {"canny", "canny"},
                                                           {"sketch", "sketch"},
                                                           {"masked", "masked"},
                                                           {"histogram", "histogram"},
                                                           {"y_image", "image"},
                                                           {"ag_strength", "image_strength"},
                                                           {"single_sketch", "single_sketch"},
                                                           {"motion_cond", "motion"},
                                                           {"appearance_cond", "appearance"},
                                                           {"spat_prior", "spatial_prior"}};
  return names;
}

// Arguments of the reference's forward call -> our conditions; `leaves` collects the tensors by the reference's names.
unet::Conditions conditions_from(const Node& forward, const Node& json, const unet::UNet& net, std::string_view salt,
                                 std::map<std::string, Tensor>& leaves, bool gradients) {
  unet::Conditions given;
  const auto& declared = net.declared();
  for (const auto& [theirs, value] : forward.entries) {
    const auto ours = condition_names().find(theirs);
    if (value.is_null() || ours == condition_names().end() ||
        std::ranges::find(declared, ours->second) == declared.end())
      continue;
    Tensor t = argument(value, salt);
    if (gradients && t.is_floating_point()) t.requires_grad_(true);
    leaves[theirs] = t;
    given.set(ours->second, t);
  }
  if (!given.find("text")) {  // the tensor given at construction; in some classes its first token only
    const std::string type = json.at("class").as_string();
    const bool whole = type == "UNetSD_TFT2V" || type == "UNetSD_VideoLCM";
    const Tensor zero_y = argument(json.at("zero_y"), salt);
    given.set("text", zero_y.slice(1, 0, whole ? zero_y.size(1) : 1).expand({leaves.at("x").size(0), -1, -1}));
  }
  return given;
}

// Our block's output as the reference records it: pictures [N, C, H, W], frames [N, C, F, H, W], or plain.
Tensor as_recorded(const Tensor& h, const std::vector<std::int64_t>& shape) {
  if (h.dim() == 5 && shape.size() == 5) return h.permute({0, 4, 1, 2, 3}).contiguous();
  if (h.dim() == 5 && shape.size() == 4) return h.permute({0, 1, 4, 2, 3}).flatten(0, 1).contiguous();
  if (h.dim() == 5 && shape.size() == 3) return h.permute({0, 2, 3, 1, 4}).flatten(0, 2).contiguous();
  if (h.dim() == 4 && shape.size() == 4) return h.permute({0, 3, 1, 2}).contiguous();
  if (h.dim() == 3 && shape.size() == 3 && h.size(0) < shape[0])  // tokens that the frames of a clip share
    return h.repeat_interleave(shape[0] / h.size(0), 0);
  return h.reshape(shape);
}

}  // namespace

void run_unets(const Case& c, Report& report) {
  const std::string type = c.json.at("class").as_string();
  const std::string salt = c.json.at("salt").as_string();
  const unet::UNetOptions options = unet_options(type, c.json.at("constructor"), c.json.find("config"));
  const auto shared = std::make_shared<unet::UNet>(options);
  unet::UNet& net = *shared;
  net.eval();
  net.to(device(), at::kFloat);  // adapters are made where the network is
  auto adapters = inject_adapters(type, c.json.at("constructor"), shared);

  // Parameters: the same names and shapes in the same order, then the values by rule.
  const auto base = unet::reference_keys(net);
  const auto pairs = with_adapters(base, adapters);
  const Node& expected = c.json.at("parameters");
  report.check("parameter count", pairs.size() == expected.size(),
               str(pairs.size(), " tensors, golden ", expected.size()));
  std::map<std::string, Tensor> parameters = fill(net, base, salt);
  fill_adapters(adapters, salt, parameters);
  std::size_t misplaced = 0;
  for (std::size_t i = 0; i < std::min(pairs.size(), expected.size()); ++i)
    misplaced += pairs[i].theirs != expected[i][0].as_string() || pairs[i].their_shape != expected[i][1].as_ints();
  report.check("parameter names, shapes and order", misplaced == 0, str(misplaced, " differ"));

  std::map<std::string, Tensor> seen;
  observe_adapters(net, adapters, seen);
  for (const auto& [run, spec] : c.json.at("runs").entries) {
    const bool gradients = spec.find("grad_l2") != nullptr;
    const at::AutoGradMode mode(gradients);
    if (gradients) net.requires_grad(true);
    if (run == "merged")
      for (auto& each : adapters) each.merge();
    const Node& forward = spec.at("forward");
    std::map<std::string, Tensor> leaves;
    Tensor x = argument(forward.at("x"), salt);
    if (gradients) x.requires_grad_(true);
    leaves["x"] = x;
    const unet::Conditions given = conditions_from(forward, c.json, net, salt, leaves, gradients);

    unet::ForwardOptions how;
    how.observe = [&](const std::string& block, const Tensor& h) {
      seen[unet::reference_name(block, options)] = h.detach();
    };
    const Tensor out = net.forward(x, argument(forward.at("t"), salt), given, how);
    report.relative(run + "/out", out, c.golden(run + "/out"));

    const auto strided = [&](const std::string& key, Tensor full) {
      const std::int64_t stride = c.json.at("tensors").at(key).at("stride").as_int();
      return stride == 1 ? full : full.flatten().slice(0, 0, std::numeric_limits<std::int64_t>::max(), stride);
    };
    for (const auto& [key, golden] : c.tensors) {
      if (!key.starts_with(run + "/") || key.starts_with(run + "/grad/") || key == run + "/out") continue;
      const std::string path = key.substr(run.size() + 1);
      const auto found = seen.find(path);
      if (found == seen.end()) {
        report.check(key, false, "no block of ours has this name");
        continue;
      }
      const Tensor h = as_recorded(found->second, c.json.at("tensors").at(key).at("shape").as_ints());
      report.relative(key, strided(key, h), golden);
    }

    if (!gradients) continue;
    // The loss is a mean of products of both signs: it is compared on their scale, not on that of their near-zero sum.
    const Tensor products = out * unit(salt, "probe", out.sizes());
    const Tensor loss = products.mean();
    const double loss_error =
        std::abs(loss.item<double>() - spec.at("loss").as_double()) / products.detach().abs().mean().item<double>();
    report.check(run + "/loss", loss_error <= 1e-5, str("relative to the mean product ", loss_error));
    loss.backward();
    // in double: over millions of values a float32 sum is off by more than the tolerance
    const auto norm = [](const Tensor& t) { return t.defined() ? t.to(at::kDouble).norm().item<double>() : 0.0; };
    const auto goldens = spec.at("grad_l2").as_doubles();
    const double largest = *std::ranges::max_element(goldens);
    double worst = 0;
    std::string worst_name;
    for (std::size_t i = 0; i < goldens.size(); ++i) {
      const std::string name = expected[i][0].as_string();
      const double error =
          std::abs(norm(parameters.at(name).grad()) - goldens[i]) / (1e-4 * goldens[i] + 1e-6 * largest);
      if (!(error <= worst)) worst = error, worst_name = name;
    }
    report.check(run + "/grad_l2", worst <= 1, str("worst ", worst_name, " at ", worst, " of its tolerance"));
    for (const auto& [name, golden] : spec.at("input_grad_l2").entries)
      if (leaves.contains(name))
        report.number(run + "/input_grad_l2/" + name, norm(leaves.at(name).grad()), golden.as_double(), 1e-4);
    for (const auto& [key, golden] : c.tensors) {
      const std::string prefix = run + "/grad/";
      if (!key.starts_with(prefix)) continue;
      const std::string name = key.substr(prefix.size());
      const auto shape = c.json.at("tensors").at(key).at("shape").as_ints();
      report.relative(key, strided(key, parameters.at(name).grad().reshape(shape)), golden, 1e-4);
    }
    net.requires_grad(false);
  }
}

}  // namespace vgen::parity
