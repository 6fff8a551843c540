// Pipeline: a model folder made ready to turn prompts into clips.
//
//   auto pipe = vgen::Pipeline::from_pretrained("models/shapes");
//   pipe.generate({.prompt = "a red circle moving left on a black background", .seed = 7}).front().save("out.mp4");
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "vgen/adapters/injection.hpp"
#include "vgen/conditioning/clip_vision.hpp"
#include "vgen/conditioning/encoder.hpp"
#include "vgen/core/progress.hpp"
#include "vgen/pipelines/options.hpp"
#include "vgen/unet/unet.hpp"
#include "vgen/vae/autoencoder_kl.hpp"
#include "vgen/video/frames.hpp"
#include "vgen/video/writer.hpp"

namespace vgen::pipelines {

struct System;

// The parts, shared by whoever uses them; any may be replaced by the caller's own.
struct Components {
  std::shared_ptr<conditioning::Encoder> text;
  std::shared_ptr<unet::UNet> unet;
  std::shared_ptr<vae::AutoencoderKl> vae;
  ModelIndex index;
  std::string folder;                                         // where they came from, for manifests
  std::shared_ptr<conditioning::ClipVision> image_encoder{};  // where the UNet takes pictures
  const System* system = nullptr;                             // one that systems() does not list; else index.system
  std::vector<adapters::Injection> adapters{};  // on the UNet: told which step a run is in, named in manifests
  std::function<std::shared_ptr<conditioning::ClipVision>()> load_image_encoder{};  // asked once, if it is needed
  std::vector<std::string> embeddings{};  // files of learned words in use (Pipeline::learn_words), for manifests
};

// What a system takes beside the prompt. Pictures of any size: they are resized as the reference does.
struct Inputs {
  video::Frames image;          // the first frame, or a picture of the subject
  video::Frames video;          // the clip to enlarge, or whose noise is taken
  unet::Conditions conditions;  // ready-made tensors [1, ..] under the names that the UNet declares, for both branches
  video::Frames style;          // a picture that the clip shall look like
  Node record;                  // what they were made of, for the manifest
};

struct Callbacks;

struct VGEN_API Clip {
  video::Frames frames;  // uint8 [F, H, W, 3]
  Tensor latents;        // [1, C, F, h, w], scaled, float32
  std::uint64_t seed = 0;
  Node manifest;                           // everything that made it
  std::vector<std::string> dropped_words;  // of the prompt
  video::WriteReport save(const std::filesystem::path& path, video::WriteOptions options = {}) const;
  video::WriteReport save(const std::filesystem::path& path, video::WriteOptions options,
                          const Callbacks& callbacks) const;  // with progress and cancellation
};

struct Callbacks {
  samplers::OnStep on_step;  // after each step; false stops early
  OnProgress progress;
  CancelToken cancel;
  std::function<void(const Clip&)> on_latents;  // before decoding: `frames` is still empty
  samplers::SamplerFunction sampler;            // the caller's own algorithm, in place of the request's
};

struct LoadOptions {
  std::string device = "cpu";
  std::string dtype = "fp32";  // fp32, bf16, fp16 (fp16 on CUDA only)
  std::string system = {};     // whose model the folder is, where it leaves that open (open_model_folder)
};

// A request with every default filled in and checked. ConfigError names the option and the nearest valid value.
struct VGEN_API Plan {
  Request request;  // all optionals set that the model takes
  samplers::Sampler sampler;
  std::vector<std::uint64_t> seeds;
  std::int64_t decode_chunk = 1;
  double memory_bytes = 0;  // estimated peak, weights included
  Node to_node() const;
};

class VGEN_API Pipeline {
 public:
  explicit Pipeline(Components components);
  // A model folder in any layout of model_folder.hpp: vgen's, diffusers', or the reference's files. Empty = the shipped
  // model (VGEN_MODEL, else the one that was installed with the library). Weights are views of the files where number
  // type and device agree. LoRA and adapters inside a UNet's checkpoint are attached. IoError, FormatError,
  // WeightsError; nothing is half loaded.
  static Pipeline from_pretrained(const std::filesystem::path& folder = {}, const LoadOptions& options = {});

  Plan plan(const Request& request) const;
  // Of a system that works on a clip, frames and rate are the clip's, unless the request says otherwise.
  Plan plan(const Request& request, const Inputs& inputs) const;
  std::vector<Clip> generate(const Request& request, const Callbacks& callbacks = {});
  std::vector<Clip> generate(const Request& request, const Inputs& inputs, const Callbacks& callbacks = {});
  // Denoising alone: scaled latents [1, C, F, h, w] of one seed.
  Tensor denoise(const Plan& plan, std::uint64_t seed, const Callbacks& callbacks = {});
  Tensor denoise(const Plan& plan, const Inputs& inputs, std::uint64_t seed, const Callbacks& callbacks = {});
  video::Frames decode(const Tensor& latents, double fps, std::int64_t chunk = 4, const Callbacks& callbacks = {});

  // Words of prompts whose vectors were learned (textual inversion, as DreamVideo's subjects have), in addition to
  // those of earlier files. IoError, FormatError; ConfigError: a width that is not the text encoder's, a word that is
  // learned already, or a text encoder that is not the folder's own.
  void learn_words(const std::filesystem::path& file);

  Components& components() { return components_; }
  const ModelIndex& index() const { return components_.index; }
  const System& system() const;

 private:
  struct Text {
    Tensor words;
    std::vector<std::string> dropped;
  };
  Text encode(const Plan& plan);
  void check_inputs(const Request& request, const Inputs& inputs) const;
  Tensor denoise(const Plan& plan, const Text& text, const Inputs& inputs, std::uint64_t seed,
                 const Callbacks& callbacks);
  Components components_;
};

// Steps of one sampling run, one at a time: a run that is iterated, looked at, and stopped at will.
class VGEN_API StepIterator {
 public:
  // Of `callbacks`, on_step is called before the step is handed out; cancelling ends the run with Interrupted.
  StepIterator(Pipeline pipeline, const Request& request, Callbacks callbacks = {});
  StepIterator(Pipeline pipeline, const Request& request, Inputs inputs, Callbacks callbacks = {});
  ~StepIterator();  // stops the run
  StepIterator(StepIterator&&) noexcept;
  // The next step, or nullptr at the end. Errors of the run are thrown here. The pointer holds until the next call.
  const samplers::Step* next();
  video::Frames preview(const samplers::Step& step,
                        double fps = 8);  // the clean sample that the model sees in it, decoded

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Folder of the shipped model; Unavailable if there is none.
VGEN_API std::filesystem::path shipped_model();

}  // namespace vgen::pipelines

namespace vgen {
using pipelines::Pipeline;
}
