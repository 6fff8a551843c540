// Sketches: lines of a picture, cleaned by the fully convolutional network of Simo-Serra et al. 2018, "Mastering
// Sketching: Adversarial Augmentation for Structured Prediction" (model GAN).
//
//   Tensor lines = sketch(edges, simplifier, frames);    // [F, 3, H, W] in [0, 1] -> [F, 1, H, W], bright on dark
#pragma once
#include "vgen/conditioning/pidinet.hpp"

namespace vgen::conditioning {

// Released sets of weights; each comes with the mean and deviation of its training pictures.
enum class SketchModel { gan, mse, pencil1, pencil2 };
constexpr auto enum_names(SketchModel) {
  using enum SketchModel;
  return std::array{std::pair{gan, std::string_view("gan")}, std::pair{mse, std::string_view("mse")},
                    std::pair{pencil1, std::string_view("pencil1")}, std::pair{pencil2, std::string_view("pencil2")}};
}

struct SketchSimplificationOptions {
  static constexpr std::string_view kind = "sketch_simplification";
  SketchModel model = SketchModel::gan;
  int channels = 48;  // of the first layer, all others in proportion
  bool operator==(const SketchSimplificationOptions&) const = default;
  static constexpr auto fields() {
    using O = SketchSimplificationOptions;
    return std::tuple{field("model", &O::model, "set of weights: gan, mse, pencil1, pencil2"),
                      field("channels", &O::channels, "of the first layer, a multiple of 6; all others in proportion")};
  }
};

// The network: a rough line drawing to a clean one.
class VGEN_API SketchSimplification : public nn::Module {
 public:
  explicit SketchSimplification(SketchModel model = SketchModel::gan)
      : SketchSimplification(SketchSimplificationOptions{.model = model}) {}
  // ConfigError.
  explicit SketchSimplification(const SketchSimplificationOptions& options);
  // From sketch_simplification_gan.pth, whose names are ours ("layers.0.weight", ...). IoError, FormatError,
  // WeightsError (nothing changed).
  void load(const std::filesystem::path& path);
  // Dark lines on white [n, 1, H, W] in [0, 1] -> the same, cleaned; sides are rounded up to multiples of 8.
  // ShapeError.
  Tensor forward(const Tensor& x);

 private:
  double mean_, deviation_;
  std::vector<std::unique_ptr<Convolution>> layers_;
};
// Names and shapes of the released files; 44,387,249 values.
VGEN_API std::vector<KeyPair> reference_keys(SketchSimplification& network);

// The sketch condition of frames [F, 3, H, W] in [0, 1]: edges e, then 1 - simplified(1 - e), [F, 1, H, W].
// ShapeError unless H and W are multiples of 8.
VGEN_API Tensor sketch(PiDiNet& edges, SketchSimplification& simplifier, const Tensor& frames,
                       std::int64_t at_once = 2);

}  // namespace vgen::conditioning
