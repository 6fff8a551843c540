// Brownian noise for SDE samplers: a path W over sigma that a seed fixes, whatever steps are asked of it (Li et al.
// 2020, "Scalable Gradients for SDEs"). Gives the noise of torchsde 0.2.6's BrownianTree, which k-diffusion and VGen
// use, so that equal seeds give equal videos.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <vector>

#include "vgen/tensor/random.hpp"

namespace vgen::samplers {

// Unit-variance noise for the step from one sigma (sigma / alpha) down to another.
using IntervalNoise = std::function<Tensor(const Tensor& like, double from, double to)>;

// First word that numpy's SeedSequence(entropy, spawn_key=..., pool_size=...) generates (O'Neill 2015).
VGEN_API std::uint32_t seed_sequence_word(std::uint64_t entropy, std::span<const std::uint64_t> spawn_key,
                                          int pool_size);

class VGEN_API BrownianTree {
 public:
  // A path over [low, high] (rounded to 6 decimals) of tensors of this shape, float32 on the CPU. ConfigError unless 0
  // <= low < high, finite.
  BrownianTree(std::uint64_t entropy, at::IntArrayRef shape, double low, double high);
  Tensor at(double time) const;                    // W(time) - W(low)
  Tensor increment(double from, double to) const;  // (W(to) - W(from)) / sqrt(|from - to|)

 private:
  Tensor normal(std::span<const std::uint64_t> spawn_key) const;
  std::uint64_t entropy_;
  std::vector<std::int64_t> shape_;
  double low_, high_;
  Tensor whole_;
};

// What torch.randint(0, 2**63 - 1, []) draws: the entropy that torchsde takes from a generator.
VGEN_API std::uint64_t draw_entropy(at::Generator generator);

// Interval noise from a tree over [smallest, largest]; the shape is that of the first `like`.
VGEN_API IntervalNoise brownian_noise(std::uint64_t entropy, double smallest, double largest);
// Independent draws. Equal in distribution for samplers whose intervals do not overlap.
VGEN_API IntervalNoise independent_noise(NoiseSource source);

}  // namespace vgen::samplers
