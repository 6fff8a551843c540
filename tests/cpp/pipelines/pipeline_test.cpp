#include "vgen/pipelines/pipeline.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <cmath>
#include <fstream>

#include "tests/tiny_model.hpp"
#include "vgen/core/atomic_file.hpp"
#include "vgen/formats/json.hpp"
#include "vgen/pipelines/model_part.hpp"

namespace vgen::pipelines {
namespace {
namespace fs = std::filesystem;
using testing::HasSubstr;

class PipelineTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder = fs::temp_directory_path() / str("vgen-pipeline-test-", getpid());
    tiny::write_model(folder);
  }
  static void TearDownTestSuite() { fs::remove_all(folder); }

  template <class E, class F>
  static std::string message(F&& f) {
    try {
      f();
    } catch (const E& e) { return e.what(); }
    ADD_FAILURE() << "nothing of this kind was thrown";
    return "";
  }
  inline static fs::path folder;
};

TEST_F(PipelineTest, GivesTheDefaultsOfTheFolder) {
  Pipeline pipe = Pipeline::from_pretrained(folder);
  int steps = 0;
  const auto clips = pipe.generate({.prompt = "a red circle", .seed = 7},
                                   {.on_step = [&](samplers::Step& s) { return steps = s.index + 1, true; }});
  ASSERT_EQ(clips.size(), 1u);
  EXPECT_EQ(clips[0].frames.count, 4);
  EXPECT_EQ(clips[0].frames.height, 32);
  EXPECT_EQ(clips[0].frames.width, 48);
  EXPECT_GE(steps, 3);
  EXPECT_EQ(clips[0].manifest.at("seed").as_int(), 7);
}

TEST_F(PipelineTest, EqualSeedsGiveEqualClipsAndOthersOthers) {
  Pipeline pipe = Pipeline::from_pretrained(folder);
  const auto a = pipe.generate({.prompt = "x", .seed = 3, .count = 2});
  const auto b = pipe.generate({.prompt = "x", .seeds = {4, 3}});
  EXPECT_EQ(*a[0].frames.pixels, *b[1].frames.pixels);
  EXPECT_EQ(*a[1].frames.pixels, *b[0].frames.pixels);
  EXPECT_NE(*a[0].frames.pixels, *a[1].frames.pixels);
}

TEST_F(PipelineTest, DecodingInPiecesIsExact) {
  Pipeline pipe = Pipeline::from_pretrained(folder);
  const Tensor latents = randn({1, 4, 5, 4, 6}, make_generator(5));
  EXPECT_EQ(*pipe.decode(latents, 8, 1).pixels, *pipe.decode(latents, 8, 5).pixels);
}

TEST_F(PipelineTest, IteratesStepsAndStops) {
  Pipeline pipe = Pipeline::from_pretrained(folder);
  const Tensor whole = pipe.denoise(pipe.plan({.prompt = "x", .seed = 1}), 1);
  StepIterator steps(pipe, {.prompt = "x", .seed = 1});
  Tensor last;
  int n = 0;
  while (const samplers::Step* step = steps.next()) last = step->latent, ++n;
  EXPECT_GE(n, 3);
  EXPECT_TRUE(last.equal(whole));
  StepIterator stopped(pipe, {.prompt = "x", .seed = 1});
  ASSERT_NE(stopped.next(), nullptr);  // destroyed in the middle
}

TEST_F(PipelineTest, RefusesBadRequestsWithTheNearestValidValue) {
  const Pipeline pipe = Pipeline::from_pretrained(folder);
  EXPECT_THAT(message<ConfigError>([&] { pipe.plan({.height = 64, .width = 65}); }), HasSubstr("nearest 64x64"));
  EXPECT_THAT(message<ConfigError>([&] { pipe.plan({.frames = 0}); }), HasSubstr("nearest 1"));
  EXPECT_THAT(message<ConfigError>([&] { pipe.plan({.steps = 0}); }), HasSubstr("[1, 1000]"));
  EXPECT_THAT(message<ConfigError>([&] { pipe.plan({.steps = 1001}); }), HasSubstr("1000"));
  EXPECT_THAT(message<ConfigError>([&] { pipe.plan({.guidance = std::nan("")}); }), HasSubstr("finite"));
  EXPECT_THAT(message<ConfigError>([&] { pipe.plan({.fps = -1}); }), HasSubstr("fps"));
}

TEST_F(PipelineTest, NamesTheMissingPart) {
  const fs::path broken = folder.string() + "-broken";
  fs::copy(folder, broken, fs::copy_options::recursive);
  fs::remove(broken / "vae" / "config.json");
  EXPECT_THAT(message<IoError>([&] { Pipeline::from_pretrained(broken); }), HasSubstr("'vae'"));
  fs::remove_all(broken);
  EXPECT_THAT(message<IoError>([&] { Pipeline::from_pretrained(broken); }), HasSubstr("does not exist"));
}

TEST_F(PipelineTest, WrongTensorsLoadNothing) {
  const fs::path broken = folder.string() + "-wrong";
  fs::copy(folder, broken, fs::copy_options::recursive);
  fs::copy_file(folder / "vae" / "model.safetensors", broken / "unet" / "model.safetensors",
                fs::copy_options::overwrite_existing);
  EXPECT_THAT(message<WeightsError>([&] { Pipeline::from_pretrained(broken); }), HasSubstr("nothing was loaded"));
  fs::remove_all(broken);
}

TEST_F(PipelineTest, SaysWhereNanArose) {
  Pipeline pipe = Pipeline::from_pretrained(folder);
  pipe.components().unet->each_parameter([](const std::string& name, Tensor& t) {
    if (name == "mid.res1.conv1.weight") t.detach().fill_(std::nan(""));
  });
  EXPECT_THAT(message<NumericsError>([&] { pipe.generate({.prompt = "x"}); }),
              AllOf(HasSubstr("unet: NaN or Inf in mid.res1 at step 1 of 3"),
                    HasSubstr("parameter mid.res1.conv1.weight holds NaN")));
  pipe = Pipeline::from_pretrained(folder);
  pipe.components().vae->parameters().back().fill_(std::nan(""));
  EXPECT_THAT(message<NumericsError>([&] { pipe.generate({.prompt = "x"}); }),
              AllOf(HasSubstr("vae: NaN or Inf in the decoded frames"), HasSubstr("parameter from_latent.bias")));
  EXPECT_THAT(message<NumericsError>([&] {
                pipe.decode(randn({1, 4, 1, 4, 6}, make_generator(5)) / 0, 8);
              }),
              HasSubstr("latents hold NaN"));
  int step = 0;  // healthy weights, but the latent is spoilt on the way
  pipe = Pipeline::from_pretrained(folder);
  Callbacks callbacks;
  callbacks.on_step = [&](samplers::Step& s) {
    step = s.index + 1;
    if (step == 2) s.latent = s.latent / 0;
    return true;
  };
  EXPECT_THAT(message<NumericsError>([&] { pipe.generate({.prompt = "x"}, callbacks); }),
              HasSubstr("unet: NaN or Inf in its input latent at step 3 of 3"));
}

TEST_F(PipelineTest, StopsOnRequest) {
  Pipeline pipe = Pipeline::from_pretrained(folder);
  Callbacks callbacks;
  callbacks.on_step = [&](samplers::Step&) { return callbacks.cancel.cancel(), true; };
  EXPECT_THROW(pipe.generate({.prompt = "x"}, callbacks), Interrupted);
}

// ---- what a user adds without touching the library: a sampler of their own, a text encoder of their own ----

// DDIM in its exponential form on a plain even grid, with a step report: the shape of any sampler outside the library.
Tensor exponential_euler(const samplers::Denoiser& denoiser, const samplers::NoiseSchedule& schedule, Tensor x,
                         const NoiseSource&, const samplers::OnStep& on_step, int steps) {
  for (int i = 0; i < steps; ++i) {
    const auto at = [&](int k) { return k == steps ? -1 : schedule.steps() - 1 - k * schedule.steps() / steps; };
    const auto from = schedule.level(at(i)), to = schedule.level(at(i + 1));
    const auto d = denoiser(x, from);
    x = to.alpha * d.x0 + to.sigma * d.eps;
    samplers::Step step{i, steps, from, to, x, d.x0};
    if (on_step && !on_step(step)) break;
    x = step.latent;
  }
  return x;
}

TEST_F(PipelineTest, RunsASamplerOfTheCallersOwn) {
  Pipeline pipe = Pipeline::from_pretrained(folder);
  std::vector<int> seen;
  Callbacks callbacks;
  callbacks.sampler = [](const auto& denoiser, const auto& schedule, Tensor noise, const auto& source,
                         const auto& on_step) {
    return exponential_euler(denoiser, schedule, noise, source, on_step, 5);
  };
  callbacks.on_step = [&](samplers::Step& s) { return seen.push_back(s.index), true; };
  const Clip own = pipe.generate({.prompt = "x", .seed = 3}, callbacks).front();
  EXPECT_EQ(seen, (std::vector{0, 1, 2, 3, 4}));
  EXPECT_EQ(own.manifest.at("sampler").as_string(), "the caller's own");
  const auto as = [&](samplers::Sampler sampler) {
    return pipe.generate({.prompt = "x", .sampler = std::move(sampler), .seed = 3}).front().latents;
  };
  const Tensor same =
      as(samplers::DdimOptions{.steps = 5, .spacing = schedulers::Spacing::trailing, .end_clean = true});
  EXPECT_LT((own.latents - same).abs().max().item<double>(), 1e-5) << "the algebra of DDIM on the trailing grid";
  EXPECT_FALSE(own.latents.equal(as(samplers::DdimOptions{.steps = 5})));

  StepIterator steps(pipe, {.prompt = "x", .seed = 3}, {.sampler = callbacks.sampler});
  Tensor last;
  while (const samplers::Step* step = steps.next()) last = step->latent;
  EXPECT_TRUE(last.equal(own.latents));

  callbacks.sampler = [](const auto&, const auto&, Tensor noise, const auto&, const auto&) {
    return noise.narrow(2, 0, 1);
  };
  EXPECT_THROW(pipe.generate({.prompt = "x"}, callbacks), ShapeError);
  callbacks.sampler = [](const auto&, const auto&, Tensor noise, const auto&, const auto&) { return noise / 0; };
  EXPECT_THROW(pipe.generate({.prompt = "x"}, callbacks), NumericsError);
}

// A bag of hashed words: each word is one fixed random vector.
class HashedWords : public conditioning::Encoder {
 public:
  explicit HashedWords(std::int64_t width) : width_(width) {}
  conditioning::TextEmbedding encode(std::span<const std::string> texts) override {
    conditioning::TextEmbedding out;
    std::vector<Tensor> rows;
    for (const std::string& text : texts) {
      seen.push_back(text);
      rows.push_back(randn({1, 4, width_}, make_generator(std::hash<std::string>{}(text))));
    }
    out.words = at::cat(rows, 0);
    return out;
  }
  std::vector<std::string> seen;

 private:
  std::int64_t width_;
};

TEST_F(PipelineTest, RunsATextEncoderOfTheCallersOwn) {
  Pipeline pipe = Pipeline::from_pretrained(folder);
  const Tensor before = pipe.generate({.prompt = "x", .seed = 3}).front().latents;
  const auto encoder = std::make_shared<HashedWords>(32);
  pipe.components().text = encoder;
  const Clip one = pipe.generate({.prompt = "x", .negative_prompt = "bad", .seed = 3}).front();
  EXPECT_EQ(encoder->seen, (std::vector<std::string>{"x", "bad"}));
  EXPECT_FALSE(one.latents.equal(before));
  EXPECT_FALSE(pipe.generate({.prompt = "y", .seed = 3}).front().latents.equal(one.latents));
  pipe.components().text = std::make_shared<HashedWords>(31);
  EXPECT_THROW(pipe.generate({.prompt = "x"}), ShapeError) << "the UNet expects 32 channels";
}

TEST_F(PipelineTest, LongPromptNamesDroppedWords) {
  Pipeline pipe = Pipeline::from_pretrained(folder);
  std::string prompt =
      "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen";
  EXPECT_EQ(pipe.generate({.prompt = prompt}).front().dropped_words, (std::vector<std::string>{"fifteen", "sixteen"}));
  EXPECT_THROW(pipe.generate({.prompt = "\xff\xfe"}), ConfigError);
  EXPECT_THROW(pipe.generate({.prompt = std::string(10'000'000, 'a')}), ConfigError);
}

}  // namespace
}  // namespace vgen::pipelines
