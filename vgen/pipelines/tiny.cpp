#include "vgen/pipelines/tiny.hpp"

#include <algorithm>

#include "vgen/conditioning/clip_text.hpp"
#include "vgen/conditioning/dpt.hpp"
#include "vgen/conditioning/sketch.hpp"
#include "vgen/core/atomic_file.hpp"
#include "vgen/formats/json.hpp"
#include "vgen/nn/init.hpp"
#include "vgen/pipelines/model_part.hpp"
#include "vgen/pipelines/system.hpp"

namespace vgen::pipelines {
namespace {

constexpr int kWidth = 32, kFrames = 4, kSide = 64;

// The released network's features on a small trunk. Heads and groups are such that every layout can say them.
unet::UNetOptions tiny_unet(const System& system) {
  unet::UNetOptions o = system.unet();
  o.channels = kWidth;
  o.context_channels = kWidth;
  o.levels = {{1, true}, {2, true}};
  o.blocks_per_level = 1;
  o.head_channels = 16;
  o.first_heads = 8;
  for (auto& feature : o.stem)
    if (auto* maps = std::get_if<unet::DenseMaps>(&feature)) maps->width = maps->height = kSide;
  for (auto& feature : o.embeddings)
    if (auto* appearance = std::get_if<unet::Appearance>(&feature)) appearance->frames = kFrames;
  for (auto& feature : o.context)
    if (auto* image = std::get_if<unet::ImageTokens>(&feature)) image->channels = kWidth, image->hidden = 4 * kWidth;
  return o;
}

}  // namespace

void write_tiny_model(std::string_view name, const std::filesystem::path& folder, std::uint64_t seed) {
  const System& system = system_named(name);
  VGEN_CHECK(!std::filesystem::exists(folder), IoError, printable(folder.string(), 400),
             " exists already; name a new folder");
  const auto write = [&](const char* part, nn::Module& module, const Node& config, std::uint64_t salt) {
    nn::initialise(module, make_generator(seed * 8 + salt));
    write_part(folder, part, config, module.named_parameters());
  };
  const conditioning::ClipTextOptions text{
      .width = kWidth, .heads = 1, .layers = 2, .mlp = 4 * kWidth, .embed = kWidth};
  conditioning::ClipText tower(text);
  write("text_encoder", tower, to_node(text), 0);
  const unet::UNetOptions options = tiny_unet(system);
  unet::UNet net(options);
  write("unet", net, to_node(options), 1);
  const vae::AutoencoderKlOptions autoencoder{
      .channels = 8, .multipliers = {1, 1, 1, 1}, .blocks = 1, .norm_groups = 8};
  vae::AutoencoderKl vae(autoencoder);
  write("vae", vae, to_node(autoencoder), 2);
  const auto declares = [&](const char* condition) {
    return std::ranges::find(net.declared(), condition) != net.declared().end();
  };
  if (declares("image") || takes_through(system, "image")) {
    const conditioning::ClipVisionOptions vision{
        .image_size = 28, .width = kWidth, .heads = 1, .layers = 1, .mlp = 4 * kWidth, .embed = kWidth};
    conditioning::ClipVision pictures(vision);
    write("image_encoder", pictures, to_node(vision), 3);
  }
  if (declares("depth")) {
    const conditioning::DptDepthOptions depth{
        .image_size = kSide, .width = kWidth, .heads = 2, .layers = 4, .neck = {8, 8, 16, 16}, .fusion = 8};
    conditioning::DptDepth network(depth);
    write("depth", network, to_node(depth), 4);
  }
  if (declares("sketch")) {
    const conditioning::PiDiNetOptions edges{.channels = 8, .dilation = 4};
    conditioning::PiDiNet network(edges);
    write("edges", network, to_node(edges), 5);
    const conditioning::SketchSimplificationOptions lines{.channels = 6};
    conditioning::SketchSimplification cleaner(lines);
    write("sketch", cleaner, to_node(lines), 6);
  }
  ModelIndex index = system.index;
  index.defaults.frames = kFrames;
  index.defaults.width = kSide;
  index.defaults.height = options.row_padding == 2 ? kSide + 16 : kSide;
  index.defaults.inversion_steps = 4;
  samplers::set_steps(index.defaults.sampler, 4);
  write_file(folder / "model_index.json", formats::dump_json(to_node(index)) + "\n");
}

}  // namespace vgen::pipelines
