#include "vgen/formats/safetensors.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <unordered_map>
#include <unordered_set>

#include "vgen/core/atomic_file.hpp"
#include "vgen/formats/json_reader.hpp"

namespace vgen::formats {
namespace fs = std::filesystem;

namespace {

constexpr std::size_t max_header = 100'000'000, max_tensors = 200'000, max_name = 4096, max_rank = 64;

std::string_view label(DType dtype) {
  for (const auto& [value, name] : enum_names(DType{}))
    if (value == dtype) return name;
  return "?";
}
std::string supported_dtypes() {
  std::string out;
  for (const auto& [value, name] : enum_names(DType{})) out.append(out.empty() ? "" : ", ").append(name);
  return out;
}

bool multiply(std::size_t& product, std::size_t factor) { return !__builtin_mul_overflow(product, factor, &product); }

// {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}; `offset` and `bytes` are left relative to the payload.
TensorEntry read_entry(detail::JsonReader& json, std::string name) {
  TensorEntry entry;
  entry.name = std::move(name);
  bool has_dtype = false, has_shape = false, has_offsets = false;
  std::size_t begin = 0, end = 0, bytes = 1;
  const auto fail = [&](std::string_view why) { json.fail(str("tensor '", printable(entry.name), "': ", why)); };
  if (json.peek() != '{') fail("expected a map with dtype, shape and data_offsets");
  json.object([&](const std::string& key) {
    if (key == "dtype") {
      if (json.peek() != '"') fail("dtype must be a string");
      const std::string text = json.string();
      has_dtype = false;
      for (const auto& [value, name] : enum_names(DType{}))
        if (text == name) entry.dtype = value, has_dtype = true;
      VGEN_CHECK(has_dtype, UnsupportedError, "safetensors: tensor '", printable(entry.name), "' has dtype '",
                 printable(text), "'; supported: ", supported_dtypes());
    } else if (key == "shape") {
      has_shape = true;
      if (json.peek() != '[') fail("shape must be a list");
      json.array([&] {
        if (entry.shape.size() == max_rank) fail(str("more than ", max_rank, " dimensions"));
        entry.shape.push_back(static_cast<std::int64_t>(json.whole_number()));
      });
    } else if (key == "data_offsets") {
      has_offsets = true;
      if (json.peek() != '[') fail("data_offsets must be a list");
      int count = 0;
      json.array([&] {
        if (count == 2) fail("data_offsets must hold two numbers");
        (count++ == 0 ? begin : end) = json.whole_number();
      });
      if (count != 2) fail("data_offsets must hold two numbers");
    } else {
      fail(str("unknown field '", printable(key), "'"));
    }
  });
  if (!has_dtype || !has_shape || !has_offsets) fail("needs dtype, shape and data_offsets");
  if (begin > end) fail(str("data_offsets [", begin, ", ", end, "] run backwards"));
  for (const std::int64_t size : entry.shape)
    if (!multiply(bytes, static_cast<std::size_t>(size))) fail("the product of the shape overflows");
  if (!multiply(bytes, item_size(entry.dtype)) ||
      bytes > static_cast<std::size_t>(std::numeric_limits<std::int64_t>::max()))
    fail("the product of the shape overflows");
  if (bytes != end - begin) fail(str("shape and dtype need ", bytes, " bytes, data_offsets give ", end - begin));
  entry.offset = begin;
  entry.bytes = bytes;
  entry.strides.resize(entry.shape.size());
  std::int64_t stride = 1;
  for (std::size_t i = entry.shape.size(); i-- > 0;) {
    entry.strides[i] = stride;
    if (bytes > 0)
      stride *= entry.shape[i];  // an empty tensor's strides are never used; its product may overflow before the 0
  }
  return entry;
}

}  // namespace

TensorFile read_safetensors(const fs::path& path) {
  TensorFile out;
  out.layout = "safetensors";
  const std::shared_ptr<const FileBytes> file = FileBytes::open(path);
  const auto bytes = file->bytes();
  const std::string shown = printable(path.string(), 400);
  VGEN_CHECK(bytes.size() >= 8, FormatError, shown,
             ": byte 0: a safetensors file begins with 8 bytes of header length, this file has ", bytes.size());
  std::uint64_t length = 0;
  for (int i = 7; i >= 0; --i)
    length = length << 8 | std::to_integer<std::uint64_t>(bytes[static_cast<std::size_t>(i)]);
  VGEN_CHECK(length <= max_header, FormatError, shown, ": byte 0: header length ", length, " is above the limit of ",
             max_header, "; is this a safetensors file?");
  VGEN_CHECK(length <= bytes.size() - 8, FormatError, shown, ": byte 0: header length ", length, ", but only ",
             bytes.size() - 8, " bytes follow; the file is truncated");
  const std::string_view header(reinterpret_cast<const char*>(bytes.data()) + 8, length);
  const std::size_t payload = bytes.size() - 8 - length;

  detail::JsonReader json(header, path.string() + " (header)", {.bytes = max_header, .depth = 8, .nodes = 0});
  if (json.peek() != '{') json.fail("the header must be a JSON map");
  json.object([&](std::string name) {
    if (name == "__metadata__") {
      if (json.peek() != '{') json.fail("__metadata__ must be a map of strings");
      json.object([&](std::string key) {
        if (json.peek() != '"') json.fail(str("__metadata__: '", printable(key), "' must be a string"));
        out.metadata.emplace(std::move(key), json.string());
      });
      return;
    }
    if (out.tensors.size() == max_tensors) json.fail(str("more than ", max_tensors, " tensors"));
    if (name.size() > max_name) json.fail(str("a tensor name of ", name.size(), " bytes; the limit is ", max_name));
    out.tensors.push_back(read_entry(json, std::move(name)));
  });
  json.end();

  // The ranges must tile the payload: no hole in which something could hide, no overlap, nothing after the last one.
  std::ranges::stable_sort(out.tensors, [](const TensorEntry& a, const TensorEntry& b) {
    return std::pair(a.offset, a.bytes) < std::pair(b.offset, b.bytes);
  });
  std::size_t at = 0;
  for (TensorEntry& entry : out.tensors) {
    VGEN_CHECK(entry.offset == at, FormatError, shown, ": tensor '", printable(entry.name), "' begins at payload byte ",
               entry.offset,
               entry.offset < at ? ", which overlaps the tensor before it (ends at "
                                 : ", which leaves a hole (the one before ends at ",
               at, ")");
    VGEN_CHECK(entry.bytes <= payload - at, FormatError, shown, ": tensor '", printable(entry.name),
               "' ends at payload byte ", entry.offset + entry.bytes, ", but the payload has ", payload,
               "; the file is truncated or its header is wrong");
    at += entry.bytes;
    entry.offset += 8 + length;
    entry.file = file;
  }
  VGEN_CHECK(at == payload, FormatError, shown, ": the tensors end at payload byte ", at, ", but ", payload - at,
             " more bytes follow");
  return out;
}

TensorFile read_safetensors_index(const fs::path& path) {
  const Node index = parse_json(read_file(path, max_header), path.string(),
                                {.bytes = max_header, .depth = 8, .nodes = 2 * max_tensors});
  const std::string shown = printable(path.string(), 400);
  const Node* map = index.find("weight_map");
  VGEN_CHECK(map && map->is_map(), FormatError, shown,
             ": no index of safetensors shards: there is no map 'weight_map' in it; of a model, name the folder");
  VGEN_CHECK(map->size() <= max_tensors, FormatError, shown, ": more than ", max_tensors, " tensors");
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");

  std::vector<std::string> shards;                                    // in order of appearance
  std::unordered_map<std::string_view, const std::string*> shard_of;  // tensor -> shard
  for (const auto& [name, shard] : map->entries) {
    VGEN_CHECK(shard.is_string(), FormatError, shown, ":", shard.line, ":", shard.column, ": the shard of '",
               printable(name), "' must be a string");
    const std::string& file = shard.string;
    VGEN_CHECK(!file.empty() && file != "." && file != ".." &&
                   file.find_first_of(std::string_view("/\\:\0", 4)) == std::string::npos,
               PathError, shown, ":", shard.line, ":", shard.column, ": shard '", printable(file), "' of '",
               printable(name), "' must be a plain file name beside the index");
    shard_of.emplace(name, &file);
    if (std::ranges::find(shards, file) == shards.end()) {
      VGEN_CHECK(shards.size() < 10'000, FormatError, shown, ": more than 10000 shards");
      shards.push_back(file);
    }
  }

  TensorFile out;
  out.layout = "safetensors";
  if (const Node* metadata = index.find("metadata"); metadata && metadata->is_map())
    for (const auto& [key, value] : metadata->entries)
      out.metadata.emplace(key, value.is_string() ? value.string : dump_json(value, -1));
  std::size_t found = 0;
  for (const std::string& shard : shards) {
    std::error_code error;
    const fs::path real = fs::canonical(folder / shard, error);
    VGEN_CHECK(!error, FormatError, shown, ": shard '", printable(shard), "' is missing");
    // Beside the index where it is named or where it really lies (stores of downloaded files link both into one
    // folder).
    VGEN_CHECK(real.parent_path() == fs::canonical(folder) || real.parent_path() == fs::canonical(path).parent_path(),
               PathError, shown, ": shard '", printable(shard), "' is a link that leads out of the folder");
    TensorFile part = read_safetensors(real);
    for (TensorEntry& entry : part.tensors) {
      const auto at = shard_of.find(entry.name);
      VGEN_CHECK(at != shard_of.end(), FormatError, shown, ": shard '", printable(shard), "' holds '",
                 printable(entry.name), "', which the index does not list");
      VGEN_CHECK(*at->second == shard, FormatError, shown, ": '", printable(entry.name), "' is in shard '",
                 printable(shard), "', but the index says '", printable(*at->second), "'");
      ++found;
      out.tensors.push_back(std::move(entry));
    }
  }
  if (found != map->size()) {
    std::unordered_set<std::string_view> names;
    for (const TensorEntry& entry : out.tensors) names.insert(entry.name);
    for (const auto& [name, shard] : map->entries)
      VGEN_CHECK(names.contains(name), FormatError, shown, ": the index lists '", printable(name), "', but shard '",
                 printable(shard.string), "' does not hold it");
  }
  return out;
}

std::size_t byte_size(const TensorToWrite& tensor) {
  std::size_t bytes = item_size(tensor.dtype);
  for (const std::int64_t size : tensor.shape)
    VGEN_CHECK(size >= 0 && multiply(bytes, static_cast<std::size_t>(size)), FormatError, "tensor '",
               printable(tensor.name), "': its shape is negative or too large");
  return bytes;
}

void write_safetensors(const fs::path& path, const std::vector<TensorToWrite>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::vector<const TensorToWrite*> order;
  std::unordered_set<std::string_view> names;
  for (const TensorToWrite& t : tensors) {
    VGEN_CHECK(t.name != "__metadata__" && t.name.size() <= max_name, FormatError, "safetensors: '", printable(t.name),
               "' cannot be a tensor's name");
    VGEN_CHECK(names.insert(t.name).second, FormatError, "safetensors: two tensors are named '", printable(t.name),
               "'");
    order.push_back(&t);
  }
  VGEN_CHECK(order.size() <= max_tensors, FormatError, "safetensors: more than ", max_tensors, " tensors");
  // Wide items first: every tensor is aligned to its own items without padding, which the format does not allow.
  std::ranges::sort(order, [](const TensorToWrite* a, const TensorToWrite* b) {
    const std::size_t x = item_size(a->dtype), y = item_size(b->dtype);
    return x != y ? x > y : a->name < b->name;
  });

  const auto key = [](const std::string& text) { return dump_json(Node(text), -1); };
  std::string header = "{";
  if (!metadata.empty()) {
    header += "\"__metadata__\":{";
    for (const auto& [name, value] : metadata)
      header += str(header.back() == '{' ? "" : ",", key(name), ":", key(value));
    header += '}';
  }
  std::size_t at = 0;
  for (const TensorToWrite* t : order) {
    std::string shape;
    for (const std::int64_t size : t->shape) shape += str(shape.empty() ? "" : ",", size);
    const std::size_t end = at + byte_size(*t);
    header += str(header.size() > 1 ? "," : "", key(t->name), ":{\"dtype\":\"", label(t->dtype), "\",\"shape\":[",
                  shape, "],\"data_offsets\":[", at, ",", end, "]}");
    at = end;
  }
  header += '}';
  header.append((64 - (8 + header.size()) % 64) % 64, ' ');  // the payload begins at a multiple of 64
  VGEN_CHECK(header.size() <= max_header, FormatError, "safetensors: the header would have ", header.size(),
             " bytes; the limit is ", max_header);

  AtomicFile file(path);
  char length[8];
  for (int i = 0; i < 8; ++i) length[i] = static_cast<char>(header.size() >> (8 * i) & 0xFF);
  file.write(length, 8);
  file.write(header);
  for (const TensorToWrite* t : order) {
    const std::size_t bytes = byte_size(*t);
    if (bytes == 0) continue;
    const std::shared_ptr<const void> made = t->data ? nullptr : t->make ? t->make() : nullptr;
    const void* data = t->data ? t->data : made.get();
    VGEN_CHECK(data, FormatError, "safetensors: tensor '", printable(t->name), "' has no data");
    file.write(data, bytes);
  }
  file.commit();
}

}  // namespace vgen::formats
