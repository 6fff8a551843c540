#include "vgen/train/muon.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_add.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/baddbmm.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros_like.h>
#include <fnmatch.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace vgen::train {

bool moved_by_muon(const std::string& name, const Tensor& parameter, const MuonOptions& options) {
  return parameter.dim() >= 2 && std::ranges::none_of(options.exclude, [&](const std::string& glob) {
           return fnmatch(glob.c_str(), name.c_str(), 0) == 0;
         });
}

Tensor orthogonalised(const Tensor& m, int iterations) {
  // The odd quintic a x + b x^3 + c x^5 whose iteration drives [0, 1] towards 1 fastest (Jordan et al. 2024).
  constexpr double a = 3.4445, b = -4.7750, c = 2.0315;
  const bool tall = m.size(1) > m.size(2);
  Tensor x = tall ? m.mT() : m;
  x = x / (x.flatten(1).norm(2, 1).view({-1, 1, 1}) + 1e-7);
  for (int i = 0; i < iterations; ++i) {
    const Tensor s = x.bmm(x.mT());
    x = at::baddbmm(x, at::baddbmm(s, s, s, b, c), x, a, 1);
  }
  return tall ? x.mT() : x;
}

Muon::Muon(std::vector<Tensor> parameters, const MuonOptions& options)
    : options_(options), parameters_(std::move(parameters)) {
  VGEN_CHECK(options.momentum >= 0 && options.momentum < 1 && options.iterations >= 1, ConfigError,
             "muon: needs 0 <= momentum < 1 and iterations >= 1, got ", options.momentum, " and ", options.iterations);
  for (const Tensor& p : parameters_) momenta_.push_back(at::zeros_like(p.detach()));
}

void Muon::step(double rate) {
  const at::NoGradGuard off;
  std::map<std::pair<std::int64_t, std::int64_t>, std::vector<std::size_t>> by_shape;  // one product for all of a shape
  for (std::size_t i = 0; i < parameters_.size(); ++i)
    if (parameters_[i].grad().defined()) {
      const std::int64_t rows = parameters_[i].size(0);
      by_shape[{rows, parameters_[i].numel() / rows}].push_back(i);
    }
  for (const auto& [shape, members] : by_shape) {
    std::vector<Tensor> values, gradients, momenta;
    for (const std::size_t i : members) {
      values.push_back(parameters_[i].detach());
      gradients.push_back(parameters_[i].grad());
      momenta.push_back(momenta_[i]);
    }
    at::_foreach_mul_(momenta, options_.momentum);
    at::_foreach_add_(momenta, gradients);
    std::vector<Tensor> ahead = at::_foreach_mul(momenta, options_.momentum);
    at::_foreach_add_(ahead, gradients);
    for (Tensor& m : ahead) m = m.reshape({shape.first, shape.second});
    const Tensor directions = orthogonalised(at::stack(ahead), options_.iterations);
    std::vector<Tensor> moves;
    for (std::size_t k = 0; k < members.size(); ++k)
      moves.push_back(directions[static_cast<std::int64_t>(k)].reshape(values[k].sizes()));
    if (options_.weight_decay > 0) at::_foreach_mul_(values, 1 - rate * options_.weight_decay);
    const double scale = 0.2 * std::sqrt(static_cast<double>(std::max(shape.first, shape.second)));
    at::_foreach_add_(values, moves, -rate * scale);
  }
}

}  // namespace vgen::train
