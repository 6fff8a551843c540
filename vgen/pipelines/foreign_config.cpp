#include "vgen/pipelines/foreign_config.hpp"

#include <algorithm>
#include <cmath>

#include "vgen/pipelines/unet_layout.hpp"
#include "vgen/unet/presets.hpp"

namespace vgen::pipelines {
namespace {

const Node* given(const Node& node, std::string_view key) {
  const Node* n = node.find(key);
  return n && !n->is_null() ? n : nullptr;
}
std::int64_t int_or(const Node& node, std::string_view key, std::int64_t otherwise) {
  const Node* n = given(node, key);
  return n ? n->as_int() : otherwise;
}
double number_or(const Node& node, std::string_view key, double otherwise) {
  const Node* n = given(node, key);
  return n ? n->as_double() : otherwise;
}
bool bool_or(const Node& node, std::string_view key, bool otherwise) {
  const Node* n = given(node, key);
  return n ? n->as_bool() : otherwise;
}
std::string text_or(const Node& node, std::string_view key, const char* otherwise) {
  const Node* n = given(node, key);
  return n ? n->as_string() : otherwise;
}

// diffusers' two classes of such a UNet. The sizes of the second's features follow from its trunk.
constexpr const char *kTrunkClass = "UNet3DConditionModel", *kI2vgenClass = "I2VGenXLUNet";
unet::UNetOptions i2vgen_from_trunk(const unet::UNetOptions& trunk) {
  unet::UNetOptions o = unet::i2vgen_xl(trunk);
  o.stem = {unet::ImageLatents{.gain = 1}};  // which the released network was trained with twice
  for (auto& each : o.context)
    if (auto* image = std::get_if<unet::ImageTokens>(&each)) {
      image->count = o.in_channels;
      image->channels = o.context_channels;
    }
  return o;
}

unet::UNetOptions unet_from_diffusers(const Node& c, const std::string& where) {
  unet::UNetOptions o;
  o.in_channels = int_or(c, "in_channels", 4);
  o.out_channels = int_or(c, "out_channels", 4);
  o.context_channels = int_or(c, "cross_attention_dim", 1024);
  o.blocks_per_level = int_or(c, "layers_per_block", 2);
  o.head_channels = int_or(c, "attention_head_dim", 64);
  o.norm_groups = int_or(c, "norm_num_groups", 32);
  o.first_heads = 8;  // fixed in diffusers' class
  const Node* widths = given(c, "block_out_channels");
  const Node* types = given(c, "down_block_types");
  VGEN_CHECK(widths && types && widths->is_list() && types->is_list() && widths->size() == types->size() &&
                 widths->size() >= 1,
             ConfigError, where, ": needs block_out_channels and down_block_types, lists of equal length");
  o.channels = (*widths)[0].as_int();
  o.levels.clear();
  for (std::size_t i = 0; i < widths->size(); ++i) {
    const std::int64_t width = (*widths)[i].as_int();
    const std::string& type = (*types)[i].as_string();
    VGEN_CHECK(o.channels > 0 && width % o.channels == 0, UnsupportedError, where, ": block_out_channels[", i,
               "] must be a multiple of the first, got ", width);
    VGEN_CHECK(type == "CrossAttnDownBlock3D" || type == "DownBlock3D", UnsupportedError, where,
               ": down_block_types: expected CrossAttnDownBlock3D or DownBlock3D, got ", printable(type));
    o.levels.push_back({width / o.channels, type == "CrossAttnDownBlock3D"});
  }
  if (const Node* up = given(c, "up_block_types"); up && up->is_list())
    for (std::size_t i = 0; i < up->size(); ++i)
      VGEN_CHECK(
          up->size() == o.levels.size() &&
              (*up)[i].as_string() == (o.levels[up->size() - 1 - i].attention ? "CrossAttnUpBlock3D" : "UpBlock3D"),
          UnsupportedError, where, ": up_block_types must mirror down_block_types");
  const auto fixed = [&](const char* key, const char* value) {
    VGEN_CHECK(text_or(c, key, value) == value, UnsupportedError, where, ": ", key, " must be ", value, ", got ",
               printable(text_or(c, key, value)));
  };
  fixed("act_fn", "silu");
  VGEN_CHECK(std::abs(number_or(c, "norm_eps", 1e-5) - 1e-5) < 1e-12, UnsupportedError, where,
             ": norm_eps must be 1e-5, got ", number_or(c, "norm_eps", 1e-5));
  VGEN_CHECK(number_or(c, "mid_block_scale_factor", 1) == 1 && int_or(c, "downsample_padding", 1) == 1,
             UnsupportedError, where, ": mid_block_scale_factor and downsample_padding must be 1");
  VGEN_CHECK(!given(c, "time_cond_proj_dim"), UnsupportedError, where, ": time_cond_proj_dim is not supported");
  return text_or(c, "_class_name", kTrunkClass) == kI2vgenClass ? i2vgen_from_trunk(o) : o;
}

Node unet_to_diffusers(const unet::UNetOptions& o) {
  unet::UNetOptions trunk = o, same = o;
  trunk.stem.clear(), trunk.embeddings.clear();
  trunk.context = {unet::Text{}};
  const bool i2vgen = !o.stem.empty();
  same = i2vgen ? i2vgen_from_trunk(trunk) : trunk;
  same.row_padding = 1, same.free_u.clear(), same.bypass = unet::TemporalBypass::never, same.condition_dropout.reset();
  VGEN_CHECK(same == o, UnsupportedError, "diffusers: its networks are those of t2v (", kTrunkClass,
             ") and i2vgen_xl (", kI2vgenClass, "), this one is of ", looks_like(o), " and has ", feature_names(o),
             "; choose --to reference or vgen");
  VGEN_CHECK(o.first_heads == 8, UnsupportedError,
             "diffusers: its UNet has 8 heads in its first temporal transformer, this one has ", o.first_heads);
  Node widths = Node::list(), down = Node::list(), up = Node::list();
  for (const unet::Level& l : o.levels) {
    widths.items.emplace_back(o.channels * l.multiplier);
    down.items.emplace_back(l.attention ? "CrossAttnDownBlock3D" : "DownBlock3D");
    up.items.insert(up.items.begin(), Node(l.attention ? "CrossAttnUpBlock3D" : "UpBlock3D"));
  }
  Node config = Node::map({{"_class_name", i2vgen ? kI2vgenClass : kTrunkClass},
                           {"_diffusers_version", "0.33.1"},
                           {"attention_head_dim", o.head_channels},
                           {"block_out_channels", std::move(widths)},
                           {"cross_attention_dim", o.context_channels},
                           {"down_block_types", std::move(down)},
                           {"in_channels", o.in_channels},
                           {"layers_per_block", o.blocks_per_level},
                           {"norm_num_groups", o.norm_groups},
                           {"out_channels", o.out_channels},
                           {"sample_size", 32},
                           {"up_block_types", std::move(up)}});
  if (i2vgen) return config;
  config.set("act_fn", Node("silu"));
  config.set("downsample_padding", Node(1));
  config.set("mid_block_scale_factor", Node(1));
  config.set("norm_eps", Node(1e-5));
  return config;
}

Node vae_to_diffusers(const vae::AutoencoderKlOptions& o) {
  VGEN_CHECK(
      o.attention_resolutions.empty() && o.latent_channels == o.inner_channels && o.latent_convolutions,
      UnsupportedError,
      "diffusers: AutoencoderKL has attention only in the middle, as many latent as inner channels, and both 1x1 "
      "convolutions");
  Node widths = Node::list(), down = Node::list(), up = Node::list();
  for (const int m : o.multipliers) {
    widths.items.emplace_back(o.channels * m);
    down.items.emplace_back("DownEncoderBlock2D");
    up.items.emplace_back("UpDecoderBlock2D");
  }
  return Node::map({{"_class_name", "AutoencoderKL"},
                    {"_diffusers_version", "0.33.1"},
                    {"act_fn", "silu"},
                    {"block_out_channels", std::move(widths)},
                    {"down_block_types", std::move(down)},
                    {"in_channels", o.in_channels},
                    {"latent_channels", o.latent_channels},
                    {"layers_per_block", o.blocks},
                    {"norm_num_groups", o.norm_groups},
                    {"out_channels", o.out_channels},
                    {"sample_size", o.resolution},
                    {"scaling_factor", o.scale_factor},
                    {"up_block_types", std::move(up)}});
}

Node vision_to_transformers(const conditioning::ClipVisionOptions& o) {
  return Node::map({{"architectures", Node::list({"CLIPVisionModelWithProjection"})},
                    {"attention_dropout", 0.0},
                    {"hidden_act", o.quick_gelu ? "quick_gelu" : "gelu"},
                    {"hidden_size", o.width},
                    {"image_size", o.image_size},
                    {"initializer_factor", 1.0},
                    {"initializer_range", 0.02},
                    {"intermediate_size", o.mlp},
                    {"layer_norm_eps", 1e-5},
                    {"model_type", "clip_vision_model"},
                    {"num_attention_heads", o.heads},
                    {"num_channels", 3},
                    {"num_hidden_layers", o.layers},
                    {"patch_size", o.patch},
                    {"projection_dim", o.embed},
                    {"torch_dtype", "float32"}});
}

Node text_to_transformers(const conditioning::ClipTextOptions& o) {
  VGEN_CHECK(o.layer == conditioning::ClipLayer::last, UnsupportedError,
             "diffusers: the text encoder's layer must be 'last'; leave out its last block");
  return Node::map({{"architectures", Node::list({"CLIPTextModel"})},
                    {"attention_dropout", 0.0},
                    {"bos_token_id", 0},
                    {"eos_token_id", 2},  // transformers reads 2 as "the largest id ends the text"
                    {"hidden_act", o.quick_gelu ? "quick_gelu" : "gelu"},
                    {"hidden_size", o.width},
                    {"initializer_factor", 1.0},
                    {"initializer_range", 0.02},
                    {"intermediate_size", o.mlp},
                    {"layer_norm_eps", 1e-5},
                    {"max_position_embeddings", o.context_length},
                    {"model_type", "clip_text_model"},
                    {"num_attention_heads", o.heads},
                    {"num_hidden_layers", o.layers},
                    {"pad_token_id", 1},
                    {"projection_dim", o.embed ? o.embed : o.width},
                    {"torch_dtype", "float32"},
                    {"vocab_size", o.vocab}});
}

}  // namespace

PartOptions part_from_diffusers(Part part, const Node& config, const std::string& where) {
  VGEN_CHECK(config.is_map(), ConfigError, where, ": expected a map, got ", type_name(config.type));
  const char* expected = part == Part::unet ? kTrunkClass : part == Part::vae ? "AutoencoderKL" : nullptr;
  const std::string type = text_or(config, "_class_name", expected ? expected : "");
  VGEN_CHECK(!expected || type == expected || (part == Part::unet && type == kI2vgenClass), UnsupportedError, where,
             ": expected ", expected, part == Part::unet ? " or I2VGenXLUNet" : "", ", found ", printable(type));
  if (part == Part::unet) return unet_from_diffusers(config, where);
  if (part == Part::vae) return vae::AutoencoderKlOptions::from_diffusers(config);
  // A CLIPModel keeps its towers' fields one level down.
  const Node* inner = given(config, part == Part::image_encoder ? "vision_config" : "text_config");
  if (part == Part::image_encoder)
    return conditioning::ClipVisionOptions::from_transformers(inner && !given(config, "hidden_size") ? *inner : config);
  return conditioning::ClipTextOptions::from_transformers(inner && !given(config, "hidden_size") ? *inner : config);
}

Node part_to_diffusers(const PartOptions& options) {
  if (const auto* unet = std::get_if<unet::UNetOptions>(&options)) return unet_to_diffusers(*unet);
  if (const auto* vae = std::get_if<vae::AutoencoderKlOptions>(&options)) return vae_to_diffusers(*vae);
  if (const auto* vision = std::get_if<conditioning::ClipVisionOptions>(&options))
    return vision_to_transformers(*vision);
  return text_to_transformers(std::get<conditioning::ClipTextOptions>(options));
}

ModelIndex index_from_diffusers(const Node& s, const Node& unet, int downscale, const std::string& where) {
  ModelIndex index;
  schedulers::ScheduleOptions& o = index.schedule;
  o = {};
  VGEN_CHECK(!given(s, "trained_betas"), UnsupportedError, where, ": trained_betas are not supported");
  const Place place{where, ""};
  from_node(Node(text_or(s, "beta_schedule", "linear")), o.schedule, place.child("beta_schedule"));
  o.steps = static_cast<int>(int_or(s, "num_train_timesteps", 1000));
  if (o.schedule != schedulers::ScheduleKind::cosine) {
    o.beta_start = number_or(s, "beta_start", 0.0001);
    o.beta_end = number_or(s, "beta_end", 0.02);
  }
  o.zero_terminal_snr = bool_or(s, "rescale_betas_zero_snr", false);
  o.precision = schedulers::Precision::float32;
  from_node(Node(text_or(s, "prediction_type", "epsilon")), index.prediction, place.child("prediction_type"));

  samplers::Sampler sampler = samplers::sampler_named(text_or(s, "_class_name", "DDIMScheduler"));
  samplers::set_steps(sampler, 50);
  const Node* spacing = given(s, "timestep_spacing");
  std::visit(
      [&](auto& each) {
        using Each = std::decay_t<decltype(each)>;
        if constexpr (std::is_same_v<Each, samplers::DdimOptions>) {
          each.offset = static_cast<int>(int_or(s, "steps_offset", 0));
          each.end_clean = bool_or(s, "set_alpha_to_one", true);
          each.spacing = schedulers::Spacing::leading;
          if (spacing) from_node(*spacing, each.spacing, place.child("timestep_spacing"));
        } else if constexpr (requires { each.grid; }) {
          each.grid.offset = static_cast<int>(int_or(s, "steps_offset", 0));
          if (spacing) from_node(*spacing, each.grid.spacing, place.child("timestep_spacing"));
          if (bool_or(s, "use_karras_sigmas", false)) each.grid.sigmas = schedulers::Sigmas::karras;
        }
      },
      sampler);
  const int side = static_cast<int>(int_or(unet, "sample_size", 32)) * downscale;
  index.defaults = {.frames = 16, .height = side, .width = side, .fps = 8, .guidance = 9, .sampler = sampler};
  return index;
}

Node scheduler_to_diffusers(const ModelIndex& index) {
  using schedulers::ScheduleKind;
  const schedulers::ScheduleOptions& o = index.schedule;
  const bool linear = o.schedule == ScheduleKind::linear, scaled = o.schedule == ScheduleKind::scaled_linear;
  VGEN_CHECK(linear || scaled || (o.schedule == ScheduleKind::cosine && o.cosine_s == 0.008), UnsupportedError,
             "diffusers: no scheduler has the schedule '", name_of(o.schedule), "'");
  VGEN_CHECK(index.prediction != diffusion::Prediction::previous, UnsupportedError,
             "diffusers: no scheduler has the prediction 'previous'");
  const char* prediction = index.prediction == diffusion::Prediction::epsilon ? "epsilon"
                           : index.prediction == diffusion::Prediction::v     ? "v_prediction"
                                                                              : "sample";
  return Node::map({{"_class_name", "DDIMScheduler"},
                    {"_diffusers_version", "0.33.1"},
                    {"beta_end", o.beta_end.value_or(linear ? 20.0 / o.steps : 0.012)},
                    {"beta_schedule", linear   ? "linear"
                                      : scaled ? "scaled_linear"
                                               : "squaredcos_cap_v2"},
                    {"beta_start", o.beta_start.value_or(linear ? 0.1 / o.steps : 0.00085)},
                    {"clip_sample", false},
                    {"num_train_timesteps", o.steps},
                    {"prediction_type", prediction},
                    {"rescale_betas_zero_snr", o.zero_terminal_snr},
                    {"set_alpha_to_one", false},
                    {"steps_offset", 1},
                    {"thresholding", false},
                    {"timestep_spacing", "leading"}});
}

void read_modelscope(const Node& configuration, unet::UNetOptions& unet, ModelIndex& index) {
  const Node* model = given(configuration, "model");
  const Node* c = model ? given(*model, "model_cfg") : nullptr;
  // The released model was trained to predict the noise under the scaled-linear schedule, which the file leaves unsaid.
  index.schedule = {.schedule = schedulers::ScheduleKind::scaled_linear};
  index.prediction = diffusion::Prediction::epsilon;
  index.defaults = {.frames = 16, .height = 256, .width = 256, .fps = 8, .guidance = 9};
  const Node* arguments = model ? given(*model, "model_args") : nullptr;
  if (arguments) index.defaults.frames = static_cast<int>(int_or(*arguments, "max_frames", 16));
  if (!c) return;
  index.schedule.steps = static_cast<int>(int_or(*c, "num_timesteps", 1000));
  from_node(Node(text_or(*c, "mean_type", "eps")), index.prediction,
            {"configuration.json", "model.model_cfg.mean_type"});
  unet.head_channels = int_or(*c, "unet_head_dim", unet.head_channels);
  unet.first_heads = int_or(*c, "unet_num_heads", unet.first_heads);
}

std::string reference_unet_file(const ModelIndex& index) {
  return index.system == ModelIndex{}.system ? "text2video_pytorch_model.pth" : index.system + ".pth";
}

Node modelscope_configuration(const unet::UNetOptions& o, const ModelIndex& index) {
  Node scales = Node::list(), multipliers = Node::list();
  double scale = 1;
  for (const unet::Level& l : o.levels) {
    if (l.attention) scales.items.emplace_back(scale);
    multipliers.items.emplace_back(l.multiplier);
    scale /= 2;
  }
  const std::string_view mean_type = index.prediction == diffusion::Prediction::epsilon    ? "eps"
                                     : index.prediction == diffusion::Prediction::previous ? "x_{t-1}"
                                                                                           : name_of(index.prediction);
  Node cfg = Node::map({{"unet_in_dim", o.in_channels},
                        {"unet_dim", o.channels},
                        {"unet_y_dim", o.context_channels},
                        {"unet_context_dim", o.context_channels},
                        {"unet_out_dim", o.out_channels},
                        {"unet_dim_mult", std::move(multipliers)},
                        {"unet_num_heads", o.first_heads},
                        {"unet_head_dim", o.head_channels},
                        {"unet_res_blocks", o.blocks_per_level},
                        {"unet_attn_scales", std::move(scales)},
                        {"unet_dropout", o.dropout},
                        {"temporal_attention", "True"},
                        {"num_timesteps", index.schedule.steps},
                        {"mean_type", std::string(mean_type)},
                        {"var_type", "fixed_small"},
                        {"loss_type", "mse"}});
  Node arguments = Node::map({{"ckpt_clip", "open_clip_pytorch_model.bin"},
                              {"ckpt_unet", reference_unet_file(index)},
                              {"ckpt_autoencoder", "VQGAN_autoencoder.pth"},
                              {"max_frames", index.defaults.frames},
                              {"tiny_gpu", 1}});
  return Node::map({{"framework", "pytorch"},
                    {"task", "text-to-video-synthesis"},
                    {"model", Node::map({{"type", "latent-text-to-video-synthesis"},
                                         {"model_args", std::move(arguments)},
                                         {"model_cfg", std::move(cfg)}})},
                    {"pipeline", Node::map({{"type", "latent-text-to-video-synthesis"}})}});
}

}  // namespace vgen::pipelines
