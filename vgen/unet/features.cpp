#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/sin.h>
#include <ATen/ops/stack.h>

#include <cmath>

#include "vgen/nn/embedding.hpp"
#include "vgen/unet/feature.hpp"

namespace vgen::unet {
namespace {

// The place of each frame as [F, channels]: cos and sin of pi k (f + 1/2) / F, k = 1, 2, ...; the first pair alone is
// one to one over the clip.
Tensor frame_places(std::int64_t frames, std::int64_t channels, const at::TensorOptions& as) {
  const Tensor place = at::arange(frames, as.dtype(at::kFloat)).add(0.5).mul(M_PI / static_cast<double>(frames));
  std::vector<Tensor> columns;
  for (std::int64_t k = 1; k <= channels / 2; ++k) {
    columns.push_back((place * static_cast<double>(k)).cos());
    columns.push_back((place * static_cast<double>(k)).sin());
  }
  return at::stack(columns, 1).to(as);
}
void expect_even(std::int64_t channels, const char* who) {
  VGEN_CHECK(channels >= 2 && channels % 2 == 0, ConfigError, who, ": channels must be even and >= 2, got ", channels);
}

class FramePositionFeature : public StemFeature {
 public:
  explicit FramePositionFeature(std::int64_t channels) : channels_(channels) {
    expect_even(channels, "frame_position");
  }
  std::string name() const override { return "frame_position"; }
  std::vector<std::string> conditions() const override { return {}; }
  std::int64_t channels() const override { return channels_; }
  Tensor concat(const Tensor& x, const Conditions&) override {
    return frame_places(x.size(1), channels_, x.options())
        .view({1, x.size(1), 1, 1, channels_})
        .expand({x.size(0), x.size(1), x.size(2), x.size(3), channels_});
  }

 private:
  std::int64_t channels_;
};

class FpsFeature : public EmbeddingFeature {
 public:
  explicit FpsFeature(std::int64_t channels) : mlp_(channels, 4 * channels, 4 * channels), channels_(channels) {
    add_child("mlp", mlp_);
  }
  std::string name() const override { return "fps"; }
  Tensor embed(const Conditions& given, std::int64_t) override {
    const Tensor* fps = given.find("fps");
    if (!fps) return {};
    return mlp_.forward(nn::sinusoidal_embedding(*fps, channels_).to(mlp_.fc1.weight.scalar_type())).unsqueeze(1);
  }

 private:
  nn::EmbeddingMlp mlp_;
  std::int64_t channels_;
};

class FrameTextFeature : public EmbeddingFeature {
 public:
  FrameTextFeature(std::int64_t channels, const UNetOptions& unet)
      : mlp_(unet.context_channels + channels, 4 * unet.channels, 4 * unet.channels), channels_(channels) {
    expect_even(channels, "frame_text");
    add_child("mlp", mlp_);
  }
  std::string name() const override { return "frame_text"; }
  std::vector<std::string> conditions() const override { return {"text"}; }
  Tensor embed(const Conditions& given, std::int64_t frames) override {
    const Tensor* text = given.find("text");
    if (!text) return {};
    const Tensor mean = text->to(mlp_.fc1.weight.scalar_type()).mean(1, true);  // [B, 1, D]
    const Tensor place = frame_places(frames, channels_, mean.options());
    return mlp_.forward(at::cat({mean.expand({-1, frames, -1}), place.unsqueeze(0).expand({mean.size(0), -1, -1})}, 2));
  }

 private:
  nn::EmbeddingMlp mlp_;
  std::int64_t channels_;
};

class TextFeature : public ContextFeature {
 public:
  explicit TextFeature(std::int64_t channels) : channels_(channels) {}
  std::string name() const override { return "text"; }
  Tensor tokens(const Conditions& given, std::int64_t) override {
    const Tensor* text = given.find("text");
    if (!text) return {};
    expect_shape(*text, "unet", "text", {-1, -1, channels_});
    return text->unsqueeze(1);
  }

 private:
  std::int64_t channels_;
};

struct Make {
  const UNetOptions& unet;
  std::unique_ptr<StemFeature> operator()(const FramePosition& o) const {
    return std::make_unique<FramePositionFeature>(o.channels);
  }
  std::unique_ptr<EmbeddingFeature> operator()(const Fps&) const { return std::make_unique<FpsFeature>(unet.channels); }
  std::unique_ptr<EmbeddingFeature> operator()(const FrameText& o) const {
    return std::make_unique<FrameTextFeature>(o.channels, unet);
  }
  std::unique_ptr<ContextFeature> operator()(const Text&) const {
    return std::make_unique<TextFeature>(unet.context_channels);
  }
};

}  // namespace

std::unique_ptr<StemFeature> make_feature(const StemFeatureOptions& o, const UNetOptions& unet) {
  return std::visit(Make{unet}, o);
}
std::unique_ptr<EmbeddingFeature> make_feature(const EmbeddingFeatureOptions& o, const UNetOptions& unet) {
  return std::visit(Make{unet}, o);
}
std::unique_ptr<ContextFeature> make_feature(const ContextFeatureOptions& o, const UNetOptions& unet) {
  return std::visit(Make{unet}, o);
}

// ---- conditions ----

static std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& n : names) out += (out.empty() ? "" : ", ") + n;
  return out.empty() ? "nothing" : out;
}
static std::vector<std::string> names(const std::map<std::string, Tensor>& tensors) {
  std::vector<std::string> out;
  for (const auto& [name, tensor] : tensors) out.push_back(name);
  return out;
}

const Tensor* Conditions::find(const std::string& name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() || !found->second.defined() ? nullptr : &found->second;
}
const Tensor& Conditions::require(const std::string& name) const {
  const Tensor* found = find(name);
  VGEN_CHECK(found, ConfigError, "unet: the condition '", name, "' is required; given: ", joined(names(tensors_)));
  return *found;
}
void Conditions::expect_subset_of(const std::vector<std::string>& declared) const {
  for (const auto& [name, tensor] : tensors_)
    VGEN_CHECK(std::find(declared.begin(), declared.end(), name) != declared.end(), ConfigError,
               "unet: this model takes no condition '", printable(name), "'; it takes ", joined(declared), ", given ",
               joined(names(tensors_)));
}
Conditions Conditions::stack(const Conditions& first, const Conditions& second) {
  VGEN_CHECK(names(first.tensors_) == names(second.tensors_), ConfigError, "conditions: cannot stack {",
             joined(names(first.tensors_)), "} on {", joined(names(second.tensors_)), "}");
  Conditions out;
  for (const auto& [name, tensor] : first.tensors_) out.set(name, at::cat({tensor, second.tensors_.at(name)}));
  return out;
}

}  // namespace vgen::unet
