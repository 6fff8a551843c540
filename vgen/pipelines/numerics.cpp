#include "vgen/pipelines/numerics.hpp"

#include <ATen/TensorOperators.h>

namespace vgen::pipelines {

bool finite(const Tensor& t) { return t.isfinite().all().item<bool>(); }

std::string advice(nn::Module* module) {
  std::string bad;
  if (module)
    module->each_parameter([&](const std::string& name, Tensor& t) {
      if (bad.empty() && !finite(t)) bad = name;
    });
  return bad.empty() ? "; use fp32, a lower guidance or another sampler"
                     : str("; its parameter ", bad, " holds NaN or Inf: the weight file is damaged, get it again");
}

}  // namespace vgen::pipelines
