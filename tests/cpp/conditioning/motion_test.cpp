// Goldens of motion vectors and masks are run by `vgen parity tests/golden/data`; here are drawn shapes against OpenCV,
// clips whose motion is known, the sources of vectors one after the other, and bad inputs.
#include "vgen/conditioning/motion.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "vgen/conditioning/factors.hpp"
#include "vgen/conditioning/mask.hpp"
#include "vgen/conditioning/raster.hpp"
#include "vgen/conditioning/super_resolution.hpp"
#include "vgen/core/log.hpp"
#include "vgen/video/backend.hpp"
#include "vgen/video/deflate.hpp"
#include "vgen/video/transforms.hpp"
#include "vgen/video/writer.hpp"

namespace vgen::conditioning {
namespace {

using testing::HasSubstr;
const std::filesystem::path files = VGEN_SOURCE_DIR "/tests/golden/data/files";

template <class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const Error& e) { return e.what(); }
  return "no error";
}

class Clips : public testing::Test {
 protected:
  std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("vgen_motion_test_" + std::to_string(getpid()));
  void SetUp() override { std::filesystem::create_directories(folder); }
  void TearDown() override { std::filesystem::remove_all(folder); }
};

// 400 lines of any direction, inside, outside and across the border: one checksum of cv2.line's pictures
// (OpenCV 5.0.0).
TEST(Raster, DrawsThickLinesAsOpenCvDoes) {
  std::uint32_t state = 12345, crc = 0;
  const auto draw = [&](std::uint32_t n) {
    state = (state * 1103515245u + 12345u) & 0x7fffffffu;
    return static_cast<std::int64_t>((state >> 8) % n);
  };
  for (int i = 0; i < 400; ++i) {
    Pixel a, b;
    a.x = draw(300) - 50, a.y = draw(260) - 50, b.x = draw(300) - 50, b.y = draw(260) - 50;
    std::string picture(160 * 200, '\0');
    Raster{160, 200, reinterpret_cast<std::uint8_t*>(picture.data())}.line(a, b, 2 + draw(60));
    crc = video::crc32(picture, crc);
  }
  EXPECT_EQ(crc, 4269904670u);
}

// A clip of smooth noise that moves by (3, 2) pixels a frame.
video::Frames moving(std::int64_t count) {
  video::Frames out(count, 96, 128);
  const video::Frames noise = [] {
    video::Frames n(1, 40, 48);
    std::uint32_t s = 7;
    for (auto& v : *n.pixels) v = static_cast<std::uint8_t>((s = s * 1664525u + 1013904223u) >> 24);
    return video::resize(n, 320, 384, video::Filter::bicubic);
  }();
  for (std::int64_t f = 0; f < count; ++f)
    for (std::int64_t y = 0; y < 96; ++y)
      std::copy_n(noise.frame(0) + ((y + 100 - 2 * f) * 384 + 120 - 3 * f) * 3, 128 * 3, out.frame(f) + y * 128 * 3);
  return out;
}

// The share of vectors of frames 1.. that are (3, 2) within half a pixel.
double share_right(const Tensor& field) {
  const Tensor later = field.slice(0, 1), dx = later.select(1, 0), dy = later.select(1, 1);
  const Tensor any = (dx != 0) | (dy != 0);
  const Tensor right = ((dx - 3).abs() <= 0.5) & ((dy - 2).abs() <= 0.5);
  return (any & right).sum().item<double>() / std::max<double>(1, any.sum().item<double>());
}

TEST(Motion, BlockMatchingFindsTheShift) {
  const Tensor field = motion_vectors(moving(4), MotionSource::block_matching);
  EXPECT_EQ(field.sizes(), (at::IntArrayRef{4, 2, 96, 128}));
  EXPECT_EQ(field[0].abs().max().item<float>(), 0);
  // One vector a block of 16 pixels, at its centre.
  EXPECT_EQ((field[1][0] != 0).sum().item<std::int64_t>(),
            (field[1][0].slice(0, 8, 96, 16).slice(1, 8, 128, 16) != 0).sum().item<std::int64_t>());
  EXPECT_EQ(field[1][0][24][24].item<float>(), 3);
  EXPECT_EQ(field[1][1][24][24].item<float>(), 2);
  EXPECT_GE(share_right(field), 35.0 / 48);  // blocks at the border see content that was outside
  EXPECT_EQ(motion_vectors(moving(1), MotionSource::block_matching).abs().sum().item<float>(), 0);
}

TEST_F(Clips, WithoutExportedVectorsAreReencodedAndTheLogSaysSo) {
  if (!video::backend_status().available) GTEST_SKIP() << video::backend_status().text;
  std::string said;
  log::set_sink([&](log::Level, std::string_view text) { said += std::string(text) + "\n"; });
  video::write_video(folder / "clip.mkv", moving(6), {.encoder = "ffv1"});
  const Tensor field = motion_vectors(folder / "clip.mkv");
  log::set_sink({});
  EXPECT_EQ(field.sizes(), (at::IntArrayRef{6, 2, 96, 128}));
  EXPECT_GE(share_right(field), 0.7);
  EXPECT_THAT(said, HasSubstr("ffv1 exports no motion vectors"));
  EXPECT_THAT(said, HasSubstr("re-encode to mpeg4"));
  EXPECT_THAT(message_of([&] { motion_vectors(folder / "clip.mkv", MotionSource::codec); }), HasSubstr("ffv1"));
  // Every second frame: vectors of the file reach back one frame only, so they are not taken.
  EXPECT_EQ(motion_vectors(files / "motion_h264.mp4", MotionSource::automatic, {.stride = 2}).size(0), 12);
  // A single picture has no motion.
  EXPECT_EQ(motion_vectors(files / "00.png").abs().sum().item<float>(), 0);
}

TEST_F(Clips, AreMatchedBlockByBlockWithoutFfmpeg) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        setenv("VGEN_VIDEO_BACKEND", "/nowhere/back_end.so", 1);
        setenv("VGEN_FFMPEG", "/nowhere/ffmpeg", 1);
        std::filesystem::create_directories(folder);
        video::write_video(folder / "clip.y4m", moving(3));
        const Tensor field = motion_vectors(folder / "clip.y4m");
        std::exit(field.size(0) == 3 && share_right(field) > 0.7 ? 0 : 1);
      },
      testing::ExitedWithCode(0), "");
}

TEST(Motion, FieldsKeepTheLaterVectorInsideThePicture) {
  video::MotionVectors v;
  v.height = 4, v.width = 6;
  v.frames = {
      {{-1, 16, 16, 0, 0, 2, 1, -8, 4, 4}, {1, 16, 16, 0, 0, 2, 1, 6, 2, 4}, {-1, 8, 8, 0, 0, 40, -3, -4, 0, 2}}};
  const Tensor field = motion_field(v);
  EXPECT_FLOAT_EQ(field[0][0][1][2].item<float>(), 1.5);
  EXPECT_FLOAT_EQ(field[0][1][1][2].item<float>(), 0.5);
  EXPECT_FLOAT_EQ(field[0][0][0][5].item<float>(), 2);
  EXPECT_EQ((field != 0).sum().item<std::int64_t>(), 3);
}

TEST_F(Clips, ThatAreNoClipsAreRefused) {
  EXPECT_THAT(message_of([&] { motion_vectors(folder / "none.mp4"); }), HasSubstr("none.mp4"));
  EXPECT_THAT(message_of([&] { motion_vectors(files / "videos.txt"); }), HasSubstr("format_not_allowed"));
  EXPECT_THAT(message_of([&] { motion_vectors(moving(2), MotionSource::codec); }), HasSubstr("have no codec"));
  EXPECT_THAT(message_of([&] { motion_vectors(video::Frames()); }), HasSubstr("no frames"));
  EXPECT_THAT(message_of([&] { match_blocks(moving(2), 2); }), HasSubstr("block must be"));
  EXPECT_THAT(message_of([&] { fit_condition(at::zeros({2, 4, 4}), 2, 2); }), HasSubstr("[2, 4, 4]"));
}

TEST(Motion, ConditionsFitAnySize) {
  const Tensor x = at::rand({2, 2, 48, 64});
  EXPECT_TRUE(fit_condition(x, 48, 64).equal(x));
  EXPECT_TRUE(fit_condition(x, 48, 48).equal(x.slice(3, 8, 56)));
  for (const auto& [h, w] : {std::pair{96, 32}, {32, 96}, {24, 24}, {1, 7}, {100, 333}})
    EXPECT_EQ(fit_condition(x, h, w).sizes(), (at::IntArrayRef{2, 2, h, w}));
}

TEST(Mask, ConditionKeepsWhatIsNotFilled) {
  const Tensor frames = at::rand({2, 3, 8, 8});
  Tensor mask = at::zeros({4, 4}, at::kByte);
  mask[0][0] = 1;
  const Tensor track = mask_track(mask, 2, 8, 8);
  EXPECT_EQ(track.sum().item<float>(), 8);
  const Tensor c = masked_condition(frames, track);
  EXPECT_EQ(c.sizes(), (at::IntArrayRef{2, 4, 8, 8}));
  EXPECT_EQ(c[0][0][0][0].item<float>(), 0);
  EXPECT_EQ(c[0][3][0][0].item<float>(), 0);
  EXPECT_NEAR(c[1][2][7][7].item<float>(), frames[1][2][7][7].item<float>() * 2 - 1, 1e-6);
  EXPECT_THAT(message_of([&] { masked_condition(frames, track * 0.5); }), HasSubstr("0 (keep) or 1 (fill)"));
  EXPECT_THAT(message_of([&] { masked_condition(frames, track.slice(2, 0, 4)); }), HasSubstr("[2, 1, 4, 8]"));
  auto random = MersenneTwister::numpy(0);
  EXPECT_THAT(message_of([&] { random_mask(MaskKind::rectangle, 100, 300, random); }),
              HasSubstr("rectangle masks need 169"));
}

TEST(Factors, RefuseWhatIsOutOfRange) {
  EXPECT_THAT(message_of([] { motion_factors(32, 1000); }), HasSubstr("[0, 999]"));
  EXPECT_THAT(message_of([] { appearance_factors(32, 1.5); }), HasSubstr("[0, 1]"));
  EXPECT_THAT(message_of([] { low_resolution_input(at::zeros({1, 3, 8, 8}), false, 0, 8); }), HasSubstr(">= 1"));
  EXPECT_EQ(low_resolution_input(at::zeros({2, 3, 8, 8}), true, 16, 24).sizes(), (at::IntArrayRef{4, 3, 16, 24}));
}

}  // namespace
}  // namespace vgen::conditioning
