// vgen gen -c FILE [KEY VALUE]...: an inference configuration of VGen run as it stands, with its list of prompts, its
// checkpoints and its names of clips (vgen/reference_config).
#pragma once
#include "vgen/cli/backend.hpp"

namespace vgen::cli {

// ConfigError with everything that is wrong with the files, or naming an option of `gen` that a configuration leaves no
// room for.
int run_reference_config(Invocation& in);

}  // namespace vgen::cli
