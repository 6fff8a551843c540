#include "vgen/formats/crc32.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstring>
#include <thread>
#include <vector>

namespace vgen::formats::detail {
namespace {

constexpr std::uint32_t polynomial = 0xEDB88320;  // bit-reversed, as zip has it
static_assert(std::endian::native == std::endian::little);

// table[k][b]: the effect of byte b that k further bytes follow. Sixteen bytes are then sixteen independent look-ups.
constexpr auto table = [] {
  std::array<std::array<std::uint32_t, 256>, 16> t{};
  for (std::uint32_t b = 0; b < 256; ++b) {
    std::uint32_t c = b;
    for (int i = 0; i < 8; ++i) c = c & 1 ? polynomial ^ c >> 1 : c >> 1;
    t[0][b] = c;
  }
  for (std::size_t k = 1; k < 16; ++k)
    for (std::size_t b = 0; b < 256; ++b) t[k][b] = t[0][t[k - 1][b] & 0xFF] ^ t[k - 1][b] >> 8;
  return t;
}();

std::uint32_t serial(std::span<const std::byte> bytes) {
  std::uint32_t c = 0xFFFFFFFF;
  const auto* p = reinterpret_cast<const std::uint8_t*>(bytes.data());
  std::size_t n = bytes.size();
  for (; n >= 16; n -= 16, p += 16) {
    std::uint32_t w[4];
    std::memcpy(w, p, 16);
    w[0] ^= c;
    c = 0;
    for (int i = 0; i < 4; ++i)
      for (int j = 0; j < 4; ++j) c ^= table[15 - 4 * i - j][w[i] >> (8 * j) & 0xFF];
  }
  for (; n > 0; --n, ++p) c = table[0][(c ^ *p) & 0xFF] ^ c >> 8;
  return ~c;
}

// a * b modulo the polynomial; bit 31 is x^0.
std::uint32_t multiply(std::uint32_t a, std::uint32_t b) {
  std::uint32_t product = 0;
  for (std::uint32_t bit = 0x80000000; bit; bit >>= 1) {
    if (a & bit) product ^= b;
    b = b & 1 ? polynomial ^ b >> 1 : b >> 1;
  }
  return product;
}
// CRC of AB from those of A and B: crc(A) * x^(8 |B|) + crc(B).
std::uint32_t join(std::uint32_t a, std::uint32_t b, std::size_t bytes_of_b) {
  std::uint32_t power = 0x80000000, square = 0x00800000;  // x^0, x^8
  for (; bytes_of_b; bytes_of_b >>= 1, square = multiply(square, square))
    if (bytes_of_b & 1) power = multiply(power, square);
  return multiply(power, a) ^ b;
}

}  // namespace

std::uint32_t crc32(std::span<const std::byte> bytes) {
  constexpr std::size_t piece = std::size_t(8) << 20;
  const std::size_t pieces = (bytes.size() + piece - 1) / piece;
  const std::size_t threads = std::min<std::size_t>({std::max(1u, std::thread::hardware_concurrency()), 8, pieces});
  if (threads <= 1) return serial(bytes);
  std::vector<std::uint32_t> parts(pieces);
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i; (i = next++) < pieces;)
      parts[i] = serial(bytes.subspan(i * piece, std::min(piece, bytes.size() - i * piece)));
  };
  {
    std::vector<std::jthread> helpers;
    for (std::size_t i = 1; i < threads; ++i) helpers.emplace_back(work);
    work();
  }
  std::uint32_t c = parts[0];
  for (std::size_t i = 1; i < pieces; ++i) c = join(c, parts[i], std::min(piece, bytes.size() - i * piece));
  return c;
}

}  // namespace vgen::formats::detail
