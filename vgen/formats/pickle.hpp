// A pickle virtual machine that can build data and nothing else: numbers, strings, lists, tuples, dicts, sets, and
// descriptions of torch storages and tensors. It calls nothing. Globals outside a short list become opaque objects that
// only remember their name; those that a harmless checkpoint has no use for (os.system, builtins.eval, ...) raise
// UnsafePickleError. Protocols 2 to 5. Internal.
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "vgen/formats/tensor_file.hpp"

namespace vgen::formats::detail {

struct Storage {
  std::string key;                    // record name under data/, or the legacy key
  std::optional<DType> dtype;         // none: untyped, `numel` counts bytes
  std::int64_t numel = 0;             // of the whole storage
  std::size_t offset = 0, bytes = 0;  // in the file; filled in by whoever knows the container
};

struct Object {
  enum class Kind : std::uint8_t {
    none,
    boolean,
    integer,
    big_integer,
    real,
    string,
    bytes,
    list,
    tuple,
    dict,
    set,
    global,
    storage,
    tensor,
    opaque
  };
  Kind kind = Kind::none;
  bool boolean = false;
  std::optional<DType> dtype;  // tensor; global that names a dtype or a typed storage
  std::int64_t integer = 0;    // storage: first element of a legacy view; tensor: storage_offset
  double real = 0;
  std::string text;            // string, bytes, big integer; "module.name" of a global or opaque object
  std::vector<Object*> items;  // list, tuple, set; dict and opaque: key, value, key, value, ...
  Object* state = nullptr;     // opaque: what BUILD gave it
  Storage* storage = nullptr;
  std::unique_ptr<std::pair<std::vector<std::int64_t>, std::vector<std::int64_t>>> shape;  // tensor: sizes and strides

  bool is(Kind k) const { return kind == k; }
  bool is_text(std::string_view t) const { return kind == Kind::string && text == t; }
  const Object* find(std::string_view key) const;  // dict or opaque: the last value under a string key
};

// Owns all objects; keeps what several pickles of one file share.
class Pickle {
 public:
  explicit Pickle(std::string source) : source_(std::move(source)) {}
  // Runs the pickle that begins at bytes[at], moves `at` behind its STOP, gives the value.
  Object* run(std::span<const std::byte> bytes, std::size_t& at);

  std::map<std::string, Storage>& storages() { return storages_; }
  const std::set<std::string>& opaque() const { return opaque_; }  // names of globals that were left opaque

 private:
  friend class Machine;
  std::string source_;
  std::deque<Object> objects_;
  std::map<std::string, Storage> storages_;
  std::set<std::string> opaque_;
};

}  // namespace vgen::formats::detail
