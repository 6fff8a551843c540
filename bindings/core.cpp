// Errors, logging, progress, values of configurations.
#include "vgen/core/error.hpp"

#include <filesystem>
#include <new>

#include "bindings/common.hpp"
#include "bindings/options.hpp"
#include "vgen/core/log.hpp"
#include "vgen/version.hpp"

namespace vgen::bindings {

// ---- values ----

py::object to_python(const Node& node) {
  switch (node.type) {
    case Node::Type::null:
      return py::none();
    case Node::Type::boolean:
      return py::bool_(node.boolean);
    case Node::Type::integer:
      return py::int_(node.integer);
    case Node::Type::real:
      return py::float_(node.real);
    case Node::Type::string:
      return py::str(node.string);
    case Node::Type::list: {
      py::list out;
      for (const Node& each : node.items) out.append(to_python(each));
      return out;
    }
    case Node::Type::map: {
      py::dict out;
      for (const auto& [key, each] : node.entries) out[py::str(key)] = to_python(each);
      return out;
    }
  }
  return py::none();
}

Node to_node(py::handle value) {
  if (value.is_none()) return {};
  if (py::isinstance<py::bool_>(value)) return Node(value.cast<bool>());
  if (py::isinstance<py::str>(value)) {
    py::ssize_t size = 0;
    const char* text = PyUnicode_AsUTF8AndSize(value.ptr(), &size);
    if (!text) PyErr_Clear();
    VGEN_CHECK(text, ConfigError, "text: expected valid Unicode, got a lone surrogate in ",
               py::repr(value).cast<std::string>().substr(0, 80));
    return Node(std::string(text, static_cast<std::size_t>(size)));
  }
  if (py::isinstance<py::float_>(value)) return Node(value.cast<double>());
  if (PyIndex_Check(value.ptr())) {  // int, numpy.int64, ...
    const py::object whole = py::reinterpret_steal<py::object>(PyNumber_Index(value.ptr()));
    if (!whole) throw py::error_already_set();
    int overflow = 0;
    const long long number = PyLong_AsLongLongAndOverflow(whole.ptr(), &overflow);
    VGEN_CHECK(overflow == 0, ConfigError, "integer ", py::str(whole).cast<std::string>(), " does not fit 64 bits");
    return Node(static_cast<std::int64_t>(number));
  }
  if (py::isinstance<py::dict>(value)) {
    Node out = Node::map();
    for (const auto& [key, each] : py::reinterpret_borrow<py::dict>(value))
      out.set(py::str(key).cast<std::string>(), to_node(each));
    return out;
  }
  if (py::hasattr(value, "kind") && py::hasattr(value, "to_dict")) {  // options of a variant: their kind is their type
    Node out = Node::map({{"type", to_node(value.attr("kind"))}});
    for (auto& [key, each] : to_node(value.attr("to_dict")()).entries) out.set(key, std::move(each));
    return out;
  }
  if (py::isinstance<py::sequence>(value)) {
    Node out = Node::list();
    for (const py::handle each : value) out.items.push_back(to_node(each));
    return out;
  }
  if (PyNumber_Check(value.ptr()) && py::hasattr(value, "__float__"))  // numpy.float32, ...
    return Node(py::float_(py::reinterpret_borrow<py::object>(value)).cast<double>());
  if (py::hasattr(value, "__fspath__")) return to_node(value.attr("__fspath__")());
  throw py::type_error(
      str("expected a number, text, list or dict, got ", py::str(py::type::of(value)).cast<std::string>()));
}

std::string repr_of(std::string_view name, std::initializer_list<std::pair<const char*, py::object>> members) {
  std::string out = str(name, "(");
  for (const auto& [key, value] : members)
    out += str(out.back() == '(' ? "" : ", ", key, "=", py::repr(value).cast<std::string>());
  return out + ")";
}

OnProgress to_progress(const py::object& callback) {
  if (callback.is_none()) return {};
  if (!PyCallable_Check(callback.ptr()))
    throw py::type_error("progress: expected a callable (stage, done, total, seconds)");
  return [held = hold(callback)](const ProgressEvent& event) {
    if (Interruption::signalled()) return;
    const py::gil_scoped_acquire gil;
    try {
      (*held)(event.stage, event.done, event.total, event.seconds);
    } catch (py::error_already_set& e) {
      if (!(Interruption::signalled() && e.matches(PyExc_KeyboardInterrupt))) throw;
    }
  };
}

// ---- frames ----

py::array_t<std::uint8_t> to_array(const video::Frames& frames) {
  auto* owner = new std::shared_ptr<std::vector<std::uint8_t>>(frames.pixels);
  const py::capsule base(owner, [](void* p) { delete static_cast<std::shared_ptr<std::vector<std::uint8_t>>*>(p); });
  const std::vector<py::ssize_t> shape{frames.count, frames.height, frames.width, frames.channels};
  return py::array_t<std::uint8_t>(shape, *owner ? (*owner)->data() : nullptr, base);
}

video::Frames to_frames(py::handle given, double fps) {
  const auto array = py::array::ensure(given, py::array::c_style);
  VGEN_CHECK(array, ShapeError, "frames: expected an array uint8 [F, H, W, C], got ",
             py::str(py::type::of(given)).cast<std::string>());
  const auto describe = [&] {
    return str(py::str(array.dtype()).cast<std::string>(), " ", py::str(array.attr("shape")).cast<std::string>());
  };
  VGEN_CHECK(py::isinstance<py::array_t<std::uint8_t>>(array), ShapeError, "frames: expected uint8 [F, H, W, C], got ",
             describe(), "; scale to 0..255 and convert to uint8");
  VGEN_CHECK(array.ndim() == 4, ShapeError, "frames: expected uint8 [F, H, W, C], got ", describe(),
             array.ndim() == 3 ? "; one picture is frames[None]" : "");
  video::Frames frames(array.shape(0), array.shape(1), array.shape(2), array.shape(3), fps);
  std::copy_n(static_cast<const std::uint8_t*>(array.data()), frames.bytes(), frames.pixels->data());
  return frames;
}

// ---- options, what does not depend on the struct ----

std::string options_doc(const char* text, const std::vector<FieldInfo>& fields) {
  std::string out = text;
  if (!fields.empty()) out += out.empty() ? "Fields:" : "\n\nFields:";
  for (const FieldInfo& f : fields) {
    out += str("\n    ", f.name);
    if (f.simple) out += str(" = ", py::repr(f.initial).cast<std::string>());
    if (*f.help) out += str(": ", f.help);
  }
  return out;
}

std::string init_signature(const std::vector<FieldInfo>& fields) {
  std::string out = "__init__(self";
  if (!fields.empty()) out += ", *";
  for (const FieldInfo& f : fields)
    out += str(", ", f.name, ": ", f.taken, " = ", f.simple ? py::repr(f.initial).cast<std::string>() : "...");
  return out + ") -> None";
}

void finish_options(py::object cls, const std::vector<FieldInfo>& fields) {
  const py::object inspect = py::module_::import("inspect");
  const py::object parameter = inspect.attr("Parameter"), keyword = parameter.attr("KEYWORD_ONLY");
  py::list parameters;
  py::tuple names(fields.size());
  for (std::size_t i = 0; i < fields.size(); ++i) {
    names[i] = fields[i].name;
    parameters.append(parameter(fields[i].name, keyword, "default"_a = fields[i].initial));
  }
  cls.attr("__signature__") = inspect.attr("Signature")(parameters);  // help(), completion of keywords
  cls.attr("__repr__") = py::cpp_function(
      [names](const py::object& self) {
        std::string out = py::str(py::type::of(self).attr("__name__")).cast<std::string>() + "(";
        for (const py::handle name : names)
          out += str(out.back() == '(' ? "" : ", ", py::str(name).cast<std::string>(), "=",
                     py::repr(self.attr(name)).cast<std::string>());
        return out + ")";
      },
      py::name("__repr__"), py::is_method(cls));
  cls.attr("__hash__") = py::cpp_function([](const py::object& self) { return py::hash(py::repr(self)); },
                                          py::name("__hash__"), py::is_method(cls));
  cls.attr("__setattr__") = py::cpp_function(
      [names](const py::object& self, const std::string& name, const py::object&) {
        const std::string type = py::str(py::type::of(self).attr("__name__"));
        std::vector<std::string> valid;
        for (const py::handle each : names) valid.push_back(py::str(each));
        const bool known = std::find(valid.begin(), valid.end(), name) != valid.end();
        const std::string near = nearest(name, valid.data(), valid.size());
        PyErr_SetString(
            PyExc_AttributeError,
            (known ? str(type, " is a value and cannot be changed; make a new one: options.replace(", name, "=...)")
                   : str(type, " has no field '", printable(name), "'",
                         near.empty() ? "" : "; did you mean '" + near + "'?"))
                .c_str());
        throw py::error_already_set();
      },
      py::name("__setattr__"), py::is_method(cls), py::arg("name"), py::arg("value").none(true));
}

void refuse_positional(std::string_view name) {
  throw py::type_error(str(name, ": fields are given by name, e.g. ", name, "(steps=30)"));
}

// ---- errors ----

namespace {

struct Exceptions {
  py::handle error, config, shape, format, unsupported, unsafe_pickle, path, weights, media, io, checkpoint, numerics,
      unavailable, interrupted;
};
Exceptions exceptions;  // immortal: an exception may be thrown while the interpreter ends

py::handle define(py::module_& m, const char* name, const char* text, std::initializer_list<py::handle> bases) {
  py::tuple base(bases.size());
  std::size_t i = 0;
  for (const py::handle each : bases) base[i++] = each;
  const std::string full = str("vgen.", name);
  const py::handle made = PyErr_NewExceptionWithDoc(full.c_str(), text, base.ptr(), nullptr);
  if (!made) throw py::error_already_set();
  m.attr(name) = made;
  return made;
}

// Messages may hold bytes of files and paths that are no UTF-8.
py::object text_of(std::string_view text) {
  return py::reinterpret_steal<py::object>(
      PyUnicode_DecodeUTF8(text.data(), static_cast<py::ssize_t>(text.size()), "replace"));
}

void raise(py::handle type, const char* text, Exit code) {
  const py::object error = type(text_of(text));
  error.attr("exit_code") = static_cast<int>(code);
  PyErr_SetObject(type.ptr(), error.ptr());
}

void translate(std::exception_ptr pointer) {
  try {
    std::rethrow_exception(pointer);
  }
#define VGEN_TRANSLATE(Type, type)              \
  catch (const Type& e) {                       \
    raise(exceptions.type, e.what(), e.code()); \
  }
  VGEN_TRANSLATE(ShapeError, shape)
  VGEN_TRANSLATE(ConfigError, config)
  VGEN_TRANSLATE(UnsafePickleError, unsafe_pickle)
  VGEN_TRANSLATE(UnsupportedError, unsupported)
  VGEN_TRANSLATE(PathError, path)
  VGEN_TRANSLATE(WeightsError, weights)
  VGEN_TRANSLATE(MediaError, media)
  VGEN_TRANSLATE(FormatError, format)
  VGEN_TRANSLATE(CheckpointError, checkpoint)
  VGEN_TRANSLATE(IoError, io)
  VGEN_TRANSLATE(NumericsError, numerics)
  VGEN_TRANSLATE(Unavailable, unavailable)
  VGEN_TRANSLATE(Interrupted, interrupted)
  VGEN_TRANSLATE(Error, error)
#undef VGEN_TRANSLATE
  catch (const std::filesystem::filesystem_error& e) {
    raise(exceptions.io, e.what(), Exit::io);
  }
}

void bind_errors(py::module_& m) {
  Exceptions& e = exceptions;
  e.error = define(m, "Error", doc("Error"), {PyExc_Exception});
  e.error.attr("exit_code") = static_cast<int>(Exit::internal);
  e.config = define(m, "ConfigError", "A wrong option, key, name, size or value.", {e.error, PyExc_ValueError});
  e.shape = define(m, "ShapeError", "A tensor or array of the wrong shape.", {e.config});
  e.format = define(m, "FormatError", "A malformed file.", {e.error, PyExc_ValueError});
  e.unsupported = define(m, "UnsupportedError", "A well-formed file of a kind that is not read.", {e.format});
  e.unsafe_pickle = define(m, "UnsafePickleError", "A pickle that would run code; nothing was run.", {e.format});
  e.path = define(m, "PathError", "A file that names another file outside of its folder.", {e.format});
  e.weights = define(m, "WeightsError", "Tensors that do not fit the model; nothing was loaded.", {e.format});
  e.media = define(m, "MediaError", "A video or picture that cannot be decoded.", {e.format});
  e.io = define(m, "IoError", "A file or folder that is missing, unreadable, unwritable, or a full disk.",
                {e.error, PyExc_OSError});
  e.checkpoint = define(m, "CheckpointError", "A checkpoint that cannot be written or is damaged.", {e.io});
  e.numerics =
      define(m, "NumericsError", "NaN or Inf, with the place where it arose.", {e.error, PyExc_ArithmeticError});
  e.unavailable = define(m, "Unavailable", "An optional part is missing: FFmpeg, CUDA, a shipped model.",
                         {e.error, PyExc_RuntimeError});
  e.interrupted =
      define(m, "Interrupted", "Stopped on request, but not by Ctrl-C.", {e.error, PyExc_KeyboardInterrupt});
  py::register_local_exception_translator(translate);
}

// ---- logging ----

// Records go to logging.getLogger("vgen"), which also decides what is wanted.
void bind_logging(py::module_& m) {
  log::set_level(log::Level::debug);
  const auto logger = hold(py::module_::import("logging").attr("getLogger")("vgen"));
  log::set_sink([logger](log::Level level, std::string_view message) {
    if (!Py_IsInitialized()) return;
    const py::gil_scoped_acquire gil;
    static constexpr int levels[] = {10, 20, 30, 40};
    try {
      (*logger).attr("log")(levels[static_cast<int>(level)], "%s", text_of(message));
    } catch (py::error_already_set& e) { e.discard_as_unraisable("vgen.log"); }
  });
  py::module_::import("atexit").attr("register")(py::cpp_function([] { log::set_sink({}); }));
}

}  // namespace

void bind_core(py::module_& m) {
  m.attr("__version__") = build_info().version;
  bind_errors(m);
  bind_logging(m);
}

}  // namespace vgen::bindings
