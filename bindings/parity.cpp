// Golden cases.
#include "bindings/common.hpp"
#include "vgen/parity/case.hpp"
#include "vgen/tensor/device.hpp"

namespace vgen::bindings {

void bind_parity(py::module_& m) {
  using namespace parity;
  py::class_<Outcome>(m, "Outcome", "How one golden case compared.")
      .def_readonly("area", &Outcome::area, "Folder of the case.")
      .def_readonly("name", &Outcome::name, "Name of the case.")
      .def_readonly("ok", &Outcome::ok, "every tensor is within its tolerance")
      .def_readonly("worst", &Outcome::worst, "the tensor nearest to its tolerance, or furthest beyond")
      .def_readonly("error", &Outcome::error, "Error of the worst tensor, in the measure that its case prescribes.")
      .def_readonly("tolerance", &Outcome::tolerance, "Largest error that the worst tensor may have.")
      .def_readonly("seconds", &Outcome::seconds, "Duration of the rerun.")
      .def_readonly("compared", &Outcome::compared, "Number of tensors that were compared.")
      .def_readonly("message", &Outcome::message, "Why the case could not run; empty if it did.")
      .def("__bool__", [](const Outcome& o) { return o.ok; })
      .def("__repr__", [](const Outcome& o) {
        return repr_of("Outcome", {{"area", py::str(o.area)},
                                   {"name", py::str(o.name)},
                                   {"ok", py::bool_(o.ok)},
                                   {"worst", py::str(o.worst)},
                                   {"error", py::float_(o.error)},
                                   {"tolerance", py::float_(o.tolerance)}});
      });
  m.def(
      "run",
      [](const std::filesystem::path& root, const std::string& only, const std::string& device) {
        const at::Device where = device_named(device);
        return interruptible([&](const CancelToken& cancel) {
          return run(
              root, only, [&](const Outcome&) { cancel.check("parity"); }, where);
        });
      },
      "root"_a, "only"_a = "", "device"_a = "cpu",
      "Runs every golden case under `root` (a folder or one .json) whose \"area/name\" matches the glob `only`.");
}

}  // namespace vgen::bindings
