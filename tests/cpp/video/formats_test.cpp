// GIF, Y4M, transforms, xtensor views.
#include "helpers.hpp"
#include "vgen/video/gif.hpp"
#include "vgen/video/transforms.hpp"
#include "vgen/video/xtensor.hpp"
#include "vgen/video/y4m.hpp"

namespace vgen::video {
namespace {

using namespace test;

TEST(Gif, FewColoursAreExact) {
  NEEDS_FFMPEG();
  const Folder folder;
  Frames in(6, 32, 48, 3, 8);
  for (std::int64_t f = 0; f < 6; ++f)
    for (std::int64_t i = 0; i < 32 * 48; ++i) {
      std::uint8_t* p = in.frame(f) + 3 * i;
      const bool inside = i % 48 >= f * 5 && i % 48 < f * 5 + 12 && i / 48 > 8 && i / 48 < 20;
      p[0] = inside ? 255 : 0, p[1] = std::uint8_t(inside ? 30 : (i / 48) * 7), p[2] = 3;
    }
  for (auto palette : {GifPalette::clip, GifPalette::frame}) {
    spit(folder / "a.gif", encode_gif(in, {.palette = palette, .comment = "{\"seed\": 1}"}));
    EXPECT_EQ(decoded_by_ffmpeg(folder / "a.gif", folder), std::string(in.pixels->begin(), in.pixels->end()));
  }
  EXPECT_NE(slurp(folder / "a.gif").find("{\"seed\": 1}"), std::string::npos);
}

TEST(Gif, ManyColoursStayClose) {
  NEEDS_FFMPEG();
  const Folder folder;
  const Frames in = clip(5, 96, 128);
  for (auto palette : {GifPalette::clip, GifPalette::frame})
    for (bool dither : {false, true}) {
      spit(folder / "b.gif", encode_gif(in, {.palette = palette, .dither = dither}));
      const std::string raw = decoded_by_ffmpeg(folder / "b.gif", folder);
      ASSERT_EQ(raw.size(), in.bytes());
      Frames out(5, 96, 128);
      out.pixels->assign(raw.begin(), raw.end());
      EXPECT_GT(psnr(in, out), dither ? 30 : 34) << int(palette) << dither;
    }
}

TEST(Gif, NoiseFillsTheCodeTable) {  // long strings of fresh codes: the table of 4096 is cleared many times
  NEEDS_FFMPEG();
  const Folder folder;
  Frames in(2, 200, 200);
  std::mt19937 random(7);
  for (std::size_t i = 0; i < in.bytes() / 3; ++i) {
    const auto v = std::uint8_t(random() % 250);
    (*in.pixels)[3 * i] = v, (*in.pixels)[3 * i + 1] = std::uint8_t(255 - v), (*in.pixels)[3 * i + 2] = 9;
  }
  spit(folder / "c.gif", encode_gif(in));
  EXPECT_EQ(decoded_by_ffmpeg(folder / "c.gif", folder), std::string(in.pixels->begin(), in.pixels->end()));
}

TEST(Gif, TimeIsKept) {
  NEEDS_FFMPEG();
  const Folder folder;
  for (double fps : {7.0, 8.0, 12.5, 30.0}) {
    spit(folder / "t.gif", encode_gif(clip(21, 16, 16, 3, fps)));
    const std::string seconds =
        output_of("ffprobe -v error -show_entries format=duration -of csv=p=0 " + (folder / "t.gif").string());
    EXPECT_NEAR(std::stod(seconds), 21 / fps, 0.011) << fps;
  }
  EXPECT_THROW(encode_gif(clip(2, 8, 8, 3, 60)), ConfigError);
  CancelToken cancel;
  cancel.cancel();
  EXPECT_THROW(encode_gif(clip(2, 8, 8), {}, cancel), Interrupted);
}

TEST(Y4m, OthersReadOursAndWeReadTheirs) {
  NEEDS_FFMPEG();
  const Folder folder;
  const Frames in = clip(3, 45, 61, 3, 23.976);
  std::string file = y4m_header(45, 61, in.fps);
  for (std::int64_t f = 0; f < 3; ++f) file += y4m_frame(in.frame(f), 45, 61, 3);
  spit(folder / "a.y4m", file);
  const std::string raw = decoded_by_ffmpeg(folder / "a.y4m", folder);
  ASSERT_EQ(raw.size(), in.bytes());
  EXPECT_LE(max_difference(reinterpret_cast<const std::uint8_t*>(raw.data()), in.frame(0), raw.size()), 3);
  for (const char* format : {"yuv420p", "yuv422p", "yuv444p", "gray"}) {
    ASSERT_TRUE(ffmpeg("-i " + (folder / "a.y4m").string() + " -frames:v 2 -pix_fmt " + format + " " +
                       (folder / "b.y4m").string()));
    const std::string bytes = slurp(folder / "b.y4m"), oracle = decoded_by_ffmpeg(folder / "b.y4m", folder);
    const Y4mInfo info = parse_y4m(bytes, bytes.size());
    ASSERT_EQ(info.frames, 2) << format;
    Frames out(1, 45, 61);
    y4m_to_rgb(info, std::string_view(bytes).substr(info.header_bytes + 6), out.frame(0));
    std::size_t far = 0;  // the program's cubic chroma differs from ours (linear) at edges only
    for (std::size_t i = 0; i < out.bytes(); ++i)
      far += std::abs(int(std::uint8_t(oracle[i])) - int(out.frame(0)[i])) > 4;
    EXPECT_LT(far, out.bytes() / 25) << format;
  }
}

TEST(Y4m, BadHeaders) {
  for (const char* head :
       {"YUV4MPEG2 W0 H4 F8:1\n", "YUV4MPEG2 W4 F8:1\n", "YUV4MPEG2 W4 H4 F0:0\n", "YUV4MPEG2 W4 H4 F1000000:1\n",
        "YUV4MPEG2 W4 H4 F8:1", "YUV4MPEG2 W99999999999999 H4 F8:1\n", "YUV4MPEG2 W9999999 H9999999 F8:1\n",
        "YUV4MPEG2 W4 H4 F8:1 C420p10\n", "RIFF W4 H4\n"})
    EXPECT_THROW(parse_y4m(head, 100), MediaError) << head;
}

TEST(Transforms, ResizeMatchesClosedForms) {
  Frames ramp(1, 4, 8, 1);
  for (int i = 0; i < 32; ++i) (*ramp.pixels)[std::size_t(i)] = std::uint8_t(i % 8 * 30);
  const Frames twice = resize(ramp, 8, 16);  // bilinear, centres aligned: a ramp stays a ramp inside
  for (int x = 1; x < 15; ++x) EXPECT_EQ(twice.frame(0)[x], std::lround(((x + 0.5) / 2 - 0.5) * 30)) << x;
  const Frames half = resize(ramp, 2, 4, Filter::area);
  for (int x = 0; x < 4; ++x) EXPECT_EQ(half.frame(0)[x], 15 + 60 * x);
  const Frames third = resize(ramp, 4, 3, Filter::area);  // 8/3 source pixels each: (0 + 1 + 2 * 2/3) * 30 / (8/3)
  EXPECT_EQ(third.frame(0)[0], std::lround((0 + 30 + 60 * 2 / 3.0) / (8 / 3.0)));
  EXPECT_EQ(*resize(ramp, 4, 8).pixels, *ramp.pixels);
  EXPECT_EQ(*resize(ramp, 4, 8, Filter::area).pixels, *ramp.pixels);
  EXPECT_THROW(resize(ramp, 0, 3), ShapeError);
}

TEST(Transforms, CropFlipChannels) {
  const Frames in = clip(2, 7, 9);
  const Frames c = center_crop(in, 4, 5);
  for (int f = 0; f < 2; ++f)
    for (int y = 0; y < 4; ++y) EXPECT_EQ(std::memcmp(c.frame(f) + y * 15, in.frame(f) + ((y + 1) * 9 + 2) * 3, 15), 0);
  EXPECT_EQ(*flip_horizontal(flip_horizontal(in)).pixels, *in.pixels);
  EXPECT_EQ(flip_horizontal(in).frame(1)[0], in.frame(1)[8 * 3]);
  EXPECT_THROW(center_crop(in, 8, 5), ShapeError);
  Frames rgba(1, 1, 1, 4);
  *rgba.pixels = {200, 100, 0, 128};
  EXPECT_EQ(*to_rgb(rgba).pixels, (std::vector<std::uint8_t>{200, 100, 0}));
  const std::uint8_t white[3] = {255, 255, 255};
  EXPECT_EQ(*to_rgb(rgba, white).pixels, (std::vector<std::uint8_t>{227, 177, 127}));
  EXPECT_EQ(to_rgb(in).pixels, in.pixels);  // shared
  EXPECT_EQ(changed_rect(in.frame(0), in.frame(0), 7, 9, 3), Rect());
  Frames other(1, 7, 9);
  *other.pixels = {in.pixels->begin(), in.pixels->begin() + 7 * 9 * 3};
  other.frame(0)[(2 * 9 + 3) * 3 + 1] ^= 1, other.frame(0)[(5 * 9 + 1) * 3] ^= 1;
  EXPECT_EQ(changed_rect(in.frame(0), other.frame(0), 7, 9, 3), (Rect{1, 2, 3, 4}));
}

TEST(Transforms, ContactSheets) {
  const Frames in = clip(5, 6, 8);
  const Frames sheet = contact_sheet(in, {.columns = 2, .gap = 1, .background = {9, 8, 7}});
  EXPECT_EQ(sheet.count, 1);
  EXPECT_EQ(sheet.height, 3 * 7 + 1);
  EXPECT_EQ(sheet.width, 2 * 9 + 1);
  const auto at = [&](std::int64_t y, std::int64_t x) { return sheet.frame(0) + (y * sheet.width + x) * 3; };
  for (int i = 0; i < 5; ++i)
    for (int y = 0; y < 6; ++y)
      EXPECT_EQ(std::memcmp(at(1 + i / 2 * 7 + y, 1 + i % 2 * 9), in.frame(i) + y * 24, 24), 0);
  EXPECT_EQ(at(0, 0)[0], 9);
  EXPECT_EQ(at(20, 15)[2], 7);  // the empty sixth place
  EXPECT_EQ(contact_sheet(clip(16, 4, 4)).width, 4 * 6 + 2);
  const Frames rows = contact_sheet(std::vector<Frames>{clip(16, 6, 8), clip(3, 6, 8, 1)}, {.columns = 4, .gap = 0});
  EXPECT_EQ(rows.width, 32);
  EXPECT_EQ(rows.height, 12);
  EXPECT_EQ(std::memcmp(rows.frame(0) + 24 * 3, clip(16, 6, 8).frame(15), 24), 0);  // the last frame is among them
  EXPECT_THROW(contact_sheet(std::vector<Frames>{clip(2, 6, 8), clip(2, 6, 9)}), ShapeError);
}

TEST(Xtensor, ViewsShareMemory) {
  Frames in = clip(2, 3, 4);
  auto v = view(in);
  EXPECT_EQ(v.shape()[2], 4u);
  v(1, 2, 3, 0) = 77;
  EXPECT_EQ(in.frame(1)[(2 * 4 + 3) * 3], 77);
  EXPECT_EQ(array_view(in)(1, 2, 3, 0), 77);
  const Frames& fixed = in;
  const Frames first = to_frames(xt::view(view(fixed), xt::range(0, 1), xt::all(), xt::all(), xt::all()), 5);
  EXPECT_EQ(first.count, 1);
  EXPECT_EQ(std::memcmp(first.frame(0), in.frame(0), first.bytes()), 0);
}

}  // namespace
}  // namespace vgen::video
