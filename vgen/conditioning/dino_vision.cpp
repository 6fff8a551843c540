#include "vgen/conditioning/dino_vision.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/upsample_bicubic2d.h>

#include "vgen/conditioning/annotator_file.hpp"
#include "vgen/conditioning/frames.hpp"
#include "vgen/conditioning/normalise.hpp"
#include "vgen/video/transforms.hpp"

namespace vgen::conditioning {

void validate(const DinoVisionOptions& o) {
  check_transformer("dino_vision", o.layers, o.width, o.heads, o.mlp);
  VGEN_CHECK(o.patch >= 1 && o.image_size >= o.patch, ConfigError, "dino_vision: image_size must be at least patch (",
             o.patch, "), got ", o.image_size);
}
static DinoVisionOptions checked(const DinoVisionOptions& options) {
  validate(options);
  return options;
}
static std::int64_t grid(const DinoVisionOptions& o) { return o.image_size / o.patch; }

std::vector<KeyPair> reference_keys(const DinoVisionOptions& o) {
  validate(o);
  const std::int64_t w = o.width;
  std::vector<KeyPair> out{{"class_token", "cls_token", {1, 1, w}},
                           {"positions", "pos_embed", {1, 1 + grid(o) * grid(o), w}},
                           {"patches", "patch_embed.proj.weight", {w, 3, o.patch, o.patch}},
                           {"patch_bias", "patch_embed.proj.bias", {w}}};
  const auto pair = [&](const std::string& ours, const std::string& theirs, std::vector<std::int64_t> shape) {
    const std::int64_t channels = shape[0];
    out.push_back({ours + ".weight", theirs + ".weight", std::move(shape)});
    out.push_back({ours + ".bias", theirs + ".bias", {channels}});
  };
  for (int i = 0; i < o.layers; ++i) {
    const std::string ours = str("transformer.blocks.", i, "."), theirs = str("blocks.", i, ".");
    pair(ours + "norm1", theirs + "norm1", {w});
    pair(ours + "to_qkv", theirs + "attn.qkv", {3 * w, w});
    pair(ours + "to_out", theirs + "attn.proj", {w, w});
    pair(ours + "norm2", theirs + "norm2", {w});
    pair(ours + "fc1", theirs + "mlp.fc1", {o.mlp, w});
    pair(ours + "fc2", theirs + "mlp.fc2", {w, o.mlp});
  }
  pair("norm", "norm", {w});
  return out;
}

DinoVision::DinoVision(const DinoVisionOptions& o)
    : options_(checked(o)),
      transformer_(o.layers, o.width, o.heads, o.mlp, /*quick_gelu=*/false, /*causal=*/false),
      norm_(o.width, 1e-6) {
  add_parameter("class_token", class_token_, at::empty({o.width}, at::kFloat));
  add_parameter("positions", positions_, at::empty({1 + grid(o) * grid(o), o.width}, at::kFloat));
  add_parameter("patches", patches_, at::empty({o.width, 3, o.patch, o.patch}, at::kFloat));
  add_parameter("patch_bias", patch_bias_, at::empty({o.width}, at::kFloat));
  add_child("transformer", transformer_);
  for (std::size_t i = 0; i < transformer_.size(); ++i) transformer_[i].norm1.eps = transformer_[i].norm2.eps = 1e-6;
  add_child("norm", norm_);
}

void DinoVision::load(const std::filesystem::path& path) {
  load_annotator(*this, read_annotator(path), reference_keys(options_), "dino", path);
}

Tensor DinoVision::forward(const Tensor& x) {
  expect_shape(x, "dino_vision", "image", {-1, 3, -1, -1});
  const std::int64_t p = options_.patch, g = grid(options_), w = options_.width, n = x.size(0);
  const std::int64_t rows = x.size(2) / p, columns = x.size(3) / p;
  VGEN_CHECK(rows >= 1 && columns >= 1, ShapeError, "dino_vision: height and width must be at least ", p, ", got ",
             x.size(2), "x", x.size(3));
  const Tensor patches = at::conv2d(x, patches_, patch_bias_, {p, p}).flatten(2).transpose(1, 2);
  Tensor place = positions_.slice(0, 1);
  if (rows * columns != g * g || x.size(2) != x.size(3)) {
    // DINO's own code stretches by (rows + 0.1) / grid: the tenth was against rounding, and shifts every position.
    const auto stretch = [&](std::int64_t side) { return (double(side) + 0.1) / double(g); };
    place = at::upsample_bicubic2d(place.view({1, g, g, w}).permute({0, 3, 1, 2}), {rows, columns},
                                   /*align_corners=*/false, stretch(rows), stretch(columns))
                .flatten(2)
                .transpose(1, 2)
                .squeeze(0);
  }
  const Tensor first = (class_token_ + positions_.select(0, 0)).expand({n, 1, w});
  return norm_.forward(transformer_.forward(at::cat({first, patches + place}, 1), transformer_.size()).select(1, 0));
}

Tensor dino_preprocess(const video::Frames& pictures, int resize, int crop) {
  VGEN_CHECK(resize >= 1 && crop >= 1, ConfigError, "dino_preprocess: resize and crop must be >= 1, got ", resize,
             " and ", crop);
  VGEN_CHECK(pictures.bytes() > 0, ShapeError, "dino_preprocess: no pixels");
  return normalise(to_frames(video::center_square(video::to_rgb(pictures), resize, crop)), imagenet_statistics);
}

}  // namespace vgen::conditioning
