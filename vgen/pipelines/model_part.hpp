// One part of a model folder: <folder>/<part>/config.json and model.safetensors.
#pragma once
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "vgen/core/node.hpp"
#include "vgen/nn/module.hpp"
#include "vgen/tensor/tensor.hpp"
#include "vgen/weights/load.hpp"

namespace vgen::pipelines {

// Writes the part; tensors are converted to `dtype`. Each file is atomic.
VGEN_API void write_part(const std::filesystem::path& folder, const std::string& part, const Node& config,
                         const std::vector<std::pair<std::string, Tensor>>& tensors, at::ScalarType dtype = at::kHalf);
// config.json of a part; IoError naming the part if it is missing.
VGEN_API Node read_part_config(const std::filesystem::path& folder, const std::string& part);
// Replaces the module's parameters by those of the file (weights::load_weights). WeightsError, with nothing loaded,
// unless names and shapes agree; it begins with the file.
VGEN_API weights::AuditReport load_part(const std::filesystem::path& folder, const std::string& part,
                                        nn::Module& module, const weights::LoadOptions& options = {});

}  // namespace vgen::pipelines
