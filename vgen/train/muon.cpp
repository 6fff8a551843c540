#include "vgen/train/muon.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros_like.h>
#include <fnmatch.h>

#include <algorithm>
#include <cmath>

namespace vgen::train {

bool moved_by_muon(const std::string& name, const Tensor& parameter, const MuonOptions& options) {
  return parameter.dim() >= 2 && std::ranges::none_of(options.exclude, [&](const std::string& glob) {
           return fnmatch(glob.c_str(), name.c_str(), 0) == 0;
         });
}

Tensor orthogonalised(const Tensor& m, int iterations) {
  // The odd quintic a x + b x^3 + c x^5 whose iteration drives [0, 1] towards 1 fastest (Jordan et al. 2024).
  constexpr double a = 3.4445, b = -4.7750, c = 2.0315;
  const bool tall = m.size(0) > m.size(1);
  Tensor x = tall ? m.t() : m;
  x = x / (x.norm() + 1e-7);
  for (int i = 0; i < iterations; ++i) {
    const Tensor s = x.mm(x.t());
    x = at::addmm(x, at::addmm(s, s, s, b, c), x, a, 1);
  }
  return tall ? x.t() : x;
}

Muon::Muon(std::vector<Tensor> parameters, const MuonOptions& options)
    : options_(options), parameters_(std::move(parameters)) {
  VGEN_CHECK(options.momentum >= 0 && options.momentum < 1 && options.iterations >= 1, ConfigError,
             "muon: needs 0 <= momentum < 1 and iterations >= 1, got ", options.momentum, " and ", options.iterations);
  for (const Tensor& p : parameters_) momenta_.push_back(at::zeros_like(p.detach()));
}

void Muon::step(double rate) {
  const at::NoGradGuard off;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const Tensor gradient = parameters_[i].grad();
    if (!gradient.defined()) continue;
    const double mu = options_.momentum;
    momenta_[i].mul_(mu).add_(gradient);
    const Tensor ahead = (gradient + mu * momenta_[i]).reshape({gradient.size(0), -1});
    const double scale = 0.2 * std::sqrt(static_cast<double>(std::max(ahead.size(0), ahead.size(1))));
    Tensor p = parameters_[i].detach();
    if (options_.weight_decay > 0) p.mul_(1 - rate * options_.weight_decay);
    p.sub_(orthogonalised(ahead, options_.iterations).reshape(p.sizes()), rate * scale);
  }
}

}  // namespace vgen::train
