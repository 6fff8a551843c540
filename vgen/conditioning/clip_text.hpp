// CLIP's text tower (Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision",
// section 2.4), as the video models use it: the stream after the last block but one, normalised by the final norm.
//
//   ClipText tower({});                                           // OpenCLIP ViT-H-14's: width 1024, 24 layers
//   ClipTextEncoder encoder(tower);
//   Tensor context = encoder.encode(prompts).words;               // [n, 77, 1024]
#pragma once
#include <ATen/core/Generator.h>

#include <functional>

#include "vgen/conditioning/clip_transformer.hpp"
#include "vgen/conditioning/encoder.hpp"
#include "vgen/core/options.hpp"
#include "vgen/text/tokenizer.hpp"

namespace vgen::conditioning {

enum class ClipLayer { last, penultimate };  // which block's output is taken; the final norm follows in either case
constexpr auto enum_names(ClipLayer) {
  return std::array{std::pair{ClipLayer::last, std::string_view("last")},
                    std::pair{ClipLayer::penultimate, std::string_view("penultimate")}};
}

struct ClipTextOptions {
  static constexpr std::string_view kind = "clip_text";
  int width = 1024, heads = 16, layers = 24;
  int mlp = 4096;
  int context_length = 77, vocab = 49408;
  int embed = 1024;         // of the pooled vector; 0 = no projection, pooled has `width`
  bool quick_gelu = false;  // x sigmoid(1.702 x), as OpenAI's weights want, instead of the exact GELU
  ClipLayer layer = ClipLayer::penultimate;
  bool operator==(const ClipTextOptions&) const = default;
  static constexpr auto fields() {
    using O = ClipTextOptions;
    return std::tuple{field("width", &O::width, "channels of a token"),
                      field("heads", &O::heads, "attention heads"),
                      field("layers", &O::layers, "transformer blocks"),
                      field("mlp", &O::mlp, "hidden channels of the feed-forward part"),
                      field("context_length", &O::context_length, "tokens a text, start and end included"),
                      field("vocab", &O::vocab, "number of token ids"),
                      field("embed", &O::embed, "channels of the pooled vector; 0 = no projection"),
                      field("quick_gelu", &O::quick_gelu, "x sigmoid(1.702 x) instead of GELU"),
                      field("layer", &O::layer, "block whose output is taken")};
  }
  // From the `text_cfg` of an open_clip model configuration, and from the config.json of a transformers CLIPTextModel
  // (there `layers` already leaves out what is not used, so the last one is taken).
  VGEN_API static ClipTextOptions from_open_clip(const Node& model_config);
  VGEN_API static ClipTextOptions from_transformers(const Node& config);
};
VGEN_API void validate(const ClipTextOptions& options);

// Names and shapes in open_clip's files (without "visual.*" and "logit_scale", which are not of this tower).
VGEN_API std::vector<KeyPair> open_clip_keys(const ClipTextOptions& options);
// In transformers' CLIPTextModel. There q, k and v are apart: three pairs in a row name the same parameter of ours,
// whose rows are those of q, k, v in this order. The projection is not part of CLIPTextModel and has no pair.
VGEN_API std::vector<KeyPair> transformers_keys(const ClipTextOptions& options);

struct ClipTextOutput {
  Tensor words;   // [n, L, width] after the final norm
  Tensor pooled;  // [n, embed]: the word at the largest id (the end token), projected; not normalised
};

class VGEN_API ClipText : public nn::Module {
 public:
  explicit ClipText(const ClipTextOptions& options);
  const ClipTextOptions& options() const { return options_; }

  // ids int64 or int32 [n, L], L <= context_length, each in [0, vocab). ConfigError, ShapeError.
  ClipTextOutput forward(const Tensor& ids) { return forward(ids, options_.layer); }
  ClipTextOutput forward(const Tensor& ids, ClipLayer layer);
  // The two halves of forward, for learned tokens (textual inversion): vectors of the ids without positions [n, L,
  // width], and the rest. `ids` of the second only say where to pool.
  Tensor embed(const Tensor& ids);
  ClipTextOutput forward_embedded(const Tensor& embedded, const Tensor& ids, ClipLayer layer);

  // Start values for training from scratch: normal, std 0.02 (tokens), 0.01 (positions), width^-1/2 (attention,
  // projection), scaled down by depth where a residual ends, as in the paper's code.
  void initialise(at::Generator generator);

 private:
  ClipTextOptions options_;
  Tensor token_embedding_, positions_;  // [vocab, width], [context_length, width]
  ClipTransformer transformer_;
  nn::LayerNorm norm_;
  Tensor projection_;  // [width, embed]
};

// Tokenizer and tower as one Encoder.
class VGEN_API ClipTextEncoder : public Encoder {
 public:
  // Refers to both, which must outlive it. ConfigError if the tokenizer has ids outside of the tower's vocabulary.
  // `pad` fills rows behind the end: 0 in open_clip, the end token in some of transformers' tokenizers.
  explicit ClipTextEncoder(ClipText& tower, const text::Tokenizer& tokenizer = text::Tokenizer::clip(),
                           std::int32_t pad = 0);
  TextEmbedding encode(std::span<const std::string> texts) override;

  std::function<ClipTextOutput(const Tensor& ids)> forward;  // in place of the tower's own: with learned words

 private:
  ClipText* tower_;
  const text::Tokenizer* tokenizer_;
  std::int32_t pad_;
};

// ids of `tokens` as an int64 tensor [n, context_length] on the CPU.
VGEN_API Tensor ids_tensor(const text::Tokens& tokens);

}  // namespace vgen::conditioning
