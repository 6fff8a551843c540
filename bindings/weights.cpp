// Weight files.
#include "bindings/tensor.hpp"
#include "vgen/nn/module.hpp"
#include "vgen/weights/load.hpp"

namespace vgen::bindings {
namespace {

py::typing::Dict<py::str, Tensor> to_dict(const weights::StateDict& state) {
  py::typing::Dict<py::str, Tensor> out;
  for (const auto& [name, tensor] : state) out[py::str(name)] = tensor;
  return out;
}
weights::StateDict from_dict(const py::dict& given) {
  weights::StateDict out;
  for (const auto& [name, tensor] : given) {
    if (!is_tensor(tensor))
      throw py::type_error(str("state dict: '", printable(py::str(name).cast<std::string>()), "' is no tensor"));
    out.emplace_back(py::str(name), tensor.cast<Tensor>());
  }
  return out;
}

}  // namespace

void bind_weights(py::module_& m) {
  using namespace weights;
  py::class_<AuditReport>(m, "AuditReport", "How a state dict fits a model.")
      .def_readonly("matched", &AuditReport::matched, "Number of parameters that fit.")
      .def_readonly("missing", &AuditReport::missing, doc("weights::AuditReport::missing"))
      .def_readonly("unexpected", &AuditReport::unexpected, doc("weights::AuditReport::unexpected"))
      .def_readonly("misshaped", &AuditReport::misshaped, doc("weights::AuditReport::misshaped"))
      .def_property_readonly("fits", &AuditReport::fits, "True if nothing is missing, unexpected or misshaped.")
      .def("__str__", [](const AuditReport& r) { return r.text(); })
      .def("__repr__", [](const AuditReport& r) {
        return repr_of("AuditReport", {{"matched", py::int_(r.matched)},
                                       {"missing", py::int_(r.missing.size())},
                                       {"unexpected", py::int_(r.unexpected.size())},
                                       {"misshaped", py::int_(r.misshaped.size())}});
      });
  m.def(
      "read_state_dict",
      [](const std::filesystem::path& path) {
        StateDict state;
        {
          const py::gil_scoped_release released;
          state = read_state_dict(path);
        }
        return to_dict(state);
      },
      "path"_a,
      "Names and tensors of a weight file: safetensors (or the index of its shards), .pth, .pt, .ckpt, .bin. Nothing "
      "in the file is "
      "executed, nothing is copied: tensors are views of the mapped file.");
  m.def(
      "save_state_dict",
      [](const std::filesystem::path& path, const py::dict& state, const std::map<std::string, std::string>& metadata) {
        const StateDict given = from_dict(state);
        const py::gil_scoped_release released;
        save_state_dict(path, given, {.metadata = metadata});
      },
      "path"_a, "state"_a, "metadata"_a = std::map<std::string, std::string>{}, doc("weights::save_state_dict"));
  m.def(
      "audit", [](nn::Module& module, const py::dict& state) { return audit(targets_of(module), from_dict(state)); },
      "module"_a, "state"_a, "How the tensors fit the parameters of the module; nothing is loaded.");
  m.def(
      "load_weights",
      [](nn::Module& module, const py::dict& state, bool check_finite, bool ignore_unexpected, bool ignore_missing) {
        StateDict given = from_dict(state);
        return interruptible([&](const CancelToken& cancel) {
          return load_weights(targets_of(module), std::move(given), {},
                              {.check_finite = check_finite,
                               .ignore_unexpected = ignore_unexpected,
                               .ignore_missing = ignore_missing,
                               .cancel = cancel});
        });
      },
      "module"_a, "state"_a, py::kw_only(), "check_finite"_a = false, "ignore_unexpected"_a = false,
      "ignore_missing"_a = false, doc("weights::load_weights"));
}

}  // namespace vgen::bindings
