// The Mersenne Twister (Matsumoto and Nishimura 1998) as Python's `random` and numpy's RandomState seed it and read it:
// the generators that the reference draws clip starts, masks and thresholds from.
#pragma once
#include <array>
#include <bit>
#include <cstdint>

#include "vgen/core/error.hpp"

namespace vgen {

class MersenneTwister {
 public:
  // numpy.random.seed(seed) and numpy.random.RandomState(seed).
  static MersenneTwister numpy(std::uint32_t seed) {
    MersenneTwister m;
    m.fill(seed);
    return m;
  }
  // random.seed(seed).
  static MersenneTwister python(std::uint64_t seed) {
    MersenneTwister m;
    const std::array<std::uint32_t, 2> key{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)};
    const std::size_t keys = key[1] ? 2 : 1;
    m.fill(19650218);
    std::size_t i = 1;
    const auto step = [&](std::uint32_t factor) {
      const std::uint32_t before = m.state_[i - 1];
      const std::uint32_t mixed = m.state_[i] ^ ((before ^ before >> 30) * factor);
      return mixed;
    };
    const auto next = [&] {
      if (++i < size) return;
      m.state_[0] = m.state_[size - 1];
      i = 1;
    };
    for (std::size_t k = 0; k < size; ++k, next())
      m.state_[i] = step(1664525) + key[k % keys] + static_cast<std::uint32_t>(k % keys);
    for (std::size_t k = 1; k < size; ++k, next()) m.state_[i] = step(1566083941) - static_cast<std::uint32_t>(i);
    m.state_[0] = 0x80000000u;
    return m;
  }

  std::uint32_t bits() {
    if (at_ == size) twist();
    std::uint32_t y = state_[at_++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9d2c5680u;
    y ^= y << 15 & 0xefc60000u;
    return y ^ y >> 18;
  }
  // [0, 1) with 53 bits: random.random(), numpy.random.random_sample().
  double uniform() {
    const double high = bits() >> 5, low = bits() >> 6;
    return (high * 67108864.0 + low) / 9007199254740992.0;
  }
  // numpy.random.uniform(low, high).
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  // numpy.random.randint(low, high): high is excluded. ConfigError if there is no such number.
  std::int64_t integer(std::int64_t low, std::int64_t high) {
    VGEN_CHECK(low < high && high - low <= std::int64_t(1) << 32, ConfigError, "random: no integer in [", low, ", ",
               high, ")");
    const auto range = static_cast<std::uint32_t>(high - low - 1);
    if (range == 0) return low;
    std::uint32_t mask = range;
    for (const int shift : {1, 2, 4, 8, 16}) mask |= mask >> shift;
    for (;;)
      if (const std::uint32_t value = bits() & mask; value <= range) return low + value;
  }
  // random.randint(low, high) of Python: high is included; fewer than 2^32 numbers.
  std::int64_t between(std::int64_t low, std::int64_t high) {
    VGEN_CHECK(low <= high && high - low < (std::int64_t(1) << 32) - 1, ConfigError, "random: no integer in [", low,
               ", ", high, "]");
    const auto count = static_cast<std::uint32_t>(high - low + 1);
    const int unused = std::countl_zero(count);
    for (;;)
      if (const std::uint32_t value = bits() >> unused; value < count) return low + value;
  }

 private:
  static constexpr std::size_t size = 624, middle = 397;

  MersenneTwister() = default;
  void fill(std::uint32_t seed) {
    state_[0] = seed;
    for (std::uint32_t i = 1; i < size; ++i) state_[i] = 1812433253u * (state_[i - 1] ^ state_[i - 1] >> 30) + i;
    at_ = size;
  }
  void twist() {
    for (std::size_t i = 0; i < size; ++i) {
      const std::uint32_t y = (state_[i] & 0x80000000u) | (state_[(i + 1) % size] & 0x7fffffffu);
      state_[i] = state_[(i + middle) % size] ^ y >> 1 ^ (y & 1 ? 0x9908b0dfu : 0u);
    }
    at_ = 0;
  }

  std::array<std::uint32_t, size> state_{};
  std::size_t at_ = size;
};

}  // namespace vgen
