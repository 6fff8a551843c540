// Configuration files of other layouts, read and written: diffusers' and transformers' config.json and
// scheduler_config.json, ModelScope's configuration.json (which vgen writes beside every model in the reference's
// layout, for what shapes do not say).
#pragma once
#include "vgen/pipelines/layout.hpp"
#include "vgen/pipelines/options.hpp"

namespace vgen::pipelines {

// `where` begins messages. UnsupportedError for what vgen's networks cannot be.
VGEN_API PartOptions part_from_diffusers(Part part, const Node& config, const std::string& where);
// UnsupportedError if diffusers' class cannot be what the options say.
VGEN_API Node part_to_diffusers(const PartOptions& options);

// Schedule, prediction and sampler; sizes are `unet`'s sample_size times the VAE's factor.
VGEN_API ModelIndex index_from_diffusers(const Node& scheduler, const Node& unet, int downscale,
                                         const std::string& where);
VGEN_API Node scheduler_to_diffusers(const ModelIndex& index);

// ModelScope's configuration.json: heads of the UNet (what shapes cannot say) and what it predicts.
VGEN_API void read_modelscope(const Node& configuration, unet::UNetOptions& unet, ModelIndex& index);
VGEN_API std::string reference_unet_file(const ModelIndex& index);  // how a UNet's file is called in such a folder
VGEN_API Node modelscope_configuration(const unet::UNetOptions& unet, const ModelIndex& index);

}  // namespace vgen::pipelines
