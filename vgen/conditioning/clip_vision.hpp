// CLIP's image tower, a vision transformer (Radford et al. 2021, section 2.4; Dosovitskiy et al. 2021), and the input
// it expects.
#pragma once
#include "vgen/conditioning/clip_transformer.hpp"
#include "vgen/core/options.hpp"
#include "vgen/video/frames.hpp"

namespace vgen::conditioning {

struct ClipVisionOptions {
  static constexpr std::string_view kind = "clip_vision";
  int image_size = 224, patch = 14;
  int width = 1280, heads = 16, layers = 32;
  int mlp = 5120;
  int embed = 1024;
  bool quick_gelu = false;
  bool operator==(const ClipVisionOptions&) const = default;
  static constexpr auto fields() {
    using O = ClipVisionOptions;
    return std::tuple{field("image_size", &O::image_size, "side of the picture"),
                      field("patch", &O::patch, "side of a patch"),
                      field("width", &O::width, "channels of a patch token"),
                      field("heads", &O::heads, "attention heads"),
                      field("layers", &O::layers, "transformer blocks"),
                      field("mlp", &O::mlp, "hidden channels of the feed-forward part"),
                      field("embed", &O::embed, "channels of the result"),
                      field("quick_gelu", &O::quick_gelu, "x sigmoid(1.702 x) instead of GELU")};
  }
  // From an open_clip model configuration, and from the config.json of a transformers CLIPVisionModelWithProjection.
  VGEN_API static ClipVisionOptions from_open_clip(const Node& model_config);
  VGEN_API static ClipVisionOptions from_transformers(const Node& config);
};
VGEN_API void validate(const ClipVisionOptions& options);
VGEN_API std::vector<KeyPair> open_clip_keys(const ClipVisionOptions& options);  // "visual.*"
// In transformers' CLIPVisionModelWithProjection; q, k and v apart, as for the text tower. Its projection is the
// transpose of ours, [embed, width]; the pair has our side of it.
VGEN_API std::vector<KeyPair> transformers_keys(const ClipVisionOptions& options);

class VGEN_API ClipVision : public nn::Module {
 public:
  explicit ClipVision(const ClipVisionOptions& options);
  const ClipVisionOptions& options() const { return options_; }
  // Normalised pictures [n, 3, image_size, image_size] -> [n, embed], not normalised to unit length. ShapeError.
  Tensor forward(const Tensor& image);

 private:
  ClipVisionOptions options_;
  Tensor patches_, class_token_, positions_;  // [width, 3, patch, patch], [width], [1 + patches, width]
  nn::LayerNorm norm_in_;
  ClipTransformer transformer_;
  nn::LayerNorm norm_out_;
  Tensor projection_;  // [width, embed]
};

// (x - mean) / std of CLIP's training pictures, per channel; x [n, 3, h, w] in [0, 1].
VGEN_API Tensor clip_normalise(const Tensor& x);
// Pictures [F, H, W, 1, 3 or 4] as the tower was trained: the short side resized to image_size (bicubic), the middle
// square, normalised: [F, 3, image_size, image_size]. Alpha is dropped. ShapeError for no pixels.
VGEN_API Tensor clip_preprocess(const video::Frames& pictures, int image_size = 224);

}  // namespace vgen::conditioning
