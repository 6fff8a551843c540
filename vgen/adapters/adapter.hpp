// Adapter: the content of an adapter's file, not yet tied to a network. LoRA in the layouts of the reference
// (`..to_q_lora.down_linear.weight`), diffusers and PEFT (`unet.*.lora_A.weight`, `.lora.down.weight`, `processor.*`)
// and kohya (`lora_unet_*.lora_down.weight` with `alpha`); bottleneck adapters as the reference keeps them
// (`..cross_attn_adapter.down_linear.weight`); and vgen's own names.
#pragma once
#include <array>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "vgen/core/node.hpp"
#include "vgen/weights/state_dict.hpp"

namespace vgen::adapters {

enum class Layout { vgen, reference, diffusers, kohya };
constexpr auto enum_names(Layout) {
  return std::array{std::pair{Layout::vgen, "vgen"}, std::pair{Layout::reference, "reference"},
                    std::pair{Layout::diffusers, "diffusers"}, std::pair{Layout::kohya, "kohya"}};
}

struct Adapter {
  std::string source;  // for messages: its path
  weights::StateDict tensors;
  std::map<std::string, std::string> metadata = {};
  std::optional<double> alpha = {};  // of every LoRA in it, where the file says so beside its tensors (PEFT)
  bool rank_stabilised = false;      // PEFT's use_rslora: alpha / sqrt(rank)
};

// Reads a file (safetensors, .pth, .bin, ..) or PEFT's folder (adapter_model.safetensors, adapter_config.json).
// IoError, FormatError, UnsupportedError for a PEFT configuration that no scale can express.
VGEN_API Adapter load(const std::filesystem::path& path);

struct VGEN_API LoadReport {
  std::vector<std::string> layouts;     // seen in the file
  std::size_t loras = 0, branches = 0;  // layers and ports with something to attach
  std::vector<std::string> unknown, misshaped, incomplete, not_finite, base, ignored;

  bool fits() const;
  std::string text(std::size_t each = 5) const;  // counts, and the first few of each kind
  Node node() const;                             // everything
};

}  // namespace vgen::adapters
