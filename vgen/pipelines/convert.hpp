// convert: weights rewritten under the names of another layout, in another number type, or in another container.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "vgen/core/progress.hpp"
#include "vgen/pipelines/layout.hpp"

namespace vgen::pipelines {

struct ConvertOptions {
  // Names and shapes of the result; none: a file keeps its names, a folder becomes vgen's.
  std::optional<Layout> to = {};
  std::optional<at::ScalarType> dtype = {};  // of floating-point tensors; none: as stored
  std::optional<Part> part = {};             // of a file that holds several
  std::string system = {};                   // of a UNet or folder that fits several (open_model_folder)
  bool dry_run = false;                      // check everything, write nothing
  CancelToken cancel = {};
  OnProgress on_progress = {};  // stage "convert", in parts
};

struct VGEN_API ConvertReport {
  struct Item {
    std::string what;  // "unet in the reference's names"
    std::filesystem::path from, to;
    std::int64_t tensors = 0, parameters = 0;
    std::uint64_t bytes = 0;  // of the result
  };
  std::vector<Item> items;
  std::vector<std::string> notes;  // what the result lacks or assumes
  Node node() const;               // for --json
};

// File to file (the container by dst's extension) or model folder to model folder. Atomic: dst appears complete or not
// at all. Holds one copy of a part's weights at most. ConfigError: dst exists (a folder), is src, or has no weight
// file's extension; UnsupportedError: the layout has no place for something; WeightsError, IoError (too little space,
// found before writing).
VGEN_API ConvertReport convert(const std::filesystem::path& src, const std::filesystem::path& dst,
                               const ConvertOptions& options = {});

}  // namespace vgen::pipelines
