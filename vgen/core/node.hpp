// Node: a configuration or header tree read from JSON or YAML, each value with the line and column it came from.
// Options structs are made from it (core/options.hpp); parsers (formats/) produce it; nothing here parses.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "vgen/core/error.hpp"

namespace vgen {

struct VGEN_API Node {
  enum class Type { null, boolean, integer, real, string, list, map };
  Type type = Type::null;
  bool boolean = false;
  std::int64_t integer = 0;
  double real = 0;
  std::string string;
  std::vector<Node> items;                            // list
  std::vector<std::pair<std::string, Node>> entries;  // map, in file order, keys unique
  int line = 0, column = 0;                           // 1-based; 0 = made in code

  Node() = default;
  Node(bool v) : type(Type::boolean), boolean(v) {}
  Node(int v) : type(Type::integer), integer(v) {}
  Node(std::int64_t v) : type(Type::integer), integer(v) {}
  Node(double v) : type(Type::real), real(v) {}
  Node(const char* v) : type(Type::string), string(v) {}
  Node(std::string v) : type(Type::string), string(std::move(v)) {}
  static Node list(std::vector<Node> values = {});
  static Node map(std::vector<std::pair<std::string, Node>> values = {});

  bool is(Type t) const { return type == t; }
  bool is_null() const { return type == Type::null; }
  bool is_map() const { return type == Type::map; }
  bool is_list() const { return type == Type::list; }
  bool is_string() const { return type == Type::string; }
  bool is_number() const { return type == Type::integer || type == Type::real; }

  const Node* find(std::string_view key) const;  // nullptr if this is no map or has no such key
  Node& set(std::string key, Node value);        // adds or replaces; turns null into a map
  const Node& at(std::string_view key) const;    // ConfigError if missing
  const Node& operator[](std::size_t i) const;   // ConfigError if out of range or no list
  std::size_t size() const { return type == Type::map ? entries.size() : items.size(); }

  // Typed reads; ConfigError naming the type found. as_double accepts integers.
  bool as_bool() const;
  std::int64_t as_int() const;
  double as_double() const;
  const std::string& as_string() const;
  std::vector<std::int64_t> as_ints() const;
  std::vector<double> as_doubles() const;

  bool operator==(const Node& other) const;  // values only, not positions; map order ignored
};

VGEN_API std::string_view type_name(Node::Type type);  // "an integer", "a list", ...

// a.b=c overrides ("--set"): walks maps, list items by number, makes missing maps. The value is given parsed.
VGEN_API void set_path(Node& root, std::string_view dotted_path, Node value);

}  // namespace vgen
