// The base of all networks, initial values, and the primitives.
#include "vgen/nn/module.hpp"

#include "bindings/tensor.hpp"
#include "vgen/nn/init.hpp"
#include "vgen/nn/memory.hpp"
#include "vgen/nn/ops.hpp"
#include "vgen/weights/load.hpp"

namespace vgen::bindings {

void bind_nn(py::module_& m) {
  using namespace nn;
  using Unlocked = py::call_guard<py::gil_scoped_release>;
  using Named = std::vector<std::pair<std::string, Tensor>>;
  py::class_<Module, std::shared_ptr<Module>>(m, "Module", doc("nn::Module"))
      .def("parameters", &Module::parameters, "Every parameter, depth first in the order of declaration.")
      .def("named_parameters", &Module::named_parameters,
           "The same with their names, e.g. \"down.0.res.conv1.weight\".")
      .def(
          "named_buffers",
          [](Module& self) {
            Named out;
            self.each_buffer([&](const std::string& name, Tensor& t) { out.emplace_back(name, t); });
            return out;
          },
          "Tensors that are kept with the weights but not trained, with their names.")
      .def("parameter_count", &Module::parameter_count, "Number of values in all parameters.")
      .def(
          "state_dict",
          [](Module& self) {
            py::typing::Dict<py::str, Tensor> out;
            const auto add = [&](const std::string& name, Tensor& t) { out[py::str(name)] = t.detach(); };
            self.each_parameter(add);
            self.each_buffer(add);
            return out;
          },
          "Parameters and buffers by name; the tensors are the module's own.")
      .def(
          "load_state_dict",
          [](Module& self, const std::map<std::string, Tensor>& state) {
            weights::StateDict given;
            for (const auto& [name, t] : state) given.emplace_back(name, t.detach().clone());
            const py::gil_scoped_release released;
            weights::load_weights(weights::targets_of(self, true), std::move(given));
          },
          "state"_a,
          "Replaces all parameters and buffers or, with WeightsError and a full report, none. The tensors are copied.")
      .def("train", &Module::train, "mode"_a = true,
           "Switches this module and all below it to training (mode=True) or to evaluation.")
      .def("eval", &Module::eval, "The same as train(False).")
      .def_property_readonly("training", &Module::training, "True in training mode.")
      .def("requires_grad_", &Module::requires_grad, "requires_grad"_a = true,
           "Whether its parameters gather gradients.")
      .def(
          "to", [](Module& self, at::Device device, at::ScalarType dtype) { self.to(device, dtype); }, "device"_a,
          "dtype"_a, Unlocked(), doc("nn::Module::to"))
      .def("__repr__", [](const py::object& self) {
        return str(py::str(py::type::of(self).attr("__name__")).cast<std::string>(), "(",
                   static_cast<long long>(self.cast<Module&>().parameter_count()), " parameters)");
      });
  m.def(
      "initialise", [](Module& module, std::uint64_t seed) { initialise(module, make_generator(seed)); }, "module"_a,
      "seed"_a = 0, Unlocked(), doc("nn::initialise"));
  m.def("cache_memory", &cache_memory, "on"_a, doc("nn::cache_memory"));

  using Optional = std::optional<Tensor>;  // None
  m.def(
      "group_norm",
      [](const Tensor& x, const Tensor& weight, const Tensor& bias, std::int64_t groups, double eps, bool silu,
         const Optional& added) { return group_norm(x, weight, bias, groups, eps, silu, added.value_or(Tensor())); },
      "x"_a, "weight"_a, "bias"_a, "groups"_a, "eps"_a = 1e-5, "silu"_a = false, "added"_a = py::none(), Unlocked(),
      doc("nn::group_norm"));
  m.def(
      "linear",
      [](const Tensor& x, const Tensor& weight, const Optional& bias, const Optional& residual) {
        return linear(x, weight, bias.value_or(Tensor()), residual.value_or(Tensor()));
      },
      "x"_a, "weight"_a, "bias"_a = py::none(), "residual"_a = py::none(), Unlocked(), doc("nn::linear"));
  m.def(
      "linear_geglu",
      [](const Tensor& x, const Tensor& weight, const Optional& bias) {
        return linear_geglu(x, weight, bias.value_or(Tensor()));
      },
      "x"_a, "weight"_a, "bias"_a = py::none(), Unlocked(), doc("nn::linear_geglu"));
  m.def(
      "conv2d",
      [](const Tensor& x, const Tensor& weight, const Optional& bias, std::int64_t stride, std::int64_t pad_h,
         std::int64_t pad_w, const Optional& residual) {
        return conv2d(x, weight, bias.value_or(Tensor()), stride, pad_h, pad_w, residual.value_or(Tensor()));
      },
      "x"_a, "weight"_a, "bias"_a = py::none(), "stride"_a = 1, "pad_h"_a = 0, "pad_w"_a = 0, "residual"_a = py::none(),
      Unlocked(), doc("nn::conv2d"));
  m.def("attend", &attend, "q"_a, "k"_a, "v"_a, "heads"_a, "causal"_a = false, Unlocked(), doc("nn::attend"));
  m.def("attend_frames", &attend_frames, "q"_a, "k"_a, "v"_a, "heads"_a, Unlocked(), doc("nn::attend_frames"));
  m.def("layer_norm", &layer_norm, "x"_a, "weight"_a, "bias"_a, "eps"_a = 1e-5, Unlocked(), doc("nn::layer_norm"));
  m.def("geglu", &geglu, "x"_a, Unlocked(), doc("nn::geglu"));
  m.def("upsample2x", &upsample2x, "x"_a, Unlocked(), doc("nn::upsample2x"));
}

}  // namespace vgen::bindings
