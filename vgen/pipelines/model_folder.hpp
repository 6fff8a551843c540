// ModelFolder: a model on disk, in any layout that vgen reads, opened without loading its weights.
//   vgen         model_index.json with "system"; text_encoder/, unet/, vae/ with config.json and model.safetensors
//   diffusers    model_index.json with "_class_name"; the same folders, tokenizer/ and scheduler/
//   reference    weight files side by side, as VGen and ModelScope keep them: a UNet's .pth, an autoencoder's .pth or a
//                Stable Diffusion .ckpt, open_clip's .bin; which is which is read from their tensors' names
// An image encoder stands beside these where a system looks at pictures.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "vgen/core/progress.hpp"
#include "vgen/pipelines/layout.hpp"
#include "vgen/pipelines/options.hpp"
#include "vgen/weights/load.hpp"

namespace vgen::pipelines {

// One part: which file, how it is named there, and what it is.
struct PartFile {
  std::filesystem::path file;
  FoundPart found;
  PartOptions options;
  bool adapters = false;  // the file also holds LoRA or adapters of the network (adapters::load)
};

struct OpenPartOptions {
  std::optional<Part> part = {};  // which one, of a file that holds several
  std::string system = {};        // of a UNet: which system's it is, where shapes fit several
};
// The one part that a weight file, or a folder such as <model>/unet, holds; options from the config.json beside it
// where there is one, else from the shapes. WeightsError saying what the file holds if that is none, several, or of
// another system; IoError.
VGEN_API PartFile open_part(const std::filesystem::path& path, const OpenPartOptions& options = {});

struct VGEN_API ModelFolder {
  std::filesystem::path path;
  Layout layout = Layout::vgen;
  ModelIndex index;
  PartFile text_encoder, unet, vae;
  std::optional<PartFile> image_encoder;
  std::optional<std::filesystem::path> merges;  // of its tokenizer, where it is not CLIP's
  std::int32_t pad = 0;                         // id behind the end of a prompt
  std::vector<std::string> notes;               // what was assumed

  std::vector<Part> parts() const;  // those that it has
  PartFile& part(Part p);           // which must be one of them
  const PartFile& part(Part p) const { return const_cast<ModelFolder*>(this)->part(p); }
};
// `system`: which one's model it is, where the folder leaves that open (shapes that fit several, several UNets side by
// side). IoError or WeightsError naming the missing part, who needs it and what was found instead, or what a UNet of
// another system looks like; FormatError, ConfigError.
VGEN_API ModelFolder open_model_folder(const std::filesystem::path& folder, std::string_view system = {});

// Replaces the module's parameters by the part's, all or none (weights::load_weights). WeightsError begins with the
// file.
VGEN_API weights::AuditReport load_part(const PartFile& part, nn::Module& module,
                                        const weights::LoadOptions& options = {});
// The part's tensors in our names, shapes and order, without a copy but for joined rows.
VGEN_API weights::StateDict read_part(const PartFile& part, nn::Module& module);

}  // namespace vgen::pipelines
