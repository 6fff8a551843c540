// CLIP's tokenizer.
#include "vgen/text/tokenizer.hpp"

#include "bindings/common.hpp"
#include "vgen/text/clean.hpp"

namespace vgen::bindings {

void bind_text(py::module_& m) {
  using namespace text;
  py::class_<Tokens>(m, "Tokens", "What Tokenizer.tokenize gives.")
      .def_property_readonly(
          "ids",
          [](const Tokens& t) {
            const auto n = static_cast<py::ssize_t>(t.lengths.size());
            return to_array(t.ids, {n, static_cast<py::ssize_t>(t.context_length)});
          },
          "int32 [n, context_length], padded with 0")
      .def_readonly("lengths", &Tokens::lengths, doc("text::Tokens::lengths"))
      .def_readonly("dropped_words", &Tokens::dropped_words, doc("text::Tokens::dropped_words"))
      .def_readonly("context_length", &Tokens::context_length, "Columns of ids: the window.")
      .def("__len__", [](const Tokens& t) { return t.lengths.size(); })
      .def("__repr__", [](const Tokens& t) {
        return repr_of("Tokens", {{"lengths", py::cast(t.lengths)}, {"dropped_words", py::cast(t.dropped_words)}});
      });
  py::class_<Tokenizer>(m, "Tokenizer", doc("text::Tokenizer"))
      .def_static("clip", &Tokenizer::clip, py::return_value_policy::reference, doc("text::Tokenizer::clip"))
      .def_static("from_merges", &Tokenizer::from_merges, "path"_a, "max_merges"_a = 48894,
                  doc("text::Tokenizer::from_merges"))
      .def("encode", &Tokenizer::encode, "text"_a, py::call_guard<py::gil_scoped_release>(),
           doc("text::Tokenizer::encode"))
      .def(
          "tokenize",
          [](const Tokenizer& t, const std::vector<std::string>& texts, int context_length) {
            const py::gil_scoped_release released;
            return t.tokenize(std::span<const std::string>(texts), context_length);
          },
          "texts"_a, "context_length"_a = 77, doc("text::Tokenizer::tokenize"))
      .def(
          "tokenize",
          [](const Tokenizer& t, const std::string& one, int context_length) {
            return t.tokenize({one}, context_length);
          },
          "texts"_a, "context_length"_a = 77)
      .def(
          "decode", [](const Tokenizer& t, const std::vector<std::int32_t>& ids) { return t.decode(ids); }, "ids"_a,
          doc("text::Tokenizer::decode"))
      .def_property_readonly("start_id", &Tokenizer::start_id, "Id of the start token.")
      .def_property_readonly("end_id", &Tokenizer::end_id, "Id of the end token.")
      .def_property_readonly("vocab_size", &Tokenizer::vocab_size, "Number of ids.")
      .def("__repr__", [](const Tokenizer& t) {
        return repr_of("Tokenizer", {{"vocab_size", py::int_(t.vocab_size())}});
      });
  m.def("clean", &clean, "text"_a, py::call_guard<py::gil_scoped_release>(), doc("text::clean"));
}

}  // namespace vgen::bindings
