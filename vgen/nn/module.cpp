#include "vgen/nn/module.hpp"

#include <ATen/ops/empty.h>

namespace vgen::nn {

static std::string join(const std::string& prefix, const std::string& name) {
  return prefix.empty() ? name : prefix + "." + name;
}

void Module::each_parameter(const Visitor& f, const std::string& prefix) {
  for (auto& p : parameters_) f(join(prefix, p.name), *p.tensor);
  for (auto& [name, child] : children_) child->each_parameter(f, join(prefix, name));
}
void Module::each_buffer(const Visitor& f, const std::string& prefix) {
  for (auto& p : buffers_) f(join(prefix, p.name), *p.tensor);
  for (auto& [name, child] : children_) child->each_buffer(f, join(prefix, name));
}
void Module::each_module(const std::function<void(const std::string&, Module&)>& f, const std::string& prefix) {
  f(prefix, *this);
  for (auto& [name, child] : children_) child->each_module(f, join(prefix, name));
}

std::vector<std::pair<std::string, Tensor>> Module::named_parameters() {
  std::vector<std::pair<std::string, Tensor>> out;
  each_parameter([&](const std::string& name, Tensor& t) { out.emplace_back(name, t); });
  return out;
}
std::vector<Tensor> Module::parameters() {
  std::vector<Tensor> out;
  each_parameter([&](const std::string&, Tensor& t) { out.push_back(t); });
  return out;
}
std::int64_t Module::parameter_count() {
  std::int64_t n = 0;
  each_parameter([&](const std::string&, Tensor& t) { n += t.numel(); });
  return n;
}

void Module::train(bool on) {
  training_ = on;
  for (auto& [name, child] : children_) child->train(on);
}
void Module::requires_grad(bool on) {
  each_parameter([&](const std::string&, Tensor& t) { t.requires_grad_(on); });
}
void Module::to(at::Device device, at::ScalarType dtype) {
  const auto convert = [&](const std::string&, Tensor& t) {
    const bool grad = t.requires_grad();
    if (t.is_floating_point())
      t = t.detach().to(device, dtype).requires_grad_(grad);
    else
      t = t.to(device);
  };
  each_parameter(convert);
  each_buffer(convert);
}

void Module::add_parameter(std::string name, Tensor& member, Tensor value) {
  member = std::move(value);
  parameters_.push_back({std::move(name), &member});
}
void Module::add_buffer(std::string name, Tensor& member, Tensor value) {
  member = std::move(value);
  buffers_.push_back({std::move(name), &member});
}
void Module::add_child(std::string name, Module& member) { children_.emplace_back(std::move(name), &member); }

}  // namespace vgen::nn
