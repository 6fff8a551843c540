// Unicode as CPython 3.11 sees it (version 14): UTF-8, lower case, canonical composition, and the character classes
// that CLIP's tokenizer splits by. Tables: data/tables.inc, made by data/make_tables.py.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "vgen/core/error.hpp"

namespace vgen::text {

// Decodes strict UTF-8 (no surrogates, no overlong forms). ConfigError with the position of the first wrong byte; `who`
// begins it.
VGEN_API std::u32string from_utf8(std::string_view bytes, std::string_view who = "text");
VGEN_API std::string to_utf8(std::u32string_view text);
VGEN_API void append_utf8(std::string& out, char32_t c);
// Length in bytes of the valid sequence at bytes[at], its value in `c`; 0 if there is none.
VGEN_API int decode_utf8(std::string_view bytes, std::size_t at, char32_t& c);

VGEN_API bool is_space(char32_t c);    // str.isspace
VGEN_API bool is_alnum(char32_t c);    // str.isalnum
VGEN_API bool is_decimal(char32_t c);  // str.isdecimal

enum class Piece : std::uint8_t { none, letter, number, other };  // none: white space and what joins no piece
VGEN_API Piece piece_of(char32_t c);

VGEN_API std::u32string lower(std::u32string_view text);  // with the final sigma and the dotted capital I
VGEN_API std::u32string nfc(std::u32string_view text);    // Unicode Standard Annex 15, form C

}  // namespace vgen::text
