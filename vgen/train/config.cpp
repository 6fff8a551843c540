#include "vgen/train/config.hpp"

#include "vgen/core/atomic_file.hpp"
#include "vgen/formats/json.hpp"

namespace vgen::train {

namespace {

struct MakeTask {
  const TrainerOptions& trainer;
  at::Device device;
  std::unique_ptr<Task> operator()(const AutoencoderTaskOptions& o) const {
    return std::make_unique<AutoencoderTask>(o, trainer, device);
  }
  std::unique_ptr<Task> operator()(const TextEncoderTaskOptions& o) const {
    return std::make_unique<TextEncoderTask>(o, trainer, device);
  }
  std::unique_ptr<Task> operator()(const TextToVideoTaskOptions& o) const {
    return std::make_unique<TextToVideoTask>(o, trainer, device);
  }
};

}  // namespace

std::unique_ptr<Task> make_task(const TrainConfig& config, at::Device device) {
  return std::visit(MakeTask{config.trainer, device}, config.task);
}

TrainResult run(const TrainConfig& config, const std::filesystem::path& folder, const CancelToken& cancel,
                const OnProgress& progress, Rescue* rescue, at::Device device) {
  // What may change between the parts of a run without changing its arithmetic is left out of the fingerprint.
  TrainConfig essential = config;
  essential.trainer.log_every = essential.trainer.sample_every = essential.trainer.checkpoint_every = 1;
  essential.trainer.keep_checkpoints = 1;
  essential.trainer.steps = 1;
  const std::string fingerprint = sha256_hex(formats::dump_json(to_node(essential))).substr(0, 16);
  const auto task = make_task(config, device);
  return train(*task, config.trainer, folder, fingerprint, cancel, progress, rescue);
}

}  // namespace vgen::train
