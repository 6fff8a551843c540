// The video UNet of the VGen family (ModelScopeT2V, Wang et al. 2023, section 3): an SD-like UNet whose residual blocks
// end in temporal convolutions and whose spatial transformers are followed by temporal ones. One class; systems differ
// by options.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "vgen/core/key_pair.hpp"
#include "vgen/nn/block.hpp"
#include "vgen/nn/module.hpp"
#include "vgen/unet/conditions.hpp"
#include "vgen/unet/feature.hpp"
#include "vgen/unet/options.hpp"

namespace vgen::unet {

struct ForwardOptions {
  nn::ContextCache* cache = nullptr;  // reused over the steps of one sampling run with the same conditions
  Observer observe;
  std::optional<at::Generator> dropout;  // masks in training
};

class VGEN_API UNet : public nn::Module {
 public:
  // `own`: features of the caller's, after those that the options name.
  explicit UNet(const UNetOptions& options = {}, Features own = {});
  ~UNet() override;

  // x [B, C, F, H, W], t [B] (integer or float), conditions as declared() -> prediction [B, out, F, H, W].
  // H and W must be divisible by 2^(levels - 1); with row_padding 2, H must be 2 more than such a number. ShapeError,
  // ConfigError.
  Tensor forward(const Tensor& x, const Tensor& t, const Conditions& given, const ForwardOptions& how = {});

  const UNetOptions& options() const { return options_; }
  const std::vector<std::string>& declared() const { return declared_; }  // names of the conditions it reads
  // A condition that something attached to the blocks reads from its BlockContext, until as many calls of undeclare.
  void declare(const std::string& condition);
  void undeclare(const std::string& condition);
  // Drops activations of each block and computes them again on the way back: less memory, about a third more time.
  void recompute(bool on) { recompute_ = on; }

 private:
  struct Body;
  UNetOptions options_;
  std::unique_ptr<Body> body_;
  std::vector<std::string> declared_, own_declared_, attached_;
  bool recompute_ = false;
};

// Names of every parameter in the reference's checkpoints, and in diffusers' UNet3DConditionModel or I2VGenXLUNet.
VGEN_API std::vector<KeyPair> reference_keys(UNet& unet);
VGEN_API std::vector<KeyPair> diffusers_keys(UNet& unet);
// The reference's module path of one of our blocks ("down.1.spatial" -> "input_blocks.1.1").
VGEN_API std::string reference_name(const std::string& ours, const UNetOptions& options);

}  // namespace vgen::unet
