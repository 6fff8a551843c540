// Encoders of prompts and pictures; a Python class may derive from Encoder.
#include "vgen/conditioning/clip_text.hpp"

#include <pybind11/trampoline_self_life_support.h>

#include "bindings/tensor.hpp"
#include "vgen/conditioning/clip_vision.hpp"

namespace vgen::bindings {
namespace {

using conditioning::TextEmbedding;

// What encode() of a Python class may return: TextEmbedding, words, or (words, pooled).
TextEmbedding embedding_from(const py::object& value, std::size_t texts) {
  TextEmbedding out;
  if (py::isinstance<TextEmbedding>(value)) {
    out = value.cast<const TextEmbedding&>();
  } else if (is_tensor(value)) {
    out.words = value.cast<Tensor>();
  } else if (py::isinstance<py::tuple>(value) && py::len(value) == 2) {
    out.words = value[py::int_(0)].cast<Tensor>();
    out.pooled = value[py::int_(1)].cast<Tensor>();
  } else {
    throw py::type_error(str("encode: expected words [n, L, D], (words, pooled) or TextEmbedding, got ",
                             py::str(py::type::of(value).attr("__name__")).cast<std::string>()));
  }
  VGEN_CHECK(out.words.defined() && out.words.dim() == 3 && out.words.size(0) == static_cast<std::int64_t>(texts),
             ShapeError, "encode: words must be [", texts, ", L, D], got ",
             out.words.defined() ? shape_string(out.words.sizes()) : "none");
  return out;
}

class PyEncoder : public conditioning::Encoder, public py::trampoline_self_life_support {
 public:
  TextEmbedding encode(std::span<const std::string> texts) override {
    const py::gil_scoped_acquire gil;
    const py::function overridden = py::get_override(static_cast<const conditioning::Encoder*>(this), "encode");
    VGEN_CHECK(overridden, ConfigError,
               "conditioning.Encoder: a class derived from it must define encode(self, texts)");
    return embedding_from(overridden(std::vector<std::string>(texts.begin(), texts.end())), texts.size());
  }
};

}  // namespace

void bind_conditioning(py::module_& m) {
  using namespace conditioning;
  using Unlocked = py::call_guard<py::gil_scoped_release>;
  py::class_<TextEmbedding>(m, "TextEmbedding", "What an encoder makes of n texts.")
      .def(py::init(
               [](Tensor words, const std::optional<Tensor>& pooled, std::vector<std::vector<std::string>> dropped) {
                 return TextEmbedding{std::move(words), pooled.value_or(Tensor()), std::move(dropped)};
               }),
           "words"_a, "pooled"_a = py::none(), "dropped_words"_a = std::vector<std::vector<std::string>>{})
      .def_readonly("words", &TextEmbedding::words, doc("conditioning::TextEmbedding::words"))
      .def_property_readonly(
          "pooled", [](const TextEmbedding& e) { return e.pooled.defined() ? std::optional(e.pooled) : std::nullopt; },
          "[n, E], one vector a text; None if the encoder has none")
      .def_readonly("dropped_words", &TextEmbedding::dropped_words, doc("conditioning::TextEmbedding::dropped_words"))
      .def("__repr__",
           [](const TextEmbedding& e) { return "TextEmbedding(words=" + shape_string(e.words.sizes()) + ")"; });

  py::classh<Encoder, PyEncoder>(m, "Encoder", doc("conditioning::Encoder"))
      .def(py::init<>())
      .def(
          "encode",
          [](Encoder& self, const std::vector<std::string>& texts) {
            return interruptible([&](const CancelToken&) { return self.encode(texts); });
          },
          "texts"_a, doc("conditioning::Encoder::encode"));

  bind_options<ClipTextOptions>(m, "ClipTextOptions", doc("conditioning::ClipTextOptions"));
  py::class_<ClipTextOutput>(m, "ClipTextOutput", "What the text tower gives.")
      .def_readonly("words", &ClipTextOutput::words, doc("conditioning::ClipTextOutput::words"))
      .def_readonly("pooled", &ClipTextOutput::pooled, doc("conditioning::ClipTextOutput::pooled"));
  py::class_<ClipText, nn::Module, std::shared_ptr<ClipText>>(m, "ClipText", doc("conditioning::ClipText"))
      .def(py::init([](const std::optional<ClipTextOptions>& options, const py::kwargs& fields) {
             const auto o = with_keywords(options.value_or(ClipTextOptions{}), fields, "ClipText");
             const py::gil_scoped_release released;
             return std::make_shared<ClipText>(o);
           }),
           "options"_a = py::none())
      .def_property_readonly("options", &ClipText::options, "The ClipTextOptions it was built from.")
      .def(
          "forward", [](ClipText& tower, const Tensor& ids) { return tower.forward(ids); }, "ids"_a, Unlocked(),
          doc("conditioning::ClipText::forward"))
      .def(
          "__call__", [](ClipText& tower, const Tensor& ids) { return tower.forward(ids); }, "ids"_a, Unlocked(),
          "The same as forward.")
      .def(
          "initialise", [](ClipText& tower, std::uint64_t seed) { tower.initialise(make_generator(seed)); },
          "seed"_a = 0, Unlocked(), doc("conditioning::ClipText::initialise"));
  py::classh<ClipTextEncoder, Encoder>(m, "ClipTextEncoder", doc("conditioning::ClipTextEncoder"))
      .def(py::init<ClipText&>(), "tower"_a, py::keep_alive<1, 2>());

  bind_options<ClipVisionOptions>(m, "ClipVisionOptions", doc("conditioning::ClipVisionOptions"));
  py::class_<ClipVision, nn::Module, std::shared_ptr<ClipVision>>(m, "ClipVision", doc("conditioning::ClipVision"))
      .def(py::init([](const std::optional<ClipVisionOptions>& options, const py::kwargs& fields) {
             const auto o = with_keywords(options.value_or(ClipVisionOptions{}), fields, "ClipVision");
             const py::gil_scoped_release released;
             return std::make_shared<ClipVision>(o);
           }),
           "options"_a = py::none())
      .def_property_readonly("options", &ClipVision::options, "The ClipVisionOptions it was built from.")
      .def("forward", &ClipVision::forward, "image"_a, Unlocked(), doc("conditioning::ClipVision::forward"))
      .def("__call__", &ClipVision::forward, "image"_a, Unlocked(), "The same as forward.");
  m.def("clip_normalise", &clip_normalise, "x"_a, Unlocked(), doc("conditioning::clip_normalise"));
}

}  // namespace vgen::bindings
