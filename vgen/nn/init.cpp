#include "vgen/nn/init.hpp"

#include <ATen/ops/empty.h>
#include <fnmatch.h>

#include <cmath>

namespace vgen::nn {

void initialise(Module& module, at::Generator generator) {
  std::string owner;  // of the last weight with a fan-in
  double bound = 0;
  module.each_parameter([&](const std::string& name, Tensor& value) {
    Tensor fresh = at::empty(value.sizes(), at::kFloat);
    const std::size_t dot = name.rfind('.');
    const std::string parent = name.substr(0, dot), leaf = name.substr(dot + 1);
    if (fresh.dim() >= 2) {
      owner = parent;
      bound = 1 / std::sqrt(static_cast<double>(fresh.numel() / fresh.size(0)));
      fresh.uniform_(-bound, bound, generator);
    } else if (leaf == "weight") {
      fresh.fill_(1);
    } else if (parent == owner) {
      fresh.uniform_(-bound, bound, generator);
    } else {
      fresh.zero_();
    }
    value = fresh.requires_grad_(true);
  });
}

void zero_parameters(Module& module, std::initializer_list<const char*> globs) {
  module.each_parameter([&](const std::string& name, Tensor& value) {
    for (const char* glob : globs)
      if (fnmatch(glob, name.c_str(), 0) == 0) value.detach().zero_();
  });
}

}  // namespace vgen::nn
