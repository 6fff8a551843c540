// The pictures that goldens of the areas annotators and data describe by a rule (tests/golden/data/README.md).
#pragma once
#include "vgen/parity/case.hpp"

namespace vgen::parity {

Tensor scene(std::int64_t height, std::int64_t width, std::int64_t k);                                // uint8 [h, w, 3]
Tensor noise(std::string_view salt, std::string_view name, std::int64_t height, std::int64_t width);  // uint8 [h, w, 3]
// From {"kind", sizes, ..., "crc32"}. FormatError if the checksum differs.
Tensor picture(const Node& description);

}  // namespace vgen::parity
