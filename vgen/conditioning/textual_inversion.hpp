// Textual inversion: learned vectors in place of the embedding of a placeholder word (Gal et al. 2022, "An Image is
// Worth One Word").
//
//   TextualInversion inversion(tower, {{.word = "*", .initial = "dog", .vectors = 3}}, {});
//   auto out = inversion.forward(ids);                            // as tower.forward, with the vectors in place
#pragma once
#include <ATen/core/Generator.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "vgen/conditioning/clip_text.hpp"

namespace vgen::conditioning {

struct Placeholder {
  std::string word;          // e.g. "*"; only its first token counts
  std::string initial = {};  // the vector of its first token is the start value; empty = uniform in [0, 1)
  int vectors = 1;
};

// A learned placeholder as files keep it.
struct LearnedWord {
  std::string word;
  std::int64_t token = 0;
  Tensor vectors;  // [n, width]
};
// Reads the .pth of an embedding manager ({"string_to_token": {word: id}, "string_to_param": ParameterDict}; also the
// .bin and .pt of other textual-inversion trainers with these two fields) without executing anything. FormatError
// naming what is missing.
VGEN_API std::vector<LearnedWord> read_learned_words(const std::filesystem::path& path);

class VGEN_API TextualInversion : public nn::Module {
 public:
  struct Options {
    bool progressive =
        false;  // use only the first 1 + calls / 2000 vectors, counting one call a placeholder and replacement
    std::int64_t calls = 0;  // made before
  };
  // Refers to the tower, whose vectors give the start values and which must outlive it. ConfigError: a word without a
  // token, two words with the same first token, vectors < 1. `generator` draws start values where `initial` is empty;
  // none = torch's own.
  TextualInversion(ClipText& tower, std::vector<Placeholder> placeholders, Options options,
                   const text::Tokenizer& tokenizer = text::Tokenizer::clip(),
                   std::optional<at::Generator> generator = {});

  // Takes over learned vectors, all or nothing. ConfigError: a word that is no placeholder here, another token, or
  // another number or width of vectors.
  void load(const std::vector<LearnedWord>& words);

  struct Replaced {
    Tensor ids, embedded;
  };  // [n, L], [n, L, width]
  // One vector overwrites the embedding wherever the placeholder's token stands. Several vectors take as many
  // positions, so that the rest of the row moves right and what leaves the window falls off, the end token too. The ids
  // given are not changed.
  Replaced replace(const Tensor& ids);
  ClipTextOutput forward(const Tensor& ids, ClipLayer layer);

  std::size_t size() const { return placeholders_.size(); }
  std::int64_t token(std::size_t i) const { return tokens_[i]; }      // the id that is replaced
  Tensor& vectors(std::size_t i) { return vectors_[i]; }              // [vectors, width], the parameter named "i"
  const Tensor& initial(std::size_t i) const { return initial_[i]; }  // start values; undefined if they were drawn
  std::int64_t calls() const { return options_.calls; }

  // Squared length of every vector, all placeholders one after the other.
  Tensor norms_squared() const;
  // D D^T / k with D = vectors - initial, summed over the k placeholders that have an initial word: [vectors, vectors].
  // Its trace keeps the vectors near their start. ConfigError if those have different numbers of vectors, or there is
  // none.
  Tensor coarse_loss() const;

 private:
  ClipText* tower_;
  std::vector<Placeholder> placeholders_;
  Options options_;
  std::vector<std::int64_t> tokens_;
  std::vector<Tensor> vectors_, initial_;
};

}  // namespace vgen::conditioning
