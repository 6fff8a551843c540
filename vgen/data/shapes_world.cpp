#include "vgen/data/shapes_world.hpp"

#include <algorithm>
#include <cmath>

namespace vgen::data {
namespace {

// ---- randomness: splitmix64's finaliser over (seed, index, stream, draw); no state outside the caller's ----
constexpr std::uint64_t golden = 0x9E3779B97F4A7C15;
constexpr std::uint64_t mix(std::uint64_t z) {
  z += golden;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}
// Streams are apart, so that a new paraphrase changes no pixel.
enum Stream : std::uint64_t { attributes_stream = 1, pose_stream = 2, caption_stream = 3 };

struct Draws {
  std::uint64_t key, count = 0;
  Draws(std::uint64_t seed, std::uint64_t index, std::uint64_t stream) : key(mix(mix(mix(seed) + index) + stream)) {}
  std::uint64_t next() { return mix(key + golden * ++count); }
  std::int64_t below(std::int64_t n) {
    return static_cast<std::int64_t>(((next() >> 32) * static_cast<std::uint64_t>(n)) >> 32);
  }  // n <= 2^31
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return high <= low ? low : low + below(high - low + 1);
  }  // inclusive
};

// ---- geometry: all lengths are integers in 2^-20 of the frame, so that no compiler's rounding reaches a pixel ----
constexpr std::int64_t one = 1 << 20;
constexpr std::int64_t margin = one / 64;  // objects keep this far from the border

// Extents in 1/1000 of the radius, measured from the centroid, which is the pose.
struct Extents {
  std::int64_t side, up, down;
};
constexpr Extents extents(Shape s) {
  switch (s) {
    case Shape::square:
      return {880, 880, 880};
    case Shape::triangle:
      return {1000, 1200, 600};
    case Shape::star:
      return {1000, 1050, 850};
    default:
      return {1000, 1000, 1000};
  }
}

// sin(2 pi turn / 2^32) in 2^30ths: quarter-wave polynomial, error < 4e-6; integers, unlike std::sin, agree everywhere.
std::int64_t sine(std::uint32_t turn) {
  const bool negative = turn >> 31;
  std::uint32_t half = turn & 0x7FFFFFFF;
  if (half > 0x40000000) half = 0x80000000 - half;
  const std::int64_t x = half;  // [0, 1] in 2^30ths of a quarter turn
  const std::int64_t x2 = x * x >> 30;
  // Taylor coefficients of sin(pi x / 2) in 2^30ths, degree 1 to 9.
  std::int64_t p = 172272;
  p = (x2 * p >> 30) - 5026995;
  p = (x2 * p >> 30) + 85569306;
  p = (x2 * p >> 30) - 693598668;
  p = (x2 * p >> 30) + 1686629713;
  p = x * p >> 30;
  return negative ? -p : p;
}

struct Pose {
  std::int64_t x, y, r;
};

std::vector<Pose> plan(const ShapesAttributes& a, Draws draws, std::int64_t frames) {
  constexpr std::array<std::int64_t, 3> radii{one * 10 / 100, one * 15 / 100, one * 21 / 100};
  constexpr std::array<std::int64_t, 3> travels{one * 20 / 100, one * 42 / 100, one * 64 / 100};
  const Extents e = extents(a.shape);
  const std::int64_t last = std::max<std::int64_t>(frames - 1, 1), span = one - 2 * margin;

  // A large object that travels far fits only when both are at the low end of their ranges.
  const bool sideways = a.motion == Motion::left || a.motion == Motion::right || a.motion == Motion::zigzagging;
  const std::int64_t along = sideways ? 2 * e.side : e.up + e.down;
  const std::int64_t nominal = travels[static_cast<std::size_t>(a.speed)], shortest = nominal * 9 / 10;
  const bool travelling = has_direction(a.motion) || a.motion == Motion::zigzagging;
  const std::int64_t radius = radii[static_cast<std::size_t>(a.size)];
  std::int64_t largest = radius * 11 / 10;
  if (travelling) largest = std::min(largest, (span - shortest) * 1000 / along);
  const std::int64_t r = draws.between(radius * 9 / 10, largest);
  const std::int64_t travel = draws.between(shortest, std::min(nominal * 11 / 10, span - r * along / 1000));
  const std::uint32_t phase = static_cast<std::uint32_t>(draws.next() >> 32);
  const std::int64_t turning = draws.below(2) ? 1 : -1;
  const std::int64_t orbit = draws.between(one * 16 / 100, one * 20 / 100),
                     swing = draws.between(one * 18 / 100, one * 22 / 100);

  std::vector<Pose> path(static_cast<std::size_t>(frames));
  for (std::int64_t k = 0; k < frames; ++k) {
    Pose& p = path[static_cast<std::size_t>(k)];
    p = {0, 0, r};
    switch (a.motion) {
      case Motion::left:
        p.x = -travel * k / last;
        break;
      case Motion::right:
        p.x = travel * k / last;
        break;
      case Motion::up:
        p.y = -travel * k / last;
        break;
      case Motion::down:
        p.y = travel * k / last;
        break;
      case Motion::still:
        break;
      case Motion::growing:
        p.r = r * (600 * last + 900 * k) / (1000 * last);
        break;
      case Motion::shrinking:
        p.r = r * (1500 * last - 900 * k) / (1000 * last);
        break;
      case Motion::circling: {  // one turn
        const std::uint32_t turn = phase + static_cast<std::uint32_t>(turning * ((std::int64_t{1} << 32) * k / last));
        p.x = orbit * sine(turn + 0x40000000) >> 30;
        p.y = orbit * sine(turn) >> 30;
        break;
      }
      case Motion::zigzagging: {                                             // sideways, up and down twice: four legs
        const std::int64_t leg = 4 * k / last, within = 4 * k - leg * last;  // within: [0, last)
        p.x = turning * travel * k / last;
        p.y = (leg % 2 ? swing * (last - within) : swing * within) / last;
        if (phase >> 31) p.y = -p.y;
        break;
      }
    }
  }
  std::int64_t x0 = 0, x1 = 0, y0 = 0, y1 = 0;  // what the object covers, relative to the start
  for (const Pose& p : path) {
    x0 = std::min(x0, p.x - e.side * p.r / 1000), x1 = std::max(x1, p.x + e.side * p.r / 1000);
    y0 = std::min(y0, p.y - e.up * p.r / 1000), y1 = std::max(y1, p.y + e.down * p.r / 1000);
  }
  const std::int64_t sx = draws.between(margin - x0, one - margin - x1),
                     sy = draws.between(margin - y0, one - margin - y1);
  for (Pose& p : path) p.x += sx, p.y += sy;
  return path;
}

// Membership of a point (dx, dy) relative to the centroid of a shape of radius r.
class Inside {
 public:
  Inside(Shape shape, std::int64_t r) : shape_(shape), r_(r) {
    // Star: outer radius 1.05, inner 0.45 * 1.05, in 1/10000; vertices clockwise from the top.
    static constexpr std::int64_t star[10][2] = {{0, -10500},    {2777, -3823}, {9986, -3245}, {4494, 1460},
                                                 {6172, 8495},   {0, 4725},     {-6172, 8495}, {-4494, 1460},
                                                 {-9986, -3245}, {-2777, -3823}};
    if (shape == Shape::star)
      for (int i = 0; i < 10; ++i) vertices_[i] = {star[i][0] * r / 10000, star[i][1] * r / 10000};
  }
  bool operator()(std::int64_t dx, std::int64_t dy) const {
    const std::int64_t ax = std::abs(dx), ay = std::abs(dy);
    switch (shape_) {
      case Shape::circle:
        return dx * dx + dy * dy <= r_ * r_;
      case Shape::square:
        return 100 * std::max(ax, ay) <= 88 * r_;
      case Shape::triangle:
        return 18 * ax <= 10 * dy + 12 * r_ && 10 * dy <= 6 * r_;
      case Shape::ring: {  // hole of radius 0.55
        const std::int64_t d2 = dx * dx + dy * dy;
        return d2 <= r_ * r_ && 400 * d2 >= 121 * r_ * r_;
      }
      case Shape::cross:
        return std::max(ax, ay) <= r_ && 100 * std::min(ax, ay) <= 34 * r_;
      case Shape::star:
        break;
    }
    bool inside = false;  // even-odd rule
    for (int i = 0, j = 9; i < 10; j = i++) {
      const auto [xi, yi] = vertices_[i];
      const auto [xj, yj] = vertices_[j];
      if ((yi > dy) == (yj > dy)) continue;
      const std::int64_t cross = (dx - xi) * (yj - yi) - (xj - xi) * (dy - yi);
      if ((cross < 0) == (yj > yi)) inside = !inside;
    }
    return inside;
  }

 private:
  Shape shape_;
  std::int64_t r_;
  std::array<std::pair<std::int64_t, std::int64_t>, 10> vertices_{};
};

// Calls pixel(index, samples inside, of samples) for each pixel that the object touches.
template <class F>
void cover(Shape shape, const Pose& p, std::int64_t size, int samples, F&& pixel) {
  const Extents e = extents(shape);
  const auto to_pixel = [&](std::int64_t v) { return std::clamp<std::int64_t>(v * size >> 20, 0, size - 1); };
  const std::int64_t c0 = to_pixel(p.x - e.side * p.r / 1000 - 1), c1 = to_pixel(p.x + e.side * p.r / 1000 + 1);
  const std::int64_t r0 = to_pixel(p.y - e.up * p.r / 1000 - 1), r1 = to_pixel(p.y + e.down * p.r / 1000 + 1);
  const Inside inside(shape, p.r);
  const auto centre = [&](std::int64_t i) { return (2 * i + 1) * one / (2 * size * samples); };
  for (std::int64_t row = r0; row <= r1; ++row)
    for (std::int64_t column = c0; column <= c1; ++column) {
      int hits = 0;
      for (int sy = 0; sy < samples; ++sy)
        for (int sx = 0; sx < samples; ++sx)
          hits += inside(centre(column * samples + sx) - p.x, centre(row * samples + sy) - p.y);
      if (hits) pixel(row * size + column, hits);
    }
}

// Poses are exact multiples of size / 2^20 in double, so both ways are exact.
ShapesPose in_pixels(const Pose& p, std::int64_t size) {
  const double scale = static_cast<double>(size) / one;
  return {static_cast<double>(p.x) * static_cast<double>(size) / one,
          static_cast<double>(p.y) * static_cast<double>(size) / one, static_cast<double>(p.r) * scale};
}
Pose in_units(const ShapesPose& p, std::int64_t size) {
  const auto units = [&](double v) {
    return static_cast<std::int64_t>(std::llround(v * one / static_cast<double>(size)));
  };
  return {units(p.x), units(p.y), units(p.radius)};
}

void check(const ShapesOptions& o) {
  VGEN_CHECK(o.size >= 16 && o.size <= 1024, ConfigError, "shapes: size must be in [16, 1024], got ", o.size);
  VGEN_CHECK(o.frames >= 1 && o.frames <= 256, ConfigError, "shapes: frames must be in [1, 256], got ", o.frames);
  VGEN_CHECK(o.fps > 0 && o.fps <= 1000, ConfigError, "shapes: fps must be in (0, 1000], got ", o.fps);
  VGEN_CHECK(o.objects == 1 || o.objects == 2, ConfigError, "shapes: objects must be 1 or 2, got ", o.objects);
  VGEN_CHECK(o.antialias >= 1 && o.antialias <= 8, ConfigError, "shapes: antialias must be in [1, 8], got ",
             o.antialias);
  VGEN_CHECK(o.canonical >= 0 && o.canonical <= 1, ConfigError, "shapes: canonical must be in [0, 1], got ",
             o.canonical);
}

ShapesClip render(const std::vector<ShapesAttributes>& objects, std::uint64_t seed, std::uint64_t index,
                  const ShapesOptions& o) {
  ShapesClip clip;
  clip.frames = video::Frames(o.frames, o.size, o.size, 3, o.fps);
  clip.attributes = objects.front();
  clip.antialias = o.antialias;
  std::fill(clip.frames.pixels->begin(), clip.frames.pixels->end(),
            rgb(objects.front().background)[0]);  // backgrounds are gray levels
  const int full = o.antialias * o.antialias;
  for (std::size_t i = 0; i < objects.size(); ++i) {
    const std::vector<Pose> path = plan(objects[i], Draws(seed, index, pose_stream + 16 * i), o.frames);
    const Rgb colour = rgb(objects[i].colour);
    ShapesObject& object = clip.objects.emplace_back(ShapesObject{objects[i], {}});
    for (std::int64_t k = 0; k < o.frames; ++k) {
      const Pose& p = path[static_cast<std::size_t>(k)];
      object.poses.push_back(in_pixels(p, o.size));
      std::uint8_t* frame = clip.frames.frame(k);
      cover(objects[i].shape, p, o.size, o.antialias, [&](std::int64_t at, int hits) {
        for (std::size_t c = 0; c < 3; ++c) {
          std::uint8_t& v = frame[3 * at + static_cast<std::int64_t>(c)];
          v = static_cast<std::uint8_t>((colour[c] * hits + v * (full - hits) + full / 2) / full);
        }
      });
    }
  }
  return clip;
}

void check(const ShapesAttributes& a) {
  VGEN_CHECK(has_direction(a.motion) || a.speed == Speed::normal, ConfigError, "shapes: '", name_of(a.motion),
             "' takes no speed, got '", name_of(a.speed), "'; leave it at normal");
}

// ---- captions ----
using Words = std::vector<std::string_view>;

const Words& words(Shape s) {
  static const std::array<Words, 6> all{
      {{"circle", "disc"}, {"square", "box"}, {"triangle"}, {"star"}, {"ring"}, {"cross", "plus sign"}}};
  return all[static_cast<std::size_t>(s)];
}
const Words& words(Size s) {
  static const std::array<Words, 3> all{{{"small", "little", "tiny"}, {""}, {"large", "big"}}};
  return all[static_cast<std::size_t>(s)];
}
const Words& words(Speed s) {
  static const std::array<Words, 3> all{{{"slowly", "at a slow pace"}, {""}, {"quickly", "fast", "rapidly"}}};
  return all[static_cast<std::size_t>(s)];
}
const Words& words(Background b) {
  static const std::array<Words, 3> all{{{"black"}, {"gray", "grey"}, {"white"}}};
  return all[static_cast<std::size_t>(b)];
}
const Words& participles(Motion m) {
  static const std::array<Words, 9> all{
      {{"moving left", "going left", "moving to the left", "heading left", "sliding left"},
       {"moving right", "going right", "moving to the right", "heading right", "sliding right"},
       {"moving up", "going up", "moving upward", "heading up", "rising"},
       {"moving down", "going down", "moving downward", "heading down", "sinking"},
       {"standing still", "staying still", "not moving", "at rest"},
       {"growing", "getting bigger", "expanding"},
       {"shrinking", "getting smaller", "contracting"},
       {"circling", "moving in a circle", "going round"},
       {"zigzagging", "moving in a zigzag"}}};
  return all[static_cast<std::size_t>(m)];
}
const Words& verbs(Motion m) {
  static const std::array<Words, 9> all{{{"moves left", "goes left", "moves to the left", "heads left"},
                                         {"moves right", "goes right", "moves to the right", "heads right"},
                                         {"moves up", "goes up", "moves upward", "rises"},
                                         {"moves down", "goes down", "moves downward", "sinks"},
                                         {"stands still", "stays still", "does not move"},
                                         {"grows", "gets bigger", "expands"},
                                         {"shrinks", "gets smaller", "contracts"},
                                         {"circles", "moves in a circle"},
                                         {"zigzags", "moves in a zigzag"}}};
  return all[static_cast<std::size_t>(m)];
}

std::string join(std::initializer_list<std::string_view> pieces) {  // with single spaces, empty pieces left out
  std::string out;
  for (std::string_view p : pieces) {
    if (p.empty()) continue;
    if (!out.empty()) out += ' ';
    out += p;
  }
  return out;
}
std::string with_article(const std::string& noun) {
  return (std::string_view("aeiou").find(noun.front()) != std::string_view::npos ? "an " : "a ") + noun;
}

}  // namespace

Rgb rgb(Colour colour) {
  static constexpr std::array<Rgb, 8> table{{{230, 40, 40},
                                             {40, 190, 60},
                                             {50, 80, 230},
                                             {240, 220, 50},
                                             {220, 60, 210},
                                             {60, 210, 220},
                                             {245, 140, 30},
                                             {120, 50, 170}}};
  return table[static_cast<std::size_t>(colour)];
}

Rgb rgb(Background background) {
  static constexpr std::array<std::uint8_t, 3> levels{12, 120, 240};
  const std::uint8_t v = levels[static_cast<std::size_t>(background)];
  return {v, v, v};
}

Split split_of(const ShapesAttributes& a) {
  if (held_out(a.shape) || held_out(a.motion)) return Split::custom;
  std::uint64_t tuple = 0;
  for (auto [value, count] : {std::pair{static_cast<int>(a.colour), 8},
                              {static_cast<int>(a.shape), 3},
                              {static_cast<int>(a.size), 3},
                              {static_cast<int>(a.motion), 7},
                              {static_cast<int>(a.speed), 3},
                              {static_cast<int>(a.background), 3}})
    tuple = tuple * static_cast<std::uint64_t>(count) + static_cast<std::uint64_t>(value);
  return mix(tuple ^ 0x736861706573) % 10 == 0 ? Split::unseen : Split::train;
}

std::vector<ShapesAttributes> shapes_attributes(std::uint64_t seed, std::uint64_t index, Split split, int objects) {
  VGEN_CHECK(objects == 1 || objects == 2, ConfigError, "shapes: objects must be 1 or 2, got ", objects);
  Draws draws(seed, index, attributes_stream);
  const bool custom = split == Split::custom;
  const auto draw = [&] {
    while (true) {  // rejection keeps every split uniform over its motions, then speeds
      ShapesAttributes a;
      a.colour = static_cast<Colour>(draws.below(8));
      a.shape = static_cast<Shape>(draws.below(custom ? 6 : 3));
      a.size = static_cast<Size>(draws.below(3));
      a.motion = static_cast<Motion>(draws.below(custom ? 9 : 7));
      a.speed = static_cast<Speed>(draws.below(3));
      if (!has_direction(a.motion)) a.speed = Speed::normal;
      a.background = static_cast<Background>(draws.below(3));
      if (split_of(a) == split) return a;
    }
  };
  std::vector<ShapesAttributes> all{draw()};
  while (static_cast<int>(all.size()) < objects) {  // told apart by colour and by shape
    const ShapesAttributes next = draw();
    if (next.colour != all[0].colour && next.shape != all[0].shape && next.background == all[0].background)
      all.push_back(next);
  }
  return all;
}

namespace {
std::string caption_of(const std::vector<ShapesAttributes>& objects, std::uint64_t seed, std::uint64_t index,
                       double canonical) {
  Draws draws(seed, index, caption_stream);
  // In thousandths: an integer comparison, the same everywhere.
  if (draws.below(1000) < std::llround(canonical * 1000)) return canonical_caption(objects);
  return paraphrase(objects, draws.next());
}
}  // namespace

std::string shapes_caption(std::uint64_t seed, std::uint64_t index, Split split, const ShapesOptions& options) {
  check(options);
  return caption_of(shapes_attributes(seed, index, split, options.objects), seed, index, options.canonical);
}

ShapesClip shapes_clip(std::uint64_t seed, std::uint64_t index, Split split, const ShapesOptions& options) {
  check(options);
  const std::vector<ShapesAttributes> objects = shapes_attributes(seed, index, split, options.objects);
  ShapesClip clip = render(objects, seed, index, options);
  clip.caption = caption_of(objects, seed, index, options.canonical);
  return clip;
}

ShapesClip shapes_clip(const std::vector<ShapesAttributes>& objects, std::uint64_t seed, const ShapesOptions& options) {
  check(options);
  VGEN_CHECK(objects.size() == 1 || objects.size() == 2, ConfigError, "shapes: expected 1 or 2 objects, got ",
             objects.size());
  std::vector<ShapesAttributes> drawn = objects;
  for (ShapesAttributes& a : drawn) check(a), a.background = objects[0].background;
  ShapesClip clip = render(drawn, seed, 0, options);
  clip.caption = canonical_caption(drawn);
  return clip;
}

ShapesClip shapes_clip(const ShapesAttributes& attributes, std::uint64_t seed, const ShapesOptions& options) {
  return shapes_clip(std::vector{attributes}, seed, options);
}

std::string canonical_caption(const std::vector<ShapesAttributes>& objects) {
  VGEN_CHECK(!objects.empty(), ConfigError, "shapes: a caption needs an object");
  std::string out;
  for (const ShapesAttributes& a : objects) {
    if (!out.empty()) out += " and ";
    out += with_article(
        join({words(a.size)[0], name_of(a.colour), name_of(a.shape), name_of(a.motion), words(a.speed)[0]}));
  }
  return out + " on a " + std::string(name_of(objects[0].background)) + " background";
}

std::string canonical_caption(const ShapesAttributes& attributes) { return canonical_caption(std::vector{attributes}); }

std::string paraphrase(const std::vector<ShapesAttributes>& objects, std::uint64_t draw) {
  VGEN_CHECK(!objects.empty(), ConfigError, "shapes: a caption needs an object");
  Draws draws(draw, 0, caption_stream);
  const auto pick = [&](const Words& w) {
    return w[static_cast<std::size_t>(draws.below(static_cast<std::int64_t>(w.size())))];
  };
  const std::string ground(pick(words(objects[0].background)));
  // "red circle", with or without what it does: three ways to say an object.
  const auto noun = [&](const ShapesAttributes& a) {
    return join({pick(words(a.size)), name_of(a.colour), pick(words(a.shape))});
  };
  const auto doing = [&](const ShapesAttributes& a) {
    return join({noun(a), pick(participles(a.motion)), pick(words(a.speed))});
  };
  const auto does = [&](const ShapesAttributes& a) { return join({pick(verbs(a.motion)), pick(words(a.speed))}); };
  const auto is = [&](const ShapesAttributes& a) {
    return with_article(join({pick(words(a.size)), pick(words(a.shape)), "that is", name_of(a.colour), does(a)}));
  };
  const auto with_verb = [&](const ShapesAttributes& a) {
    std::string n = noun(a);
    return with_article(n) + " " + does(a);
  };
  const auto each = [&](auto&& say) {
    std::string out;
    for (const ShapesAttributes& a : objects) out += (out.empty() ? "" : " and ") + say(a);
    return out;
  };
  const auto a_doing = [&](const ShapesAttributes& a) { return with_article(doing(a)); };
  switch (draws.below(8)) {
    case 0:
      return each(doing) + ", " + ground + " background";
    case 1:
      return each(a_doing) + " on " + ground;
    case 2:
      return each(with_verb) + " on a " + ground + " background";
    case 3:
      return "on a " + ground + " background, " + each(with_verb);
    case 4:
      return "a " + ground + " background with " + each(a_doing);
    case 5:
      return each(is) + " on " + ground;
    case 6:
      return each(a_doing) + " against a " + ground + " background";
    default:
      return "a video of " + each(a_doing) + " over " + ground;
  }
}

namespace {
struct CaptionReader {
  std::string_view rest, caption;
  std::string_view peek() const { return rest.substr(0, rest.find(' ')); }
  // Takes `phrase` (whole words) if it comes next.
  bool take(std::string_view phrase) {
    if (!rest.starts_with(phrase) || (rest.size() > phrase.size() && rest[phrase.size()] != ' ')) return false;
    rest.remove_prefix(std::min(rest.size(), phrase.size() + 1));
    return true;
  }
  template <class E>
  bool take_name(E& value) {
    for (const auto& [v, name] : enum_names(E{}))
      if (take(name)) return value = v, true;
    return false;
  }
  [[noreturn]] void fail(std::string_view expected, const std::vector<std::string>& valid = {}) const {
    const std::string got(peek());
    const std::string near = nearest(got, valid.data(), valid.size());
    throw ConfigError(str("shapes caption: expected ", expected, ", got '", printable(got), "'",
                          near.empty() ? "" : "; did you mean '" + near + "'?", " (in '", printable(caption), "')"));
  }
  template <class E>
  void need(E& value, std::string_view what) {
    if (take_name(value)) return;
    std::vector<std::string> valid;
    for (const auto& [v, name] : enum_names(E{})) valid.emplace_back(name);
    fail(what, valid);
  }
};
}  // namespace

ShapesAttributes parse_caption(std::string_view caption) {
  CaptionReader read{caption, caption};
  ShapesAttributes a;
  if (!read.take("a") && !read.take("an")) read.fail("'a'");
  if (read.take("small"))
    a.size = Size::small;
  else if (read.take("large"))
    a.size = Size::large;
  read.need(a.colour, "a colour");
  read.need(a.shape, "a shape");
  read.need(a.motion, "a motion");
  if (has_direction(a.motion)) {
    if (read.take("slowly"))
      a.speed = Speed::slowly;
    else if (read.take("quickly"))
      a.speed = Speed::quickly;
  }
  if (!read.take("on a")) read.fail("'on a'");
  read.need(a.background, "a background");
  if (!read.take("background")) read.fail("'background'");
  if (!read.rest.empty()) read.fail("the end");
  return a;
}

std::vector<ShapesPrompt> eval_prompts(int count, std::uint64_t seed, double unseen) {
  VGEN_CHECK(count >= 1 && count <= 1'000'000, ConfigError, "eval_prompts: count must be in [1, 1000000], got ", count);
  VGEN_CHECK(unseen >= 0 && unseen <= 1, ConfigError, "eval_prompts: unseen must be in [0, 1], got ", unseen);
  const std::int64_t share = std::llround(unseen * 1000);
  std::vector<ShapesPrompt> prompts;
  for (std::int64_t k = 0; k < count; ++k) {
    const bool held = (k + 1) * share / 1000 > k * share / 1000;
    const ShapesAttributes a =
        shapes_attributes(seed, static_cast<std::uint64_t>(k), held ? Split::unseen : Split::train)[0];
    prompts.push_back({canonical_caption(a), a, held});
  }
  return prompts;
}

// ---- ground truth ----
std::vector<std::uint8_t> ShapesClip::mask(std::size_t object) const {
  VGEN_CHECK(object < objects.size(), ConfigError, "ShapesClip::mask: object must be below ", objects.size(), ", got ",
             object);
  const std::int64_t size = frames.width, plane = size * size;
  const int full = antialias * antialias;
  std::vector<std::uint8_t> out(static_cast<std::size_t>(frames.count * plane));
  for (std::int64_t k = 0; k < frames.count; ++k) {
    std::uint8_t* to = out.data() + k * plane;
    const auto pose = [&](std::size_t i) { return in_units(objects[i].poses[static_cast<std::size_t>(k)], size); };
    cover(objects[object].attributes.shape, pose(object), size, antialias,
          [&](std::int64_t at, int hits) { to[at] = static_cast<std::uint8_t>((255 * hits + full / 2) / full); });
    for (std::size_t front = object + 1; front < objects.size(); ++front)
      cover(objects[front].attributes.shape, pose(front), size, antialias, [&](std::int64_t at, int hits) {
        to[at] = static_cast<std::uint8_t>((to[at] * (full - hits) + full / 2) / full);
      });
  }
  return out;
}

std::vector<float> ShapesClip::depth() const {
  const std::int64_t size = frames.width;
  std::vector<float> out(static_cast<std::size_t>(frames.count * size * size));
  for (std::size_t i = 0; i < objects.size(); ++i) {
    const std::vector<std::uint8_t> visible = mask(i);
    // The dome's rim is the point of the shape farthest from its centre.
    const double reach = objects[i].attributes.shape == Shape::square     ? 1.2446
                         : objects[i].attributes.shape == Shape::triangle ? 1.2
                         : objects[i].attributes.shape == Shape::cross    ? 1.0563
                                                                          : 1.05;
    for (std::size_t at = 0; at < out.size(); ++at) {
      if (!visible[at]) continue;
      const auto p = static_cast<std::int64_t>(at);
      const ShapesPose& pose = objects[i].poses[static_cast<std::size_t>(p / (size * size))];
      const double dx = static_cast<double>(p % size) + 0.5 - pose.x,
                   dy = static_cast<double>(p / size % size) + 0.5 - pose.y;
      const double d2 = (dx * dx + dy * dy) / (pose.radius * pose.radius * reach * reach);
      out[at] += static_cast<float>(std::sqrt(std::max(0.0, 1 - d2)) * visible[at] / 255);
    }
  }
  return out;
}

std::vector<float> ShapesClip::motion() const {
  const std::int64_t size = frames.width;
  std::vector<float> out(static_cast<std::size_t>(frames.count * size * size * 2));
  for (const ShapesObject& object : objects) {
    const std::vector<std::uint8_t> visible = mask(static_cast<std::size_t>(&object - objects.data()));
    for (std::size_t at = static_cast<std::size_t>(size * size); at < visible.size(); ++at) {  // from frame 1
      if (visible[at] < 128) continue;
      const auto p = static_cast<std::int64_t>(at);
      const auto k = static_cast<std::size_t>(p / (size * size));
      const ShapesPose &now = object.poses[k], &before = object.poses[k - 1];
      const double dx = static_cast<double>(p % size) + 0.5 - now.x,
                   dy = static_cast<double>(p / size % size) + 0.5 - now.y;
      const double scale =
          1 - before.radius / now.radius;  // where this point of the object was: before + (1 - scale) * (dx, dy)
      out[2 * at] = static_cast<float>(now.x - before.x + dx * scale);
      out[2 * at + 1] = static_cast<float>(now.y - before.y + dy * scale);
    }
  }
  return out;
}

std::vector<std::uint8_t> ShapesClip::edges() const {
  const std::int64_t size = frames.width;
  std::vector<std::uint8_t> out(static_cast<std::size_t>(frames.count * size * size));
  for (std::size_t i = 0; i < objects.size(); ++i) {
    const std::vector<std::uint8_t> visible = mask(i);
    const auto in = [&](std::int64_t k, std::int64_t y, std::int64_t x) {
      return x >= 0 && y >= 0 && x < size && y < size &&
             visible[static_cast<std::size_t>((k * size + y) * size + x)] >= 128;
    };
    for (std::int64_t k = 0; k < frames.count; ++k)
      for (std::int64_t y = 0; y < size; ++y)
        for (std::int64_t x = 0; x < size; ++x)
          if (in(k, y, x) && !(in(k, y - 1, x) && in(k, y + 1, x) && in(k, y, x - 1) && in(k, y, x + 1)))
            out[static_cast<std::size_t>((k * size + y) * size + x)] = 255;
  }
  return out;
}

}  // namespace vgen::data
