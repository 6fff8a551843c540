#include "vgen/train/trainer.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "vgen/core/atomic_file.hpp"
#include "vgen/train/checkpoint.hpp"
#include "vgen/train/config.hpp"

namespace vgen::train {
namespace {
namespace fs = std::filesystem;

struct Folder {
  fs::path path;
  explicit Folder(const std::string& name) : path(fs::temp_directory_path() / str("vgen-train-", getpid(), "-", name)) {
    fs::remove_all(path);
  }
  ~Folder() { fs::remove_all(path); }
};

TrainConfig tiny(Precision precision, long long steps) {
  TrainConfig c;
  c.task = AutoencoderTaskOptions{
      .model =
          {.channels = 8, .multipliers = {1, 1}, .blocks = 1, .resolution = 16, .norm_groups = 4, .scale_factor = 1},
      .world = {.size = 16, .frames = 2},
      .batch = 2};
  c.trainer = {.steps = steps,
               .accumulate = 2,
               .precision = precision,
               .learning_rate = {.base = 1e-3, .warmup_steps = 2, .total_steps = 6},
               .clip_norm = 1,
               .ema_decay = 0.9,
               .log_every = 1,
               .checkpoint_every = 2};
  return c;
}

std::vector<std::string> losses(const fs::path& folder) {
  std::vector<std::string> out;
  std::ifstream in(folder / "log.jsonl");
  for (std::string line; std::getline(in, line);) out.push_back(line.substr(0, line.find("\"seconds")));
  return out;
}

class Resume : public testing::TestWithParam<Precision> {};

TEST_P(Resume, IsEqualToAnUnbrokenRunToTheBit) {
  const Folder whole("whole"), broken("broken");
  ASSERT_TRUE(run(tiny(GetParam(), 6), whole.path).finished);
  for (const long long stop : {1, 3, 4}) {  // stopped between checkpoints and on one
    CancelToken cancel;
    const auto result = run(tiny(GetParam(), 6), broken.path, cancel, [&](const ProgressEvent& e) {
      if (e.done == stop) cancel.cancel(15);
    });
    EXPECT_FALSE(result.finished);
    EXPECT_EQ(result.step, stop);
  }
  ASSERT_TRUE(run(tiny(GetParam(), 6), broken.path).finished);
  EXPECT_EQ(losses(whole.path), losses(broken.path));
  EXPECT_EQ(read_file(whole.path / "checkpoints/step-6/state.safetensors"),
            read_file(broken.path / "checkpoints/step-6/state.safetensors"));
  EXPECT_EQ(read_file(whole.path / "model/vae/model.safetensors"),
            read_file(broken.path / "model/vae/model.safetensors"));
}
INSTANTIATE_TEST_SUITE_P(Precisions, Resume, testing::Values(Precision::fp32, Precision::bf16));

TEST(Trainer, SkipsADamagedCheckpoint) {
  const Folder folder("damaged");
  ASSERT_TRUE(run(tiny(Precision::fp32, 4), folder.path).finished);
  std::ofstream(folder.path / "checkpoints/step-4/state.safetensors", std::ios::in | std::ios::out | std::ios::binary)
      .seekp(5000)
      .put('x');
  const auto newest = read_newest_checkpoint(folder.path / "checkpoints");
  ASSERT_TRUE(newest);
  EXPECT_EQ(newest->step, 2);
}

TEST(Trainer, RefusesAnotherConfiguration) {
  const Folder folder("other");
  ASSERT_TRUE(run(tiny(Precision::fp32, 2), folder.path).finished);
  TrainConfig other = tiny(Precision::fp32, 4);
  other.trainer.learning_rate.base = 2e-3;
  EXPECT_THROW(run(other, folder.path), ConfigError);
}

TEST(Trainer, LearnsATinyAutoencoder) {
  const Folder folder("learn");
  TrainConfig c = tiny(Precision::fp32, 60);
  c.trainer.accumulate = 1;
  c.trainer.learning_rate = {.base = 5e-3, .warmup_steps = 5, .total_steps = 60};
  c.trainer.checkpoint_every = 60;
  std::get<AutoencoderTaskOptions>(c.task).batch = 8;
  const TrainResult result = run(c, folder.path);
  EXPECT_LT(result.last_loss, 0.6);  // starts near 1.3
  EXPECT_TRUE(fs::exists(folder.path / "model/vae/config.json"));
}

}  // namespace
}  // namespace vgen::train
