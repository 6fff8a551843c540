#include "vgen/pipelines/layout.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>

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
};

// Shapes of one part, names without its prefix.
class View {
 public:
  View(const Shapes& shapes, const FoundPart& found) : shapes_(shapes), found_(found) {}
  const std::vector<std::int64_t>* find(const std::string& name) const {
    const auto at = shapes_.find(found_.prefix + name);
    return at == shapes_.end() ? nullptr : &at->second;
  }
  bool has(const std::string& name) const { return find(name) != nullptr; }
  std::int64_t size(const std::string& name, std::size_t axis) const {
    const auto* shape = find(name);
    VGEN_CHECK(shape, WeightsError, name_of(found_.part), " in ", name_of(found_.layout), " names: no tensor '",
               printable(found_.prefix + name), "'");
    VGEN_CHECK(axis < shape->size() && (*shape)[axis] >= 1, WeightsError, name_of(found_.part), ": '",
               printable(found_.prefix + name), "' has ", shape->size(), " dimensions, expected more than ", axis);
    return (*shape)[axis];
  }
  // How many of first.0, first.1, ... + rest there are.
  std::int64_t count(const std::string& first, const std::string& rest) const {
    std::int64_t n = 0;
    while (n < 4096 && has(str(first, static_cast<long>(n), rest))) ++n;
    return n;
  }
  Layout layout() const { return found_.layout; }
  // The spelling of this file's layout.
  std::string pick(std::string vgen, std::string reference, std::string diffusers) const {
    switch (found_.layout) {
      case Layout::vgen:
        return vgen;
      case Layout::reference:
        return reference;
      case Layout::diffusers:
        break;
    }
    return diffusers;
  }

 private:
  const Shapes& shapes_;
  const FoundPart& found_;
};

conditioning::ClipTextOptions text_options(const View& v) {
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

unet::UNetOptions unet_options(const View& v) {
  unet::UNetOptions o;
  const std::string stem = v.pick("down.0.conv.weight", "input_blocks.0.0.weight", "conv_in.weight"),
                    proj = v.pick("down.0.temporal.proj_in.weight", "input_blocks.0.1.proj_in.weight",
                                  "transformer_in.proj_in.weight"),
                    context = v.pick("mid.spatial.block.attn2.to_k.weight",
                                     "middle_block.1.transformer_blocks.0.attn2.to_k.weight",
                                     "mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight"),
                    out = v.pick("head.conv.weight", "out.2.weight", "conv_out.weight");
  o.channels = v.size(stem, 0);
  o.in_channels = v.size(stem, 1);
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
  if (v.has(v.pick("embedding.fps.mlp.fc1.weight", "fps_embedding.0.weight", "-"))) o.embeddings = {unet::Fps{}};
  return o;
}

vae::AutoencoderKlOptions vae_options(const View& v) {
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
  if (found.part == Part::text_encoder && found.layout == Layout::reference)
    return any({"visual.", "logit_scale", "attn_mask"});
  if (found.part == Part::text_encoder && found.layout == Layout::diffusers)
    return any({"vision_model.", "visual_projection.", "text_projection.", "logit_scale",
                "text_model.embeddings.position_ids"});
  return found.part == Part::vae && any({"loss.", "model_ema.", "discriminator."});
}

}  // namespace

std::string_view purpose(Part part) {
  switch (part) {
    case Part::text_encoder:
      return "turns the prompt into the tokens that the UNet looks at";
    case Part::unet:
      return "removes the noise step by step";
    case Part::vae:
      break;
  }
  return "turns latents into frames";
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

std::string describe(const Shapes& shapes) {
  std::string out;
  for (const FoundPart& found : find_parts(shapes)) {
    out += str(out.empty() ? "" : ", ", "a ", name_of(found.part), " in ",
               found.part == Part::text_encoder && found.layout == Layout::reference   ? "open_clip's"
               : found.part == Part::text_encoder && found.layout == Layout::diffusers ? "transformers'"
               : found.layout == Layout::reference                                     ? "the reference's"
               : found.layout == Layout::diffusers                                     ? "diffusers'"
                                                                                       : "vgen's",
               " names");
    if (!found.prefix.empty()) out += " (below '" + printable(found.prefix) + "')";
  }
  if (!out.empty()) return out;
  const auto any = [&](std::string_view piece) {
    return std::ranges::any_of(shapes, [&](const auto& e) { return e.first.find(piece) != std::string::npos; });
  };
  if (shapes.empty()) return "no tensors";
  if (any("lora_A") || any("lora_up") || any("lora_down") || any(".lora.")) return "a LoRA";
  if (shapes.contains("string_to_token.*") || any("string_to_param")) return "a textual inversion";
  if (any("input_blocks.0.0.weight") || (any("down_blocks.0.resnets") && any("conv_in.weight")))
    return "an image UNet (it has no temporal layers)";
  if (any("visual.transformer.resblocks") || any("vision_model.")) return "a CLIP image tower without its text tower";
  return str("no part of a video model that vgen knows (first tensor '", printable(shapes.begin()->first), "')");
}

PartOptions options_of(const Shapes& shapes, const FoundPart& found) {
  const View view(shapes, found);
  switch (found.part) {
    case Part::text_encoder:
      return text_options(view);
    case Part::unet:
      return unet_options(view);
    case Part::vae:
      break;
  }
  return vae_options(view);
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
  };
  return std::visit(Make{}, options);
}

weights::KeyMap key_map(const PartOptions& options, nn::Module& part, Layout layout, const Shapes* in_file) {
  if (layout == Layout::vgen) return {};
  const bool reference = layout == Layout::reference;
  if (const auto* text = std::get_if<conditioning::ClipTextOptions>(&options))
    return reference ? conditioning::open_clip_keys(*text) : conditioning::transformers_keys(*text);
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
  VGEN_CHECK(net.options().stem.empty(), UnsupportedError, "unet: the ", name_of(layout),
             " layout has no place for stem features (frame_position)");
  VGEN_CHECK(reference || net.options().embeddings.empty(), UnsupportedError,
             "unet: diffusers' UNet3DConditionModel has no place for embeddings (fps)");
  return reference ? unet::reference_keys(net) : unet::diffusers_keys(net);
}

weights::StateDict part_state(weights::StateDict state, const FoundPart& found) {
  if (!found.prefix.empty()) state = weights::strip_prefix(std::move(state), found.prefix, /*only=*/true);
  std::erase_if(state, [&](const auto& e) { return beside(found, e.first); });
  return state;
}

}  // namespace vgen::pipelines
