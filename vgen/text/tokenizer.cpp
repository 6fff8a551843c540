#include "vgen/text/tokenizer.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <queue>
#include <unordered_map>

#include "vgen/core/atomic_file.hpp"
#include "vgen/text/clean.hpp"
#include "vgen/text/clip_merges.hpp"
#include "vgen/text/unicode.hpp"

namespace vgen::text {
namespace {

// Order of the 256 bytes in the vocabulary: those with a printable Latin-1 character first, then the rest.
struct ByteOrder {
  std::array<std::uint16_t, 256> id{};
  std::array<unsigned char, 256> byte{};
  constexpr ByteOrder() {
    std::uint16_t next = 0;
    const auto printable = [](int b) { return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174; };
    for (const bool pass : {true, false})
      for (int b = 0; b < 256; ++b)
        if (printable(b) == pass) {
          id[static_cast<std::size_t>(b)] = next;
          byte[next++] = static_cast<unsigned char>(b);
        }
  }
};
constexpr ByteOrder kBytes;
constexpr std::size_t kFew = 64;  // bytes of a piece up to which the quadratic merge is used
constexpr std::string_view kStart = "<start_of_text>", kEnd = "<end_of_text>";

std::uint32_t mix(std::uint32_t pair) { return (pair * 0x9E3779B1u) ^ (pair >> 15); }

// Length of what ignores case at text[at] as `word` does: the text is lower case already, but the long s also counts as
// s.
std::size_t same(std::string_view text, std::size_t at, std::string_view word) {
  std::size_t i = at;
  for (const char c : word) {
    if (i < text.size() && text[i] == c)
      ++i;
    else if (c == 's' && text.substr(i, 2) == "\xC5\xBF")
      i += 2;
    else
      return 0;
  }
  return i - at;
}

Piece piece_at(std::string_view text, std::size_t at, std::size_t& length) {
  const auto b = static_cast<unsigned char>(text[at]);
  if (b < 0x80) {
    length = 1;
    if (b >= 'a' && b <= 'z') return Piece::letter;
    if (b > ' ' && b < 0x7F)
      return b >= '0' && b <= '9' ? Piece::number : b >= 'A' && b <= 'Z' ? Piece::letter : Piece::other;
    return piece_of(b);
  }
  char32_t c = 0;
  length = static_cast<std::size_t>(decode_utf8(text, at, c));
  return piece_of(c);
}

// End of the piece that begins at text[at]; kind none: the character is skipped. The alternatives of CLIP's pattern in
// their order: the two markers, English contractions, letters, one number, a run of anything else that is not white
// space.
std::size_t next_piece(std::string_view text, std::size_t at, Piece& kind) {
  std::size_t n = 0;
  kind = piece_at(text, at, n);
  if (text[at] == '<') {
    for (const auto marker : {kStart, kEnd})
      if (const auto m = same(text, at, marker)) return at + m;
  } else if (text[at] == '\'') {
    for (const std::string_view ending : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"})
      if (const auto m = same(text, at, ending)) return at + m;
  }
  std::size_t end = at + n;
  if (kind == Piece::letter || kind == Piece::other)
    while (end < text.size() && piece_at(text, end, n) == kind) end += n;
  return end;
}

// Bytes that one U+FFFD stands for: the longest beginning of a sequence that could have become valid (Unicode, 3.9, as
// Python does).
std::size_t broken_utf8(std::string_view bytes, std::size_t at) {
  const auto byte = [&](std::size_t i) { return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0u; };
  const unsigned lead = byte(at), second = byte(at + 1);
  const std::size_t want = lead >= 0xC2 && lead < 0xE0   ? 2
                           : lead >= 0xE0 && lead < 0xF0 ? 3
                           : lead >= 0xF0 && lead < 0xF5 ? 4
                                                         : 1;
  if (want == 1 || (second & 0xC0) != 0x80) return 1;
  if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) || (lead == 0xF0 && second < 0x90) ||
      (lead == 0xF4 && second > 0x8F))
    return 1;
  std::size_t n = 2;
  while (n < want && (byte(at + n) & 0xC0) == 0x80) ++n;
  return n;
}

}  // namespace

Tokenizer::Tokenizer(std::vector<std::pair<std::uint16_t, std::uint16_t>> merges) : merges_(std::move(merges)) {
  VGEN_CHECK(merges_.size() <= 65'536 - 514, FormatError, "tokenizer: at most 65022 merges, got ", merges_.size());
  table_.assign(std::bit_ceil(2 * merges_.size() + 2), {kNone, kNone});
  const std::size_t mask = table_.size() - 1;
  for (std::uint32_t i = 0; i < merges_.size(); ++i) {
    const auto [a, b] = merges_[i];
    VGEN_CHECK(a < 512 + i && b < 512 + i, FormatError, "tokenizer: merge ", i,
               " uses an id that no earlier merge makes");
    const std::uint32_t pair = std::uint32_t(a) << 16 | b;
    std::size_t slot = mix(pair) & mask;
    while (table_[slot].pair != kNone && table_[slot].pair != pair) slot = (slot + 1) & mask;
    VGEN_CHECK(table_[slot].pair == kNone, FormatError, "tokenizer: merge ", i, " repeats an earlier one");
    table_[slot] = {pair, i};
  }
}

const Tokenizer& Tokenizer::clip() {
  static const Tokenizer tokenizer([] {
    const auto data = clip_merges();
    std::vector<std::pair<std::uint16_t, std::uint16_t>> merges(data.size() / 4);
    for (std::size_t i = 0; i < merges.size(); ++i)
      merges[i] = {static_cast<std::uint16_t>(data[4 * i] | data[4 * i + 1] << 8),
                   static_cast<std::uint16_t>(data[4 * i + 2] | data[4 * i + 3] << 8)};
    return merges;
  }());
  return tokenizer;
}

// Symbols as the files spell them: bytes as printable characters, those without one as U+0100 and on.
static std::string byte_symbol(std::uint16_t i) {
  std::string symbol;
  append_utf8(symbol, i < 188 ? char32_t(kBytes.byte[i]) : char32_t(256 + i - 188));
  return symbol;
}

std::vector<std::string> Tokenizer::spellings() const {
  std::vector<std::string> out;
  out.reserve(static_cast<std::size_t>(vocab_size()));
  for (std::uint16_t i = 0; i < 256; ++i) out.push_back(byte_symbol(i));
  for (std::uint16_t i = 0; i < 256; ++i) out.push_back(out[i] + "</w>");
  for (const auto& [a, b] : merges_) out.push_back(out[a] + out[b]);
  out.emplace_back("<|startoftext|>");
  out.emplace_back("<|endoftext|>");
  return out;
}

Tokenizer Tokenizer::from_merges(const std::filesystem::path& path, std::size_t max_merges) {
  const std::string bytes = read_file(path, std::size_t(64) << 20);
  const auto fail = [&](std::size_t line, const std::string& what) {
    throw FormatError(str("tokenizer: ", path.string(), ":", line, ": ", what));
  };
  std::unordered_map<std::string, std::uint16_t> ids;
  for (std::uint16_t i = 0; i < 256; ++i) {
    std::string symbol = byte_symbol(i);
    ids.emplace(symbol + "</w>", static_cast<std::uint16_t>(256 + i));
    ids.emplace(std::move(symbol), i);
  }
  std::vector<std::pair<std::uint16_t, std::uint16_t>> merges;
  std::size_t line = 0;
  for (std::size_t at = 0; at < bytes.size() && merges.size() < max_merges;) {
    std::size_t end = bytes.find('\n', at);
    if (end == std::string::npos) end = bytes.size();
    std::string_view text = std::string_view(bytes).substr(at, end - at);
    at = end + 1;
    ++line;
    if (text.ends_with('\r')) text.remove_suffix(1);
    if (text.empty() || (line == 1 && (text.starts_with("#version") || text.starts_with("\"bpe_")))) continue;
    const std::size_t space = text.find(' ');
    if (space == std::string_view::npos || text.find(' ', space + 1) != std::string_view::npos)
      fail(line, str("expected 'a b', got '", printable(text, 60), "'"));
    const std::string a(text.substr(0, space)), b(text.substr(space + 1));
    const auto left = ids.find(a), right = ids.find(b);
    if (left == ids.end() || right == ids.end())
      fail(line, str("'", printable(left == ids.end() ? a : b, 60), "' is made by no earlier line"));
    if (merges.size() >= 65'536 - 514) fail(line, "more than 65022 merges");
    merges.emplace_back(left->second, right->second);
    if (!ids.emplace(a + b, static_cast<std::uint16_t>(511 + merges.size())).second)
      fail(line, str("'", printable(a + b, 60), "' is made twice"));
  }
  VGEN_CHECK(!merges.empty(), FormatError, "tokenizer: ", path.string(), ": expected lines 'a b', found none");
  return Tokenizer(std::move(merges));
}

std::uint32_t Tokenizer::rank(std::uint32_t a, std::uint32_t b) const {
  const std::uint32_t pair = a << 16 | b;
  const std::size_t mask = table_.size() - 1;
  for (std::size_t slot = mix(pair) & mask;; slot = (slot + 1) & mask) {
    if (table_[slot].pair == pair) return table_[slot].rank;
    if (table_[slot].pair == kNone) return kNone;
  }
}

// Merges the pair of lowest rank, leftmost first, until none is left. What a merge makes takes part only in later
// ranks, so doing one place at a time equals merging all places of a pair at once. Quadratic, and the fastest for
// words.
void Tokenizer::merge_few(std::uint16_t* ids, std::size_t n, std::vector<std::int32_t>& out) const {
  std::uint32_t ranks[kFew];
  for (std::size_t i = 0; i + 1 < n; ++i) ranks[i] = rank(ids[i], ids[i + 1]);
  while (n > 1) {
    const auto* best = std::min_element(ranks, ranks + n - 1);
    if (*best == kNone) break;
    const auto i = static_cast<std::size_t>(best - ranks);
    ids[i] = static_cast<std::uint16_t>(512 + *best);
    std::copy(ids + i + 2, ids + n, ids + i + 1);
    std::copy(ranks + i + 1, ranks + n - 1, ranks + i);
    --n;
    if (i > 0) ranks[i - 1] = rank(ids[i - 1], ids[i]);
    if (i + 1 < n) ranks[i] = rank(ids[i], ids[i + 1]);
  }
  out.insert(out.end(), ids, ids + n);
}

// The same with a heap, n log n: for very long runs without a space.
void Tokenizer::merge_many(std::string_view piece, std::vector<std::int32_t>& out) const {
  struct Symbol {
    std::uint32_t id;
    std::int64_t previous, next;
  };
  const auto n = static_cast<std::int64_t>(piece.size());
  std::vector<Symbol> s(piece.size());
  for (std::int64_t i = 0; i < n; ++i)
    s[static_cast<std::size_t>(i)] = {kBytes.id[static_cast<unsigned char>(piece[static_cast<std::size_t>(i)])], i - 1,
                                      i + 1 < n ? i + 1 : -1};
  s.back().id += 256;
  struct Candidate {
    std::uint32_t rank;
    std::int64_t at;
    std::uint32_t a, b;
  };
  const auto later = [](const Candidate& x, const Candidate& y) {
    return std::pair(x.rank, x.at) > std::pair(y.rank, y.at);
  };
  std::priority_queue<Candidate, std::vector<Candidate>, decltype(later)> queue(later);
  const auto offer = [&](std::int64_t at) {
    if (at < 0) return;
    const Symbol& left = s[static_cast<std::size_t>(at)];
    if (left.next < 0) return;
    const std::uint32_t b = s[static_cast<std::size_t>(left.next)].id, r = rank(left.id, b);
    if (r != kNone) queue.push({r, at, left.id, b});
  };
  for (std::int64_t i = 0; i < n; ++i) offer(i);
  while (!queue.empty()) {
    const Candidate c = queue.top();
    queue.pop();
    Symbol& left = s[static_cast<std::size_t>(c.at)];
    if (left.id != c.a || left.next < 0 || s[static_cast<std::size_t>(left.next)].id != c.b)
      continue;  // merged meanwhile
    Symbol& right = s[static_cast<std::size_t>(left.next)];
    left.id = 512 + c.rank;
    right.id = kNone;
    left.next = right.next;
    if (left.next >= 0) s[static_cast<std::size_t>(left.next)].previous = c.at;
    offer(left.previous);
    offer(c.at);
  }
  for (std::int64_t i = 0; i >= 0; i = s[static_cast<std::size_t>(i)].next)
    out.push_back(static_cast<std::int32_t>(s[static_cast<std::size_t>(i)].id));
}

void Tokenizer::encode_piece(std::string_view piece, std::vector<std::int32_t>& out) const {
  if (piece == kStart) return out.push_back(start_id());
  if (piece == kEnd) return out.push_back(end_id());
  if (piece.size() > kFew) return merge_many(piece, out);
  std::uint16_t ids[kFew];
  for (std::size_t i = 0; i < piece.size(); ++i) ids[i] = kBytes.id[static_cast<unsigned char>(piece[i])];
  ids[piece.size() - 1] = static_cast<std::uint16_t>(ids[piece.size() - 1] + 256);
  merge_few(ids, piece.size(), out);
}

void Tokenizer::encode_cleaned(std::string_view cleaned, std::vector<std::int32_t>& ids,
                               std::vector<std::uint32_t>* starts) const {
  for (std::size_t at = 0; at < cleaned.size();) {
    Piece kind;
    const std::size_t end = next_piece(cleaned, at, kind);
    if (kind != Piece::none) {
      encode_piece(cleaned.substr(at, end - at), ids);
      if (starts) starts->resize(ids.size(), static_cast<std::uint32_t>(at));
    }
    at = end;
  }
}

std::string Tokenizer::cleaned(std::string_view text) const {
  VGEN_CHECK(text.size() <= kMaxBytes, ConfigError, "tokenizer: expected at most ", kMaxBytes, " bytes of text, got ",
             text.size(), "; shorten it");
  return clean(text);
}

std::vector<std::int32_t> Tokenizer::encode(std::string_view text) const {
  std::vector<std::int32_t> ids;
  encode_cleaned(cleaned(text), ids, nullptr);
  return ids;
}

Tokens Tokenizer::tokenize(std::span<const std::string> texts, int context_length) const {
  VGEN_CHECK(context_length >= 2, ConfigError, "tokenizer: context_length must be >= 2 (start and end), got ",
             context_length);
  const auto row = static_cast<std::size_t>(context_length);
  Tokens out;
  out.context_length = context_length;
  out.ids.assign(texts.size() * row, 0);
  out.dropped_words.resize(texts.size());
  std::vector<std::int32_t> ids;
  std::vector<std::uint32_t> starts;
  for (std::size_t t = 0; t < texts.size(); ++t) {
    const std::string text = cleaned(texts[t]);
    ids.clear();
    starts.clear();
    encode_cleaned(text, ids, &starts);
    const std::size_t kept = std::min(ids.size(), row - 2);
    std::int32_t* to = out.ids.data() + t * row;
    to[0] = start_id();
    std::copy_n(ids.begin(), kept, to + 1);
    to[kept + 1] = end_id();
    out.lengths.push_back(static_cast<std::int32_t>(kept + 2));
    if (kept == ids.size()) continue;
    // From the word that holds the first id left out.
    const std::size_t space = starts[kept] ? text.rfind(' ', starts[kept] - 1) : std::string::npos;
    for (std::size_t at = space == std::string::npos ? 0 : space + 1; at < text.size();) {
      const std::size_t end = std::min(text.find(' ', at), text.size());
      out.dropped_words[t].push_back(text.substr(at, end - at));
      at = end + 1;
    }
  }
  return out;
}

std::string Tokenizer::decode(std::span<const std::int32_t> ids) const {
  std::string bytes;
  std::vector<std::uint32_t> open;
  for (const std::int32_t id : ids) {
    VGEN_CHECK(id >= 0 && id < vocab_size(), ConfigError, "tokenizer: expected ids in [0, ", vocab_size() - 1,
               "], got ", id);
    if (id >= start_id()) {
      bytes += id == start_id() ? kStart : kEnd;
      continue;
    }
    open.assign(1, static_cast<std::uint32_t>(id));
    while (!open.empty()) {
      const std::uint32_t each = open.back();
      open.pop_back();
      if (each >= 512) {
        open.push_back(merges_[each - 512].second);
        open.push_back(merges_[each - 512].first);
      } else {
        bytes += static_cast<char>(kBytes.byte[each % 256]);
        if (each >= 256) bytes += ' ';
      }
    }
  }
  std::string out;
  for (std::size_t i = 0; i < bytes.size();) {
    char32_t c = 0;
    if (const int n = decode_utf8(bytes, i, c)) {
      out.append(bytes, i, static_cast<std::size_t>(n));
      i += static_cast<std::size_t>(n);
    } else {
      out += "\xEF\xBF\xBD";
      i += broken_utf8(bytes, i);
    }
  }
  return out;
}

}  // namespace vgen::text
