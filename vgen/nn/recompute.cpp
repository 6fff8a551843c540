#include "vgen/nn/recompute.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

namespace vgen::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct Call : torch::CustomClassHolder {
  std::function<Tensor(const std::vector<Tensor>&)> f;
  std::optional<at::Generator> generator;
  Tensor state;  // of the generator before the first run
};

struct Recompute : torch::autograd::Function<Recompute> {
  static variable_list forward(AutogradContext* ctx, c10::intrusive_ptr<Call> call, at::TensorList inputs) {
    if (call->generator) call->state = call->generator->get_state();
    ctx->saved_data["call"] = c10::IValue::make_capsule(call);
    ctx->save_for_backward(inputs.vec());
    const at::NoGradGuard off;
    return {call->f(inputs.vec())};
  }
  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    std::vector<Tensor> inputs;
    for (const Tensor& t : ctx->get_saved_variables())
      inputs.push_back(t.defined() ? t.detach().requires_grad_(t.requires_grad()) : t);
    auto call = c10::static_intrusive_pointer_cast<Call>(ctx->saved_data["call"].toCapsule());
    Tensor after;
    if (call->generator) {
      after = call->generator->get_state();
      call->generator->set_state(call->state);
    }
    Tensor output;
    {
      const at::AutoGradMode on(true);
      output = call->f(inputs);
    }
    if (call->generator) call->generator->set_state(after);
    torch::autograd::backward({output}, {gradients[0]});
    variable_list result{Tensor()};  // no gradient for the function itself
    for (const Tensor& t : inputs) result.push_back(t.defined() && t.requires_grad() ? t.grad() : Tensor());
    return result;
  }
};

}  // namespace

Tensor recompute(const std::function<Tensor(const std::vector<Tensor>&)>& f, const std::vector<Tensor>& inputs,
                 std::optional<at::Generator> generator) {
  if (!at::GradMode::is_enabled()) return f(inputs);
  auto call = c10::make_intrusive<Call>();
  call->f = f;
  call->generator = std::move(generator);
  // Autograd sees only the inputs: if none requires a gradient, parameters would get none either. A fresh alias of the
  // first one does.
  std::vector<Tensor> marked = inputs;
  bool any = false;
  for (const Tensor& t : inputs) any = any || (t.defined() && t.requires_grad());
  if (!any) marked[0] = inputs[0].detach().requires_grad_(true);
  return Recompute::apply(call, at::TensorList(marked))[0];
}

}  // namespace vgen::nn
