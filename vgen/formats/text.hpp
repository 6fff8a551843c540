// What the text parsers share: UTF-8 decoding and the place of an error. Internal to formats.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "vgen/core/error.hpp"

namespace vgen::formats::detail {

// Bytes of the valid UTF-8 sequence at text[at] (1 to 4), 0 if there is none: no overlong forms, no surrogates.
inline int utf8_length(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const int n = first >= 0xF0 && first < 0xF5   ? 4
                : first >= 0xE0 && first < 0xF0 ? 3
                : first >= 0xC2 && first < 0xE0 ? 2
                                                : 0;
  if (n == 0 || text.size() - at < static_cast<std::size_t>(n)) return 0;
  std::uint32_t code = first & (0x7Fu >> n);
  for (int i = 1; i < n; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
    code = code << 6 | (byte(i) & 0x3Fu);
  }
  if (n == 3 && (code < 0x800 || (code >= 0xD800 && code < 0xE000))) return 0;
  return n == 4 && (code < 0x10000 || code > 0x10FFFF) ? 0 : n;
}

inline void append_utf8(std::string& out, std::uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 0x3F))};
  } else if (code < 0x10000) {
    out += {static_cast<char>(0xE0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 0x3F)),
            static_cast<char>(0x80 | (code & 0x3F))};
  } else {
    out += {static_cast<char>(0xF0 | code >> 18), static_cast<char>(0x80 | (code >> 12 & 0x3F)),
            static_cast<char>(0x80 | (code >> 6 & 0x3F)), static_cast<char>(0x80 | (code & 0x3F))};
  }
}

// Four hexadecimal digits (or `count`) at text[at]; -1 if they are not there.
inline std::int64_t hex_digits(std::string_view text, std::size_t at, int count) {
  if (text.size() < at + count) return -1;
  std::int64_t value = 0;
  for (int i = 0; i < count; ++i) {
    const char c = text[at + i];
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

[[noreturn]] inline void fail_at(std::string_view source, int line, int column, std::string_view message) {
  throw FormatError(
      str(source.empty() ? std::string("text") : printable(source, 400), ":", line, ":", column, ": ", message));
}

}  // namespace vgen::formats::detail
