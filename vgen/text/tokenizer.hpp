// CLIP's tokenizer: byte-level BPE over cleaned, lower-case text (Radford et al. 2021, section 2.4; Sennrich et al.
// 2016). Gives the ids of open_clip's SimpleTokenizer. Stateless after construction, so one object serves all threads.
//
//   const auto& t = text::Tokenizer::clip();
//   auto tokens = t.tokenize({"a green frog"});    // tokens.ids [1 * 77]: 49406, 320, 1901, 11438, 49407, 0, ...
#pragma once
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vgen/core/error.hpp"

namespace vgen::text {

struct Tokens {
  std::vector<std::int32_t> ids;      // [n, context_length], row by row, padded with 0
  std::vector<std::int32_t> lengths;  // [n] ids used, start and end included
  std::vector<std::vector<std::string>>
      dropped_words;  // [n] cleaned words that did not fit, wholly or in part; empty if all did
  int context_length = 0;
};

class VGEN_API Tokenizer {
 public:
  static constexpr std::size_t kMaxBytes = 1'000'000;  // of one text

  // The tokenizer of CLIP, open_clip and Stable Diffusion, from the vocabulary inside the library. Built once, in about
  // a millisecond.
  static const Tokenizer& clip();
  // From a text file with one merge "a b" a line (merges.txt of transformers, or the unpacked vocabulary of open_clip);
  // a first line that is a header is skipped and at most `max_merges` are used. IoError; FormatError with the line.
  static Tokenizer from_merges(const std::filesystem::path& path, std::size_t max_merges = 48'894);
  // From pairs of ids: 0..255 the bytes in vocabulary order, 256..511 the same at a word's end, 512 + i what pair i
  // makes.
  explicit Tokenizer(std::vector<std::pair<std::uint16_t, std::uint16_t>> merges);

  // Ids of a text without start and end, not cut. ConfigError: not UTF-8, or longer than kMaxBytes.
  std::vector<std::int32_t> encode(std::string_view text) const;
  // Rows of `context_length` ids: start, text, end, zeros. A longer text is cut and its last id is the end.
  Tokens tokenize(std::span<const std::string> texts, int context_length = 77) const;
  Tokens tokenize(std::initializer_list<std::string> texts, int context_length = 77) const {
    return tokenize(std::span<const std::string>(texts.begin(), texts.size()), context_length);
  }
  // The text of ids: a space after each word, U+FFFD for bytes that are no UTF-8. ConfigError for an id outside the
  // vocabulary.
  std::string decode(std::span<const std::int32_t> ids) const;

  // What each id is called in transformers' vocab.json, by id: bytes as printable characters, "</w>" at a word's end.
  std::vector<std::string> spellings() const;
  const std::vector<std::pair<std::uint16_t, std::uint16_t>>& merges() const { return merges_; }

  std::int32_t start_id() const { return static_cast<std::int32_t>(512 + merges_.size()); }
  std::int32_t end_id() const { return start_id() + 1; }
  std::int32_t vocab_size() const { return start_id() + 2; }

 private:
  struct Slot {
    std::uint32_t pair, rank;
  };
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;
  std::uint32_t rank(std::uint32_t a, std::uint32_t b) const;  // kNone if a and b do not merge
  void merge_few(std::uint16_t* ids, std::size_t n, std::vector<std::int32_t>& out) const;
  void merge_many(std::string_view piece, std::vector<std::int32_t>& out) const;
  void encode_piece(std::string_view piece, std::vector<std::int32_t>& out) const;
  // `starts`, if given: for each id, where its piece begins in the cleaned text.
  void encode_cleaned(std::string_view cleaned, std::vector<std::int32_t>& ids,
                      std::vector<std::uint32_t>* starts) const;
  std::string cleaned(std::string_view text) const;

  std::vector<std::pair<std::uint16_t, std::uint16_t>> merges_;
  std::vector<Slot> table_;  // open addressing, a power of two
};

}  // namespace vgen::text
