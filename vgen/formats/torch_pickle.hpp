// Restricted reader (and plain writer) of PyTorch checkpoints: .pth, .pt, .ckpt, .bin, zip and legacy. Never executes
// anything: a pickle virtual machine with data opcodes and a short list of constructors; other globals become opaque
// nodes. Nested dicts of tensors are flattened with '.'; a top-level {"state_dict": {...}, "step": n} gives the tensors
// of state_dict and n in `extra`. UnsafePickleError, FormatError or UnsupportedError as the reliability rules B1-B7
// say. Torch-free.
#pragma once
#include <filesystem>
#include <vector>

#include "vgen/formats/safetensors.hpp"
#include "vgen/formats/tensor_file.hpp"

namespace vgen::formats {

struct TorchPickleOptions {
  bool check_crc = true;  // of every record: reads the file once, about 2 GB/s a core
};
VGEN_API TensorFile read_torch_pickle(const std::filesystem::path& path, const TorchPickleOptions& options = {});
// Zip layout that torch.load(weights_only=True) and torch.load(mmap=True) read: an OrderedDict of tensors, or, with
// `extra` (a map),
// {"state_dict": ..., extra...}. Atomic; tensors are streamed, those with equal `data` and size share one storage.
VGEN_API void write_torch_zip(const std::filesystem::path& path, const std::vector<TensorToWrite>& tensors,
                              const Node& extra = {});

}  // namespace vgen::formats
