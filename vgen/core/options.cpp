#include "vgen/core/options.hpp"

namespace vgen {

void Place::fail(const Node& at, const std::string& message) const {
  std::string text = source.empty() ? "" : printable(source);
  if (at.line < 0) text = "--set";  // put into what was read from `source`
  if (at.line > 0) text += str(text.empty() ? "line " : ":", at.line, ":", at.column);
  if (!text.empty()) text += ": ";
  if (!path.empty()) text += printable(path) + ": ";
  throw ConfigError(text + message);
}

namespace detail {
static std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& n : names) out += (out.empty() ? "" : ", ") + n;
  return out;
}

void unknown_key(const Place& place, const Node& at, std::string_view key, std::string_view kind,
                 const std::vector<std::string>& valid) {
  const std::string near = nearest(key, valid.data(), valid.size());
  place.fail(at, str("unknown key '", printable(key), "' in ", kind,
                     near.empty() ? "" : "; did you mean '" + near + "'?", " (valid: ", joined(valid), ")"));
}

void unknown_name(const Place& place, const Node& at, const std::vector<std::string>& valid) {
  if (!at.is_string()) place.fail(at, str("expected one of ", joined(valid), ", got ", type_name(at.type)));
  const std::string near = nearest(at.string, valid.data(), valid.size());
  place.fail(at, str("unknown name '", printable(at.string), "'", near.empty() ? "" : "; did you mean '" + near + "'?",
                     " (valid: ", joined(valid), ")"));
}
}  // namespace detail
}  // namespace vgen
