// Random transforms, frame picking, greys and panels; crops and resizes against Pillow are goldens (`vgen parity
// tests/golden/data`).
#include "vgen/video/random_transforms.hpp"

#include <gmock/gmock.h>

#include <algorithm>

#include "helpers.hpp"
#include "vgen/video/frame_picking.hpp"

namespace vgen::video {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::HasSubstr;

template <class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const Error& e) { return e.what(); }
  return "no error";
}

TEST(RandomCrop, LiesInsideAndKeepsItsLimits) {
  for (const RatioDraw draw : {RatioDraw::uniform, RatioDraw::log_uniform})
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
      auto random = MersenneTwister::python(seed);
      const Rect r = random_crop_rect(180, 240, {.draw = draw}, random);
      EXPECT_GE(std::min(r.x, r.y), 0);
      EXPECT_LE(r.x + r.width, 240);
      EXPECT_LE(r.y + r.height, 180);
      const double area = double(r.width * r.height) / (180 * 240), ratio = double(r.width) / double(r.height);
      EXPECT_GE(area, 0.39);
      EXPECT_GE(ratio, 0.74);
      EXPECT_LE(ratio, 1.35);
    }
}

TEST(RandomCrop, WhereNoneFits) {
  auto random = MersenneTwister::python(1);
  EXPECT_THAT(message_of([&] { random_crop_rect(10, 100, {}, random); }), HasSubstr("fits into 100x10"));
  // Ten tries, then the middle with the nearest ratio.
  EXPECT_EQ(random_crop_rect(30, 300, {.draw = RatioDraw::log_uniform}, random), (Rect{130, 0, 40, 30}));
  EXPECT_EQ(random_crop_rect(300, 30, {.draw = RatioDraw::log_uniform}, random), (Rect{0, 130, 30, 40}));
  EXPECT_THAT(message_of([&] { random_crop_rect(9, 9, {.area = {0.5, 1.5}}, random); }), HasSubstr("area must rise"));
  EXPECT_THAT(message_of([&] { random_crop_rect(9, 9, {.ratio = {2, 1}}, random); }), HasSubstr("ratio must be"));
  EXPECT_THAT(message_of([&] { random_window(clip(1, 4, 4), 5, 3, random); }), HasSubstr("3x5 does not fit into 4x4"));
}

TEST(RandomFlip, HappensAsOftenAsTold) {
  const Frames in = clip(2, 6, 9);
  int flipped = 0, grey = 0;
  auto random = MersenneTwister::python(3);
  for (int i = 0; i < 400; ++i) {
    flipped += *random_flip(in, random, 0.25).pixels != *in.pixels;
    grey += *random_grey(in, random, 0.25).pixels != *in.pixels;
  }
  EXPECT_NEAR(flipped, 100, 30);
  EXPECT_NEAR(grey, 100, 30);
}

TEST(Transforms, GreyIsLuma) {
  Frames in(1, 1, 4);
  *in.pixels = {255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9};
  EXPECT_THAT(*to_grey(in).pixels, ElementsAre(76, 76, 76, 150, 150, 150, 29, 29, 29, 9, 9, 9));
  int differ = 0;
  for (int v = 0; v < 1000; ++v) {
    *in.pixels = {};
    in.pixels->resize(12);
    for (int i = 0; i < 12; ++i) (*in.pixels)[std::size_t(i)] = std::uint8_t(v * 37 + i * i * 91);
    const Frames a = to_grey(in), b = to_grey(in, Luma::opencv);
    for (std::size_t i = 0; i < 12; i += 3) {
      EXPECT_LE(std::abs((*a.pixels)[i] - (*b.pixels)[i]), 1);
      differ += (*a.pixels)[i] != (*b.pixels)[i];
    }
  }
  EXPECT_LT(differ, 40);
}

TEST(Transforms, NearestAndPaddedCrops) {
  Frames ramp(1, 1, 6, 1);
  *ramp.pixels = {0, 10, 20, 30, 40, 50};
  EXPECT_THAT(*resize(ramp, 1, 3, Filter::nearest).pixels, ElementsAre(10, 30, 50));
  EXPECT_THAT(*resize(ramp, 2, 4, Filter::nearest).pixels, ElementsAre(0, 20, 30, 50, 0, 20, 30, 50));
  EXPECT_THAT(*crop_padded(ramp, {-2, 0, 4, 2}).pixels, ElementsAre(0, 0, 0, 10, 0, 0, 0, 0));
  EXPECT_THAT(*crop_padded(ramp, {5, 0, 3, 1}).pixels, ElementsAre(50, 0, 0));
  EXPECT_THAT(*crop_padded(ramp, {50, 0, 2, 1}).pixels, ElementsAre(0, 0));
  EXPECT_THROW(crop_padded(ramp, {0, 0, 0, 1}), ShapeError);
}

TEST(Transforms, ShortSides) {
  const Frames in = clip(1, 90, 64);
  EXPECT_EQ(resize_short_side(in, 20).height, 28);  // 28.125
  EXPECT_EQ(reduce_short_side(in, 20).width, 20);
  EXPECT_EQ(reduce_short_side(in, 100).width, 100);  // enlarges where it must
  const Frames square = center_square(in, 40, 24);
  EXPECT_EQ(square.height, 24);
  EXPECT_EQ(square.width, 24);
  EXPECT_THROW(reduce_short_side(in, 0), ShapeError);
}

TEST(Transforms, PanelsBesideEachOther) {
  Frames still(1, 2, 1, 1), moving(2, 2, 2, 1);
  *still.pixels = {1, 2};
  *moving.pixels = {10, 11, 12, 13, 20, 21, 22, 23};
  EXPECT_THAT(*side_by_side({still, moving}).pixels, ElementsAre(1, 10, 11, 2, 12, 13, 1, 20, 21, 2, 22, 23));
  EXPECT_THAT(message_of([&] { side_by_side({still, Frames(3, 2, 1, 1), moving}); }), HasSubstr("1 or 3 frames"));
  EXPECT_THROW(side_by_side({}), ShapeError);
}

TEST(Transforms, AGreyLastFrameGoes) {
  Frames in(3, 1, 10, 1);
  std::fill_n(in.frame(2), 4, std::uint8_t(117));
  EXPECT_EQ(drop_grey_last_frame(in).count, 3);  // 40 % is not more than 40 %
  in.frame(2)[4] = 137;
  EXPECT_EQ(drop_grey_last_frame(in).count, 2);
  in.frame(2)[4] = 138;
  EXPECT_EQ(drop_grey_last_frame(in).count, 3);
  Frames one(1, 1, 10, 1);
  std::fill_n(one.frame(0), 10, std::uint8_t(127));
  EXPECT_EQ(drop_grey_last_frame(one).count, 1);
  EXPECT_THROW(drop_grey_last_frame(in, 2), ConfigError);
}

TEST(FramePicking, IsTheReferences) {
  auto random = MersenneTwister::python(3);
  EXPECT_THAT(pick_frames(24, 12, {.sample_fps = 3, .count = 4}, random).frames, ElementsAre(0, 4, 8, 12));
  EXPECT_THAT(pick_frames(10, 8, {.sample_fps = 4, .count = 4}, random).frames, ElementsAre(1, 3, 5, 7));
  EXPECT_THAT(pick_frames(3, 8, {.count = 16, .rule = PickingRule::custom}, random).frames, ElementsAre(0, 1, 2));
  EXPECT_THAT(pick_frames(100, 8, {.count = 3, .rule = PickingRule::custom, .start = 7}, random).frames,
              ElementsAre(6, 7, 8));
}

TEST(FramePicking, RefusesWhatTheReferenceHides) {
  auto random = MersenneTwister::python(3);
  EXPECT_THAT(message_of([&] { pick_frames(100, 3, {.sample_fps = 8, .count = 4}, random); }),
              HasSubstr("at least half"));
  EXPECT_THAT(message_of([&] { pick_frames(20, 8, {}, random); }), HasSubstr("more than 16"));
  EXPECT_THAT(message_of([&] { pick_frames(2, 8, {}, random); }), HasSubstr("too few"));
  EXPECT_THAT(message_of([&] { pick_frames(0, 8, {}, random); }), HasSubstr("must be positive"));
  EXPECT_THAT(message_of([&] { pick_frames(90, 8, {.start = 90}, random); }), HasSubstr("start must be in [0, 90)"));
  const std::int64_t beyond[] = {0, 2};
  EXPECT_THAT(message_of([&] { select_frames(clip(2, 4, 4), beyond); }), HasSubstr("no frame 2"));
}

}  // namespace
}  // namespace vgen::video
