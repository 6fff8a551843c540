#include "vgen/core/node.hpp"

#include <algorithm>
#include <charconv>

namespace vgen {

Node Node::list(std::vector<Node> values) {
  Node n;
  n.type = Type::list;
  n.items = std::move(values);
  return n;
}
Node Node::map(std::vector<std::pair<std::string, Node>> values) {
  Node n;
  n.type = Type::map;
  n.entries = std::move(values);
  return n;
}

const Node* Node::find(std::string_view key) const {
  if (type != Type::map) return nullptr;
  for (const auto& [k, v] : entries)
    if (k == key) return &v;
  return nullptr;
}

Node& Node::set(std::string key, Node value) {
  if (type == Type::null) type = Type::map;
  VGEN_CHECK(type == Type::map, ConfigError, "cannot set key '", key, "' in ", type_name(type));
  for (auto& [k, v] : entries)
    if (k == key) return v = std::move(value);
  return entries.emplace_back(std::move(key), std::move(value)).second;
}

static std::string where(const Node& n) { return n.line ? str("line ", n.line, ", column ", n.column, ": ") : ""; }

const Node& Node::at(std::string_view key) const {
  const Node* n = find(key);
  VGEN_CHECK(n, ConfigError, where(*this), "missing key '", printable(key), "' in ", type_name(type));
  return *n;
}
const Node& Node::operator[](std::size_t i) const {
  VGEN_CHECK(type == Type::list && i < items.size(), ConfigError, where(*this), "no item ", i, " in ", type_name(type),
             " of ", items.size());
  return items[i];
}

bool Node::as_bool() const {
  VGEN_CHECK(type == Type::boolean, ConfigError, where(*this), "expected true or false, got ", type_name(type));
  return boolean;
}
std::int64_t Node::as_int() const {
  VGEN_CHECK(type == Type::integer, ConfigError, where(*this), "expected an integer, got ", type_name(type));
  return integer;
}
double Node::as_double() const {
  VGEN_CHECK(is_number(), ConfigError, where(*this), "expected a number, got ", type_name(type));
  return type == Type::real ? real : static_cast<double>(integer);
}
const std::string& Node::as_string() const {
  VGEN_CHECK(type == Type::string, ConfigError, where(*this), "expected a string, got ", type_name(type));
  return string;
}
std::vector<std::int64_t> Node::as_ints() const {
  VGEN_CHECK(type == Type::list, ConfigError, where(*this), "expected a list of integers, got ", type_name(type));
  std::vector<std::int64_t> out;
  for (const Node& n : items) out.push_back(n.as_int());
  return out;
}
std::vector<double> Node::as_doubles() const {
  VGEN_CHECK(type == Type::list, ConfigError, where(*this), "expected a list of numbers, got ", type_name(type));
  std::vector<double> out;
  for (const Node& n : items) out.push_back(n.as_double());
  return out;
}

bool Node::operator==(const Node& o) const {
  if (is_number() && o.is_number()) return as_double() == o.as_double();
  if (type != o.type) return false;
  switch (type) {
    case Type::null:
      return true;
    case Type::boolean:
      return boolean == o.boolean;
    case Type::string:
      return string == o.string;
    case Type::list:
      return items == o.items;
    case Type::map:
      return entries.size() == o.entries.size() && std::ranges::all_of(entries, [&](const auto& e) {
               const Node* other = o.find(e.first);
               return other && *other == e.second;
             });
    default:
      return false;
  }
}

std::string_view type_name(Node::Type type) {
  switch (type) {
    case Node::Type::null:
      return "null";
    case Node::Type::boolean:
      return "a boolean";
    case Node::Type::integer:
      return "an integer";
    case Node::Type::real:
      return "a number";
    case Node::Type::string:
      return "a string";
    case Node::Type::list:
      return "a list";
    case Node::Type::map:
      return "a map";
  }
  return "?";
}

void set_path(Node& root, std::string_view path, Node value) {
  Node* at = &root;
  while (true) {
    const std::size_t dot = path.find('.');
    const std::string key(path.substr(0, dot));
    VGEN_CHECK(!key.empty(), ConfigError, "empty key in path; write it as a.b=value");
    Node* next = nullptr;
    if (at->is_list()) {
      std::size_t i = 0;
      const auto [end, ec] = std::from_chars(key.data(), key.data() + key.size(), i);
      VGEN_CHECK(ec == std::errc() && *end == 0 && i < at->items.size(), ConfigError, "'", printable(key),
                 "' is no index into a list of ", at->items.size());
      next = &at->items[i];
    } else {
      VGEN_CHECK(at->is_map() || at->is_null(), ConfigError, "'", printable(key), "' leads into ", type_name(at->type));
      const Node* found = at->find(key);
      next = found ? const_cast<Node*>(found) : &at->set(key, Node());
    }
    if (dot == std::string_view::npos) {
      *next = std::move(value);
      return;
    }
    at = next;
    path.remove_prefix(dot + 1);
  }
}

}  // namespace vgen
