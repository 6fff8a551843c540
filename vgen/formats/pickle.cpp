#include "vgen/formats/pickle.hpp"

#include <bit>
#include <cstring>
#include <limits>

#include "vgen/formats/pickle_globals.hpp"
#include "vgen/formats/text.hpp"

namespace vgen::formats::detail {

namespace {

constexpr std::size_t max_opcodes = 4'000'000, max_objects = 1'000'000, max_rank = 64;
using Kind = Object::Kind;

struct Named {
  std::string_view name;
  DType dtype;
};
constexpr Named storage_types[] = {{"FloatStorage", DType::f32},     {"HalfStorage", DType::f16},
                                   {"BFloat16Storage", DType::bf16}, {"DoubleStorage", DType::f64},
                                   {"LongStorage", DType::i64},      {"IntStorage", DType::i32},
                                   {"ShortStorage", DType::i16},     {"CharStorage", DType::i8},
                                   {"ByteStorage", DType::u8},       {"BoolStorage", DType::boolean}};
constexpr Named torch_dtypes[] = {{"float32", DType::f32},
                                  {"float", DType::f32},
                                  {"float16", DType::f16},
                                  {"half", DType::f16},
                                  {"bfloat16", DType::bf16},
                                  {"float64", DType::f64},
                                  {"double", DType::f64},
                                  {"int64", DType::i64},
                                  {"long", DType::i64},
                                  {"int32", DType::i32},
                                  {"int", DType::i32},
                                  {"int16", DType::i16},
                                  {"short", DType::i16},
                                  {"int8", DType::i8},
                                  {"uint8", DType::u8},
                                  {"uint16", DType::u16},
                                  {"uint32", DType::u32},
                                  {"uint64", DType::u64},
                                  {"bool", DType::boolean},
                                  {"float8_e4m3fn", DType::f8_e4m3},
                                  {"float8_e5m2", DType::f8_e5m2}};

std::optional<DType> lookup(std::span<const Named> table, std::string_view name) {
  for (const Named& n : table)
    if (n.name == name) return n.dtype;
  return std::nullopt;
}

}  // namespace

const Object* Object::find(std::string_view key) const {
  if (kind != Kind::dict && kind != Kind::opaque) return nullptr;
  for (std::size_t i = items.size(); i >= 2; i -= 2)
    if (items[i - 2]->is_text(key)) return items[i - 1];
  return nullptr;
}

class Machine {
 public:
  Machine(Pickle& owner, std::span<const std::byte> bytes, std::size_t at) : owner_(owner), bytes_(bytes), at_(at) {}
  Object* run(std::size_t& at);

 private:
  [[noreturn]] void fail(std::string_view why) const {
    throw FormatError(str(printable(owner_.source_, 400), ": pickle: byte ", opcode_at_, ": ", why));
  }
  template <class Error>
  [[noreturn]] void fail_as(std::string_view why) const {
    throw Error(str(printable(owner_.source_, 400), ": pickle: byte ", opcode_at_, ": ", why));
  }

  // ---- input ----
  std::string_view take(std::uint64_t count) {
    if (count > bytes_.size() - at_) fail("the data ends inside an operand; the file is truncated");
    const std::string_view out(reinterpret_cast<const char*>(bytes_.data()) + at_, count);
    at_ += count;
    return out;
  }
  std::uint64_t number(std::size_t count) {
    std::uint64_t value = 0;
    const std::string_view raw = take(count);
    for (std::size_t i = count; i-- > 0;) value = value << 8 | static_cast<unsigned char>(raw[i]);
    return value;
  }
  std::string_view line() {
    const std::string_view rest(reinterpret_cast<const char*>(bytes_.data()) + at_, bytes_.size() - at_);
    const std::size_t end = rest.substr(0, 1025).find('\n');
    if (end == std::string_view::npos) fail("a name is longer than 1024 bytes or does not end");
    at_ += end + 1;
    return rest.substr(0, end);
  }

  // ---- objects, stack, memo ----
  Object* make(Kind kind) {
    if (owner_.objects_.size() >= max_objects) fail(str("more than ", max_objects, " objects"));
    Object& o = owner_.objects_.emplace_back();
    o.kind = kind;
    return &o;
  }
  // Copies are paid from a budget, so that few operations cannot make much: building sets of one long list again and
  // again.
  void charge(std::size_t bytes) {
    spent_ += bytes;
    if (spent_ > (std::size_t(64) << 20) + 4 * bytes_.size()) fail("it would unfold to far more than its size");
  }
  Object* make_text(Kind kind, std::string_view text) {
    charge(text.size());
    Object* o = make(kind);
    o->text = text;
    return o;
  }
  Object* make_integer(std::int64_t value) {
    Object* o = make(Kind::integer);
    o->integer = value;
    return o;
  }
  Object* make_string(std::string_view text, bool python2 = false) {
    for (std::size_t i = 0; i < text.size();) {
      const int n = utf8_length(text, i);
      if (n == 0 && python2) return make_text(Kind::bytes, text);
      if (n == 0) fail("a string is not UTF-8");
      i += n;
    }
    return make_text(Kind::string, text);
  }
  Object* make_tuple(std::vector<Object*> items) {
    Object* o = make(Kind::tuple);
    o->items = std::move(items);
    return o;
  }
  Object* make_opaque(std::string_view name) {
    owner_.opaque_.emplace(name);
    return make_text(Kind::opaque, name);
  }
  void push(Object* o) { stack_.push_back(o); }
  std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  Object* pop() {
    if (stack_.size() <= floor()) fail("the stack is empty");
    Object* o = stack_.back();
    stack_.pop_back();
    return o;
  }
  Object* top() {
    if (stack_.size() <= floor()) fail("the stack is empty");
    return stack_.back();
  }
  std::vector<Object*> pop_mark() {
    if (marks_.empty()) fail("there is no mark on the stack");
    const auto from = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    marks_.pop_back();
    std::vector<Object*> out(from, stack_.end());
    stack_.erase(from, stack_.end());
    return out;
  }
  void put(std::uint64_t index) {
    if (index > std::numeric_limits<std::int32_t>::max()) fail("a memo index is above 2^31 - 1");
    memo_[index] = top();
  }
  void get(std::uint64_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) fail(str("memo ", index, " was never stored"));
    push(found->second);
  }

  // ---- what the opcodes do ----
  Object* global(std::string_view module, std::string_view name);
  Object* construct(Object* callable, Object* args);
  Object* tensor(const std::vector<Object*>& args, bool with_dtype);
  Object* persistent(Object* id);
  void add_items(Object* container, const std::vector<Object*>& items);
  void add_pairs(Object* container, const std::vector<Object*>& pairs);
  std::vector<std::int64_t> sizes(const Object* o, std::string_view what);

  Pickle& owner_;
  std::span<const std::byte> bytes_;
  std::size_t at_, opcode_at_ = 0, spent_ = 0;
  std::vector<Object*> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint64_t, Object*> memo_;
};

Object* Machine::global(std::string_view module, std::string_view name) {
  if (module.empty() || name.empty()) fail("a global without module or name");
  const std::string full = std::string(module) + "." + std::string(name);
  if (dangerous_global(module, name))
    fail_as<UnsafePickleError>(str("names '", printable(full),
                                   "', which no weight file needs; nothing was run. Do not load this file with other "
                                   "tools; ask its author for a .safetensors file"));
  Object* o = make_text(Kind::global, full);
  if (module == "torch") o->dtype = lookup(torch_dtypes, name);
  if (module == "torch" || module == "torch.cuda" || module == "torch.storage")
    if (const auto dtype = lookup(storage_types, name)) o->dtype = dtype;
  return o;
}

std::vector<std::int64_t> Machine::sizes(const Object* o, std::string_view what) {
  if (!o->is(Kind::tuple) && !o->is(Kind::list)) fail(str("a tensor's ", what, " is no tuple"));
  if (o->items.size() > max_rank) fail(str("a tensor has more than ", max_rank, " dimensions"));
  std::vector<std::int64_t> out;
  charge(o->items.size() * sizeof(std::int64_t));
  for (const Object* item : o->items) {
    if (!item->is(Kind::integer) || item->integer < 0)
      fail(str("a tensor's ", what, " holds something other than integers >= 0"));
    out.push_back(item->integer);
  }
  return out;
}

// (storage, storage_offset, size, stride, requires_grad, backward_hooks[, dtype][, metadata])
Object* Machine::tensor(const std::vector<Object*>& args, bool with_dtype) {
  if (args.size() < (with_dtype ? 7u : 4u) || args.size() > (with_dtype ? 8u : 7u))
    fail("a tensor is built from a wrong number of arguments");
  const Object* s = args[0];
  if (!s->is(Kind::storage)) fail("a tensor is built from something that is no storage");
  if (!args[1]->is(Kind::integer) || args[1]->integer < 0) fail("a tensor's storage offset is no integer >= 0");
  Object* o = make(Kind::tensor);
  o->storage = s->storage;
  o->dtype = with_dtype ? (args[6]->is(Kind::global) ? args[6]->dtype : std::nullopt) : s->dtype;
  if (!o->dtype)
    fail_as<UnsupportedError>(with_dtype ? "a tensor has a dtype that is not supported"
                                         : "a tensor lies in an untyped storage without a dtype");
  if (__builtin_add_overflow(args[1]->integer, s->integer, &o->integer)) fail("a tensor's storage offset overflows");
  o->shape = std::make_unique<std::pair<std::vector<std::int64_t>, std::vector<std::int64_t>>>(
      sizes(args[2], "size"), sizes(args[3], "stride"));
  if (o->shape->first.size() != o->shape->second.size()) fail("a tensor has differing numbers of sizes and strides");
  return o;
}

// ("storage", type, key, location, numel[, view]) with view = (key, offset, numel) in old files.
Object* Machine::persistent(Object* id) {
  if (!id->is(Kind::tuple) || id->items.empty()) fail("a persistent id that is no tuple");
  const auto& a = id->items;
  if (a[0]->is_text("module") && a.size() >= 2) return a[1];  // legacy: a class with its source text, which is ignored
  if (!a[0]->is_text("storage") || a.size() < 5 || a.size() > 6 || !a[1]->is(Kind::global) || !a[2]->is(Kind::string) ||
      !(a[3]->is(Kind::string) || a[3]->is(Kind::none)) || !a[4]->is(Kind::integer) || a[4]->integer < 0)
    fail("a persistent id that describes no storage");
  const std::string& type = a[1]->text;
  const bool untyped =
      type == "torch.storage.UntypedStorage" || type == "torch.UntypedStorage" || type == "torch.cuda.UntypedStorage";
  if (!untyped && (!a[1]->dtype || !type.ends_with("Storage")))
    fail_as<UnsupportedError>(str("storage of type '", printable(type), "' is not supported"));
  Storage fresh{.key = a[2]->text, .dtype = untyped ? std::nullopt : a[1]->dtype, .numel = a[4]->integer};
  if (fresh.key.empty() || fresh.key.size() > 256) fail("a storage with a bad key");
  const auto [at, added] = owner_.storages_.emplace(fresh.key, fresh);
  if (!added && (at->second.dtype != fresh.dtype || at->second.numel != fresh.numel))
    fail(str("storage '", printable(fresh.key), "' is described twice, differently"));
  Object* o = make(Kind::storage);
  o->storage = &at->second;
  o->dtype = at->second.dtype;
  if (a.size() == 6 && !a[5]->is(Kind::none)) {
    const auto& view = a[5]->items;
    if (!a[5]->is(Kind::tuple) || view.size() != 3 || !view[1]->is(Kind::integer) || view[1]->integer < 0)
      fail("a storage view that is malformed");
    o->integer = view[1]->integer;
  }
  return o;
}

void Machine::add_items(Object* container, const std::vector<Object*>& items) {
  if (container->is(Kind::opaque)) return;  // a list of a foreign class: its elements are not kept
  if (!container->is(Kind::list) && !container->is(Kind::set))
    fail("elements are added to something that is no list or set");
  container->items.insert(container->items.end(), items.begin(), items.end());
}
void Machine::add_pairs(Object* container, const std::vector<Object*>& pairs) {
  if (!container->is(Kind::dict) && !container->is(Kind::opaque)) fail("entries are set in something that is no dict");
  if (pairs.size() % 2) fail("a key without a value");
  container->items.insert(container->items.end(), pairs.begin(), pairs.end());
}

Object* Machine::construct(Object* callable, Object* args) {
  if (!args->is(Kind::tuple)) fail("the arguments of a constructor are no tuple");
  if (callable->is(Kind::opaque)) return make_opaque(callable->text);
  if (!callable->is(Kind::global)) fail("something that is no class is called");
  const std::string& name = callable->text;
  const auto& a = args->items;
  const auto is = [&](std::string_view n) { return name == n; };
  if (is("torch._utils._rebuild_tensor") || is("torch._utils._rebuild_tensor_v2")) return tensor(a, false);
  if (is("torch._utils._rebuild_tensor_v3")) return tensor(a, true);
  if (is("torch._utils._rebuild_parameter") || is("torch._utils._rebuild_parameter_with_state") ||
      is("torch.nn.parameter.Parameter")) {
    if (a.empty() || !a[0]->is(Kind::tensor)) fail("a parameter is built from something that is no tensor");
    return a[0];
  }
  if (is("torch._tensor._rebuild_from_type_v2")) {  // (function, type, args, state): a tensor with attributes, or a
                                                    // subclass
    if (a.size() != 4) fail("a tensor with attributes is built from a wrong number of arguments");
    return construct(a[0], a[2]);
  }
  if (is("collections.OrderedDict") || is("collections.defaultdict") || is("collections.Counter") ||
      is("builtins.dict") || is("__builtin__.dict")) {
    Object* o = make(Kind::dict);
    const Object* from = is("collections.defaultdict") ? nullptr
                         : a.empty()                   ? nullptr
                                                       : a[0];  // defaultdict's argument is its factory
    if (from) charge(2 * from->items.size() * sizeof(Object*));
    if (from && from->is(Kind::dict))
      o->items = from->items;
    else if (from)
      for (const Object* pair : from->items) {
        if (pair->items.size() != 2 || !(pair->is(Kind::list) || pair->is(Kind::tuple)))
          fail("a dict is built from something other than pairs");
        o->items.insert(o->items.end(), pair->items.begin(), pair->items.end());
      }
    return o;
  }
  if (is("builtins.set") || is("builtins.frozenset") || is("__builtin__.set") || is("__builtin__.frozenset")) {
    Object* o = make(Kind::set);
    if (!a.empty()) charge(a[0]->items.size() * sizeof(Object*)), o->items = a[0]->items;
    return o;
  }
  if (is("torch.Size") && a.size() == 1 && a[0]->is(Kind::tuple)) return a[0];
  if (is("torch.device") && !a.empty() && a[0]->is(Kind::string)) return a[0];
  if (is("_codecs.encode") && !a.empty() && a[0]->is(Kind::string)) return make_text(Kind::bytes, a[0]->text);
  return make_opaque(name);
}

Object* Machine::run(std::size_t& at) {
  opcode_at_ = at_;
  if (at_ >= bytes_.size() || bytes_[at_] != std::byte{0x80})
    fail_as<UnsupportedError>(
        "a pickle of protocol 0 or 1, or no pickle at all; torch writes protocol 2. Save it again with torch.save, or "
        "as .safetensors");
  Object *const none = make(Kind::none), *const no = make(Kind::boolean), *const yes = make(Kind::boolean),
                *const empty_tuple = make(Kind::tuple);
  yes->boolean = true;
  for (std::size_t count = 0;; ++count) {
    if (count == max_opcodes) fail(str("more than ", max_opcodes, " operations"));
    opcode_at_ = at_;
    const auto opcode = static_cast<unsigned char>(take(1)[0]);
    switch (opcode) {
      case 0x80: {  // PROTO
        const std::uint64_t version = number(1);
        if (version < 2 || version > 5)
          fail_as<UnsupportedError>(str("pickle protocol ", version, "; 2 to 5 are read"));
        break;
      }
      case 0x95:  // FRAME
        if (number(8) > bytes_.size() - at_) fail("a frame is longer than the data; the file is truncated");
        break;
      case '.': {  // STOP
        Object* result = pop();
        if (!stack_.empty() || !marks_.empty()) fail("values are left on the stack at the end");
        at = at_;
        return result;
      }
      // Constants and numbers.
      case 'N':
        push(none);
        break;
      case 0x88:
        push(yes);
        break;
      case 0x89:
        push(no);
        break;
      case 'K':
        push(make_integer(static_cast<std::int64_t>(number(1))));
        break;
      case 'M':
        push(make_integer(static_cast<std::int64_t>(number(2))));
        break;
      case 'J':
        push(make_integer(static_cast<std::int32_t>(number(4))));
        break;
      case 0x8A:
      case 0x8B: {  // LONG1, LONG4: two's complement
        const std::uint64_t length = number(opcode == 0x8A ? 1 : 4);
        const std::string_view raw = take(length);
        if (length > 8) {
          push(make_text(Kind::big_integer, raw));
        } else {
          std::uint64_t value = length && raw.back() & 0x80 ? ~std::uint64_t(0) : 0;
          for (std::size_t i = length; i-- > 0;) value = value << 8 | static_cast<unsigned char>(raw[i]);
          push(make_integer(static_cast<std::int64_t>(value)));
        }
        break;
      }
      case 'G': {  // BINFLOAT: big-endian
        std::uint64_t bits = 0;
        for (const char c : take(8)) bits = bits << 8 | static_cast<unsigned char>(c);
        Object* o = make(Kind::real);
        o->real = std::bit_cast<double>(bits);
        push(o);
        break;
      }
      // Text and bytes.
      case 'X':
        push(make_string(take(number(4))));
        break;
      case 0x8C:
        push(make_string(take(number(1))));
        break;
      case 0x8D:
        push(make_string(take(number(8))));
        break;
      case 'U':
        push(make_string(take(number(1)), true));
        break;
      case 'T':
        push(make_string(take(number(4)), true));
        break;
      case 'C':
        push(make_text(Kind::bytes, take(number(1))));
        break;
      case 'B':
        push(make_text(Kind::bytes, take(number(4))));
        break;
      case 0x8E:
      case 0x96:
        push(make_text(Kind::bytes, take(number(8))));
        break;
      // Containers.
      case '(':
        marks_.push_back(stack_.size());
        break;
      case '0':  // POP; of a mark, as Python does
        if (stack_.size() == floor() && !marks_.empty())
          marks_.pop_back();
        else
          pop();
        break;
      case '1':
        pop_mark();
        break;
      case '2':
        push(top());
        break;
      case ']':
        push(make(Kind::list));
        break;
      case '}':
        push(make(Kind::dict));
        break;
      case 0x8F:
        push(make(Kind::set));
        break;
      case ')':
        push(empty_tuple);
        break;
      case 't':
        push(make_tuple(pop_mark()));
        break;
      case 0x85:
      case 0x86:
      case 0x87: {  // TUPLE1 to 3
        std::vector<Object*> items(opcode - 0x84u);
        for (std::size_t i = items.size(); i-- > 0;) items[i] = pop();
        push(make_tuple(std::move(items)));
        break;
      }
      case 'l':
      case 0x91: {  // LIST, FROZENSET
        Object* o = make(opcode == 'l' ? Kind::list : Kind::set);
        o->items = pop_mark();
        push(o);
        break;
      }
      case 'd': {
        Object* o = make(Kind::dict);
        add_pairs(o, pop_mark());
        push(o);
        break;
      }
      case 'a': {
        Object* item = pop();
        add_items(top(), {item});
        break;
      }
      case 'e':
      case 0x90: {  // APPENDS, ADDITEMS
        const std::vector<Object*> items = pop_mark();
        add_items(top(), items);
        break;
      }
      case 's': {
        Object *value = pop(), *key = pop();
        add_pairs(top(), {key, value});
        break;
      }
      case 'u': {
        const std::vector<Object*> pairs = pop_mark();
        add_pairs(top(), pairs);
        break;
      }
      // Memo.
      case 'q':
        put(number(1));
        break;
      case 'r':
        put(number(4));
        break;
      case 0x94:
        put(memo_.size());
        break;
      case 'h':
        get(number(1));
        break;
      case 'j':
        get(number(4));
        break;
      // Names and objects: described, never called.
      case 'c': {
        const std::string_view module = line(), name = line();
        push(global(module, name));
        break;
      }
      case 0x93: {  // STACK_GLOBAL
        const Object *name = pop(), *module = pop();
        if (!name->is(Kind::string) || !module->is(Kind::string)) fail("a global whose name is no string");
        push(global(module->text, name->text));
        break;
      }
      case 'R':
      case 0x81: {  // REDUCE, NEWOBJ
        Object *args = pop(), *callable = pop();
        push(construct(callable, args));
        break;
      }
      case 0x92: {  // NEWOBJ_EX
        pop();
        Object *args = pop(), *callable = pop();
        push(construct(callable, args));
        break;
      }
      case 'i': {  // INST
        const std::string_view module = line(), name = line();
        Object* callable = global(module, name);
        push(construct(callable, make_tuple(pop_mark())));
        break;
      }
      case 'o': {  // OBJ
        std::vector<Object*> args = pop_mark();
        if (args.empty()) fail("an object without a class");
        Object* callable = args.front();
        args.erase(args.begin());
        push(construct(callable, make_tuple(std::move(args))));
        break;
      }
      case 'b': {  // BUILD: attributes of an OrderedDict or parameter do not matter here
        Object *state = pop(), *o = top();
        if (o->is(Kind::opaque))
          o->state = state;
        else if (!o->is(Kind::dict) && !o->is(Kind::tensor) && !o->is(Kind::set))
          fail("a state is given to something that takes none");
        break;
      }
      case 'Q':
        push(persistent(pop()));
        break;
      case 0x82:
      case 0x83:
      case 0x84:
        fail_as<UnsafePickleError>("uses the extension registry (EXT), which can name any function");
      case 0x97:
      case 0x98:
        fail_as<UnsupportedError>("uses buffers outside the file (protocol 5)");
      case 'I':
      case 'L':
      case 'F':
      case 'S':
      case 'V':
      case 'p':
      case 'g':
      case 'P':
        fail_as<UnsupportedError>(
            "uses an operation of protocol 0; torch writes protocol 2. Save it again with torch.save, or as "
            ".safetensors");
      default:
        fail(str("unknown operation ", static_cast<int>(opcode)));
    }
  }
}

Object* Pickle::run(std::span<const std::byte> bytes, std::size_t& at) { return Machine(*this, bytes, at).run(at); }

}  // namespace vgen::formats::detail
