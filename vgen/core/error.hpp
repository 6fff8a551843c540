// Errors that vgen throws. One tree; each leaf maps to one process exit code and one Python exception.
//
// A message says who, what was expected, what came, and the way out: "ddim: steps must be in [1, 1000], got 0; try 1".
#pragma once
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "vgen/core/export.hpp"

namespace vgen {

// Exit codes of the command line; docs/guide/errors.md has the table.
enum class Exit : int {
  ok = 0,
  failure = 1,      // a check did not hold (parity, eval)
  usage = 2,        // wrong command line
  config = 3,       // wrong option, key, size, shape
  format = 4,       // malformed or hostile file
  io = 5,           // missing, unreadable, unwritable, disk full
  numerics = 6,     // NaN or Inf
  unavailable = 7,  // optional part missing (FFmpeg, CUDA, torch)
  internal = 70,
  interrupted = 130,  // SIGINT
  terminated = 143,   // SIGTERM
};

class VGEN_API Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message, Exit code = Exit::internal) : std::runtime_error(message), code_(code) {}
  Exit code() const noexcept { return code_; }

 private:
  Exit code_;
};

#define VGEN_DEFINE_ERROR(Name, Base, Code)                            \
  class VGEN_API Name : public Base {                                  \
   public:                                                             \
    explicit Name(const std::string& m, Exit c = Code) : Base(m, c) {} \
  };
VGEN_DEFINE_ERROR(ConfigError, Error, Exit::config)             // Python: ValueError
VGEN_DEFINE_ERROR(ShapeError, ConfigError, Exit::config)        // Python: ValueError
VGEN_DEFINE_ERROR(FormatError, Error, Exit::format)             // Python: ValueError; malformed file
VGEN_DEFINE_ERROR(UnsupportedError, FormatError, Exit::format)  // well-formed, but a kind that we do not read
VGEN_DEFINE_ERROR(UnsafePickleError, FormatError, Exit::format)
VGEN_DEFINE_ERROR(PathError, FormatError, Exit::format)     // a file names another file outside its folder
VGEN_DEFINE_ERROR(WeightsError, FormatError, Exit::format)  // keys or shapes do not fit the model
VGEN_DEFINE_ERROR(MediaError, FormatError, Exit::format)
VGEN_DEFINE_ERROR(IoError, Error, Exit::io)  // Python: OSError
VGEN_DEFINE_ERROR(CheckpointError, IoError, Exit::io)
VGEN_DEFINE_ERROR(NumericsError, Error, Exit::numerics)   // Python: ArithmeticError
VGEN_DEFINE_ERROR(Unavailable, Error, Exit::unavailable)  // Python: RuntimeError
VGEN_DEFINE_ERROR(Interrupted, Error, Exit::interrupted)  // Python: KeyboardInterrupt
#undef VGEN_DEFINE_ERROR

// str("a", 1, 2.5): joins streamable pieces; out of line conversions keep <sstream> out of this header.
namespace detail {
VGEN_API void append(std::string& out, std::string_view piece);
VGEN_API void append(std::string& out, long long value);
VGEN_API void append(std::string& out, unsigned long long value);
VGEN_API void append(std::string& out, double value);  // shortest text that reads back equal
inline void append(std::string& out, const char* piece) { append(out, std::string_view(piece)); }
inline void append(std::string& out, const std::string& piece) { append(out, std::string_view(piece)); }
inline void append(std::string& out, char c) { out.push_back(c); }
inline void append(std::string& out, bool b) { append(out, b ? std::string_view("true") : std::string_view("false")); }
inline void append(std::string& out, int v) { append(out, static_cast<long long>(v)); }
inline void append(std::string& out, long v) { append(out, static_cast<long long>(v)); }
inline void append(std::string& out, unsigned v) { append(out, static_cast<unsigned long long>(v)); }
inline void append(std::string& out, unsigned long v) { append(out, static_cast<unsigned long long>(v)); }
inline void append(std::string& out, float v) { append(out, static_cast<double>(v)); }
}  // namespace detail

template <class... Pieces>
std::string str(const Pieces&... pieces) {
  std::string out;
  (detail::append(out, pieces), ...);
  return out;
}

// Text from outside made safe to print: control, non-UTF-8 and right-to-left characters escaped, cut to `limit` bytes.
VGEN_API std::string printable(std::string_view text, std::size_t limit = 200);

// The candidate closest to `given` by edit distance, or "" if none is near enough to suggest.
VGEN_API std::string nearest(std::string_view given, const std::string* first, std::size_t count);

}  // namespace vgen

// VGEN_CHECK(steps > 0, ConfigError, "ddim: steps must be >= 1, got ", steps);
#define VGEN_CHECK(condition, ErrorType, ...)                    \
  do {                                                           \
    if (!(condition)) throw ErrorType(::vgen::str(__VA_ARGS__)); \
  } while (false)
