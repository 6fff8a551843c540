// Conditions: the named tensors that a network is given beside latent and time ("text", "fps", "depth", ...).
#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "vgen/tensor/tensor.hpp"

namespace vgen::unet {

class VGEN_API Conditions {
 public:
  Conditions() = default;
  Conditions(std::initializer_list<std::pair<const std::string, Tensor>> given) : tensors_(given) {}

  void set(const std::string& name, Tensor tensor) { tensors_[name] = std::move(tensor); }
  const Tensor* find(const std::string& name) const;
  const Tensor& require(const std::string& name) const;  // ConfigError naming what was given
  // ConfigError if a given condition is not declared: it would have no effect.
  void expect_subset_of(const std::vector<std::string>& declared) const;
  const std::map<std::string, Tensor>& all() const { return tensors_; }
  // Rows of `first` then rows of `second`: for guidance in one batch. Both must hold the same names.
  static Conditions stack(const Conditions& first, const Conditions& second);

 private:
  std::map<std::string, Tensor> tensors_;
};

}  // namespace vgen::unet
