// Depth from one picture: the Dense Prediction Transformer (Ranftl et al. 2021, "Vision Transformers for Dense
// Prediction"), DPT-Large of MiDaS v3 with a ViT-L/16 backbone (Dosovitskiy et al. 2021).
//
//   DptDepth depth({});  depth.load("midas_v3_dpt_large.pth");
//   Tensor condition = depth.condition(frames);          // [F, 3, H, W] in [0, 1] -> [F, 1, H, W]
#pragma once
#include <array>
#include <filesystem>
#include <memory>

#include "vgen/conditioning/clip_transformer.hpp"
#include "vgen/conditioning/convolution.hpp"
#include "vgen/core/options.hpp"

namespace vgen::conditioning {

struct DptDepthOptions {
  static constexpr std::string_view kind = "dpt_depth";
  int image_size = 384, patch = 16;  // the grid of learned positions; pictures may have another size
  int width = 1024, heads = 16, layers = 24;
  std::vector<int> neck = {256, 512, 1024, 1024};  // channels at strides 4, 8, 16, 32
  int fusion = 256;
  bool operator==(const DptDepthOptions&) const = default;
  static constexpr auto fields() {
    using O = DptDepthOptions;
    return std::tuple{field("image_size", &O::image_size, "side of the picture that the positions were learned for"),
                      field("patch", &O::patch, "side of a patch; 16"),
                      field("width", &O::width, "channels of a patch token"),
                      field("heads", &O::heads, "attention heads"),
                      field("layers", &O::layers, "transformer blocks, a multiple of 4"),
                      field("neck", &O::neck, "channels of the four taps"),
                      field("fusion", &O::fusion, "channels of the fused maps, even")};
  }
};
VGEN_API void validate(const DptDepthOptions& options);
// Names and shapes of midas_v3_dpt_large.pth.
VGEN_API std::vector<KeyPair> reference_keys(const DptDepthOptions& options);

// The network with the weights of midas_v3_dpt_large.pth: inverse depth of frames.
class VGEN_API DptDepth : public nn::Module {
 public:
  explicit DptDepth(const DptDepthOptions& options = {});
  ~DptDepth() override;
  const DptDepthOptions& options() const { return options_; }

  // From midas_v3_dpt_large.pth or a file with its names. IoError, FormatError, WeightsError (nothing changed).
  void load(const std::filesystem::path& path);
  // Pictures [n, 3, H, W] in [-1, 1] -> inverse depth [n, 1, H, W] >= 0: larger is nearer, no unit. ShapeError unless
  // H and W are multiples of 32 (twice the patch).
  Tensor forward(const Tensor& x);
  // The depth condition of frames [F, 3, H, W] in [0, 1]: [F, 1, H, W] in [0, 10]. `at_once` frames a pass.
  Tensor condition(const Tensor& frames, std::int64_t at_once = 2);

 private:
  struct Neck;
  struct Fusion;
  DptDepthOptions options_;
  Convolution patches_;
  Tensor class_token_, positions_;  // [width], [1 + grid, width]
  ClipTransformer transformer_;
  std::array<std::unique_ptr<Neck>, 4> necks_;
  std::array<std::unique_ptr<Fusion>, 4> fusions_;
  Convolution head_in_, head_mid_, head_out_;
};

// Inverse depth in the range that the networks were trained on: depth / 20, at most 10.
VGEN_API Tensor depth_condition(const Tensor& depth);

}  // namespace vgen::conditioning
