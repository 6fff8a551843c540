#include "vgen/conditioning/clip_vision.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/matmul.h>

#include "vgen/conditioning/frames.hpp"
#include "vgen/conditioning/normalise.hpp"
#include "vgen/video/transforms.hpp"

namespace vgen::conditioning {

void validate(const ClipVisionOptions& o) {
  check_transformer("clip_vision", o.layers, o.width, o.heads, o.mlp);
  VGEN_CHECK(o.patch >= 1 && o.image_size >= o.patch, ConfigError, "clip_vision: image_size must be at least patch (",
             o.patch, "), got ", o.image_size);
  VGEN_CHECK(o.embed >= 1, ConfigError, "clip_vision: embed must be >= 1, got ", o.embed);
}

static ClipVisionOptions checked(const ClipVisionOptions& options) {
  validate(options);
  return options;
}
static std::int64_t tokens(const ClipVisionOptions& o) {
  return std::int64_t(o.image_size / o.patch) * (o.image_size / o.patch) + 1;
}

ClipVisionOptions ClipVisionOptions::from_open_clip(const Node& c) {
  const Node& v = c.at("vision_cfg");
  ClipVisionOptions o;
  o.image_size = static_cast<int>(v.at("image_size").as_int());
  o.patch = static_cast<int>(v.at("patch_size").as_int());
  o.width = static_cast<int>(v.at("width").as_int());
  o.layers = static_cast<int>(v.at("layers").as_int());
  o.heads = o.width / (v.find("head_width") ? static_cast<int>(v.at("head_width").as_int()) : 64);
  o.mlp = static_cast<int>((v.find("mlp_ratio") ? v.at("mlp_ratio").as_double() : 4.0) * o.width);
  o.embed = static_cast<int>(c.at("embed_dim").as_int());
  if (const Node* q = c.find("quick_gelu")) o.quick_gelu = q->as_bool();
  expect_no_layer_scale(v, "clip_vision: vision_cfg");
  validate(o);
  return o;
}

ClipVisionOptions ClipVisionOptions::from_transformers(const Node& c) {
  const auto number = [&](const char* key, int otherwise) {
    const Node* n = c.find(key);
    return n && !n->is_null() ? static_cast<int>(n->as_int()) : otherwise;
  };
  ClipVisionOptions o{.image_size = number("image_size", 224),
                      .patch = number("patch_size", 32),
                      .width = number("hidden_size", 768),
                      .heads = number("num_attention_heads", 12),
                      .layers = number("num_hidden_layers", 12),
                      .mlp = number("intermediate_size", 3072),
                      .embed = number("projection_dim", 512)};
  const Node* act = c.find("hidden_act");
  const std::string name = act && act->is_string() ? act->string : "quick_gelu";
  VGEN_CHECK(name == "gelu" || name == "quick_gelu", UnsupportedError,
             "clip_vision: config.json: hidden_act must be gelu or quick_gelu, got ", printable(name));
  o.quick_gelu = name == "quick_gelu";
  validate(o);
  return o;
}

std::vector<KeyPair> open_clip_keys(const ClipVisionOptions& o) {
  validate(o);
  const std::int64_t w = o.width;
  std::vector<KeyPair> out{{"patches", "visual.conv1.weight", {w, 3, o.patch, o.patch}},
                           {"class_token", "visual.class_embedding", {w}},
                           {"positions", "visual.positional_embedding", {tokens(o), w}},
                           {"projection", "visual.proj", {w, o.embed}},
                           {"norm_in.weight", "visual.ln_pre.weight", {w}},
                           {"norm_in.bias", "visual.ln_pre.bias", {w}}};
  add_open_clip_block_keys(out, "visual.", o.layers, w, o.mlp);
  out.push_back({"norm_out.weight", "visual.ln_post.weight", {w}});
  out.push_back({"norm_out.bias", "visual.ln_post.bias", {w}});
  return out;
}

std::vector<KeyPair> transformers_keys(const ClipVisionOptions& o) {
  validate(o);
  const std::int64_t w = o.width;
  const std::string at = "vision_model.embeddings.";
  std::vector<KeyPair> out{{"patches", at + "patch_embedding.weight", {w, 3, o.patch, o.patch}},
                           {"class_token", at + "class_embedding", {w}},
                           {"positions", at + "position_embedding.weight", {tokens(o), w}},
                           {"projection", "visual_projection.weight", {w, o.embed}},
                           {"norm_in.weight", "vision_model.pre_layrnorm.weight", {w}},  // so spelt
                           {"norm_in.bias", "vision_model.pre_layrnorm.bias", {w}}};
  add_transformers_block_keys(out, "vision_model.", o.layers, w, o.mlp);
  out.push_back({"norm_out.weight", "vision_model.post_layernorm.weight", {w}});
  out.push_back({"norm_out.bias", "vision_model.post_layernorm.bias", {w}});
  return out;
}

ClipVision::ClipVision(const ClipVisionOptions& o)
    : options_(checked(o)),
      norm_in_(o.width),
      transformer_(o.layers, o.width, o.heads, o.mlp, o.quick_gelu, /*causal=*/false),
      norm_out_(o.width) {
  add_parameter("patches", patches_, at::empty({o.width, 3, o.patch, o.patch}, at::kFloat));
  add_parameter("class_token", class_token_, at::empty({o.width}, at::kFloat));
  add_parameter("positions", positions_, at::empty({tokens(o), o.width}, at::kFloat));
  add_parameter("projection", projection_, at::empty({o.width, o.embed}, at::kFloat));
  add_child("norm_in", norm_in_);
  add_child("transformer", transformer_);
  add_child("norm_out", norm_out_);
}

Tensor ClipVision::forward(const Tensor& image) {
  expect_shape(image, "clip_vision", "image", {-1, 3, options_.image_size, options_.image_size});
  const Tensor patches =
      at::conv2d(image, patches_, {}, {options_.patch, options_.patch}).flatten(2).transpose(1, 2);  // [n, P, width]
  const Tensor first = class_token_.expand({image.size(0), 1, options_.width});
  const Tensor x = norm_in_.forward(at::cat({first, patches}, 1) + positions_);
  return at::matmul(norm_out_.forward(transformer_.forward(x, transformer_.size()).select(1, 0)), projection_);
}

Tensor clip_normalise(const Tensor& x) { return normalise(x, clip_statistics); }

Tensor clip_preprocess(const video::Frames& pictures, int image_size) {
  VGEN_CHECK(image_size >= 1, ConfigError, "clip_preprocess: image_size must be >= 1, got ", image_size);
  VGEN_CHECK(pictures.bytes() > 0, ShapeError, "clip_preprocess: no pixels");
  return clip_normalise(to_frames(video::center_square(video::to_rgb(pictures), image_size, image_size)));
}

}  // namespace vgen::conditioning
