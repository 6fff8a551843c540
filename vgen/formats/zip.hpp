// Directory of a zip file whose records are stored, not compressed (what torch writes): where each record's bytes lie.
// Internal.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "vgen/formats/tensor_file.hpp"

namespace vgen::formats::detail {

struct ZipRecord {
  std::string name;
  std::size_t offset, bytes;  // of the data, in the file
  std::uint32_t crc;
};

// zip and zip64. FormatError where local and central headers differ, records overlap or repeat, anything is compressed,
// encrypted or split, or sizes leave the file; CRCs are not computed here.
std::vector<ZipRecord> read_stored_zip(const FileBytes& file);

}  // namespace vgen::formats::detail
