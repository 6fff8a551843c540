// Options of the one video UNet. Presets of the systems are values of this struct (pipelines/).
#pragma once
#include <array>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <variant>
#include <vector>

#include "vgen/core/options.hpp"

namespace vgen::unet {

// ---- stem: channels concatenated to the latent before the first convolution ----

// The place of each frame in the clip as `channels` sines and cosines, constant over the picture. The released systems
// have none (their only sense of the order of time is the padding of the temporal convolutions); a small model learns
// motion sooner with it.
struct FramePosition {
  static constexpr std::string_view kind = "frame_position";
  std::int64_t channels = 4;
  bool operator==(const FramePosition&) const = default;
  static constexpr auto fields() {
    return std::tuple{field("channels", &FramePosition::channels, "number of channels, even")};
  }
};
using StemFeatureOptions = std::variant<FramePosition>;

// ---- embeddings: added to the time embedding ----

struct Fps {
  static constexpr std::string_view kind = "fps";
  bool operator==(const Fps&) const = default;
  static constexpr auto fields() { return std::tuple<>{}; }
};
// What the caption as a whole says about each frame: the mean of the text tokens, beside the place of the frame in the
// clip, through an MLP. The released systems have nothing of the kind: their caption reaches single frames only, by
// cross-attention. With it a small model learns the words that describe motion.
struct FrameText {
  static constexpr std::string_view kind = "frame_text";
  std::int64_t channels = 8;
  bool operator==(const FrameText&) const = default;
  static constexpr auto fields() {
    return std::tuple{field("channels", &FrameText::channels, "number of channels of the place, even")};
  }
};
using EmbeddingFeatureOptions = std::variant<Fps, FrameText>;

// ---- context: tokens for cross-attention ----

struct Text {
  static constexpr std::string_view kind = "text";
  bool operator==(const Text&) const = default;
  static constexpr auto fields() { return std::tuple<>{}; }
};
using ContextFeatureOptions = std::variant<Text>;

struct Level {
  static constexpr std::string_view kind = "level";
  std::int64_t multiplier = 1;
  bool attention = true;
  bool operator==(const Level&) const = default;
  static constexpr auto fields() {
    return std::tuple{
        field("multiplier", &Level::multiplier, "width of the level in units of `channels`"),
        field("attention", &Level::attention, "spatial and temporal transformers after its residual blocks")};
  }
};

// Defaults are ModelScopeT2V: 1,411,233,860 parameters.
struct UNetOptions {
  static constexpr std::string_view kind = "unet";
  std::int64_t in_channels = 4, out_channels = 4, channels = 320, context_channels = 1024;
  std::vector<Level> levels{{1, true}, {2, true}, {4, true}, {4, false}};
  std::int64_t blocks_per_level = 2;
  std::int64_t head_channels = 64;
  std::int64_t first_heads = 8;
  std::int64_t norm_groups = 32;
  double dropout = 0.1, temporal_dropout = 0.1;
  std::vector<StemFeatureOptions> stem;
  std::vector<EmbeddingFeatureOptions> embeddings;
  std::vector<ContextFeatureOptions> context{Text{}};
  bool operator==(const UNetOptions&) const = default;
  static constexpr auto fields() {
    using O = UNetOptions;
    return std::tuple{
        field("in_channels", &O::in_channels, "channels of the latent"),
        field("out_channels", &O::out_channels, "channels of the prediction"),
        field("channels", &O::channels, "width of the first level"),
        field("context_channels", &O::context_channels, "width of the context tokens"),
        field("levels", &O::levels, "resolutions, each half of the one before"),
        field("blocks_per_level", &O::blocks_per_level, "residual blocks a level (the way up has one more)"),
        field("head_channels", &O::head_channels, "width of an attention head"),
        field("first_heads", &O::first_heads, "heads of the temporal transformer after the first convolution"),
        field("norm_groups", &O::norm_groups, "groups of every group norm; narrow models need fewer than 32"),
        field("dropout", &O::dropout, "in residual blocks, training only"),
        field("temporal_dropout", &O::temporal_dropout, "in temporal convolutions, training only"),
        field("stem", &O::stem, "channels concatenated to the latent"),
        field("embeddings", &O::embeddings, "terms added to the time embedding"),
        field("context", &O::context, "token sources of the cross-attention")};
  }
};

// ConfigError naming field and nearest valid value.
VGEN_API void validate(const UNetOptions& options);

}  // namespace vgen::unet
