// Goldens are run by `vgen parity tests/golden/data`; here are sizes, loading and bad inputs.
#include "vgen/conditioning/dino_vision.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>
#include <sstream>

#include "vgen/conditioning/clip_text.hpp"
#include "vgen/conditioning/clip_vision.hpp"
#include "vgen/conditioning/normalise.hpp"
#include "vgen/core/atomic_file.hpp"
#include "vgen/weights/state_dict.hpp"

namespace vgen::conditioning {
namespace {

const DinoVisionOptions tiny{.image_size = 32, .patch = 8, .width = 24, .heads = 3, .layers = 2, .mlp = 48};

weights::StateDict random_state(const DinoVisionOptions& o) {
  weights::StateDict state;
  for (const KeyPair& key : reference_keys(o)) state.emplace_back(key.theirs, at::randn(key.their_shape) * 0.1);
  return state;
}

// "name<tab>sizes" lines, sorted.
std::multiset<std::string> released(const char* name) {
  std::istringstream lines(read_file(std::string(VGEN_SOURCE_DIR "/tests/golden/keys/") + name + ".tsv"));
  std::multiset<std::string> out;
  for (std::string line; std::getline(lines, line);) out.insert(line);
  return out;
}
std::multiset<std::string> lines_of(const std::vector<KeyPair>& keys) {
  std::multiset<std::string> out;
  for (const KeyPair& key : keys) {
    std::string line = key.theirs + "\t";
    for (std::size_t d = 0; d < key.their_shape.size(); ++d)
      line += (d ? "," : "") + std::to_string(key.their_shape[d]);
    out.insert(line);
  }
  return out;
}

TEST(MetricTowers, HaveTheReleasedNamesAndShapes) {
  EXPECT_EQ(lines_of(reference_keys(DinoVisionOptions{})), released("dino_vit_s_16"));
  // CLIP ViT-B/32, both towers; logit_scale belongs to its loss.
  auto clip = lines_of(open_clip_keys(ClipVisionOptions{.image_size = 224,
                                                        .patch = 32,
                                                        .width = 768,
                                                        .heads = 12,
                                                        .layers = 12,
                                                        .mlp = 3072,
                                                        .embed = 512,
                                                        .quick_gelu = true}));
  clip.merge(lines_of(open_clip_keys(
      ClipTextOptions{.width = 512, .heads = 8, .layers = 12, .mlp = 2048, .embed = 512, .quick_gelu = true})));
  clip.insert("logit_scale\t");
  EXPECT_EQ(clip, released("clip_vit_b_32"));
}

TEST(DinoVision, LoadsAndTakesAnySize) {
  const at::NoGradGuard no_grad;
  std::string name = (std::filesystem::temp_directory_path() / "vgen_dino_XXXXXX").string();
  const std::filesystem::path folder = mkdtemp(name.data());
  auto state = random_state(tiny);
  weights::save_state_dict(folder / "dino.safetensors", state);
  DinoVision dino(tiny);
  dino.load(folder / "dino.safetensors");
  for (const auto& [h, w] : {std::pair{32, 32}, {40, 24}, {8, 8}, {63, 65}})
    EXPECT_EQ(dino.forward(at::rand({2, 3, h, w})).sizes(), (at::IntArrayRef{2, 24}));
  const Tensor x = at::rand({1, 3, 32, 32}), before = dino.forward(x);
  EXPECT_FALSE(dino.forward(at::rand({1, 3, 32, 32})).equal(before));
  state.pop_back();
  weights::save_state_dict(folder / "short.safetensors", state);
  EXPECT_THROW(dino.load(folder / "short.safetensors"), WeightsError);
  EXPECT_TRUE(dino.forward(x).equal(before));  // nothing changed
  std::filesystem::remove_all(folder);
}

TEST(DinoVision, RefusesWhatDoesNotFit) {
  DinoVision dino(tiny);
  EXPECT_THROW(dino.forward(at::rand({1, 3, 7, 32})), ShapeError);
  EXPECT_THROW(dino.forward(at::rand({1, 1, 32, 32})), ShapeError);
  EXPECT_THROW(DinoVision({.width = 10, .heads = 3}), ConfigError);
  EXPECT_THROW(DinoVision({.image_size = 8, .patch = 16}), ConfigError);
  EXPECT_THROW(dino_preprocess({}, 8, 8), ShapeError);
  EXPECT_THROW(dino_preprocess(video::Frames(1, 4, 4), 0, 8), ConfigError);
}

TEST(Normalise, LimitsShiftsAndScales) {
  Tensor x = at::zeros({1, 3, 1, 3});
  x[0][0][0][1] = 2;
  x[0][0][0][2] = 0.5;
  const Tensor y = normalise(x, {{0.5, 0.4, 0.3}, {0.5, 0.25, 0.2}});
  EXPECT_FLOAT_EQ(y[0][0][0][0].item<float>(), -1);
  EXPECT_FLOAT_EQ(y[0][0][0][1].item<float>(), 1);
  EXPECT_FLOAT_EQ(y[0][0][0][2].item<float>(), 0);
  EXPECT_FLOAT_EQ(y[0][1][0][0].item<float>(), -1.6f);
  EXPECT_THROW(normalise(at::zeros({3, 4, 4}), clip_statistics), ShapeError);
}

}  // namespace
}  // namespace vgen::conditioning
