// safetensors reader and writer. Torch-free. Every rule of the format is enforced: header <= 100 MB, no duplicate
// names, no hole, overlap or trailing byte, sizes overflow-checked. FormatError names file, tensor and byte.
#pragma once
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "vgen/formats/tensor_file.hpp"

namespace vgen::formats {

VGEN_API TensorFile read_safetensors(const std::filesystem::path& path);
// {"weight_map": {name: shard}}: shards must lie beside the index; each tensor in exactly one.
VGEN_API TensorFile read_safetensors_index(const std::filesystem::path& path);

struct TensorToWrite {
  std::string name;
  DType dtype;
  std::vector<std::int64_t> shape;
  const void* data = nullptr;  // contiguous, row-major
  // Where `data` is null: makes those bytes when their turn comes; they are dropped once written, so one tensor is held
  // at a time.
  std::function<std::shared_ptr<const void>()> make = {};
};
VGEN_API std::size_t byte_size(
    const TensorToWrite& tensor);  // FormatError if a size is negative or the product overflows
// Atomic; tensors sorted by descending alignment then name, payload 64-byte aligned as far as the format allows.
VGEN_API void write_safetensors(const std::filesystem::path& path, const std::vector<TensorToWrite>& tensors,
                                const std::map<std::string, std::string>& metadata = {});

}  // namespace vgen::formats
