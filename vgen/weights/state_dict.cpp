#include "vgen/weights/state_dict.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/set.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <tuple>
#include <unordered_set>

#include "vgen/core/atomic_file.hpp"
#include "vgen/core/log.hpp"
#include "vgen/formats/json.hpp"
#include "vgen/formats/safetensors.hpp"
#include "vgen/formats/torch_pickle.hpp"

namespace vgen::weights {
namespace fs = std::filesystem;
using formats::DType;
using formats::TensorEntry;

namespace {

constexpr std::array types{std::pair{DType::boolean, at::kBool},
                           std::pair{DType::u8, at::kByte},
                           std::pair{DType::i8, at::kChar},
                           std::pair{DType::i16, at::kShort},
                           std::pair{DType::u16, at::kUInt16},
                           std::pair{DType::i32, at::kInt},
                           std::pair{DType::u32, at::kUInt32},
                           std::pair{DType::i64, at::kLong},
                           std::pair{DType::u64, at::kUInt64},
                           std::pair{DType::f16, at::kHalf},
                           std::pair{DType::bf16, at::kBFloat16},
                           std::pair{DType::f32, at::kFloat},
                           std::pair{DType::f64, at::kDouble},
                           std::pair{DType::f8_e4m3, at::kFloat8_e4m3fn},
                           std::pair{DType::f8_e5m2, at::kFloat8_e5m2}};

// A range of a file that one or more entries look at.
struct Range {
  const formats::FileBytes* file;
  std::size_t begin, end;
  std::vector<std::size_t> entries;
};

// One byte tensor over each range. Its pages go back to the system with the last tensor that looks at them, not only
// with the whole file, so that converting a checkpoint tensor by tensor never holds two copies of it.
at::Storage storage_over(const std::shared_ptr<const formats::FileBytes>& file, std::size_t begin, std::size_t bytes) {
  auto* data = const_cast<std::byte*>(file->bytes().data()) + begin;
  return at::from_blob(
             data, {static_cast<std::int64_t>(bytes)}, [file, begin, bytes](void*) { file->release(begin, bytes); },
             at::kByte)
      .storage();
}

}  // namespace

at::ScalarType scalar_type(DType dtype) {
  for (const auto& [ours, torch] : types)
    if (ours == dtype) return torch;
  throw UnsupportedError("weights: unknown dtype");
}
DType dtype_of(at::ScalarType type) {
  for (const auto& [ours, torch] : types)
    if (torch == type) return ours;
  throw UnsupportedError(
      str("weights: dtype ", c10::toString(type), " has no place in a weight file; convert it first"));
}

StateDict to_state_dict(const formats::TensorFile& file) {
  // Overlapping entries become views of one storage: sort by place, join what touches the range before it.
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < file.tensors.size(); ++i)
    if (file.tensors[i].bytes > 0) order.push_back(i);
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    const TensorEntry &x = file.tensors[a], &y = file.tensors[b];
    return std::tuple(x.file.get(), x.offset, x.bytes) < std::tuple(y.file.get(), y.offset, y.bytes);
  });
  std::vector<Range> ranges;
  for (const std::size_t i : order) {
    const TensorEntry& e = file.tensors[i];
    VGEN_CHECK(e.file && e.offset <= e.file->bytes().size() && e.bytes <= e.file->bytes().size() - e.offset,
               FormatError, "weights: '", printable(e.name), "' lies outside its file");
    if (!ranges.empty() && ranges.back().file == e.file.get() && e.offset < ranges.back().end) {
      ranges.back().end = std::max(ranges.back().end, e.offset + e.bytes);
      ranges.back().entries.push_back(i);
    } else {
      ranges.push_back({e.file.get(), e.offset, e.offset + e.bytes, {i}});
    }
  }

  StateDict out(file.tensors.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    const TensorEntry& e = file.tensors[i];
    out[i].first = e.name;
    if (e.bytes == 0) out[i].second = at::empty(e.shape, scalar_type(e.dtype));
  }
  for (const Range& range : ranges) {
    const at::Storage storage = storage_over(file.tensors[range.entries[0]].file, range.begin, range.end - range.begin);
    for (const std::size_t i : range.entries) {
      const TensorEntry& e = file.tensors[i];
      const std::size_t item = formats::item_size(e.dtype), skip = e.offset - range.begin;
      const std::byte* data = e.file->bytes().data() + e.offset;
      Tensor& t = out[i].second = at::empty({0}, scalar_type(e.dtype));
      if (reinterpret_cast<std::uintptr_t>(data) % item == 0 && skip % item == 0) {
        t.set_(storage, static_cast<std::int64_t>(skip / item), e.shape, e.strides);
      } else {
        Tensor copy = at::empty({static_cast<std::int64_t>(e.bytes)}, at::kByte);
        std::memcpy(copy.data_ptr(), data, e.bytes);
        t.set_(copy.storage(), 0, e.shape, e.strides);
      }
    }
  }
  return out;
}

StateDict read_state_dict(const fs::path& path) {
  const formats::TensorFile file = formats::read_tensor_file(path);
  for (const std::string& note : file.notes) log::warn(printable(path.string()), ": ", note);
  return to_state_dict(file);
}

const Tensor* find(const StateDict& state, std::string_view name) {
  const auto at = std::ranges::find(state, name, [](const auto& e) -> std::string_view { return e.first; });
  return at == state.end() ? nullptr : &at->second;
}

StateDict strip_prefix(StateDict state, std::string_view prefix, bool only) {
  const auto has = [&](const auto& e) { return e.first.starts_with(prefix); };
  const auto count = static_cast<std::size_t>(std::ranges::count_if(state, has));
  VGEN_CHECK(count > 0, WeightsError, "weights: no tensor's name begins with '", printable(prefix), "'",
             state.empty() ? std::string() : str("; the first is '", printable(state[0].first), "'"));
  if (only)
    std::erase_if(state, [&](const auto& e) { return !has(e); });
  else
    VGEN_CHECK(count == state.size(), WeightsError, "weights: ", state.size() - count, " of ", state.size(),
               " names do not begin with '", printable(prefix), "', for instance '",
               printable(std::ranges::find_if_not(state, has)->first), "'");
  for (auto& [name, tensor] : state) name.erase(0, prefix.size());
  return state;
}

namespace {

formats::TensorToWrite to_write(const std::string& name, const Tensor& tensor, std::optional<at::ScalarType> dtype) {
  VGEN_CHECK(tensor.defined() && tensor.layout() == at::kStrided, UnsupportedError, "weights: '", printable(name),
             "' is no dense tensor");
  const at::ScalarType type =
      dtype && tensor.is_floating_point() ? *dtype : tensor.scalar_type();  // whole numbers keep their type
  formats::TensorToWrite out{name, dtype_of(type), tensor.sizes().vec()};
  const bool plain = tensor.is_cpu() && tensor.is_contiguous() && !tensor.is_conj() && !tensor.is_neg() &&
                     type == tensor.scalar_type();
  if (plain)
    out.data = tensor.const_data_ptr();
  else
    out.make = [tensor, type] {
      const auto held = std::make_shared<Tensor>(tensor.detach().to(at::kCPU, type).resolve_neg().contiguous());
      return std::shared_ptr<const void>(held, held->const_data_ptr());
    };
  return out;
}

void save_shards(const fs::path& path, const std::vector<formats::TensorToWrite>& tensors, const SaveOptions& options) {
  std::vector<std::vector<formats::TensorToWrite>> shards(1);
  std::uint64_t filled = 0, total = 0;
  for (const formats::TensorToWrite& t : tensors) {
    const std::uint64_t bytes = formats::byte_size(t);
    if (filled > 0 && filled + bytes > options.max_shard_bytes) shards.emplace_back(), filled = 0;
    shards.back().push_back(t);
    filled += bytes;
    total += bytes;
  }
  if (shards.size() == 1) return formats::write_safetensors(path, tensors, options.metadata);
  Node map = Node::map();
  for (std::size_t i = 0; i < shards.size(); ++i) {
    char tail[64];
    std::snprintf(tail, sizeof tail, "-%05zu-of-%05zu.safetensors", i + 1, shards.size());
    const fs::path shard = path.parent_path() / (path.stem().string() + tail);
    formats::write_safetensors(shard, shards[i], options.metadata);
    for (const formats::TensorToWrite& t : shards[i]) map.entries.emplace_back(t.name, Node(shard.filename().string()));
  }
  Node index = Node::map();
  index.set("metadata", Node::map({{"total_size", Node(static_cast<std::int64_t>(total))}}));
  index.set("weight_map", std::move(map));
  write_file(path.string() + ".index.json",
             formats::dump_json(index) + "\n");  // last: it makes the shards one checkpoint
}

}  // namespace

void save_state_dict(const fs::path& path, const StateDict& state, const SaveOptions& options) {
  std::vector<formats::TensorToWrite> tensors;
  std::unordered_set<std::string_view> names;
  for (const auto& [name, tensor] : state) {
    VGEN_CHECK(names.insert(name).second, WeightsError, "weights: two tensors are named '", printable(name), "'");
    tensors.push_back(to_write(name, tensor, options.dtype));
  }
  const std::string extension = path.extension().string();
  if (extension == ".safetensors") {
    VGEN_CHECK(options.extra.is_null(), ConfigError,
               "weights: .safetensors holds no values beside tensors; use metadata, or write a .pth");
    if (options.max_shard_bytes > 0)
      save_shards(path, tensors, options);
    else
      formats::write_safetensors(path, tensors, options.metadata);
  } else if (extension == ".pth" || extension == ".pt" || extension == ".ckpt" || extension == ".bin") {
    VGEN_CHECK(options.metadata.empty() && options.max_shard_bytes == 0, ConfigError, "weights: ", extension,
               " takes no metadata and no shards; write .safetensors");
    formats::write_torch_zip(path, tensors, options.extra);
  } else {
    throw ConfigError(str("weights: cannot tell the layout of '", printable(path.string()),
                          "'; name it .safetensors, .pth, .pt, .ckpt or .bin"));
  }
}

}  // namespace vgen::weights
