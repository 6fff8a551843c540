#include "vgen/video/deflate.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <queue>
#include <utility>
#include <vector>

#include "vgen/core/error.hpp"

namespace vgen::video {
namespace {

constexpr int window = 32768, min_match = 3, max_match = 258, max_chain = 48, good_match = 66;
constexpr int block_tokens = 1 << 15;
constexpr int fast_bits = 10;

// RFC 1951, 3.2.5: length codes 257..285, distance codes 0..29; base and number of extra bits.
constexpr std::array<std::uint16_t, 29> length_base{3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                                    31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
constexpr std::array<std::uint8_t, 29> length_extra{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                                    2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
constexpr std::array<std::uint16_t, 30> distance_base{1,    2,    3,    4,    5,    7,    9,    13,    17,    25,
                                                      33,   49,   65,   97,   129,  193,  257,  385,   513,   769,
                                                      1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
constexpr std::array<std::uint8_t, 30> distance_extra{0, 0, 0, 0, 1, 1, 2, 2,  3,  3,  4,  4,  5,  5,  6,
                                                      6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13};
constexpr std::array<std::uint8_t, 19> code_order{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};

int length_code(int length) {
  return int(std::upper_bound(length_base.begin(), length_base.end(), length) - length_base.begin()) - 1;
}
int distance_code(int distance) {
  return int(std::upper_bound(distance_base.begin(), distance_base.end(), distance) - distance_base.begin()) - 1;
}

struct Token {
  std::uint16_t value, distance;  // distance 0: `value` is a byte; else a match of that length
};

struct BitWriter {
  std::string& out;
  std::uint64_t hold = 0;
  int count = 0;
  void put(std::uint32_t bits, int n) {
    hold |= std::uint64_t(bits) << count;
    for (count += n; count >= 8; count -= 8, hold >>= 8) out.push_back(char(hold & 255));
  }
  void align() {
    if (count > 0) out.push_back(char(hold & 255));
    hold = 0, count = 0;
  }
};

// Huffman code lengths, none above `limit`: frequencies are flattened until the tree is shallow enough. At least two
// symbols get a code, since readers reject incomplete codes.
std::vector<std::uint8_t> code_lengths(std::vector<std::uint32_t> freq, int limit) {
  for (std::size_t i = 0, used = std::size_t(std::count_if(freq.begin(), freq.end(), [](auto f) { return f > 0; }));
       used < 2; ++i)
    if (freq[i] == 0) freq[i] = 1, ++used;
  std::vector<std::uint8_t> lengths(freq.size());
  for (;;) {
    using Item = std::pair<std::uint64_t, int>;
    std::priority_queue<Item, std::vector<Item>, std::greater<>> heap;
    std::vector<int> parent(2 * freq.size(), -1);
    for (std::size_t i = 0; i < freq.size(); ++i)
      if (freq[i]) heap.emplace(freq[i], int(i));
    int next = int(freq.size());
    while (heap.size() > 1) {
      const Item a = heap.top();
      heap.pop();
      const Item b = heap.top();
      heap.pop();
      parent[std::size_t(a.second)] = parent[std::size_t(b.second)] = next;
      heap.emplace(a.first + b.first, next++);
    }
    int deepest = 0;
    for (std::size_t i = 0; i < freq.size(); ++i) {
      int depth = 0;
      if (freq[i])
        for (int p = parent[i]; p >= 0; p = parent[std::size_t(p)]) ++depth;
      lengths[i] = std::uint8_t(depth);
      deepest = std::max(deepest, depth);
    }
    if (deepest <= limit) return lengths;
    for (auto& f : freq)
      if (f) f = f / 2 + 1;
  }
}

// Canonical codes with their bits reversed, ready to be put out from the low end.
std::vector<std::uint16_t> canonical_codes(const std::vector<std::uint8_t>& lengths) {
  std::array<int, 16> count{}, next{};
  for (auto l : lengths) ++count[l];
  count[0] = 0;
  for (std::size_t bits = 1, code = 0; bits < 16; ++bits)
    next[bits] = int(code = (code + std::size_t(count[bits - 1])) << 1);
  std::vector<std::uint16_t> codes(lengths.size());
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    const int n = lengths[i];
    if (!n) continue;
    int code = next[std::size_t(n)]++, reversed = 0;
    for (int b = 0; b < n; ++b) reversed = reversed << 1 | ((code >> b) & 1);
    codes[i] = std::uint16_t(reversed);
  }
  return codes;
}

void put_stored(BitWriter& bits, std::string_view raw, bool last) {
  do {
    const std::size_t n = std::min<std::size_t>(raw.size(), 65535);
    const bool final_block = last && n == raw.size();
    bits.put(final_block, 1), bits.put(0, 2), bits.align();
    bits.put(std::uint32_t(n), 16), bits.put(std::uint32_t(~n & 0xffff), 16);
    bits.out.append(raw.substr(0, n));
    raw.remove_prefix(n);
  } while (!raw.empty());
}

void put_block(BitWriter& bits, const std::vector<Token>& tokens, std::string_view raw, bool last) {
  std::vector<std::uint32_t> lit_freq(286), dist_freq(30);
  lit_freq[256] = 1;
  for (const Token& t : tokens)
    if (t.distance == 0)
      ++lit_freq[t.value];
    else
      ++lit_freq[std::size_t(257 + length_code(t.value))], ++dist_freq[std::size_t(distance_code(t.distance))];
  auto lit = code_lengths(lit_freq, 15), dist = code_lengths(dist_freq, 15);
  while (lit.size() > 257 && lit.back() == 0) lit.pop_back();
  while (dist.size() > 1 && dist.back() == 0) dist.pop_back();

  // The two length tables as one run-length coded row (RFC 1951, 3.2.7).
  std::vector<std::uint8_t> row = lit;
  row.insert(row.end(), dist.begin(), dist.end());
  std::vector<std::pair<int, int>> runs;  // symbol, value of its extra bits
  for (std::size_t i = 0; i < row.size();) {
    std::size_t n = 1;
    while (i + n < row.size() && row[i + n] == row[i]) ++n;
    const std::size_t end = i + n;
    if (row[i] == 0) {
      while (end - i >= 3) {
        const std::size_t take = std::min<std::size_t>(end - i, 138);
        runs.emplace_back(take < 11 ? 17 : 18, int(take < 11 ? take - 3 : take - 11));
        i += take;
      }
    } else {
      runs.emplace_back(row[i++], 0);
      while (end - i >= 3) {
        const std::size_t take = std::min<std::size_t>(end - i, 6);
        runs.emplace_back(16, int(take - 3));
        i += take;
      }
    }
    for (; i < end; ++i) runs.emplace_back(row[i], 0);
  }
  std::vector<std::uint32_t> run_freq(19);
  for (auto [symbol, extra] : runs) ++run_freq[std::size_t(symbol)];
  const auto run_lengths = code_lengths(run_freq, 7);
  std::size_t used = 19;
  while (used > 4 && run_lengths[code_order[used - 1]] == 0) --used;

  const auto run_extra = [](int symbol) { return symbol == 16 ? 2 : symbol == 17 ? 3 : symbol == 18 ? 7 : 0; };
  std::uint64_t cost = 3 + 14 + 3 * used;
  for (auto [symbol, extra] : runs) cost += std::uint64_t(run_lengths[std::size_t(symbol)] + run_extra(symbol));
  for (std::size_t i = 0; i < lit.size(); ++i)
    cost += std::uint64_t(lit_freq[i]) * (lit[i] + (i > 256 ? length_extra[i - 257] : 0));
  for (std::size_t i = 0; i < dist.size(); ++i) cost += std::uint64_t(dist_freq[i]) * (dist[i] + distance_extra[i]);
  if (cost > 8 * raw.size() + 48 * (raw.size() / 65535 + 1)) return put_stored(bits, raw, last);

  bits.put(last, 1), bits.put(2, 2);
  bits.put(std::uint32_t(lit.size() - 257), 5), bits.put(std::uint32_t(dist.size() - 1), 5),
      bits.put(std::uint32_t(used - 4), 4);
  for (std::size_t i = 0; i < used; ++i) bits.put(run_lengths[code_order[i]], 3);
  const auto run_codes = canonical_codes(run_lengths), lit_codes = canonical_codes(lit),
             dist_codes = canonical_codes(dist);
  for (auto [symbol, extra] : runs) {
    bits.put(run_codes[std::size_t(symbol)], run_lengths[std::size_t(symbol)]);
    bits.put(std::uint32_t(extra), run_extra(symbol));
  }
  for (const Token& t : tokens) {
    if (t.distance == 0) {
      bits.put(lit_codes[t.value], lit[t.value]);
      continue;
    }
    const auto l = std::size_t(length_code(t.value)), d = std::size_t(distance_code(t.distance));
    bits.put(lit_codes[257 + l], lit[257 + l]), bits.put(std::uint32_t(t.value - length_base[l]), length_extra[l]);
    bits.put(dist_codes[d], dist[d]), bits.put(std::uint32_t(t.distance - distance_base[d]), distance_extra[d]);
  }
  bits.put(lit_codes[256], lit[256]);
}

// ---- reading ----
struct BitReader {
  std::string_view in;
  std::size_t at = 0;
  std::uint64_t hold = 0;
  int count = 0;
  void fill(int n) {
    while (count < n) {
      if (at < in.size())
        hold |= std::uint64_t(static_cast<unsigned char>(in[at])) << count;
      else
        VGEN_CHECK(at < in.size() + 8, MediaError, "png: compressed data ends early");
      ++at, count += 8;
    }
  }
  std::uint32_t get(int n) {
    fill(n);
    const auto v = std::uint32_t(hold & ((std::uint64_t(1) << n) - 1));
    drop(n);
    return v;
  }
  void drop(int n) { hold >>= n, count -= n; }
  void align() { drop(count & 7); }
};

// Canonical Huffman decoder: codes of up to `fast_bits` by table, longer ones by counting (RFC 1951, 3.2.2).
class Decoder {
 public:
  Decoder(const std::uint8_t* lengths, std::size_t n, bool may_be_incomplete) : symbols_(n) {
    for (std::size_t i = 0; i < n; ++i) ++count_[lengths[i]];
    count_[0] = 0;
    int left = 1;
    for (std::size_t b = 1; b < 16; ++b) {
      left = left * 2 - count_[b];
      VGEN_CHECK(left >= 0, MediaError, "png: over-subscribed Huffman code");
    }
    VGEN_CHECK(left == 0 || may_be_incomplete, MediaError, "png: incomplete Huffman code");
    std::array<int, 16> offset{}, code{};
    for (std::size_t b = 1; b < 15; ++b)
      offset[b + 1] = offset[b] + count_[b], code[b + 1] = (code[b] + count_[b]) << 1;
    for (std::size_t i = 0; i < n; ++i) {
      const int len = lengths[i];
      if (!len) continue;
      symbols_[std::size_t(offset[std::size_t(len)]++)] = std::uint16_t(i);
      const int c = code[std::size_t(len)]++;
      if (len > fast_bits) continue;
      int reversed = 0;
      for (int b = 0; b < len; ++b) reversed = reversed << 1 | ((c >> b) & 1);
      for (int k = reversed; k < 1 << fast_bits; k += 1 << len)
        fast_[std::size_t(k)] = std::uint16_t(i << 4 | std::size_t(len));
    }
  }
  int operator()(BitReader& bits) const {
    bits.fill(15);
    if (const auto hit = fast_[bits.hold & ((1 << fast_bits) - 1)]) {
      bits.drop(hit & 15);
      return hit >> 4;
    }
    int code = 0, first = 0, index = 0;
    for (int len = 1; len < 16; ++len) {
      code |= int((bits.hold >> (len - 1)) & 1);
      const int n = count_[std::size_t(len)];
      if (code - first < n) {
        bits.drop(len);
        return symbols_[std::size_t(index + code - first)];
      }
      index += n, first = (first + n) << 1, code <<= 1;
    }
    throw MediaError("png: invalid Huffman code");
  }

 private:
  std::array<int, 16> count_{};
  std::array<std::uint16_t, 1 << fast_bits> fast_{};
  std::vector<std::uint16_t> symbols_;
};

void read_codes(BitReader& bits, const Decoder& lit, const Decoder& dist, std::string& out, std::size_t size) {
  for (;;) {
    const int symbol = lit(bits);
    if (symbol == 256) return;
    if (symbol < 256) {
      VGEN_CHECK(out.size() < size, MediaError, "png: more data than the image has pixels");
      out.push_back(char(symbol));
      continue;
    }
    VGEN_CHECK(symbol <= 285, MediaError, "png: invalid length code");
    const auto l = std::size_t(symbol - 257);
    const std::size_t length = length_base[l] + bits.get(length_extra[l]);
    const auto d = std::size_t(dist(bits));
    VGEN_CHECK(d < 30, MediaError, "png: invalid distance code");
    const std::size_t distance = distance_base[d] + bits.get(distance_extra[d]);
    VGEN_CHECK(distance <= out.size(), MediaError, "png: distance before the start of the data");
    VGEN_CHECK(out.size() + length <= size, MediaError, "png: more data than the image has pixels");
    for (std::size_t i = 0, from = out.size() - distance; i < length; ++i) out.push_back(out[from + i]);  // may overlap
  }
}

}  // namespace

std::uint32_t crc32(std::string_view bytes, std::uint32_t seed) {
  static const auto table = [] {
    std::array<std::uint32_t, 256> t{};
    for (std::uint32_t n = 0; n < 256; ++n) {
      std::uint32_t c = n;
      for (int k = 0; k < 8; ++k) c = c & 1 ? 0xedb88320u ^ c >> 1 : c >> 1;
      t[n] = c;
    }
    return t;
  }();
  std::uint32_t c = ~seed;
  for (unsigned char b : bytes) c = table[(c ^ b) & 255] ^ c >> 8;
  return ~c;
}

std::uint32_t adler32(std::string_view bytes) {
  std::uint32_t a = 1, b = 0;
  for (std::size_t i = 0; i < bytes.size();) {
    for (const std::size_t end = std::min(bytes.size(), i + 5552); i < end; ++i)
      a += static_cast<unsigned char>(bytes[i]), b += a;
    a %= 65521, b %= 65521;  // 5552 bytes cannot overflow 32 bits
  }
  return b << 16 | a;
}

std::string zlib_compress(std::string_view in) {
  std::string out("\x78\x9c", 2);
  BitWriter bits{out};
  const auto* p = reinterpret_cast<const unsigned char*>(in.data());
  const std::size_t n = in.size();
  std::vector<std::int64_t> head(1 << 15, -1);
  std::vector<std::int64_t> previous(window, -1);
  const auto hash = [&](std::size_t i) {
    return (std::uint32_t(p[i] | p[i + 1] << 8 | p[i + 2] << 16) * 2654435761u) >> 17;
  };
  const auto insert = [&](std::size_t i) {
    if (i + min_match > n) return;
    const auto h = hash(i);
    previous[i % window] = head[h];
    head[h] = std::int64_t(i);
  };
  const auto longest = [&](std::size_t i, int better_than) -> std::pair<int, int> {
    if (i + min_match > n) return {0, 0};
    const int limit = int(std::min<std::size_t>(max_match, n - i));
    int best = better_than, distance = 0;
    std::int64_t at = head[hash(i)];
    for (int chain = max_chain; at >= 0 && std::int64_t(i) - at < window && chain > 0 && best < limit; --chain) {
      const auto* q = p + at;
      if (q[best] == p[i + std::size_t(best)]) {
        int len = 0;
        while (len < limit && q[len] == p[i + std::size_t(len)]) ++len;
        if (len > best) best = len, distance = int(std::int64_t(i) - at);
      }
      const std::int64_t older = previous[std::size_t(at) % window];
      if (older >= at) break;  // the slot was reused by a newer position
      at = older;
    }
    return distance ? std::pair{best, distance} : std::pair{0, 0};
  };

  std::vector<Token> tokens;
  tokens.reserve(block_tokens);
  std::size_t start = 0;
  for (std::size_t i = 0; i < n;) {
    auto [length, distance] = longest(i, min_match - 1);
    insert(i);
    if (length && length < good_match && i + 1 < n && longest(i + 1, length).first)
      length = 0;  // lazy: the next one is longer
    if (length) {
      tokens.push_back({std::uint16_t(length), std::uint16_t(distance)});
      for (int k = 1; k < length; ++k) insert(i + std::size_t(k));
      i += std::size_t(length);
    } else {
      tokens.push_back({p[i], 0});
      ++i;
    }
    if (tokens.size() == block_tokens && i < n) {
      put_block(bits, tokens, in.substr(start, i - start), false);
      tokens.clear();
      start = i;
    }
  }
  put_block(bits, tokens, in.substr(start), true);
  bits.align();
  const std::uint32_t sum = adler32(in);
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(char(sum >> shift & 255));
  return out;
}

std::string zlib_decompress(std::string_view in, std::size_t size) {
  VGEN_CHECK(in.size() >= 2 && (in[0] & 15) == 8 &&
                 (static_cast<unsigned char>(in[0]) * 256 + static_cast<unsigned char>(in[1])) % 31 == 0 &&
                 !(in[1] & 32),
             MediaError, "png: no zlib stream");
  std::string out;
  out.reserve(std::min<std::size_t>(size, in.size() * 1032 + 64));  // deflate expands 1032-fold at most
  BitReader bits{in, 2};
  for (bool last = false; !last;) {
    last = bits.get(1);
    const auto type = bits.get(2);
    if (type == 0) {
      bits.align();
      const auto n = bits.get(16);
      VGEN_CHECK((bits.get(16) ^ n) == 0xffff, MediaError, "png: damaged stored block");
      VGEN_CHECK(out.size() + n <= size, MediaError, "png: more data than the image has pixels");
      for (std::uint32_t k = 0; k < n; ++k) out.push_back(char(bits.get(8)));
    } else if (type == 1) {
      static const auto fixed = [] {
        std::array<std::uint8_t, 320> l{};
        for (std::size_t i = 0; i < 288; ++i) l[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
        for (std::size_t i = 288; i < 320; ++i) l[i] = 5;
        return l;
      }();
      static const Decoder lit(fixed.data(), 288, false), dist(fixed.data() + 288, 32, false);
      read_codes(bits, lit, dist, out, size);
    } else {
      VGEN_CHECK(type == 2, MediaError, "png: unknown block type");
      const std::size_t lits = bits.get(5) + 257, dists = bits.get(5) + 1, used = bits.get(4) + 4;
      VGEN_CHECK(lits <= 286 && dists <= 30, MediaError, "png: too many Huffman codes");
      std::array<std::uint8_t, 19> run_lengths{};
      for (std::size_t i = 0; i < used; ++i) run_lengths[code_order[i]] = std::uint8_t(bits.get(3));
      const Decoder runs(run_lengths.data(), 19, false);
      std::array<std::uint8_t, 320> row{};
      for (std::size_t i = 0; i < lits + dists;) {
        const int symbol = runs(bits);
        if (symbol < 16) {
          row[i++] = std::uint8_t(symbol);
          continue;
        }
        VGEN_CHECK(symbol != 16 || i > 0, MediaError, "png: repeat without a code length");
        const std::uint8_t value = symbol == 16 ? row[i - 1] : 0;
        std::size_t n = symbol == 16 ? 3 + bits.get(2) : symbol == 17 ? 3 + bits.get(3) : 11 + bits.get(7);
        VGEN_CHECK(i + n <= lits + dists, MediaError, "png: too many code lengths");
        while (n--) row[i++] = value;
      }
      VGEN_CHECK(row[256], MediaError, "png: block has no end code");
      read_codes(bits, Decoder(row.data(), lits, false), Decoder(row.data() + lits, dists, true), out, size);
    }
  }
  bits.align();
  std::uint32_t sum = 0;
  for (int k = 0; k < 4; ++k) sum = sum << 8 | bits.get(8);
  VGEN_CHECK(bits.at - std::size_t(bits.count / 8) <= in.size(), MediaError, "png: compressed data ends early");
  VGEN_CHECK(out.size() == size, MediaError, "png: data for ", static_cast<unsigned long>(out.size()), " of ",
             static_cast<unsigned long>(size), " bytes");
  VGEN_CHECK(sum == adler32(out), MediaError, "png: checksum of the pixels is wrong");
  return out;
}

}  // namespace vgen::video
