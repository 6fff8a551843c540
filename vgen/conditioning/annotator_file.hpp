// Loading an annotator's released checkpoint: audited, all parameters or none.
#pragma once
#include <filesystem>
#include <set>
#include <string>

#include "vgen/nn/module.hpp"
#include "vgen/weights/load.hpp"

namespace vgen::conditioning {

// Tensors of a .pth, .pt or .safetensors file, "state_dict" unwrapped, a "module." before every name removed.
VGEN_API weights::StateDict read_annotator(const std::filesystem::path& path);

// The network that such names belong to ("the depth estimator (midas_v3_dpt_large.pth)"), by a name that only it has;
// empty if that is not known.
VGEN_API std::string looks_like(const std::set<std::string, std::less<>>& names);

// WeightsError "who: FILE does not fit: ..." with all that differs, and which network the file looks like if that is
// known; then no parameter has changed. NumericsError if a weight is not finite.
VGEN_API weights::AuditReport load_annotator(nn::Module& network, weights::StateDict state, const weights::KeyMap& keys,
                                             const std::string& who, const std::filesystem::path& path);

}  // namespace vgen::conditioning
