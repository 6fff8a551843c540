// Adapters: LoRA, identity and motion adapters. python/vgen/adapters.py adds diffusers' verbs of a pipeline.
#include "bindings/tensor.hpp"
#include "vgen/adapters/pattern.hpp"
#include "vgen/adapters/request.hpp"

namespace vgen::bindings {
namespace {

template <NamedEnum E>
E enum_named(const std::string& name, const char* what) {
  E value{};
  from_node(Node(name), value, {what, ""});
  return value;
}

adapters::InjectOptions inject_options(double scale, const std::string& position, std::string ignore,
                                       bool ignore_base) {
  return {.scale = scale,
          .position = enum_named<adapters::Position>(position, "position"),
          .ignore = std::move(ignore),
          .ignore_base = ignore_base};
}

}  // namespace

void bind_adapters(py::module_& m) {
  using namespace adapters;
  bind_options<LoraOptions>(m, "LoraOptions", doc("adapters::LoraOptions"));
  bind_options<BottleneckOptions>(m, "BottleneckOptions", doc("adapters::BottleneckOptions"));
  bind_options<AdapterRequest>(m, "AdapterRequest", doc("adapters::AdapterRequest"));
  m.def("identity_adapter", &identity_adapter, "DreamVideo's: the subject, on the cross-attention of single frames.");
  m.def("motion_adapter", &motion_adapter,
        "DreamVideo's: the motion, on all three sub-layers over the frames, with the condition `image`.");

  py::class_<Adapter>(m, "Adapter", doc("adapters::Adapter"))
      .def(py::init([](const std::map<std::string, Tensor>& tensors, std::string source, std::optional<double> alpha) {
             Adapter a{.source = std::move(source), .tensors = {}, .metadata = {}, .alpha = alpha};
             for (const auto& [name, t] : tensors) a.tensors.emplace_back(name, t);
             return a;
           }),
           "tensors"_a, py::kw_only(), "source"_a = "state dict", "alpha"_a = py::none())
      .def_readonly("source", &Adapter::source, "Path of the file, for messages.")
      .def_readonly("metadata", &Adapter::metadata, "Texts of the file's header.")
      .def_readonly("alpha", &Adapter::alpha, doc("adapters::Adapter::alpha"))
      .def_property_readonly(
          "tensors", [](const Adapter& a) { return std::map<std::string, Tensor>(a.tensors.begin(), a.tensors.end()); },
          "Tensors by the names of the file.")
      .def("__repr__", [](const Adapter& a) {
        return repr_of("Adapter", {{"source", py::str(a.source)}, {"tensors", py::int_(a.tensors.size())}});
      });
  m.def(
      "load",
      [](const std::filesystem::path& path) {
        const py::gil_scoped_release released;
        return load(path);
      },
      "path"_a, doc("adapters::load"));

  py::class_<LoadReport>(m, "LoadReport", "How an adapter's file fits a network.")
      .def_readonly("layouts", &LoadReport::layouts, doc("adapters::LoadReport::layouts"))
      .def_readonly("loras", &LoadReport::loras, doc("adapters::LoadReport::loras"))
      .def_readonly("branches", &LoadReport::branches, "Identity and motion branches that were attached.")
      .def_readonly("unknown", &LoadReport::unknown, "Names that belong to no place of the network.")
      .def_readonly("misshaped", &LoadReport::misshaped, "\"name: expected [..], got [..]\".")
      .def_readonly("incomplete", &LoadReport::incomplete, "Places of which a tensor is missing.")
      .def_readonly("not_finite", &LoadReport::not_finite, "Tensors that hold NaN or infinity.")
      .def_readonly("base", &LoadReport::base, "Tensors of a base network in the same file.")
      .def_readonly("ignored", &LoadReport::ignored, "Names that the caller asked to leave out.")
      .def_property_readonly("fits", &LoadReport::fits, "True if all of it fits and there is something to attach.")
      .def(
          "to_dict", [](const LoadReport& r) { return py::dict(to_python(r.node())); },
          "Everything, as vgen gen --json prints it.")
      .def("__str__", [](const LoadReport& r) { return r.text(); })
      .def("__repr__", [](const LoadReport& r) {
        return repr_of(
            "LoadReport",
            {{"fits", py::bool_(r.fits())}, {"loras", py::int_(r.loras)}, {"branches", py::int_(r.branches)}});
      });

  py::class_<Injection>(m, "Injection", doc("adapters::Injection"))
      .def_property("scale", &Injection::scale, &Injection::set_scale, doc("adapters::Injection::set_scale"))
      .def_property(
          "steps", &Injection::steps,
          [](Injection& self, const std::pair<int, int>& steps) { self.set_steps(steps.first, steps.second); },
          doc("adapters::Injection::set_steps"))
      .def("at_step", &Injection::at_step, "step"_a, "Says where the run is, for adapters that act in some steps only.")
      .def("merge", &Injection::merge, py::call_guard<py::gil_scoped_release>(), doc("adapters::Injection::merge"))
      .def("unmerge", &Injection::unmerge, py::call_guard<py::gil_scoped_release>(),
           "Restores the weights that merge replaced, bit for bit.")
      .def_property_readonly("merged", &Injection::merged, "True while its LoRA is folded into the weights.")
      .def("remove", &Injection::remove, doc("adapters::Injection::remove"))
      .def_property_readonly("attached", &Injection::attached, "False after remove().")
      .def("parameters", &Injection::parameters, "Leaves that an optimiser can hold.")
      .def("named_parameters", &Injection::named_parameters, doc("adapters::Injection::named_parameters"))
      .def("requires_grad_", &Injection::requires_grad, "requires_grad"_a = true,
           "Whether its parameters gather gradients.")
      .def(
          "state_dict",
          [](const Injection& self, const std::string& layout) {
            const auto state = self.state_dict(enum_named<Layout>(layout, "layout"));
            return std::map<std::string, Tensor>(state.begin(), state.end());
          },
          "layout"_a = "vgen", doc("adapters::Injection::state_dict"))
      .def(
          "save",
          [](const Injection& self, const std::filesystem::path& path, const std::string& layout) {
            const Layout as = enum_named<Layout>(layout, "layout");
            const py::gil_scoped_release released;
            self.save(path, as);
          },
          "path"_a, "layout"_a = "vgen", "Writes state_dict(layout); the name's ending chooses safetensors or .pth.")
      .def_property_readonly("report", &Injection::report, "What was attached and what was left out: a LoadReport.")
      .def("__repr__", [](const Injection& self) {
        return repr_of("Injection", {{"scale", py::float_(self.scale())},
                                     {"loras", py::int_(self.report().loras)},
                                     {"branches", py::int_(self.report().branches)},
                                     {"attached", py::bool_(self.attached())},
                                     {"merged", py::bool_(self.merged())}});
      });

  m.def(
      "inject",
      [](std::shared_ptr<unet::UNet> net, const Adapter& adapter, double scale, const std::string& position,
         std::string ignore, bool ignore_base) {
        const InjectOptions options = inject_options(scale, position, std::move(ignore), ignore_base);
        const py::gil_scoped_release released;
        return inject(std::move(net), adapter, options);
      },
      "unet"_a, "adapter"_a, py::kw_only(), "scale"_a = 1.0, "position"_a = "parallel", "ignore"_a = "",
      "ignore_base"_a = false, doc("adapters::inject"));
  m.def(
      "inject",
      [](std::shared_ptr<unet::UNet> net, const LoraOptions& options, std::uint64_t seed) {
        return inject(std::move(net), options, make_generator(seed));
      },
      "unet"_a, "options"_a, py::kw_only(), "seed"_a = 0, "A new LoRA to be trained, with gradients on.");
  m.def(
      "inject",
      [](std::shared_ptr<unet::UNet> net, const BottleneckOptions& options, std::uint64_t seed) {
        return inject(std::move(net), options, make_generator(seed));
      },
      "unet"_a, "options"_a, py::kw_only(), "seed"_a = 0, "New bottleneck adapters to be trained, with gradients on.");
  m.def(
      "audit",
      [](unet::UNet& net, const Adapter& adapter, const std::string& ignore, bool ignore_base) {
        return audit(net, adapter, {.ignore = ignore, .ignore_base = ignore_base});
      },
      "unet"_a, "adapter"_a, py::kw_only(), "ignore"_a = "", "ignore_base"_a = false, doc("adapters::audit"));
  m.def("adapter_request", &adapter_request, "text"_a, doc("adapters::adapter_request"));
}

}  // namespace vgen::bindings
