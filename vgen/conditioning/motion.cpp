#include "vgen/conditioning/motion.hpp"

#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

#include "vgen/conditioning/convolution.hpp"
#include "vgen/core/log.hpp"
#include "vgen/video/transforms.hpp"
#include "vgen/video/writer.hpp"

namespace vgen::conditioning {

namespace {

struct TemporaryFolder {
  std::filesystem::path path;
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "vgen_motion_XXXXXX").string();
    VGEN_CHECK(mkdtemp(name.data()), IoError, "motion: cannot make a temporary folder ", printable(name), ": ",
               std::strerror(errno));
    path = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
};

// MPEG-4 part 2 as VideoComposer re-encodes: FFmpeg's own encoder, which every build has, and whose decoder exports.
video::MotionVectors reencoded(const video::Frames& frames, const CancelToken& cancel) {
  const TemporaryFolder folder;
  const auto path = folder.path / "motion.mp4";
  video::Frames clip = video::to_rgb(frames);
  if (!(clip.fps > 0)) clip.fps = 8;
  video::write_video(path, clip, {.quality = 10, .encoder = "mpeg4"}, {}, cancel);
  return video::read_motion_vectors(path, {}, cancel);
}

video::MotionVectors reencoded_or_matched(const video::Frames& frames, bool only_reencode, const CancelToken& cancel) {
  try {
    auto out = reencoded(frames, cancel);
    log::warn("motion: vectors of a re-encode to mpeg4, ", out.total(), " in ", out.frames.size(), " frames");
    return out;
  } catch (const Unavailable& e) {
    if (only_reencode) throw;
    log::warn("motion: block matching, as no MPEG-4 encoder is at hand (", e.what(), ")");
  }
  return match_blocks(frames, 16, 15, cancel);
}

}  // namespace

Tensor motion_vectors(const std::filesystem::path& path, MotionSource source, const video::ReadOptions& options,
                      const CancelToken& cancel) {
  if (source == MotionSource::automatic || source == MotionSource::codec) {
    const video::MotionVectors own = video::read_motion_vectors(path, options, cancel);
    // A request with a stride sees vectors that reach back one coded frame, not one frame of the request.
    const bool usable = (own.total() > 0 && options.stride == 1) || own.frames.size() == 1;
    if (usable || source == MotionSource::codec) {
      VGEN_CHECK(own.total() > 0 || own.frames.size() == 1, MediaError, "motion: '", printable(path.string()),
                 "': the codec ", own.codec, " exports no motion vectors; use the source reencode or block_matching");
      log::debug("motion: ", own.total(), " vectors of the codec ", own.codec);
      return motion_field(own);
    }
    log::warn(
        "motion: '", printable(path.string()), "': ",
        own.total() > 0 ? "every n-th frame is asked for" : "the codec " + own.codec + " exports no motion vectors",
        "; other sources are tried");
  }
  return motion_vectors(video::read_video(path, options, nullptr, {}, cancel), source, cancel);
}

Tensor motion_vectors(const video::Frames& frames, MotionSource source, const CancelToken& cancel) {
  VGEN_CHECK(frames.count > 0 && frames.pixels, ShapeError, "motion: there are no frames");
  VGEN_CHECK(source != MotionSource::codec, ConfigError,
             "motion: decoded frames have no codec; give the file, or use reencode or block_matching");
  if (source == MotionSource::block_matching) return motion_field(match_blocks(frames, 16, 15, cancel));
  return motion_field(reencoded_or_matched(frames, source == MotionSource::reencode, cancel));
}

Tensor motion_field(const video::MotionVectors& v) {
  const std::int64_t h = v.height, w = v.width, count = static_cast<std::int64_t>(v.frames.size());
  VGEN_CHECK(h > 0 && w > 0 && count > 0, ShapeError, "motion: there are no frames");
  VGEN_CHECK(count <= (std::int64_t(1) << 31) / (h * w), ConfigError, "motion: ", count, " fields of ", h, "x", w,
             " are too large; ask for fewer frames");
  Tensor out = at::zeros({count, 2, h, w}, at::kFloat);
  float* p = out.data_ptr<float>();
  for (std::int64_t f = 0; f < count; ++f, p += 2 * h * w)
    for (const video::MotionVector& m : v.frames[static_cast<std::size_t>(f)]) {
      const std::int64_t x = std::clamp<std::int64_t>(m.dst_x, 0, w - 1),
                         y = std::clamp<std::int64_t>(m.dst_y, 0, h - 1);
      const double scale = static_cast<double>(m.source) / m.motion_scale;
      p[y * w + x] = static_cast<float>(scale * m.motion_x);
      p[(h + y) * w + x] = static_cast<float>(scale * m.motion_y);
    }
  return out;
}

video::MotionVectors match_blocks(const video::Frames& frames, std::int64_t block, std::int64_t range,
                                  const CancelToken& cancel) {
  VGEN_CHECK(block >= 4 && block <= 128 && range >= 1 && range <= 64, ConfigError,
             "motion: block must be in [4, 128] and range in [1, 64], got ", block, " and ", range);
  VGEN_CHECK(frames.count > 0 && frames.pixels, ShapeError, "motion: there are no frames");
  const video::Frames rgb = video::to_rgb(frames);
  const std::int64_t h = rgb.height, w = rgb.width;
  video::MotionVectors out;
  out.height = h, out.width = w, out.fps = rgb.fps, out.codec = "block matching";
  out.frames.resize(static_cast<std::size_t>(rgb.count));
  const auto grey = [&](std::int64_t f) {
    std::vector<int> g(static_cast<std::size_t>(h * w));
    const std::uint8_t* p = rgb.frame(f);
    for (auto& v : g) v = (77 * p[0] + 150 * p[1] + 29 * p[2]) >> 8, p += 3;
    return g;
  };
  // Shorter shifts first, so that the first of equals is the shortest.
  std::vector<std::pair<int, int>> shifts;
  for (int dy = -int(range); dy <= range; ++dy)
    for (int dx = -int(range); dx <= range; ++dx) shifts.emplace_back(dx, dy);
  std::ranges::stable_sort(shifts, {}, [](const auto& s) { return s.first * s.first + s.second * s.second; });
  std::vector<int> before = grey(0);
  for (std::int64_t f = 1; f < rgb.count; ++f) {
    cancel.check("motion");
    const std::vector<int> now = grey(f);
    for (std::int64_t y = 0; y + block <= h; y += block)
      for (std::int64_t x = 0; x + block <= w; x += block) {
        std::int64_t least = std::numeric_limits<std::int64_t>::max();
        std::pair<int, int> best{0, 0};
        for (const auto& [dx, dy] : shifts) {
          const std::int64_t u = x - dx, v = y - dy;  // where the content was
          if (u < 0 || v < 0 || u + block > w || v + block > h) continue;
          std::int64_t sum = 0;
          for (std::int64_t j = 0; j < block && sum < least; ++j)
            for (std::int64_t i = 0; i < block; ++i)
              sum += std::abs(now[std::size_t((y + j) * w + x + i)] - before[std::size_t((v + j) * w + u + i)]);
          if (sum < least) least = sum, best = {dx, dy};
        }
        const auto cx = static_cast<std::int32_t>(x + block / 2), cy = static_cast<std::int32_t>(y + block / 2);
        out.frames[std::size_t(f)].push_back(
            {-1, int(block), int(block), cx - best.first, cy - best.second, cx, cy, -best.first, -best.second, 1});
      }
    before = now;
  }
  return out;
}

Tensor fit_condition(const Tensor& x, std::int64_t height, std::int64_t width) {
  expect_shape(x, "fit_condition", "condition", {-1, -1, -1, -1});
  VGEN_CHECK(x.numel() > 0 && height >= 1 && width >= 1 && height <= 16384 && width <= 16384, ShapeError,
             "fit_condition: sizes must be in [1, 16384], got ", shape_string(x.sizes()), " for ", height, "x", width);
  const std::int64_t h = x.size(2), w = x.size(3);
  const bool by_height = height * w >= width * h;  // the side that needs the larger factor
  const std::int64_t rows = by_height ? height : std::max(height, width * h / w);
  const std::int64_t columns = by_height ? std::max(width, height * w / h) : width;
  const Tensor y = rows == h && columns == w ? x : resize_bilinear(x, rows, columns, /*align_corners=*/false);
  const auto first = [](std::int64_t all, std::int64_t part) {
    return static_cast<std::int64_t>(std::nearbyint(static_cast<double>(all - part) / 2));
  };
  const std::int64_t top = first(rows, height), left = first(columns, width);
  return y.slice(2, top, top + height).slice(3, left, left + width).contiguous();
}

}  // namespace vgen::conditioning
