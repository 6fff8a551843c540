// Host transforms of frames: resize, crop, flip, contact sheets. Values stay uint8 [F, H, W, C]; rate and metadata are
// kept.
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "vgen/video/frames.hpp"

namespace vgen::video {

struct VGEN_API Rect {
  std::int64_t x = 0, y = 0, width = 0, height = 0;
  bool operator==(const Rect&) const = default;
};

enum class Filter { bilinear, area, bicubic, triangle, box, nearest };
constexpr auto enum_names(Filter) {
  return std::array{std::pair{Filter::bilinear, "bilinear"}, std::pair{Filter::area, "area"},
                    std::pair{Filter::bicubic, "bicubic"},   std::pair{Filter::triangle, "triangle"},
                    std::pair{Filter::box, "box"},           std::pair{Filter::nearest, "nearest"}};
}

// bilinear: pixel centres aligned (align_corners=False), no antialiasing. area: mean over the covered source area,
// fractions weighted; equal to bilinear's intent when enlarging (nearest). bicubic: Keys' kernel (a = -1/2), widened
// when reducing (antialiasing), 8-bit values between columns and rows: what Pillow 13 gives, bit for bit, and so what
// image towers were trained with. triangle, box: Pillow's BILINEAR and BOX in the same way. nearest: the pixel under
// each centre. Values are rounded to nearest.
VGEN_API Frames resize(const Frames& frames, std::int64_t height, std::int64_t width, Filter filter = Filter::bilinear);

// ShapeError if the rectangle leaves the picture.
VGEN_API Frames crop(const Frames& frames, const Rect& rect);

// The middle height x width of each frame; a margin that cannot be halved is larger at the right and bottom.
VGEN_API Frames center_crop(const Frames& frames, std::int64_t height, std::int64_t width);

// As crop, for a rectangle that may leave the picture: what is outside is black.
VGEN_API Frames crop_padded(const Frames& frames, const Rect& rect);

// The shorter side becomes `side`, the other keeps the proportion, rounded to nearest, ties to even (Python's round).
VGEN_API Frames resize_short_side(const Frames& frames, std::int64_t side, Filter filter = Filter::triangle);
// The same for large reductions: halved (box) while the shorter side is at least 2 * side, then bicubic.
VGEN_API Frames reduce_short_side(const Frames& frames, std::int64_t side);
// The middle side x side after the shorter side became `short_side` (bicubic), both rounded as torchvision does: how
// image towers were fed in training.
VGEN_API Frames center_square(const Frames& frames, std::int64_t short_side, std::int64_t side);

// What center_crop_wide does with a picture: its size after the resize, and the rectangle cut from that.
struct VGEN_API WideCrop {
  std::int64_t height = 0, width = 0;
  Rect crop;
};
VGEN_API WideCrop wide_crop(std::int64_t from_height, std::int64_t from_width, std::int64_t height, std::int64_t width);
// The middle height x width of the frames after the largest reduction that still covers it. The reference's
// CenterCropWide, with its rounding: for some sizes the reduced picture is a pixel short, and that row or column is
// black.
VGEN_API Frames center_crop_wide(const Frames& frames, std::int64_t height, std::int64_t width,
                                 Filter filter = Filter::box);

VGEN_API Frames flip_horizontal(const Frames& frames);

// [F, H, W, 3] from 1 (copied to all), 3 (shared, no copy) or 4 channels (alpha dropped, or composited over
// `background`).
VGEN_API Frames to_rgb(const Frames& frames, const std::uint8_t* background = nullptr);

// Luma of ITU-R BT.601 in fixed point: 16 bits as Pillow converts to "L", 15 bits as OpenCV's RGB2GRAY. They differ by
// one level in a thousandth of all colours.
enum class Luma { pillow, opencv };
// [F, H, W, 3], three equal channels.
VGEN_API Frames to_grey(const Frames& frames, Luma luma = Luma::pillow);

// Pictures of one height beside each other; a panel of one frame stands still beside longer ones. ShapeError.
VGEN_API Frames side_by_side(const std::vector<Frames>& panels);

// Without its last frame where more than `share` of that frame's values lie in 117..137: a mid-grey frame, which models
// trained on clips that lacked one have learned to make. A clip of one frame is kept.
VGEN_API Frames drop_grey_last_frame(const Frames& frames, double share = 0.4);

struct VGEN_API SheetOptions {
  std::int64_t columns = 0;  // 0: nearly square for one clip, all frames for several
  std::int64_t gap = 2;      // pixels between and around pictures
  std::array<std::uint8_t, 3> background{255, 255, 255};
};
// One picture [1, H', W', 3] with every frame, row by row.
VGEN_API Frames contact_sheet(const Frames& frames, const SheetOptions& options = {});
// One row a clip; with fewer columns than frames each row shows evenly spaced frames, first and last among them. Clips
// share one picture size; shorter clips leave the rest of the row empty.
VGEN_API Frames contact_sheet(const std::vector<Frames>& clips, const SheetOptions& options = {});

// The smallest rectangle that holds every pixel that differs; width 0 if none does. Pictures are [H, W, C].
VGEN_API Rect changed_rect(const std::uint8_t* a, const std::uint8_t* b, std::int64_t height, std::int64_t width,
                           std::int64_t channels);

}  // namespace vgen::video
