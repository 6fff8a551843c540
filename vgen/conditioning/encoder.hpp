// Encoder: turns prompts into tensors that a network is conditioned on. The seam for a user's own text encoder: derive,
// return words.
#pragma once
#include <span>
#include <string>
#include <vector>

#include "vgen/tensor/tensor.hpp"

namespace vgen::conditioning {

struct TextEmbedding {
  Tensor words;                                         // [n, L, D], one vector a token: the context of cross-attention
  Tensor pooled;                                        // [n, E], one vector a text; undefined if the encoder has none
  std::vector<std::vector<std::string>> dropped_words;  // [n] words that did not fit into the window; may be empty
};

class VGEN_API Encoder {
 public:
  virtual ~Encoder() = default;
  // Gradients flow to the encoder's parameters where they require them.
  virtual TextEmbedding encode(std::span<const std::string> texts) = 0;
};

}  // namespace vgen::conditioning
