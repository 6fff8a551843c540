#include "vgen/data/shapes_world.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <set>
#include <thread>

namespace vgen::data {
namespace {

using ::testing::HasSubstr;

std::uint32_t crc(const std::vector<std::uint8_t>& bytes) {
  std::uint32_t c = ~0u;
  for (std::uint8_t b : bytes) {
    c ^= b;
    for (int i = 0; i < 8; ++i) c = (c >> 1) ^ (0xEDB88320u & (0u - (c & 1u)));
  }
  return ~c;
}
std::uint32_t crc(const ShapesClip& clip) { return crc(*clip.frames.pixels); }

std::vector<ShapesAttributes> all_combinations() {
  std::vector<ShapesAttributes> all;
  for (const auto& [colour, n0] : enum_names(Colour{}))
    for (const auto& [shape, n1] : enum_names(Shape{}))
      for (const auto& [size, n2] : enum_names(Size{}))
        for (const auto& [motion, n3] : enum_names(Motion{}))
          for (const auto& [speed, n4] : enum_names(Speed{}))
            for (const auto& [background, n5] : enum_names(Background{}))
              if (has_direction(motion) || speed == Speed::normal)
                all.push_back({colour, shape, size, motion, speed, background});
  return all;
}

// ---- the same clip everywhere ----
// These values may never change: training sets, model cards and evaluations name clips by (seed, index).
TEST(ShapesWorld, ClipsAreTheSameForEver) {
  EXPECT_EQ(crc(shapes_clip(1, 0)), 0xafcfacadu);
  EXPECT_EQ(crc(shapes_clip(1, 1)), 0x8be40769u);
  EXPECT_EQ(crc(shapes_clip(1, 2)), 0x27feb06eu);
  EXPECT_EQ(crc(shapes_clip(1, 3)), 0x8bf3c0f5u);
  EXPECT_EQ(crc(shapes_clip(0xFFFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF)), 0x98497ec3u);
  EXPECT_EQ(crc(shapes_clip(7, 5, Split::unseen)), 0x9354f140u);
  std::uint32_t all = 0;
  for (std::uint64_t i = 0; i < 30; ++i)
    all = all * 31 + crc(shapes_clip(7, i, Split::custom));  // every held-out shape and motion
  EXPECT_EQ(all, 0x646eafcau);
  EXPECT_EQ(crc(shapes_clip(7, 5, Split::train, {.size = 37, .frames = 9, .antialias = 3})), 0xfc3c6428u);
  EXPECT_EQ(crc(shapes_clip(7, 5, Split::train, {.objects = 2})), 0x462f6b4au);
  EXPECT_EQ(crc(shapes_clip(ShapesAttributes{}, 5)), 0x2e73b41bu);
  EXPECT_EQ(shapes_clip(1, 1).caption, "a large yellow circle moving upward quickly against a black background");
}

TEST(ShapesWorld, OrderAndThreadsDoNotMatter) {
  std::vector<std::uint32_t> forwards, backwards(40), threaded(40);
  for (std::uint64_t i = 0; i < 40; ++i) forwards.push_back(crc(shapes_clip(3, i)));
  for (std::uint64_t i = 40; i-- > 0;) backwards[i] = crc(shapes_clip(3, i));
  std::vector<std::thread> workers;
  for (std::uint64_t w = 0; w < 3; ++w)
    workers.emplace_back([&, w] {
      for (std::uint64_t i = w; i < 40; i += 3) threaded[i] = crc(shapes_clip(3, i));
    });
  for (std::thread& t : workers) t.join();
  EXPECT_EQ(forwards, backwards);
  EXPECT_EQ(forwards, threaded);
  EXPECT_EQ((std::set<std::uint32_t>(forwards.begin(), forwards.end()).size()), 40u);
  EXPECT_NE(crc(shapes_clip(3, 0)), crc(shapes_clip(4, 0)));
  EXPECT_NE(crc(shapes_clip(3, 4)), crc(shapes_clip(4, 3)));  // seed and index are not summed
}

TEST(ShapesWorld, IsFast) {
  const auto start = std::chrono::steady_clock::now();
  for (std::uint64_t i = 0; i < 200; ++i) shapes_clip(2, i);
  const double ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count() / 200;
  RecordProperty("ms_per_clip", std::to_string(ms));
  EXPECT_LT(ms, 10);  // 0.4 on an idle core; the margin is for busy machines and debug builds
}

// ---- attributes, splits ----
TEST(ShapesWorld, SplitsHoldOneCombinationInTen) {
  std::map<Split, int> count;
  std::map<std::string, std::array<int, 2>> unseen_of;
  for (const ShapesAttributes& a : all_combinations()) {
    ++count[split_of(a)];
    if (split_of(a) == Split::custom) {
      EXPECT_TRUE(held_out(a.shape) || held_out(a.motion));
      continue;
    }
    for (std::string_view value : {name_of(a.colour), name_of(a.shape), name_of(a.size), name_of(a.motion),
                                   name_of(a.speed), name_of(a.background)})
      ++unseen_of[std::string(value)][1], unseen_of[std::string(value)][0] += split_of(a) == Split::unseen;
  }
  EXPECT_EQ(count[Split::train] + count[Split::unseen], 8 * 3 * 3 * (4 * 3 + 3) * 3);
  EXPECT_NEAR(count[Split::unseen] / 3240.0, 0.10, 0.015);
  for (const auto& [value, n] : unseen_of) {  // no value leans to one side
    EXPECT_GT(n[0], 0.05 * n[1]) << value;
    EXPECT_LT(n[0], 0.17 * n[1]) << value;
  }
}

TEST(ShapesWorld, SamplesStayInTheirSplitAndCoverIt) {
  for (Split split : {Split::train, Split::unseen, Split::custom}) {
    std::map<std::string, int> seen;
    for (std::uint64_t i = 0; i < 4000; ++i) {
      const ShapesAttributes a = shapes_attributes(5, i, split)[0];
      ASSERT_EQ(split_of(a), split);
      ASSERT_TRUE(has_direction(a.motion) || a.speed == Speed::normal);
      for (std::string_view v : {name_of(a.colour), name_of(a.shape), name_of(a.size), name_of(a.motion),
                                 name_of(a.speed), name_of(a.background)})
        ++seen[std::string(v)];
    }
    for (const auto& [colour, name] : enum_names(Colour{}))
      EXPECT_NEAR(seen[std::string(name)], 500, split == Split::unseen ? 160 : 100) << name;
    for (const auto& [motion, name] : enum_names(Motion{}))
      EXPECT_EQ(seen.contains(std::string(name)), split == Split::custom || !held_out(motion)) << name;
    for (const auto& [shape, name] : enum_names(Shape{}))
      EXPECT_EQ(seen.contains(std::string(name)), split == Split::custom || !held_out(shape)) << name;
  }
}

TEST(ShapesWorld, ClipCarriesItsAttributes) {
  for (std::uint64_t i = 0; i < 50; ++i) {
    const ShapesClip clip = shapes_clip(6, i, Split::train, {.objects = 2});
    ASSERT_EQ(clip.objects.size(), 2u);
    EXPECT_EQ(clip.attributes, clip.objects[0].attributes);
    EXPECT_EQ(clip.attributes, shapes_attributes(6, i, Split::train, 2)[0]);
    EXPECT_EQ(clip.caption, shapes_caption(6, i, Split::train, {.objects = 2}));
    EXPECT_NE(clip.objects[0].attributes.colour, clip.objects[1].attributes.colour);
    EXPECT_NE(clip.objects[0].attributes.shape, clip.objects[1].attributes.shape);
    EXPECT_EQ(clip.objects[0].attributes.background, clip.objects[1].attributes.background);
  }
}

// ---- geometry ----
TEST(ShapesWorld, TableOfSizesAndTravels) {
  const double radii[] = {0.10, 0.15, 0.21}, travels[] = {0.20, 0.42, 0.64};
  for (const ShapesAttributes& a : all_combinations()) {
    if (a.colour != Colour::red || a.background != Background::black) continue;
    for (std::uint64_t seed = 0; seed < 10; ++seed) {
      const ShapesClip clip = shapes_clip(a, seed);
      const std::vector<ShapesPose>& p = clip.objects[0].poses;
      ASSERT_EQ(p.size(), 16u);
      const double x = (p[15].x - p[0].x) / 64, y = (p[15].y - p[0].y) / 64;
      const double nominal = a.motion == Motion::growing     ? p[0].radius / 0.6
                             : a.motion == Motion::shrinking ? p[0].radius / 1.5
                                                             : p[0].radius;
      EXPECT_GE(nominal / 64, 0.899 * radii[static_cast<int>(a.size)]);
      EXPECT_LE(nominal / 64, 1.101 * radii[static_cast<int>(a.size)]);
      if (has_direction(a.motion)) {
        const double along = a.motion == Motion::left    ? -x
                             : a.motion == Motion::right ? x
                             : a.motion == Motion::up    ? -y
                                                         : y;
        EXPECT_GE(along, 0.899 * travels[static_cast<int>(a.speed)]) << clip.caption;
        EXPECT_LE(along, 1.101 * travels[static_cast<int>(a.speed)]) << clip.caption;
        EXPECT_EQ(std::min(std::abs(x), std::abs(y)), 0) << clip.caption;
      }
      if (a.motion == Motion::still) { EXPECT_EQ(p[0], p[15]); }
      if (a.motion == Motion::growing) { EXPECT_NEAR(p[15].radius / p[0].radius, 2.5, 1e-3); }
      if (a.motion == Motion::shrinking) { EXPECT_NEAR(p[0].radius / p[15].radius, 2.5, 1e-3); }
      if (a.motion == Motion::circling) {  // a full turn: returns, and is opposite half way
        EXPECT_NEAR(std::hypot(x, y), 0, 1e-4);
        const ShapesClip odd = shapes_clip(a, seed, {.frames = 17});
        const ShapesPose &q0 = odd.objects[0].poses[0], &q8 = odd.objects[0].poses[8], &q4 = odd.objects[0].poses[4];
        const double diameter = std::hypot(q8.x - q0.x, q8.y - q0.y) / 64;
        EXPECT_GE(diameter, 0.319);
        EXPECT_LE(diameter, 0.401);
        EXPECT_NEAR(std::hypot(q4.x - (q0.x + q8.x) / 2, q4.y - (q0.y + q8.y) / 2) / 64, diameter / 2, 1e-4);
      }
    }
  }
}

TEST(ShapesWorld, ObjectsStayInTheFrame) {
  const ShapesOptions wide{.frames = 16, .antialias = 1};
  for (const ShapesAttributes& a : all_combinations()) {
    if (a.colour != Colour::red || a.background != Background::white) continue;
    for (std::uint64_t seed = 0; seed < 6; ++seed) {
      const ShapesClip clip = shapes_clip(a, seed, wide);
      for (std::int64_t k = 0; k < 16; ++k)
        for (std::int64_t i = 0; i < 64; ++i)
          for (std::int64_t at : {i, 63 * 64 + i, i * 64, i * 64 + 63})
            ASSERT_EQ(clip.frames.frame(k)[3 * at + 1], 240) << clip.caption << " seed " << seed;
    }
  }
}

// Areas in units of the radius squared, from geometry: pi, 1.76^2, base 2 x height 1.8 / 2, five kites, pi (1 -
// 0.55^2), 4 * 0.68 - 0.68^2.
TEST(ShapesWorld, ShapesHaveTheirAreasAndCentroids) {
  const double pi = std::acos(-1),
               areas[] = {pi, 3.0976, 1.8, 5 * 1.05 * 0.4725 * std::sin(pi / 5), pi * (1 - 0.3025), 2.2576};
  for (const auto& [shape, name] : enum_names(Shape{})) {
    const ShapesClip clip =
        shapes_clip({.shape = shape, .size = Size::large, .motion = Motion::still}, 4, {.size = 512, .frames = 1});
    const std::vector<std::uint8_t> mask = clip.mask();
    const ShapesPose& p = clip.objects[0].poses[0];
    double area = 0, x = 0, y = 0;
    for (int row = 0; row < 512; ++row)
      for (int column = 0; column < 512; ++column) {
        const double m = mask[static_cast<std::size_t>(row * 512 + column)] / 255.0;
        area += m, x += m * (column + 0.5), y += m * (row + 0.5);
      }
    EXPECT_NEAR(area / (p.radius * p.radius), areas[static_cast<int>(shape)], 0.004 * areas[static_cast<int>(shape)])
        << name;
    EXPECT_NEAR(x / area, p.x, 0.1) << name;
    EXPECT_NEAR(y / area, p.y, 0.1) << name;
  }
}

TEST(ShapesWorld, PixelsAreThePaletteMixedByTheMask) {
  for (const auto& [colour, name] : enum_names(Colour{}))
    for (const auto& [background, ground] : enum_names(Background{})) {
      const ShapesClip clip = shapes_clip({.colour = colour, .shape = Shape::star, .background = background}, 9);
      const std::vector<std::uint8_t> mask = clip.mask();
      bool mixed = false;
      for (std::size_t i = 0; i < mask.size(); ++i)
        for (std::size_t c = 0; c < 3; ++c) {
          const double a = mask[i] / 255.0;
          mixed |= mask[i] > 0 && mask[i] < 255;
          ASSERT_NEAR((*clip.frames.pixels)[3 * i + c], a * rgb(colour)[c] + (1 - a) * rgb(background)[c], 1.0)
              << name << " on " << ground;
        }
      EXPECT_TRUE(mixed) << "no anti-aliasing";
    }
}

// ---- ground truth ----
TEST(ShapesWorld, MotionVectorsPointBackToTheFrameBefore) {
  // What stands at p in frame k was at p - motion(p) in frame k - 1: inside stays inside.
  for (Motion m : {Motion::left, Motion::down, Motion::growing, Motion::shrinking, Motion::circling, Motion::still}) {
    const ShapesClip clip = shapes_clip({.shape = Shape::triangle, .size = Size::large, .motion = m}, 11);
    const std::vector<float> motion = clip.motion();
    const std::vector<std::uint8_t> mask = clip.mask();
    const auto at = [&](std::int64_t k, std::int64_t y, std::int64_t x) {
      return static_cast<std::size_t>((k * 64 + y) * 64 + x);
    };
    int checked = 0;
    for (std::int64_t k = 1; k < 16; ++k)
      for (std::int64_t y = 0; y < 64; ++y)
        for (std::int64_t x = 0; x < 64; ++x) {
          const float dx = motion[2 * at(k, y, x)], dy = motion[2 * at(k, y, x) + 1];
          ASSERT_TRUE(mask[at(k, y, x)] >= 128 || std::hypot(dx, dy) == 0);
          if (mask[at(k, y, x)] < 255) continue;
          const auto sx = static_cast<std::int64_t>(std::floor(static_cast<double>(x) + 0.5 - dx)),
                     sy = static_cast<std::int64_t>(std::floor(static_cast<double>(y) + 0.5 - dy));
          ASSERT_GT(mask[at(k - 1, sy, sx)], 0) << name_of(m);
          ++checked;
        }
    EXPECT_GT(checked, 1000);
    EXPECT_TRUE(std::all_of(motion.begin(), motion.begin() + 64 * 64 * 2, [](float v) { return v == 0; }));
  }
  const ShapesClip right = shapes_clip({.motion = Motion::right}, 2);
  const std::vector<float> motion = right.motion();
  const double step = right.objects[0].poses[5].x - right.objects[0].poses[4].x;
  EXPECT_GT(step, 1);
  EXPECT_NEAR(*std::max_element(motion.begin() + 5 * 8192, motion.begin() + 6 * 8192), step, 1e-5);
}

TEST(ShapesWorld, DepthIsADomeAndEdgesItsRim) {
  for (const auto& [shape, name] : enum_names(Shape{})) {
    const ShapesClip clip = shapes_clip({.shape = shape, .size = Size::large, .motion = Motion::still}, 3);
    const std::vector<float> depth = clip.depth();
    const std::vector<std::uint8_t> mask = clip.mask(), edges = clip.edges();
    const ShapesPose& p = clip.objects[0].poses[0];
    const auto centre = static_cast<std::size_t>(static_cast<std::int64_t>(p.y) * 64 + static_cast<std::int64_t>(p.x));
    EXPECT_TRUE(shape == Shape::ring ? depth[centre] == 0 : depth[centre] > 0.99) << name;
    int rim = 0;
    for (std::size_t i = 0; i < 4096; ++i) {
      EXPECT_TRUE(depth[i] >= 0 && depth[i] <= 1);
      EXPECT_TRUE(mask[i] || depth[i] == 0);
      EXPECT_TRUE(edges[i] == 0 || (edges[i] == 255 && mask[i] >= 128));
      rim += edges[i] == 255;
    }
    EXPECT_FALSE(edges[centre]);
    EXPECT_GT(rim, 5 * p.radius);  // about a perimeter, counted in pixels
    EXPECT_LT(rim, 3.2 * 4 * p.radius);
  }
}

TEST(ShapesWorld, LaterObjectsCoverEarlierOnes) {
  ShapesAttributes big{.colour = Colour::blue, .size = Size::large, .motion = Motion::growing},
      front{.colour = Colour::red, .shape = Shape::square, .motion = Motion::growing};
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const ShapesClip clip = shapes_clip(std::vector{big, front}, seed);
    const std::vector<std::uint8_t> a = clip.mask(0), b = clip.mask(1);
    EXPECT_THROW(clip.mask(2), ConfigError);
    for (std::size_t i = 0; i < a.size(); ++i) {
      ASSERT_LE(a[i] + b[i], 256);
      for (std::size_t c = 0; c < 3; ++c)
        ASSERT_NEAR(
            (*clip.frames.pixels)[3 * i + c],
            (a[i] * rgb(Colour::blue)[c] + b[i] * rgb(Colour::red)[c] + (255 - std::min(255, a[i] + b[i])) * 12) /
                255.0,
            2.5);
    }
  }
}

// ---- captions ----
TEST(ShapesWorld, CanonicalCaption) {
  EXPECT_EQ(canonical_caption(ShapesAttributes{}), "a red circle moving left on a black background");
  EXPECT_EQ(canonical_caption(
                {Colour::purple, Shape::triangle, Size::large, Motion::shrinking, Speed::normal, Background::white}),
            "a large purple triangle shrinking on a white background");
  EXPECT_EQ(
      canonical_caption({Colour::orange, Shape::square, Size::medium, Motion::up, Speed::quickly, Background::gray}),
      "an orange square moving up quickly on a gray background");
  EXPECT_EQ(canonical_caption(std::vector<ShapesAttributes>{
                {}, {Colour::blue, Shape::square, Size::small, Motion::growing, Speed::normal, Background::black}}),
            "a red circle moving left and a small blue square growing on a black background");
}

TEST(ShapesWorld, ParseCaptionInvertsCanonicalCaption) {
  std::set<std::string> captions;
  for (const ShapesAttributes& a : all_combinations()) {
    const std::string caption = canonical_caption(a);
    EXPECT_EQ(parse_caption(caption), a) << caption;
    captions.insert(caption);
  }
  EXPECT_EQ(captions.size(), all_combinations().size());
  EXPECT_EQ(parse_caption("a orange circle moving left on a black background").colour, Colour::orange);
}

TEST(ShapesWorld, ParseCaptionNamesTheWordThatDoesNotFit) {
  const auto message = [](const char* caption) -> std::string {
    try {
      parse_caption(caption);
    } catch (const ConfigError& e) { return e.what(); }
    return "accepted";
  };
  EXPECT_THAT(message("a redd circle moving left on a black background"),
              HasSubstr("expected a colour, got 'redd'; did you mean 'red'"));
  EXPECT_THAT(message("a red cirle moving left on a black background"), HasSubstr("did you mean 'circle'"));
  EXPECT_THAT(message("a red circle flying on a black background"), HasSubstr("expected a motion, got 'flying'"));
  EXPECT_THAT(message("a red circle growing slowly on a black background"), HasSubstr("got 'slowly'"));
  EXPECT_THAT(message("a red circle growing on a pink background"), HasSubstr("expected a background, got 'pink'"));
  EXPECT_THAT(message("a red circle growing on a black background now"), HasSubstr("expected the end, got 'now'"));
  EXPECT_THAT(message("a red circlegrowing on a black background"), HasSubstr("expected a shape"));
  EXPECT_THAT(message(""), HasSubstr("expected 'a'"));
  EXPECT_THAT(message("a red circle"), HasSubstr("expected a motion"));
}

// Which words a caption may use for each value; a paraphrase must contain one of the right list and none of the others.
TEST(ShapesWorld, ParaphrasesSayWhatMattersAndNothingElse) {
  const std::map<std::string, std::vector<std::string>> words{
      {"circle", {"circle", "disc"}},
      {"square", {"square", "box"}},
      {"triangle", {"triangle"}},
      {"star", {"star"}},
      {"ring", {"ring"}},
      {"cross", {"cross", "plus sign"}},
      {"small", {"small", "little", "tiny"}},
      {"large", {"large", "big"}},
      {"moving left", {"left"}},
      {"moving right", {"right"}},
      {"moving up", {"up", "upward", "rising", "rises"}},
      {"moving down", {"down", "downward", "sinking", "sinks"}},
      {"standing still", {"still", "not move", "not moving", "at rest"}},
      {"growing", {"growing", "grows", "bigger", "expanding", "expands"}},
      {"shrinking", {"shrinking", "shrinks", "smaller", "contracting", "contracts"}},
      {"circling", {"circling", "circles", "in a circle", "going round"}},
      {"zigzagging", {"zigzagging", "zigzags", "zigzag"}},
      {"slowly", {"slowly", "at a slow pace"}},
      {"quickly", {"quickly", "fast", "rapidly"}},
      {"black", {"black"}},
      {"gray", {"gray", "grey"}},
      {"white", {"white"}}};
  const auto says = [&](const std::string& caption, const std::string& value) {
    std::string padded = " " + caption + " ";
    std::ranges::replace(padded, ',', ' ');
    const auto it = words.find(value);
    const std::vector<std::string> own = it == words.end() ? std::vector{value} : it->second;
    return std::ranges::any_of(own,
                               [&](const std::string& w) { return padded.find(" " + w + " ") != std::string::npos; });
  };
  std::set<std::string> different;
  for (const ShapesAttributes& a : all_combinations())
    for (std::uint64_t draw = 0; draw < 3; ++draw) {
      const std::string caption = paraphrase({a}, draw * 7919 + different.size());
      different.insert(caption);
      const auto check = [&](auto value) {
        for (const auto& [each, name] : enum_names(value)) {
          if (name == "medium" || name == "normal") continue;
          if (a.motion == Motion::circling && name == "circle") continue;  // "moving in a circle"
          EXPECT_EQ(says(caption, std::string(name)), each == value)
              << "'" << name << "' in: " << caption << " (" << canonical_caption(a) << ")";
        }
      };
      check(a.colour), check(a.shape), check(a.size), check(a.motion), check(a.speed), check(a.background);
      EXPECT_EQ(caption.find("  "), std::string::npos) << caption;
      EXPECT_NE(caption.front(), ' ');
      EXPECT_NE(caption.back(), ' ');
      EXPECT_EQ(caption.find("a orange"), std::string::npos);
    }
  EXPECT_GT(different.size(), 20000u);
}

TEST(ShapesWorld, CanonicalShareIsHonoured) {
  for (double share : {0.0, 0.5, 1.0}) {
    int canonical = 0;
    for (std::uint64_t i = 0; i < 2000; ++i)
      canonical +=
          shapes_caption(8, i, Split::train, {.canonical = share}) == canonical_caption(shapes_attributes(8, i)[0]);
    EXPECT_NEAR(canonical / 2000.0, share, share == 0.5 ? 0.04 : 0.02) << share;
  }
  // The wording changes no pixel.
  EXPECT_EQ(crc(shapes_clip(8, 1, Split::train, {.canonical = 0})),
            crc(shapes_clip(8, 1, Split::train, {.canonical = 1})));
}

TEST(ShapesWorld, EvalPrompts) {
  const std::vector<ShapesPrompt> prompts = eval_prompts(500, 1);
  ASSERT_EQ(prompts.size(), 500u);
  int unseen = 0;
  for (const ShapesPrompt& p : prompts) {
    unseen += p.unseen;
    EXPECT_EQ(split_of(p.attributes), p.unseen ? Split::unseen : Split::train);
    EXPECT_EQ(parse_caption(p.caption), p.attributes);
  }
  EXPECT_EQ(unseen, 250);
  EXPECT_EQ(eval_prompts(100, 1)[99].caption, prompts[99].caption);  // a prefix of the longer list
  EXPECT_NE(eval_prompts(10, 2)[0].caption + eval_prompts(10, 2)[1].caption, prompts[0].caption + prompts[1].caption);
  const auto count = [](const std::vector<ShapesPrompt>& all) {
    return std::ranges::count_if(all, &ShapesPrompt::unseen);
  };
  EXPECT_EQ(count(eval_prompts(40, 1, 0.25)), 10);
  EXPECT_EQ(count(eval_prompts(40, 1, 0)), 0);
  EXPECT_EQ(count(eval_prompts(40, 1, 1)), 40);
  EXPECT_THROW(eval_prompts(0, 1), ConfigError);
  EXPECT_THROW(eval_prompts(10, 1, 1.5), ConfigError);
}

TEST(ShapesWorld, RefusesBadOptions) {
  for (const ShapesOptions& bad : {ShapesOptions{.size = 15},
                                   {.size = 2000},
                                   {.frames = 0},
                                   {.frames = 300},
                                   {.fps = 0},
                                   {.objects = 0},
                                   {.objects = 3},
                                   {.antialias = 0},
                                   {.antialias = 9},
                                   {.canonical = -0.1},
                                   {.canonical = 1.1},
                                   {.fps = std::nan("")},
                                   {.canonical = std::nan("")}})
    EXPECT_THROW(shapes_clip(1, 1, Split::train, bad), ConfigError);
  EXPECT_THROW(shapes_clip({.motion = Motion::growing, .speed = Speed::quickly}, 1), ConfigError);
  EXPECT_THROW(shapes_clip(std::vector<ShapesAttributes>{}, 1), ConfigError);
  EXPECT_THROW(shapes_attributes(1, 1, Split::train, 0), ConfigError);
  EXPECT_NO_THROW(shapes_clip(1, 1, Split::train, {.frames = 1}));
}

TEST(ShapesWorld, OptionsReadAndWrite) {
  const ShapesOptions o{.size = 32, .frames = 8, .canonical = 0.25};
  EXPECT_EQ(read<ShapesOptions>(to_node(o)), o);
  const ShapesAttributes a{.colour = Colour::cyan, .motion = Motion::up};
  EXPECT_EQ(read<ShapesAttributes>(to_node(a)), a);
  EXPECT_EQ(to_node(a).at("motion").as_string(), "moving up");
}

}  // namespace
}  // namespace vgen::data
