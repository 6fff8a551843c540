// Generation: what the commands share that make clips: the request of the options, the model looked at before it is
// loaded, and clips that are written, with their latents kept until then.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vgen/adapters/request.hpp"
#include "vgen/cli/backend.hpp"
#include "vgen/pipelines/pipeline.hpp"
#include "vgen/pipelines/sources.hpp"

namespace vgen::cli {

using Seeds = std::vector<std::uint64_t>;

// Prompt, options and --set. "--set sampler.eta=0.5" changes the model's own sampler: those wait for its index.
pipelines::Request request_of(const Invocation& in);
void apply_waiting_sets(const Invocation& in, const pipelines::ModelIndex& index, pipelines::Request& request);
Seeds seeds_of(const pipelines::Request& request);  // ConfigError for a count out of range
pipelines::Sources sources_of(const Invocation& in);
// --adapter and --lora. IoError for a file that is not there.
std::vector<adapters::AdapterRequest> adapters_of(const Invocation& in);

// A model folder, read but not loaded. ConfigError unless it is of `system`, where one is named.
struct ModelHead {
  std::filesystem::path folder;
  pipelines::ModelIndex index;
  const pipelines::System* system;
  std::vector<std::string> declared;  // conditions of its network
};
ModelHead look_at_model(const std::string& folder, const std::string& system);
// The same for the second stage: sr600's where the folder leaves that open; ConfigError if it does something else.
ModelHead look_at_upscaler(const std::string& folder);

// out.mp4 -> out-3.mp4 for the clip with seed 3 of several; frames/ -> frames-3/.
std::filesystem::path numbered(const std::filesystem::path& path, const std::string& number);
// Where a clip goes if the user does not say: `name`, or `name`-2 ..., of a kind that can be written here, such that
// all its numbered names are free.
std::filesystem::path free_name(const std::string& name, const std::vector<std::string>& numbers, double fps);
void expect_output(const std::filesystem::path& output, double fps);  // ConfigError, IoError, Unavailable

std::string summary(const pipelines::Plan& plan, const std::string& model, const std::filesystem::path& output);

// Clips on their way into files.
class ClipWriter {
 public:
  // --sheet is looked at now.
  explicit ClipWriter(Invocation& in);
  // Makes one clip, keeping its latents until it is written.
  pipelines::Clip make(pipelines::Pipeline& pipe, const pipelines::Request& request, const pipelines::Inputs& inputs,
                       const std::filesystem::path& path);
  void write(const pipelines::Clip& clip, const std::filesystem::path& path);
  void finish();  // the sheet, and --json's document
  const pipelines::Callbacks& callbacks() const { return callbacks_; }

 private:
  Invocation& in_;
  std::filesystem::path sheet_;
  pipelines::Callbacks callbacks_;
  Node files_ = Node::list();
  std::vector<video::Frames> rows_;
};

// One clip to be enlarged.
struct Upscaling {
  video::Frames clip;
  std::string source, prompt;  // the file of the clip
  std::uint64_t seed = 0;
  std::filesystem::path output;
};
// With the model of a system that works on clips; `request` says all but prompt and seed. For --dry-run the plan of the
// first, and nothing is made.
Node upscale(Invocation& in, const ModelHead& model, const pipelines::Request& request,
             const std::vector<Upscaling>& clips, ClipWriter& writer);

pipelines::LoadOptions load_options(const Invocation& in, std::string_view system, const std::string& dtype = "");

}  // namespace vgen::cli
