// The generated tables and their row types; included by unicode.cpp and clean.cpp only.
#pragma once
#include <cstdint>

namespace vgen::text::tables {
struct Range {
  char32_t first, last;
};
struct LowerRun {
  char32_t first, last;
  std::uint32_t stride;
  std::int32_t delta;
};
struct Triple {
  char32_t a, b, c;
};
struct Suspect {
  char32_t c;
  std::uint32_t classes;
};
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-variable"
#pragma GCC diagnostic ignored "-Woverlength-strings"
#endif
namespace {
#include "vgen/text/data/tables.inc"
}
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
}  // namespace vgen::text::tables
