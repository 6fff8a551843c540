// Options structs as Python values: keyword constructor, read-only fields, ==, hash, repr, copy, pickle, replace().
// Everything comes from the struct's own fields(), so a new field needs no binding.
#pragma once
#include <functional>

#include "bindings/common.hpp"
#include "vgen/core/options.hpp"

namespace vgen::bindings {

template <class T>
std::string python_name() {
  const py::type type = py::type::of<T>();
  return py::str(type.attr("__module__")).cast<std::string>() + "." +
         py::str(type.attr("__qualname__")).cast<std::string>();
}

// The annotation of a field: `in` as the constructor takes it, else as it is read.
template <class T>
std::string annotation(bool in) {
  if constexpr (Options<T>) {
    return python_name<T>() + (in ? " | dict[str, typing.Any]" : "");
  } else if constexpr (vgen::detail::is_variant<T>::value) {
    return [in]<class... A>(const std::variant<A...>*) {
      std::string out;
      ((out += (out.empty() ? "" : " | ") + python_name<A>()), ...);
      return out + (in ? " | str | dict[str, typing.Any]" : "");
    }(static_cast<const T*>(nullptr));
  } else if constexpr (vgen::detail::is_optional<T>::value) {
    return annotation<typename T::value_type>(in) + " | None";
  } else if constexpr (vgen::detail::is_vector<T>::value || vgen::detail::is_array<T>::value) {
    return (in ? "collections.abc.Sequence[" : "list[") + annotation<typename T::value_type>(in) + "]";
  } else if constexpr (vgen::detail::is_map<T>::value) {
    return "dict[str, " + annotation<typename T::mapped_type>(in) + "]";
  } else if constexpr (NamedEnum<T>) {
    std::string out = "typing.Literal[";
    for (const auto& [value, name] : enum_names(T{})) {
      // aliases are read too, but never given back
      if (in || name_of(value) == name) out += (out.back() == '[' ? "'" : ", '") + std::string(name) + "'";
    }
    return out + "]";
  } else if constexpr (std::is_same_v<T, bool>) {
    return "bool";
  } else if constexpr (std::integral<T>) {
    return "int";
  } else if constexpr (std::floating_point<T>) {
    return "float";
  } else if constexpr (std::is_same_v<T, Node>) {
    return "typing.Any";
  } else {
    return "str";
  }
}

template <class T>
py::object field_to_python(const T& value) {
  if constexpr (Options<T>) {
    return py::cast(value);
  } else if constexpr (vgen::detail::is_variant<T>::value) {
    return std::visit([](const auto& v) { return py::object(py::cast(v)); }, value);
  } else if constexpr (vgen::detail::is_optional<T>::value) {
    return value ? field_to_python(*value) : py::object(py::none());
  } else if constexpr (vgen::detail::is_vector<T>::value || vgen::detail::is_array<T>::value) {
    py::list out;
    for (const auto& each : value) out.append(field_to_python(static_cast<typename T::value_type>(each)));
    return out;
  } else if constexpr (vgen::detail::is_map<T>::value) {
    py::dict out;
    for (const auto& [key, each] : value) out[py::str(key)] = field_to_python(each);
    return out;
  } else {
    return to_python(vgen::to_node(value));
  }
}

template <class T>
void field_from_python(py::handle given, T& value, const Place& place);

template <class T>
void read_keywords(const py::dict& keywords, T& value, const Place& place) {
  for (const auto& [key, item] : keywords) {
    const std::string name = py::str(key);
    bool known = false;
    for_each_field<T>([&](const auto& f) {
      if (name == f.name) known = true, field_from_python(item, value.*f.member, place.child(name));
    });
    if (!known) vgen::detail::unknown_key(place, Node(), name, T::kind, field_names<T>());
  }
}

// Python value -> field, strictly; what a map does not mention stays as it was, as in configuration files.
template <class T>
void field_from_python(py::handle given, T& value, const Place& place) {
  if constexpr (Options<T>) {
    if (py::isinstance<T>(given)) {
      value = given.cast<const T&>();
    } else if (py::isinstance<py::dict>(given)) {
      read_keywords(py::reinterpret_borrow<py::dict>(given), value, place);
    } else {
      place.fail(Node(), str("expected ", python_name<T>(), " or a dict, got ",
                             py::str(py::type::of(given)).cast<std::string>()));
    }
  } else if constexpr (vgen::detail::is_variant<T>::value) {
    const bool found = [&]<class... A>(std::variant<A...>& variant) {
      return ((py::isinstance<A>(given) && (variant = given.cast<const A&>(), true)) || ...);
    }(value);
    if (found) return;
    from_node(py::isinstance<py::str>(given) ? Node::map({{"type", to_node(given)}}) : to_node(given), value, place);
  } else if constexpr (vgen::detail::is_optional<T>::value) {
    if (given.is_none()) return value.reset();
    typename T::value_type inner = value ? *value : typename T::value_type{};
    field_from_python(given, inner, place);
    value = std::move(inner);
  } else if constexpr (vgen::detail::is_vector<T>::value || vgen::detail::is_array<T>::value) {
    if (!py::isinstance<py::sequence>(given) || py::isinstance<py::str>(given))
      place.fail(Node(), str("expected a list, got ", py::str(py::type::of(given)).cast<std::string>()));
    const auto sequence = py::reinterpret_borrow<py::sequence>(given);
    if constexpr (vgen::detail::is_vector<T>::value) {
      value.clear();
      for (std::size_t i = 0; i < sequence.size(); ++i) {
        typename T::value_type each{};
        field_from_python(py::object(sequence[i]), each, place.child(str(i)));
        value.push_back(std::move(each));
      }
    } else {
      if (sequence.size() != value.size())
        place.fail(Node(), str("expected ", value.size(), " values, got ", sequence.size()));
      for (std::size_t i = 0; i < value.size(); ++i)
        field_from_python(py::object(sequence[i]), value[i], place.child(str(i)));
    }
  } else {
    from_node(to_node(given), value, place);
  }
}

// What does not depend on the struct, out of line.
struct FieldInfo {
  const char *name, *help;
  std::string read, taken;  // annotations
  py::object initial;
  bool simple;  // the default can be written in a signature
};
std::string options_doc(const char* text, const std::vector<FieldInfo>& fields);
std::string init_signature(const std::vector<FieldInfo>& fields);
void finish_options(py::object cls, const std::vector<FieldInfo>& fields);
[[noreturn]] void refuse_positional(std::string_view name);

template <Options T>
py::class_<T> bind_options(py::module_& m, const char* name, const char* text) {
  // Registered first: annotations of a struct may name the struct's own members, which are bound before it.
  std::vector<FieldInfo> fields;
  const T initial{};
  for_each_field<T>([&](const auto& f) {
    using M = std::decay_t<decltype(initial.*f.member)>;
    constexpr bool simple = !Options<M> && !vgen::detail::is_variant<M>::value;
    fields.push_back(
        {f.name, f.doc, annotation<M>(false), annotation<M>(true), field_to_python(initial.*f.member), simple});
  });
  py::class_<T> cls(m, name, options_doc(text, fields).c_str());
  cls.attr("kind") = std::string(T::kind);
  {
    py::options quiet;
    quiet.disable_function_signatures();
    cls.def(py::init([name](const py::args& positional, const py::kwargs& keywords) {
              if (!positional.empty()) refuse_positional(name);
              T value{};
              read_keywords(keywords, value, {name, ""});
              return value;
            }),
            init_signature(fields).c_str());
    cls.def(
        "replace",
        [name](const T& self, const py::kwargs& changes) {
          T value = self;
          read_keywords(changes, value, {name, ""});
          return value;
        },
        str("replace(self, **changes: typing.Any) -> ", python_name<T>(),
            "\n\nA copy with other values of some fields; a dict changes only what it names.")
            .c_str());
    cls.attr("__replace__") = cls.attr("replace");
    std::size_t i = 0;
    for_each_field<T>([&](const auto& f) {
      const auto member = f.member;
      const py::cpp_function get([member](const T& self) { return field_to_python(self.*member); }, py::is_method(cls),
                                 ("(self) -> " + fields[i++].read).c_str());
      cls.def_property_readonly(f.name, get, py::doc(f.doc));
    });
  }
  cls.def(
      "to_dict", [](const T& self) { return py::dict(to_python(vgen::to_node(self))); },
      "The fields as plain values, as a configuration file holds them.");
  cls.def_static(
      "from_dict",
      [name](const py::dict& values) {
        T value{};
        from_node(to_node(values), value, {name, ""});
        return value;
      },
      "values"_a, "The inverse of to_dict; ConfigError naming what does not fit.");
  cls.def(
      "__eq__",
      [](const T& a, const py::object& b) -> py::object {
        if (!py::isinstance<T>(b)) return py::reinterpret_borrow<py::object>(Py_NotImplemented);
        return py::bool_(a == b.cast<const T&>());
      },
      py::arg("other").none(true));
  cls.def("__copy__", [](const T& self) { return self; });
  cls.def(
      "__deepcopy__", [](const T& self, const py::dict&) { return self; }, "memo"_a);
  cls.def(py::pickle([](const T& self) { return to_python(vgen::to_node(self)); },
                     [name](const py::object& state) {
                       T value{};
                       from_node(to_node(state), value, {name, ""});
                       return value;
                     }));
  finish_options(cls, fields);
  return cls;
}

// Options given as an object, a dict or keywords of the function that takes them.
template <Options T>
T with_keywords(T value, const py::kwargs& keywords, const char* who) {
  read_keywords(keywords, value, {who, ""});
  return value;
}

}  // namespace vgen::bindings
