// StateDict: names and tensors of a weight file. Reading copies nothing: tensors are views of the mapped file.
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "vgen/core/node.hpp"
#include "vgen/formats/tensor_file.hpp"
#include "vgen/tensor/tensor.hpp"

namespace vgen::weights {

using StateDict = std::vector<std::pair<std::string, Tensor>>;  // names unique, in file order

VGEN_API at::ScalarType scalar_type(formats::DType dtype);
VGEN_API formats::DType dtype_of(
    at::ScalarType type);  // UnsupportedError for types that no weight file has (complex, quantised)

// Tensors over the file's own pages. Entries whose bytes overlap (tied weights, views) share one storage, as they did
// when saved. Writing to a tensor changes private pages, never the file. What is not aligned to its items (legacy
// pickles) is copied. Two dictionaries made from one TensorFile share their bytes.
VGEN_API StateDict to_state_dict(const formats::TensorFile& file);
VGEN_API StateDict read_state_dict(const std::filesystem::path& path);  // formats::read_tensor_file, then to_state_dict

// The tensor named `name`, or nullptr.
VGEN_API const Tensor* find(const StateDict& state, std::string_view name);

// Removes "module.", "model.", ... : from every name if all have the prefix and `only` is false; with `only` = true,
// names without the prefix are dropped (one part of a larger checkpoint, "first_stage_model."). WeightsError if no name
// has it.
VGEN_API StateDict strip_prefix(StateDict state, std::string_view prefix, bool only = false);

struct SaveOptions {
  std::map<std::string, std::string> metadata = {};  // safetensors only
  Node extra = {};                                   // .pth only: {"state_dict": tensors, extra...}
  std::optional<at::ScalarType> dtype = {};          // of floating-point tensors; none: each keeps its own
  std::uint64_t max_shard_bytes = 0;  // safetensors only; 0: one file. Above it: shards and an index.json beside `path`
};
// By extension: .safetensors; .pth, .pt, .ckpt, .bin. Atomic. Tensors that are not contiguous or not on the CPU are
// converted one at a time while the file is written. Shards are named as the Hub does:
// model-00001-of-00003.safetensors, model.safetensors.index.json.
VGEN_API void save_state_dict(const std::filesystem::path& path, const StateDict& state,
                              const SaveOptions& options = {});

}  // namespace vgen::weights
