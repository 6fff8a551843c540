// Conditions found in frames: with a network at hand, of a model folder, of a file; and put together.
#include "vgen/conditioning/annotators.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/rand.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "vgen/conditioning/canny.hpp"
#include "vgen/conditioning/compose.hpp"
#include "vgen/conditioning/frames.hpp"
#include "vgen/conditioning/motion.hpp"
#include "vgen/conditioning/palette.hpp"
#include "vgen/core/atomic_file.hpp"
#include "vgen/formats/json.hpp"
#include "vgen/nn/init.hpp"
#include "vgen/tensor/random.hpp"
#include "vgen/video/reader.hpp"
#include "vgen/video/writer.hpp"
#include "vgen/weights/state_dict.hpp"

namespace vgen::conditioning {
namespace {

using testing::AllOf;
using testing::HasSubstr;

std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) { return e.what(); }
  return "no error";
}

class Annotate : public testing::Test {
 protected:
  std::filesystem::path folder = std::filesystem::temp_directory_path() / ("vgen_annotate_" + std::to_string(getpid()));
  void SetUp() override { std::filesystem::create_directories(folder); }
  void TearDown() override { std::filesystem::remove_all(folder); }

  template <class Options>
  void write_part(const char* part, nn::Module& network, const Options& options) const {
    weights::StateDict state;
    for (const auto& [name, tensor] : network.named_parameters()) state.emplace_back(name, tensor);
    std::filesystem::create_directories(folder / part);
    weights::save_state_dict(folder / part / "model.safetensors", state);
    write_file(folder / part / "config.json", formats::dump_json(to_node(options)));
  }
  std::filesystem::path write_clip() const {
    video::Frames frames(4, 64, 96);
    for (int f = 0; f < 4; ++f)
      for (int y = 16; y < 48; ++y)
        for (int x = 16 + 4 * f; x < 48 + 4 * f; ++x) frames.frame(f)[3 * (96 * y + x)] = std::uint8_t(5 * x + 3 * y);
    video::write_video(folder / "clip.y4m", frames);
    return folder / "clip.y4m";
  }
};

const DptDepthOptions depth_options{
    .image_size = 32, .width = 16, .heads = 2, .layers = 4, .neck = {4, 4, 4, 4}, .fusion = 4};

TEST_F(Annotate, WithTheNetworksOfAModelFolder) {
  DptDepth network(depth_options);
  nn::initialise(network, make_generator(1));
  write_part("depth", network, depth_options);
  const PiDiNetOptions edge_options{.channels = 4, .dilation = 2};
  PiDiNet edges(edge_options);
  nn::initialise(edges, make_generator(2));
  write_part("edges", edges, edge_options);
  const SketchSimplificationOptions line_options{.channels = 6};
  SketchSimplification lines(line_options);
  nn::initialise(lines, make_generator(3));
  write_part("sketch", lines, line_options);

  const auto clip = write_clip(), model = folder;
  const Tensor frames = to_frames(video::read_video(clip));
  const unet::Conditions given = compose({.depth = depth(frames, model),
                                          .sketch = sketch(frames, model),
                                          .motion = motion_vectors(clip),
                                          .histogram = histogram(frames)});
  EXPECT_EQ(given.all().size(), 4u);
  EXPECT_TRUE(at::allclose(given.require("depth")[0][0], network.condition(frames).squeeze(1), 1e-4, 1e-6));
  EXPECT_TRUE(at::allclose(given.require("sketch")[0][0], sketch(edges, lines, frames).squeeze(1), 1e-4, 1e-6));
  EXPECT_GT(given.require("motion").abs().max().item<float>(), 0);

  ::setenv("VGEN_MODEL", folder.c_str(), 1);
  EXPECT_TRUE(at::allclose(depth(frames), depth(frames, network), 1e-4, 1e-6));
  ::unsetenv("VGEN_MODEL");
}

TEST_F(Annotate, FramesOfAnySize) {
  DptDepth network(depth_options);
  nn::initialise(network, make_generator(1));
  const Tensor frames = at::rand({3, 3, 40, 72});
  const Tensor found = depth(frames, network);
  EXPECT_EQ(found.sizes(), (at::IntArrayRef{3, 1, 40, 72}));
  EXPECT_TRUE(at::allclose(found.slice(0, 2), depth(frames.slice(0, 2), network), 1e-4, 1e-6));
}

TEST_F(Annotate, CancelledBetweenFrames) {
  DptDepth network(depth_options);
  CancelToken cancel;
  cancel.cancel();
  EXPECT_THROW(depth(at::rand({3, 3, 32, 32}), network, cancel), Interrupted);
}

TEST_F(Annotate, SaysWhichWeightsAreMissingAndWhereTheyWereLookedFor) {
  const Tensor frames = at::rand({1, 3, 32, 32});
  EXPECT_THAT(message_of([&] { depth(frames, folder); }),
              AllOf(HasSubstr(folder.string()), HasSubstr("midas_v3_dpt_large.pth"), HasSubstr("iic/tf-t2v")));
  EXPECT_THAT(message_of([&] { sketch(frames, folder); }), HasSubstr("table5_pidinet.pth"));
  EXPECT_THAT(message_of([&] { depth(frames, folder / "none"); }), HasSubstr("there is none"));
  weights::save_state_dict(folder / "midas_v3_dpt_large.pth", {{"layers.44.weight", at::rand({1})}});
  EXPECT_THAT(message_of([&] { depth(frames, folder); }), HasSubstr("looks like the sketch simplifier"));
  EXPECT_THAT(message_of([&] { depth(frames, folder / "midas_v3_dpt_large.pth"); }), HasSubstr("sketch simplifier"));
}

TEST(Found, InEachFrameByItself) {
  const Tensor frames = at::rand({3, 3, 16, 24});
  const Tensor edges = canny(frames), shares = histogram(frames);
  EXPECT_EQ(edges.sizes(), (at::IntArrayRef{3, 1, 16, 24}));
  EXPECT_EQ(shares.sizes(), (at::IntArrayRef{3, 156}));
  for (int f = 0; f < 3; ++f) {
    const Tensor picture = frames[f].permute({1, 2, 0});
    EXPECT_TRUE(at::equal(edges[f][0].to(at::kByte), canny(picture, canny_thresholds(picture)).squeeze(2)));
    EXPECT_TRUE(at::allclose(shares[f].to(at::kDouble), Palette().histogram(picture), 1e-5, 1e-6));
  }
  EXPECT_THAT(message_of([&] { canny(frames[0]); }), HasSubstr("canny"));
  EXPECT_THAT(message_of([&] { histogram(frames * 255); }), HasSubstr("[0, 1]"));
}

}  // namespace
}  // namespace vgen::conditioning
