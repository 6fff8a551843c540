#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/stack.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "vgen/nn/layers.hpp"
#include "vgen/tensor/random.hpp"
#include "vgen/unet/condition_dropout.hpp"
#include "vgen/unet/free_u.hpp"
#include "vgen/unet/presets.hpp"
#include "vgen/unet/unet.hpp"

namespace vgen::unet {
namespace {

using testing::HasSubstr;

UNetOptions tiny() {
  return {.channels = 16,
          .context_channels = 24,
          .levels = {{1, true}, {2, true}, {2, false}},
          .blocks_per_level = 1,
          .head_channels = 8,
          .first_heads = 2,
          .norm_groups = 4};
}
// Values everywhere: the zeros of a fresh network would hide what a feature does.
void fill(nn::Module& net, std::uint64_t seed = 1) {
  const at::NoGradGuard off;
  auto generator = make_generator(seed);
  net.each_parameter([&](const std::string& name, Tensor& t) {
    t.normal_(0, t.dim() > 1 ? 1 / std::sqrt(double(t.numel() / t.size(0))) : 0.1, generator);
    if (name.find("norm") != std::string::npos && name.ends_with("weight")) t.add_(1);
  });
}
Tensor noise(at::IntArrayRef shape, std::uint64_t seed = 3) { return randn(shape, make_generator(seed)); }
Tensor times(std::int64_t batch) { return at::full({batch}, 500, at::kLong); }
std::string message(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) { return e.what(); }
  return "";
}

TEST(Sizes, AreCheckedBeforeAnythingRuns) {
  UNet plain(tiny()), rows(sr600(tiny()));
  fill(plain), fill(rows);
  const at::NoGradGuard off;
  const Conditions text{{"text", noise({1, 7, 24})}};
  EXPECT_EQ(plain.forward(noise({1, 4, 2, 8, 12}), times(1), text).sizes(),
            (std::vector<std::int64_t>{1, 4, 2, 8, 12}));
  EXPECT_THAT(message([&] { plain.forward(noise({1, 4, 2, 10, 12}), times(1), text); }), HasSubstr("multiples of 4"));
  // 90 rows at three halvings; here two: 10 -> 6 -> 4 -> 6 -> 10.
  EXPECT_EQ(rows.forward(noise({1, 4, 2, 10, 12}), times(1), text).sizes(),
            (std::vector<std::int64_t>{1, 4, 2, 10, 12}));
  EXPECT_THAT(message([&] { rows.forward(noise({1, 4, 2, 8, 12}), times(1), text); }), HasSubstr("2 more than one"));
}

TEST(ImageToVideo, LooksAtTheFirstFrameOnlyAndNeedsOne) {
  UNet net(i2vgen_xl(tiny()));
  fill(net);
  const at::NoGradGuard off;
  const Tensor x = noise({1, 4, 3, 8, 8}), clip = noise({1, 4, 3, 8, 8}, 5);
  Conditions given{{"text", noise({1, 7, 24})}, {"fps", at::full({1}, 8, at::kLong)}};
  EXPECT_THAT(message([&] { net.forward(x, times(1), given); }), HasSubstr("'local_image' is required"));
  given.set("local_image", clip);
  const Tensor whole = net.forward(x, times(1), given);
  given.set("local_image", clip.select(2, 0));
  EXPECT_TRUE(at::equal(whole, net.forward(x, times(1), given)));
  given.set("local_image", noise({1, 4, 4, 8}));
  EXPECT_THROW(net.forward(x, times(1), given), ShapeError);
}

TEST(HiGen, OneFramePassesByTheTemporalLayers) {
  UNetOptions o = higen(tiny());
  o.context = {TextResampler{.count = 5, .layers = 1, .heads = 4}};
  o.embeddings = {Motion{}, Appearance{.frames = 6}};
  UNet net(o);
  fill(net);
  const at::NoGradGuard off;
  const auto run = [&](std::int64_t frames) {
    return net.forward(noise({2, 4, frames, 8, 8}), times(2),
                       {{"text", noise({2, 7, 24})},
                        {"spatial_prior", noise({2, 4, 8, 8}, 9)},
                        {"motion", at::full({2, std::max<std::int64_t>(frames - 1, 1)}, 500, at::kLong)},
                        {"appearance", at::ones({2, frames, 6})}});
  };
  const Tensor one = run(1), six = run(6);
  net.each_parameter([](const std::string& name, Tensor& t) {
    if (name.find(".temporal.") != std::string::npos) t.add_(1);
  });
  EXPECT_TRUE(at::equal(one, run(1)));
  EXPECT_FALSE(at::allclose(six, run(6), 1e-2, 1e-2));
  EXPECT_THAT(message([&] {
                net.forward(noise({2, 4, 6, 8, 8}), times(2),
                            {{"text", noise({2, 7, 24})},
                             {"spatial_prior", noise({2, 4, 8, 8}, 9)},
                             {"motion", at::full({2, 3}, 500, at::kLong)},
                             {"appearance", at::ones({2, 6, 6})}});
              }),
              HasSubstr("motion must be [2, 5]"));
}

TEST(VideoComposer, AnySubsetOfConditions) {
  UNetOptions o = video_composer({"text", "depth", "motion", "image"}, tiny());
  auto& maps = std::get<DenseMaps>(o.stem.at(0));
  maps.width = maps.height = 64;
  for (auto& feature : o.context)
    if (auto* image = std::get_if<ImageTokens>(&feature)) image->channels = image->hidden = 16;
  UNet net(o);
  fill(net);
  const at::NoGradGuard off;
  const Tensor x = noise({1, 4, 2, 8, 8});
  const auto run = [&](const std::vector<std::string>& names) {
    Conditions given{{"text", noise({1, 7, 24})}};
    for (const auto& name : names)
      given.set(name, name == "depth"    ? noise({1, 1, 2, 64, 64}, 11)
                      : name == "motion" ? noise({1, 2, 2, 32, 40}, 12)  // of another size: pooled
                                         : noise({1, 1, 16}, 13));
    return net.forward(x, times(1), given);
  };
  const Tensor none = run({}), depth = run({"depth"}), motion = run({"motion"}),
               all = run({"depth", "motion", "image"});
  for (const Tensor& other : {depth, motion, all}) EXPECT_GT((other - none).abs().max().item<double>(), 1e-3);
  EXPECT_THAT(message([&] { run({"sketch"}); }), HasSubstr("takes no condition 'sketch'; it takes text, image, depth"));
  EXPECT_THAT(message([&] {
                net.forward(noise({1, 4, 2, 16, 8}), times(1),
                            {{"text", noise({1, 7, 24})}, {"depth", noise({1, 1, 2, 64, 64})}});
              }),
              HasSubstr("needs clips of 64x64, the latent is one of 64x128"));
}

TEST(Cache, HoldsWhatIsConstantOverTheSteps) {
  UNet net(i2vgen_xl(tiny()));
  fill(net);
  const at::NoGradGuard off;
  const Conditions given{{"text", noise({1, 7, 24})}, {"local_image", noise({1, 4, 8, 8}, 4)}};
  nn::ContextCache cache;
  for (const int t : {900, 500, 20}) {
    const Tensor x = noise({1, 4, 3, 8, 8}, static_cast<std::uint64_t>(t)), time = at::full({1}, t, at::kLong);
    std::set<std::string> blocks;
    const auto see = [&](const std::string& name, const Tensor&) { blocks.insert(name); };
    EXPECT_TRUE(at::equal(net.forward(x, time, given), net.forward(x, time, given, {.cache = &cache, .observe = see})));
    EXPECT_EQ(blocks.contains("stem.image_latents"), t == 900);
  }
}

TEST(FreeUFilter, ScalesTheFourLowestFrequencies) {
  const Tensor x = noise({2, 6, 8, 3});
  EXPECT_TRUE(at::allclose(scale_low_frequencies(x, 1), x, 0, 1e-6));
  // A constant is one of the four; a wave at frequency 2 is not.
  EXPECT_TRUE(at::allclose(scale_low_frequencies(at::ones({1, 6, 8, 1}), 0.25), at::full({1, 6, 8, 1}, 0.25), 0, 1e-6));
  const Tensor wave = (at::arange(8, at::kFloat) * (2 * M_PI * 2 / 8)).cos().view({1, 1, 8, 1}).expand({1, 6, 8, 1});
  EXPECT_TRUE(at::allclose(scale_low_frequencies(wave.contiguous(), 0), wave, 0, 1e-6));
  EXPECT_TRUE(at::allclose(scale_low_frequencies(at::ones({1, 1, 1, 2}), 0.5), at::full({1, 1, 1, 2}, 0.5), 0, 1e-6));
}

TEST(ConditionDropoutDraw, ZeroSamplesLoseAllAndKeepSamplesNone) {
  const ConditionDropout o{.p = 0.5, .all_zero = 0.3, .all_keep = 0.3};
  double kept = 0;
  int all = 0, none = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const auto shares = draw_condition_dropout(o, {"text", "depth", "fps"}, 10, make_generator(seed));
    ASSERT_EQ(shares.size(), 2u);  // fps is never lost
    const Tensor both = at::stack({shares.at("text"), shares.at("depth")});
    kept += both.mean().item<double>();
    all += (both.sum(0) == 2).sum().item<int>();
    none += (both.sum(0) == 0).sum().item<int>();
  }
  // 0.3 keep all; about 4 of 10 may lose a condition and a share of the whole batch, about 5, does, as in the
  // reference.
  EXPECT_NEAR(kept / 200, 0.355, 0.03);
  EXPECT_NEAR(all, 640, 60);
  EXPECT_NEAR(none, 1220, 120);
}

// Gradients with recomputed activations are those without; the stages outlive the forward call in it.
TEST(Recompute, GivesTheSameGradients) {
  std::vector<std::vector<Tensor>> gradients;
  for (const bool on : {false, true}) {
    UNet net(tiny());
    fill(net);
    net.requires_grad(true);
    net.recompute(on);
    net.forward(noise({1, 4, 2, 8, 8}), times(1), {{"text", noise({1, 7, 24})}}).square().mean().backward();
    auto& own = gradients.emplace_back();
    net.each_parameter([&](const std::string&, Tensor& t) { own.push_back(t.grad()); });
  }
  for (std::size_t i = 0; i < gradients[0].size(); ++i)
    ASSERT_TRUE(at::allclose(gradients[0][i], gradients[1][i], 1e-4, 1e-7)) << i;
}

// A ninth system: a condition of its own, in this file alone.
class Brightness : public EmbeddingFeature {
 public:
  explicit Brightness(std::int64_t channels) : weight_(1, channels) { add_child("weight", weight_); }
  std::string name() const override { return "brightness"; }
  Tensor embed(const FeatureInput& in) override {
    return weight_.forward(in.given.require("brightness").view({-1, 1, 1}).to(in.like.dtype()));
  }

 private:
  nn::Linear weight_;
};

TEST(OwnFeatures, AreTrainedNamedAndCheckedLikeTheOthers) {
  Features own;
  own.embeddings.push_back(std::make_unique<Brightness>(4 * tiny().channels));
  UNet net(tiny(), std::move(own));
  fill(net);
  EXPECT_THAT(net.declared(), testing::Contains("brightness"));
  bool named = false;
  net.each_parameter([&](const std::string& name, Tensor&) { named |= name == "embedding.brightness.weight.weight"; });
  EXPECT_TRUE(named);
  const at::NoGradGuard off;
  const auto run = [&](double value) {
    return net.forward(noise({1, 4, 2, 8, 8}), times(1),
                       {{"text", noise({1, 7, 24})}, {"brightness", at::full({1}, value)}});
  };
  EXPECT_GT((run(0) - run(1)).abs().max().item<double>(), 1e-3);
}

}  // namespace
}  // namespace vgen::unet
