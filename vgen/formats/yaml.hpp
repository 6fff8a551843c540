// A strict YAML 1.2 subset (core schema) to and from Node: block and flow maps and lists, plain and quoted scalars,
// literal and folded blocks, comments. Torch-free. Refused with FormatError "source:line:column: ...": duplicate keys,
// tags, anchors, aliases, merge and complex keys, several documents, tabs as indentation, what TextLimits forbids. JSON
// text is read as well.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "vgen/core/node.hpp"
#include "vgen/formats/json.hpp"

namespace vgen::formats {

VGEN_API Node parse_yaml(std::string_view text, const std::string& source = "", const TextLimits& limits = {});
// YAML 1.1 as PyYAML reads it, the same subset: plain "yes" is true, "017" is 15, "1e-4" is text ("1.0e-4" is not); a
// repeated key replaces the first and is told in `repeated`.
struct RepeatedKey {
  std::string key;
  int line = 0, column = 0;  // of the later one
};
VGEN_API Node parse_yaml_1_1(std::string_view text, const std::string& source, std::vector<RepeatedKey>& repeated);
// Block style, short lists of plain values in one line; reads back equal, here and in PyYAML.
VGEN_API std::string dump_yaml(const Node& node);
// One scalar by the core schema: "1e-4" is a number, "017" an integer 17, "no" a string. Used by --set a.b=c (flow
// syntax allowed).
VGEN_API Node parse_yaml_value(std::string_view text, const std::string& source = "--set");
// By extension: .json, else YAML. A top-level key `include` names a file, or a list of files, that are read first and
// merged deeply under this one (maps merge, all else is replaced): relative paths, nothing outside the folder of the
// first file (PathError), no cycle, at most 8 deep. A configuration is data: `_target_` and ${interpolations} are
// refused. IoError if the file is missing.
VGEN_API Node read_config_file(const std::string& path);

}  // namespace vgen::formats
