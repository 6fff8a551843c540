#include "vgen/conditioning/drawing.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/rand.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vgen::conditioning {
namespace {

using testing::HasSubstr;

template <class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const Error& e) { return e.what(); }
  return "no error";
}

TEST(MotionPath, IsReadFromText) {
  const MotionPath path = parse_motion_path(" 0.2,0.5 -> 0.8 , 0.5->1,0 @ 2 .. 16 ~ 0.1");
  EXPECT_EQ(path, (MotionPath{.points = {{0.2, 0.5}, {0.8, 0.5}, {1, 0}}, .first = 2, .last = 16, .radius = 0.1}));
  EXPECT_EQ(parse_motion_path("0,0 -> 1,1").last, -1);
  for (const auto& [text, part] : {std::pair{"", "is no point"},
                                   {"0,0", "at least 2"},
                                   {"0,0 -> x,1", "'x' is no number"},
                                   {"0,0 -> 1,1 @ 3", "first..last"},
                                   {"0,0 -> 1,1 @ a..3", "'a'"},
                                   {"0,0 -> 1,1.5", "1.5"},
                                   {"0,0 -> 1,1 ~", "is no number"},
                                   {"0,0 -> nan,1", "outside"}})
    EXPECT_THAT(message_of([&, t = text] { parse_motion_path(t); }), HasSubstr(part)) << text;
}

TEST(DrawnMotion, IsTheShiftOfWhatMoves) {
  // 48 pixels to the right in 4 steps, then 24 down in 2 at the same pace.
  const MotionPath path{.points = {{0.25, 0.25}, {0.75, 0.25}, {0.75, 0.5}}, .first = 1, .last = 7, .radius = 0.2};
  const Tensor field = drawn_motion({path}, 9, 96, 96, 8);
  for (std::int64_t f = 0; f < 9; ++f) {
    const Tensor moved = (field[f] != 0).any(0);
    const float dx = field[f][0].max().item<float>(), dy = field[f][1].max().item<float>();
    if (f < 2 || f > 7) {
      EXPECT_FALSE(moved.any().item<bool>()) << f;
    } else {
      EXPECT_NEAR(dx, f <= 5 ? 12 : 0, 1e-4) << f;
      EXPECT_NEAR(dy, f <= 5 ? 0 : 12, 1e-4) << f;
      // A disc of 19.2 pixels covers about 18 block centres of an 8-pixel grid.
      EXPECT_NEAR(moved.sum().item<double>(), 18, 4) << f;
    }
  }
  // It moves with what it drags: the block centre nearest to the end of frame 7 has a vector.
  EXPECT_GT(field[7][1][44][68].item<float>(), 0);
  EXPECT_THAT(message_of([&] { drawn_motion({path}, 6, 96, 96); }), HasSubstr("frames 1..7"));
  EXPECT_THAT(message_of([&] {
                drawn_motion({{.points = {{0, 0}, {2, 0}}}}, 6, 96, 96);
              }),
              HasSubstr("motion path 0: point (2, 0)"));
  EXPECT_THAT(message_of([&] { drawn_motion({path, {.points = {{0, 0}}}}, 9, 96, 96); }), HasSubstr("motion path 1"));
}

TEST(DrawnMask, MovesBetweenItsKeys) {
  const std::vector<MaskKey> keys{{.frame = 1, .corners = {{0, 0}, {0.5, 0.5}}},
                                  {.frame = 5, .corners = {{0.5, 0}, {1, 1}}}};
  const Tensor mask = drawn_mask(keys, 7, 32, 64);
  EXPECT_EQ(mask.sizes(), (at::IntArrayRef{7, 1, 32, 64}));
  EXPECT_TRUE(mask[0].equal(mask[1]));
  EXPECT_TRUE(mask[5].equal(mask[6]));
  EXPECT_EQ(mask[1].sum().item<float>(), 16 * 32);
  EXPECT_EQ(mask[3].sum().item<float>(), 24 * 32);
  EXPECT_EQ(mask[3][0].slice(1, 16, 48).slice(0, 0, 24).sum().item<float>(), 24 * 32);
  EXPECT_EQ(mask[5].sum().item<float>(), 32 * 32);
  EXPECT_EQ(drawn_mask({{.frame = 0, .corners = {{0, 0}, {1, 0}, {0, 1}}}}, 1, 64, 64).sum().item<float>(),
            64 * 63 / 2);
  EXPECT_THAT(message_of([&] {
                drawn_mask({keys[1], keys[0]}, 7, 32, 64);
              }),
              HasSubstr("mask key 1: frame 1 does not"));
  EXPECT_THAT(message_of([&] { drawn_mask(keys, 5, 32, 64); }), HasSubstr("mask key 1: frame 5 is outside"));
  EXPECT_THAT(message_of([&] {
                drawn_mask({keys[0], {.frame = 2, .corners = {{0, 0}, {1, 0}, {1, 1}}}}, 7, 8, 8);
              }),
              HasSubstr("3 corners, the first key has 4"));
  EXPECT_THAT(message_of([] { drawn_mask({}, 5, 8, 8); }), HasSubstr("at least one key"));
}

TEST(DrawnSketch, ShowsAStrokeWhileItLasts) {
  const Tensor lines =
      drawn_sketch({{.points = {{0, 0.5}, {1, 0.5}}, .first = 1, .last = 2, .thickness = 0.05}}, 4, 40, 60);
  EXPECT_EQ(lines[0].sum().item<float>(), 0);
  EXPECT_EQ(lines[3].sum().item<float>(), 0);
  EXPECT_EQ(lines[1][0][20].sum().item<float>(), 60);
  EXPECT_EQ(lines[2][0][10].sum().item<float>(), 0);
  EXPECT_THAT(message_of([] {
                drawn_sketch({{.points = {{0, 0}}, .first = 3, .last = 1}}, 4, 8, 8);
              }),
              HasSubstr("sketch stroke 0: frames 3..1"));
}

TEST(Overlay, ShowsTheConditionAndLeavesTheRest) {
  video::Frames clip(2, 32, 48);
  std::fill(clip.pixels->begin(), clip.pixels->end(), std::uint8_t(100));
  const Tensor mask = drawn_mask({{.frame = 0, .corners = {{0, 0}, {0.5, 1}}}}, 2, 32, 48);
  const video::Frames over = overlay(clip, mask);
  EXPECT_EQ(over.frame(1)[0], 177);
  EXPECT_EQ(over.frame(1)[1], 50);
  EXPECT_EQ(over.frame(1)[47 * 3], 100);
  EXPECT_EQ(clip.frame(1)[0], 100);
  const Tensor motion = drawn_motion({{.points = {{0.2, 0.5}, {0.8, 0.5}}, .radius = 0.4}}, 2, 32, 48);
  EXPECT_TRUE(*overlay(clip, motion).pixels != *clip.pixels);
  EXPECT_THAT(message_of([&] { overlay(clip, at::rand({2, 1, 32, 40})); }), HasSubstr("[2, 1, 32, 40]"));
}

}  // namespace
}  // namespace vgen::conditioning
