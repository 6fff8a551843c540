#include "vgen/pipelines/layout.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <tuple>

#include "vgen/conditioning/annotator_file.hpp"
#include "vgen/pipelines/part_view.hpp"
#include "vgen/pipelines/system.hpp"
#include "vgen/pipelines/unet_layout.hpp"

namespace vgen::pipelines {
namespace {

// A name that only this part in this layout has. The prefix of a file is what stands before it.
struct Mark {
  Part part;
  Layout layout;
  std::string_view name, also;  // `also`: a second name of the same part, with the same prefix
};
constexpr Mark marks[] = {
    {Part::unet, Layout::reference, "input_blocks.0.1.transformer_blocks.0.attn1.to_q.weight",
     "input_blocks.0.0.weight"},
    {Part::unet, Layout::diffusers, "transformer_in.transformer_blocks.0.attn1.to_q.weight", "conv_in.weight"},
    {Part::unet, Layout::vgen, "down.0.temporal.block.attn1.to_q.weight", "down.0.conv.weight"},
    {Part::vae, Layout::reference, "decoder.up.0.block.0.norm1.weight", "decoder.conv_in.weight"},
    {Part::vae, Layout::diffusers, "decoder.up_blocks.0.resnets.0.norm1.weight", "decoder.conv_in.weight"},
    {Part::vae, Layout::vgen, "decoder.up.0.res.0.norm1.weight", "decoder.conv_in.weight"},
    {Part::text_encoder, Layout::reference, "ln_final.weight", "token_embedding.weight"},
    {Part::text_encoder, Layout::diffusers, "text_model.final_layer_norm.weight",
     "text_model.embeddings.token_embedding.weight"},
    {Part::text_encoder, Layout::vgen, "transformer.blocks.0.to_qkv.weight", "token_embedding"},
    {Part::image_encoder, Layout::reference, "visual.ln_post.weight", "visual.class_embedding"},
    {Part::image_encoder, Layout::diffusers, "vision_model.post_layernorm.weight",
     "vision_model.embeddings.class_embedding"},
    {Part::image_encoder, Layout::vgen, "class_token", "patches"},
};

conditioning::ClipTextOptions text_options(const PartView& v) {
  conditioning::ClipTextOptions o;
  const std::string tokens = v.pick("token_embedding", "token_embedding.weight",
                                    "text_model.embeddings.token_embedding.weight"),
                    positions =
                        v.pick("positions", "positional_embedding", "text_model.embeddings.position_embedding.weight"),
                    blocks = v.pick("transformer.blocks.", "transformer.resblocks.", "text_model.encoder.layers."),
                    fc1 = v.pick(".fc1.weight", ".mlp.c_fc.weight", ".mlp.fc1.weight"),
                    projection = v.pick("projection", "text_projection", "");
  o.vocab = static_cast<int>(v.size(tokens, 0));
  o.width = static_cast<int>(v.size(tokens, 1));
  o.context_length = static_cast<int>(v.size(positions, 0));
  o.layers = static_cast<int>(v.count(blocks, fc1));
  o.mlp = static_cast<int>(v.size(blocks + "0" + fc1, 0));
  o.heads = std::max(1, o.width / std::gcd(o.width, 64));
  o.embed = v.has(projection) ? static_cast<int>(v.size(projection, 1)) : 0;
  // transformers' folders leave out the block that is not used; the reference never runs its last one.
  o.layer = v.layout() == Layout::diffusers || o.layers < 2 ? conditioning::ClipLayer::last
                                                            : conditioning::ClipLayer::penultimate;
  return o;
}

// open_clip's image towers, which have heads of other widths than 64.
int vision_heads(int width) {
  constexpr std::pair<int, int> known[] = {{1280, 16}, {1408, 16}, {1664, 16}};  // ViT-H-14, g-14, bigG-14
  for (const auto& [w, heads] : known)
    if (w == width) return heads;
  return std::max(1, width / std::gcd(width, 64));
}

conditioning::ClipVisionOptions vision_options(const PartView& v) {
  conditioning::ClipVisionOptions o;
  const std::string patches =
                        v.pick("patches", "visual.conv1.weight", "vision_model.embeddings.patch_embedding.weight"),
                    positions = v.pick("positions", "visual.positional_embedding",
                                       "vision_model.embeddings.position_embedding.weight"),
                    blocks =
                        v.pick("transformer.blocks.", "visual.transformer.resblocks.", "vision_model.encoder.layers."),
                    fc1 = v.pick(".fc1.weight", ".mlp.c_fc.weight", ".mlp.fc1.weight"),
                    projection = v.pick("projection", "visual.proj", "visual_projection.weight");
  o.width = static_cast<int>(v.size(patches, 0));
  o.patch = static_cast<int>(v.size(patches, 3));
  const std::int64_t cells = v.size(positions, 0) - 1, side = std::llround(std::sqrt(static_cast<double>(cells)));
  VGEN_CHECK(side >= 1 && side * side == cells, WeightsError, "image_encoder: ", cells, " patches are no square");
  o.image_size = static_cast<int>(side) * o.patch;
  o.layers = static_cast<int>(v.count(blocks, fc1));
  o.mlp = static_cast<int>(v.size(blocks + "0" + fc1, 0));
  o.embed = static_cast<int>(v.size(projection, v.layout() == Layout::diffusers ? 0 : 1));
  o.heads = vision_heads(o.width);
  return o;
}

vae::AutoencoderKlOptions vae_options(const PartView& v) {
  vae::AutoencoderKlOptions o;
  const std::string block = v.pick(".res.", ".block.", ".resnets."),
                    down = v.pick("encoder.down.", "encoder.down.", "encoder.down_blocks."),
                    attention = v.pick(".attn.0.norm.weight", ".attn.0.norm.weight", ".attentions.0.group_norm.weight");
  const std::string quant = v.pick("to_moments.weight", "quant_conv.weight", "quant_conv.weight");
  o.channels = static_cast<int>(v.size("encoder.conv_in.weight", 0));
  o.in_channels = static_cast<int>(v.size("encoder.conv_in.weight", 1));
  o.out_channels = static_cast<int>(v.size("decoder.conv_out.weight", 0));
  o.inner_channels = static_cast<int>(v.size("decoder.conv_in.weight", 1));
  o.latent_channels = static_cast<int>(v.size(quant, 0) / 2);
  o.multipliers.clear();
  int common = o.channels;
  for (std::int64_t i = 0; i < v.count(down, block + "0.conv1.weight"); ++i) {
    const std::string level = str(down, static_cast<long>(i));
    const int width = static_cast<int>(v.size(level + block + "0.conv1.weight", 0));
    VGEN_CHECK(width % o.channels == 0, WeightsError, "vae: a level of width ", width, " is no multiple of the first, ",
               o.channels);
    o.multipliers.push_back(width / o.channels);
    o.blocks = static_cast<int>(v.count(level + block, ".conv1.weight"));
    if (v.has(level + attention)) o.attention_resolutions.push_back(o.resolution >> i);
    common = std::gcd(common, width);
  }
  VGEN_CHECK(!o.multipliers.empty(), WeightsError, "vae: no levels in its names");
  o.norm_groups = std::gcd(common, 32);
  return o;
}

bool beside(const FoundPart& found, std::string_view name) {
  const auto any = [&](std::initializer_list<std::string_view> starts) {
    return std::ranges::any_of(starts, [&](std::string_view s) { return name.starts_with(s); });
  };
  const bool reference = found.layout == Layout::reference;
  switch (found.part) {
    case Part::unet:
      return reference && is_adapter_name(name);
    case Part::vae:
      return any({"loss.", "model_ema.", "discriminator."});
    case Part::text_encoder:
      if (reference) return any({"visual.", "logit_scale", "attn_mask"});
      return found.layout == Layout::diffusers && any({"vision_model.", "visual_projection.", "text_projection.",
                                                       "logit_scale", "text_model.embeddings.position_ids"});
    case Part::image_encoder:
      break;
  }
  if (reference) return !name.starts_with("visual.");
  return found.layout == Layout::diffusers &&
         (!any({"vision_model.", "visual_projection."}) || name == "vision_model.embeddings.position_ids");
}

template <class Feature, class Features>
bool has(const Features& features) {
  return std::ranges::any_of(features, [](const auto& each) { return std::holds_alternative<Feature>(each); });
}

// transformers keeps the projection of its image tower as a linear layer's weight, [embed, width].
void turn_projection(weights::StateDict& state, std::string_view name) {
  for (auto& [each, t] : state)
    if (each == name && t.dim() == 2) t = t.t().contiguous();
}
constexpr std::string_view kVisualProjection = "visual_projection.weight";

}  // namespace

std::string_view purpose(Part part) {
  switch (part) {
    case Part::text_encoder:
      return "turns the prompt into the tokens that the UNet looks at";
    case Part::unet:
      return "removes the noise step by step";
    case Part::vae:
      return "turns latents into frames";
    case Part::image_encoder:
      break;
  }
  return "turns a picture into what the UNet looks at";
}

Shapes shapes_of(const formats::TensorFile& file) {
  Shapes out;
  for (const formats::TensorEntry& t : file.tensors) out.emplace(t.name, t.shape);
  return out;
}

std::vector<FoundPart> find_parts(const Shapes& shapes) {
  std::vector<FoundPart> out;
  for (const auto& [name, shape] : shapes)
    for (const Mark& mark : marks) {
      if (!name.ends_with(mark.name)) continue;
      FoundPart found{mark.part, mark.layout, name.substr(0, name.size() - mark.name.size())};
      if (!found.prefix.empty() && found.prefix.back() != '.') continue;
      if (!shapes.contains(found.prefix + std::string(mark.also))) continue;
      if (std::ranges::find(out, found) == out.end()) out.push_back(std::move(found));
    }
  std::ranges::sort(out, {}, [](const FoundPart& f) { return std::tuple(f.part, f.layout, f.prefix.size()); });
  return out;
}

// Whose names a part has.
static const char* owner(const FoundPart& found) {
  const bool clip = found.part == Part::text_encoder || found.part == Part::image_encoder;
  if (found.layout == Layout::vgen) return "vgen's";
  if (found.layout == Layout::reference) return clip ? "open_clip's" : "the reference's";
  return clip ? "transformers'" : "diffusers'";
}

std::string describe(const Shapes& shapes) {
  std::string out;
  for (const FoundPart& found : find_parts(shapes)) {
    out += str(out.empty() ? "" : ", ", found.part == Part::image_encoder ? "an " : "a ", name_of(found.part), " in ",
               owner(found), " names");
    if (!found.prefix.empty()) out += " (below '" + printable(found.prefix) + "')";
    if (found.part != Part::unet) continue;
    try {
      out += ", of " + looks_like(std::get<unet::UNetOptions>(options_of(shapes, found)));
      const std::string_view with = system_of_adapters(shapes);
      if (!with.empty()) out += str(", with adapters of ", with, " inside");
    } catch (const Error& e) { out += str(", incomplete (", e.what(), ")"); }
  }
  if (!out.empty()) return out;
  if (shapes.empty()) return "no tensors";
  const auto any = [&](std::string_view piece) {
    return std::ranges::any_of(shapes, [&](const auto& e) { return e.first.find(piece) != std::string::npos; });
  };
  std::set<std::string, std::less<>> names;
  for (const auto& [name, shape] : shapes) names.insert(name.starts_with("module.") ? name.substr(7) : name);
  if (any("lora_A") || any("lora_up") || any("lora_down") || any(".lora.") || any("_lora.down_linear"))
    return "a LoRA (give it with --lora)";
  if (any("_adapter.down_linear")) return "an adapter of dream_video (give it with --adapter)";
  if (any("string_to_token") || any("string_to_param")) return "a textual inversion";
  if (any("input_blocks.0.0.weight") || (any("down_blocks.0.resnets") && any("conv_in.weight")))
    return "an image UNet (it has no temporal layers)";
  if (const std::string network = conditioning::looks_like(names); !network.empty()) return network;
  return str("no part of a video model that vgen knows (first tensor '", printable(shapes.begin()->first), "')");
}

PartOptions options_of(const Shapes& shapes, const FoundPart& found, std::string_view system) {
  const PartView view(shapes, found);
  switch (found.part) {
    case Part::text_encoder:
      return text_options(view);
    case Part::image_encoder:
      return vision_options(view);
    case Part::vae:
      return vae_options(view);
    case Part::unet:
      break;
  }
  unet::UNetOptions o = unet_options(view);
  if (system.empty())
    if (const auto fits = systems_of(o); !fits.empty()) system = fits.front();
  return system.empty() ? o : as_system_has(std::move(o), system_named(system));
}

std::unique_ptr<nn::Module> make_part(const PartOptions& options) {
  struct Make {
    std::unique_ptr<nn::Module> operator()(const conditioning::ClipTextOptions& o) const {
      return std::make_unique<conditioning::ClipText>(o);
    }
    std::unique_ptr<nn::Module> operator()(const unet::UNetOptions& o) const { return std::make_unique<unet::UNet>(o); }
    std::unique_ptr<nn::Module> operator()(const vae::AutoencoderKlOptions& o) const {
      return std::make_unique<vae::AutoencoderKl>(o);
    }
    std::unique_ptr<nn::Module> operator()(const conditioning::ClipVisionOptions& o) const {
      return std::make_unique<conditioning::ClipVision>(o);
    }
  };
  return std::visit(Make{}, options);
}

weights::KeyMap key_map(const PartOptions& options, nn::Module& part, Layout layout, const Shapes* in_file) {
  if (layout == Layout::vgen) return {};
  const bool reference = layout == Layout::reference;
  if (const auto* text = std::get_if<conditioning::ClipTextOptions>(&options))
    return reference ? conditioning::open_clip_keys(*text) : conditioning::transformers_keys(*text);
  if (const auto* vision = std::get_if<conditioning::ClipVisionOptions>(&options))
    return reference ? conditioning::open_clip_keys(*vision) : conditioning::transformers_keys(*vision);
  if (const auto* vae = std::get_if<vae::AutoencoderKlOptions>(&options)) {
    if (reference) return vae::reference_keys(*vae);
    const bool old = in_file && std::ranges::any_of(*in_file, [](const auto& e) {
                       return e.first.find(".attentions.0.query.weight") != std::string::npos;
                     });
    return vae::diffusers_keys(*vae, old ? vae::DiffusersAttention::query : vae::DiffusersAttention::to_q);
  }
  auto* given = dynamic_cast<unet::UNet*>(&part);
  VGEN_CHECK(given, WeightsError, "the file holds the weights of a UNet; the network to load them into is another one");
  unet::UNet& net = *given;
  VGEN_CHECK(!has<unet::FramePosition>(net.options().stem) && !has<unet::FrameText>(net.options().embeddings),
             UnsupportedError, "unet: the ", name_of(layout), " layout has no place for frame_position and frame_text");
  if (reference) return unet::reference_keys(net);
  try {
    return unet::diffusers_keys(net);
  } catch (const ConfigError& e) { throw UnsupportedError(e.what()); }
}

weights::StateDict part_state(weights::StateDict state, const FoundPart& found) {
  if (!found.prefix.empty()) state = weights::strip_prefix(std::move(state), found.prefix, /*only=*/true);
  std::erase_if(state, [&](const auto& e) { return beside(found, e.first); });
  if (found.part == Part::image_encoder && found.layout == Layout::diffusers) turn_projection(state, kVisualProjection);
  return state;
}

weights::StateDict to_layout(weights::StateDict ours, const PartOptions& options, Layout layout) {
  if (layout == Layout::vgen) return ours;
  const auto module = make_part(options);
  weights::StateDict out = weights::to_theirs(std::move(ours), key_map(options, *module, layout));
  if (std::holds_alternative<conditioning::ClipVisionOptions>(options) && layout == Layout::diffusers)
    turn_projection(out, kVisualProjection);
  return out;
}

}  // namespace vgen::pipelines
