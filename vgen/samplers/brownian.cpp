#include "vgen/samplers/brownian.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/zeros.h>

#include <array>
#include <charconv>
#include <cmath>
#include <memory>

namespace vgen::samplers {

namespace {

// Hash functions of the SeedSequence algorithm; the constants are part of it.
constexpr std::uint32_t kInitA = 0x43b0d7e5u, kMultA = 0x931e8875u, kInitB = 0x8b51f9ddu, kMultB = 0x58f38dedu;
constexpr std::uint32_t kMixLeft = 0xca01f9ddu, kMixRight = 0x4973f715u;

struct Hash {
  std::uint32_t constant = kInitA;
  std::uint32_t operator()(std::uint32_t value) {
    value ^= constant;
    constant *= kMultA;
    value *= constant;
    return value ^ value >> 16;
  }
};
std::uint32_t mix(std::uint32_t x, std::uint32_t y) {
  const std::uint32_t r = kMixLeft * x - kMixRight * y;
  return r ^ r >> 16;
}
// Little-endian 32-bit words, one for zero.
void append_words(std::vector<std::uint32_t>& out, std::uint64_t value) {
  do out.push_back(static_cast<std::uint32_t>(value));
  while (value >>= 32);
}

// To 6 decimals of the exact binary value: midpoints end in 5 there, and t * 1e6 would round some of them first.
double six_decimals(double t) {
  std::array<char, 512> text;
  const auto written = std::to_chars(text.data(), text.data() + text.size(), t, std::chars_format::fixed, 6);
  std::from_chars(text.data(), written.ptr, t);
  return t;
}

}  // namespace

std::uint32_t seed_sequence_word(std::uint64_t entropy, std::span<const std::uint64_t> spawn_key, int pool_size) {
  std::vector<std::uint32_t> words;
  append_words(words, entropy);
  if (!spawn_key.empty()) {
    words.resize(std::max<std::size_t>(words.size(), pool_size), 0);
    for (const std::uint64_t key : spawn_key) append_words(words, key);
  }
  const std::size_t n = pool_size;
  std::vector<std::uint32_t> pool(n);
  Hash hash;
  for (std::size_t i = 0; i < n; ++i) pool[i] = hash(i < words.size() ? words[i] : 0);
  for (std::size_t from = 0; from < n; ++from)
    for (std::size_t to = 0; to < n; ++to)
      if (from != to) pool[to] = mix(pool[to], hash(pool[from]));
  for (std::size_t from = n; from < words.size(); ++from)
    for (std::uint32_t& p : pool) p = mix(p, hash(words[from]));
  std::uint32_t word = pool[0] ^ kInitB;
  word *= kInitB * kMultB;
  return word ^ word >> 16;
}

BrownianTree::BrownianTree(std::uint64_t entropy, at::IntArrayRef shape, double low, double high)
    : entropy_(entropy), shape_(shape.vec()), low_(low), high_(high) {
  if (std::isfinite(low)) low_ = six_decimals(low);
  if (std::isfinite(high)) high_ = six_decimals(high);
  VGEN_CHECK(std::isfinite(low_) && std::isfinite(high_) && low_ >= 0 && low_ < high_, ConfigError,
             "Brownian tree: needs 0 <= low < high, got ", low, " and ", high);
  whole_ = std::sqrt(high_ - low_) * normal({});
}

Tensor BrownianTree::normal(std::span<const std::uint64_t> spawn_key) const {
  return randn(shape_, make_generator(seed_sequence_word(entropy_, spawn_key, 24)));
}

Tensor BrownianTree::at(double time) const {
  const double t = std::isfinite(time) ? six_decimals(time) : time;
  VGEN_CHECK(t >= low_ && t <= high_, ConfigError, "Brownian tree: time ", time, " is outside [", low_, ", ", high_,
             "]");
  Tensor sum = at::zeros(shape_, at::kFloat), here = whole_;
  double a = low_, b = high_;
  std::uint64_t key = 0, depth = 0;
  while (t != a) {
    if (t == b) return sum + here;
    const double m = six_decimals((a + b) / 2);
    if (m <= a || m >= b) break;
    const std::uint64_t node[] = {key, depth};
    const Tensor left = here * ((m - a) / (b - a)) + std::sqrt((m - a) * (b - m) / (b - a)) * normal(node);
    ++depth;
    key *= 2;
    if (t < m) {
      here = left;
      b = m;
    } else {
      sum = sum + left;
      here = here - left;
      a = m;
      ++key;
    }
  }
  return sum;
}

Tensor BrownianTree::increment(double from, double to) const {
  return (at(to) - at(from)) / std::sqrt(std::abs(from - to));
}

std::uint64_t draw_entropy(at::Generator generator) {
  return static_cast<std::uint64_t>(at::randint(0, (std::int64_t(1) << 62) - 1 + (std::int64_t(1) << 62), {}, generator,
                                                at::TensorOptions().dtype(at::kLong))
                                        .item<std::int64_t>());
}

IntervalNoise brownian_noise(std::uint64_t entropy, double smallest, double largest) {
  auto tree = std::make_shared<std::unique_ptr<BrownianTree>>();
  // the end of one step is the start of the next: its W is kept
  auto last = std::make_shared<std::pair<double, Tensor>>();
  return [=](const Tensor& like, double from, double to) {
    if (!*tree) *tree = std::make_unique<BrownianTree>(entropy, like.sizes(), smallest, largest);
    const Tensor start = last->second.defined() && last->first == from ? last->second : (*tree)->at(from),
                 end = (*tree)->at(to);
    *last = {to, end};
    return ((end - start) / std::sqrt(std::abs(from - to))).to(like.device(), like.scalar_type());
  };
}

IntervalNoise independent_noise(NoiseSource source) {
  return [source = std::move(source)](const Tensor& like, double, double) { return source(like); };
}

}  // namespace vgen::samplers
