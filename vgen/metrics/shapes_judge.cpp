#include "vgen/metrics/shapes_judge.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <numeric>

namespace vgen::metrics {
namespace {

using data::Shape;
using Colour3 = std::array<double, 3>;

// Thresholds in levels, pixels or shares of the frame. Those of size and speed lie midway between the table's ranges;
// the others were chosen on degraded true clips and planted failures, with the table in docs/components/shapes_world.md
// as the outcome.
constexpr double foreground_levels = 40;  // least distance from the background
constexpr double colour_levels = 80;      // greatest distance from the palette
constexpr double background_levels = 45;
constexpr double frame_colour_levels =
    40;  // a frame's colour is the clip's within this, paled to no less than `pale` of it
constexpr double pale = 0.6;
constexpr double agreement = 0.8;   // share of frames that must say the same
constexpr double least_fit = 0.75;  // overlap with the shape's template
constexpr double fragment_share = 0.08;
constexpr double impure_share = 0.15,
                 impure_levels = 60;  // of the inner pixels, this far off the line from background to colour
constexpr double small_radius = 0.122, large_radius = 0.177;                  // 0.11 | 0.135 ... 0.165 | 0.189
constexpr double slow_travel = 0.30, quick_travel = 0.52;                     // 0.22 | 0.378 ... 0.462 | 0.576
constexpr double rest_travel = 0.06, rest_range = 0.08, least_travel = 0.11;  // slowest travel is 0.18
constexpr double least_growth = 0.43, most_steady_growth = 0.35;              // true growth over mean radius is 0.86
constexpr double jump_length = 0.06;
constexpr double area_jump = 0.25, area_step = 0.2;  // of the radius, off its line and between frames

double square(double v) { return v * v; }
double distance(const Colour3& a, const Colour3& b) {
  return std::sqrt(square(a[0] - b[0]) + square(a[1] - b[1]) + square(a[2] - b[2]));
}
// Where `c` lies seen from `from` in the direction of `to` (1 = at `to`), and how far off that line. Blur moves colours
// along the line.
struct OnLine {
  double share, off;
};
OnLine on_line(const Colour3& c, const Colour3& from, const Colour3& to) {
  double dot = 0, norm = 0;
  for (std::size_t i = 0; i < 3; ++i) dot += (c[i] - from[i]) * (to[i] - from[i]), norm += square(to[i] - from[i]);
  const double share = std::clamp(dot / std::max(norm, 1.0), 0.0, 1.0);
  return {share, distance(c, {from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1]),
                              from[2] + share * (to[2] - from[2])})};
}
template <class Named>
Colour3 level(Named value) {
  const data::Rgb c = data::rgb(value);
  return {double(c[0]), double(c[1]), double(c[2])};
}

double median(std::vector<double>& v) {
  const auto mid = v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2);
  std::nth_element(v.begin(), mid, v.end());
  return *mid;
}
Colour3 median(const std::vector<Colour3>& colours) {
  Colour3 out{};
  std::vector<double> channel(colours.size());
  for (std::size_t c = 0; c < 3; ++c) {
    std::ranges::transform(colours, channel.begin(), [c](const Colour3& each) { return each[c]; });
    out[c] = median(channel);
  }
  return out;
}

template <class Named>
struct Nearest {
  Named value{};
  double first = 1e9, second = 1e9;  // distances
};
template <class Named>
Nearest<Named> nearest(const Colour3& colour) {
  Nearest<Named> best;
  for (const auto& [value, name] : enum_names(Named{})) {
    const double d = distance(colour, level(value));
    if (d < best.first)
      best = {value, d, best.first};
    else
      best.second = std::min(best.second, d);
  }
  return best;
}

// ---- shapes as the judge knows them: of unit radius, centred on the centroid, and their areas ----
struct Template {
  Shape shape;
  double area;
};
constexpr std::array templates{Template{Shape::circle, std::numbers::pi},
                               Template{Shape::square, 3.0976},
                               Template{Shape::triangle, 1.8},
                               Template{Shape::star, 1.458},
                               Template{Shape::ring, 2.1913},
                               Template{Shape::cross, 2.2576}};

bool inside(Shape shape, double x, double y) {
  const double ax = std::abs(x), ay = std::abs(y), r2 = x * x + y * y;
  switch (shape) {
    case Shape::circle:
      return r2 <= 1;
    case Shape::square:
      return std::max(ax, ay) <= 0.88;
    case Shape::triangle:
      return y <= 0.6 && ax <= (y + 1.2) / 1.8;
    case Shape::ring:
      return r2 <= 1 && r2 >= 0.3025;
    case Shape::cross:
      return std::max(ax, ay) <= 1 && std::min(ax, ay) <= 0.34;
    case Shape::star: {  // fold onto half of one point: the edge from the tip (angle 0) to the notch (angle 36 degrees)
      if (r2 > 1.1025) return false;
      if (r2 < 0.146) return true;  // the pentagon's incircle
      constexpr double fifth = 2 * std::numbers::pi / 5, tip = 1.05, notch = 0.4725;
      double angle = std::fmod(std::abs(std::atan2(x, -y)), fifth);
      angle = std::min(angle, fifth - angle);
      static const double nx = notch * std::cos(fifth / 2), ny = notch * std::sin(fifth / 2);
      const double r = std::sqrt(r2);
      return (r * std::cos(angle) - tip) * ny <= r * std::sin(angle) * (nx - tip);
    }
  }
  return false;
}

// ---- one frame ----
struct Frame {
  Colour3 background{}, colour{};  // colour: of the core
  double core = 0;                 // pixels that voted for it; 0 = no object
  double x = 0, y = 0, area = 0;   // pixels
  double edge_width = 0, fragments = 0, impurity = 0;
  std::array<double, templates.size()> fit{};
  bool present() const { return core > 0; }
};

class Reader {
 public:
  Reader(const video::Frames& frames)
      : h_(frames.height), w_(frames.width), smooth_(static_cast<std::size_t>(3 * h_ * w_)) {}

  // Background, main component and its colour. `raw` is [H, W, 3].
  Frame look(const std::uint8_t* raw) {
    raw_ = raw;
    blur();
    Frame f;
    const double noise = read_background(f);
    const double threshold = std::max(foreground_levels, 5 * noise);
    const std::size_t pixels = static_cast<std::size_t>(h_ * w_);
    distance_.resize(pixels);
    label_.assign(pixels, 0);
    for (std::size_t p = 0; p < pixels; ++p) {
      distance_[p] = distance(smooth(p), f.background);
      if (distance_[p] > threshold) label_[p] = unvisited;
    }
    find_components(f);
    if (main_.empty()) return f;
    read_core(f);
    return f;
  }

  // Position, area, edge and overlap with each template, given the colour to measure coverage by.
  void measure(Frame& f, const Colour3& colour) {
    Colour3 v{};
    double norm = 0;
    for (std::size_t c = 0; c < 3; ++c) v[c] = colour[c] - f.background[c], norm += v[c] * v[c];
    // Coverage of each pixel of the main component, one pixel of margin, nothing of other components.
    const std::int64_t x0 = std::max<std::int64_t>(box_[0] - 2, 0), x1 = std::min(box_[1] + 2, w_ - 1);
    const std::int64_t y0 = std::max<std::int64_t>(box_[2] - 2, 0), y1 = std::min(box_[3] + 2, h_ - 1);
    const std::int64_t bw = x1 - x0 + 1, bh = y1 - y0 + 1;
    cover_.assign(static_cast<std::size_t>(bw * bh), 0);
    double sx = 0, sy = 0, transition = 0;
    for (std::int64_t y = y0; y <= y1; ++y)
      for (std::int64_t x = x0; x <= x1; ++x) {
        if (!near_main(x, y)) continue;
        const Colour3 p = smooth(static_cast<std::size_t>(y * w_ + x));
        double a = 0;
        for (std::size_t c = 0; c < 3; ++c) a += (p[c] - f.background[c]) * v[c];
        a = std::clamp(a / norm, 0.0, 1.0);
        if (a < 0.08) a = 0;
        cover_[static_cast<std::size_t>((y - y0) * bw + x - x0)] = a;
        f.area += a, sx += a * (static_cast<double>(x) + 0.5), sy += a * (static_cast<double>(y) + 0.5);
        transition += 4 * a * (1 - a);
      }
    if (f.area < 1) return void(f.core = 0);
    f.x = sx / f.area, f.y = sy / f.area;
    // A linear ramp of width w has integral 2/3 w of 4a(1-a); the judge's own blur of variance 1/2 is taken off.
    const double ramp = 1.5 * transition / (2 * std::sqrt(std::numbers::pi * f.area));
    f.edge_width = std::sqrt(std::max(0.0, ramp * ramp - 6));
    for (std::size_t t = 0; t < templates.size(); ++t) {
      draw(templates[t].shape, f.x - static_cast<double>(x0), f.y - static_cast<double>(y0),
           std::sqrt(f.area / templates[t].area), bw, bh);
      double common = 0, either = 0;
      for (std::size_t p = 0; p < cover_.size(); ++p)
        common += std::min(cover_[p], drawn_[p]), either += std::max(cover_[p], drawn_[p]);
      f.fit[t] = common / either;
    }
  }

 private:
  static constexpr int unvisited = -1;

  Colour3 smooth(std::size_t p) const {
    return {double(smooth_[3 * p]), double(smooth_[3 * p + 1]), double(smooth_[3 * p + 2])};
  }

  void blur() {  // 1 2 1 along both axes: takes noise to 3/8
    const std::size_t stride = static_cast<std::size_t>(3 * w_), rows = static_cast<std::size_t>(h_);
    rows_.resize(smooth_.size());
    for (std::size_t y = 0; y < rows; ++y) {
      const std::uint8_t* from = raw_ + y * stride;
      float* to = rows_.data() + y * stride;
      for (std::size_t i = 3; i + 3 < stride; ++i) to[i] = static_cast<float>(from[i - 3] + 2 * from[i] + from[i + 3]);
      for (std::size_t i : {0, 1, 2}) to[i] = static_cast<float>(3 * from[i] + from[i + 3]);
      for (std::size_t i = stride - 3; i < stride; ++i) to[i] = static_cast<float>(from[i - 3] + 3 * from[i]);
    }
    for (std::size_t y = 0; y < rows; ++y) {
      const float *here = rows_.data() + y * stride, *above = y ? here - stride : here,
                  *below = y + 1 < rows ? here + stride : here;
      for (std::size_t i = 0; i < stride; ++i) smooth_[y * stride + i] = (above[i] + 2 * here[i] + below[i]) / 16;
    }
  }

  double read_background(Frame& f) {  // median of the border; returns the noise there (1.48 median absolute deviation)
    const std::int64_t ring = std::max<std::int64_t>(1, std::min(h_, w_) / 32);
    std::vector<Colour3> border;
    for (std::int64_t y = 0; y < h_; ++y)
      for (std::int64_t x = 0; x < w_; ++x) {
        if (x == ring && y >= ring && y < h_ - ring) x = w_ - ring;  // over the inside
        border.push_back(smooth(static_cast<std::size_t>(y * w_ + x)));
      }
    f.background = median(border);
    for (Colour3& p : border)
      for (std::size_t c = 0; c < 3; ++c) p[c] = std::abs(p[c] - f.background[c]);
    const Colour3 deviation = median(border);
    return 1.4826 * (deviation[0] + deviation[1] + deviation[2]) / 3;
  }

  void find_components(Frame& f) {
    main_.clear();
    std::vector<std::size_t> component;
    std::vector<std::size_t> areas;
    int count = 0, main_label = 0;
    for (std::size_t start = 0; start < label_.size(); ++start) {
      if (label_[start] != unvisited) continue;
      ++count;
      component.assign(1, start);
      label_[start] = count;
      for (std::size_t i = 0; i < component.size(); ++i) {
        const auto p = static_cast<std::int64_t>(component[i]);
        for (std::int64_t y = std::max<std::int64_t>(p / w_ - 1, 0); y <= std::min(p / w_ + 1, h_ - 1); ++y)
          for (std::int64_t x = std::max<std::int64_t>(p % w_ - 1, 0); x <= std::min(p % w_ + 1, w_ - 1); ++x) {
            int& label = label_[static_cast<std::size_t>(y * w_ + x)];
            if (label == unvisited) label = count, component.push_back(static_cast<std::size_t>(y * w_ + x));
          }
      }
      areas.push_back(component.size());
      if (component.size() > main_.size()) main_.swap(component), main_label = count;
    }
    const double frame = static_cast<double>(h_ * w_), least = std::max(6.0, 0.0015 * frame);  // radius 0.022
    if (static_cast<double>(main_.size()) < least) return main_.clear();
    double others = 0;
    for (std::size_t i = 0; i < areas.size(); ++i)
      if (static_cast<int>(i) + 1 != main_label && static_cast<double>(areas[i]) >= least)
        others += static_cast<double>(areas[i]);
    f.fragments = others / static_cast<double>(main_.size());
    box_ = {w_, 0, h_, 0};
    for (std::size_t p : main_) {
      const auto x = static_cast<std::int64_t>(p) % w_, y = static_cast<std::int64_t>(p) / w_;
      box_ = {std::min(box_[0], x), std::max(box_[1], x), std::min(box_[2], y), std::max(box_[3], y)};
    }
    main_label_ = main_label;
  }

  bool is_main(std::int64_t x, std::int64_t y) const {
    return x >= 0 && y >= 0 && x < w_ && y < h_ && label_[static_cast<std::size_t>(y * w_ + x)] == main_label_;
  }
  bool near_main(std::int64_t x, std::int64_t y) const {  // the component and a margin of one pixel
    if (is_main(x, y)) return true;
    if (label_[static_cast<std::size_t>(y * w_ + x)] > 0) return false;
    for (std::int64_t dy = -1; dy <= 1; ++dy)
      for (std::int64_t dx = -1; dx <= 1; ++dx)
        if (is_main(x + dx, y + dy)) return true;
    return false;
  }

  void read_core(
      Frame& f) {  // median colour of the eroded component, or of its strongest pixels where erosion leaves nothing
    std::vector<std::size_t> core;
    for (std::size_t p : main_) {
      const auto x = static_cast<std::int64_t>(p) % w_, y = static_cast<std::int64_t>(p) / w_;
      if (is_main(x - 1, y) && is_main(x + 1, y) && is_main(x, y - 1) && is_main(x, y + 1)) core.push_back(p);
    }
    if (core.size() < 4) core = main_;
    std::ranges::sort(core, [&](std::size_t a, std::size_t b) { return distance_[a] > distance_[b]; });
    core.resize(
        std::max<std::size_t>(std::min<std::size_t>(core.size(), 4), core.size() / 2));  // the half that is purest
    std::vector<Colour3> colours;
    for (std::size_t p : core)
      colours.push_back({double(raw_[3 * p]), double(raw_[3 * p + 1]), double(raw_[3 * p + 2])});
    f.colour = median(colours);
    f.core = static_cast<double>(core.size());

    double inner = 0,
           foreign = 0;  // is the object of one colour? Asked of pixels that the blur of its edge does not reach.
    for (std::size_t p : main_) {
      const auto x = static_cast<std::int64_t>(p) % w_, y = static_cast<std::int64_t>(p) / w_;
      bool deep = true;
      for (std::int64_t d : {-2, -1, 1, 2}) deep = deep && is_main(x + d, y) && is_main(x, y + d);
      for (std::int64_t d : {-1, 1}) deep = deep && is_main(x + d, y + d) && is_main(x - d, y + d);
      if (deep) ++inner, foreign += on_line(smooth(p), f.background, f.colour).off > impure_levels;
    }
    if (inner >= 6) f.impurity = foreign / inner;
  }

  // A template's coverage of each pixel of a window [height, width], 3x3 samples a pixel, blurred like the frame.
  void draw(Shape shape, double cx, double cy, double r, std::int64_t width, std::int64_t height) {
    const std::size_t pixels = static_cast<std::size_t>(width * height);
    sharp_.assign(pixels, 0), drawn_.assign(pixels, 0);
    const double reach = 1.25 * r + 1, scale = 1 / r;
    const auto first = [&](double c) { return std::max<std::int64_t>(0, static_cast<std::int64_t>(c - reach)); };
    const auto last = [&](double c, std::int64_t n) { return std::min(n - 1, static_cast<std::int64_t>(c + reach)); };
    for (std::int64_t y = first(cy); y <= last(cy, height); ++y)
      for (std::int64_t x = first(cx); x <= last(cx, width); ++x) {
        int hits = 0;
        for (int sy = 0; sy < 3; ++sy)
          for (int sx = 0; sx < 3; ++sx)
            hits += inside(shape, (static_cast<double>(x) + (2 * sx + 1) / 6.0 - cx) * scale,
                           (static_cast<double>(y) + (2 * sy + 1) / 6.0 - cy) * scale);
        sharp_[static_cast<std::size_t>(y * width + x)] = hits / 9.0;
      }
    const auto one_two_one = [&](const std::vector<double>& from, std::vector<double>& to, std::int64_t stride,
                                 std::int64_t length) {
      for (std::int64_t p = 0; p < width * height; ++p) {
        const std::int64_t i = p / stride % length;
        const auto at = static_cast<std::size_t>(p), step = static_cast<std::size_t>(stride);
        to[at] = (2 * from[at] + (i ? from[at - step] : 0) + (i + 1 < length ? from[at + step] : 0)) / 4;
      }
    };
    one_two_one(sharp_, drawn_, 1, width);
    sharp_.swap(drawn_);
    one_two_one(sharp_, drawn_, width, height);
  }

  std::int64_t h_, w_;
  const std::uint8_t* raw_ = nullptr;
  std::vector<float> smooth_, rows_;
  std::vector<double> distance_, cover_, sharp_, drawn_;
  std::vector<int> label_;
  std::vector<std::size_t> main_;
  int main_label_ = 0;
  std::array<std::int64_t, 4> box_{};  // x0, x1, y0, y1 of the main component
};

// ---- the track ----
struct Line {
  double start = 0, slope = 0;  // over t in [0, 1]
  double at(double t) const { return start + slope * t; }
};
Line fit_line(const std::vector<double>& t, const std::vector<double>& v) {
  const double n = static_cast<double>(t.size());
  const double mt = std::accumulate(t.begin(), t.end(), 0.0) / n, mv = std::accumulate(v.begin(), v.end(), 0.0) / n;
  double tt = 0, tv = 0;
  for (std::size_t i = 0; i < t.size(); ++i) tt += (t[i] - mt) * (t[i] - mt), tv += (t[i] - mt) * (v[i] - mv);
  const double slope = tt > 0 ? tv / tt : 0;
  return {mv - slope * mt, slope};
}
double range(const std::vector<double>& v) {
  const auto [low, high] = std::ranges::minmax(v);
  return high - low;
}
// Does v make at least a quarter of its way in each half of the clip? What stops or turns half way does not.
bool halves_agree(const std::vector<double>& v, double way) {
  const std::size_t mid = v.size() / 2;
  return (v[mid] - v.front()) / way >= 0.25 && (v.back() - v[mid]) / way >= 0.25;
}
// Turns of direction by at least `least`.
int reversals(const std::vector<double>& v, double least) {
  int count = 0, going = 0;
  double low = v[0], high = v[0];
  for (double each : v) {
    low = std::min(low, each), high = std::max(high, each);
    if (going >= 0 && each < high - least)
      count += going > 0, going = -1, low = each;
    else if (going <= 0 && each > low + least)
      count += going < 0, going = 1, high = each;
    if (going > 0) low = high;
    if (going < 0) high = low;
  }
  return count;
}

struct MotionReading {
  std::optional<data::Motion> motion;
  double travel = 0, confidence = 0;
};

MotionReading read_motion(const std::vector<double>& x, const std::vector<double>& y, double growth,
                          const std::vector<double>& r, const Line& fx, const Line& fy) {
  using enum data::Motion;
  const double travel = std::hypot(fx.slope, fy.slope);
  const auto sure = [](double margin, double wide) { return std::clamp(margin / wide, 0.0, 1.0); };
  if (std::abs(growth) >= least_growth) {
    const double way = r.back() - r.front();
    if (travel >= least_travel || std::abs(way) < 1e-9 || !halves_agree(r, way)) return {};
    return {growth > 0 ? growing : shrinking, 0, sure(std::abs(growth) - most_steady_growth, 0.3)};
  }
  if (std::abs(growth) > most_steady_growth) return {};

  // Circling: about the middle of the path, at a steady distance, round once.
  const double cx = (std::ranges::min(x) + std::ranges::max(x)) / 2,
               cy = (std::ranges::min(y) + std::ranges::max(y)) / 2;
  double winding = 0, mean = 0, square = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double d = std::hypot(x[i] - cx, y[i] - cy);
    mean += d, square += d * d;
    if (i)
      winding += std::remainder(std::atan2(y[i] - cy, x[i] - cx) - std::atan2(y[i - 1] - cy, x[i - 1] - cx),
                                2 * std::numbers::pi);
  }
  mean /= static_cast<double>(x.size()), square /= static_cast<double>(x.size());
  const double spread = std::sqrt(std::max(0.0, square - mean * mean));
  if (mean >= 0.08 && spread < 0.3 * mean && std::abs(winding) >= 4.5)
    return {circling, 0, sure(std::abs(winding) - 4, 2)};

  const bool sideways = std::abs(fx.slope) > std::abs(fy.slope);
  const std::vector<double>&along = sideways ? x : y, &across = sideways ? y : x;
  const double major = sideways ? fx.slope : fy.slope, minor = sideways ? fy.slope : fx.slope;
  if (sideways && std::abs(major) >= 0.2 && range(across) >= 0.1 && reversals(across, 0.06) >= 2 &&
      halves_agree(along, major))
    return {zigzagging, 0, sure(range(across) - 0.08, 0.1)};
  if (travel >= least_travel) {
    if (std::abs(minor) > 0.35 * std::abs(major) || range(across) > std::max(0.07, 0.4 * std::abs(major)) ||
        !halves_agree(along, major))
      return {};
    return {sideways ? (major < 0 ? left : right) : (major < 0 ? up : down), travel,
            sure(travel - rest_travel, 0.1) * sure(0.45 - std::abs(minor / major), 0.3)};
  }
  if (travel < rest_travel && range(x) < rest_range && range(y) < rest_range)
    return {still, 0, sure(rest_range - travel, 0.06)};
  return {};
}

double sure_between(double value, double low, double high) {  // 0 at a threshold, 1 from 0.02 away
  return std::clamp(std::min(std::abs(value - low), std::abs(value - high)) / 0.02, 0.0, 1.0);
}

}  // namespace

bool ShapesVerdict::object() const { return std::ranges::find(failures, ShapesFailure::no_object) == failures.end(); }

ShapesVerdict judge(const video::Frames& frames) {
  VGEN_CHECK(frames.count >= 1 && frames.height >= 16 && frames.width >= 16 && frames.channels == 3 && frames.pixels &&
                 frames.pixels->size() == frames.bytes(),
             ShapeError, "shapes judge: expected uint8 frames [F >= 1, H >= 16, W >= 16, 3], got [", frames.count, ", ",
             frames.height, ", ", frames.width, ", ", frames.channels, "]");
  ShapesVerdict verdict;
  const auto fails = [&](bool condition, ShapesFailure failure) {
    if (condition) verdict.failures.push_back(failure);
  };
  const auto count = static_cast<std::size_t>(frames.count);
  const double n = static_cast<double>(count), w = static_cast<double>(frames.width),
               h = static_cast<double>(frames.height);

  // Frame by frame, then the clip's colours, by which coverage is measured.
  std::vector<Frame> seen;
  std::vector<Reader> readers(count, Reader(frames));
  for (std::size_t k = 0; k < count; ++k) seen.push_back(readers[k].look(frames.frame(static_cast<std::int64_t>(k))));

  std::vector<Colour3> grounds, colours;
  for (const Frame& f : seen) {
    grounds.push_back(f.background);
    // Large cores say more about the colour than small ones.
    if (f.present()) colours.insert(colours.end(), static_cast<std::size_t>(std::min(f.core, 16.0)), f.colour);
  }
  {
    const Nearest<data::Background> ground = nearest<data::Background>(median(grounds));
    double agree = 0;
    for (const Colour3& g : grounds)
      agree += nearest<data::Background>(g).value == ground.value &&
               distance(g, level(ground.value)) < 2 * background_levels;
    agree /= n;
    fails(agree < agreement, ShapesFailure::background_change);
    if (agree >= agreement && ground.first < background_levels)
      verdict.background = {ground.value, agree * std::clamp(1.25 - ground.first / background_levels, 0.0, 1.0)};
  }
  double present = 0;
  for (const Frame& f : seen) present += f.present();
  verdict.quality.presence = present / n;
  verdict.track.resize(count);
  if (present <= n / 2) {
    verdict.failures.push_back(ShapesFailure::no_object);
    return verdict;
  }
  const Colour3 colour = median(colours);
  double same = 0, flicker = 0;
  const Nearest<data::Colour> named = nearest<data::Colour>(colour);
  for (std::size_t k = 0; k < count; ++k) {
    Frame& f = seen[k];
    if (!f.present()) continue;
    const double d = distance(f.colour, colour);
    const OnLine line = on_line(f.colour, f.background, colour);  // of a small blurred object every pixel is pale
    same +=
        (line.off < frame_colour_levels && line.share > pale) || nearest<data::Colour>(f.colour).value == named.value;
    flicker += d * d;
    readers[k].measure(f, line.off < frame_colour_levels ? colour : f.colour);
    verdict.quality.fragments = std::max(verdict.quality.fragments, f.fragments);
    verdict.quality.impurity += f.impurity / present;
  }
  same /= present;
  verdict.quality.colour_flicker = std::sqrt(flicker / present);
  const bool one_colour = same >= agreement && verdict.quality.impurity < impure_share;
  fails(!one_colour, ShapesFailure::colour_change);
  if (one_colour && named.first < colour_levels)
    verdict.colour = {named.value, same * std::clamp(1 - named.first / named.second, 0.0, 1.0)};
  fails(present < n, ShapesFailure::vanishing);
  fails(verdict.quality.fragments > fragment_share, ShapesFailure::fragments);

  // Shape: overlap with each template, larger frames counting more.
  std::array<double, templates.size()> fit{};
  double weights = 0;
  for (const Frame& f : seen)
    if (f.present()) {
      const double weight = std::sqrt(f.area);
      weights += weight;
      for (std::size_t t = 0; t < templates.size(); ++t) fit[t] += weight * f.fit[t];
    }
  for (double& each : fit) each /= weights;
  const auto best = static_cast<std::size_t>(std::ranges::max_element(fit) - fit.begin());
  double second = 0, agree = 0;
  for (std::size_t t = 0; t < templates.size(); ++t)
    if (t != best) second = std::max(second, fit[t]);
  for (const Frame& f : seen)
    if (f.present()) agree += std::sqrt(f.area) * (f.fit[best] >= std::ranges::max(f.fit) - 0.01);
  agree /= weights;
  verdict.quality.fit = fit[best];
  fails(agree < agreement, ShapesFailure::shape_change);
  if (agree >= agreement && fit[best] >= least_fit)
    verdict.shape = {templates[best].shape, agree * std::clamp((fit[best] - second) / 0.06, 0.0, 1.0)};

  // Track.
  std::vector<double> t, x, y, r;
  for (std::size_t k = 0; k < count; ++k) {
    const Frame& f = seen[k];
    if (!f.present()) continue;
    const double radius = std::sqrt(f.area / templates[best].area);
    verdict.track[k] = {f.x, f.y, radius};
    verdict.quality.edge_width += f.edge_width / present;
    t.push_back(count > 1 ? static_cast<double>(k) / (n - 1) : 0);
    x.push_back(f.x / w), y.push_back(f.y / h), r.push_back(radius / std::sqrt(w * h));
  }
  const Line fx = fit_line(t, x), fy = fit_line(t, y), fr = fit_line(t, r);
  const double mean_radius = fr.at(0.5), growth = fr.slope / mean_radius;
  double worst_radius = 0, worst_change = 0, worst_step = 0;
  std::vector<double> steps;
  for (std::size_t i = 0; i < t.size(); ++i) {
    const double radius_off = r[i] / std::max(fr.at(t[i]), 0.25 * mean_radius) - 1;
    const double path_off = std::hypot(x[i] - fx.at(t[i]), y[i] - fy.at(t[i]));
    verdict.quality.area_flicker += radius_off * radius_off / present,
        verdict.quality.position_flicker += path_off * path_off / present;
    worst_radius = std::max(worst_radius, std::abs(radius_off));
    if (i) {
      const double dt = t[i] - t[i - 1];
      worst_change = std::max(worst_change, std::abs(r[i] - r[i - 1] - fr.slope * dt) / mean_radius);
      worst_step = std::max(worst_step, std::hypot(x[i] - x[i - 1] - fx.slope * dt, y[i] - y[i - 1] - fy.slope * dt));
      steps.push_back(std::hypot(x[i] - x[i - 1], y[i] - y[i - 1]));
    }
  }
  verdict.quality.area_flicker = std::sqrt(verdict.quality.area_flicker);
  verdict.quality.position_flicker = std::sqrt(verdict.quality.position_flicker);
  fails(worst_radius > area_jump || worst_change > area_step, ShapesFailure::area_flicker);

  std::optional<data::Motion> motion;
  if (t.size() >= 2) {
    MotionReading reading = read_motion(x, y, growth, r, fx, fy);
    // On a straight path or at rest every step is alike; on a curved one no step is far longer than most.
    const bool curved = reading.motion && data::held_out(*reading.motion);
    const double longest = std::ranges::max(steps);
    const bool jumps =
        curved ? longest > 2.5 * median(steps) + 0.05 : worst_step > jump_length && longest > jump_length;
    fails(jumps, ShapesFailure::jump);
    fails(!reading.motion && !jumps, ShapesFailure::unsteady);
    if (reading.motion && !jumps) {
      motion = reading.motion;
      verdict.motion = {motion, reading.confidence * verdict.quality.presence};
      if (data::has_direction(*motion))
        verdict.speed = {reading.travel < slow_travel    ? data::Speed::slowly
                         : reading.travel < quick_travel ? data::Speed::normal
                                                         : data::Speed::quickly,
                         sure_between(reading.travel, slow_travel, quick_travel)};
      else
        verdict.speed = {data::Speed::normal, 1};
    }
  }
  // A growing object's radius goes from 0.6 to 1.5 of its nominal one.
  const double nominal = std::abs(growth) >= least_growth ? mean_radius / 1.05 : mean_radius;
  verdict.size = {nominal < small_radius   ? data::Size::small
                  : nominal < large_radius ? data::Size::medium
                                           : data::Size::large,
                  sure_between(nominal, small_radius, large_radius)};
  return verdict;
}

ShapesScore score(const ShapesVerdict& v, const data::ShapesAttributes& a) {
  ShapesScore s;
  s.colour = v.colour.value == a.colour;
  s.shape = v.shape.value == a.shape;
  s.size = v.size.value == a.size;
  s.motion = v.motion.value == a.motion;
  s.speed = v.speed.value == a.speed;
  s.background = v.background.value == a.background;
  s.coherent = v.coherent();
  s.all = s.colour && s.shape && s.motion && s.background && s.coherent;
  s.everything = s.all && s.size && s.speed;
  return s;
}

}  // namespace vgen::metrics
