// What a weight file contains, without torch: names, dtypes, shapes and where the bytes are. Readers of safetensors
// (formats/safetensors.hpp) and of PyTorch pickles (formats/torch_pickle.hpp) produce it; weights/ makes tensors of it.
#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "vgen/core/error.hpp"
#include "vgen/core/node.hpp"

namespace vgen::formats {

enum class DType { boolean, u8, i8, i16, u16, i32, u32, i64, u64, f16, bf16, f32, f64, f8_e4m3, f8_e5m2 };
constexpr auto enum_names(DType) {
  using D = DType;
  return std::array{std::pair{D::boolean, "BOOL"}, std::pair{D::u8, "U8"},           std::pair{D::i8, "I8"},
                    std::pair{D::i16, "I16"},      std::pair{D::u16, "U16"},         std::pair{D::i32, "I32"},
                    std::pair{D::u32, "U32"},      std::pair{D::i64, "I64"},         std::pair{D::u64, "U64"},
                    std::pair{D::f16, "F16"},      std::pair{D::bf16, "BF16"},       std::pair{D::f32, "F32"},
                    std::pair{D::f64, "F64"},      std::pair{D::f8_e4m3, "F8_E4M3"}, std::pair{D::f8_e5m2, "F8_E5M2"}};
}
VGEN_API std::size_t item_size(DType dtype);

// Bytes of a file, mapped privately (tensors made over them may be written: the file does not change); or read into
// memory where mapping fails. Kept alive by shared_ptr.
class VGEN_API FileBytes {
 public:
  static std::shared_ptr<const FileBytes> open(const std::filesystem::path& path);  // IoError
  ~FileBytes();
  std::span<const std::byte> bytes() const { return {data_, size_}; }
  const std::filesystem::path& path() const { return path_; }
  // Gives the pages inside this range back to the system; they are read anew when touched. What was written to them is
  // lost.
  void release(std::size_t offset, std::size_t bytes) const;

 private:
  FileBytes() = default;
  std::filesystem::path path_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  bool mapped_ = false;
};

struct TensorEntry {
  std::string name;
  DType dtype = DType::f32;
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> strides;  // in elements; row-major unless a pickle said otherwise
  std::shared_ptr<const FileBytes> file;
  std::size_t offset = 0, bytes = 0;  // of the first element in the file; span of storage that the strides reach
};

struct TensorFile {
  std::vector<TensorEntry> tensors;             // in file order, names unique
  std::map<std::string, std::string> metadata;  // safetensors' __metadata__
  Node extra;                                   // other values of a checkpoint dict ("step", ...)
  std::string layout;                           // "safetensors", "torch zip", "torch legacy"
  std::vector<std::string> notes;               // e.g. opaque globals that were left unread
};

// By content, not by name: safetensors, an index.json of shards, torch zip or legacy pickle. check_crc: of a zip's
// records, which reads the whole file; leave it out to look at names and shapes only.
VGEN_API TensorFile read_tensor_file(const std::filesystem::path& path, bool check_crc = true);

}  // namespace vgen::formats
