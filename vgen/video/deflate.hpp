// zlib streams (RFC 1950, RFC 1951) and the checksums that PNG needs, so that frames can be written and read on any
// machine.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "vgen/core/export.hpp"

namespace vgen::video {

VGEN_API std::uint32_t crc32(std::string_view bytes, std::uint32_t seed = 0);
VGEN_API std::uint32_t adler32(std::string_view bytes);

// LZ77 with lazy matching; each block takes the smaller of dynamic Huffman codes and stored bytes.
VGEN_API std::string zlib_compress(std::string_view bytes);

// Exactly `size` bytes or MediaError: nothing beyond `size` is ever held, whatever the stream claims.
VGEN_API std::string zlib_decompress(std::string_view bytes, std::size_t size);

}  // namespace vgen::video
