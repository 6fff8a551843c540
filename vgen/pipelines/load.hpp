// The parts of a pipeline loaded from a model folder that was opened, or put together from files in several places.
#pragma once
#include "vgen/pipelines/model_folder.hpp"
#include "vgen/pipelines/pipeline.hpp"

namespace vgen::pipelines {

// IoError, FormatError, WeightsError, and ConfigError where the parts do not fit one another; nothing is half loaded.
VGEN_API Components load_components(const ModelFolder& model, const LoadOptions& options = {});

}  // namespace vgen::pipelines
