#include "vgen/conditioning/compose.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "vgen/conditioning/mask.hpp"

namespace vgen::conditioning {
namespace {

using testing::HasSubstr;

std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) { return e.what(); }
  return "no error";
}

TEST(Compose, MakesConditionsOfAnySubset) {
  EXPECT_TRUE(compose({}).all().empty());
  const Tensor depth = at::rand({4, 1, 8, 16}), motion = at::rand({4, 2, 8, 16}), picture = at::rand({1, 3, 8, 16});
  const Tensor frames = at::rand({4, 3, 8, 16}), mask = at::ones({1, 1, 8, 16});
  const unet::Conditions all = compose({.depth = depth,
                                        .local_image = picture,
                                        .motion = motion,
                                        .frames = frames,
                                        .mask = mask,
                                        .image = at::rand({1, 32}),
                                        .histogram = at::rand({156})});
  EXPECT_EQ(all.all().size(), 6u);
  EXPECT_TRUE(at::equal(all.require("depth")[0][0], depth.select(1, 0)));
  EXPECT_EQ(all.require("motion").sizes(), (at::IntArrayRef{1, 2, 4, 8, 16}));
  for (int f = 0; f < 4; ++f) EXPECT_TRUE(at::equal(all.require("local_image")[0].select(1, f), picture[0]));
  EXPECT_TRUE(at::equal(all.require("masked")[0].transpose(0, 1), masked_condition(frames, mask)));
  EXPECT_EQ(all.require("image").sizes(), (at::IntArrayRef{1, 1, 32}));
  EXPECT_EQ(all.require("histogram").sizes(), (at::IntArrayRef{1, 4, 156}));
  EXPECT_EQ(compose({.single_sketch = at::rand({1, 1, 8, 8})}, 7).require("single_sketch").size(2), 7);
}

TEST(Compose, SaysWhatDoesNotGoTogether) {
  const Tensor four = at::zeros({4, 1, 8, 8}), three = at::zeros({3, 1, 8, 8});
  EXPECT_THAT(message_of([&] { compose({.depth = four, .sketch = three}); }),
              HasSubstr("'sketch' has 3 frames, 'depth' says 4"));
  EXPECT_THAT(message_of([&] { compose({.depth = three}, 4); }), HasSubstr("'depth' has 3 frames, 'frames' says 4"));
  EXPECT_THAT(message_of([&] { compose({.motion = four}); }), HasSubstr("motion"));
  EXPECT_THAT(message_of([&] { compose({.mask = four}); }), HasSubstr("got only a mask"));
  EXPECT_THAT(message_of([&] { compose({.image = at::zeros({2, 32})}); }), HasSubstr("one embedding"));
  EXPECT_THAT(message_of([&] { compose({.depth = four, .histogram = at::zeros({3, 156})}); }), HasSubstr("[4, bins]"));
}

}  // namespace
}  // namespace vgen::conditioning
