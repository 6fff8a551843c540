#include "vgen/train/text_encoder.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/ones.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <fstream>

#include "vgen/formats/json.hpp"
#include "vgen/nn/init.hpp"
#include "vgen/tensor/random.hpp"
#include "vgen/train/config.hpp"

namespace vgen::train {
namespace {

TEST(CaptionReader, LabelsFollowTheOrderOfTheEnums) {
  const data::ShapesAttributes one{.colour = data::Colour::blue,
                                   .shape = data::Shape::triangle,
                                   .size = data::Size::large,
                                   .motion = data::Motion::growing,
                                   .speed = data::Speed::normal,
                                   .background = data::Background::white};
  const Tensor labels = CaptionReader::labels(std::vector{one, data::ShapesAttributes{}});
  EXPECT_EQ(labels.sizes(), (at::IntArrayRef{2, 6}));
  const std::vector<std::int64_t> expected{2, 2, 2, 5, 1, 2};
  for (std::int64_t i = 0; i < 6; ++i) EXPECT_EQ(labels[0][i].item<std::int64_t>(), expected[std::size_t(i)]) << i;
}

TEST(CaptionReader, LossOfEqualScoresIsTheLogarithmOfTheChoices) {
  CaptionReader reader(4);
  nn::initialise(reader, make_generator(1));
  nn::zero_parameters(reader, {"*"});
  const Tensor labels = CaptionReader::labels(std::vector<data::ShapesAttributes>(3));
  const double expected = std::log(8.) + std::log(6.) + std::log(3.) + std::log(9.) + std::log(3.) + std::log(3.);
  EXPECT_NEAR(reader.loss(at::ones({3, 5, 4}), labels).item<double>(), expected, 1e-5);
}

// The shipped model's first tower, trained with the UNet alone, was blind to left and right.
TEST(TextEncoderTask, LearnsToReadCaptionsThatItNeverSaw) {
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / str("vgen-text-", getpid());
  TrainConfig config;
  config.task = TextEncoderTaskOptions{.model = {.width = 32,
                                                 .heads = 2,
                                                 .layers = 1,
                                                 .mlp = 64,
                                                 .context_length = 24,
                                                 .embed = 0,
                                                 .layer = conditioning::ClipLayer::last},
                                       .batch = 32};
  config.trainer = {.steps = 300,
                    .learning_rate = {.base = 3e-3, .warmup_steps = 0, .total_steps = 300},
                    .sample_every = 300,
                    .checkpoint_every = 300};
  ASSERT_TRUE(run(config, folder).finished);
  std::ifstream in(folder / "log.jsonl");
  double all = -1;
  for (std::string line; std::getline(in, line);)
    if (const Node record = formats::parse_json(line, "log"); const Node* found = record.find("preview/all"))
      all = found->as_double();
  EXPECT_GT(all, 0.95);
  std::filesystem::remove_all(folder);

  std::get<TextEncoderTaskOptions>(config.task).world.objects = 2;
  EXPECT_THROW(make_task(config), ConfigError);
}

}  // namespace
}  // namespace vgen::train
