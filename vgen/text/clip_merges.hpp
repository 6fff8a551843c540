// The merges of CLIP's vocabulary, inside the library: 48,894 pairs of little-endian uint16 ids (MIT, copyright 2021
// OpenAI).
#pragma once
#include <cstddef>
#include <span>

namespace vgen::text {
std::span<const unsigned char> clip_merges();
}
