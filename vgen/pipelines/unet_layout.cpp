#include "vgen/pipelines/unet_layout.hpp"

#include <algorithm>
#include <numeric>
#include <set>

#include "vgen/pipelines/part_view.hpp"
#include "vgen/pipelines/system.hpp"

namespace vgen::pipelines {
namespace {

// ---- features ----

// A tensor that only this feature has, in each layout ("" where the layout has no place for it), and how the sizes of
// the feature are read. The rows stand in the order of the presets' lists, so that what is read is what was written.
struct Signature {
  const char *vgen, *reference, *diffusers;
  void (*read)(const PartView& v, const std::string& tensor, unet::UNetOptions& o);
  const char* unless = "";  // a tensor of another feature, in whose presence the name is that one's
};

// `tensor` is the first layer of two.
void read_image_tokens(const PartView& v, const std::string& tensor, unet::UNetOptions& o) {
  std::string second = tensor;
  const std::string_view layer = v.layout() == Layout::vgen ? "fc1" : ".0.";
  second.replace(second.rfind(layer), layer.size(), v.layout() == Layout::vgen ? "fc2" : ".2.");
  o.context.push_back(unet::ImageTokens{
      .count = v.size(second, 0) / o.context_channels, .channels = v.size(tensor, 1), .hidden = v.size(tensor, 0)});
}

constexpr Signature signatures[] = {
    {"stem.image_latents.conv1.weight", "local_image_concat.0.weight", "image_latents_proj_in.0.weight",
     [](const PartView& v, const std::string&, unet::UNetOptions& o) {
       // diffusers' class adds once what the released network was trained with twice.
       o.stem.push_back(unet::ImageLatents{.gain = v.layout() == Layout::diffusers ? 1.0 : unet::ImageLatents{}.gain});
       o.in_channels /= 2;
     }},
    {"stem.spatial_prior.conv.weight", "img_embedding.weight", "",
     [](const PartView&, const std::string&, unet::UNetOptions& o) { o.stem.push_back(unet::SpatialPrior{}); }},
    {"embedding.fps.mlp.fc1.weight", "fps_embedding.0.weight", "fps_embedding.0.weight",
     [](const PartView&, const std::string&, unet::UNetOptions& o) { o.embeddings.push_back(unet::Fps{}); }},
    {"embedding.frame_text.mlp.fc1.weight", "", "",
     [](const PartView& v, const std::string& tensor, unet::UNetOptions& o) {
       o.embeddings.push_back(unet::FrameText{v.size(tensor, 1) - o.context_channels});
     }},
    {"embedding.motion.mlp.fc1.weight", "msim_embedding.0.weight", "",
     [](const PartView&, const std::string&, unet::UNetOptions& o) { o.embeddings.push_back(unet::Motion{}); }},
    {"embedding.appearance.mlp.fc1.weight", "asim_embedding.0.weight", "",
     [](const PartView& v, const std::string& tensor, unet::UNetOptions& o) {
       o.embeddings.push_back(unet::Appearance{v.size(tensor, 1)});
     }},
    {"context.text_resampler.tokens", "context_embedding.tokens", "",
     [](const PartView& v, const std::string& tensor, unet::UNetOptions& o) {
       const std::string blocks =
           v.pick("context.text_resampler.blocks.", "context_embedding.context_transformer.", "");
       o.context = {unet::TextResampler{.count = v.size(tensor, 1), .layers = v.count(blocks, ".norm1.weight")}};
     }},
    {"context.local_image_tokens.conv1.weight", "local_image_embedding.0.weight",
     "image_latents_context_embedding.0.weight",
     [](const PartView&, const std::string&, unet::UNetOptions& o) { o.context.push_back(unet::LocalImageTokens{}); },
     "local_image_embedding_after.layers.0.0.norm.weight"},
    {"context.image_tokens.mlp.fc1.weight", "context_embedding.0.weight", "context_embedding.0.weight",
     read_image_tokens},
    {"", "pre_image_condition.0.weight", "", read_image_tokens},
    {"context.histogram.mlp.fc1.weight", "hist_context_embedding.0.weight", "",
     [](const PartView& v, const std::string& tensor, unet::UNetOptions& o) {
       o.context.push_back(unet::Histogram{v.size(tensor, 1)});
     }},
};

// VideoComposer's maps, in the order of their summation: the reference's names of the first convolution and of the
// mixer.
struct MapSignature {
  const char *name, *convolution, *mixer;
};
constexpr MapSignature map_signatures[] = {
    {"depth", "depth_embedding", "depth_embedding_after"},
    {"local_image", "local_image_embedding", "local_image_embedding_after"},
    {"motion", "motion_embedding", "motion_embedding_after"},
    {"canny", "canny_embedding", "canny_embedding_after"},
    {"sketch", "sketch_embedding", "sketch_embedding_after"},
    {"single_sketch", "single_sketch_embedding", "single_sketch_embedding_after"},
    {"masked", "masked_embedding", "mask_embedding_after"},
};

void read_maps(const PartView& v, unet::UNetOptions& o) {
  unet::DenseMaps dense;
  for (const MapSignature& map : map_signatures) {
    const std::string ours = str("stem.maps.", map.name);
    const std::string mixer = v.pick(ours + ".mixer.norm.weight", str(map.mixer, ".layers.0.0.norm.weight"), "");
    if (!v.has(mixer)) continue;
    const std::string convolution = v.pick(ours + ".conv1.weight", str(map.convolution, ".0.weight"), "");
    dense.channels = v.size(mixer, 0);
    dense.maps.push_back({map.name, v.size(convolution, 1)});
  }
  // The reference's network keeps the channels of its maps where it has no map (VideoLCM and TF-T2V from text alone).
  if (dense.maps.empty()) {
    if (v.layout() != Layout::reference || o.in_channels <= o.out_channels) return;
    dense.channels = o.in_channels - o.out_channels;
  }
  VGEN_CHECK(o.in_channels > dense.channels, WeightsError, "unet: its first convolution takes ", o.in_channels,
             " channels, its maps alone have ", dense.channels);
  o.in_channels -= dense.channels;
  o.stem.push_back(std::move(dense));
}

void read_features(const PartView& v, unet::UNetOptions& o) {
  for (const Signature& each : signatures) {
    const std::string tensor = v.pick(each.vgen, each.reference, each.diffusers);
    if (tensor.empty() || !v.has(tensor) || v.has(each.unless)) continue;
    each.read(v, tensor, o);
  }
  if (o.stem.empty()) read_maps(v, o);
}

}  // namespace

// ---- trunk ----

unet::UNetOptions unet_options(const PartView& v) {
  unet::UNetOptions o;
  const std::string stem = v.pick("down.0.conv.weight", "input_blocks.0.0.weight", "conv_in.weight"),
                    proj = v.pick("down.0.temporal.proj_in.weight", "input_blocks.0.1.proj_in.weight",
                                  "transformer_in.proj_in.weight"),
                    context = v.pick("mid.spatial.block.attn2.to_k.weight",
                                     "middle_block.1.transformer_blocks.0.attn2.to_k.weight",
                                     "mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight"),
                    out = v.pick("head.conv.weight", "out.2.weight", "conv_out.weight");
  o.channels = v.size(stem, 0);
  o.in_channels = v.size(stem, 1);  // with what features put beside the latent
  o.out_channels = v.size(out, 0);
  o.context_channels = v.size(context, 1);
  o.levels.clear();
  o.blocks_per_level = 0;
  std::int64_t common = o.channels, blocks = 0;
  const auto level = [&](std::int64_t width, bool attention) {
    VGEN_CHECK(width % o.channels == 0, WeightsError, "unet: a level of width ", width,
               " is no multiple of the first, ", o.channels);
    o.levels.push_back({width / o.channels, attention});
    common = std::gcd(common, width);
  };
  if (v.layout() == Layout::diffusers) {
    for (std::int64_t i = 0; i < v.count("down_blocks.", ".resnets.0.conv2.weight"); ++i) {
      const std::string block = str("down_blocks.", static_cast<long>(i));
      level(v.size(block + ".resnets.0.conv2.weight", 0), v.has(block + ".attentions.0.proj_in.weight"));
      blocks = v.count(block + ".resnets.", ".conv2.weight");
    }
  } else {
    // Entries of the way down, one after the other: residual blocks, and a halving behind every level but the last.
    for (std::int64_t n = 1, width = 0, in_level = 0, attention = 0; n < 4096; ++n) {
      const std::string at = str(v.pick("down.", "input_blocks.", ""), static_cast<long>(n)),
                        conv = at + v.pick(".res.conv2.weight", ".0.out_layers.3.weight", "");
      const bool res = v.has(conv);
      if (res) {
        width = v.size(conv, 0);
        attention = v.has(at + v.pick(".spatial.proj_in.weight", ".1.proj_in.weight", ""));
        ++in_level;
        continue;
      }
      if (in_level) level(width, attention != 0), blocks = in_level;
      in_level = 0;
      if (!v.has(at + v.pick(".downsample.weight", ".op.weight", ""))) break;
    }
  }
  VGEN_CHECK(!o.levels.empty() && o.levels.size() <= 8, WeightsError, "unet: found ", o.levels.size(),
             " levels in its names, expected 1 to 8");
  o.blocks_per_level = blocks;
  o.head_channels = std::gcd(common, std::int64_t(64));
  o.norm_groups = std::gcd(common, std::int64_t(32));
  const std::int64_t inner = v.size(proj, 0);
  if (inner % o.head_channels) o.head_channels = std::gcd(inner, o.head_channels);
  o.first_heads = inner / o.head_channels;
  read_features(v, o);
  return o;
}

namespace {

// ---- systems ----

// The kinds of a network's features and the names of its maps, without those that are vgen's own and that a model of
// any system may have.
std::set<std::string_view> features_of(const unet::UNetOptions& o) {
  std::set<std::string_view> out;
  const auto add = [&]<class T>(const T& feature) {
    if constexpr (!std::is_same_v<T, unet::FramePosition> && !std::is_same_v<T, unet::FrameText>) out.insert(T::kind);
    if constexpr (std::is_same_v<T, unet::DenseMaps>)
      for (const unet::DenseMap& map : feature.maps) out.insert(map.name);
  };
  for (const auto& each : o.stem) std::visit(add, each);
  for (const auto& each : o.embeddings) std::visit(add, each);
  for (const auto& each : o.context) std::visit(add, each);
  return out;
}
std::set<std::string_view> stem_of(const unet::UNetOptions& o) {
  unet::UNetOptions stem;
  stem.context.clear();
  for (const auto& each : o.stem)
    if (const auto* maps = std::get_if<unet::DenseMaps>(&each))
      stem.stem.push_back(unet::DenseMaps{.maps = {}, .channels = maps->channels});
    else
      stem.stem.push_back(each);
  return features_of(stem);
}

struct AdapterMark {
  std::string_view piece, system;
};
constexpr AdapterMark adapter_marks[] = {{"_lora.down_linear.", "instruct_video"},
                                         {"_lora.up_linear.", "instruct_video"},
                                         {"_adapter.down_linear.", "dream_video"},
                                         {"_adapter.up_linear.", "dream_video"},
                                         {"_adapter.condition_linear.", "dream_video"}};

constexpr ReleasedFile released_files[] = {
    {"model_scope_0267000", "t2v"},
    {"text2video_pytorch_model", "t2v"},
    {"model_scope_v1-4_0600000", "instruct_video"},
    {"model_scope_v1-5_0632000", "dream_video"},
    {"sr_step_110000_ema", "sr600"},
    {"tft2v_t2v_non_ema_512000", "tf_t2v"},
    {"tft2v_t2v_32frames_non_ema_560000", "tf_t2v", 32},
    {"tft2v_vcomposer_non_ema_254000", "video_composer"},
    {"tft2v_vcomposer_non_ema_270000_896x512", "video_composer", 0, 896, 512},
    {"videolcm_t2v_non_ema_544000", "video_lcm"},
    {"videolcm_vcomposer_non_ema_914000", "video_lcm"},
};

}  // namespace

unet::UNetOptions as_system_has(unet::UNetOptions network, const System& system) {
  unet::UNetOptions released = system.unet();
  network.bypass = released.bypass;
  network.row_padding = released.row_padding;
  network.free_u = std::move(released.free_u);
  network.condition_dropout = std::move(released.condition_dropout);
  return network;
}

std::vector<std::string_view> systems_of(const unet::UNetOptions& network) {
  const auto features = features_of(network), stem = stem_of(network);
  std::vector<std::string_view> same, more, others;
  for (const System& system : systems()) {
    const unet::UNetOptions released = system.unet();
    const auto theirs = features_of(released);
    if (stem_of(released) != stem) continue;
    if (theirs == features)
      same.push_back(system.name);
    else if (std::ranges::includes(theirs, features))
      more.push_back(system.name);
    else
      others.push_back(system.name);
  }
  same.insert(same.end(), more.begin(), more.end());
  same.insert(same.end(), others.begin(), others.end());
  return same;
}

std::string looks_like(const unet::UNetOptions& network) {
  const auto fits = systems_of(network);
  if (fits.empty()) return "no system that vgen knows";
  std::string out(fits[0]), others;
  for (std::size_t i = 1; i < fits.size(); ++i) others += str(others.empty() ? "" : ", ", fits[i]);
  return others.empty() ? out : out + " (it also fits " + others + ")";
}

std::string feature_names(const unet::UNetOptions& network) {
  std::string out;
  const auto add = [&](std::string_view name) { out += str(out.empty() ? "" : ", ", name); };
  const auto add_kind = [&]<class T>(const T&) { add(T::kind); };
  for (const auto& each : network.context) std::visit(add_kind, each);
  for (const auto& each : network.stem) std::visit(add_kind, each);
  for (const auto& each : network.embeddings) std::visit(add_kind, each);
  if (network.row_padding != 1) add("row_padding");
  if (!network.free_u.empty()) add("free_u");
  if (network.bypass != unet::TemporalBypass::never) add("bypass");
  return out;
}

bool looks_at_pictures(const unet::UNetOptions& network) {
  return std::ranges::any_of(network.context,
                             [](const auto& f) { return std::holds_alternative<unet::ImageTokens>(f); });
}

bool is_adapter_name(std::string_view name) {
  return std::ranges::any_of(adapter_marks,
                             [&](const AdapterMark& m) { return name.find(m.piece) != std::string_view::npos; });
}

std::string_view system_of_adapters(const Shapes& shapes) {
  for (const auto& [name, shape] : shapes)
    for (const AdapterMark& mark : adapter_marks)
      if (name.find(mark.piece) != std::string::npos) return mark.system;
  return {};
}

const ReleasedFile* released_file(std::string_view name) {
  const auto found = std::ranges::find(released_files, name, &ReleasedFile::name);
  return found == std::end(released_files) ? nullptr : found;
}

}  // namespace vgen::pipelines
