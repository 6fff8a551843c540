#include "vgen/conditioning/clip_text.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/index.h>
#include <ATen/ops/matmul.h>

#include <algorithm>
#include <cmath>

namespace vgen::conditioning {
namespace {

ClipTextOptions checked(const ClipTextOptions& options) {
  validate(options);
  return options;
}
int int_at(const Node& node, std::string_view key) { return static_cast<int>(node.at(key).as_int()); }
int int_at(const Node& node, std::string_view key, int otherwise) {
  return node.find(key) ? int_at(node, key) : otherwise;
}

}  // namespace

void validate(const ClipTextOptions& o) {
  check_transformer("clip_text", o.layers, o.width, o.heads, o.mlp);
  VGEN_CHECK(o.context_length >= 2, ConfigError, "clip_text: context_length must be >= 2 (start and end), got ",
             o.context_length);
  VGEN_CHECK(o.vocab >= 1, ConfigError, "clip_text: vocab must be >= 1, got ", o.vocab);
  VGEN_CHECK(o.embed >= 0, ConfigError, "clip_text: embed must be >= 0, got ", o.embed);
  VGEN_CHECK(o.layer == ClipLayer::last || o.layers >= 2, ConfigError,
             "clip_text: layer 'penultimate' needs at least 2 layers, got ", o.layers);
}

ClipTextOptions ClipTextOptions::from_open_clip(const Node& c) {
  const Node& t = c.at("text_cfg");
  ClipTextOptions o;
  o.width = int_at(t, "width");
  o.heads = int_at(t, "heads");
  o.layers = int_at(t, "layers");
  o.mlp = static_cast<int>((t.find("mlp_ratio") ? t.at("mlp_ratio").as_double() : 4.0) * o.width);
  o.context_length = int_at(t, "context_length", 77);
  o.vocab = int_at(t, "vocab_size", 49408);
  o.embed = int_at(c, "embed_dim");
  if (const Node* q = c.find("quick_gelu")) o.quick_gelu = q->as_bool();
  if (const Node* all = t.find("no_causal_mask"))
    VGEN_CHECK(!all->as_bool(), UnsupportedError,
               "clip_text: text_cfg: no_causal_mask true is not built in; tokens see earlier ones only");
  if (const Node* pool = t.find("pool_type"))
    VGEN_CHECK(pool->as_string() == "argmax", UnsupportedError, "clip_text: text_cfg: pool_type must be argmax, got ",
               printable(pool->as_string()));
  expect_no_layer_scale(t, "clip_text: text_cfg");
  validate(o);
  return o;
}

ClipTextOptions ClipTextOptions::from_transformers(const Node& c) {
  ClipTextOptions o;
  o.width = int_at(c, "hidden_size");
  o.heads = int_at(c, "num_attention_heads");
  o.layers = int_at(c, "num_hidden_layers");
  o.mlp = int_at(c, "intermediate_size");
  o.context_length = int_at(c, "max_position_embeddings", 77);
  o.vocab = int_at(c, "vocab_size", 49408);
  o.embed = 0;
  o.layer = ClipLayer::last;
  const std::string act = c.find("hidden_act") ? c.at("hidden_act").as_string() : "quick_gelu";
  VGEN_CHECK(act == "gelu" || act == "quick_gelu", UnsupportedError,
             "clip_text: config.json: hidden_act must be gelu or quick_gelu, got ", printable(act));
  o.quick_gelu = act == "quick_gelu";
  if (const Node* eps = c.find("layer_norm_eps"))
    VGEN_CHECK(std::abs(eps->as_double() - 1e-5) < 1e-12, UnsupportedError,
               "clip_text: config.json: layer_norm_eps must be 1e-5, got ", eps->as_double());
  validate(o);
  return o;
}

std::vector<KeyPair> open_clip_keys(const ClipTextOptions& o) {
  validate(o);
  const std::int64_t w = o.width;
  std::vector<KeyPair> out{{"token_embedding", "token_embedding.weight", {o.vocab, w}},
                           {"positions", "positional_embedding", {o.context_length, w}}};
  add_open_clip_block_keys(out, "", o.layers, w, o.mlp);
  out.push_back({"norm.weight", "ln_final.weight", {w}});
  out.push_back({"norm.bias", "ln_final.bias", {w}});
  if (o.embed) out.push_back({"projection", "text_projection", {w, o.embed}});
  return out;
}

std::vector<KeyPair> transformers_keys(const ClipTextOptions& o) {
  validate(o);
  const std::int64_t w = o.width;
  std::vector<KeyPair> out{{"token_embedding", "text_model.embeddings.token_embedding.weight", {o.vocab, w}},
                           {"positions", "text_model.embeddings.position_embedding.weight", {o.context_length, w}}};
  add_transformers_block_keys(out, "text_model.", o.layers, w, o.mlp);
  out.push_back({"norm.weight", "text_model.final_layer_norm.weight", {w}});
  out.push_back({"norm.bias", "text_model.final_layer_norm.bias", {w}});
  return out;
}

ClipText::ClipText(const ClipTextOptions& o)
    : options_(checked(o)),
      transformer_(o.layers, o.width, o.heads, o.mlp, o.quick_gelu, /*causal=*/true),
      norm_(o.width) {
  add_parameter("token_embedding", token_embedding_, at::empty({o.vocab, o.width}, at::kFloat));
  add_parameter("positions", positions_, at::empty({o.context_length, o.width}, at::kFloat));
  if (o.embed) add_parameter("projection", projection_, at::empty({o.width, o.embed}, at::kFloat));
  add_child("transformer", transformer_);
  add_child("norm", norm_);
}

Tensor ClipText::embed(const Tensor& ids) {
  expect_shape(ids, "clip_text", "ids", {-1, -1});
  VGEN_CHECK(ids.scalar_type() == at::kLong || ids.scalar_type() == at::kInt, ConfigError,
             "clip_text: ids must be int64 or int32");
  VGEN_CHECK(
      ids.numel() == 0 || (ids.min().item<std::int64_t>() >= 0 && ids.max().item<std::int64_t>() < options_.vocab),
      ConfigError, "clip_text: ids must be in [0, ", options_.vocab, "), got up to ",
      ids.numel() ? ids.max().item<std::int64_t>() : 0, "; the tokenizer has another vocabulary");
  return at::embedding(token_embedding_, ids);
}

ClipTextOutput ClipText::forward(const Tensor& ids, ClipLayer layer) {
  return forward_embedded(embed(ids), ids, layer);
}

ClipTextOutput ClipText::forward_embedded(const Tensor& embedded, const Tensor& ids, ClipLayer layer) {
  expect_shape(embedded, "clip_text", "embedded", {ids.size(0), ids.size(1), options_.width});
  const std::int64_t length = ids.size(1);
  VGEN_CHECK(length >= 1 && length <= options_.context_length, ShapeError, "clip_text: expected 1 to ",
             options_.context_length, " tokens a text, got ", length);
  const std::size_t blocks = transformer_.size() - (layer == ClipLayer::penultimate);
  VGEN_CHECK(blocks >= 1, ConfigError, "clip_text: layer 'penultimate' needs at least 2 layers");
  const Tensor words = norm_.forward(transformer_.forward(embedded + positions_.narrow(0, 0, length), blocks));
  // The end token has the largest id of all.
  const Tensor row = at::arange(ids.size(0), ids.options().dtype(at::kLong));
  const Tensor last = at::index(words, c10::List<std::optional<Tensor>>({row, ids.argmax(-1)}));
  return {words, projection_.defined() ? at::matmul(last, projection_) : last};
}

void ClipText::initialise(at::Generator generator) {
  const at::NoGradGuard no_grad;
  const double w = options_.width, attention = std::pow(w, -0.5),
               residual = attention * std::pow(2.0 * options_.layers, -0.5);
  token_embedding_.normal_(0, 0.02, generator);
  positions_.normal_(0, 0.01, generator);
  const auto linear = [&](nn::Linear& l, double deviation) {
    l.weight.normal_(0, deviation, generator);
    l.bias.zero_();
  };
  const auto norm = [&](nn::LayerNorm& n) {
    n.weight.fill_(1);
    n.bias.zero_();
  };
  for (std::size_t i = 0; i < transformer_.size(); ++i) {
    ClipBlock& b = transformer_[i];
    norm(b.norm1);
    linear(b.to_qkv, attention);
    linear(b.to_out, residual);
    norm(b.norm2);
    linear(b.fc1, std::pow(2 * w, -0.5));
    linear(b.fc2, residual);
  }
  norm(norm_);
  if (projection_.defined()) projection_.normal_(0, attention, generator);
}

ClipTextEncoder::ClipTextEncoder(ClipText& tower, const text::Tokenizer& tokenizer, std::int32_t pad)
    : tower_(&tower), tokenizer_(&tokenizer), pad_(pad) {
  VGEN_CHECK(pad >= 0 && pad < tower.options().vocab, ConfigError, "clip_text: pad must be in [0, ",
             tower.options().vocab, "), got ", pad);
  VGEN_CHECK(tokenizer.vocab_size() <= tower.options().vocab, ConfigError, "clip_text: the tokenizer has ",
             tokenizer.vocab_size(), " ids, the tower knows ", tower.options().vocab);
}

TextEmbedding ClipTextEncoder::encode(std::span<const std::string> texts) {
  text::Tokens tokens = tokenizer_->tokenize(texts, tower_->options().context_length);
  if (pad_ != 0)
    for (std::size_t row = 0; row < tokens.lengths.size(); ++row) {
      const auto begin = tokens.ids.begin() + static_cast<std::ptrdiff_t>(row) * tokens.context_length;
      std::fill(begin + tokens.lengths[row], begin + tokens.context_length, pad_);
    }
  const Tensor weight = tower_->named_parameters().front().second;
  const Tensor ids = ids_tensor(tokens).to(weight.device());
  auto [words, pooled] = forward ? forward(ids) : tower_->forward(ids);
  return {words, pooled, std::move(tokens.dropped_words)};
}

Tensor ids_tensor(const text::Tokens& tokens) {
  const auto n = static_cast<std::int64_t>(tokens.lengths.size());
  Tensor out = at::empty({n, tokens.context_length}, at::kLong);
  std::copy(tokens.ids.begin(), tokens.ids.end(), out.data_ptr<std::int64_t>());
  return out;
}

}  // namespace vgen::conditioning
