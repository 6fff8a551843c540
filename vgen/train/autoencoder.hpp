// Training an AutoencoderKL on single frames of the shapes world: L1 + L2 reconstruction and a small KL term (Rombach
// et al. 2022, appendix G, without the adversarial part, which flat shapes do not need).
#pragma once
#include "vgen/data/shapes_world.hpp"
#include "vgen/train/trainer.hpp"
#include "vgen/vae/autoencoder_kl.hpp"

namespace vgen::train {

struct AutoencoderTaskOptions {
  static constexpr std::string_view kind = "autoencoder";
  vae::AutoencoderKlOptions model;
  data::ShapesOptions world;
  std::uint64_t data_seed = 1;
  int batch = 32;
  double l1 = 1, l2 = 1, kl = 1e-3, object_weight = 1;
  std::string start;
  bool operator==(const AutoencoderTaskOptions&) const = default;
  static constexpr auto fields() {
    using O = AutoencoderTaskOptions;
    return std::tuple{field("model", &O::model, "the autoencoder"),
                      field("world", &O::world, "the data"),
                      field("data_seed", &O::data_seed, "seed of the data"),
                      field("batch", &O::batch, "frames a micro-batch, each of another clip"),
                      field("l1", &O::l1, "weight of the mean absolute error"),
                      field("l2", &O::l2, "weight of the mean squared error"),
                      field("kl", &O::kl, "weight of the KL divergence a pixel value"),
                      field("object_weight", &O::object_weight, "weight of a pixel of an object; background has 1"),
                      field("start", &O::start, "model folder whose weights the run begins with; empty = random ones")};
  }
};

class VGEN_API AutoencoderTask : public Task {
 public:
  AutoencoderTask(const AutoencoderTaskOptions& options, const TrainerOptions& trainer, at::Device device = at::kCPU);
  Parameters parameters() override;
  Tensor loss(std::uint64_t seed, long long step, int part) override;
  // Picture rows of originals and reconstructions; share of clips that the judge reads alike before and after the round
  // trip.
  std::map<std::string, double> preview(long long step, const std::filesystem::path& folder, EventLog& log) override;
  // vae/config.json with scale_factor = 1 / standard deviation of the latents, vae/model.safetensors.
  void save(const std::filesystem::path& folder, const Parameters& weights) override;
  vae::AutoencoderKl& model() { return model_; }

 private:
  AutoencoderTaskOptions options_;
  vae::AutoencoderKl model_;
};

}  // namespace vgen::train
