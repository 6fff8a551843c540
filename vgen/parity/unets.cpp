// Area "unets": tiny reference networks with recorded outputs, intermediate tensors and gradients.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

#include "vgen/parity/case.hpp"
#include "vgen/parity/networks.hpp"

namespace vgen::parity {
namespace {

// One argument of the reference's forward call.
Tensor argument(const Node& node, std::string_view salt) {
  if (const Node* name = node.find("unit")) return unit(salt, name->as_string(), node.at("shape").as_ints());
  if (const Node* shape = node.find("zeros")) return at::zeros(shape->as_ints());
  if (const Node* values = node.find("int64")) return at::tensor(values->as_ints(), at::kLong);
  if (const Node* values = node.find("float32")) return at::tensor(values->as_doubles(), at::kDouble).to(at::kFloat);
  throw UnsupportedError("unets: an argument is none of unit, zeros, int64, float32");
}

// Reference forward arguments -> our conditions. Arguments that the network ignores are left out.
unet::Conditions conditions_from(const Node& forward, const Node& json, const unet::UNetOptions& o,
                                 std::string_view salt, std::map<std::string, Tensor>& leaves, bool gradients) {
  unet::Conditions given;
  const auto leaf = [&](const std::string& name, Tensor t) {
    if (gradients && t.is_floating_point()) t.requires_grad_(true);
    leaves[name] = t;
    return t;
  };
  const Node* y = forward.find("y");
  if (y && !y->is_null()) {
    given.set("text", leaf("y", argument(*y, salt)));
  } else {  // without text the context is the first token of the tensor given at construction
    const Tensor zero_y = argument(json.at("zero_y"), salt);
    const std::int64_t batch = leaves.at("x").size(0);
    given.set("text", zero_y.slice(1, 0, 1).expand({batch, 1, zero_y.size(2)}));
  }
  const Node* fps = forward.find("fps");
  if (fps && !fps->is_null() && !o.embeddings.empty()) given.set("fps", argument(*fps, salt));
  return given;
}

}  // namespace

void run_unets(const Case& c, Report& report) {
  const std::string type = c.json.at("class").as_string();
  VGEN_CHECK(type == "UNetSD_T2VBase", UnsupportedError, "unets: class ", printable(type), " is not built in");
  const std::string salt = c.json.at("salt").as_string();
  const unet::UNetOptions options = unet_options(c.json.at("constructor"));
  unet::UNet net(options);
  net.eval();

  // Parameters: the same names and shapes in the same order, then the values by rule.
  const auto pairs = unet::reference_keys(net);
  const Node& expected = c.json.at("parameters");
  report.check("parameter count", pairs.size() == expected.size(),
               str(pairs.size(), " tensors, golden ", expected.size()));
  std::map<std::string, Tensor> parameters = fill(net, pairs, salt);
  std::size_t misplaced = 0;
  for (std::size_t i = 0; i < std::min(pairs.size(), expected.size()); ++i)
    misplaced += pairs[i].theirs != expected[i][0].as_string() || pairs[i].their_shape != expected[i][1].as_ints();
  report.check("parameter names, shapes and order", misplaced == 0, str(misplaced, " differ"));

  for (const auto& [run, spec] : c.json.at("runs").entries) {
    const bool gradients = spec.find("grad_l2") != nullptr;
    const at::AutoGradMode mode(gradients);
    if (gradients) net.requires_grad(true);
    const Node& forward = spec.at("forward");
    std::map<std::string, Tensor> leaves;
    Tensor x = argument(forward.at("x"), salt);
    if (gradients) x.requires_grad_(true);
    leaves["x"] = x;
    const unet::Conditions given = conditions_from(forward, c.json, options, salt, leaves, gradients);

    std::map<std::string, Tensor> seen;
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
      Tensor h = found->second;
      if (h.dim() == 5) {
        const auto shape = c.json.at("tensors").at(key).at("shape").as_ints();
        h = shape.size() == 5 ? h.permute({0, 4, 1, 2, 3}) : h.permute({0, 1, 4, 2, 3}).flatten(0, 1);
      } else if (h.dim() == 3) {  // a feature's embedding [B, 1, E]
        h = h.squeeze(1);
      }
      report.relative(key, strided(key, h.contiguous()), golden);
    }

    if (!gradients) continue;
    // The loss is a mean of products of both signs: it is compared on their scale, not on that of their near-zero sum.
    const Tensor products = out * unit(salt, "probe", out.sizes());
    const Tensor loss = products.mean();
    const double loss_error =
        std::abs(loss.item<double>() - spec.at("loss").as_double()) / products.detach().abs().mean().item<double>();
    report.check(run + "/loss", loss_error <= 1e-5, str("relative to the mean product ", loss_error));
    loss.backward();
    const auto norm = [](const Tensor& t) { return t.defined() ? t.norm().item<double>() : 0.0; };
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
