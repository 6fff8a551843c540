#include <ATen/TensorOperators.h>
#include <ATen/ops/adaptive_avg_pool2d.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/sin.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/upsample_linear1d.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <deque>

#include "vgen/nn/dropout.hpp"
#include "vgen/nn/embedding.hpp"
#include "vgen/nn/ops.hpp"
#include "vgen/nn/transformer.hpp"
#include "vgen/unet/feature.hpp"
#include "vgen/unet/frame_mixer.hpp"

namespace vgen::unet {

Tensor FeatureInput::keep(const std::string& condition, const Tensor& contribution) const {
  const auto found = kept.find(condition);
  if (found == kept.end()) return contribution;
  std::vector<std::int64_t> shape(static_cast<std::size_t>(contribution.dim()), 1);
  shape[0] = batch;
  return contribution * found->second.to(contribution.scalar_type()).view(shape);
}

FrameMixer::FrameMixer(std::int64_t channels)
    : norm(channels),
      to_qkv(channels, 6 * channels, false),
      to_out(2 * channels, channels),
      fc1(channels, 4 * channels),
      fc2(4 * channels, channels) {
  add_child("norm", norm);
  add_child("to_qkv", to_qkv);
  add_child("to_out", to_out);
  add_child("fc1", fc1);
  add_child("fc2", fc2);
}
Tensor FrameMixer::forward(const Tensor& x, const std::optional<at::Generator>& generator) {
  constexpr double kDropout = 0.05;
  const Tensor h = x.flatten(2, 3);
  const std::vector<Tensor> qkv = to_qkv.forward(norm.forward(h)).chunk(3, -1);
  const Tensor mixed =
      to_out.forward(nn::attend_frames(qkv[0].contiguous(), qkv[1].contiguous(), qkv[2].contiguous(), 2));
  const Tensor y = h + nn::dropout(mixed, kDropout, training(), generator);
  const Tensor z = nn::dropout(at::gelu(fc1.forward(y)), kDropout, training(), generator);
  return (y + fc2.forward(z)).view(x.sizes());
}

namespace {

// The place of each frame as [F, channels]: cos and sin of pi k (f + 1/2) / F, k = 1, 2, ...; the first pair alone is
// one to one over the clip.
Tensor frame_places(std::int64_t frames, std::int64_t channels, const at::TensorOptions& like) {
  const Tensor place = at::arange(frames, like.dtype(at::kFloat)).add(0.5).mul(M_PI / static_cast<double>(frames));
  std::vector<Tensor> columns;
  for (std::int64_t k = 1; k <= channels / 2; ++k) {
    columns.push_back((place * static_cast<double>(k)).cos());
    columns.push_back((place * static_cast<double>(k)).sin());
  }
  return at::stack(columns, 1).to(like);
}
void expect_even(std::int64_t channels, const char* who) {
  VGEN_CHECK(channels >= 2 && channels % 2 == 0, ConfigError, who, ": channels must be even and >= 2, got ", channels);
}

// [N, H, W, C], averaged to height x width.
Tensor pooled(const Tensor& x, std::int64_t height, std::int64_t width) {
  if (x.size(1) == height && x.size(2) == width) return x;
  return at::adaptive_avg_pool2d(x.permute({0, 3, 1, 2}), {height, width}).permute({0, 2, 3, 1}).contiguous();
}
// A condition [B, C, F, H, W] as pictures [B F, H, W, C].
Tensor as_pictures(const Tensor& t, at::ScalarType dtype) {
  return t.permute({0, 2, 3, 4, 1}).flatten(0, 1).contiguous().to(dtype);
}
// The first frame of a latent [B, C, H, W] or [B, C, F, H, W] as [B, H, W, C].
Tensor first_frame(const Tensor& latent, const FeatureInput& in, std::int64_t channels) {
  if (latent.dim() == 5)
    expect_shape(latent, "unet", "local_image", {in.batch, channels, -1, in.height, in.width});
  else
    expect_shape(latent, "unet", "local_image", {in.batch, channels, in.height, in.width});
  const Tensor z = latent.dim() == 5 ? latent.select(2, 0) : latent;
  return z.permute({0, 2, 3, 1}).contiguous().to(in.like.dtype());
}

// ---- stem ----

class FramePositionFeature : public StemFeature {
 public:
  explicit FramePositionFeature(std::int64_t channels) : channels_(channels) {
    expect_even(channels, "frame_position");
  }
  std::string name() const override { return "frame_position"; }
  std::vector<std::string> conditions() const override { return {}; }
  std::int64_t channels() const override { return channels_; }
  Tensor concat(const FeatureInput& in) override {
    return frame_places(in.frames, channels_, in.like)
        .view({1, in.frames, 1, 1, channels_})
        .expand({in.batch, in.frames, in.height, in.width, channels_});
  }

 private:
  std::int64_t channels_;
};

// One dense map: convolution, pooling, two convolutions of stride 2, mixing over the frames.
class MapEncoder : public nn::Module {
 public:
  MapEncoder(std::int64_t in, std::int64_t out)
      : conv1(in, 4 * out), conv2(4 * out, 4 * out, {.stride = 2}), conv3(4 * out, out, {.stride = 2}), mixer(out) {
    add_child("conv1", conv1);
    add_child("conv2", conv2);
    add_child("conv3", conv3);
    add_child("mixer", mixer);
  }
  Tensor forward(const std::string& name, const Tensor& map, std::int64_t height, std::int64_t width,
                 const FeatureInput& in) {
    const Tensor pictures = as_pictures(map, c10::typeMetaToScalarType(in.like.dtype()));
    Tensor h = pooled(at::silu(conv1.forward(pictures)), height / 2, width / 2);
    h = conv3.forward(at::silu(conv2.forward(h)));
    in.seen("stem.maps." + name, h);
    h = mixer.forward(h.view({in.batch, in.frames, in.height, in.width, h.size(3)}), in.dropout);
    in.seen("stem.maps." + name + ".mixer", h);
    return h;
  }
  nn::Conv2d conv1, conv2, conv3;
  FrameMixer mixer;
};

// What pooling to half the pixels and two strides leave of a side: an eighth, rounded up.
std::int64_t encoded(std::int64_t pixels) { return (pixels / 2 + 3) / 4; }

class DenseMapsFeature : public StemFeature {
 public:
  explicit DenseMapsFeature(const DenseMaps& o) : options_(o) {
    VGEN_CHECK(o.channels >= 1 && o.width >= 2 && o.height >= 2, ConfigError,
               "dense_maps: needs channels >= 1 and a width and height >= 2, got ", o.channels, ", ", o.width, "x",
               o.height);
    for (const DenseMap& map : o.maps) add_child(map.name, encoders_.emplace_back(map.channels, o.channels));
  }
  std::string name() const override { return "maps"; }
  std::vector<std::string> conditions() const override {
    std::vector<std::string> names;
    for (const DenseMap& map : options_.maps) names.push_back(map.name);
    return names;
  }
  std::int64_t channels() const override { return options_.channels; }
  Tensor concat(const FeatureInput& in) override {
    Tensor sum;
    for (std::size_t i = 0; i < options_.maps.size(); ++i) {
      const DenseMap& map = options_.maps[i];
      const Tensor* t = in.given.find(map.name);
      if (!t) continue;
      expect_shape(*t, "unet", map.name, {in.batch, map.channels, in.frames, -1, -1});
      VGEN_CHECK(encoded(options_.height) == in.height && encoded(options_.width) == in.width, ShapeError,
                 "unet: the condition '", map.name, "' needs clips of ", options_.width, "x", options_.height,
                 ", the latent is one of ", in.width * 8, "x", in.height * 8,
                 "; set the size of the dense maps or of the clip");
      const Tensor term = in.keep(map.name, encoders_[i].forward(map.name, *t, options_.height, options_.width, in));
      sum = sum.defined() ? sum + term : term;
    }
    return sum.defined() ? sum : at::zeros({in.batch, in.frames, in.height, in.width, options_.channels}, in.like);
  }

 private:
  DenseMaps options_;
  std::deque<MapEncoder> encoders_;
};

class ImageLatentsFeature : public StemFeature {
 public:
  ImageLatentsFeature(const ImageLatents& o, const UNetOptions& unet)
      : conv1(unet.in_channels, 16),
        conv2(16, 16),
        conv3(16, unet.in_channels),
        mixer(unet.in_channels),
        channels_(unet.in_channels),
        gain_(o.gain) {
    add_child("conv1", conv1);
    add_child("conv2", conv2);
    add_child("conv3", conv3);
    add_child("mixer", mixer);
  }
  std::string name() const override { return "image_latents"; }
  std::vector<std::string> conditions() const override { return {"local_image"}; }
  std::int64_t channels() const override { return channels_; }
  Tensor concat(const FeatureInput& in) override {
    const Tensor z = first_frame(in.given.require("local_image"), in, channels_).unsqueeze(1);
    Tensor s = z;
    if (in.frames > 1) {  // the frames after the first hold their time in (0, 1]
      const Tensor time = at::arange(1, in.frames, in.like.dtype(at::kFloat)).div(static_cast<double>(in.frames - 1));
      const Tensor rest = time.to(in.like).view({1, -1, 1, 1, 1});
      s = at::cat({z, rest.expand({in.batch, in.frames - 1, in.height, in.width, channels_})}, 1);
    }
    const Tensor h = conv3.forward(at::silu(conv2.forward(at::silu(conv1.forward(s.flatten(0, 1))))));
    in.seen("stem.image_latents", h);
    const Tensor mixed = mixer.forward(h.view(s.sizes()), in.dropout);
    in.seen("stem.image_latents.mixer", mixed);
    return mixed * gain_;
  }
  nn::Conv2d conv1, conv2, conv3;
  FrameMixer mixer;

 private:
  std::int64_t channels_;
  double gain_;
};

class SpatialPriorFeature : public StemFeature {
 public:
  explicit SpatialPriorFeature(const UNetOptions& unet)
      : conv(unet.in_channels, unet.channels), channels_(unet.in_channels) {
    add_child("conv", conv);
  }
  std::string name() const override { return "spatial_prior"; }
  Tensor added(const FeatureInput& in) override {
    const Tensor& prior = in.given.require("spatial_prior");
    expect_shape(prior, "unet", "spatial_prior", {in.batch, channels_, in.height, in.width});
    const Tensor h = conv.forward(prior.permute({0, 2, 3, 1}).contiguous().to(in.like.dtype()));
    in.seen("stem.spatial_prior", h);
    return h.unsqueeze(1);
  }
  nn::Conv2d conv;

 private:
  std::int64_t channels_;
};

// ---- embeddings ----

// A feature that is one perceptron.
template <class Slot>
class MlpFeature : public Slot {
 public:
  MlpFeature(std::string name, std::int64_t in, std::int64_t hidden, std::int64_t out)
      : mlp_(in, hidden, out), name_(std::move(name)) {
    this->add_child("mlp", mlp_);
  }
  std::string name() const override { return name_; }

 protected:
  Tensor mlp(const Tensor& x) { return mlp_.forward(x.to(mlp_.fc1.weight.scalar_type())); }

 private:
  nn::EmbeddingMlp mlp_;
  std::string name_;
};

class FpsFeature : public MlpFeature<EmbeddingFeature> {
 public:
  explicit FpsFeature(std::int64_t channels)
      : MlpFeature("fps", channels, 4 * channels, 4 * channels), channels_(channels) {}
  Tensor embed(const FeatureInput& in) override {
    const Tensor* fps = in.given.find("fps");
    return fps ? mlp(nn::sinusoidal_embedding(*fps, channels_)).unsqueeze(1) : Tensor();
  }

 private:
  std::int64_t channels_;
};

class FrameTextFeature : public MlpFeature<EmbeddingFeature> {
 public:
  FrameTextFeature(std::int64_t channels, const UNetOptions& unet)
      : MlpFeature("frame_text", unet.context_channels + channels, 4 * unet.channels, 4 * unet.channels),
        channels_(channels) {
    expect_even(channels, "frame_text");
  }
  std::vector<std::string> conditions() const override { return {"text"}; }
  Tensor embed(const FeatureInput& in) override {
    const Tensor* text = in.given.find("text");
    if (!text) return {};
    const Tensor mean = text->to(in.like.dtype()).mean(1, true).expand({-1, in.frames, -1});
    const Tensor place = frame_places(in.frames, channels_, in.like).unsqueeze(0).expand({in.batch, -1, -1});
    return mlp(at::cat({mean, place}, 2));
  }

 private:
  std::int64_t channels_;
};

class MotionFeature : public MlpFeature<EmbeddingFeature> {
 public:
  explicit MotionFeature(std::int64_t channels)
      : MlpFeature("motion", channels, 4 * channels, 4 * channels), channels_(channels) {}
  Tensor embed(const FeatureInput& in) override {
    const Tensor& motion = in.given.require("motion");
    const std::int64_t values = motion.dim() == 1 ? 1 : motion.size(1);
    VGEN_CHECK(motion.size(0) == in.batch && motion.dim() <= 2 &&
                   (values == in.frames || (in.frames > 1 && values == in.frames - 1)),
               ShapeError, "unet: motion must be [", in.batch, ", ", in.frames - 1, "] (between frames) or [", in.batch,
               ", ", in.frames, "] (of each frame), got ", shape_string(motion.sizes()));
    Tensor waves = nn::sinusoidal_embedding(motion.flatten(), channels_).view({in.batch, values, channels_});
    if (values != in.frames)  // between frames: to the frames, after the sinusoids, as the model was trained
      waves = at::upsample_linear1d(waves.transpose(1, 2), {in.frames}, false).transpose(1, 2);
    return mlp(waves);
  }

 private:
  std::int64_t channels_;
};

class AppearanceFeature : public MlpFeature<EmbeddingFeature> {
 public:
  AppearanceFeature(std::int64_t frames, std::int64_t channels)
      : MlpFeature("appearance", frames, 4 * channels, 4 * channels), compared_(frames) {}
  Tensor embed(const FeatureInput& in) override {
    const Tensor& appearance = in.given.require("appearance");
    expect_shape(appearance, "unet", "appearance", {in.batch, in.frames, compared_});
    return mlp(appearance);
  }

 private:
  std::int64_t compared_;
};

// ---- context ----

class TextFeature : public ContextFeature {
 public:
  explicit TextFeature(std::int64_t channels) : channels_(channels) {}
  std::string name() const override { return "text"; }
  Tensor tokens(const FeatureInput& in) override {
    const Tensor* text = in.given.find("text");
    if (!text) return {};
    expect_shape(*text, "unet", "text", {-1, -1, channels_});
    return in.keep("text", text->unsqueeze(1));
  }

 private:
  std::int64_t channels_;
};

class ImageTokensFeature : public MlpFeature<ContextFeature> {
 public:
  ImageTokensFeature(const ImageTokens& o, const UNetOptions& unet)
      : MlpFeature("image_tokens", o.channels, o.hidden, o.count * unet.context_channels), options_(o) {
    VGEN_CHECK(o.count >= 1 && o.channels >= 1 && o.hidden >= 1, ConfigError,
               "image_tokens: count, channels and hidden must be >= 1");
  }
  std::vector<std::string> conditions() const override { return {"image"}; }
  Tensor tokens(const FeatureInput& in) override {
    const Tensor* image = in.given.find("image");
    if (!image) return {};
    if (image->dim() == 3)
      expect_shape(*image, "unet", "image", {in.batch, 1, options_.channels});
    else
      expect_shape(*image, "unet", "image", {in.batch, options_.channels});
    const Tensor h = mlp(image->reshape({in.batch, options_.channels}));
    in.seen("context.image_tokens", h);
    return in.keep("image", h.view({in.batch, 1, options_.count, -1}));
  }

 private:
  ImageTokens options_;
};

class LocalImageTokensFeature : public ContextFeature {
 public:
  static constexpr std::int64_t kGrid = 32;  // cells a side before the two strides
  explicit LocalImageTokensFeature(const UNetOptions& unet)
      : conv1(unet.in_channels, 32),
        conv2(32, 64, {.stride = 2}),
        conv3(64, unet.context_channels, {.stride = 2}),
        channels_(unet.in_channels) {
    add_child("conv1", conv1);
    add_child("conv2", conv2);
    add_child("conv3", conv3);
  }
  std::string name() const override { return "local_image_tokens"; }
  std::vector<std::string> conditions() const override { return {"local_image"}; }
  Tensor tokens(const FeatureInput& in) override {
    const Tensor z = first_frame(in.given.require("local_image"), in, channels_);
    const Tensor h = conv3.forward(at::silu(conv2.forward(pooled(at::silu(conv1.forward(z)), kGrid, kGrid))));
    in.seen("context.local_image_tokens", h);
    return h.flatten(1, 2).unsqueeze(1);
  }
  nn::Conv2d conv1, conv2, conv3;

 private:
  std::int64_t channels_;
};

class HistogramFeature : public MlpFeature<ContextFeature> {
 public:
  HistogramFeature(std::int64_t bins, const UNetOptions& unet)
      : MlpFeature("histogram", bins, 4 * unet.channels, unet.context_channels), bins_(bins) {}
  Tensor tokens(const FeatureInput& in) override {
    const Tensor* histogram = in.given.find("histogram");
    if (!histogram) return {};
    expect_shape(*histogram, "unet", "histogram", {in.batch, in.frames, bins_});
    const Tensor h = mlp(*histogram);
    in.seen("context.histogram", h);
    return in.keep("histogram", h.unsqueeze(2));
  }

 private:
  std::int64_t bins_;
};

class TextResamplerFeature : public ContextFeature {
 public:
  TextResamplerFeature(const TextResampler& o, const UNetOptions& unet)
      : input_(unet.context_channels, 4 * unet.channels), output_(4 * unet.channels, unet.context_channels) {
    const std::int64_t width = 4 * unet.channels;
    VGEN_CHECK(o.count >= 1 && o.layers >= 1 && o.heads >= 1 && width % o.heads == 0, ConfigError,
               "text_resampler: needs count >= 1, layers >= 1 and heads that divide ", width, ", got ", o.count, ", ",
               o.layers, ", ", o.heads);
    add_parameter("tokens", queries_, at::zeros({1, o.count, width}));
    for (std::int64_t i = 0; i < o.layers; ++i)
      blocks_.emplace(nn::TransformerBlock::Kind::cross, width, o.heads, width);
    add_child("blocks", blocks_);
    add_child("input", input_);
    add_child("output", output_);
  }
  std::string name() const override { return "text_resampler"; }
  std::vector<std::string> conditions() const override { return {"text"}; }
  Tensor tokens(const FeatureInput& in) override {
    nn::BlockContext ctx;
    ctx.context = input_.forward(in.given.require("text").to(in.like.dtype())).unsqueeze(1);
    Tensor h = queries_.expand({in.batch, -1, -1}).unsqueeze(1);
    for (auto& block : blocks_) h = block->forward(h, ctx);
    h = output_.forward(h);
    in.seen("context.text_resampler", h);
    return h;
  }

 private:
  Tensor queries_;
  nn::ModuleList<nn::TransformerBlock> blocks_;
  nn::Linear input_, output_;
};

struct Make {
  const UNetOptions& unet;
  std::unique_ptr<StemFeature> operator()(const FramePosition& o) const {
    return std::make_unique<FramePositionFeature>(o.channels);
  }
  std::unique_ptr<StemFeature> operator()(const DenseMaps& o) const { return std::make_unique<DenseMapsFeature>(o); }
  std::unique_ptr<StemFeature> operator()(const ImageLatents& o) const {
    return std::make_unique<ImageLatentsFeature>(o, unet);
  }
  std::unique_ptr<StemFeature> operator()(const SpatialPrior&) const {
    return std::make_unique<SpatialPriorFeature>(unet);
  }
  std::unique_ptr<EmbeddingFeature> operator()(const Fps&) const { return std::make_unique<FpsFeature>(unet.channels); }
  std::unique_ptr<EmbeddingFeature> operator()(const FrameText& o) const {
    return std::make_unique<FrameTextFeature>(o.channels, unet);
  }
  std::unique_ptr<EmbeddingFeature> operator()(const Motion&) const {
    return std::make_unique<MotionFeature>(unet.channels);
  }
  std::unique_ptr<EmbeddingFeature> operator()(const Appearance& o) const {
    return std::make_unique<AppearanceFeature>(o.frames, unet.channels);
  }
  std::unique_ptr<ContextFeature> operator()(const Text&) const {
    return std::make_unique<TextFeature>(unet.context_channels);
  }
  std::unique_ptr<ContextFeature> operator()(const ImageTokens& o) const {
    return std::make_unique<ImageTokensFeature>(o, unet);
  }
  std::unique_ptr<ContextFeature> operator()(const LocalImageTokens&) const {
    return std::make_unique<LocalImageTokensFeature>(unet);
  }
  std::unique_ptr<ContextFeature> operator()(const Histogram& o) const {
    return std::make_unique<HistogramFeature>(o.bins, unet);
  }
  std::unique_ptr<ContextFeature> operator()(const TextResampler& o) const {
    return std::make_unique<TextResamplerFeature>(o, unet);
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
