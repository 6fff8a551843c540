// Reads the attributes of the shapes world back out of a caption's token vectors: one linear layer an attribute on
// their mean.
#pragma once
#include <span>

#include "vgen/data/shapes_world.hpp"
#include "vgen/nn/layers.hpp"

namespace vgen::train {

class VGEN_API CaptionReader : public nn::Module {
 public:
  explicit CaptionReader(std::int64_t width);  // channels of a token

  // Values of an attribute by the order of its enum, one column for each of ShapesAttributes::fields(): int64 [n, 6].
  static Tensor labels(std::span<const data::ShapesAttributes> attributes);

  // words [n, L, width] -> scores, one [n, values] for each column of `labels`.
  std::vector<Tensor> forward(const Tensor& words);

  // Cross-entropy of the scores, summed over the attributes, mean over the captions.
  Tensor loss(const Tensor& words, const Tensor& labels);

 private:
  nn::ModuleList<nn::Linear> heads_;
};

}  // namespace vgen::train
