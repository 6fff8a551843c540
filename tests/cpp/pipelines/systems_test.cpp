// Every system of the family, end to end on a tiny model: written, opened, run.
#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "vgen/conditioning/compose.hpp"
#include "vgen/conditioning/frames.hpp"
#include "vgen/pipelines/system.hpp"
#include "vgen/pipelines/tiny.hpp"
#include "vgen/video/transforms.hpp"

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
  Inputs depth, style, first, both;
  depth.conditions.set("depth", at::full({1, 1, 4, 64, 64}, 0.5));
  style.style = picture();
  first.image = picture();
  both = depth;
  both.style = picture();
  for (const Inputs& inputs : {depth, style, first, both}) EXPECT_FALSE(at::equal(plain, run(inputs)));
  // A first frame is the condition that it becomes.
  Inputs map;
  const video::Frames sized = video::resize(first.image, 64, 64, video::Filter::triangle);
  map.conditions = conditioning::compose({.local_image = conditioning::to_frames(sized)}, 4);
  EXPECT_TRUE(at::equal(run(first), run(map)));
  Inputs wrong;
  wrong.conditions.set("dept", at::zeros({1, 1, 4, 64, 64}));
  EXPECT_THAT(message([&] { run(wrong); }), HasSubstr("takes no condition 'dept'"));
  Inputs frames;
  frames.conditions.set("depth", at::zeros({1, 1, 3, 64, 64}));
  EXPECT_THAT(message([&] { run(frames); }), HasSubstr("'depth' has 3 frames, the clip to make 4"));
}

// A model folder of its own for each test.
struct Tiny {
  explicit Tiny(const std::string& system)
      : folder(fs::temp_directory_path() / str("vgen-knob-", static_cast<long long>(getpid()), "-", system)) {
    write_tiny_model(system, folder, 3);
    pipe.emplace(Pipeline::from_pretrained(folder));
  }
  ~Tiny() { fs::remove_all(folder); }
  Tiny(const Tiny&) = delete;
  Tiny& operator=(const Tiny&) = delete;
  fs::path folder;
  std::optional<Pipeline> pipe;
};
Tensor latents(Pipeline& pipe, Request request, const Inputs& inputs = {}) {
  request.prompt = "a fox";
  request.seed = 1;
  return pipe.generate(request, inputs).front().latents;
}

// Adapters that read a picture, on the plain text-to-video flow: DreamVideo's appearance guidance.
TEST(Knobs, APictureGuidesMotionAdapters) {
  const Tiny tiny("dream_video");
  Pipeline pipe = *tiny.pipe;
  const Tensor plain = latents(pipe, {});
  Inputs guide;
  guide.image = picture();
  EXPECT_THAT(message([&] { latents(pipe, {}, guide); }), HasSubstr("takes no picture"));

  adapters::BottleneckOptions motion = adapters::motion_adapter();
  motion.condition_channels = 32;
  adapters::Injection adapter = adapters::inject(pipe.components().unet, motion, make_generator(5));
  adapter.requires_grad(false);
  for (auto& [name, tensor] : adapter.named_parameters())
    if (name.ends_with("up.weight")) tensor.normal_(0, 0.3, make_generator(6));
  const Tensor unguided = latents(pipe, {}), guided = latents(pipe, {}, guide);
  EXPECT_FALSE(at::equal(plain, unguided));
  EXPECT_FALSE(at::equal(unguided, guided));
  // The strength of the branch without the prompt counts by itself; at strength 0 in both, no picture is seen.
  EXPECT_FALSE(at::equal(guided, latents(pipe, {.appearance_guidance = std::array{1.0, 0.0}}, guide)));
  EXPECT_TRUE(at::allclose(unguided, latents(pipe, {.appearance_guidance = std::array{0.0, 0.0}}, guide), 1e-4, 1e-5));
  adapter.remove();
  EXPECT_TRUE(at::equal(plain, latents(pipe, {})));
  EXPECT_THAT(message([&] { latents(pipe, {}, guide); }), HasSubstr("takes no picture"));
}

TEST(Knobs, AClipsOwnNoiseIsMixedIn) {
  const Tiny tiny("dream_video");
  Pipeline pipe = *tiny.pipe;
  Inputs clip;
  clip.video = picture(4, 70, 90);
  const Tensor plain = latents(pipe, {});
  EXPECT_TRUE(at::equal(plain, latents(pipe, {.inverse_noise = 0.0})));
  EXPECT_FALSE(at::equal(plain, latents(pipe, {.inverse_noise = 0.3}, clip)));
  EXPECT_THAT(message([&] { latents(pipe, {.inverse_noise = 0.3}); }), HasSubstr("needs the clip"));
  EXPECT_THAT(message([&] { latents(pipe, {}, clip); }), HasSubstr("inverse_noise, above 0"));
  EXPECT_THAT(message([&] { latents(pipe, {.inverse_noise = 2.0}, clip); }), HasSubstr("[0, 1]"));
  clip.video = picture(3, 70, 90);
  EXPECT_THAT(message([&] { latents(pipe, {.inverse_noise = 0.3}, clip); }), HasSubstr("3 frames, the clip to make 4"));
}

// A clip half as long as the model takes is what it is with every frame twice.
TEST(Knobs, ShortClipsAreDoubled) {
  const Tiny tiny("sr600");
  Pipeline pipe = *tiny.pipe;
  Inputs half, whole;
  half.video = picture(2, 36, 32);
  whole.video = video::Frames(4, 36, 32, 3, 8);
  for (int f = 0; f < 4; ++f) std::copy_n(half.video.frame(f / 2), 36 * 32 * 3, whole.video.frame(f));
  const Tensor doubled = latents(pipe, {}, half);
  EXPECT_EQ(doubled.size(2), 2);
  EXPECT_TRUE(at::equal(doubled, latents(pipe, {}, whole).slice(2, 0, std::nullopt, 2)));
  EXPECT_EQ(latents(pipe, {.double_frames = false}, half).size(2), 2);
  EXPECT_FALSE(at::equal(doubled, latents(pipe, {.double_frames = false}, half)));
  Inputs longer;
  longer.video = picture(5, 36, 32);
  EXPECT_THAT(message([&] { latents(pipe, {}, longer); }), HasSubstr("the clip has 5 frames, the model takes 4"));
  EXPECT_EQ(latents(pipe, {.frames = 5}, longer).size(2), 5);
  half.video.fps = 12;  // the rate is the clip's
  EXPECT_EQ(pipe.generate({.prompt = "a fox"}, half).front().frames.fps, 12);
}

TEST(Knobs, ThePicturesEmbeddingMayBeLeftOut) {
  const Tiny tiny("i2vgen_xl");
  Pipeline pipe = *tiny.pipe;
  Inputs inputs;
  inputs.image = picture();
  EXPECT_FALSE(at::equal(latents(pipe, {}, inputs), latents(pipe, {.zero_image = false}, inputs)));
}

TEST(Knobs, GuidanceInTwoPassesIsTheSame) {
  const Tiny tiny("t2v");
  Pipeline pipe = *tiny.pipe;
  const Tensor once = latents(pipe, {.guidance_in_one_batch = true}),
               twice = latents(pipe, {.guidance_in_one_batch = false});
  EXPECT_LT((once - twice).abs().max().item<double>(), 1e-3);
  const double one = pipe.plan({.frames = 64, .guidance_in_one_batch = true, .decode_chunk = 1}).memory_bytes;
  EXPECT_LT(pipe.plan({.frames = 64, .guidance_in_one_batch = false, .decode_chunk = 1}).memory_bytes, one);
}

TEST(Knobs, WhatASystemDoesNotTakeIsRefusedByName) {
  const Tiny tiny("t2v");
  Pipeline pipe = *tiny.pipe;
  const std::string motion = message([&] { latents(pipe, {.motion = 500.0}); });
  EXPECT_THAT(motion, HasSubstr("t2v: this model takes no motion"));
  EXPECT_FALSE(pipe.plan({}).request.motion.has_value());
  Inputs given;
  given.conditions.set("depth", at::zeros({1, 1, 4, 64, 64}));
  const std::string depth = message([&] { latents(pipe, {}, given); });
  EXPECT_THAT(depth, HasSubstr("takes no condition 'depth'; beside the prompt it takes nothing; given: depth"));
  EXPECT_THAT(depth, HasSubstr("video_composer, which takes it"));
  const Tiny tiny_xl("i2vgen_xl");
  Pipeline xl = *tiny_xl.pipe;  // conditions that a flow makes are not the caller's
  Inputs made;
  made.image = picture();
  made.conditions.set("local_image", at::zeros({1, 4, 1, 8, 8}));
  EXPECT_THAT(message([&] { latents(xl, {}, made); }), HasSubstr("takes no condition 'local_image'"));
  EXPECT_THAT(message([&] { expect_taken(system_named("i2vgen_xl"), {"text"}, {.knobs = {"motion"}}); }),
              HasSubstr("it takes image, zero_image; given: motion"));
}

TEST(System, NamesAreKnown) {
  EXPECT_EQ(systems().size(), 9u);
  EXPECT_THAT(message([] { system_named("i2vgen-xl"); }), HasSubstr("did you mean 'i2vgen_xl'"));
  EXPECT_THAT(message([] { write_tiny_model("t2v", fs::temp_directory_path()); }), HasSubstr("exists already"));
}

}  // namespace
}  // namespace vgen::pipelines
