// Strict JSON (RFC 8259) to and from Node, with the line and column of every value. Torch-free.
//
// Refused with FormatError "source:line:column: ...": duplicate keys, invalid UTF-8, lone surrogates, NUL or control
// characters in strings (escaped ones are read), trailing text, NaN/Infinity, integers that do not fit int64, depth >
// 64, text > limits.
#pragma once
#include <string>
#include <string_view>

#include "vgen/core/node.hpp"

namespace vgen::formats {

struct TextLimits {
  std::size_t bytes = std::size_t(1) << 20;  // of the whole text
  int depth = 64;
  std::size_t nodes = 10000;
  bool nul = false;            // accept U+0000 in strings (JSON; goldens)
  bool last_key_wins = false;  // YAML: a repeated key replaces the first, with a warning, as PyYAML does
};

VGEN_API Node parse_json(std::string_view text, const std::string& source = "", const TextLimits& limits = {});
// indent < 0: one line. Doubles are written with the fewest digits that read back equal.
VGEN_API std::string dump_json(const Node& node, int indent = 2);

}  // namespace vgen::formats
