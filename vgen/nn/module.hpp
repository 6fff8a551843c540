// Module: parameters, buffers and children by name; train/eval; conversion. A few lines instead of torch::nn (whose
// headers cost 10 s a file). torch::optim takes the tensors as they are. Modules are built on the CPU in float32
// without initial values worth having; `initialise` (nn/init.hpp) or a weight file gives them.
#pragma once
#include <ATen/core/Tensor.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "vgen/tensor/tensor.hpp"

namespace vgen::nn {

class VGEN_API Module {
 public:
  Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
  virtual ~Module() = default;

  using Visitor = std::function<void(const std::string& name, Tensor& tensor)>;
  // Every parameter, depth first in the order of declaration, named "down.0.res.conv1.weight".
  void each_parameter(const Visitor& f, const std::string& prefix = "");
  void each_buffer(const Visitor& f, const std::string& prefix = "");
  void each_module(const std::function<void(const std::string& name, Module& module)>& f,
                   const std::string& prefix = "");

  std::vector<std::pair<std::string, Tensor>> named_parameters();
  std::vector<Tensor> parameters();
  std::int64_t parameter_count();

  void train(bool on = true);
  void eval() { train(false); }
  bool training() const { return training_; }
  void requires_grad(bool on);
  // Converts parameters and buffers in place (same Tensor objects, new storage), so optimisers made before must be
  // remade.
  void to(at::Device device, at::ScalarType dtype);

 protected:
  // The member is declared first, then registered in the constructor; the order of registration is the order of the
  // names.
  void add_parameter(std::string name, Tensor& member, Tensor value);
  void add_buffer(std::string name, Tensor& member, Tensor value);
  void add_child(std::string name, Module& member);

 private:
  struct Leaf {
    std::string name;
    Tensor* tensor;
  };
  std::vector<Leaf> parameters_, buffers_;
  std::vector<std::pair<std::string, Module*>> children_;
  bool training_ = false;
};

// A list of children owned here and named "0", "1", ...
template <class M>
class ModuleList : public Module {
 public:
  template <class... A>
  M& emplace(A&&... a) {
    items_.push_back(std::make_unique<M>(std::forward<A>(a)...));
    add_child(std::to_string(items_.size() - 1), *items_.back());
    return *items_.back();
  }
  std::size_t size() const { return items_.size(); }
  M& operator[](std::size_t i) { return *items_[i]; }
  auto begin() { return items_.begin(); }
  auto end() { return items_.end(); }

 private:
  std::vector<std::unique_ptr<M>> items_;
};

}  // namespace vgen::nn
