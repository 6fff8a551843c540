#include "vgen/text/clean.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <iterator>
#include <optional>
#include <unordered_map>
#include <vector>

#include "vgen/text/tables.hpp"
#include "vgen/text/unicode.hpp"

namespace vgen::text {
namespace {

using U32 = std::u32string;
using View = std::u32string_view;
constexpr int kMaxRounds = 100;

bool ascii_letter(char32_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool digit(char32_t c) { return c >= '0' && c <= '9'; }
bool hex_digit(char32_t c) { return digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_ascii(View text) {
  return std::all_of(text.begin(), text.end(), [](char32_t c) { return c < 0x80; });
}

// ---- Character references ----

using Entities = std::unordered_map<std::string_view, std::string_view>;
const Entities& entities(bool upper) {  // without the "&"; `upper`: all-caps spellings that HTML does not know
  static const auto parse = [](std::string_view blob) {
    Entities out;
    for (std::size_t i = 0; i < blob.size();) {
      const std::size_t middle = blob.find('\x01', i), end = blob.find('\x02', middle);
      out.emplace(blob.substr(i, middle - i), blob.substr(middle + 1, end - middle - 1));
      i = end + 1;
    }
    return out;
  };
  static const Entities html5 = parse(tables::kEntities);
  if (!upper) return html5;
  static const Entities caps = parse(tables::kUpperEntities);
  return caps;
}

// The character of a numeric reference by the HTML5 rules: holes of windows-1252 stay C1 controls, what is no character
// vanishes.
void append_reference(U32& out, std::uint32_t number) {
  if (number == 0 || number > 0x10FFFF || (number >= 0xD800 && number <= 0xDFFF))
    out += 0xFFFD;
  else if (number >= 0x80 && number <= 0x9F)
    out += tables::kEncodings[1][number - 0x80];
  else if (number == 0x0D)
    out += '\r';
  else if (number < 0x09 || number == 0x0B || (number >= 0x0E && number < 0x20) || number == 0x7F)
    return;
  else if ((number >= 0xFDD0 && number <= 0xFDEF) || (number & 0xFFFE) == 0xFFFE)
    return;
  else
    out += number;
}

// Reads "#123", "#x1f" with or without ";" at text[at], past the "&". Returns the characters used, 0 if it is none.
std::size_t numeric_reference(View text, std::size_t at, U32& out) {
  if (at >= text.size() || text[at] != '#') return 0;
  std::size_t i = at + 1;
  const bool hex = i < text.size() && (text[i] == 'x' || text[i] == 'X');
  if (hex) ++i;
  const std::size_t first = i;
  std::uint32_t number = 0;
  for (; i < text.size() && (hex ? hex_digit(text[i]) : digit(text[i])); ++i) {
    const char32_t c = text[i];
    const std::uint32_t value = digit(c) ? c - '0' : (c | 32) - 'a' + 10;
    number = std::min<std::uint32_t>(0x110000, number * (hex ? 16 : 10) + value);
  }
  if (i == first) return 0;
  append_reference(out, number);
  return i - at + (i < text.size() && text[i] == ';');
}

}  // namespace

U32 unescape_html(View text) {
  if (text.find(U'&') == View::npos) return U32(text);
  U32 out;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] != '&') {
      out += text[i++];
      continue;
    }
    if (const std::size_t used = numeric_reference(text, i + 1, out)) {
      i += 1 + used;
      continue;
    }
    // A name of at most 32 characters and perhaps ";"; failing that, the longest beginning that is a name.
    std::string name;
    std::size_t end = i + 1;
    const auto in_name = [](char32_t c) {
      return c != '\t' && c != '\n' && c != '\f' && c != ' ' && c != '<' && c != '&' && c != '#' && c != ';';
    };
    bool plain = true;  // names are ASCII, so a beginning that is one ends before the first other character
    for (; end < text.size() && end - i <= 32 && in_name(text[end]); ++end) {
      plain = plain && text[end] < 0x80;
      if (plain) name += static_cast<char>(text[end]);
    }
    bool whole = plain && end > i + 1;
    if (whole && end < text.size() && text[end] == ';') name += ';';
    const auto& names = entities(false);
    auto found = names.end();
    for (; name.size() >= 2 || whole; name.pop_back(), whole = false)
      if (found = names.find(name); found != names.end())
        break;
      else if (name.empty())
        break;
    if (found == names.end()) {
      out += text[i++];
      continue;
    }
    out += from_utf8(found->second);
    i += 1 + name.size();
  }
  return out;
}

namespace {

// Only references that end in ";", plus all-caps spellings of the usual ones ("&EACUTE;").
U32 unescape_certain(View text) {
  if (text.find(U'&') == View::npos) return U32(text);
  U32 out;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i + 1;
    if (text[i] == '&') {
      if (end < text.size() && text[end] == '#') ++end;
      const std::size_t first = end;
      while (end < text.size() && end - first < 25 && (digit(text[end]) || ascii_letter(text[end]))) ++end;
      const std::size_t n = end - first;
      if (n >= 1 && n <= 24 && end < text.size() && text[end] == ';') {
        const std::string name(text.begin() + static_cast<std::ptrdiff_t>(i) + 1,
                               text.begin() + static_cast<std::ptrdiff_t>(end) + 1);
        if (name[0] == '#') {
          U32 character;
          if (numeric_reference(text, i + 1, character) == name.size() && character != U";") {
            out += character;
            i = end + 1;
            continue;
          }
        } else {
          for (const bool upper : {false, true})
            if (const auto found = entities(upper).find(name); found != entities(upper).end()) {
              out += from_utf8(found->second);
              i = end + 1;
              break;
            }
          if (i == end + 1) continue;
        }
      }
    }
    out += text[i++];
  }
  return out;
}

// ---- Is this mis-decoded UTF-8? ----
//
// About 450 characters arise when UTF-8 is read in a single-byte encoding. Each has classes (order as in
// make_tables.py), and text is suspicious where classes meet in ways that people do not write: an accented letter
// before a currency sign, and so on.

enum : std::uint32_t {
  common = 1u << 0,
  c1 = 1u << 1,
  bad = 1u << 2,
  law = 1u << 3,
  currency = 1u << 4,
  opening = 1u << 5,
  closing = 1u << 6,
  numeric = 1u << 7,
  kaomoji = 1u << 8,
  upper = 1u << 9,
  upper_plain = 1u << 10,
  lower_ = 1u << 11,
  lower_plain = 1u << 12,
  box = 1u << 13,
  lead2 = 1u << 14,
  lead3 = 1u << 15,
  lead4 = 1u << 16,
  tail = 1u << 17,
  strict_tail = 1u << 18,
  // computed
  latin = 1u << 24,
  latin_lower = 1u << 25,
  not_latin = 1u << 26,
  space = 1u << 27,
  word = 1u << 28,
  any = 1u << 29,
};

std::uint32_t classes_of(char32_t c) {
  std::uint32_t m = 0;
  const auto* s = std::lower_bound(std::begin(tables::kSuspects), std::end(tables::kSuspects), c,
                                   [](const tables::Suspect& x, char32_t v) { return x.c < v; });
  if (s != std::end(tables::kSuspects) && s->c == c) m = s->classes;
  m |= ascii_letter(c) ? latin : not_latin;
  if (c >= 'a' && c <= 'z') m |= latin_lower;
  if (is_space(c)) m |= space;
  if (c == '_' || is_alnum(c)) m |= word;
  if (c != '\n') m |= any;
  return m;
}

struct Set {
  std::uint32_t classes;
  View others = {};
  bool has(char32_t c, std::uint32_t m) const { return (m & classes) || others.find(c) != View::npos; }
};
using Rule = std::vector<Set>;

const std::vector<Rule>& suspicious_rules() {
  constexpr std::uint32_t letters = lower_ | upper, marks = opening | closing;
  constexpr std::uint32_t strong = letters | box | marks | currency | numeric | law;
  static const Set arabic{common | currency | bad | numeric | opening, U"\u0178\u0160\u00ae\u00b0\u00b5\u00bb"};
  static const Set cyrillic{0, U"\u0412\u0413\u0420\u0421"}, greek{0, U"\u0392\u0393\u039e\u039f"},
      a_marks{0, U"\u00c3\u00c2"};
  static const std::vector<Rule> rules = {
      {{c1}},
      {{strong | bad}, {bad}},
      {{latin}, {lower_plain | upper_plain}, {bad}},
      {{bad}, {strong}},
      {{lower_ | lower_plain | box | closing | currency | numeric}, {upper}},
      {{box | closing | currency | numeric}, {lower_}},
      {{lower_ | box | closing}, {currency}},
      {{space}, {upper}, {currency}},
      {{upper | box}, {numeric | law}},
      {{letters | box | currency | closing}, {opening}, {numeric}},
      {{letters | currency | numeric | box | law}, {closing}, {opening}},
      {{currency | numeric | box}, {opening}},
      {{latin_lower}, {upper}, {opening | currency}},
      {{box}, {kaomoji}},
      {{letters | currency | numeric | marks | law}, {box}},
      {{box}, {closing}},
      {{letters}, {marks}, {word}},
      {{0, U"\u0152\u0153"}, {not_latin}},
      {{upper}, {0, U"\u00b0"}},
      {{0, U"\u00c2\u00c3\u00ce\u00d0"},
       {marks,
        U"\u20ac\u0153\u0160\u0161\u00a2\u00a3\u0178\u017e\u00a0\u00ad\u00ae\u00a9\u00b0\u00b7\u00bb\u2013\u2014"
        U"\u00b4"}},
      {{0, U"\u00d7"}, {0, U"\u00b2\u00b3"}},
      {{0, U"\u00d8\u00d9"}, arabic, {0, U"\u00d8\u00d9"}, arabic},
      {{0, U"\u00e0"}, {0, U"\u00b2\u00b5\u00b9\u00bc\u00bd\u00be"}},
      {{0, U"\u221a"}, {0, U"\u00b1\u2202\u2020\u2260\u00ae\u2122\u00b4\u2264\u2265\u00a5\u00b5\u00f8"}},
      {{0, U"\u2248"}, {0, U"\u00b0\u00a2"}},
      {{0, U"\u201a"},
       {0, U"\u00c4"},
       {0, U"\u00ec\u00ee\u00ef\u00f2\u00f4\u00fa\u00f9\u00fb\u2020\u00b0\u00a2\u03c0"}},
      {{0, U"\u201a"}, {0, U"\u00e2\u00f3"}, {0, U"\u00e0\u00e4\u00b0\u00ea"}},
      {{0, U"\u0432"}, {0, U"\u0402"}},
      {cyrillic, {c1 | bad | marks | currency, U"\u00b0\u00b5"}, cyrillic},
      {{0, U"\u0413"}, {0, U"\u045e"}, {0, U"\u0412"}, {0, U"\u0402"}, {0, U"\u0412"}, {any}, {latin, U" "}},
      {{0, U"\u00c3"}, {0, U"\u00a0\u00a1"}},
      {{latin_lower}, a_marks, {0, U" "}},
      {{latin_lower}, {space}, a_marks, {0, U" "}},
      {{latin_lower | closing, U".,?!"}, {0, U"\u00c2"}, {marks, U" "}},
      {{0, U"\u03b2"}, {0, U"\u20ac"}, {0, U"\u2122\u00a0\u0386\u00ad\u00ae\u00b0"}},
      {greek, {c1 | bad | marks | currency, U"\u00b0"}, greek},
      {{0, U"\u0101"}, {0, U"\u20ac"}},
  };
  return rules;
}

std::vector<std::uint32_t> classes_of(View text) {
  std::vector<std::uint32_t> m(text.size());
  std::transform(text.begin(), text.end(), m.begin(), [](char32_t c) { return classes_of(c); });
  return m;
}

bool suspicious(View text) {
  if (is_ascii(text)) return false;
  const auto m = classes_of(text);
  // "A~ " or "A^ " at the very beginning.
  if (text.size() >= 2 && (text[0] == 0xC3 || text[0] == 0xC2) && text[1] == ' ') return true;
  for (std::size_t i = 0; i < text.size(); ++i)
    for (const Rule& rule : suspicious_rules()) {
      if (i + rule.size() > text.size()) continue;
      std::size_t k = 0;
      while (k < rule.size() && rule[k].has(text[i + k], m[i + k])) ++k;
      if (k == rule.size()) return true;
    }
  return false;
}

// ---- Undoing a wrong decoding ----

constexpr int kEncodingCount = std::size(tables::kEncodings);
constexpr int kMacRoman = 8;
bool sloppy(int encoding) {
  return encoding >= 1 && encoding <= 6;
}  // these keep unassigned bytes, and U+FFFD as byte 1A

std::optional<std::string> encode(View text, int encoding) {
  static const auto maps = [] {
    std::array<std::unordered_map<char32_t, char>, kEncodingCount> out;
    for (int e = 0; e < kEncodingCount; ++e)
      for (int b = 0; b < 128; ++b)
        out[static_cast<std::size_t>(e)].emplace(tables::kEncodings[e][b], static_cast<char>(128 + b));
    return out;
  }();
  const auto& map = maps[static_cast<std::size_t>(encoding)];
  std::string out;
  out.reserve(text.size());
  for (const char32_t c : text) {
    if (c < 0x80) {
      if (c == 0x1A && sloppy(encoding)) return {};
      out += static_cast<char>(c);
    } else if (c == 0xFFFD && sloppy(encoding)) {
      out += '\x1A';
    } else if (const auto found = map.find(c); found != map.end()) {
      out += found->second;
    } else {
      return {};
    }
  }
  return out;
}

// Byte patterns: each set is a string of first-last pairs; alternatives are tried in order at each position.
using Bytes = std::string_view;
using BytePattern = std::vector<Bytes>;
using namespace std::string_view_literals;

std::size_t match(Bytes text, std::size_t at, const std::vector<BytePattern>& alternatives) {
  for (const auto& pattern : alternatives) {
    if (at + pattern.size() > text.size()) continue;
    const bool all = std::equal(
        pattern.begin(), pattern.end(), text.begin() + static_cast<std::ptrdiff_t>(at), [](Bytes set, char byte) {
          const auto b = static_cast<unsigned char>(byte);
          for (std::size_t i = 0; i < set.size(); i += 2)
            if (b >= static_cast<unsigned char>(set[i]) && b <= static_cast<unsigned char>(set[i + 1])) return true;
          return false;
        });
    if (all) return pattern.size();
  }
  return 0;
}

std::string replace_matches(Bytes text, const std::vector<BytePattern>& alternatives,
                            const std::function<std::string(Bytes)>& f) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (const std::size_t n = match(text, i, alternatives)) {
      out += f(text.substr(i, n));
      i += n;
    } else {
      out += text[i++];
    }
  }
  return out;
}

// UTF-8 whose byte A0 (no-break space) became an ordinary space.
std::string restore_a0(const std::string& text) {
  static constexpr Bytes sp = "  "sv, tl = "\x80\xbf"sv, but_a0 = "\x80\x84\x86\x9f\xa1\xbf"sv;
  static const std::vector<BytePattern> altered = {
      {"\xc2\xc3\xc5\xc5\xce\xce\xd0\xd0\xd9\xd9"sv, sp},
      {"\xe2\xe3"sv, sp, but_a0},
      {"\xe0\xe3"sv, but_a0, sp},
      {"\xf0\xf0"sv, sp, tl, tl},
      {"\xf0\xf0"sv, tl, sp, tl},
      {"\xf0\xf0"sv, tl, tl, sp},
  };
  bool found = false;
  for (std::size_t i = 0; i < text.size() && !found; ++i) found = match(text, i, altered) != 0;
  if (!found) return text;
  // A lone a-grave keeps the space after it, unless it begins one of a few Portuguese words.
  std::string graves;
  for (std::size_t i = 0; i < text.size(); ++i) {
    graves += text[i];
    if (text[i] != '\xc3' || i + 1 >= text.size() || text[i + 1] != ' ') continue;
    const Bytes rest = Bytes(text).substr(i + 2);
    if (rest.starts_with(' ') || rest.starts_with("quele") || rest.starts_with("quela") || rest.starts_with("quilo") ||
        rest.starts_with("s "))
      continue;
    graves += '\xa0';
  }
  return replace_matches(graves, altered, [](Bytes m) {
    std::string s(m);
    std::replace(s.begin(), s.end(), ' ', '\xa0');
    return s;
  });
}

// UTF-8 sequences in which a byte was lost (1A, or one "?") become U+FFFD.
std::string replace_lossy(const std::string& text) {
  static constexpr Bytes sub = "\x1a\x1a"sv, lost = "\x1a\x1a??"sv, kept = "\x1a\x1a\x80\xbf"sv,
                         all = "\x1a\x1a??\x80\xbf"sv;
  static constexpr Bytes ed = "\xed\xed"sv, high = "\xa0\xaf"sv, low = "\xb0\xbf"sv, three = "\xe0\xef"sv,
                         four = "\xf0\xf4"sv;
  static const std::vector<BytePattern> lossy = {
      {"\xc2\xdf"sv, sub},
      {"\xc2\xc3"sv, "??"sv},
      {ed, high, lost, ed, low, all},
      {ed, high, all, ed, low, lost},
      {three, lost, kept},
      {three, kept, lost},
      {four, lost, kept, kept},
      {four, kept, lost, kept},
      {four, kept, kept, lost},
      {sub},
  };
  return replace_matches(text, lossy, [](Bytes) { return std::string("\xef\xbf\xbd"); });
}

// UTF-8, where C0 80 stands for U+0000 and surrogate pairs may be encoded one by one (CESU-8).
std::optional<U32> decode_variants(Bytes text) {
  U32 out;
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&](std::size_t k) { return i + k < text.size() ? static_cast<unsigned char>(text[i + k]) : 0u; };
    char32_t c = 0;
    if (const int n = decode_utf8(text, i, c)) {
      out += c;
      i += static_cast<std::size_t>(n);
    } else if (byte(0) == 0xC0 && byte(1) == 0x80) {
      out += U'\0';
      i += 2;
    } else if (byte(0) == 0xED && byte(1) >> 4 == 0xA && byte(2) >> 6 == 2 && byte(3) == 0xED && byte(4) >> 4 == 0xB &&
               byte(5) >> 6 == 2) {
      out += (byte(1) & 0xF) << 16 | (byte(2) & 0x3F) << 10 | ((byte(4) & 0xF) << 6) | (byte(5) & 0x3F);
      out.back() += 0x10000;
      i += 6;
    } else {
      return {};
    }
  }
  return out;
}

U32 fix_encoding(U32 text);

// Sequences inside otherwise sound text that look like UTF-8, each repaired by itself.
U32 fix_embedded(View text) {
  const auto m = classes_of(text);
  const auto sequence = [&](std::size_t i) -> std::size_t {
    const auto tails = [&](std::size_t n) {
      if (i + n >= text.size()) return false;
      for (std::size_t k = 1; k <= n; ++k)
        if (!(m[i + k] & tail)) return false;
      return true;
    };
    if ((m[i] & lead2) && tails(1)) return 2;
    if ((m[i] & lead3) && tails(2)) return 3;
    if ((m[i] & lead4) && tails(3)) return 4;
    return 0;
  };
  U32 out;
  for (std::size_t i = 0; i < text.size();) {
    std::size_t end = i;
    if (i == 0 || !(m[i - 1] & strict_tail))
      while (end < text.size()) {
        const std::size_t n = sequence(end);
        if (!n) break;
        end += n;
      }
    if (end == i) {
      out += text[i++];
      continue;
    }
    const View part = text.substr(i, end - i);
    out += part.size() < text.size() && suspicious(part) ? fix_encoding(U32(part)) : U32(part);
    i = end;
  }
  return out;
}

bool c1_control(char32_t c) { return c >= 0x80 && c <= 0x9F; }
U32 fix_c1(U32 text) {  // as browsers do: what windows-1252 has at that byte
  for (char32_t& c : text)
    if (c1_control(c)) c = tables::kEncodings[1][c - 0x80];
  return text;
}

U32 fix_encoding_once(const U32& text) {
  if (!suspicious(text)) return text;
  for (int e = 0; e < kEncodingCount; ++e) {
    auto bytes = encode(text, e);
    if (!bytes) continue;
    if (e != kMacRoman) bytes = restore_a0(*bytes);
    if (sloppy(e)) bytes = replace_lossy(*bytes);
    if (auto fixed = decode_variants(*bytes)) return *fixed;
  }
  if (U32 fixed = fix_embedded(text); fixed != text) return fixed;
  return fix_c1(text);  // Latin-1 where windows-1252 was meant
}

U32 fix_encoding(U32 text) {
  for (int round = 0;; ++round) {
    VGEN_CHECK(round < kMaxRounds, ConfigError, "tokenizer: the text is wrongly decoded more than ", kMaxRounds,
               " times over; write it plainly");
    U32 fixed = fix_encoding_once(text);
    if (fixed == text) return text;
    text = std::move(fixed);
  }
}

// ---- Small repairs ----

U32 fix_characters(View text) {  // ligatures and digraphs of Latin letters, then widths, quotes, line breaks
  static const std::unordered_map<char32_t, View> ligatures = {
      {0x132, U"IJ"},      {0x133, U"ij"},      {0x149, U"\u02bcn"},  {0x1F1, U"DZ"},  {0x1F2, U"Dz"},  {0x1F3, U"dz"},
      {0x1C4, U"D\u017d"}, {0x1C5, U"D\u017e"}, {0x1C6, U"d\u017e"},  {0x1C7, U"LJ"},  {0x1C8, U"Lj"},  {0x1C9, U"lj"},
      {0x1CA, U"NJ"},      {0x1CB, U"Nj"},      {0x1CC, U"nj"},       {0xFB00, U"ff"}, {0xFB01, U"fi"}, {0xFB02, U"fl"},
      {0xFB03, U"ffi"},    {0xFB04, U"ffl"},    {0xFB05, U"\u017ft"}, {0xFB06, U"st"}};
  U32 out;
  out.reserve(text.size());
  const auto put = [&](char32_t c) {
    if (c == 0x2BC || (c >= 0x2018 && c <= 0x201B))
      out += '\'';
    else if (c >= 0x201C && c <= 0x201F)
      out += '"';
    else if (c == 0x2028 || c == 0x2029 || c == 0x85)
      out += '\n';
    else
      out += c;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char32_t c = text[i];
    if (c == '\r') {
      out += '\n';
      if (i + 1 < text.size() && text[i + 1] == '\n') ++i;
    } else if (c < 0x85) {
      out += c;
    } else if (const auto found = ligatures.find(c); found != ligatures.end()) {
      for (const char32_t each : found->second) put(each);
    } else if (c == 0x3000 || (c >= 0xFF01 && c < 0xFFF0)) {
      const auto* w = std::lower_bound(std::begin(tables::kWidth), std::end(tables::kWidth), c,
                                       [](const tables::Triple& x, char32_t v) { return x.a < v; });
      if (w == std::end(tables::kWidth) || w->a != c)
        put(c);
      else if (put(w->b); w->c)
        put(w->c);
    } else {
      put(c);
    }
  }
  return out;
}

U32 remove_terminal_escapes(View text) {  // ESC [ numbers letter
  U32 out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == 0x1B && i + 1 < text.size() && text[i + 1] == '[') {
      std::size_t end = i + 2;
      while (end < text.size() && (text[end] == ';' || is_decimal(text[end]))) ++end;
      if (end < text.size() && ascii_letter(text[end])) {
        i = end;
        continue;
      }
    }
    out += text[i];
  }
  return out;
}

bool unwanted(char32_t c) {
  return c < 0x09 || c == 0x0B || (c >= 0x0E && c < 0x20) || c == 0x7F || (c >= 0x206A && c < 0x2070) || c == 0xFEFF ||
         (c >= 0xFFF9 && c < 0xFFFD);
}

U32 repair_line(U32 text, bool entities_too) {
  for (int round = 0;; ++round) {
    VGEN_CHECK(round < kMaxRounds, ConfigError, "tokenizer: the text is escaped more than ", kMaxRounds,
               " times over; write it plainly");
    U32 fixed = entities_too ? unescape_certain(text) : text;
    fixed = fix_c1(fix_encoding(std::move(fixed)));
    fixed = remove_terminal_escapes(fix_characters(fixed));
    std::erase_if(fixed, unwanted);
    fixed = nfc(fixed);
    if (fixed == text) return text;
    text = std::move(fixed);
  }
}

}  // namespace

U32 repair(View text) {
  U32 out;
  bool entities_too = true;  // until a line has "<": that looks like HTML, where an entity may be meant
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = text.find(U'\n', at);
    end = end == View::npos ? text.size() : end + 1;
    const View line = text.substr(at, end - at);
    entities_too = entities_too && line.find(U'<') == View::npos;
    out += repair_line(U32(line), entities_too);
    at = end;
  }
  return out;
}

std::string clean(std::string_view text) {
  // Nearly every prompt is plain ASCII, to which only white space and lower case apply.
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 0x20 && c < 0x7F && c != '&') || c == '\t' || c == '\n' || c == '\f' || c == '\r';
  });
  std::string out;
  out.reserve(text.size());
  if (plain) {
    for (const char c : text) {
      if (c > ' ')
        out += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
      else if (!out.empty() && out.back() != ' ')
        out += ' ';
    }
    if (!out.empty() && out.back() == ' ') out.pop_back();
    return out;
  }
  const U32 fixed = unescape_html(unescape_html(repair(from_utf8(text, "tokenizer"))));
  U32 spaced;
  spaced.reserve(fixed.size());
  for (const char32_t c : fixed) {
    if (!is_space(c))
      spaced += c;
    else if (!spaced.empty() && spaced.back() != ' ')
      spaced += ' ';
  }
  if (!spaced.empty() && spaced.back() == ' ') spaced.pop_back();
  return to_utf8(lower(spaced));
}

}  // namespace vgen::text
