// A ninth system in one file: a layer of its own, the table's row, a flow. Nothing of the library is edited for it.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "vgen/nn/init.hpp"
#include "vgen/nn/layers.hpp"
#include "vgen/pipelines/system.hpp"
#include "vgen/pipelines/tiny.hpp"
#include "vgen/tensor/random.hpp"

namespace vgen::pipelines {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

// How bright the clip shall be, beside the time: condition `brightness`, [B].
class Brightness : public unet::EmbeddingFeature {
 public:
  explicit Brightness(std::int64_t channels) : weight_(1, channels) { add_child("weight", weight_); }
  std::string name() const override { return "brightness"; }
  Tensor embed(const unet::FeatureInput& in) override {
    return weight_.forward(in.given.require("brightness").view({-1, 1, 1}).to(in.like.dtype()));
  }

 private:
  nn::Linear weight_;
};

System bright() {
  System system = system_named("t2v");
  system.name = "bright";
  system.summary = "text and a brightness to video";
  system.denoise = [](Run& run) { return denoise_from_text(run).clamp(-3, 3); };
  return system;
}

std::string message(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) { return e.what(); }
  return "";
}

TEST(System, OfOnesOwn) {
  const fs::path folder = fs::temp_directory_path() / str("vgen-own-", static_cast<long long>(getpid()));
  write_tiny_model("t2v", folder);
  Pipeline pipe = Pipeline::from_pretrained(folder);
  const unet::UNetOptions options = pipe.components().unet->options();
  unet::Features own;
  own.embeddings.push_back(std::make_unique<Brightness>(4 * options.channels));
  const auto net = std::make_shared<unet::UNet>(options, std::move(own));
  nn::initialise(*net, make_generator(1));
  {
    const at::NoGradGuard off;
    net->each_parameter([](const std::string&, Tensor& t) { t.add_(0.02); });  // heads begin at zero
  }
  const System system = bright();
  pipe.components().unet = net;
  pipe.components().system = &system;

  const auto clip = [&](double value) {
    return pipe.generate({.prompt = "a fox", .seed = 1}, {.conditions = {{"brightness", at::full({1}, value)}}})
        .front();
  };
  const Clip dark = clip(0), light = clip(1);
  EXPECT_EQ(dark.frames.count, 4);
  EXPECT_LE(dark.latents.abs().max().item<double>(), 3);
  EXPECT_FALSE(at::equal(dark.latents, light.latents));
  EXPECT_TRUE(at::equal(light.latents, clip(1).latents));
  EXPECT_THAT(message([&] { pipe.generate({.prompt = "a fox"}); }), HasSubstr("brightness"));
  EXPECT_THAT(message([&] {
                pipe.generate({.prompt = "a fox"}, {.conditions = {{"depth", at::full({1}, 1)}}});
              }),
              AllOf(HasSubstr("bright: "), HasSubstr("takes no condition 'depth'"), HasSubstr("brightness")));
  EXPECT_THAT(message([&] { pipe.generate({.prompt = "a fox", .motion = 500}); }), HasSubstr("takes no motion"));
  fs::remove_all(folder);
}

}  // namespace
}  // namespace vgen::pipelines
