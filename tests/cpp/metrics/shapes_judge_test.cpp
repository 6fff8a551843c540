#include "vgen/metrics/shapes_judge.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <mutex>
#include <numbers>
#include <thread>

namespace vgen::metrics {
namespace {

using namespace data;
using video::Frames;

// Test randomness: counter-based like the world's, of another family.
struct Random {
  std::uint64_t state;
  std::uint64_t next() {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) ^ (state >> 18);
  }
  std::int64_t below(std::int64_t n) { return static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(n)); }
  double unit() { return (static_cast<double>(next() & 0xFFFFFF) + 0.5) / 0x1000000; }
  double normal() { return std::sqrt(-2 * std::log(unit())) * std::cos(2 * std::numbers::pi * unit()); }
};

Frames copy(const Frames& f) {
  Frames out = f;
  out.pixels = std::make_shared<std::vector<std::uint8_t>>(*f.pixels);
  return out;
}
void put(Frames& to, std::int64_t at, const Frames& from, std::int64_t k) {
  std::copy_n(from.frame(k), to.height * to.width * 3, to.frame(at));
}
void clear(Frames& f, std::int64_t k, Background b) { std::fill_n(f.frame(k), f.height * f.width * 3, rgb(b)[0]); }

// f(0), ..., f(count - 1) on all cores; the judge is asked thousands of times.
void in_parallel(std::uint64_t count, const std::function<void(std::uint64_t)>& f) {
  const std::uint64_t workers = std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::thread> threads;
  for (std::uint64_t w = 0; w < workers; ++w)
    threads.emplace_back([&f, w, workers, count] {
      for (std::uint64_t i = w; i < count; i += workers) f(i);
    });
  for (std::thread& each : threads) each.join();
}

// ---- true clips ----
struct Tally {
  int clips = 0;
  std::map<std::string, std::array<int, 2>> of;  // right, seen
  std::mutex mutex;
  void add(const ShapesClip& c, const ShapesVerdict& v) {
    const ShapesScore s = score(v, c.attributes);
    const std::scoped_lock lock(mutex);
    const auto count = [&](const std::string& key, bool right) { of[key][0] += right, ++of[key][1]; };
    const ShapesAttributes& a = c.attributes;
    // Under each value, every attribute of the clip is counted.
    for (std::string_view value : {name_of(a.colour), name_of(a.shape), name_of(a.size), name_of(a.motion),
                                   name_of(a.speed), name_of(a.background)})
      for (auto [name, right] : {std::pair{"colour", s.colour},
                                 {"shape", s.shape},
                                 {"size", s.size},
                                 {"motion", s.motion},
                                 {"speed", s.speed},
                                 {"background", s.background},
                                 {"coherent", s.coherent},
                                 {"everything", s.everything}})
        count(std::string(value) + "/" + name, right);
    for (auto [name, right] : {std::pair{"colour", s.colour},
                               {"shape", s.shape},
                               {"size", s.size},
                               {"motion", s.motion},
                               {"speed", s.speed},
                               {"background", s.background},
                               {"coherent", s.coherent},
                               {"all", s.all},
                               {"everything", s.everything}})
      count(name, right);
    ++clips;
  }
  double rate(const std::string& key) const { return 100.0 * of.at(key)[0] / of.at(key)[1]; }
};

TEST(ShapesJudgeLong, ReadsTrueClips) {
  Tally tally;
  in_parallel(4500, [&](std::uint64_t i) {
    const ShapesClip clip = shapes_clip(77, i, i % 10 == 9 ? Split::unseen : Split::train);
    tally.add(clip, judge(clip.frames));
  });
  for (const auto& [key, counts] : tally.of) {
    EXPECT_GE(counts[1], 500) << key;
    EXPECT_GE(tally.rate(key), 99.5) << key << ": " << counts[0] << " of " << counts[1];
  }
  std::printf("true clips, %d: all %.2f %%, everything %.2f %%\n", tally.clips, tally.rate("all"),
              tally.rate("everything"));
}

TEST(ShapesJudgeLong, ReadsHeldOutShapesAndMotions) {
  Tally tally;
  in_parallel(2500, [&](std::uint64_t i) {
    const ShapesClip clip = shapes_clip(78, i, Split::custom);
    tally.add(clip, judge(clip.frames));
  });
  for (const char* key : {"star", "ring", "cross", "circling", "zigzagging"})
    for (const char* attribute : {"colour", "shape", "size", "motion", "speed", "background", "everything"})
      EXPECT_GE(tally.rate(std::string(key) + "/" + attribute), 99.5)
          << key << " " << attribute << " of " << tally.of[std::string(key) + "/shape"][1];
}

TEST(ShapesJudge, ReadsOtherSizesAndLengths) {
  for (auto [size, frames, antialias] : {std::array{32, 16, 4}, {48, 12, 4}, {64, 8, 4}, {64, 24, 2}, {128, 16, 4}}) {
    Tally tally;
    const ShapesOptions world{.size = size, .frames = frames, .antialias = antialias};
    in_parallel(120, [&](std::uint64_t i) {
      const ShapesClip clip = shapes_clip(79, i, Split::train, world);
      tally.add(clip, judge(clip.frames));
    });
    std::printf("%3d px, %2d frames: all %.1f %%, everything %.1f %%\n", size, frames, tally.rate("all"),
                tally.rate("everything"));
    EXPECT_GE(tally.rate("all"), size < 48 ? 95 : 99) << size << " px, " << frames << " frames";
  }
}

TEST(ShapesJudge, MeasuresWhatTheWorldDrew) {
  for (std::uint64_t i = 0; i < 200; ++i) {
    const ShapesClip clip = shapes_clip(80, i);
    const ShapesVerdict v = judge(clip.frames);
    for (std::size_t k = 0; k < 16; ++k) {
      const ShapesPose &seen = v.track[k], &drawn = clip.objects[0].poses[k];
      EXPECT_NEAR(seen.x, drawn.x, 0.25) << clip.caption;
      EXPECT_NEAR(seen.y, drawn.y, 0.25) << clip.caption;
      EXPECT_NEAR(seen.radius, drawn.radius, 0.05 * drawn.radius + 0.1) << clip.caption;
    }
    EXPECT_NEAR(v.quality.edge_width, 1.1, 1.2);
    EXPECT_LT(v.quality.colour_flicker, 1);
    EXPECT_LT(v.quality.area_flicker, 0.05);
    EXPECT_LT(v.quality.fragments, 1e-9);
    for (double c : {v.colour.confidence, v.shape.confidence, v.motion.confidence, v.background.confidence}) {
      EXPECT_GT(c, 0.5);
      EXPECT_LE(c, 1);
    }
  }
}

// ---- clips that must be judged wrong ----
ShapesAttributes other_colour(ShapesAttributes a, Random& r) {
  a.colour = static_cast<Colour>((static_cast<int>(a.colour) + 1 + r.below(7)) % 8);
  return a;
}
ShapesAttributes other_shape(ShapesAttributes a, Random& r) {
  a.shape = static_cast<Shape>((static_cast<int>(a.shape) + 1 + r.below(2)) % 3);
  return a;
}
ShapesAttributes other_background(ShapesAttributes a, Random& r) {
  a.background = static_cast<Background>((static_cast<int>(a.background) + 1 + r.below(2)) % 3);
  return a;
}
// Frames [first, F) or every second frame of `a` from `b`.
Frames spliced(const Frames& a, const Frames& b, std::int64_t first, std::int64_t step = 1) {
  Frames out = copy(a);
  for (std::int64_t k = first; k < a.count; k += step) put(out, k, b, k);
  return out;
}
// A failure: the damaged clip, or nothing where it does not apply to these attributes.
using Plant = std::function<std::optional<Frames>(const ShapesClip&, std::uint64_t seed, Random&)>;
const std::vector<std::pair<std::string, Plant>>& plants() {
  static const std::vector<std::pair<std::string, Plant>> all{
      {"wrong colour in the second half",
       [](const ShapesClip& c, std::uint64_t seed, Random& r) -> std::optional<Frames> {
         return spliced(c.frames, shapes_clip(other_colour(c.attributes, r), seed).frames, 8);
       }},
      {"wrong colour in every second frame",
       [](const ShapesClip& c, std::uint64_t seed, Random& r) -> std::optional<Frames> {
         return spliced(c.frames, shapes_clip(other_colour(c.attributes, r), seed).frames, r.below(2), 2);
       }},
      {"wrong colour in the last quarter",
       [](const ShapesClip& c, std::uint64_t seed, Random& r) -> std::optional<Frames> {
         return spliced(c.frames, shapes_clip(other_colour(c.attributes, r), seed).frames, 12);
       }},
      {"half of the object of another colour",
       [](const ShapesClip& c, std::uint64_t seed, Random& r) -> std::optional<Frames> {
         const Frames b = shapes_clip(other_colour(c.attributes, r), seed).frames;
         Frames out = copy(c.frames);
         for (std::int64_t k = 0; k < out.count; ++k)
           for (std::int64_t y = 0; y < 64; ++y)
             for (std::int64_t x = static_cast<std::int64_t>(c.objects[0].poses[static_cast<std::size_t>(k)].x); x < 64;
                  ++x)
               std::copy_n(b.frame(k) + 3 * (64 * y + x), 3, out.frame(k) + 3 * (64 * y + x));
         return out;
       }},
      {"vanishing",
       [](const ShapesClip& c, std::uint64_t, Random& r) -> std::optional<Frames> {
         Frames out = copy(c.frames);
         for (std::int64_t k = 4 + r.below(9); k < out.count; ++k) clear(out, k, c.attributes.background);
         return out;
       }},
      {"missing in one frame",
       [](const ShapesClip& c, std::uint64_t, Random& r) -> std::optional<Frames> {
         Frames out = copy(c.frames);
         clear(out, r.below(16), c.attributes.background);
         return out;
       }},
      {"jump in the middle",
       [](const ShapesClip& c, std::uint64_t seed, Random& r) -> std::optional<Frames> {
         const ShapesClip b = shapes_clip(c.attributes, seed + 1000003);
         const ShapesPose &p = c.objects[0].poses[8], &q = b.objects[0].poses[8];
         if (std::hypot(p.x - q.x, p.y - q.y) < 8) return std::nullopt;  // an eighth of the frame
         return spliced(c.frames, b.frames, 8);
       }},
      {"jumping in every frame",
       [](const ShapesClip& c, std::uint64_t seed, Random& r) -> std::optional<Frames> {
         Frames out = copy(c.frames);
         for (std::int64_t k = 0; k < out.count; ++k)
           put(out, k, shapes_clip(c.attributes, seed + 17 * static_cast<std::uint64_t>(k)).frames, k);
         return out;
       }},
      {"cut in two",
       [](const ShapesClip& c, std::uint64_t, Random& r) -> std::optional<Frames> {
         Frames out = copy(c.frames);
         for (std::int64_t k = 0; k < out.count; ++k) {
           const ShapesPose& p = c.objects[0].poses[static_cast<std::size_t>(k)];
           const double half = std::max(2.0, 0.25 * p.radius);
           for (std::int64_t y = 0; y < 64; ++y)
             for (std::int64_t x = 0; x < 64; ++x)
               if (std::abs(static_cast<double>(x) + 0.5 - p.x) < half)
                 std::fill_n(out.frame(k) + 3 * (64 * y + x), 3, rgb(c.attributes.background)[0]);
         }
         return out;
       }},
      {"a second object",
       [](const ShapesClip& c, std::uint64_t seed, Random& r) -> std::optional<Frames> {
         for (std::uint64_t s = seed; s < seed + 20; ++s) {  // one that stays apart
           const ShapesClip b = shapes_clip(std::vector{c.attributes, c.attributes}, s);
           double apart = 1e9;
           for (std::size_t k = 0; k < 16; ++k) {
             const ShapesPose &p = b.objects[0].poses[k], &q = b.objects[1].poses[k];
             apart = std::min(apart, std::hypot(p.x - q.x, p.y - q.y) - 1.3 * (p.radius + q.radius));
           }
           if (apart > 4) return b.frames;
         }
         return std::nullopt;
       }},
      {"static when motion was asked",
       [](const ShapesClip& c, std::uint64_t, Random& r) -> std::optional<Frames> {
         if (c.attributes.motion == Motion::still) return std::nullopt;
         Frames out = copy(c.frames);
         for (std::int64_t k = 1; k < out.count; ++k) put(out, k, c.frames, 0);
         return out;
       }},
      {"moving when rest was asked",
       [](const ShapesClip& c, std::uint64_t seed, Random& r) -> std::optional<Frames> {
         if (c.attributes.motion != Motion::still) return std::nullopt;
         ShapesAttributes a = c.attributes;
         a.motion = static_cast<Motion>(r.below(4)), a.speed = Speed::slowly;
         return shapes_clip(a, seed).frames;
       }},
      {"motion reversed half way",
       [](const ShapesClip& c, std::uint64_t, Random& r) -> std::optional<Frames> {
         if (c.attributes.motion == Motion::still) return std::nullopt;
         Frames out = copy(c.frames);
         for (std::int64_t k = 8; k < out.count; ++k) put(out, k, c.frames, 15 - k);
         return out;
       }},
      {"motion stopped half way",
       [](const ShapesClip& c, std::uint64_t, Random& r) -> std::optional<Frames> {
         if (c.attributes.motion == Motion::still) return std::nullopt;
         Frames out = copy(c.frames);
         for (std::int64_t k = 8; k < out.count; ++k) put(out, k, c.frames, 7);
         return out;
       }},
      {"played backwards",
       [](const ShapesClip& c, std::uint64_t, Random& r) -> std::optional<Frames> {
         if (c.attributes.motion == Motion::still) return std::nullopt;
         Frames out = copy(c.frames);
         for (std::int64_t k = 0; k < out.count; ++k) put(out, k, c.frames, 15 - k);
         return out;
       }},
      {"wrong direction",
       [](const ShapesClip& c, std::uint64_t seed, Random& r) -> std::optional<Frames> {
         if (!has_direction(c.attributes.motion)) return std::nullopt;
         ShapesAttributes a = c.attributes;
         while (a.motion == c.attributes.motion) a.motion = static_cast<Motion>(r.below(4));
         return shapes_clip(a, seed).frames;
       }},
      {"diagonal",
       [](const ShapesClip& c, std::uint64_t seed, Random& r) -> std::optional<Frames> {  // as far across as along
         if (!has_direction(c.attributes.motion) || c.attributes.size == Size::large ||
             c.attributes.speed == Speed::quickly)
           return std::nullopt;
         const ShapesPose &p = c.objects[0].poses.front(), &q = c.objects[0].poses.back();
         const bool sideways = std::abs(q.x - p.x) > std::abs(q.y - p.y);
         const double way = sideways ? q.x - p.x : q.y - p.y, start = sideways ? p.y : p.x;
         const double to = start + std::abs(way) + 10 < 62 ? std::abs(way) : -std::abs(way);
         if (start + to < 10) return std::nullopt;
         Frames out = copy(c.frames);
         for (std::int64_t k = 0; k < 16; ++k) {  // shift the frame's content
           clear(out, k, c.attributes.background);
           const auto shift = static_cast<std::int64_t>(std::lround(to * static_cast<double>(k) / 15));
           for (std::int64_t y = 0; y < 64; ++y)
             for (std::int64_t x = 0; x < 64; ++x) {
               const std::int64_t ty = sideways ? y + shift : y, tx = sideways ? x : x + shift;
               if (ty >= 0 && ty < 64 && tx >= 0 && tx < 64)
                 std::copy_n(c.frames.frame(k) + 3 * (64 * y + x), 3, out.frame(k) + 3 * (64 * ty + tx));
             }
         }
         return out;
       }},
      {"shape morphing half way",
       [](const ShapesClip& c, std::uint64_t seed, Random& r) -> std::optional<Frames> {
         return spliced(c.frames, shapes_clip(other_shape(c.attributes, r), seed).frames, 8);
       }},
      {"wrong shape",
       [](const ShapesClip& c, std::uint64_t seed, Random& r) -> std::optional<Frames> {
         return shapes_clip(other_shape(c.attributes, r), seed).frames;
       }},
      {"a blob without shape",
       [](const ShapesClip& c, std::uint64_t seed,
          Random& r) -> std::optional<Frames> {  // a thin bar as long as the object
         Frames out = copy(c.frames);
         for (std::int64_t k = 0; k < out.count; ++k) {
           const ShapesPose& p = c.objects[0].poses[static_cast<std::size_t>(k)];
           for (std::int64_t y = 0; y < 64; ++y)
             if (std::abs(static_cast<double>(y) + 0.5 - p.y) > std::max(1.0, 0.35 * p.radius))
               std::fill_n(out.frame(k) + 3 * 64 * y, 3 * 64, rgb(c.attributes.background)[0]);
         }
         return out;
       }},
      {"size alternating",
       [](const ShapesClip& c, std::uint64_t seed, Random& r) -> std::optional<Frames> {
         ShapesAttributes a = c.attributes;
         a.size = a.size == Size::large ? Size::small : Size::large;
         return spliced(c.frames, shapes_clip(a, seed).frames, 1, 2);
       }},
      {"background changing half way",
       [](const ShapesClip& c, std::uint64_t seed, Random& r) -> std::optional<Frames> {
         return spliced(c.frames, shapes_clip(other_background(c.attributes, r), seed).frames, 8);
       }},
      {"background flickering",
       [](const ShapesClip& c, std::uint64_t seed, Random& r) -> std::optional<Frames> {
         return spliced(c.frames, shapes_clip(other_background(c.attributes, r), seed).frames, 1, 2);
       }},
      {"frames in random order",
       [](const ShapesClip& c, std::uint64_t, Random& r) -> std::optional<Frames> {
         if (c.attributes.motion == Motion::still) return std::nullopt;
         Frames out = copy(c.frames);
         std::vector<std::int64_t> order(16);
         for (std::int64_t k = 0; k < 16; ++k) order[static_cast<std::size_t>(k)] = k;
         for (std::size_t k = 15; k > 0; --k)
           std::swap(order[k], order[static_cast<std::size_t>(r.below(static_cast<std::int64_t>(k) + 1))]);
         for (std::int64_t k = 0; k < 16; ++k) put(out, k, c.frames, order[static_cast<std::size_t>(k)]);
         return out;
       }},
      {"nothing but background",
       [](const ShapesClip& c, std::uint64_t, Random& r) -> std::optional<Frames> {
         Frames out = copy(c.frames);
         for (std::int64_t k = 0; k < out.count; ++k) clear(out, k, c.attributes.background);
         return out;
       }},
      {"noise",
       [](const ShapesClip& c, std::uint64_t, Random& r) -> std::optional<Frames> {
         Frames out = copy(c.frames);
         for (std::uint8_t& v : *out.pixels) v = static_cast<std::uint8_t>(r.below(256));
         return out;
       }},
  };
  return all;
}

using Damage = std::function<Frames(const Frames&, Random&)>;
Frames noisy(const Frames& f, double sigma, Random& r) {
  Frames out = copy(f);
  for (std::uint8_t& v : *out.pixels)
    v = static_cast<std::uint8_t>(std::clamp(std::lround(v + sigma * r.normal()), 0l, 255l));
  return out;
}
// Convolves rows, then columns.
Frames blurred(const Frames& f, double sigma) {
  const std::int64_t reach = static_cast<std::int64_t>(std::ceil(3 * sigma));
  std::vector<double> kernel;
  double sum = 0;
  for (std::int64_t i = -reach; i <= reach; ++i)
    kernel.push_back(std::exp(-0.5 * static_cast<double>(i * i) / (sigma * sigma))), sum += kernel.back();
  Frames out = copy(f);
  std::vector<double> rows(static_cast<std::size_t>(f.height * f.width * 3));
  for (std::int64_t k = 0; k < f.count; ++k)
    for (int pass = 0; pass < 2; ++pass)
      for (std::int64_t y = 0; y < f.height; ++y)
        for (std::int64_t x = 0; x < f.width; ++x)
          for (std::int64_t c = 0; c < 3; ++c) {
            double v = 0;
            for (std::int64_t i = -reach; i <= reach; ++i) {
              const std::int64_t sy = std::clamp<std::int64_t>(pass ? y + i : y, 0, f.height - 1),
                                 sx = std::clamp<std::int64_t>(pass ? x : x + i, 0, f.width - 1);
              const std::int64_t at = (sy * f.width + sx) * 3 + c;
              v += kernel[static_cast<std::size_t>(i + reach)] / sum *
                   (pass ? rows[static_cast<std::size_t>(at)] : double(f.frame(k)[at]));
            }
            const std::int64_t at = (y * f.width + x) * 3 + c;
            if (pass)
              out.frame(k)[at] = static_cast<std::uint8_t>(std::clamp(std::lround(v), 0l, 255l));
            else
              rows[static_cast<std::size_t>(at)] = v;
          }
  return out;
}
// What JPEG does: 8x8 DCT blocks, here with `keep` x `keep` low frequencies, rounded to multiples of `step` (ringing,
// block edges).
Frames blocky(const Frames& f, int keep, double step) {
  double basis[8][8];
  for (int u = 0; u < 8; ++u)
    for (int x = 0; x < 8; ++x)
      basis[u][x] = (u ? 0.5 : std::sqrt(0.125)) * std::cos((2 * x + 1) * u * std::numbers::pi / 16);
  Frames out = copy(f);
  for (std::int64_t k = 0; k < f.count; ++k)
    for (std::int64_t by = 0; by + 8 <= f.height; by += 8)
      for (std::int64_t bx = 0; bx + 8 <= f.width; bx += 8)
        for (int c = 0; c < 3; ++c) {
          double half[8][8] = {}, spectrum[8][8] = {}, back[8][8] = {};
          const auto at = [&](int y, int x) { return ((by + y) * f.width + bx + x) * 3 + c; };
          for (int y = 0; y < 8; ++y)
            for (int u = 0; u < keep; ++u)
              for (int x = 0; x < 8; ++x) half[y][u] += basis[u][x] * f.frame(k)[at(y, x)];
          for (int v = 0; v < keep; ++v)
            for (int u = 0; u < keep; ++u) {
              for (int y = 0; y < 8; ++y) spectrum[v][u] += basis[v][y] * half[y][u];
              spectrum[v][u] = step * std::round(spectrum[v][u] / step);
            }
          for (int y = 0; y < 8; ++y)
            for (int u = 0; u < keep; ++u)
              for (int v = 0; v < keep; ++v) back[y][u] += basis[v][y] * spectrum[v][u];
          for (int y = 0; y < 8; ++y)
            for (int x = 0; x < 8; ++x) {
              double v = 0;
              for (int u = 0; u < keep; ++u) v += basis[u][x] * back[y][u];
              out.frame(k)[at(y, x)] = static_cast<std::uint8_t>(std::clamp(std::lround(v), 0l, 255l));
            }
        }
  return out;
}

double caught(const Plant& plant, const Damage& damage, int wanted) {
  Random r{12345};
  int planted = 0, missed = 0;
  for (std::uint64_t i = 0; planted < wanted && i < 40 * static_cast<std::uint64_t>(wanted); ++i) {
    const ShapesClip clip =
        shapes_clip(shapes_attributes(90, i)[0], i);  // seed i: plants re-draw it with one attribute changed
    const std::optional<Frames> frames = plant(clip, i, r);
    if (!frames) continue;
    ++planted;
    missed += score(judge(damage ? damage(*frames, r) : *frames), clip.attributes).all;
  }
  EXPECT_EQ(planted, wanted);
  return 100.0 * (planted - missed) / planted;
}

TEST(ShapesJudgeLong, CatchesPlantedFailures) {
  in_parallel(plants().size(), [](std::uint64_t k) {
    const auto& [name, plant] = plants()[k];
    const double rate = caught(plant, nullptr, 200);
    std::printf("%-40s %6.1f %%\n", name.c_str(), rate);
    EXPECT_GE(rate, 95) << name;
  });
}

TEST(ShapesJudgeLong, CatchesPlantedFailuresInNoise) {  // damage must not hide them
  in_parallel(plants().size(), [](std::uint64_t k) {
    const auto& [name, plant] = plants()[k];
    EXPECT_GE(caught(
                  plant, [](const Frames& f, Random& r) { return noisy(f, 10, r); }, 40),
              95)
        << name;
  });
}

// The table of docs/components/shapes_world.md; the floors are what the judge must keep.
TEST(ShapesJudgeLong, ErrorsOnDamagedClips) {
  struct Row {
    const char* name;
    Damage damage;
    double floor;  // of `all`, percent
  };
  const Row rows[] = {
      {"noise, sigma 5", [](const Frames& f, Random& r) { return noisy(f, 5, r); }, 99},
      {"noise, sigma 10", [](const Frames& f, Random& r) { return noisy(f, 10, r); }, 99},
      {"noise, sigma 20", [](const Frames& f, Random& r) { return noisy(f, 20, r); }, 99},
      {"noise, sigma 40", [](const Frames& f, Random& r) { return noisy(f, 40, r); }, 80},
      {"blur, sigma 0.7", [](const Frames& f, Random&) { return blurred(f, 0.7); }, 99},
      {"blur, sigma 1", [](const Frames& f, Random&) { return blurred(f, 1); }, 99},
      {"blur, sigma 1.5", [](const Frames& f, Random&) { return blurred(f, 1.5); }, 99},
      {"blur, sigma 2.5", [](const Frames& f, Random&) { return blurred(f, 2.5); }, 70},
      {"8x8 DCT, steps of 20", [](const Frames& f, Random&) { return blocky(f, 8, 20); }, 99},
      {"8x8 DCT, steps of 50", [](const Frames& f, Random&) { return blocky(f, 8, 50); }, 99},
      {"8x8 DCT, 4x4 kept", [](const Frames& f, Random&) { return blocky(f, 4, 1); }, 99},
      {"8x8 DCT, 3x3 kept", [](const Frames& f, Random&) { return blocky(f, 3, 1); }, 99},
      {"8x8 DCT, 2x2 kept", [](const Frames& f, Random&) { return blocky(f, 2, 1); }, 80},
      {"blur 0.7, noise 5, DCT 20",
       [](const Frames& f, Random& r) { return blocky(noisy(blurred(f, 0.7), 5, r), 8, 20); }, 99},
  };
  std::puts("| damage | colour | shape | size | motion | speed | background | coherent | all | everything |");
  for (const Row& row : rows) {
    Random r{99};
    Tally tally;
    for (std::uint64_t i = 0; i < 120; ++i) {
      const ShapesClip clip = shapes_clip(91, i);
      tally.add(clip, judge(row.damage(clip.frames, r)));
    }
    std::printf("| %s |", row.name);
    for (const char* key :
         {"colour", "shape", "size", "motion", "speed", "background", "coherent", "all", "everything"})
      std::printf(" %.1f |", tally.rate(key));
    std::puts("");
    EXPECT_GE(tally.rate("all"), row.floor) << row.name;
  }
}

TEST(ShapesJudge, NamesTheFailure) {
  const ShapesAttributes a{.colour = Colour::blue, .shape = Shape::square, .motion = Motion::right};
  const ShapesClip clip = shapes_clip(a, 5);
  Random r{1};
  const auto failures = [&](const char* plant) {
    for (const auto& [name, make] : plants())
      if (name == plant) return judge(*make(clip, 5, r)).failures;
    ADD_FAILURE() << plant;
    return std::vector<ShapesFailure>{};
  };
  const auto has = [](const std::vector<ShapesFailure>& all, ShapesFailure f) {
    return std::ranges::find(all, f) != all.end();
  };
  EXPECT_TRUE(judge(clip.frames).coherent());
  EXPECT_TRUE(has(failures("nothing but background"), ShapesFailure::no_object));
  EXPECT_TRUE(has(failures("vanishing"), ShapesFailure::vanishing) ||
              has(failures("vanishing"), ShapesFailure::no_object));
  EXPECT_TRUE(has(failures("missing in one frame"), ShapesFailure::vanishing));
  EXPECT_TRUE(has(failures("cut in two"), ShapesFailure::fragments));
  EXPECT_TRUE(has(failures("wrong colour in the second half"), ShapesFailure::colour_change));
  EXPECT_TRUE(has(failures("half of the object of another colour"), ShapesFailure::colour_change));
  EXPECT_TRUE(has(failures("shape morphing half way"), ShapesFailure::shape_change));
  EXPECT_TRUE(has(failures("size alternating"), ShapesFailure::area_flicker));
  EXPECT_TRUE(has(failures("motion reversed half way"), ShapesFailure::unsteady));
  EXPECT_TRUE(has(failures("background changing half way"), ShapesFailure::background_change));
  const ShapesVerdict nothing = judge([&] {
    Frames f(16, 64, 64);
    for (std::int64_t k = 0; k < 16; ++k) clear(f, k, Background::white);
    return f;
  }());
  EXPECT_FALSE(nothing.object());
  EXPECT_EQ(nothing.background.value, Background::white);
  EXPECT_FALSE(nothing.colour.value || nothing.shape.value || nothing.motion.value || nothing.size.value);
}

TEST(ShapesJudge, ScoresEachAttribute) {
  const ShapesAttributes a{.colour = Colour::blue,
                           .shape = Shape::square,
                           .size = Size::large,
                           .motion = Motion::up,
                           .speed = Speed::slowly,
                           .background = Background::white};
  const ShapesVerdict v = judge(shapes_clip(a, 3).frames);
  EXPECT_TRUE(score(v, a).everything);
  const auto with = [&](auto member, auto value) {
    ShapesAttributes b = a;
    b.*member = value;
    return score(v, b);
  };
  EXPECT_FALSE(with(&ShapesAttributes::colour, Colour::red).colour);
  EXPECT_FALSE(with(&ShapesAttributes::colour, Colour::red).all);
  EXPECT_FALSE(with(&ShapesAttributes::shape, Shape::circle).all);
  EXPECT_FALSE(with(&ShapesAttributes::motion, Motion::down).all);
  EXPECT_FALSE(with(&ShapesAttributes::background, Background::gray).all);
  EXPECT_TRUE(with(&ShapesAttributes::size, Size::small).all);  // size and speed count in `everything` only
  EXPECT_FALSE(with(&ShapesAttributes::size, Size::small).everything);
  EXPECT_FALSE(with(&ShapesAttributes::speed, Speed::quickly).speed);
}

TEST(ShapesJudge, RefusesOtherShapes) {
  EXPECT_THROW(judge(Frames{}), ShapeError);
  EXPECT_THROW(judge(Frames(4, 8, 64)), ShapeError);
  EXPECT_THROW(judge(Frames(4, 64, 64, 4)), ShapeError);
  const ShapesVerdict one =
      judge(shapes_clip(1, 0, Split::train, {.frames = 1}).frames);  // one frame: no motion to speak of
  EXPECT_TRUE(one.object());
  EXPECT_FALSE(one.motion.value);
}

}  // namespace
}  // namespace vgen::metrics
