// Globs over names of modules and tensors.
#pragma once
#include <string>
#include <vector>

#include "vgen/core/export.hpp"

namespace vgen::adapters {

// Whether the glob matches the whole name: * (dots too), ?, [abc], and {a,b} for alternatives.
VGEN_API bool matches(const std::string& glob, const std::string& name);
// The globs without braces that a glob stands for. ConfigError if a brace is not closed.
VGEN_API std::vector<std::string> expand_braces(const std::string& glob);

}  // namespace vgen::adapters
