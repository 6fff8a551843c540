// Frames as xtensor views, without a copy. Include this where xtensor is installed; nothing else of vgen needs it.
//
//   auto pixels = vgen::video::view(frames);              // [F, H, W, C], writes reach the frames
//   auto red = xt::view(pixels, xt::all(), xt::all(), xt::all(), 0);
//
// xtensor moved its headers in 0.26; both layouts work.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#if __has_include(<xtensor/containers/xadapt.hpp>)
#include <xtensor/containers/xadapt.hpp>
#include <xtensor/containers/xtensor.hpp>
#include <xtensor/views/xview.hpp>
#else
#include <xtensor/xadapt.hpp>
#include <xtensor/xtensor.hpp>
#include <xtensor/xview.hpp>
#endif

#include "vgen/video/frames.hpp"

namespace vgen::video {
namespace detail {
inline std::array<std::size_t, 4> shape_of(const Frames& f) {
  return {std::size_t(f.count), std::size_t(f.height), std::size_t(f.width), std::size_t(f.channels)};
}
}  // namespace detail

// The view is valid while `frames.pixels` lives.
inline auto view(Frames& frames) {
  return xt::adapt(frames.pixels->data(), frames.bytes(), xt::no_ownership(), detail::shape_of(frames));
}
inline auto view(const Frames& frames) {
  return xt::adapt(static_cast<const std::uint8_t*>(frames.pixels->data()), frames.bytes(), xt::no_ownership(),
                   detail::shape_of(frames));
}
// As xt::xarray (dynamic number of axes), for code written against that.
inline auto array_view(Frames& frames) {
  const auto s = detail::shape_of(frames);
  return xt::adapt(frames.pixels->data(), frames.bytes(), xt::no_ownership(),
                   std::vector<std::size_t>(s.begin(), s.end()));
}

// Copies any uint8 xtensor expression [F, H, W, C] into Frames.
template <class E>
Frames to_frames(const E& expression, double fps = 8) {
  VGEN_CHECK(expression.dimension() == 4, ShapeError, "video: expected [F, H, W, C], got ",
             static_cast<unsigned long>(expression.dimension()), " axes");
  const auto n = [&](std::size_t i) { return static_cast<std::int64_t>(expression.shape(i)); };
  Frames out(n(0), n(1), n(2), n(3), fps);
  view(out) = expression;
  return out;
}

}  // namespace vgen::video
