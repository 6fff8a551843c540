// UNets by their tensors: the size of the trunk, the features that a network has, and the systems that have such a
// network. Names and shapes do not say everything: systems that share a shape are told apart by the name of a released
// file, or by the user.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "vgen/pipelines/layout.hpp"
#include "vgen/pipelines/options.hpp"

namespace vgen::pipelines {

struct System;
class PartView;

// Trunk and features. What shapes leave open is as in ModelScopeT2V: as_system_has says it as a system has it.
VGEN_API unet::UNetOptions unet_options(const PartView& view);
// What no shape shows (which clips pass by the temporal layers, rows of padding, FreeU, dropout of conditions), as the
// system's released network has it.
VGEN_API unet::UNetOptions as_system_has(unet::UNetOptions network, const System& system);

// The systems whose released network has these features; first the one with the same conditions, then those that know
// all of them, then those that condition the same way. Empty if there is none.
VGEN_API std::vector<std::string_view> systems_of(const unet::UNetOptions& network);
// "i2vgen_xl", "t2v (or sr600, dream_video, instruct_video, which have the same shapes)".
VGEN_API std::string looks_like(const unet::UNetOptions& network);

// "text, frame_position, row_padding".
VGEN_API std::string feature_names(const unet::UNetOptions& network);
// Whether pictures reach it as tokens, by way of CLIP's image tower.
VGEN_API bool looks_at_pictures(const unet::UNetOptions& network);

// LoRA and bottleneck adapters that the reference keeps inside a UNet's checkpoint: not of the network, and a sign of
// the system. Empty if there are none.
VGEN_API std::string_view system_of_adapters(const Shapes& shapes);
VGEN_API bool is_adapter_name(std::string_view name);

// A released file, whose name says what its shapes do not. 0: as the system has it.
struct ReleasedFile {
  std::string_view name, system;  // without the extension
  int frames = 0, width = 0, height = 0;
};
VGEN_API const ReleasedFile* released_file(std::string_view name);

}  // namespace vgen::pipelines
