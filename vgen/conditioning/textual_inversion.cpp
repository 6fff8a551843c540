#include "vgen/conditioning/textual_inversion.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>

#include <algorithm>

#include "vgen/weights/state_dict.hpp"

namespace vgen::conditioning {

static std::int64_t first_token(const text::Tokenizer& tokenizer, const std::string& word, const char* what) {
  const auto ids = tokenizer.encode(word);
  VGEN_CHECK(!ids.empty(), ConfigError, "textual_inversion: ", what, " '", printable(word),
             "' has no token; choose a word");
  return ids.front();
}

TextualInversion::TextualInversion(ClipText& tower, std::vector<Placeholder> placeholders, Options options,
                                   const text::Tokenizer& tokenizer, std::optional<at::Generator> generator)
    : tower_(&tower), placeholders_(std::move(placeholders)), options_(options) {
  const at::NoGradGuard no_grad;
  const std::int64_t width = tower.options().width;
  const Tensor like = tower.named_parameters().front().second;
  vectors_.resize(placeholders_.size());  // never resized again: parameters are registered by address
  for (std::size_t i = 0; i < placeholders_.size(); ++i) {
    const Placeholder& p = placeholders_[i];
    VGEN_CHECK(p.vectors >= 1, ConfigError, "textual_inversion: '", printable(p.word), "': vectors must be >= 1, got ",
               p.vectors);
    const std::int64_t token = first_token(tokenizer, p.word, "placeholder");
    VGEN_CHECK(std::ranges::find(tokens_, token) == tokens_.end(), ConfigError, "textual_inversion: '",
               printable(p.word), "' has the token ", token, " of an earlier placeholder; choose another word");
    tokens_.push_back(token);
    Tensor initial, start;
    if (p.initial.empty()) {
      start = at::rand({p.vectors, width}, generator, at::TensorOptions(at::kFloat)).to(like.device());
    } else {
      const Tensor id = at::tensor({first_token(tokenizer, p.initial, "initial word")}, at::kLong);
      initial = tower.embed(id.unsqueeze(0).to(like.device())).view({1, width}).expand({p.vectors, width}).clone();
      start = initial.clone();
    }
    initial_.push_back(initial);
    add_parameter(str(i), vectors_[i], start);
  }
}

std::vector<LearnedWord> read_learned_words(const std::filesystem::path& path) {
  static constexpr std::string_view ids = "string_to_token.", vectors = "string_to_param.";
  const formats::TensorFile file = formats::read_tensor_file(path);
  const std::string shown = printable(path.string(), 400);
  // Ids are tensors, or plain numbers beside them.
  const Node* numbers = file.extra.find("string_to_token");
  const weights::StateDict state = weights::to_state_dict(file);
  std::vector<LearnedWord> out;
  for (const auto& [name, tensor] : state) {
    if (!name.starts_with(vectors)) continue;
    LearnedWord word{name.substr(vectors.size()), 0, tensor.detach()};
    const std::string label = "'" + printable(word.word) + "'";
    VGEN_CHECK(tensor.dim() == 2 && tensor.size(0) >= 1 && tensor.is_floating_point(), FormatError, shown,
               ": the vectors of ", label, " must be [n, width], got ", shape_string(tensor.sizes()));
    if (const Tensor* id = weights::find(state, std::string(ids) + word.word)) {
      VGEN_CHECK(id->numel() == 1 && !id->is_floating_point(), FormatError, shown, ": the token of ", label,
                 " must be one whole number");
      word.token = id->item<std::int64_t>();
    } else {
      const Node* number = numbers ? numbers->find(word.word) : nullptr;
      VGEN_CHECK(number, FormatError, shown, ": no token for ", label, " (string_to_token)");
      word.token = number->as_int();
    }
    out.push_back(std::move(word));
  }
  VGEN_CHECK(!out.empty(), FormatError, shown,
             ": no learned words: expected string_to_token and string_to_param, found ",
             state.empty() ? std::string("no tensors") : "'" + printable(state[0].first) + "'");
  return out;
}

void TextualInversion::load(const std::vector<LearnedWord>& words) {
  std::vector<std::size_t> places;
  for (const LearnedWord& word : words) {
    const auto found = std::ranges::find(placeholders_, word.word, &Placeholder::word);
    VGEN_CHECK(found != placeholders_.end(), ConfigError, "textual_inversion: '", printable(word.word),
               "' is no placeholder here");
    const std::size_t i = places.emplace_back(found - placeholders_.begin());
    VGEN_CHECK(tokens_[i] == word.token, ConfigError, "textual_inversion: '", printable(word.word), "' has the token ",
               tokens_[i], ", the file says ", word.token, "; it was learned with another tokenizer");
    expect_shape(word.vectors, "textual_inversion", word.word.c_str(), {vectors_[i].size(0), vectors_[i].size(1)});
  }
  const at::NoGradGuard no_grad;
  for (std::size_t k = 0; k < words.size(); ++k) vectors_[places[k]].copy_(words[k].vectors);
}

TextualInversion::Replaced TextualInversion::replace(const Tensor& given) {
  Tensor ids = given.to(at::kLong), embedded = tower_->embed(given);
  const std::int64_t length = ids.size(1);
  for (std::size_t i = 0; i < placeholders_.size(); ++i) {
    const Tensor here = ids == tokens_[i];
    if (placeholders_[i].vectors == 1) {
      embedded = at::where(here.unsqueeze(-1), vectors_[i], embedded);
      continue;
    }
    std::int64_t used = placeholders_[i].vectors;
    if (options_.progressive) used = std::min<std::int64_t>(used, 1 + ++options_.calls / 2000);
    const Tensor vectors = vectors_[i].narrow(0, 0, used), copies = at::full({used}, tokens_[i], ids.options());
    std::vector<Tensor> id_rows, rows;
    const Tensor marks = here.to(at::kCPU).contiguous();
    for (std::int64_t row = 0; row < ids.size(0); ++row) {
      const bool* mark = marks.data_ptr<bool>() + row * length;
      std::vector<Tensor> id_parts, parts;
      std::int64_t from = 0;
      const auto copy_to = [&](std::int64_t end) {
        if (end == from) return;
        id_parts.push_back(ids[row].slice(0, from, end));
        parts.push_back(embedded[row].slice(0, from, end));
      };
      for (std::int64_t at = 0; at < length; ++at) {
        if (!mark[at]) continue;
        copy_to(at);
        id_parts.push_back(copies);
        parts.push_back(vectors);
        from = at + 1;
      }
      copy_to(length);
      id_rows.push_back(at::cat(id_parts).slice(0, 0, length));
      rows.push_back(at::cat(parts).slice(0, 0, length));
    }
    if (rows.empty()) continue;
    ids = at::stack(id_rows);
    embedded = at::stack(rows);
  }
  return {ids, embedded};
}

ClipTextOutput TextualInversion::forward(const Tensor& ids, ClipLayer layer) {
  const Replaced now = replace(ids);
  return tower_->forward_embedded(now.embedded, now.ids, layer);
}

Tensor TextualInversion::norms_squared() const { return at::cat(vectors_).square().sum(-1); }

Tensor TextualInversion::coarse_loss() const {
  Tensor total;
  int count = 0;
  for (std::size_t i = 0; i < vectors_.size(); ++i) {
    if (!initial_[i].defined()) continue;
    const Tensor d = vectors_[i] - initial_[i], products = at::matmul(d, d.t());
    VGEN_CHECK(!total.defined() || total.size(0) == products.size(0), ConfigError,
               "textual_inversion: coarse_loss needs placeholders of equally many vectors");
    total = total.defined() ? total + products : products;
    ++count;
  }
  VGEN_CHECK(count, ConfigError, "textual_inversion: coarse_loss needs a placeholder with an initial word");
  return total / count;
}

}  // namespace vgen::conditioning
