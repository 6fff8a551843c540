// Where the shipped model may lie, seen from the folder of libvgen. Torch-free: the command line looks there before it
// loads torch.
#pragma once
#include <cstdlib>
#include <filesystem>
#include <vector>

namespace vgen::pipelines {

inline std::vector<std::filesystem::path> shipped_model_places(const std::filesystem::path& lib) {
  std::vector<std::filesystem::path> places;
  if (const char* given = std::getenv("VGEN_MODEL")) places.emplace_back(given);
  if (!lib.empty()) {
    places.push_back(lib / "../models/shapes");             // wheel
    places.push_back(lib / "../share/vgen/models/shapes");  // installed tree
    places.push_back(lib / "../../../models/shapes");       // build tree
  }
  places.emplace_back("models/shapes");
  return places;
}

}  // namespace vgen::pipelines
