#include "vgen/train/text_to_video.hpp"

#include <ATen/TensorOperators.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>

#include "vgen/core/atomic_file.hpp"
#include "vgen/core/log.hpp"
#include "vgen/formats/json.hpp"
#include "vgen/pipelines/model_part.hpp"
#include "vgen/train/checkpoint.hpp"
#include "vgen/train/config.hpp"
#include "vgen/train/trainer.hpp"
#include "vgen/unet/init.hpp"
#include "vgen/weights/state_dict.hpp"

namespace vgen::train {
namespace {
namespace fs = std::filesystem;

// A world of 16 x 16 pixels, an autoencoder of two levels after two steps, and a text-to-video run on it.
struct TextToVideo : testing::Test {
  fs::path root = fs::temp_directory_path() / str("vgen-t2v-", getpid());
  TrainConfig config;

  void SetUp() override {
    fs::remove_all(root);
    TrainConfig vae;
    vae.task = AutoencoderTaskOptions{
        .model =
            {.channels = 8, .multipliers = {1, 1}, .blocks = 1, .resolution = 16, .norm_groups = 4, .scale_factor = 1},
        .world = {.size = 16, .frames = 4},
        .batch = 2};
    vae.trainer = {.steps = 2, .learning_rate = {.base = 1e-3, .warmup_steps = 1, .total_steps = 2}};
    ASSERT_TRUE(run(vae, root / "vae").finished);
    TextToVideoTaskOptions task;
    task.autoencoder = (root / "vae/model").string();
    task.text = {.width = 16,
                 .heads = 2,
                 .layers = 1,
                 .mlp = 32,
                 .context_length = 24,
                 .embed = 0,
                 .layer = conditioning::ClipLayer::last};
    task.unet.channels = 16;
    task.unet.levels = {{1, false}, {1, true}};
    task.unet.blocks_per_level = 1;
    task.unet.head_channels = 8;
    task.unet.first_heads = 2;
    task.unet.norm_groups = 4;
    task.unet.context_channels = 16;
    task.unet.dropout = task.unet.temporal_dropout = 0;
    task.index.defaults.frames = 4;
    task.world = {.size = 16, .frames = 4};
    task.clips = 6;
    task.batch = 2;
    task.latent_cache = (root / "latents.safetensors").string();
    task.stages = {{.until = 2, .frames = 1, .batch = 4}, {.until = 4, .frames = 2, .batch = 3}};
    config.task = task;
    config.trainer = {.steps = 6,
                      .learning_rate = {.base = 2e-3, .warmup_steps = 1, .total_steps = 6},
                      .muon = MuonOptions{},
                      .ema_decay = 0.5,
                      .log_every = 1,
                      .checkpoint_every = 2};
  }
  void TearDown() override { fs::remove_all(root); }

  static std::vector<double> losses(const fs::path& folder) {
    std::vector<double> out;
    std::ifstream in(folder / "log.jsonl");
    for (std::string line; std::getline(in, line);)
      out.push_back(formats::parse_json(line, "log").at("loss").as_double());
    return out;
  }
};

TEST_F(TextToVideo, ResumesInsideAStageToTheBitAndFromTheCache) {
  ASSERT_TRUE(run(config, root / "whole").finished);
  ASSERT_TRUE(fs::exists(root / "latents.safetensors"));
  for (const long long stop : {1, 3, 5}) {
    CancelToken cancel;
    run(config, root / "broken", cancel, [&](const ProgressEvent& e) {
      if (e.done == stop) cancel.cancel(15);
    });
  }
  ASSERT_TRUE(run(config, root / "broken").finished);
  EXPECT_EQ(losses(root / "whole"), losses(root / "broken"));
  EXPECT_EQ(read_file(root / "whole/checkpoints/step-6/state.safetensors"),
            read_file(root / "broken/checkpoints/step-6/state.safetensors"));
}

TEST_F(TextToVideo, StagesChangeWhatIsSeen) {
  auto& task = std::get<TextToVideoTaskOptions>(config.task);
  ASSERT_TRUE(run(config, root / "staged").finished);
  task.stages.clear();
  ASSERT_TRUE(run(config, root / "plain").finished);
  EXPECT_NE(losses(root / "staged")[0], losses(root / "plain")[0]);
  task.stages = {{.until = 2, .frames = 3}};  // does not divide 4
  EXPECT_THROW(run(config, root / "wrong"), ConfigError);
}

TEST_F(TextToVideo, StartsFromAModelFolder) {
  ASSERT_TRUE(run(config, root / "first").finished);
  auto& task = std::get<TextToVideoTaskOptions>(config.task);
  task.start = (root / "first/model").string();
  const TextToVideoTaskOptions kept = task;
  TextToVideoTask next(kept, config.trainer);
  const auto parameters = next.parameters();
  for (const char* part : {"text_encoder", "unet"}) {
    const auto state = weights::read_state_dict(root / "first/model" / part / "model.safetensors");
    for (const auto& [name, saved] : state) {
      const auto found =
          std::ranges::find_if(parameters, [&](const auto& p) { return p.first == str(part, ".", name); });
      ASSERT_NE(found, parameters.end()) << name;
      EXPECT_TRUE(found->second.requires_grad());
      EXPECT_TRUE(found->second.detach().equal(saved.to(at::kFloat))) << name;
    }
  }
}

// A tower that was trained before is used as it is: not moved by the run, shipped with it.
TEST_F(TextToVideo, LeavesATrainedTextEncoderAsItIs) {
  auto& task = std::get<TextToVideoTaskOptions>(config.task);
  TrainConfig text;
  text.task = TextEncoderTaskOptions{.model = task.text, .world = task.world, .batch = 4};
  text.trainer = {.steps = 2, .learning_rate = {.base = 1e-2, .warmup_steps = 0, .total_steps = 2}, .sample_every = 1};
  ASSERT_TRUE(run(text, root / "text").finished);
  for (const auto& entry : fs::recursive_directory_iterator(root / "text/model"))
    EXPECT_EQ(entry.path().string().find("reader"), std::string::npos) << entry.path();

  task.text_encoder = (root / "text/model").string();
  task.text = {};  // the folder's configuration stands in its place
  ASSERT_TRUE(run(config, root / "video").finished);
  for (const char* file : {"config.json", "model.safetensors"})
    EXPECT_EQ(read_file(root / "text/model/text_encoder" / file), read_file(root / "video/model/text_encoder" / file))
        << file;
  task.unet.context_channels = 8;
  EXPECT_THROW(run(config, root / "wrong"), ConfigError);
}

TEST(StartFrom, KeepsWhatTheFolderLacksAndRefusesTheRest) {
  const fs::path folder = fs::temp_directory_path() / str("vgen-start-", getpid());
  unet::UNetOptions o{.channels = 16,
                      .context_channels = 16,
                      .levels = {{1, true}},
                      .blocks_per_level = 1,
                      .head_channels = 8,
                      .first_heads = 2,
                      .norm_groups = 4};
  unet::UNet before(o);
  unet::initialise(before, step_generator(1, 0, 0));
  pipelines::write_part(folder, "unet", to_node(o), before.named_parameters(), at::kFloat);
  const auto values = [](nn::Module& m) {
    std::map<std::string, Tensor> out;
    for (const auto& [name, t] : m.named_parameters()) out[name] = t.detach().clone();
    return out;
  };
  const auto saved = values(before);

  unet::UNetOptions with_frame_text = o;
  with_frame_text.embeddings = {unet::FrameText{}};
  unet::UNet now(with_frame_text);
  unet::initialise(now, step_generator(2, 0, 0));
  const auto initial = values(now);
  ASSERT_GT(initial.size(), saved.size());
  std::string warned;
  log::set_sink([&](log::Level, std::string_view m) { warned += m; });
  start_from(folder, "unet", now);
  log::set_sink({});
  std::string first_new;
  now.each_parameter([&](const std::string& name, const Tensor& t) {
    const auto found = saved.find(name);
    if (found == saved.end() && first_new.empty()) first_new = name;
    EXPECT_TRUE(t.requires_grad()) << name;
    EXPECT_TRUE(t.detach().equal(found == saved.end() ? initial.at(name) : found->second)) << name;
  });
  EXPECT_NE(warned.find(str(initial.size() - saved.size(), " parameters of the unet are not in ")), std::string::npos)
      << warned;
  EXPECT_NE(warned.find("first: " + first_new), std::string::npos) << warned;

  // the other way round there are tensors that nobody wants; another width has other shapes
  pipelines::write_part(folder, "unet", to_node(with_frame_text), now.named_parameters(), at::kFloat);
  EXPECT_THROW(start_from(folder, "unet", before), WeightsError);
  for (const auto& [name, t] : before.named_parameters()) EXPECT_TRUE(t.detach().equal(saved.at(name))) << name;
  o.context_channels = 8;
  unet::UNet narrower(o);
  EXPECT_THROW(start_from(folder, "unet", narrower), WeightsError);
  fs::remove_all(folder);
}

TEST_F(TextToVideo, RecomputesLatentsOfAnotherDataSet) {
  auto& task = std::get<TextToVideoTaskOptions>(config.task);
  ASSERT_TRUE(run(config, root / "one").finished);
  const std::string before = read_file(root / "latents.safetensors");
  task.data_seed = 9;
  ASSERT_TRUE(run(config, root / "two").finished);
  EXPECT_NE(read_file(root / "latents.safetensors"), before);
}

}  // namespace
}  // namespace vgen::train
