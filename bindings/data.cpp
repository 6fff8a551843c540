// The shapes world.
#include "bindings/options.hpp"
#include "vgen/data/shapes_world.hpp"

namespace vgen::bindings {
namespace {
template <class E>
E named(const std::string& name, const char* who) {
  E value{};
  from_node(Node(name), value, {who, ""});
  return value;
}
std::vector<py::ssize_t> shape_of(const data::ShapesClip& c, std::initializer_list<py::ssize_t> more = {}) {
  std::vector<py::ssize_t> shape{c.frames.count, c.frames.height, c.frames.width};
  shape.insert(shape.end(), more);
  return shape;
}
}  // namespace

void bind_data(py::module_& m) {
  using namespace data;
  bind_options<ShapesAttributes>(m, "ShapesAttributes", doc("data::ShapesAttributes"))
      .def("__str__", [](const ShapesAttributes& a) { return canonical_caption(a); });
  bind_options<ShapesOptions>(m, "ShapesOptions", doc("data::ShapesOptions"));

  py::class_<ShapesPose>(m, "ShapesPose", doc("data::ShapesPose"))
      .def_readonly("x", &ShapesPose::x, "Of the centroid, as a share of the frame, from the left.")
      .def_readonly("y", &ShapesPose::y, "Of the centroid, as a share of the frame, from the top.")
      .def_readonly("radius", &ShapesPose::radius, "As a share of the frame.")
      .def("__repr__", [](const ShapesPose& p) {
        return repr_of("ShapesPose",
                       {{"x", py::float_(p.x)}, {"y", py::float_(p.y)}, {"radius", py::float_(p.radius)}});
      });
  py::class_<ShapesObject>(m, "ShapesObject", "One object of a clip.")
      .def_readonly("attributes", &ShapesObject::attributes, "What its caption says.")
      .def_readonly("poses", &ShapesObject::poses, "one a frame")
      .def("__repr__", [](const ShapesObject& o) {
        return repr_of("ShapesObject", {{"attributes", py::cast(o.attributes)}});
      });
  py::class_<ShapesClip>(m, "ShapesClip", "A clip of the shapes world with its ground truth.")
      .def_readonly("frames", &ShapesClip::frames, doc("data::ShapesClip::frames"))
      .def_property_readonly(
          "fps", [](const ShapesClip& c) { return c.frames.fps; }, "frames a second")
      .def_readonly("attributes", &ShapesClip::attributes, doc("data::ShapesClip::attributes"))
      .def_readonly("caption", &ShapesClip::caption, "What the clip shows; in training half of them are paraphrases.")
      .def_readonly("objects", &ShapesClip::objects, doc("data::ShapesClip::objects"))
      .def(
          "mask", [](const ShapesClip& c, std::size_t object) { return to_array(c.mask(object), shape_of(c)); },
          "object"_a = 0, doc("data::ShapesClip::mask"))
      .def(
          "depth", [](const ShapesClip& c) { return to_array(c.depth(), shape_of(c)); },
          "float32 [F, S, S] height in [0, 1]: 0 = background; the object rises like a dome to 1 at its centre")
      .def(
          "motion", [](const ShapesClip& c) { return to_array(c.motion(), shape_of(c, {2})); },
          "float32 [F, S, S, 2] (dx, dy) pixels that what is seen here moved since the frame before")
      .def(
          "edges", [](const ShapesClip& c) { return to_array(c.edges(), shape_of(c)); }, doc("data::ShapesClip::edges"))
      .def("__repr__", [](const ShapesClip& c) {
        return repr_of("ShapesClip", {{"caption", py::str(c.caption)}});
      });
  py::class_<ShapesPrompt>(m, "ShapesPrompt", doc("data::ShapesPrompt"))
      .def_readonly("caption", &ShapesPrompt::caption, "The canonical caption.")
      .def_readonly("attributes", &ShapesPrompt::attributes, "What a clip must show to be right.")
      .def_readonly("unseen", &ShapesPrompt::unseen, "True if training never saw this combination.")
      .def("__repr__", [](const ShapesPrompt& p) {
        return repr_of("ShapesPrompt", {{"caption", py::str(p.caption)}, {"unseen", py::bool_(p.unseen)}});
      });

  using Unlocked = py::call_guard<py::gil_scoped_release>;
  const auto defaults = py::arg_v("options", ShapesOptions{}, "ShapesOptions()");
  m.def(
      "shapes_clip",
      [](std::uint64_t seed, std::uint64_t index, const std::string& split, const ShapesOptions& o) {
        return shapes_clip(seed, index, named<Split>(split, "split"), o);
      },
      "seed"_a, "index"_a, "split"_a = "train", defaults, Unlocked(), doc("data::shapes_clip"));
  m.def(
      "shapes_clip",
      [](const ShapesAttributes& a, std::uint64_t seed, const ShapesOptions& o) { return shapes_clip(a, seed, o); },
      "attributes"_a, "seed"_a = 0, defaults, Unlocked());
  m.def(
      "shapes_clip",
      [](const std::vector<ShapesAttributes>& a, std::uint64_t seed, const ShapesOptions& o) {
        return shapes_clip(a, seed, o);
      },
      "objects"_a, "seed"_a = 0, defaults, Unlocked());
  m.def(
      "shapes_attributes",
      [](std::uint64_t seed, std::uint64_t index, const std::string& split, int objects) {
        return shapes_attributes(seed, index, named<Split>(split, "split"), objects);
      },
      "seed"_a, "index"_a, "split"_a = "train", "objects"_a = 1, doc("data::shapes_attributes"));
  m.def(
      "shapes_caption",
      [](std::uint64_t seed, std::uint64_t index, const std::string& split, const ShapesOptions& o) {
        return shapes_caption(seed, index, named<Split>(split, "split"), o);
      },
      "seed"_a, "index"_a, "split"_a = "train", defaults, "The caption of sample (seed, index), without rendering it.");
  m.def("canonical_caption", py::overload_cast<const ShapesAttributes&>(&canonical_caption), "attributes"_a,
        doc("data::canonical_caption"));
  m.def("canonical_caption", py::overload_cast<const std::vector<ShapesAttributes>&>(&canonical_caption), "objects"_a);
  m.def("paraphrase", &paraphrase, "objects"_a, "draw"_a, doc("data::paraphrase"));
  m.def(
      "parse_caption", [](const std::string& caption) { return parse_caption(caption); }, "caption"_a,
      doc("data::parse_caption"));
  m.def(
      "split_of", [](const ShapesAttributes& a) { return std::string(name_of(split_of(a))); }, "attributes"_a,
      "\"train\", \"unseen\" or \"custom\": which samples may have these attributes.");
  m.def("eval_prompts", &eval_prompts, "count"_a, "seed"_a = 0, "unseen"_a = 0.5,
        "ShapesPrompts to score a model with: canonical captions drawn from the seed; unseen is the share of "
        "combinations that "
        "training never saw.");
}

}  // namespace vgen::bindings
