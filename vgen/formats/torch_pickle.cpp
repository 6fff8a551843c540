#include "vgen/formats/torch_pickle.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "vgen/core/atomic_file.hpp"
#include "vgen/formats/crc32.hpp"
#include "vgen/formats/pickle.hpp"
#include "vgen/formats/zip.hpp"

namespace vgen::formats {
namespace fs = std::filesystem;

namespace {

using detail::Object;
using detail::Pickle;
using Kind = Object::Kind;
using Span = std::span<const std::byte>;

constexpr std::size_t max_tensors = 200'000, max_name = 4096, max_visits = 4'000'000;
constexpr int max_depth = 64;

// ---- from the object graph to names, tensors and plain values ----

class Extract {
 public:
  Extract(TensorFile& out, std::shared_ptr<const FileBytes> file, std::string shown)
      : out_(out), file_(std::move(file)), shown_(std::move(shown)) {}

  std::unordered_set<std::string> modules;  // classes whose parts were read as a torch module's

  void root(const Object* root) {
    if (root->is(Kind::tensor)) return emit(root, "tensor");
    const Object* inner = root->find("state_dict");
    if (inner && !inner->is(Kind::dict) && !holds_tensors(inner)) inner = nullptr;
    tensors(inner ? inner : root, "", 0);
    if (!root->is(Kind::dict)) return;
    Node extra = Node::map();
    for (std::size_t i = 0; i < root->items.size(); i += 2) {
      const Object *key = root->items[i], *value = root->items[i + 1];
      if (value == inner) continue;
      left_out_ = 0;
      std::string name;
      if (!key_text(key, name)) continue;
      Node node;
      if (plain(value, node, 1)) extra.set(name, std::move(node));
      if (inner && left_out_ > 0)
        out_.notes.push_back(str("'", printable(name), "': ", left_out_, " tensors beside state_dict are left unread"));
    }
    if (extra.size() > 0) out_.extra = std::move(extra);
  }

 private:
  [[noreturn]] void fail(const std::string& why) const { throw FormatError(shown_ + ": " + why); }
  void visit(int depth) {
    if (depth > max_depth) fail(str("values are nested deeper than ", max_depth, ", or contain themselves"));
    if (++visits_ > max_visits) fail("values are repeated too often");
  }
  static bool key_text(const Object* key, std::string& text) {
    if (key->is(Kind::string))
      text = key->text;
    else if (key->is(Kind::integer))
      text = str(static_cast<long long>(key->integer));
    else
      return false;
    return true;
  }
  static std::string join(const std::string& prefix, const std::string& name) {
    return prefix.empty() ? name : prefix + "." + name;
  }

  // A pickled torch module (ParameterDict, or a whole model saved as such): its parts, without their "_parameters"
  // level.
  template <class F>
  bool each_part(const Object* o, F&& f) {
    if (!o->is(Kind::opaque) || !o->state || !o->state->find("_parameters")) return false;
    modules.insert(o->text);
    for (const char* part : {"_parameters", "_buffers", "_modules"})
      if (const Object* p = o->state->find(part); p && p->is(Kind::dict)) f(p);
    return true;
  }
  // The children of a container with their names. Python keeps the last value of a repeated key.
  template <class F>
  void each_child(const Object* o, F&& f) {
    if (each_part(o, [&](const Object* part) { each_child(part, f); })) return;
    if (o->is(Kind::dict) || o->is(Kind::opaque)) {
      std::unordered_map<std::string, std::size_t> last;
      std::string name;
      for (std::size_t i = 0; i < o->items.size(); i += 2)
        if (key_text(o->items[i], name)) last[name] = i;
      for (std::size_t i = 0; i < o->items.size(); i += 2)
        if (key_text(o->items[i], name) && last[name] == i) f(name, o->items[i + 1]);
    } else if (o->is(Kind::list) || o->is(Kind::tuple)) {
      for (std::size_t i = 0; i < o->items.size(); ++i) f(str(i), o->items[i]);
    }
  }
  bool holds_tensors(const Object* o, int depth = 0) {
    visit(depth);
    bool found = o->is(Kind::tensor);
    if (!found)
      each_child(o, [&](const std::string&, const Object* child) { found = found || holds_tensors(child, depth + 1); });
    return found;
  }
  void tensors(const Object* o, const std::string& prefix, int depth) {
    visit(depth);
    if (o->is(Kind::tensor)) return emit(o, prefix);
    each_child(o, [&](const std::string& name, const Object* child) {
      if (prefix.size() + name.size() > max_name) fail("a tensor's name is longer than 4096 bytes");
      tensors(child, join(prefix, name), depth + 1);
    });
  }
  // Numbers, strings, lists and maps; false for what is none (tensors, foreign objects).
  bool plain(const Object* o, Node& node, int depth) {
    visit(depth);
    switch (o->kind) {
      case Kind::none:
        node = Node();
        return true;
      case Kind::boolean:
        node = Node(o->boolean);
        return true;
      case Kind::integer:
        node = Node(o->integer);
        return true;
      case Kind::real:
        node = Node(o->real);
        return true;
      case Kind::string:
      case Kind::global:
        node = Node(o->text);
        return true;
      case Kind::tensor:
        ++left_out_;
        return false;
      case Kind::list:
      case Kind::tuple:
      case Kind::set: {
        node = Node::list();
        for (const Object* item : o->items) {
          Node child;
          if (plain(item, child, depth + 1)) node.items.push_back(std::move(child));
        }
        return !node.items.empty() || o->items.empty();
      }
      case Kind::dict:
      case Kind::opaque: {
        node = Node::map();
        bool any = false;
        each_child(o, [&](const std::string& name, const Object* value) {
          Node child;
          any = true;
          if (plain(value, child, depth + 1)) node.entries.emplace_back(name, std::move(child));
        });
        return !node.entries.empty() || (o->is(Kind::dict) && !any);
      }
      default:
        return false;
    }
  }

  void emit(const Object* o, const std::string& name) {
    const detail::Storage& s = *o->storage;
    const auto bad = [&](const std::string& why) { fail(str("tensor '", printable(name), "': ", why)); };
    if (out_.tensors.size() == max_tensors) fail(str("more than ", max_tensors, " tensors"));
    if (name.empty()) fail("a tensor without a name");
    if (!names_.insert(name).second) bad("two tensors have this name");
    TensorEntry e{
        .name = name, .dtype = *o->dtype, .shape = o->shape->first, .strides = o->shape->second, .file = file_};
    const std::size_t item = item_size(e.dtype), held = s.bytes / item;
    std::size_t numel = 1, last = static_cast<std::size_t>(o->integer);
    for (const std::int64_t size : e.shape)
      if (__builtin_mul_overflow(numel, static_cast<std::size_t>(size), &numel) ||
          numel > std::numeric_limits<std::int64_t>::max() / item)
        bad("the product of its shape overflows");
    if (numel > 0) {
      for (std::size_t i = 0; i < e.shape.size(); ++i) {
        std::size_t reach = 0;
        if (__builtin_mul_overflow(static_cast<std::size_t>(e.shape[i] - 1), static_cast<std::size_t>(e.strides[i]),
                                   &reach) ||
            __builtin_add_overflow(last, reach, &last))
          bad("its strides overflow");
      }
      if (last >= held) bad(str("reaches element ", last, " of storage '", printable(s.key), "', which has ", held));
      // Views may repeat elements (expand), but a few bytes must not pass for gigabytes.
      if (numel > (std::size_t(1) << 20) && numel / 64 > held)
        bad(str("shows ", numel, " elements of a storage of ", held));
      e.offset = s.offset + static_cast<std::size_t>(o->integer) * item;
      e.bytes = (last - static_cast<std::size_t>(o->integer) + 1) * item;
    } else {
      if (last > held) bad("begins outside its storage");
      e.offset = s.offset;
    }
    out_.tensors.push_back(std::move(e));
  }

  TensorFile& out_;
  std::shared_ptr<const FileBytes> file_;
  std::string shown_;
  std::unordered_set<std::string> names_;
  std::size_t visits_ = 0, left_out_ = 0;
};

void finish(TensorFile& out, const Pickle& pickle, const Object* root, const std::shared_ptr<const FileBytes>& file,
            const std::string& shown) {
  Extract extract(out, file, shown);
  extract.root(root);
  std::string names;
  std::size_t count = 0;
  for (const std::string& name : pickle.opaque())
    if (!extract.modules.contains(name) && count++ < 5) names.append(names.empty() ? "" : ", ").append(printable(name));
  if (count > 0)
    out.notes.push_back(
        str("objects of ", count, " foreign classes were left unread: ", names, count > 5 ? ", ..." : ""));
}

std::size_t storage_bytes(const detail::Storage& s, const std::string& shown) {
  std::size_t bytes = 0;
  VGEN_CHECK(!__builtin_mul_overflow(static_cast<std::size_t>(s.numel), s.dtype ? item_size(*s.dtype) : 1, &bytes),
             FormatError, shown, ": storage '", printable(s.key), "': its size overflows");
  return bytes;
}

// ---- containers ----

TensorFile read_zip(const std::shared_ptr<const FileBytes>& file, const std::string& shown,
                    const TorchPickleOptions& options) {
  const std::vector<detail::ZipRecord> records = detail::read_stored_zip(*file);
  std::unordered_map<std::string_view, const detail::ZipRecord*> by_name;
  const detail::ZipRecord* data = nullptr;
  for (const detail::ZipRecord& r : records) {
    by_name.emplace(r.name, &r);
    if (r.name != "data.pkl" && !r.name.ends_with("/data.pkl")) continue;
    VGEN_CHECK(!data, FormatError, shown, ": zip: two records are named data.pkl");
    data = &r;
  }
  VGEN_CHECK(data, UnsupportedError, shown, ": a zip file, but no torch checkpoint: it holds no data.pkl");
  const std::string folder = data->name.substr(0, data->name.size() - std::string_view("data.pkl").size());
  for (const detail::ZipRecord& r : records)
    VGEN_CHECK(
        !r.name.starts_with(folder + "code/") && r.name != folder + "constants.pkl", UnsupportedError, shown,
        ": a TorchScript file, which is a program; save the model's state_dict() with torch.save or as .safetensors");
  const Span bytes = file->bytes();
  if (const auto order = by_name.find(folder + "byteorder"); order != by_name.end()) {
    const detail::ZipRecord& r = *order->second;
    VGEN_CHECK(std::string_view(reinterpret_cast<const char*>(bytes.data()) + r.offset, r.bytes) == "little",
               UnsupportedError, shown,
               ": its byte order is not little-endian; save it again on a little-endian machine");
  }

  if (options.check_crc)
    for (const detail::ZipRecord& r : records) {
      VGEN_CHECK(detail::crc32(bytes.subspan(r.offset, r.bytes)) == r.crc, FormatError, shown, ": zip: record '",
                 printable(r.name), "': its CRC differs; the file is damaged, fetch it again");
      file->release(r.offset, r.bytes);  // what was only looked at does not count as memory of this process
    }

  Pickle pickle(file->path().string());
  const Span text = bytes.subspan(data->offset, data->bytes);
  std::size_t at = 0;
  const Object* root = pickle.run(text, at);
  VGEN_CHECK(at == text.size(), FormatError, shown, ": pickle: byte ", at, ": ", text.size() - at,
             " more bytes follow its end");
  for (auto& [key, storage] : pickle.storages()) {
    const auto found = by_name.find(folder + "data/" + key);
    VGEN_CHECK(found != by_name.end(), FormatError, shown, ": storage '", printable(key), "' has no record");
    storage.offset = found->second->offset;
    storage.bytes = storage_bytes(storage, shown);
    VGEN_CHECK(storage.bytes == found->second->bytes, FormatError, shown, ": storage '", printable(key),
               "' is said to have ", storage.bytes, " bytes, its record has ", found->second->bytes);
  }
  TensorFile out;
  out.layout = "torch zip";
  finish(out, pickle, root, file, shown);
  return out;
}

// Before torch 1.6: pickles of a magic number, a version, facts about the machine, the object and the list of storage
// keys; then for each key its number of elements and their bytes. There is no checksum.
TensorFile read_legacy(const std::shared_ptr<const FileBytes>& file, const std::string& shown) {
  static constexpr std::string_view magic("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10);
  const Span bytes = file->bytes();
  std::size_t at = 0;
  Pickle pickle(file->path().string());
  const Object* first = pickle.run(bytes, at);
  VGEN_CHECK(first->is(Kind::big_integer) && first->text == magic, UnsupportedError, shown,
             ": a pickle, but not one of torch.save; save the tensors with torch.save or as .safetensors");
  const Object* version = pickle.run(bytes, at);
  VGEN_CHECK(version->is(Kind::integer) && version->integer == 1001, UnsupportedError, shown,
             ": an unknown version of the legacy layout");
  const Object* system = pickle.run(bytes, at)->find("little_endian");
  VGEN_CHECK(!system || system->boolean, UnsupportedError, shown,
             ": its byte order is not little-endian; save it again on a little-endian machine");
  const Object* root = pickle.run(bytes, at);
  const Object* keys = pickle.run(bytes, at);
  VGEN_CHECK(keys->is(Kind::list) && keys->items.size() == pickle.storages().size(), FormatError, shown,
             ": its list of storages does not fit its tensors");
  std::unordered_set<std::string_view> seen;
  for (const Object* key : keys->items) {
    const auto found = key->is(Kind::string) ? pickle.storages().find(key->text) : pickle.storages().end();
    VGEN_CHECK(found != pickle.storages().end() && seen.insert(key->text).second, FormatError, shown,
               ": its list of storages does not fit its tensors");
    detail::Storage& s = found->second;
    s.bytes = storage_bytes(s, shown);
    VGEN_CHECK(bytes.size() - at >= 8, FormatError, shown, ": the file ends before storage '", printable(s.key),
               "'; it is truncated");
    std::uint64_t count = 0;
    for (std::size_t i = 8; i-- > 0;) count = count << 8 | std::to_integer<std::uint64_t>(bytes[at + i]);
    at += 8;
    VGEN_CHECK(count == static_cast<std::uint64_t>(s.numel), FormatError, shown, ": storage '", printable(s.key),
               "' is said to have ", s.numel, " elements, but ", count, " are announced before its bytes");
    VGEN_CHECK(s.bytes <= bytes.size() - at, FormatError, shown, ": the file ends inside storage '", printable(s.key),
               "'; it is truncated");
    s.offset = at;
    at += s.bytes;
  }
  VGEN_CHECK(at == bytes.size(), FormatError, shown, ": byte ", at, ": ", bytes.size() - at,
             " bytes follow the last storage");
  TensorFile out;
  out.layout = "torch legacy";
  finish(out, pickle, root, file, shown);
  return out;
}

}  // namespace

TensorFile read_torch_pickle(const fs::path& path, const TorchPickleOptions& options) {
  const std::shared_ptr<const FileBytes> file = FileBytes::open(path);
  const std::string shown = printable(path.string(), 400);
  const std::string_view head(reinterpret_cast<const char*>(file->bytes().data()),
                              std::min<std::size_t>(file->bytes().size(), 512));
  VGEN_CHECK(head.size() >= 2, FormatError, shown, ": byte 0: the file has ", head.size(), " bytes; it is truncated");
  if (head.starts_with("PK")) return read_zip(file, shown, options);
  if (head[0] == '\x80') return read_legacy(file, shown);
  VGEN_CHECK(!(head.size() > 262 && head.substr(257, 5) == "ustar"), UnsupportedError, shown,
             ": the tar layout of torch before 0.1.10; load it there and save it again");
  VGEN_CHECK(!head.starts_with("7z\xBC\xAF\x27\x1C") && !head.starts_with("\x1F\x8B") && !head.starts_with("Rar!"),
             UnsupportedError, shown, ": a compressed archive; unpack it first");
  throw UnsupportedError(shown + ": byte 0: no torch checkpoint (neither zip nor a pickle of protocol 2 to 5)");
}

// ---- writing ----

namespace {

class PickleWriter {
 public:
  std::string text{"\x80\x02"};

  void op(char c) { text += c; }
  void global(std::string_view module, std::string_view name) {
    text.append("c").append(module).append("\n").append(name).append("\n");
  }
  void string(std::string_view s) {
    op('X');
    little(s.size(), 4);
    text += s;
  }
  void integer(std::int64_t v) {
    if (v >= 0 && v < 256)
      op('K'), little(static_cast<std::uint64_t>(v), 1);
    else if (v >= std::numeric_limits<std::int32_t>::min() && v <= std::numeric_limits<std::int32_t>::max())
      op('J'), little(static_cast<std::uint64_t>(v), 4);
    else
      op('\x8A'), op('\x08'), little(static_cast<std::uint64_t>(v), 8);
  }
  void tuple(const std::vector<std::int64_t>& values) {
    op('(');
    for (const std::int64_t v : values) integer(v);
    op('t');
  }
  void empty_ordered_dict() {
    global("collections", "OrderedDict");
    text += ")R";
  }
  void node(const Node& n) {
    switch (n.type) {
      case Node::Type::null:
        return op('N');
      case Node::Type::boolean:
        return op(n.boolean ? '\x88' : '\x89');
      case Node::Type::integer:
        return integer(n.integer);
      case Node::Type::string:
        return string(n.string);
      case Node::Type::real: {
        op('G');
        const auto bits = std::bit_cast<std::uint64_t>(n.real);
        for (int shift = 56; shift >= 0; shift -= 8) text += static_cast<char>(bits >> shift & 0xFF);
        return;
      }
      case Node::Type::list:
        text += "](";
        for (const Node& item : n.items) node(item);
        return op('e');
      case Node::Type::map:
        text += "}(";
        for (const auto& [key, value] : n.entries) string(key), node(value);
        return op('u');
    }
  }
  void tensor(const TensorToWrite& t, std::size_t storage, std::size_t bytes) {
    const char* type = nullptr;
    const char* dtype = nullptr;
    switch (t.dtype) {
      case DType::f32:
        type = "FloatStorage";
        break;
      case DType::f16:
        type = "HalfStorage";
        break;
      case DType::bf16:
        type = "BFloat16Storage";
        break;
      case DType::f64:
        type = "DoubleStorage";
        break;
      case DType::i64:
        type = "LongStorage";
        break;
      case DType::i32:
        type = "IntStorage";
        break;
      case DType::i16:
        type = "ShortStorage";
        break;
      case DType::i8:
        type = "CharStorage";
        break;
      case DType::u8:
        type = "ByteStorage";
        break;
      case DType::boolean:
        type = "BoolStorage";
        break;
      case DType::u16:
        dtype = "uint16";
        break;  // newer dtypes have no storage class: untyped bytes and the dtype
      case DType::u32:
        dtype = "uint32";
        break;
      case DType::u64:
        dtype = "uint64";
        break;
      case DType::f8_e4m3:
        dtype = "float8_e4m3fn";
        break;
      case DType::f8_e5m2:
        dtype = "float8_e5m2";
        break;
    }
    global("torch._utils", dtype ? "_rebuild_tensor_v3" : "_rebuild_tensor_v2");
    text += "((";
    string("storage");
    if (type)
      global("torch", type);
    else
      global("torch.storage", "UntypedStorage");
    string(str(storage));
    string("cpu");
    integer(static_cast<std::int64_t>(type ? bytes / item_size(t.dtype) : bytes));
    text += "tQ";
    integer(0);
    tuple(t.shape);
    std::vector<std::int64_t> strides(t.shape.size(), 1);
    for (std::size_t i = strides.size(); i-- > 1;) strides[i - 1] = strides[i] * std::max<std::int64_t>(t.shape[i], 1);
    tuple(strides);
    op('\x89');
    empty_ordered_dict();
    if (dtype) global("torch", dtype);
    text += "tR";
  }

 private:
  void little(std::uint64_t v, int bytes) {
    for (int i = 0; i < bytes; ++i) text += static_cast<char>(v >> (8 * i) & 0xFF);
  }
};

// Stored records whose data begin at multiples of 64, so that they can be mapped.
class ZipWriter {
 public:
  explicit ZipWriter(const fs::path& path) : file_(path) {}

  void record(const std::string& name, const void* data, std::size_t bytes) {
    const std::uint32_t crc = detail::crc32({static_cast<const std::byte*>(data), bytes});
    std::string extra;
    if (bytes >= all32) {
      little(extra, 1, 2), little(extra, 16, 2);
      little(extra, bytes, 8), little(extra, bytes, 8);
    }
    const std::size_t fixed = at_ + 30 + name.size() + extra.size() + 4;
    const std::size_t padding = (64 - fixed % 64) % 64;
    little(extra, 0x4246, 2), little(extra, padding, 2);  // the id that torch uses for it
    extra.append(padding, 'Z');
    std::string header;
    little(header, 0x04034b50, 4);
    common(header, bytes, crc, name.size(), extra.size());
    header += name + extra;

    std::string entry;
    little(entry, 0x02014b50, 4);
    little(entry, 45, 2);
    std::string wide;
    if (bytes >= all32) little(wide, bytes, 8), little(wide, bytes, 8);
    if (at_ >= all32) little(wide, at_, 8);
    if (!wide.empty()) {
      std::string field;
      little(field, 1, 2), little(field, wide.size(), 2);
      wide = field + wide;
    }
    common(entry, bytes, crc, name.size(), wide.size());
    little(entry, 0, 2 + 2 + 2 + 4);  // no comment, first disk, no attributes
    little(entry, std::min<std::uint64_t>(at_, all32), 4);
    directory_ += entry + name + wide;
    ++count_;

    file_.write(header);
    file_.write(data, bytes);
    at_ += header.size() + bytes;
  }
  void record(const std::string& name, std::string_view text) { record(name, text.data(), text.size()); }

  void finish() {
    std::string tail = directory_;
    if (count_ >= 0xFFFF || at_ >= all32 || directory_.size() >= all32) {
      little(tail, 0x06064b50, 4), little(tail, 44, 8), little(tail, 45, 2), little(tail, 45, 2), little(tail, 0, 8);
      little(tail, count_, 8), little(tail, count_, 8), little(tail, directory_.size(), 8), little(tail, at_, 8);
      little(tail, 0x07064b50, 4), little(tail, 0, 4), little(tail, at_ + directory_.size(), 8), little(tail, 1, 4);
    }
    little(tail, 0x06054b50, 4), little(tail, 0, 4);
    little(tail, std::min<std::uint64_t>(count_, 0xFFFF), 2), little(tail, std::min<std::uint64_t>(count_, 0xFFFF), 2);
    little(tail, std::min<std::uint64_t>(directory_.size(), all32), 4),
        little(tail, std::min<std::uint64_t>(at_, all32), 4), little(tail, 0, 2);
    file_.write(tail);
    file_.commit();
  }

 private:
  static constexpr std::uint64_t all32 = 0xFFFFFFFF;
  static void little(std::string& out, std::uint64_t v, int bytes) {
    for (int i = 0; i < bytes; ++i) out += static_cast<char>(i < 8 ? v >> (8 * i) & 0xFF : 0);
  }
  // The fields that local header and directory entry share: version, flags (UTF-8 names), stored, no date, CRC, sizes,
  // lengths.
  static void common(std::string& out, std::uint64_t bytes, std::uint32_t crc, std::size_t name, std::size_t extra) {
    little(out, 45, 2), little(out, 0x0800, 2), little(out, 0, 2), little(out, 0, 4), little(out, crc, 4);
    little(out, std::min(bytes, all32), 4), little(out, std::min(bytes, all32), 4), little(out, name, 2),
        little(out, extra, 2);
  }

  AtomicFile file_;
  std::string directory_;
  std::size_t at_ = 0, count_ = 0;
};

}  // namespace

void write_torch_zip(const fs::path& path, const std::vector<TensorToWrite>& tensors, const Node& extra) {
  VGEN_CHECK(extra.is_null() || (extra.is_map() && !extra.find("state_dict")), FormatError,
             "torch zip: extra values must be a map without 'state_dict'");
  std::unordered_set<std::string_view> names;
  std::vector<std::pair<const TensorToWrite*, std::size_t>> storages;  // and their bytes
  std::map<std::tuple<const void*, std::size_t, DType>, std::size_t> shared;
  PickleWriter pickle;
  if (extra.is_map()) {
    pickle.text += "}(";
    pickle.string("state_dict");
  }
  pickle.empty_ordered_dict();
  pickle.op('(');
  for (const TensorToWrite& t : tensors) {
    VGEN_CHECK(names.insert(t.name).second, FormatError, "torch zip: two tensors are named '", printable(t.name), "'");
    const std::size_t bytes = byte_size(t);
    std::size_t storage = storages.size();
    if (t.data && bytes > 0) storage = shared.emplace(std::tuple(t.data, bytes, t.dtype), storage).first->second;
    if (storage == storages.size()) storages.emplace_back(&t, bytes);
    pickle.string(t.name);
    pickle.tensor(t, storage, bytes);
  }
  pickle.op('u');
  if (extra.is_map()) {
    for (const auto& [key, value] : extra.entries) pickle.string(key), pickle.node(value);
    pickle.op('u');
  }
  pickle.op('.');

  ZipWriter zip(path);
  zip.record("archive/data.pkl", pickle.text);
  zip.record("archive/.format_version", "1");
  zip.record("archive/.storage_alignment", "64");
  zip.record("archive/byteorder", "little");
  for (std::size_t i = 0; i < storages.size(); ++i) {
    const auto& [t, bytes] = storages[i];
    const std::shared_ptr<const void> made = t->data || bytes == 0 || !t->make ? nullptr : t->make();
    const void* data = t->data ? t->data : made.get();
    VGEN_CHECK(data || bytes == 0, FormatError, "torch zip: tensor '", printable(t->name), "' has no data");
    zip.record(str("archive/data/", i), data, bytes);
  }
  zip.record("archive/version", "3\n");
  zip.finish();
}

}  // namespace vgen::formats
