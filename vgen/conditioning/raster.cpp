#include "vgen/conditioning/raster.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace vgen::conditioning {

namespace {

// Positions in 1/65536 pixel.
constexpr std::int64_t one = 1 << 16, half = one / 2;
struct Fixed {
  std::int64_t x, y;
};
std::int64_t nearest(std::int64_t v) { return (v + half) >> 16; }

// Cuts a segment to a rectangle, both ends included, upwards and downwards first; false if nothing of it is inside.
bool cut(Fixed& a, Fixed& b, Fixed low, Fixed high) {
  const auto sides = [&](const Fixed& p) { return std::array{p.x<low.x, p.x> high.x, p.y<low.y, p.y> high.y}; };
  const auto both = [&](std::size_t first, std::size_t last) {
    const auto at = sides(a), bt = sides(b);
    bool shared = false;
    for (std::size_t i = first; i <= last; ++i) shared = shared || (at[i] && bt[i]);
    return shared;
  };
  if (both(0, 3)) return false;
  const auto move = [](Fixed& p, const Fixed& other, std::int64_t Fixed::*along, std::int64_t Fixed::*across,
                       std::int64_t least, std::int64_t most) {
    if (p.*along >= least && p.*along <= most) return;
    const std::int64_t to = p.*along < least ? least : most;
    p.*across +=
        static_cast<std::int64_t>(static_cast<double>(to - p.*along) * static_cast<double>(other.*across - p.*across) /
                                  static_cast<double>(other.*along - p.*along));
    p.*along = to;
  };
  move(a, b, &Fixed::y, &Fixed::x, low.y, high.y);
  move(b, a, &Fixed::y, &Fixed::x, low.y, high.y);
  if (both(0, 1)) return false;
  move(a, b, &Fixed::x, &Fixed::y, low.x, high.x);
  move(b, a, &Fixed::x, &Fixed::y, low.x, high.x);
  return true;
}

// The pixels of a border: one a column or one a row, whichever are more, and the far end.
void border(const Raster& r, Fixed a, Fixed b) {
  if (!cut(a, b, {0, 0}, {r.width * one - 1, r.height * one - 1})) return;
  const bool flat = std::abs(b.x - a.x) > std::abs(b.y - a.y);
  // Along the longer axis, in rising order.
  const auto along = [&](Fixed p) { return flat ? p.x : p.y; };
  const auto across = [&](Fixed p) { return flat ? p.y : p.x; };
  if (along(a) > along(b)) std::swap(a, b);
  const std::int64_t length = along(b) - along(a), slope = (across(b) - across(a)) * one / (length | 1);
  const auto dot = [&](std::int64_t main, std::int64_t side) {
    flat ? r.span(side, main, main) : r.span(main, side, side);
  };
  dot(nearest(along(b)), nearest(across(b)));
  std::int64_t main = nearest(along(a)), side = across(a) + half;
  for (std::int64_t n = length >> 16; n >= 0; --n, ++main, side += slope) dot(main, side >> 16);
}

// One side of a convex figure from its top corner down: the position on each row, corner by corner.
struct Chain {
  const std::array<Fixed, 4>& corners;
  std::size_t at, step;
  std::int64_t until, x = -one, slope = 0;
  // Takes up the next edge that reaches below row y; false when there is none among the edges left.
  bool reach(std::int64_t y, int& left) {
    if (y < until) return true;
    while (left-- > 0) {
      const std::size_t next = (at + step) % 4;
      const std::int64_t end = nearest(corners[next].y);
      if (end > y) {
        const std::int64_t rows = end - y;
        x = corners[at].x;
        slope = (2 * (corners[next].x - x) + rows) / (2 * rows);
        until = end;
        at = next;
        return true;
      }
      at = next;
    }
    return false;
  }
};

void fill_convex(const Raster& r, const std::array<Fixed, 4>& corners) {
  for (std::size_t i = 0; i < 4; ++i) border(r, corners[(i + 3) % 4], corners[i]);
  std::size_t top = 0;
  std::int64_t lowest = corners[0].y;
  for (std::size_t i = 1; i < 4; ++i) {
    if (corners[i].y < corners[top].y) top = i;
    lowest = std::max(lowest, corners[i].y);
  }
  const std::int64_t first = nearest(corners[top].y), last = std::min(nearest(lowest), r.height - 1);
  Chain a{corners, top, 1, first}, b{corners, top, 3, first};
  int left = 4;
  for (std::int64_t y = first; y <= last; ++y) {
    // Both chains share the count of edges, and an exhausted one keeps its last position.
    a.reach(y, left);
    b.reach(y, left);
    if (left < 0) break;
    r.span(y, nearest(std::min(a.x, b.x)), nearest(std::max(a.x, b.x)));
    a.x += a.slope;
    b.x += b.slope;
  }
}

}  // namespace

void Raster::span(std::int64_t y, std::int64_t left, std::int64_t right) const {
  if (y < 0 || y >= height) return;
  left = std::max<std::int64_t>(left, 0);
  right = std::min(right, width - 1);
  if (left <= right) std::fill(values + y * width + left, values + y * width + right + 1, value);
}

void Raster::disc(Pixel c, std::int64_t radius) const {
  // Midpoint circle (Bresenham 1977): over the eighth where rows are farther apart than columns.
  std::int64_t error = 0, grow = 1, shrink = 2 * radius - 1;
  for (std::int64_t far = radius, near = 0; near <= far; ++near) {
    for (const std::int64_t sign : {-1, 1}) {
      span(c.y + sign * near, c.x - far, c.x + far);
      span(c.y + sign * far, c.x - near, c.x + near);
    }
    error += grow;
    grow += 2;
    if (error > 0) {
      error -= shrink;
      shrink -= 2;
      --far;
    }
  }
}

void Raster::line(Pixel from, Pixel to, std::int64_t thickness) const {
  thickness = std::max<std::int64_t>(thickness, 2);
  // What is farther outside than the line is thick does not count.
  Fixed begin{from.x, from.y}, end{to.x, to.y};
  if (!cut(begin, end, {-thickness, -thickness}, {width + thickness - 1, height + thickness - 1})) return;
  from = {begin.x, begin.y}, to = {end.x, end.y};
  const double dx = static_cast<double>(from.x - to.x), dy = static_cast<double>(to.y - from.y);
  if (const double squared = dx * dx + dy * dy; squared > 0) {
    const double reach = static_cast<double>(thickness + thickness % 2) * half / std::sqrt(squared);
    const Fixed side{std::llrint(dy * reach), std::llrint(dx * reach)};
    const Fixed a{from.x * one, from.y * one}, b{to.x * one, to.y * one};
    fill_convex(*this, {Fixed{a.x + side.x, a.y + side.y}, Fixed{a.x - side.x, a.y - side.y},
                        Fixed{b.x - side.x, b.y - side.y}, Fixed{b.x + side.x, b.y + side.y}});
  }
  const std::int64_t radius = (thickness * half + half) >> 16;
  disc(from, radius);
  disc(to, radius);
}

void Raster::polygon(const std::vector<std::pair<double, double>>& corners) const {
  for (std::int64_t y = 0; y < height; ++y) {
    const double row = static_cast<double>(y) + 0.5;
    std::vector<double> crossings;
    for (std::size_t i = 0; i < corners.size(); ++i) {
      const auto [x0, y0] = corners[i];
      const auto [x1, y1] = corners[(i + 1) % corners.size()];
      if ((y0 <= row) != (y1 <= row)) crossings.push_back(x0 + (row - y0) / (y1 - y0) * (x1 - x0));
    }
    std::ranges::sort(crossings);
    for (std::size_t i = 0; i + 1 < crossings.size(); i += 2)
      span(y, static_cast<std::int64_t>(std::ceil(crossings[i] - 0.5)),
           static_cast<std::int64_t>(std::ceil(crossings[i + 1] - 0.5)) - 1);
  }
}

}  // namespace vgen::conditioning
