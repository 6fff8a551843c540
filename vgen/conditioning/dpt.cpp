#include "vgen/conditioning/dpt.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/clamp.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/relu.h>

#include "vgen/conditioning/annotator_file.hpp"
#include "vgen/conditioning/frames.hpp"

namespace vgen::conditioning {

void validate(const DptDepthOptions& o) {
  check_transformer("dpt_depth", o.layers, o.width, o.heads, 4 * o.width);
  VGEN_CHECK(o.layers % 4 == 0, ConfigError, "dpt_depth: layers must be a multiple of 4, got ", o.layers);
  VGEN_CHECK(o.patch == 16, ConfigError, "dpt_depth: patch must be 16, got ", o.patch);
  VGEN_CHECK(o.image_size >= o.patch, ConfigError, "dpt_depth: image_size must be at least patch (", o.patch, "), got ",
             o.image_size);
  VGEN_CHECK(o.neck.size() == 4, ConfigError, "dpt_depth: neck must have 4 numbers, got ", o.neck.size());
  for (const int c : o.neck) VGEN_CHECK(c >= 1, ConfigError, "dpt_depth: neck must be positive, got ", c);
  VGEN_CHECK(o.fusion >= 2 && o.fusion % 2 == 0, ConfigError, "dpt_depth: fusion must be even and positive, got ",
             o.fusion);
}
static DptDepthOptions checked(const DptDepthOptions& options) {
  validate(options);
  return options;
}
static std::int64_t tokens(const DptDepthOptions& o) {
  return std::int64_t(o.image_size / o.patch) * (o.image_size / o.patch) + 1;
}

std::vector<KeyPair> reference_keys(const DptDepthOptions& o) {
  validate(o);
  const std::int64_t w = o.width, f = o.fusion;
  std::vector<KeyPair> out;
  const auto pair = [&](const std::string& ours, const std::string& theirs, std::vector<std::int64_t> shape,
                        bool bias = true) {
    const std::int64_t channels = theirs == "head.4" ? 1 : shape[0];  // stored as a transposed 1x1 convolution
    out.push_back({ours + ".weight", theirs + ".weight", std::move(shape)});
    if (bias) out.push_back({ours + ".bias", theirs + ".bias", {channels}});
  };
  out.push_back({"class_token", "cls_embedding", {1, 1, w}});
  out.push_back({"positions", "pos_embedding", {1, tokens(o), w}});
  pair("patches", "patch_embedding", {w, 3, o.patch, o.patch});
  for (int i = 0; i < o.layers; ++i) {
    const std::string ours = str("transformer.blocks.", i, "."), theirs = str("blocks.", i, ".");
    pair(ours + "norm1", theirs + "norm1", {w});
    pair(ours + "to_qkv", theirs + "attn.to_qkv", {3 * w, w});
    pair(ours + "to_out", theirs + "attn.proj", {w, w});
    pair(ours + "norm2", theirs + "norm2", {w});
    pair(ours + "fc1", theirs + "mlp.0", {4 * w, w});
    pair(ours + "fc2", theirs + "mlp.2", {w, 4 * w});
  }
  for (int i = 0; i < 4; ++i) {
    const std::string ours = str("necks.", i, "."), fused = str("fusions.", i, "."), n = str(i + 1);
    const std::int64_t c = o.neck[std::size_t(i)], side = std::array{4, 2, 0, 3}[std::size_t(i)];
    pair(ours + "readout", "fc" + n + ".0", {w, 2 * w});
    pair(ours + "project", "conv" + n + ".0", {c, w, 1, 1});
    if (side) pair(ours + "resample", "conv" + n + ".1", {c, c, side, side});
    pair(ours + "out", "conv" + n + (side ? ".2" : ".1"), {f, c, 3, 3}, false);
    for (const char* layer : {"1", "2"})
      for (const auto& [conv, index] : {std::pair{"conv1", "1"}, std::pair{"conv2", "3"}})
        pair(fused + "unit" + layer + "." + conv, "fusion" + n + ".layer" + layer + ".residual." + index, {f, f, 3, 3});
    pair(fused + "out", "fusion" + n + ".conv_out", {f, f, 1, 1});
  }
  pair("head.0", "head.0", {f / 2, f, 3, 3});
  pair("head.1", "head.2", {32, f / 2, 3, 3});
  pair("head.2", "head.4", {32, 1, 1, 1});
  return out;
}

// The tokens of one tap as an image: class token mixed into every patch, then resampled to this tap's stride.
struct DptDepth::Neck : nn::Module {
  nn::Linear readout;
  Convolution project, out;
  std::unique_ptr<Convolution> resample;
  Neck(std::int64_t width, std::int64_t channels, std::int64_t fusion, int level)
      : readout(2 * width, width),
        project(width, channels, {.kernel = 1, .pad = 0}),
        out(channels, fusion, {.bias = false}) {
    add_child("readout", readout);
    add_child("project", project);
    if (level != 2)
      resample = std::make_unique<Convolution>(
          channels, channels,
          level == 3 ? ConvolutionOptions{.stride = 2}
                     : ConvolutionOptions{.kernel = 4 >> level, .stride = 4 >> level, .pad = 0, .transposed = true});
    if (resample) add_child("resample", *resample);
    add_child("out", out);
  }
  Tensor forward(const Tensor& tokens, std::int64_t rows, std::int64_t columns) {
    const Tensor patches = tokens.slice(1, 1);
    const Tensor x = at::gelu(readout.forward(at::cat({patches, tokens.slice(1, 0, 1).expand_as(patches)}, -1)));
    const Tensor image = project.forward(x.view({x.size(0), rows, columns, x.size(2)}).permute({0, 3, 1, 2}));
    return out.forward(resample ? resample->forward(image) : image);
  }
};

namespace {
struct ResidualUnit : nn::Module {  // x + conv2(relu(conv1(relu(x))))
  Convolution conv1, conv2;
  explicit ResidualUnit(std::int64_t channels) : conv1(channels, channels), conv2(channels, channels) {
    add_child("conv1", conv1);
    add_child("conv2", conv2);
  }
  Tensor forward(const Tensor& x) { return x + conv2.forward(at::relu(conv1.forward(at::relu(x)))); }
};
}  // namespace

struct DptDepth::Fusion : nn::Module {
  ResidualUnit unit1, unit2;  // unit1 has weights at the deepest level too, where nothing is added
  Convolution out;
  explicit Fusion(std::int64_t channels)
      : unit1(channels), unit2(channels), out(channels, channels, {.kernel = 1, .pad = 0}) {
    add_child("unit1", unit1);
    add_child("unit2", unit2);
    add_child("out", out);
  }
  Tensor forward(const Tensor& skip, const Tensor& deeper) {
    const Tensor y = unit2.forward(deeper.defined() ? deeper + unit1.forward(skip) : skip);
    return out.forward(resize_bilinear(y, 2 * y.size(2), 2 * y.size(3), /*align_corners=*/true));
  }
};

DptDepth::~DptDepth() = default;
DptDepth::DptDepth(const DptDepthOptions& o)
    : options_(checked(o)),
      patches_(3, o.width, {.kernel = o.patch, .stride = o.patch, .pad = 0}),
      transformer_(o.layers, o.width, o.heads, 4 * o.width, /*quick_gelu=*/false, /*causal=*/false),
      head_in_(o.fusion, o.fusion / 2),
      head_mid_(o.fusion / 2, 32),
      head_out_(32, 1, {.kernel = 1, .pad = 0}) {
  add_parameter("class_token", class_token_, at::empty({o.width}, at::kFloat));
  add_parameter("positions", positions_, at::empty({tokens(o), o.width}, at::kFloat));
  add_child("patches", patches_);
  add_child("transformer", transformer_);
  for (int i = 0; i < 4; ++i) {
    necks_[std::size_t(i)] = std::make_unique<Neck>(o.width, o.neck[std::size_t(i)], o.fusion, i);
    fusions_[std::size_t(i)] = std::make_unique<Fusion>(o.fusion);
  }
  for (int i = 0; i < 4; ++i) add_child(str("necks.", i), *necks_[std::size_t(i)]);
  for (int i = 0; i < 4; ++i) add_child(str("fusions.", i), *fusions_[std::size_t(i)]);
  add_child("head.0", head_in_);
  add_child("head.1", head_mid_);
  add_child("head.2", head_out_);
}

void DptDepth::load(const std::filesystem::path& path) {
  load_annotator(*this, read_annotator(path), reference_keys(options_), "depth", path);
}

Tensor DptDepth::forward(const Tensor& x) {
  expect_shape(x, "depth", "picture", {-1, 3, -1, -1});
  const std::int64_t multiple = 2 * options_.patch;
  VGEN_CHECK(x.size(2) % multiple == 0 && x.size(3) % multiple == 0 && x.numel() > 0, ShapeError,
             "depth: height and width must be multiples of ", multiple, ", got ", x.size(2), "x", x.size(3),
             "; resize the frames first");
  const std::int64_t n = x.size(0), rows = x.size(2) / options_.patch, columns = x.size(3) / options_.patch;
  const std::int64_t grid = options_.image_size / options_.patch, w = options_.width;
  const Tensor patches = patches_.forward(x).flatten(2).transpose(1, 2);
  Tensor place = positions_.slice(0, 1);
  if (rows != grid || columns != grid)
    place = resize_bilinear(place.view({1, grid, grid, w}).permute({0, 3, 1, 2}), rows, columns,
                            /*align_corners=*/false)
                .flatten(2)
                .transpose(1, 2)
                .squeeze(0);
  const Tensor first = (class_token_ + positions_.select(0, 0)).expand({n, 1, w});
  Tensor h = at::cat({first, patches + place}, 1);
  std::array<Tensor, 4> taps;
  const std::size_t each = transformer_.size() / 4;
  for (std::size_t i = 0; i < transformer_.size(); ++i) {
    h = transformer_[i].forward(h);
    if ((i + 1) % each == 0) taps[i / each] = necks_[i / each]->forward(h, rows, columns);
  }
  Tensor y;
  for (std::size_t i = 4; i-- > 0;) y = fusions_[i]->forward(taps[i], y);
  y = head_in_.forward(y);
  y = at::relu(head_mid_.forward(resize_bilinear(y, 2 * y.size(2), 2 * y.size(3), /*align_corners=*/true)));
  return at::relu(head_out_.forward(y));
}

Tensor DptDepth::condition(const Tensor& frames, std::int64_t at_once) {
  expect_frames(frames, "depth");
  const at::NoGradGuard no_grad;
  return in_parts(frames, at_once, [&](const Tensor& x) { return depth_condition(forward(x * 2 - 1)); });
}

Tensor depth_condition(const Tensor& depth) { return at::clamp(depth / 20, 0, 10); }

}  // namespace vgen::conditioning
