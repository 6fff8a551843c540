#include "vgen/text/unicode.hpp"

#include <algorithm>
#include <iterator>

#include "vgen/text/tables.hpp"

namespace vgen::text {
using namespace tables;

namespace {

template <std::size_t N>
bool within(const Range (&table)[N], char32_t c) {
  const auto* r =
      std::upper_bound(std::begin(table), std::end(table), c, [](char32_t v, const Range& x) { return v < x.first; });
  return r != std::begin(table) && c <= (r - 1)->last;
}

int combining_class(char32_t c) {
  if (c < 0x300) return 0;
  const auto* r = std::upper_bound(std::begin(kCombiningClass), std::end(kCombiningClass), c,
                                   [](char32_t v, const Triple& x) { return v < x.a; });
  return r != std::begin(kCombiningClass) && c <= (r - 1)->b ? static_cast<int>((r - 1)->c) : 0;
}

// Hangul syllables are composed by arithmetic (The Unicode Standard, 3.12).
constexpr char32_t kSyllable = 0xAC00, kLead = 0x1100, kVowel = 0x1161, kTail = 0x11A7;
constexpr char32_t kLeads = 19, kVowels = 21, kTails = 28, kSyllables = kLeads * kVowels * kTails;

void decompose(char32_t c, std::u32string& out) {
  if (c >= kSyllable && c < kSyllable + kSyllables) {
    const char32_t i = c - kSyllable;
    out += kLead + i / (kVowels * kTails);
    out += kVowel + i % (kVowels * kTails) / kTails;
    if (i % kTails) out += kTail + i % kTails;
    return;
  }
  const auto* d = std::lower_bound(std::begin(kDecomposition), std::end(kDecomposition), c,
                                   [](const Triple& x, char32_t v) { return x.a < v; });
  if (d == std::end(kDecomposition) || d->a != c) {
    out += c;
    return;
  }
  decompose(d->b, out);
  if (d->c) decompose(d->c, out);
}

char32_t compose(char32_t a, char32_t b) {  // 0 if they do not compose
  if (a >= kLead && a < kLead + kLeads && b >= kVowel && b < kVowel + kVowels)
    return kSyllable + ((a - kLead) * kVowels + (b - kVowel)) * kTails;
  if (a >= kSyllable && a < kSyllable + kSyllables && (a - kSyllable) % kTails == 0 && b > kTail && b < kTail + kTails)
    return a + (b - kTail);
  const auto* x =
      std::lower_bound(std::begin(kComposition), std::end(kComposition), std::pair(a, b),
                       [](const Triple& t, const auto& v) { return std::pair<char32_t, char32_t>(t.a, t.b) < v; });
  return x != std::end(kComposition) && x->a == a && x->b == b ? x->c : 0;
}

char32_t lower_one(char32_t c) {
  const auto* r = std::upper_bound(std::begin(kLower), std::end(kLower), c,
                                   [](char32_t v, const LowerRun& x) { return v < x.first; });
  if (r == std::begin(kLower) || c > (--r)->last || (c - r->first) % r->stride != 0) return c;
  return static_cast<char32_t>(static_cast<std::int32_t>(c) + r->delta);
}

// A capital sigma ends a word if a cased letter precedes and none follows, ignorable characters aside.
bool final_sigma(std::u32string_view text, std::size_t at) {
  std::size_t i = at;
  while (i > 0 && within(kCaseIgnorable, text[i - 1])) --i;
  if (i == 0 || !within(kCased, text[i - 1])) return false;
  for (i = at + 1; i < text.size() && within(kCaseIgnorable, text[i]);) ++i;
  return i == text.size() || !within(kCased, text[i]);
}

}  // namespace

int decode_utf8(std::string_view bytes, std::size_t at, char32_t& c) {
  const auto byte = [&](std::size_t i) {
    return at + i < bytes.size() ? static_cast<unsigned char>(bytes[at + i]) : 0u;
  };
  const auto tail = [&](std::size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const unsigned b = byte(0);
  if (at >= bytes.size()) return 0;
  if (b < 0x80) return c = b, 1;
  if (b >= 0xC2 && b < 0xE0 && tail(1)) return c = (b & 0x1F) << 6 | (byte(1) & 0x3F), 2;
  if (b >= 0xE0 && b < 0xF0 && tail(1) && tail(2)) {
    c = (b & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F);
    return c >= 0x800 && (c < 0xD800 || c > 0xDFFF) ? 3 : 0;
  }
  if (b >= 0xF0 && b < 0xF5 && tail(1) && tail(2) && tail(3)) {
    c = (b & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F);
    return c >= 0x10000 && c <= 0x10FFFF ? 4 : 0;
  }
  return 0;
}

std::u32string from_utf8(std::string_view bytes, std::string_view who) {
  std::u32string out;
  out.reserve(bytes.size());
  for (std::size_t i = 0; i < bytes.size();) {
    char32_t c = 0;
    const int n = decode_utf8(bytes, i, c);
    VGEN_CHECK(n, ConfigError, who, ": expected UTF-8, got byte ",
               static_cast<int>(static_cast<unsigned char>(bytes[i])), " at position ", i,
               "; re-encode the text as UTF-8");
    out += c;
    i += static_cast<std::size_t>(n);
  }
  return out;
}

void append_utf8(std::string& out, char32_t c) {
  const auto put = [&](char32_t v) { out += static_cast<char>(v); };
  if (c < 0x80) return put(c);
  if (c < 0x800) return put(0xC0 | c >> 6), put(0x80 | (c & 0x3F));
  if (c < 0x10000) return put(0xE0 | c >> 12), put(0x80 | (c >> 6 & 0x3F)), put(0x80 | (c & 0x3F));
  put(0xF0 | c >> 18), put(0x80 | (c >> 12 & 0x3F)), put(0x80 | (c >> 6 & 0x3F)), put(0x80 | (c & 0x3F));
}

std::string to_utf8(std::u32string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char32_t c : text) append_utf8(out, c);
  return out;
}

bool is_space(char32_t c) { return within(kSpace, c); }
bool is_alnum(char32_t c) { return within(kAlnum, c); }
bool is_decimal(char32_t c) { return within(kDecimal, c); }

Piece piece_of(char32_t c) {
  if (within(kLetter, c)) return Piece::letter;
  if (within(kNumber, c)) return Piece::number;
  // White space of the regular expression: U+001C..U+001F are white space for str.split only. U+0345 is in no class
  // there.
  if (c == 0x345 || (within(kSpace, c) && !(c >= 0x1C && c <= 0x1F))) return Piece::none;
  return Piece::other;
}

std::u32string lower(std::u32string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char32_t c = text[i];
    if (c < 0x80)
      out += c >= 'A' && c <= 'Z' ? c + 32 : c;
    else if (c == 0x130)
      out += U"i\u0307";
    else if (c == 0x3A3)
      out += final_sigma(text, i) ? 0x3C2 : 0x3C3;
    else
      out += lower_one(c);
  }
  return out;
}

std::u32string nfc(std::u32string_view text) {
  // Below U+0300 everything is composed and composes with nothing that stands there.
  if (std::all_of(text.begin(), text.end(), [](char32_t c) { return c < 0x300; })) return std::u32string(text);
  std::u32string parts;
  parts.reserve(text.size() + text.size() / 4);
  for (const char32_t c : text) c < 0xC0 ? void(parts += c) : decompose(c, parts);
  for (std::size_t i = 0; i < parts.size();) {  // canonical order: each run of marks by class, stable
    std::size_t end = i;
    while (end < parts.size() && combining_class(parts[end])) ++end;
    std::stable_sort(parts.begin() + static_cast<std::ptrdiff_t>(i), parts.begin() + static_cast<std::ptrdiff_t>(end),
                     [](char32_t a, char32_t b) { return combining_class(a) < combining_class(b); });
    i = end + 1;
  }
  std::u32string out;
  out.reserve(parts.size());
  std::size_t starter = std::u32string::npos;
  int last = 0;  // class of the last mark kept since the starter
  for (const char32_t c : parts) {
    const int k = combining_class(c);
    if (starter != std::u32string::npos && (last < k || out.size() == starter + 1)) {
      if (const char32_t both = compose(out[starter], c)) {
        out[starter] = both;
        continue;
      }
    }
    if (k == 0) starter = out.size();
    last = k;
    out += c;
  }
  return out;
}

}  // namespace vgen::text
