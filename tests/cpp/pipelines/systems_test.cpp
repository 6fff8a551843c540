// Every system of the family, end to end on a tiny model: written, opened, run.
#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "vgen/pipelines/system.hpp"
#include "vgen/pipelines/tiny.hpp"

namespace vgen::pipelines {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class Systems : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { write_tiny_model(GetParam(), folder_, 3); }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path folder_ = fs::temp_directory_path() / str("vgen-tiny-", static_cast<long long>(getpid()), "-", GetParam());
};

video::Frames picture(std::int64_t frames = 1, std::int64_t height = 40, std::int64_t width = 56) {
  video::Frames out(frames, height, width, 3, 8);
  for (std::size_t i = 0; i < out.bytes(); ++i) (*out.pixels)[i] = static_cast<std::uint8_t>(i * 37 % 251);
  return out;
}
Inputs inputs_for(const System& system) {
  Inputs inputs;
  if (system.needs_image) inputs.image = picture();
  if (system.needs_video) inputs.video = picture(4, 36, 32);
  return inputs;
}
std::string message(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) { return e.what(); }
  return "";
}

TEST_P(Systems, RunEndToEndAndFollowTheirInputs) {
  Pipeline pipe = Pipeline::from_pretrained(folder_);
  EXPECT_EQ(pipe.system().name, GetParam());
  std::uintmax_t bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder_))
    if (entry.is_regular_file()) bytes += entry.file_size();
  EXPECT_LT(bytes, 10'000'000u);

  const Inputs inputs = inputs_for(pipe.system());
  std::set<std::string> stages;
  Callbacks callbacks;
  callbacks.progress = [&](const ProgressEvent& e) { stages.emplace(e.stage); };
  const Clip clip = pipe.generate({.prompt = "a fox", .seed = 5}, inputs, callbacks).front();
  EXPECT_EQ(clip.frames.count, 4);
  EXPECT_EQ(clip.frames.width, 64);
  EXPECT_TRUE(stages.contains("denoise") && stages.contains("decode"));
  // The same again is the same; another prompt is not.
  EXPECT_TRUE(at::equal(clip.latents, pipe.generate({.prompt = "a fox", .seed = 5}, inputs).front().latents));
  const Clip other = pipe.generate({.prompt = "a red car in the rain", .seed = 5}, inputs).front();
  EXPECT_GT((clip.latents - other.latents).abs().max().item<double>(), 1e-4);
  if (pipe.system().needs_image) {
    Inputs another = inputs;
    another.image = picture(1, 64, 64);
    EXPECT_FALSE(at::equal(clip.latents, pipe.generate({.prompt = "a fox", .seed = 5}, another).front().latents));
    EXPECT_THAT(message([&] { pipe.generate({.prompt = "a fox"}); }), HasSubstr("needs a picture"));
  } else if (pipe.system().needs_video) {
    EXPECT_THAT(message([&] { pipe.generate({.prompt = "a fox"}); }), HasSubstr("needs a clip"));
  }
}

INSTANTIATE_TEST_SUITE_P(Family, Systems,
                         testing::Values("t2v", "i2vgen_xl", "higen", "sr600", "tf_t2v", "video_composer", "video_lcm",
                                         "dream_video", "instruct_video"),
                         [](const auto& info) { return info.param; });

using OneSystem = Systems;
INSTANTIATE_TEST_SUITE_P(Composer, OneSystem, testing::Values("video_composer"));
TEST_P(OneSystem, TakesAnySubsetOfConditions) {
  Pipeline pipe = Pipeline::from_pretrained(folder_);
  const auto run = [&](const Inputs& inputs) {
    return pipe.generate({.prompt = "a fox", .seed = 1}, inputs).front().latents;
  };
  const Tensor plain = run({});
  Inputs depth, style, both;
  depth.conditions.set("depth", at::full({1, 1, 4, 64, 64}, 0.5));
  style.image = picture();
  both = depth;
  both.image = picture();
  for (const Inputs& inputs : {depth, style, both}) EXPECT_FALSE(at::equal(plain, run(inputs)));
  Inputs wrong;
  wrong.conditions.set("dept", at::zeros({1, 1, 4, 64, 64}));
  EXPECT_THAT(message([&] { run(wrong); }), HasSubstr("takes no condition 'dept'"));
  Inputs frames;
  frames.conditions.set("depth", at::zeros({1, 1, 3, 64, 64}));
  EXPECT_THAT(message([&] { run(frames); }), HasSubstr("depth"));
}

TEST(System, NamesAreKnown) {
  EXPECT_EQ(systems().size(), 9u);
  EXPECT_THAT(message([] { system_named("i2vgen-xl"); }), HasSubstr("did you mean 'i2vgen_xl'"));
  EXPECT_THAT(message([] { write_tiny_model("t2v", fs::temp_directory_path()); }), HasSubstr("exists already"));
}

// A system of the caller's own: a value, no file of the library changes.
TEST(System, OfOnesOwn) {
  const fs::path folder = fs::temp_directory_path() / str("vgen-own-", static_cast<long long>(getpid()));
  write_tiny_model("t2v", folder);
  Pipeline pipe = Pipeline::from_pretrained(folder);
  System twice = system_named("t2v");
  twice.name = "twice";
  twice.denoise = [](pipelines::Run& run) { return denoise_from_text(run) * 2; };
  const Tensor once = pipe.denoise(pipe.plan({.prompt = "a fox"}), 1);
  pipe.components().system = &twice;
  EXPECT_TRUE(at::equal(once * 2, pipe.denoise(pipe.plan({.prompt = "a fox"}), 1)));
  fs::remove_all(folder);
}

}  // namespace
}  // namespace vgen::pipelines
