// A model folder small enough for tests: random weights that make the network do something; 4 frames of 48x32 in 3
// steps.
#pragma once
#include <filesystem>

#include "vgen/conditioning/clip_text.hpp"
#include "vgen/core/atomic_file.hpp"
#include "vgen/formats/json.hpp"
#include "vgen/nn/init.hpp"
#include "vgen/pipelines/model_part.hpp"
#include "vgen/pipelines/options.hpp"
#include "vgen/tensor/random.hpp"
#include "vgen/unet/init.hpp"
#include "vgen/unet/unet.hpp"
#include "vgen/vae/autoencoder_kl.hpp"

namespace tiny {

inline void write_model(const std::filesystem::path& folder) {
  using namespace vgen;
  const conditioning::ClipTextOptions text{
      .width = 32, .heads = 2, .layers = 2, .mlp = 64, .context_length = 16, .embed = 0};
  conditioning::ClipText tower(text);
  tower.initialise(make_generator(1));
  pipelines::write_part(folder, "text_encoder", to_node(text), tower.named_parameters());
  const unet::UNetOptions u{.channels = 32,
                            .context_channels = 32,
                            .levels = {{1, true}, {2, true}},
                            .blocks_per_level = 1,
                            .head_channels = 16,
                            .first_heads = 2,
                            .norm_groups = 8,
                            .stem = {unet::FramePosition{}}};
  unet::UNet net(u);
  nn::initialise(net, make_generator(2));
  pipelines::write_part(folder, "unet", to_node(u), net.named_parameters());
  const vae::AutoencoderKlOptions v{
      .channels = 8, .multipliers = {1, 1, 1, 1}, .blocks = 1, .resolution = 64, .norm_groups = 4};
  vae::AutoencoderKl vae(v);
  nn::initialise(vae, make_generator(3));
  pipelines::write_part(folder, "vae", to_node(v), vae.named_parameters());
  pipelines::ModelIndex index;
  index.defaults = {
      .frames = 4, .height = 32, .width = 48, .fps = 8, .guidance = 3, .sampler = samplers::DdimOptions{.steps = 3}};
  write_file(folder / "model_index.json", formats::dump_json(to_node(index)));
}

}  // namespace tiny
