// Options: aggregates with defaults and one list of their fields. That list yields designated initialisers in C++,
// keyword classes in Python, and strict reading from JSON, YAML and --set a.b=c.
//
//   struct DdimOptions {
//     static constexpr std::string_view kind = "ddim";
//     int steps = 50;
//     double eta = 0.0;
//     bool operator==(const DdimOptions&) const = default;
//     static constexpr auto fields() {
//       return std::tuple{field("steps", &DdimOptions::steps, "denoising steps"),
//                         field("eta", &DdimOptions::eta, "0 = deterministic")};
//     }
//   };
//
// Members may be bool, integers, floats, std::string, enums with an `enum_names` overload, other options structs,
// std::optional, std::vector and std::array of these, std::map<std::string, T>, and std::variant of options structs
// (written {"type": kind, ...}).
#pragma once
#include <array>
#include <cmath>
#include <concepts>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "vgen/core/error.hpp"
#include "vgen/core/node.hpp"

namespace vgen {

template <class Struct, class Member>
struct Field {
  const char* name;
  Member Struct::*member;
  const char* doc;
};
template <class Struct, class Member>
constexpr Field<Struct, Member> field(const char* name, Member Struct::*member, const char* doc = "") {
  return {name, member, doc};
}

template <class T>
concept Options = requires {
  { T::kind } -> std::convertible_to<std::string_view>;
  T::fields();
};

template <Options T, class F>
constexpr void for_each_field(F&& f) {
  std::apply([&](const auto&... each) { (f(each), ...); }, T::fields());
}

template <Options T>
std::vector<std::string> field_names() {
  std::vector<std::string> names;
  for_each_field<T>([&](const auto& f) { names.emplace_back(f.name); });
  return names;
}

// Closed choices: constexpr auto enum_names(Prediction) { return std::array{std::pair{Prediction::v, "v"}, ...}; }
template <class E>
concept NamedEnum = std::is_enum_v<E> && requires(E e) {
  enum_names(e);
};

template <NamedEnum E>
std::string_view name_of(E value) {
  for (const auto& [v, name] : enum_names(E{}))
    if (v == value) return name;
  return "?";
}

// ---- writing ----
template <class T>
Node to_node(const T& value);

namespace detail {
template <class T>
struct is_vector : std::false_type {};
template <class T, class A>
struct is_vector<std::vector<T, A>> : std::true_type {};
template <class T>
struct is_array : std::false_type {};
template <class T, std::size_t N>
struct is_array<std::array<T, N>> : std::true_type {};
template <class T>
struct is_optional : std::false_type {};
template <class T>
struct is_optional<std::optional<T>> : std::true_type {};
template <class T>
struct is_variant : std::false_type {};
template <class... T>
struct is_variant<std::variant<T...>> : std::true_type {};
template <class T>
struct is_map : std::false_type {};
template <class T>
struct is_map<std::map<std::string, T>> : std::true_type {};
}  // namespace detail

template <class T>
Node to_node(const T& value) {
  if constexpr (Options<T>) {
    Node n = Node::map();
    for_each_field<T>([&](const auto& f) { n.set(f.name, to_node(value.*f.member)); });
    return n;
  } else if constexpr (detail::is_variant<T>::value) {
    return std::visit(
        [](const auto& v) {
          Node n = Node::map();
          n.set("type", Node(std::string(std::decay_t<decltype(v)>::kind)));
          for (auto& [key, child] : to_node(v).entries) n.set(key, std::move(child));
          return n;
        },
        value);
  } else if constexpr (detail::is_optional<T>::value) {
    return value ? to_node(*value) : Node();
  } else if constexpr (detail::is_vector<T>::value || detail::is_array<T>::value) {
    Node n = Node::list();
    for (const auto& each : value) n.items.push_back(to_node(static_cast<typename T::value_type>(each)));
    return n;
  } else if constexpr (detail::is_map<T>::value) {
    Node n = Node::map();
    for (const auto& [key, child] : value) n.set(key, to_node(child));
    return n;
  } else if constexpr (NamedEnum<T>) {
    return Node(std::string(name_of(value)));
  } else if constexpr (std::is_same_v<T, bool>) {
    return Node(value);
  } else if constexpr (std::integral<T>) {
    return Node(static_cast<std::int64_t>(value));
  } else if constexpr (std::floating_point<T>) {
    return Node(static_cast<double>(value));
  } else if constexpr (std::is_same_v<T, Node>) {
    return value;
  } else {
    return Node(std::string(value));
  }
}

// ---- strict reading ----
// Where a value stands, for messages: "train.yaml:12:5: optimizer.lr: ...".
struct VGEN_API Place {
  std::string source, path;
  Place child(std::string_view key) const {
    return {source, path.empty() ? std::string(key) : path + "." + std::string(key)};
  }
  [[noreturn]] void fail(const Node& at, const std::string& message) const;  // ConfigError
};
namespace detail {
[[noreturn]] VGEN_API void unknown_key(const Place& place, const Node& at, std::string_view key, std::string_view kind,
                                       const std::vector<std::string>& valid);
[[noreturn]] VGEN_API void unknown_name(const Place& place, const Node& at, const std::vector<std::string>& valid);
}  // namespace detail

// Reads `node` into `value`; members not mentioned keep what they have (preset + overrides).
template <class T>
void from_node(const Node& node, T& value, const Place& place = {});

namespace detail {
template <std::size_t I = 0, class... T>
void read_variant(const Node& node, std::variant<T...>& value, const Place& place) {
  if constexpr (I == 0) {
    const Node* type = node.find("type");
    if (!type) place.fail(node, "expected a map with the key 'type'");
    if (!type->is_string()) place.fail(*type, str("expected a name, got ", type_name(type->type)));
  }
  if constexpr (I == sizeof...(T)) {
    unknown_name(place.child("type"), *node.find("type"), {std::string(T::kind)...});
  } else {
    using Alternative = std::variant_alternative_t<I, std::variant<T...>>;
    if (node.find("type")->string != Alternative::kind) return read_variant<I + 1>(node, value, place);
    Alternative read = std::holds_alternative<Alternative>(value) ? std::get<Alternative>(value) : Alternative{};
    Node rest = node;
    std::erase_if(rest.entries, [](const auto& e) { return e.first == "type"; });
    from_node(rest, read, place);
    value = std::move(read);
  }
}
}  // namespace detail

template <class T>
void from_node(const Node& node, T& value, const Place& place) {
  if constexpr (Options<T>) {
    if (!node.is_map())
      place.fail(node, str("expected a map with the fields of ", T::kind, ", got ", type_name(node.type)));
    for (const auto& [key, child] : node.entries) {
      bool known = false;
      for_each_field<T>([&](const auto& f) {
        if (key == f.name) known = true, from_node(child, value.*f.member, place.child(key));
      });
      if (!known) detail::unknown_key(place, child, key, T::kind, field_names<T>());
    }
  } else if constexpr (detail::is_variant<T>::value) {
    detail::read_variant(node, value, place);
  } else if constexpr (detail::is_optional<T>::value) {
    if (node.is_null()) return value.reset();
    typename T::value_type inner = value ? *value : typename T::value_type{};
    from_node(node, inner, place);
    value = std::move(inner);
  } else if constexpr (detail::is_vector<T>::value) {
    if (!node.is_list()) place.fail(node, str("expected a list, got ", type_name(node.type)));
    value.clear();
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      typename T::value_type each{};
      from_node(node.items[i], each, place.child(str(i)));
      value.push_back(std::move(each));
    }
  } else if constexpr (detail::is_array<T>::value) {
    if (!node.is_list() || node.size() != value.size())
      place.fail(node,
                 str("expected a list of ", value.size(), " values, got ", type_name(node.type), " of ", node.size()));
    for (std::size_t i = 0; i < value.size(); ++i) from_node(node.items[i], value[i], place.child(str(i)));
  } else if constexpr (detail::is_map<T>::value) {
    if (!node.is_map()) place.fail(node, str("expected a map, got ", type_name(node.type)));
    for (const auto& [key, child] : node.entries) from_node(child, value[key], place.child(key));
  } else if constexpr (NamedEnum<T>) {
    std::vector<std::string> valid;
    for (const auto& [v, name] : enum_names(T{})) {
      if (node.is_string() && node.string == name) {
        value = v;
        return;
      }
      valid.emplace_back(name);
    }
    detail::unknown_name(place, node, valid);
  } else if constexpr (std::is_same_v<T, bool>) {
    if (!node.is(Node::Type::boolean)) place.fail(node, str("expected true or false, got ", type_name(node.type)));
    value = node.boolean;
  } else if constexpr (std::integral<T>) {
    if (!node.is(Node::Type::integer)) place.fail(node, str("expected an integer, got ", type_name(node.type)));
    if (!std::in_range<T>(node.integer)) place.fail(node, str("integer ", node.integer, " is out of range"));
    value = static_cast<T>(node.integer);
  } else if constexpr (std::floating_point<T>) {
    if (!node.is_number()) place.fail(node, str("expected a number, got ", type_name(node.type)));
    value = static_cast<T>(node.as_double());
    if (!std::isfinite(value)) place.fail(node, "expected a finite number");
  } else if constexpr (std::is_same_v<T, Node>) {
    value = node;
  } else {
    if (!node.is_string()) place.fail(node, str("expected a string, got ", type_name(node.type)));
    value = T(node.string);
  }
}

template <class T>
T read(const Node& node, const Place& place = {}) {
  T value{};
  from_node(node, value, place);
  return value;
}

}  // namespace vgen
