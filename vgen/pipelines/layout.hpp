// Layout: whose names and shapes a weight file uses, which part of a model it holds, and the options of that part, read
// off its shapes. Works on names and shapes alone: a file is recognised without touching the bytes of its tensors.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "vgen/conditioning/clip_text.hpp"
#include "vgen/conditioning/clip_vision.hpp"
#include "vgen/formats/tensor_file.hpp"
#include "vgen/unet/unet.hpp"
#include "vgen/vae/autoencoder_kl.hpp"
#include "vgen/weights/key_map.hpp"

namespace vgen::pipelines {

// reference: VGen's checkpoints and what it reads beside them (open_clip's towers, Stable Diffusion's autoencoder).
// diffusers: UNet3DConditionModel, I2VGenXLUNet, AutoencoderKL, and transformers' CLIPTextModel and
// CLIPVisionModelWithProjection.
enum class Layout { vgen, reference, diffusers };
constexpr auto enum_names(Layout) {
  return std::array{std::pair{Layout::vgen, std::string_view("vgen")},
                    std::pair{Layout::reference, std::string_view("reference")},
                    std::pair{Layout::diffusers, std::string_view("diffusers")}};
}

enum class Part { text_encoder, unet, vae, image_encoder };
constexpr auto enum_names(Part) {
  return std::array{std::pair{Part::text_encoder, std::string_view("text_encoder")},
                    std::pair{Part::unet, std::string_view("unet")}, std::pair{Part::vae, std::string_view("vae")},
                    std::pair{Part::image_encoder, std::string_view("image_encoder")}};
}
VGEN_API std::string_view purpose(
    Part part);  // who needs it: "turns the prompt into the tokens that the UNet looks at"

using Shapes = std::map<std::string, std::vector<std::int64_t>, std::less<>>;
VGEN_API Shapes shapes_of(const formats::TensorFile& file);

struct FoundPart {
  Part part = Part::unet;
  Layout layout = Layout::vgen;
  std::string prefix = {};  // of its names in the file, "first_stage_model."
  bool operator==(const FoundPart&) const = default;
};
// The parts that a file holds, by names that only they have; empty if it holds none that vgen knows.
VGEN_API std::vector<FoundPart> find_parts(const Shapes& shapes);
// What a file holds, for people: "a unet in the reference's names, of i2vgen_xl", "a LoRA", "the edge detector ...",
// ...
VGEN_API std::string describe(const Shapes& shapes);

// In the order of Part.
using PartOptions = std::variant<conditioning::ClipTextOptions, unet::UNetOptions, vae::AutoencoderKlOptions,
                                 conditioning::ClipVisionOptions>;
// What shapes cannot say (heads, groups of norms, activation) is what the released models have, or the nearest that
// fits; of a UNet also what `system` has (unet_layout.hpp), or the first system that fits. WeightsError naming the
// tensor that is missing.
VGEN_API PartOptions options_of(const Shapes& shapes, const FoundPart& found, std::string_view system = {});

// The part with parameters that were never written to: their memory is not occupied before weights replace them.
VGEN_API std::unique_ptr<nn::Module> make_part(const PartOptions& options);
// Our names -> the layout's. Several pairs may name one tensor of ours (weights::join_rows). `in_file`, if given,
// decides between spellings of one layout. UnsupportedError if the layout has no place for an option.
VGEN_API weights::KeyMap key_map(const PartOptions& options, nn::Module& part, Layout layout,
                                 const Shapes* in_file = nullptr);
// The tensors of one part, without the prefix, and without what such files hold beside it (the other tower of CLIP, the
// temperature of its loss, position numbers, adapters). The projection of transformers' image tower is turned to our
// side, which no key map says.
VGEN_API weights::StateDict part_state(weights::StateDict state, const FoundPart& found);
// Our tensors as the layout has them: the way back.
VGEN_API weights::StateDict to_layout(weights::StateDict ours, const PartOptions& options, Layout layout);

}  // namespace vgen::pipelines
