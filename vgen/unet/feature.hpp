// The three slots in which systems differ. A feature reads its conditions by name; absent optional ones contribute
// nothing.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vgen/nn/module.hpp"
#include "vgen/unet/conditions.hpp"
#include "vgen/unet/options.hpp"

namespace vgen::unet {

// Called with each block's name ("down.1.spatial") and output, channels innermost: [B, F, H, W, C] in the trunk.
using Observer = std::function<void(const std::string& block, const Tensor& output)>;

// What a feature is asked with: the conditions and the latent's size. What it answers is constant over the denoising
// steps.
struct FeatureInput {
  const Conditions& given;
  std::int64_t batch = 1, frames = 1, height = 1, width = 1;  // of the latent
  at::TensorOptions like;                                     // dtype and device of the activations
  std::map<std::string, Tensor> kept;                         // condition dropout in training: 0 or 1 a sample, [B]
  std::optional<at::Generator> dropout;                       // source of dropout masks
  Observer observe;                                           // may be empty

  void seen(const std::string& block, const Tensor& output) const {
    if (observe) observe(block, output);
  }
  // The condition's contribution [B, ..] with the dropped samples set to zero.
  Tensor keep(const std::string& condition, const Tensor& contribution) const;
};

class VGEN_API Feature : public nn::Module {
 public:
  virtual std::string name() const = 0;  // child name and, usually, condition name
  virtual std::vector<std::string> conditions() const { return {name()}; }
};

// Channels appended to the latent before the first convolution, or a term added to that convolution's result.
class VGEN_API StemFeature : public Feature {
 public:
  virtual std::int64_t channels() const { return 0; }
  // [B, F, H, W, channels()]; asked only where channels() > 0.
  virtual Tensor concat(const FeatureInput&) { return {}; }
  // [B, 1 or F, H, W, width of the first level], undefined if there is nothing to add.
  virtual Tensor added(const FeatureInput&) { return {}; }
};

// A term of the time embedding: [B, 1 or F, E], undefined if its condition is absent.
class VGEN_API EmbeddingFeature : public Feature {
 public:
  virtual Tensor embed(const FeatureInput& in) = 0;
};

// Tokens: [B, 1 or F, L, D], undefined if its condition is absent.
class VGEN_API ContextFeature : public Feature {
 public:
  virtual Tensor tokens(const FeatureInput& in) = 0;
};

// Features beside those that the options name: a system of the caller's own.
struct Features {
  std::vector<std::unique_ptr<StemFeature>> stem;
  std::vector<std::unique_ptr<EmbeddingFeature>> embeddings;
  std::vector<std::unique_ptr<ContextFeature>> context;
};

VGEN_API std::unique_ptr<StemFeature> make_feature(const StemFeatureOptions& options, const UNetOptions& unet);
VGEN_API std::unique_ptr<EmbeddingFeature> make_feature(const EmbeddingFeatureOptions& options,
                                                        const UNetOptions& unet);
VGEN_API std::unique_ptr<ContextFeature> make_feature(const ContextFeatureOptions& options, const UNetOptions& unet);

}  // namespace vgen::unet
