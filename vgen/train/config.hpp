// A training run as a value: what `vgen train -c FILE` reads.
#pragma once
#include <filesystem>
#include <memory>
#include <variant>

#include "vgen/train/autoencoder.hpp"
#include "vgen/train/text_encoder.hpp"
#include "vgen/train/text_to_video.hpp"
#include "vgen/train/trainer.hpp"

namespace vgen::train {

using TaskOptions = std::variant<AutoencoderTaskOptions, TextEncoderTaskOptions, TextToVideoTaskOptions>;

struct TrainConfig {
  static constexpr std::string_view kind = "train_config";
  TaskOptions task;
  TrainerOptions trainer;
  bool operator==(const TrainConfig&) const = default;
  static constexpr auto fields() {
    return std::tuple{field("task", &TrainConfig::task, "what is trained, on what, with which loss"),
                      field("trainer", &TrainConfig::trainer, "how: steps, rates, precision, logs, checkpoints")};
  }
};

VGEN_API std::unique_ptr<Task> make_task(const TrainConfig& config, at::Device device = at::kCPU);

// Trains the configured task in `folder`; see train(). A run may go on on another device than it began on, then to
// rounding.
VGEN_API TrainResult run(const TrainConfig& config, const std::filesystem::path& folder, const CancelToken& cancel = {},
                         const OnProgress& progress = {}, Rescue* rescue = nullptr, at::Device device = at::kCPU);

}  // namespace vgen::train
