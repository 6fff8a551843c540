// Training a text-to-video model on the shapes world: text tower and UNet together, on latents of a trained
// autoencoder.
#pragma once
#include <future>
#include <tuple>

#include "vgen/conditioning/clip_text.hpp"
#include "vgen/data/shapes_world.hpp"
#include "vgen/pipelines/options.hpp"
#include "vgen/train/trainer.hpp"
#include "vgen/unet/unet.hpp"
#include "vgen/vae/autoencoder_kl.hpp"

namespace vgen::train {

// A part of a run on fewer frames: what a scene looks like is learned from pictures and short clips at a fraction of
// the cost, what it does from whole ones.
struct StageOptions {
  static constexpr std::string_view kind = "stage";
  long long until = 0;
  int frames = 16, batch = 16;
  bool operator==(const StageOptions&) const = default;
  static constexpr auto fields() {
    using O = StageOptions;
    return std::tuple{field("until", &O::until, "last step of the stage"),
                      field("frames", &O::frames, "evenly spaced frames taken of each clip"),
                      field("batch", &O::batch, "clips a micro-batch")};
  }
};

struct TextToVideoTaskOptions {
  static constexpr std::string_view kind = "text_to_video";
  std::string autoencoder;   // model folder with the part vae
  std::string text_encoder;  // model folder with the part text_encoder
  conditioning::ClipTextOptions text;
  unet::UNetOptions unet;
  pipelines::ModelIndex index;  // schedule, prediction and the defaults of the shipped model
  data::ShapesOptions world;
  std::uint64_t data_seed = 1;
  int clips = 20000;
  int batch = 16;
  std::vector<StageOptions> stages;
  std::string latent_cache, start;
  double caption_dropout = 0.1;
  double offset_noise = 0;
  double time_power = 1;
  int preview_prompts = 8;
  bool operator==(const TextToVideoTaskOptions&) const = default;
  static constexpr auto fields() {
    using O = TextToVideoTaskOptions;
    return std::tuple{
        field("autoencoder", &O::autoencoder, "model folder whose vae makes the latents"),
        field("text_encoder", &O::text_encoder,
              "model folder whose text tower is used as it is; empty = `text` is trained with the UNet"),
        field("text", &O::text, "the text tower, where it is trained with the UNet"),
        field("unet", &O::unet, "the UNet"),
        field("index", &O::index, "schedule, prediction, defaults of generation"),
        field("world", &O::world, "the data"),
        field("data_seed", &O::data_seed, "seed of the data"),
        field("clips", &O::clips, "different clips; their latents are computed once and kept in memory"),
        field("batch", &O::batch, "clips a micro-batch"),
        field("stages", &O::stages, "earlier parts of the run on fewer frames; after the last one: whole clips"),
        field("latent_cache", &O::latent_cache, "file that keeps the latents for the next start; empty = none"),
        field("start", &O::start, "model folder whose weights the run begins with; empty = random ones"),
        field("caption_dropout", &O::caption_dropout, "share of captions replaced by the negative prompt"),
        field("offset_noise", &O::offset_noise, "strength of the noise shared by all positions of a frame"),
        field("time_power", &O::time_power, "1 = times uniform; above 1: more of them noisy, t = T u^(1/power)"),
        field("preview_prompts", &O::preview_prompts, "prompts sampled and judged at a preview")};
  }
};

// Mean loss of one batch: noise at times t, prediction of the network against its target, mean squared error.
// latents [B, C, F, h, w], t int64 [B], noise as latents. Golden `training/step_t2v*`.
VGEN_API Tensor denoising_loss(unet::UNet& unet, const schedulers::NoiseSchedule& schedule,
                               diffusion::Prediction prediction, const Tensor& latents, const Tensor& t,
                               const Tensor& noise, const unet::Conditions& conditions,
                               const unet::ForwardOptions& how = {});

class VGEN_API TextToVideoTask : public Task {
 public:
  TextToVideoTask(const TextToVideoTaskOptions& options, const TrainerOptions& trainer, at::Device device = at::kCPU);
  ~TextToVideoTask() override;
  Parameters parameters() override;
  void prepare(const CancelToken& cancel, const OnProgress& progress) override;  // latents of all clips
  Tensor loss(std::uint64_t seed, long long step, int part) override;            // prepares if nobody has
  // Clips of the evaluation prompts as picture, and their scores by the judge.
  std::map<std::string, double> preview(long long step, const std::filesystem::path& folder, EventLog& log) override;
  // A whole model folder: model_index.json, text_encoder, unet, vae.
  void save(const std::filesystem::path& folder, const Parameters& weights) override;

 private:
  struct Data;
  struct Batch {  // on the CPU
    Tensor latents, t, noise, ids;
    at::Generator draw;
  };
  using Place = std::tuple<std::uint64_t, long long, int>;  // seed, step, part
  Batch draw(std::uint64_t seed, long long step, int part) const;

  TextToVideoTaskOptions options_;
  int accumulate_;
  std::shared_ptr<conditioning::ClipText> text_;
  std::shared_ptr<unet::UNet> unet_;
  std::shared_ptr<vae::AutoencoderKl> vae_;
  schedulers::NoiseSchedule schedule_;
  std::unique_ptr<Data> data_;
  Place next_place_{};
  std::future<Batch> next_;  // drawn while a device computes
};

}  // namespace vgen::train
