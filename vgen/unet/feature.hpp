// The three slots in which systems differ. A feature reads its conditions by name; absent optional ones contribute
// nothing.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "vgen/nn/module.hpp"
#include "vgen/unet/conditions.hpp"
#include "vgen/unet/options.hpp"

namespace vgen::unet {

class VGEN_API Feature : public nn::Module {
 public:
  virtual std::string name() const = 0;  // child name and, usually, condition name
  virtual std::vector<std::string> conditions() const { return {name()}; }
};

// Channels appended to x [B, F, H, W, C] before the first convolution.
class VGEN_API StemFeature : public Feature {
 public:
  virtual std::int64_t channels() const = 0;
  virtual Tensor concat(const Tensor& x, const Conditions& given) = 0;  // [B, F, H, W, channels()]
};

// A term of the time embedding: [B, 1 or F, E], undefined if its condition is absent.
class VGEN_API EmbeddingFeature : public Feature {
 public:
  virtual Tensor embed(const Conditions& given, std::int64_t frames) = 0;
};

// Tokens: [B, 1 or F, L, D], undefined if its condition is absent.
class VGEN_API ContextFeature : public Feature {
 public:
  virtual Tensor tokens(const Conditions& given, std::int64_t frames) = 0;
};

VGEN_API std::unique_ptr<StemFeature> make_feature(const StemFeatureOptions& options, const UNetOptions& unet);
VGEN_API std::unique_ptr<EmbeddingFeature> make_feature(const EmbeddingFeatureOptions& options,
                                                        const UNetOptions& unet);
VGEN_API std::unique_ptr<ContextFeature> make_feature(const ContextFeatureOptions& options, const UNetOptions& unet);

}  // namespace vgen::unet
