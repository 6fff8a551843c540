// Vision transformer of DINO (Caron et al. 2021, "Emerging Properties in Self-Supervised Vision Transformers"):
// features that tell whether two pictures show the same subject. Its ViT-S/16 gives the score DINO-I
// (metrics/similarity.hpp).
//
//   DinoVision dino({});  dino.load("dino_deitsmall16_pretrain.pth");
//   Tensor features = dino.forward(dino_preprocess(frames));            // [F, 384]
#pragma once
#include <filesystem>

#include "vgen/conditioning/clip_transformer.hpp"
#include "vgen/core/options.hpp"
#include "vgen/video/frames.hpp"

namespace vgen::conditioning {

struct DinoVisionOptions {
  static constexpr std::string_view kind = "dino_vision";
  int image_size = 224, patch = 16;  // the grid of learned positions; pictures may have another size
  int width = 384, heads = 6, layers = 12, mlp = 1536;
  bool operator==(const DinoVisionOptions&) const = default;
  static constexpr auto fields() {
    using O = DinoVisionOptions;
    return std::tuple{field("image_size", &O::image_size, "side of the picture that the positions were learned for"),
                      field("patch", &O::patch, "side of a patch"),
                      field("width", &O::width, "channels of a patch token and of the result"),
                      field("heads", &O::heads, "attention heads"),
                      field("layers", &O::layers, "transformer blocks"),
                      field("mlp", &O::mlp, "hidden channels of the feed-forward part")};
  }
};
VGEN_API void validate(const DinoVisionOptions& options);
// Names and shapes of dino_deitsmall16_pretrain.pth.
VGEN_API std::vector<KeyPair> reference_keys(const DinoVisionOptions& options);

class VGEN_API DinoVision : public nn::Module {
 public:
  explicit DinoVision(const DinoVisionOptions& options = {});
  const DinoVisionOptions& options() const { return options_; }

  // From dino_deitsmall16_pretrain.pth or a file with its names. IoError, FormatError, WeightsError (nothing changed).
  void load(const std::filesystem::path& path);
  // Normalised pictures [n, 3, H, W] -> the class token after the last norm, [n, width]. Rows and columns beyond a
  // whole patch are not seen. ShapeError if a side is shorter than a patch.
  Tensor forward(const Tensor& image);

 private:
  DinoVisionOptions options_;
  Tensor patches_, patch_bias_, class_token_, positions_;  // [width, 3, p, p], [width], [width], [1 + grid, width]
  ClipTransformer transformer_;
  nn::LayerNorm norm_;
};

// Pictures [F, H, W, 1, 3 or 4] as the network was tested: the short side resized to `resize` (bicubic), the middle
// crop x crop, normalised by ImageNet's mean and deviation: [F, 3, crop, crop]. Alpha is dropped. ShapeError for no
// pixels.
VGEN_API Tensor dino_preprocess(const video::Frames& pictures, int resize = 256, int crop = 224);

}  // namespace vgen::conditioning
