// Tiny models: any system with random weights and a few megabytes, for tests, notebooks and trying an interface out.
// What they draw is noise; everything else is as in a released model.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string_view>

#include "vgen/core/error.hpp"

namespace vgen::pipelines {

// Writes a model folder; ConfigError for an unknown system, IoError if the folder exists. Equal seeds give equal files.
VGEN_API void write_tiny_model(std::string_view system, const std::filesystem::path& folder, std::uint64_t seed = 0);

}  // namespace vgen::pipelines
