// Edges: PiDiNet (Su et al. 2021, "Pixel Difference Networks for Efficient Edge Detection"), configuration carv4. Its
// pixel-difference convolutions are run as plain ones: the difference is folded into the kernels once.
//
//   PiDiNet edges({});  edges.load("table5_pidinet.pth");
//   Tensor e = edges.detect(frames);                     // [F, 3, H, W] in [0, 1] -> [F, 1, H, W], bright on dark
#pragma once
#include <filesystem>
#include <memory>

#include "vgen/conditioning/convolution.hpp"
#include "vgen/core/key_pair.hpp"
#include "vgen/core/options.hpp"
#include "vgen/weights/state_dict.hpp"

namespace vgen::conditioning {

struct PiDiNetOptions {
  static constexpr std::string_view kind = "pidinet";
  int channels = 60;      // of the first stage; the others have 2, 4, 4 times as many
  int dilation = 24;      // channels of the dilated convolutions; 0 = none
  bool attention = true;  // spatial attention on every stage's map
  bool operator==(const PiDiNetOptions&) const = default;
  static constexpr auto fields() {
    using O = PiDiNetOptions;
    return std::tuple{field("channels", &O::channels, "channels of the first stage; then 2, 4, 4 times as many"),
                      field("dilation", &O::dilation, "channels of the dilated convolutions; 0 = none"),
                      field("attention", &O::attention, "spatial attention on every stage's map")};
  }
};
VGEN_API void validate(const PiDiNetOptions& options);
// Names and shapes after pidinet_to_plain; the raw checkpoint differs in the shape of the radial kernels only.
VGEN_API std::vector<KeyPair> reference_keys(const PiDiNetOptions& options);

// Kernels of a raw checkpoint (names without "module.") turned into those of plain convolutions: central differences
// take the sum from the centre; angular ones subtract the clockwise neighbour; radial ones become 5x5. Given tensors
// are not written. A dictionary whose radial kernels are 5x5 already is returned as it is.
VGEN_API weights::StateDict pidinet_to_plain(weights::StateDict state);

// The network in its plain form: edges of frames.
class VGEN_API PiDiNet : public nn::Module {
 public:
  explicit PiDiNet(const PiDiNetOptions& options = {});
  ~PiDiNet() override;
  const PiDiNetOptions& options() const { return options_; }

  // From table5_pidinet.pth (raw) or a converted file. IoError, FormatError, WeightsError (nothing changed).
  void load(const std::filesystem::path& path);
  // Pictures [n, 3, H, W], normalised by imagenet_normalise -> edge strength [n, 1, H, W] in (0, 1). ShapeError unless
  // H, W >= 8.
  Tensor forward(const Tensor& x);
  // Frames [F, 3, H, W] in [0, 1] -> [F, 1, H, W]; `at_once` frames a pass.
  Tensor detect(const Tensor& frames, std::int64_t at_once = 2);

 private:
  struct Block;
  struct Side;
  PiDiNetOptions options_;
  Convolution first_;
  std::vector<std::unique_ptr<Block>> blocks_;  // 3, 4, 4, 4
  std::vector<std::unique_ptr<Side>> sides_;    // one a stage: from its map to one channel
  Convolution fuse_;
};

// (x - mean) / std of ImageNet's pictures, per channel; x [n, 3, h, w] in [0, 1].
VGEN_API Tensor imagenet_normalise(const Tensor& x);

}  // namespace vgen::conditioning
