// Options of the one video UNet. Presets of the systems are values of this struct (pipelines/).
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
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

// A condition given as pictures at pixel resolution, one a frame.
struct DenseMap {
  static constexpr std::string_view kind = "dense_map";
  std::string name;
  std::int64_t channels = 1;
  bool operator==(const DenseMap&) const = default;
  static constexpr auto fields() {
    return std::tuple{field("name", &DenseMap::name, "of the condition, e.g. depth"),
                      field("channels", &DenseMap::channels, "of its pictures")};
  }
};

// Pictures reduced to the size of the latent, mixed over the frames, and summed (VideoComposer, Wang et al. 2023,
// section 3.2: the spatio-temporal condition encoder). A condition that is not given adds nothing.
struct DenseMaps {
  static constexpr std::string_view kind = "dense_maps";
  std::vector<DenseMap> maps;
  std::int64_t channels = 8, width = 448, height = 256;
  bool operator==(const DenseMaps&) const = default;
  static constexpr auto fields() {
    using O = DenseMaps;
    return std::tuple{field("maps", &O::maps, "the conditions, in the order of their summation"),
                      field("channels", &O::channels, "concatenated to the latent"),
                      field("width", &O::width, "pixels that every map is pooled from; the latent's width times 8"),
                      field("height", &O::height, "pixels; the latent's height times 8")};
  }
};

// The latent of the first frame, followed by frames that only count the time, mixed over the frames (I2VGen-XL, Zhang
// et al. 2023, section 3.1). Condition `local_image`.
struct ImageLatents {
  static constexpr std::string_view kind = "image_latents";
  double gain = 2;
  bool operator==(const ImageLatents&) const = default;
  static constexpr auto fields() {
    return std::tuple{
        field("gain", &ImageLatents::gain, "factor of the result; the released model was trained with 2")};
  }
};

// A picture's latent that the first convolution's result is shifted by in every frame (HiGen, Qing et al. 2023, section
// 3.2). Condition `spatial_prior`.
struct SpatialPrior {
  static constexpr std::string_view kind = "spatial_prior";
  bool operator==(const SpatialPrior&) const = default;
  static constexpr auto fields() { return std::tuple<>{}; }
};
using StemFeatureOptions = std::variant<FramePosition, DenseMaps, ImageLatents, SpatialPrior>;

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

// How much moves between neighbouring frames (HiGen, section 3.3). Condition `motion`: [B, F - 1] or [B, F].
struct Motion {
  static constexpr std::string_view kind = "motion";
  bool operator==(const Motion&) const = default;
  static constexpr auto fields() { return std::tuple<>{}; }
};

// How much each frame looks like each other (HiGen, section 3.3). Condition `appearance`: [B, F, frames].
struct Appearance {
  static constexpr std::string_view kind = "appearance";
  std::int64_t frames = 32;
  bool operator==(const Appearance&) const = default;
  static constexpr auto fields() {
    return std::tuple{field("frames", &Appearance::frames, "frames compared with; the longest clip")};
  }
};
using EmbeddingFeatureOptions = std::variant<Fps, FrameText, Motion, Appearance>;

// ---- context: tokens for cross-attention ----

struct Text {
  static constexpr std::string_view kind = "text";
  bool operator==(const Text&) const = default;
  static constexpr auto fields() { return std::tuple<>{}; }
};

// Tokens made of a CLIP image embedding. Condition `image`.
struct ImageTokens {
  static constexpr std::string_view kind = "image_tokens";
  std::int64_t count = 4, channels = 1024, hidden = 1024;
  bool operator==(const ImageTokens&) const = default;
  static constexpr auto fields() {
    using O = ImageTokens;
    return std::tuple{field("count", &O::count, "number of tokens"),
                      field("channels", &O::channels, "width of the embedding"),
                      field("hidden", &O::hidden, "width between the two layers")};
  }
};

// An 8x8 grid of tokens made of the latent of the first frame (I2VGen-XL). Condition `local_image`.
struct LocalImageTokens {
  static constexpr std::string_view kind = "local_image_tokens";
  bool operator==(const LocalImageTokens&) const = default;
  static constexpr auto fields() { return std::tuple<>{}; }
};

// A token a frame made of a colour histogram (VideoComposer). Condition `histogram`: [B, F, bins].
struct Histogram {
  static constexpr std::string_view kind = "histogram";
  std::int64_t bins = 156;
  bool operator==(const Histogram&) const = default;
  static constexpr auto fields() { return std::tuple{field("bins", &Histogram::bins, "length of the histogram")}; }
};

// Learned queries that read the text in place of the text itself (HiGen; the resampler of Alayrac et al. 2022).
struct TextResampler {
  static constexpr std::string_view kind = "text_resampler";
  std::int64_t count = 16, layers = 2, heads = 8;
  bool operator==(const TextResampler&) const = default;
  static constexpr auto fields() {
    using O = TextResampler;
    return std::tuple{field("count", &O::count, "number of tokens"), field("layers", &O::layers, "transformer blocks"),
                      field("heads", &O::heads, "attention heads")};
  }
};
using ContextFeatureOptions = std::variant<Text, ImageTokens, LocalImageTokens, Histogram, TextResampler>;

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

// Which clips pass by the temporal convolutions and transformers.
enum class TemporalBypass { never, single_frame, always };
constexpr auto enum_names(TemporalBypass) {
  return std::array{std::pair{TemporalBypass::never, "never"}, std::pair{TemporalBypass::single_frame, "single_frame"},
                    std::pair{TemporalBypass::always, "always"}};
}

// One stage of the way up: the first half of its channels times `backbone`; what the skip connection brings has its
// four lowest frequencies times `skip` (FreeU, Si et al. 2023, eq. 3 and 4).
struct FreeU {
  static constexpr std::string_view kind = "free_u";
  double backbone = 1, skip = 1;
  bool operator==(const FreeU&) const = default;
  static constexpr auto fields() {
    return std::tuple{field("backbone", &FreeU::backbone, "factor of the first half of the channels"),
                      field("skip", &FreeU::skip, "factor of the low frequencies of the skip connection")};
  }
};

// See condition_dropout.hpp.
struct ConditionDropout {
  static constexpr std::string_view kind = "condition_dropout";
  double p = 0.5, all_zero = 0.1, all_keep = 0.1;
  std::vector<std::string> conditions{"depth",         "local_image", "motion", "canny", "sketch",
                                      "single_sketch", "masked",      "text",   "image", "histogram"};
  bool operator==(const ConditionDropout&) const = default;
  static constexpr auto fields() {
    using O = ConditionDropout;
    return std::tuple{field("p", &O::p, "share of the samples that lose a condition, drawn for each"),
                      field("all_zero", &O::all_zero, "share that lose every condition"),
                      field("all_keep", &O::all_keep, "share that lose none"),
                      field("conditions", &O::conditions, "what may be lost, in the order of the draws")};
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
  TemporalBypass bypass = TemporalBypass::never;
  std::int64_t row_padding = 1;
  std::vector<FreeU> free_u;
  std::optional<ConditionDropout> condition_dropout;
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
        field("context", &O::context, "token sources of the cross-attention"),
        field("bypass", &O::bypass, "which clips pass by the temporal layers: never, single_frame, always"),
        field("row_padding", &O::row_padding,
              "rows added above and below before a resolution is halved, less one cut off again where it is doubled; "
              "1, or 2 for latents of 90 rows"),
        field("free_u", &O::free_u, "factors for the first stages of the way up"),
        field("condition_dropout", &O::condition_dropout, "in training only; none = no dropout")};
  }
};

// ConfigError naming field and nearest valid value.
VGEN_API void validate(const UNetOptions& options);

}  // namespace vgen::unet
