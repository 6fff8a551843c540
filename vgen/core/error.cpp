#include "vgen/core/error.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <utility>
#include <vector>

namespace vgen {
namespace detail {
void append(std::string& out, std::string_view piece) { out.append(piece); }
template <class T>
static void append_number(std::string& out, T value) {
  std::array<char, 40> buffer;
  auto [end, ec] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  out.append(buffer.data(), ec == std::errc() ? end : buffer.data());
}
void append(std::string& out, long long value) { append_number(out, value); }
void append(std::string& out, unsigned long long value) { append_number(out, value); }
void append(std::string& out, double value) { append_number(out, value); }
}  // namespace detail

namespace {
// Length of the valid UTF-8 sequence at `p`, 0 if there is none. `code` gets the code point.
int utf8_length(const unsigned char* p, std::size_t left, std::uint32_t& code) {
  if (p[0] < 0x80) return code = p[0], 1;
  const int n = p[0] >= 0xF0 && p[0] < 0xF5 ? 4 : p[0] >= 0xE0 && p[0] < 0xF0 ? 3 : p[0] >= 0xC2 && p[0] < 0xE0 ? 2 : 0;
  if (n == 0 || static_cast<std::size_t>(n) > left) return 0;
  code = p[0] & (0x7F >> n);
  for (int i = 1; i < n; ++i) {
    if ((p[i] & 0xC0) != 0x80) return 0;
    code = code << 6 | (p[i] & 0x3F);
  }
  const bool overlong = (n == 3 && code < 0x800) || (n == 4 && code < 0x10000);
  return overlong || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000) ? 0 : n;
}
bool unsafe_to_print(std::uint32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x061C || (c >= 0x200B && c <= 0x200F) ||
         (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF;
}
}  // namespace

std::string printable(std::string_view text, std::size_t limit) {
  static constexpr char hex[] = "0123456789abcdef";
  std::string out;
  std::size_t i = 0;
  while (i < text.size() && out.size() < limit) {
    std::uint32_t code = 0;
    const auto* p = reinterpret_cast<const unsigned char*>(text.data()) + i;
    const int n = utf8_length(p, text.size() - i, code);
    if (n > 0 && !unsafe_to_print(code)) {
      out.append(text.substr(i, n));
      i += n;
    } else {
      const int bytes = std::max(n, 1);
      for (int k = 0; k < bytes; ++k) out.append("\\x").append({hex[p[k] >> 4], hex[p[k] & 15]});
      i += bytes;
    }
  }
  if (i < text.size()) out.append("...");
  return out;
}

std::string nearest(std::string_view given, const std::string* first, std::size_t count) {
  std::string best;
  std::size_t best_distance = given.size() <= 3 ? 2 : std::max<std::size_t>(2, given.size() / 3) + 1;
  for (std::size_t k = 0; k < count; ++k) {
    const std::string& other = first[k];
    if (given.size() >= 3 && other.starts_with(given)) return other;  // "out" of "output"
    // Optimal string alignment: two letters that changed places are one mistake.
    std::vector<std::size_t> before, last, row(other.size() + 1);
    for (std::size_t j = 0; j <= other.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= given.size(); ++i) {
      before = std::exchange(last, row);
      row[0] = i;
      for (std::size_t j = 1; j <= other.size(); ++j) {
        row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (given[i - 1] != other[j - 1])});
        if (i > 1 && j > 1 && given[i - 1] == other[j - 2] && given[i - 2] == other[j - 1])
          row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    if (row.back() < best_distance) best_distance = row.back(), best = other;
  }
  return best;
}

}  // namespace vgen
