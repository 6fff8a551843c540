#include "vgen/train/optimizer.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_lerp.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/full.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>

namespace vgen::train {

AdamW::AdamW(std::vector<Tensor> parameters, const AdamWOptions& options)
    : options_(options), parameters_(std::move(parameters)) {
  for (const Tensor& p : parameters_) {
    first_.push_back(at::zeros_like(p.detach()));
    second_.push_back(at::zeros_like(p.detach()));
  }
  count_ = at::full(
      {}, 0, at::TensorOptions().dtype(at::kFloat).device(parameters_.empty() ? at::kCPU : parameters_[0].device()));
}

void AdamW::set_steps(long long n) { steps_ = n; }

void AdamW::step(double rate) {
  const at::NoGradGuard off;
  ++steps_;
  count_.fill_(static_cast<double>(steps_));
  std::vector<Tensor> p, g, m, v, n;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    if (!parameters_[i].grad().defined()) continue;
    p.push_back(parameters_[i].detach());
    g.push_back(parameters_[i].grad());
    m.push_back(first_[i]);
    v.push_back(second_[i]);
    n.push_back(count_);
  }
  at::_fused_adamw_(p, g, m, v, {}, n, rate, options_.beta1, options_.beta2, options_.weight_decay, options_.eps,
                    /*amsgrad=*/false,
                    /*maximize=*/false);
}

void AdamW::zero_grad() {
  for (Tensor& p : parameters_) p.mutable_grad().reset();
}

double clip_gradients(const std::vector<Tensor>& parameters, double limit) {
  const at::NoGradGuard off;
  std::vector<Tensor> gradients;
  for (const Tensor& p : parameters)
    if (p.grad().defined()) gradients.push_back(p.grad());
  if (gradients.empty()) return 0;
  const double norm = at::stack(at::_foreach_norm(gradients)).to(at::kDouble).norm().item<double>();
  if (limit > 0 && norm > limit) at::_foreach_mul_(gradients, limit / norm);
  return norm;
}

void update_average(std::vector<Tensor>& average, const std::vector<Tensor>& parameters, double decay) {
  const at::NoGradGuard off;
  std::vector<Tensor> values;
  for (const Tensor& p : parameters) values.push_back(p.detach());
  at::_foreach_lerp_(average, values, 1 - decay);
}

}  // namespace vgen::train
