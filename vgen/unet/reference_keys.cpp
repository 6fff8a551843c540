// Our parameter names by role -> the reference's and diffusers' names. Computed from the options, segment by segment.
#include <algorithm>
#include <array>
#include <map>

#include "vgen/unet/unet.hpp"

namespace vgen::unet {
namespace {

std::vector<std::string> split(const std::string& name) {
  std::vector<std::string> parts(1);
  for (const char c : name) {
    if (c == '.')
      parts.emplace_back();
    else
      parts.back() += c;
  }
  return parts;
}
std::string join(const std::vector<std::string>& parts, std::size_t from) {
  std::string out;
  for (std::size_t i = from; i < parts.size(); ++i) out += "." + parts[i];
  return out;
}
void replace(std::string& text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  if (at != std::string::npos && (at + from.size() == text.size() || text[at + from.size()] == '.'))
    text.replace(at, from.size(), to);
}

// Inside a transformer block, and inside a transformer: the same in both layouts.
std::string block_rest(std::string rest) {
  replace(rest, ".to_out", ".to_out.0");
  replace(rest, ".ff.proj", ".ff.net.0.proj");
  replace(rest, ".ff.out", ".ff.net.2");
  return rest;
}
std::string transformer_rest(std::string rest) {
  replace(rest, ".block", ".transformer_blocks.0");
  return block_rest(rest);
}

// Stage of the temporal convolution: its convolution stands behind norm and SiLU, from the second stage on also behind
// a dropout.
std::string temporal_stage(const std::vector<std::string>& p, std::size_t i) {  // p[i] = "0".."3", p[i+1] = norm | conv
  return "conv" + std::to_string(std::stoi(p[i]) + 1) +
         (p[i + 1] == "norm" ? ".0"
          : p[i] == "0"      ? ".2"
                             : ".3") +
         join(p, i + 2);
}

std::string reference_res(const std::vector<std::string>& p, std::size_t i) {
  static const std::map<std::string, std::string> names = {{"norm1", "in_layers.0"},  {"conv1", "in_layers.2"},
                                                           {"emb", "emb_layers.1"},   {"norm2", "out_layers.0"},
                                                           {"conv2", "out_layers.3"}, {"skip", "skip_connection"}};
  if (i >= p.size()) return "";
  if (p[i] == "temporal") return "." + ("temopral_conv." + temporal_stage(p, i + 1));
  return "." + names.at(p[i]) + join(p, i + 1);
}

bool ends_with_attention(std::int64_t up, const UNetOptions& o) {
  const std::int64_t level = static_cast<std::int64_t>(o.levels.size()) - 1 - up / (o.blocks_per_level + 1);
  return o.levels[static_cast<std::size_t>(level)].attention;
}

// ---- features ----

// Layers of a feature by role -> the reference's indices. A FrameMixer lies beside the convolutions, not among them.
std::string mixer_rest(const std::vector<std::string>& p, std::size_t i) {
  static const std::map<std::string, std::string> names = {{"norm", "layers.0.0.norm"},
                                                           {"to_qkv", "layers.0.0.fn.to_qkv"},
                                                           {"to_out", "layers.0.0.fn.to_out.0"},
                                                           {"fc1", "layers.0.1.net.0.0"},
                                                           {"fc2", "layers.0.1.net.2"}};
  return i >= p.size() ? "" : "." + names.at(p[i]) + join(p, i + 1);
}
std::string convolution(const std::vector<std::string>& p, std::size_t i, const std::array<const char*, 3>& indices) {
  if (i >= p.size()) return "";
  return std::string(".") + indices[static_cast<std::size_t>(p[i].back() - '1')] + join(p, i + 1);
}
std::string perceptron(const std::vector<std::string>& p, std::size_t i) {  // p[i] = fc1 | fc2
  if (i >= p.size()) return "";
  return (p[i] == "fc1" ? ".0" : ".2") + join(p, i + 1);
}
constexpr std::array<const char*, 3> kPooled = {"0", "3", "5"}, kPlain = {"0", "2", "4"};

// "stem.maps.depth.conv1.weight" -> "depth_embedding.0.weight"; "" if the reference has no such feature.
std::string reference_feature(const std::vector<std::string>& p, const UNetOptions& o) {
  static const std::map<std::string, std::pair<const char*, const char*>> maps = {
      {"depth", {"depth_embedding", "depth_embedding_after"}},
      {"motion", {"motion_embedding", "motion_embedding_after"}},
      {"canny", {"canny_embedding", "canny_embedding_after"}},
      {"masked", {"masked_embedding", "mask_embedding_after"}},  // so spelt
      {"sketch", {"sketch_embedding", "sketch_embedding_after"}},
      {"single_sketch", {"single_sketch_embedding", "single_sketch_embedding_after"}},
      {"local_image", {"local_image_embedding", "local_image_embedding_after"}}};
  const std::string& feature = p[1];
  if (p[0] == "embedding") {
    static const std::map<std::string, std::string> names = {
        {"fps", "fps_embedding"}, {"motion", "msim_embedding"}, {"appearance", "asim_embedding"}};
    const auto found = names.find(feature);
    if (found == names.end()) return "";
    return found->second + perceptron(p, 3);
  }
  if (p[0] == "stem") {
    if (feature == "spatial_prior") return "img_embedding" + join(p, 3);
    if (feature == "image_latents")
      return p.size() > 2 && p[2] == "mixer" ? "local_temporal_encoder" + mixer_rest(p, 3)
                                             : "local_image_concat" + convolution(p, 2, kPlain);
    if (feature != "maps" || p.size() < 3 || !maps.contains(p[2])) return "";
    const auto& [map, mixer] = maps.at(p[2]);
    return p.size() > 3 && p[3] == "mixer" ? mixer + mixer_rest(p, 4) : map + convolution(p, 3, kPooled);
  }
  if (feature == "image_tokens") {
    const bool with_latents =
        std::ranges::any_of(o.context, [](const auto& f) { return std::holds_alternative<LocalImageTokens>(f); });
    const std::string base = with_latents ? "context_embedding" : "pre_image_condition";
    return base + perceptron(p, 3);
  }
  if (feature == "histogram") return "hist_context_embedding" + perceptron(p, 3);
  if (feature == "local_image_tokens") return "local_image_embedding" + convolution(p, 2, kPooled);
  if (feature == "text_resampler") {
    if (p.size() == 2) return "context_embedding";
    if (p[2] == "blocks") return "context_embedding.context_transformer." + p[3] + block_rest(join(p, 4));
    return "context_embedding." + (p[2] == "tokens" ? p[2] : p[2] + "_mapping") + join(p, 3);
  }
  return "";
}

// Place of a parameter among the reference's, which registers the features in this order, before the trunk.
std::size_t reference_rank(const std::string& ours) {
  static const char* order[] = {"time_embed.",
                                "context.image_tokens.",
                                "stem.maps.depth.",
                                "stem.maps.motion.",
                                "stem.maps.canny.",
                                "stem.maps.masked.",
                                "stem.maps.sketch.",
                                "stem.maps.single_sketch.",
                                "stem.maps.local_image.",
                                "context.histogram.",
                                "embedding.fps.",
                                "context.text_resampler.",
                                "stem.image_latents.",
                                "context.local_image_tokens.",
                                "embedding.appearance.",
                                "embedding.motion.",
                                "stem.spatial_prior."};
  const auto found = std::ranges::find_if(order, [&](const char* prefix) { return ours.starts_with(prefix); });
  return static_cast<std::size_t>(found - std::begin(order));
}

// Where an entry of the way down (without the stem) or up lies in diffusers: block and position in it.
struct Position {
  std::int64_t block, index;
};
Position diffusers_position(std::int64_t n, std::int64_t per_block) { return {n / per_block, n % per_block}; }

}  // namespace

std::string reference_name(const std::string& ours, const UNetOptions& o) {
  const auto p = split(ours);
  const auto mlp = [&](const std::string& to, std::size_t i) {
    return i >= p.size() ? to : to + (p[i] == "fc1" ? ".0" : ".2") + join(p, i + 1);
  };
  if (p[0] == "time_embed") return mlp("time_embed", 1);
  if (p.size() >= 2 && (p[0] == "embedding" || p[0] == "stem" || p[0] == "context"))
    if (const std::string theirs = reference_feature(p, o); !theirs.empty()) return theirs;
  if (p[0] == "head") return (p[1] == "norm" ? "out.0" : "out.2") + join(p, 2);
  if (p[0] == "mid") {
    static const std::map<std::string, std::string> place = {
        {"res1", "0"}, {"spatial", "1"}, {"temporal", "2"}, {"res2", "3"}};
    const std::string base = "middle_block." + place.at(p[1]);
    return base + (p[1].starts_with("res") ? reference_res(p, 2) : transformer_rest(join(p, 2)));
  }
  if (p[0] == "down" || p[0] == "up") {
    const std::string base = (p[0] == "down" ? "input_blocks." : "output_blocks.") + p[1];
    if (p[1] == "0" && p[0] == "down")
      return p[2] == "conv" ? base + ".0" + join(p, 3) : base + ".1" + transformer_rest(join(p, 3));
    if (p[2] == "res") return base + ".0" + reference_res(p, 3);
    if (p[2] == "spatial") return base + ".1" + transformer_rest(join(p, 3));
    if (p[2] == "temporal") return base + ".2" + transformer_rest(join(p, 3));
    if (p[2] == "downsample") return p.size() == 3 ? base : base + ".op" + join(p, 3);
    const std::string place = ends_with_attention(std::stoll(p[1]), o) ? ".3" : ".1";
    return p.size() == 3 ? base + place : base + place + ".conv" + join(p, 3);
  }
  throw ConfigError(str("unet: no reference name for '", printable(ours), "'"));
}

std::vector<KeyPair> reference_keys(UNet& unet) {
  std::vector<KeyPair> pairs;
  unet.each_parameter([&](const std::string& ours, Tensor& value) {
    const std::string theirs = reference_name(ours, unet.options());
    std::vector<std::int64_t> shape = value.sizes().vec();
    if (theirs.find("temopral_conv") != std::string::npos && shape.size() == 4) shape.push_back(1);  // Conv3d (3,1,1)
    const bool temporal_transformer = ours.find(".temporal.proj_") != std::string::npos;
    if (temporal_transformer && shape.size() == 2) shape.push_back(1);      // Conv1d
    if (ours.ends_with(".skip.weight")) shape.insert(shape.end(), {1, 1});  // Conv2d 1x1
    pairs.push_back({ours, theirs, shape});
  });
  std::ranges::stable_sort(pairs, {}, [](const KeyPair& pair) { return reference_rank(pair.ours); });
  return pairs;
}

// Features of I2VGen-XL in diffusers' I2VGenXLUNet; "" if it has none of that name. Without ".weight" of the mixer's
// to_qkv, which diffusers keeps as three.
static std::string diffusers_feature(const std::vector<std::string>& p) {
  static const std::map<std::string, std::string> mixer = {{"norm", "norm1"},
                                                           {"to_qkv", "attn1"},
                                                           {"to_out", "attn1.to_out.0"},
                                                           {"fc1", "ff.net.0.proj"},
                                                           {"fc2", "ff.net.2"}};
  if (p[1] == "image_latents" && p[2] == "mixer")
    return "image_latents_temporal_encoder." + mixer.at(p[3]) + (p[3] == "to_qkv" ? "" : join(p, 4));
  if (p[1] == "image_latents") return "image_latents_proj_in" + convolution(p, 2, kPlain);
  if (p[1] == "local_image_tokens") return "image_latents_context_embedding" + convolution(p, 2, kPooled);
  if (p[1] == "image_tokens") return "context_embedding" + perceptron(p, 3);
  if (p[1] == "fps") return "fps_embedding" + perceptron(p, 3);
  return "";
}

// diffusers has one class for the bare trunk and one for I2VGen-XL.
static bool is_i2vgen_xl(const UNetOptions& o) {
  return o.stem.size() == 1 && std::holds_alternative<ImageLatents>(o.stem[0]) && o.embeddings.size() == 1 &&
         std::holds_alternative<Fps>(o.embeddings[0]) && o.context.size() == 3 &&
         std::holds_alternative<LocalImageTokens>(o.context[1]) && std::holds_alternative<ImageTokens>(o.context[2]);
}

std::vector<KeyPair> diffusers_keys(UNet& unet) {
  const UNetOptions& o = unet.options();
  const std::int64_t n = o.blocks_per_level;
  const auto res = [](const std::string& base, std::int64_t index, const std::vector<std::string>& p, std::size_t i) {
    static const std::map<std::string, std::string> names = {{"norm1", "norm1"},       {"conv1", "conv1"},
                                                             {"emb", "time_emb_proj"}, {"norm2", "norm2"},
                                                             {"conv2", "conv2"},       {"skip", "conv_shortcut"}};
    const std::string at = std::to_string(index);
    if (p[i] == "temporal") return base + ".temp_convs." + at + "." + temporal_stage(p, i + 1);
    return base + ".resnets." + at + "." + names.at(p[i]) + join(p, i + 1);
  };
  const auto translate = [&](const std::string& ours) -> std::string {
    const auto p = split(ours);
    if (p[0] == "time_embed") return std::string("time_embedding.linear_") + (p[1] == "fc1" ? "1" : "2") + join(p, 2);
    if (p[0] == "head") return (p[1] == "norm" ? "conv_norm_out" : "conv_out") + join(p, 2);
    if (p[0] == "mid") {
      if (p[1] == "spatial") return "mid_block.attentions.0" + transformer_rest(join(p, 2));
      if (p[1] == "temporal") return "mid_block.temp_attentions.0" + transformer_rest(join(p, 2));
      return res("mid_block", p[1] == "res1" ? 0 : 1, p, 2);
    }
    if (p[0] == "down" && p[1] == "0")
      return p[2] == "conv" ? "conv_in" + join(p, 3) : "transformer_in" + transformer_rest(join(p, 3));
    if (p[0] == "down" || p[0] == "up") {
      const bool down = p[0] == "down";
      const Position at = diffusers_position(std::stoll(p[1]) - (down ? 1 : 0),
                                             n + 1);  // n blocks and the downsampling, or n + 1 blocks
      const std::string base = (down ? "down_blocks." : "up_blocks.") + std::to_string(at.block);
      if (p[2] == "res") return res(base, at.index, p, 3);
      if (p[2] == "spatial") return base + ".attentions." + std::to_string(at.index) + transformer_rest(join(p, 3));
      if (p[2] == "temporal")
        return base + ".temp_attentions." + std::to_string(at.index) + transformer_rest(join(p, 3));
      return base + (down ? ".downsamplers.0.conv" : ".upsamplers.0.conv") + join(p, 3);
    }
    if (is_i2vgen_xl(o) && p.size() >= 3)
      if (std::string theirs = diffusers_feature(p); !theirs.empty()) return theirs;
    throw ConfigError(str("unet: diffusers' UNet3DConditionModel has no counterpart of '", printable(ours), "'"));
  };
  std::vector<KeyPair> pairs;
  unet.each_parameter([&](const std::string& ours, Tensor& value) {
    const std::string theirs = translate(ours);
    std::vector<std::int64_t> shape = value.sizes().vec();
    if (theirs.find(".temp_convs.") != std::string::npos && shape.size() == 4) shape.push_back(1);
    if (ours.ends_with(".skip.weight")) shape.insert(shape.end(), {1, 1});
    if (ours.ends_with("mixer.to_qkv.weight")) {  // three tensors there, whose rows follow one another here
      shape[0] /= 3;
      for (const char* part : {".to_q.weight", ".to_k.weight", ".to_v.weight"})
        pairs.push_back({ours, theirs + part, shape});
      return;
    }
    pairs.push_back({ours, theirs, shape});
  });
  return pairs;
}

}  // namespace vgen::unet
