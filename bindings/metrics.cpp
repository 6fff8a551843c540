// The judge of the shapes world; the Frechet distance.
#include "bindings/options.hpp"
#include "vgen/metrics/frechet.hpp"
#include "vgen/metrics/shapes_judge.hpp"
#include "vgen/metrics/shapes_table.hpp"

namespace vgen::bindings {
namespace {
template <class V>
std::optional<std::string> reading(const metrics::ShapesReading<V>& r) {
  return r.value ? std::optional(std::string(name_of(*r.value))) : std::nullopt;
}
}  // namespace

void bind_metrics(py::module_& m) {
  using namespace metrics;
  py::class_<ShapesQuality>(m, "ShapesQuality", doc("metrics::ShapesQuality"))
      .def_readonly("presence", &ShapesQuality::presence, doc("metrics::ShapesQuality::presence"))
      .def_readonly("fragments", &ShapesQuality::fragments, doc("metrics::ShapesQuality::fragments"))
      .def_readonly("colour_flicker", &ShapesQuality::colour_flicker, doc("metrics::ShapesQuality::colour_flicker"))
      .def_readonly("impurity", &ShapesQuality::impurity, doc("metrics::ShapesQuality::impurity"))
      .def_readonly("area_flicker", &ShapesQuality::area_flicker, doc("metrics::ShapesQuality::area_flicker"))
      .def_readonly("position_flicker", &ShapesQuality::position_flicker,
                    doc("metrics::ShapesQuality::position_flicker"))
      .def_readonly("edge_width", &ShapesQuality::edge_width, doc("metrics::ShapesQuality::edge_width"))
      .def_readonly("fit", &ShapesQuality::fit, doc("metrics::ShapesQuality::fit"));

  py::class_<ShapesVerdict> verdict(m, "ShapesVerdict", "What the judge reads from a clip; None where it cannot tell.");
  const auto attribute = [&](const char* name, auto member) {
    verdict.def_property_readonly(
        name, [member](const ShapesVerdict& v) { return reading(v.*member); },
        str("The ", name, " that was read, in the caption's word; None if it cannot be told.").c_str());
  };
  attribute("colour", &ShapesVerdict::colour);
  attribute("shape", &ShapesVerdict::shape);
  attribute("size", &ShapesVerdict::size);
  attribute("motion", &ShapesVerdict::motion);
  attribute("speed", &ShapesVerdict::speed);
  attribute("background", &ShapesVerdict::background);
  verdict
      .def_property_readonly(
          "confidence",
          [](const ShapesVerdict& v) {
            return std::map<std::string, double>{
                {"colour", v.colour.confidence}, {"shape", v.shape.confidence},
                {"size", v.size.confidence},     {"motion", v.motion.confidence},
                {"speed", v.speed.confidence},   {"background", v.background.confidence}};
          },
          "how sure each reading is, [0, 1]")
      .def_readonly("quality", &ShapesVerdict::quality, "The measurements behind the reading.")
      .def_property_readonly(
          "failures",
          [](const ShapesVerdict& v) {
            std::vector<std::string> names;
            for (const ShapesFailure f : v.failures) names.emplace_back(name_of(f));
            return names;
          },
          doc("metrics::ShapesFailure"))
      .def_readonly("track", &ShapesVerdict::track, doc("metrics::ShapesVerdict::track"))
      .def_property_readonly("object", &ShapesVerdict::object, doc("metrics::ShapesVerdict::object"))
      .def_property_readonly("coherent", &ShapesVerdict::coherent, doc("metrics::ShapesVerdict::coherent"))
      .def("__repr__", [](const ShapesVerdict& v) {
        return repr_of("ShapesVerdict", {{"colour", py::cast(reading(v.colour))},
                                         {"shape", py::cast(reading(v.shape))},
                                         {"size", py::cast(reading(v.size))},
                                         {"motion", py::cast(reading(v.motion))},
                                         {"speed", py::cast(reading(v.speed))},
                                         {"background", py::cast(reading(v.background))},
                                         {"coherent", py::bool_(v.coherent())}});
      });

  py::class_<ShapesScore>(m, "ShapesScore", doc("metrics::ShapesScore"))
      .def_readonly("colour", &ShapesScore::colour, "True if the clip shows the colour that was asked for.")
      .def_readonly("shape", &ShapesScore::shape, "True if the clip shows the shape that was asked for.")
      .def_readonly("size", &ShapesScore::size, "True if the clip shows the size that was asked for.")
      .def_readonly("motion", &ShapesScore::motion, "True if the clip shows the motion that was asked for.")
      .def_readonly("speed", &ShapesScore::speed, "True if the clip shows the speed that was asked for.")
      .def_readonly("background", &ShapesScore::background, "True if the clip shows the background that was asked for.")
      .def_readonly("coherent", &ShapesScore::coherent, "True if the clip has no failure.")
      .def_readonly("all", &ShapesScore::all, doc("metrics::ShapesScore::all"))
      .def_readonly("everything", &ShapesScore::everything, doc("metrics::ShapesScore::everything"))
      .def("__repr__", [](const ShapesScore& s) {
        return repr_of("ShapesScore", {{"colour", py::bool_(s.colour)},
                                       {"shape", py::bool_(s.shape)},
                                       {"motion", py::bool_(s.motion)},
                                       {"background", py::bool_(s.background)},
                                       {"coherent", py::bool_(s.coherent)},
                                       {"all", py::bool_(s.all)}});
      });
  py::class_<ShapesTable>(m, "ShapesTable", doc("metrics::ShapesTable"))
      .def(py::init<>())
      .def("add", &ShapesTable::add, "score"_a, "Counts one more clip.")
      .def_readonly("clips", &ShapesTable::clips, "Number of clips that were added.")
      .def_readonly("right", &ShapesTable::right, doc("metrics::ShapesTable::right"))
      .def("share", &ShapesTable::share, "name"_a, "share of clips that were right in this")
      .def("__repr__", [](const ShapesTable& t) {
        py::dict shares;
        for (const auto& [name, n] : t.right) shares[py::str(name)] = py::float_(t.share(name));
        return repr_of("ShapesTable", {{"clips", py::int_(t.clips)}, {"shares", shares}});
      });
  m.def("judge", &judge, "frames"_a, py::call_guard<py::gil_scoped_release>(), doc("metrics::judge"));
  m.def("score", &score, "verdict"_a, "attributes"_a, "Which attributes a verdict has right: ShapesScore.");

  using Rows = py::array_t<double, py::array::c_style | py::array::forcecast>;
  py::class_<Gaussian>(m, "Gaussian", "Mean and covariance.")
      .def_property_readonly(
          "mean", [](const Gaussian& g) { return to_array(g.mean, {static_cast<py::ssize_t>(g.mean.size())}); }, "[D]")
      .def_property_readonly(
          "covariance",
          [](const Gaussian& g) {
            const auto d = static_cast<py::ssize_t>(g.mean.size());
            return to_array(g.covariance, {d, d});
          },
          "[D, D], symmetric");
  m.def(
      "fit_gaussian",
      [](const Rows& rows) {
        VGEN_CHECK(rows.ndim() == 2, ShapeError, "fit_gaussian: expected rows [N, D], got ",
                   static_cast<long>(rows.ndim()), " dimensions");
        const std::span<const double> values(rows.data(), static_cast<std::size_t>(rows.size()));
        const auto d = static_cast<std::size_t>(rows.shape(1));
        const py::gil_scoped_release released;
        return fit_gaussian(values, d);
      },
      "rows"_a, doc("metrics::fit_gaussian"));
  m.def("frechet_distance", &frechet_distance, "a"_a, "b"_a, py::call_guard<py::gil_scoped_release>(),
        "The Frechet distance between two Gaussians, the distance of FID and FVD.");
}

}  // namespace vgen::bindings
