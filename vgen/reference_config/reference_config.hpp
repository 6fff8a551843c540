// VGen's own configurations (its YAML files, base files, prompt lists and command-line pairs) read into vgen's: which
// system runs, on which schedule and sampler, with which size, prompts and checkpoints. Torch-free.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "vgen/core/node.hpp"

namespace vgen::reference_config {

struct Problem {
  std::string where, what;  // "configs/t2v_infer.yaml:3:8", or "argument 'seed'"
};

// What became of one key that somebody wrote.
struct KeyReport {
  std::string key = {}, where = {};  // "UNet.in_dim"
  bool used = false;
  std::string became = {};  // the path in the result, or why it never had an effect
};

struct Options {
  // Of VGen's command line: KEY VALUE. A value is read as YAML and a dotted key reaches into blocks; VGen kept all of
  // them as top-level text.
  std::vector<std::pair<std::string, std::string>> pairs = {};
  bool inputs_must_exist = false;  // a missing list or checkpoint is a problem (to run), not a note (to convert)
};

struct Conversion {
  // system, task_type, index (pipelines::ModelIndex), unet (fields of unet::UNetOptions over the system's preset),
  // checkpoints, adapters, inputs, run; requests, one for each clip: {prompt, seed, output} and, by the system, {image,
  // video, conditions}; of training: trainer, task, data.
  Node config = Node::map();
  Node effective = Node::map();  // VGen's own keys as its entry point sees them: defaults, base files, file, pairs
  std::vector<KeyReport> keys;
  std::vector<std::string> notes;  // "where: text": duplicate keys, files that are not there, values that changed kind
  std::vector<Problem> problems;   // all of them; empty = converted
};

// By its name: .yaml or .yml.
VGEN_API bool is_reference_config(const std::filesystem::path& path);
// A file that a configuration names: from the working directory, as VGen, else from the nearest folder above the
// configuration that has it; else the name itself.
VGEN_API std::filesystem::path locate(const std::filesystem::path& config, const std::string& name);

// Never throws for what the files say: everything wrong is in `problems`.
VGEN_API Conversion convert(const std::filesystem::path& path, const Options& options = {});

// ConfigError with all problems, one a line, if there is one.
VGEN_API void expect_no_problems(const Conversion& conversion, const std::filesystem::path& path);

// The result as YAML under a comment that says what became of each key.
VGEN_API std::string to_yaml(const Conversion& conversion, const std::filesystem::path& path);

}  // namespace vgen::reference_config
