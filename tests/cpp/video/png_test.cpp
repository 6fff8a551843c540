#include "vgen/video/png.hpp"

#include <cstring>

#include "helpers.hpp"
#include "vgen/video/deflate.hpp"

namespace vgen::video {
namespace {

using namespace test;

TEST(Deflate, Checksums) {  // check values of the RFCs and of the CRC catalogue
  EXPECT_EQ(crc32("123456789"), 0xcbf43926u);
  EXPECT_EQ(adler32("Wikipedia"), 0x11e60398u);
}

TEST(Deflate, RoundTrip) {
  std::mt19937 random(1);
  for (int i = 0; i < 120; ++i) {
    std::string in(std::size_t(i < 4 ? i : random() % 200000), '\0');
    const unsigned kind = random() % 4, symbols = 1 + random() % 255;
    for (std::size_t k = 0; k < in.size(); ++k)
      in[k] = char(kind == 0   ? random()
                   : kind == 1 ? random() % symbols
                   : kind == 2 ? k / 100
                               : in[k > 300 ? k - 1 - random() % 300 : 0] + (random() % 50 == 0));
    const std::string packed = zlib_compress(in);
    ASSERT_EQ(zlib_decompress(packed, in.size()), in) << i;
    ASSERT_LE(packed.size(), in.size() + in.size() / 1000 + 64);  // stored blocks bound the growth
    if (kind == 2 && in.size() > 5000) { EXPECT_LT(packed.size(), in.size() / 8); }
    if (!in.empty()) {
      EXPECT_THROW(zlib_decompress(packed, in.size() - 1), MediaError);
      EXPECT_THROW(zlib_decompress(packed, in.size() + 1), MediaError);
      EXPECT_THROW(zlib_decompress(packed.substr(0, packed.size() - 1), in.size()), MediaError);
    }
  }
}

TEST(Deflate, SkewedFrequenciesKeepCodesWithin15Bits) {  // Fibonacci counts give the deepest Huffman tree
  std::string in;
  for (std::uint64_t a = 1, b = 1, s = 0; s < 24; ++s, b += a, a = b - a) in.append(a, char(s * 7));
  std::mt19937 random(2);
  std::shuffle(in.begin(), in.end(), random);
  EXPECT_EQ(zlib_decompress(zlib_compress(in), in.size()), in);
}

TEST(Deflate, MutatedStreamsAreErrorsOrEqual) {
  const std::string in = [] {
    std::string s;
    for (int i = 0; i < 3000; ++i) s += "row " + std::to_string(i % 97);
    return s;
  }();
  const std::string good = zlib_compress(in);
  std::mt19937 random(3);
  int errors = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string bad = good;
    for (unsigned k = 0; k < 1 + random() % 3; ++k) bad[random() % bad.size()] = char(random());
    try {
      EXPECT_EQ(zlib_decompress(bad, in.size()), in);
    } catch (const MediaError&) { ++errors; }
  }
  EXPECT_GT(errors, 2900);
}

TEST(Png, RoundTripIsBitEqual) {  // D9
  std::mt19937 random(4);
  for (int i = 0; i < 200; ++i) {
    const std::int64_t c = std::array{1, 3, 4}[random() % 3], h = 1 + random() % 40, w = 1 + random() % 40;
    const Frames in = random() % 2 ? noise(1, h, w, c, random()) : clip(1, h, w, c);
    const auto out = decode_png(encode_png(in.frame(0), h, w, c, {{"comment", "{\"seed\": 7}"}, {"Title", "Zürich"}}));
    ASSERT_EQ(out.frames.height, h);
    ASSERT_EQ(out.frames.width, w);
    ASSERT_EQ(out.metadata.at("comment"), "{\"seed\": 7}");
    ASSERT_EQ(out.metadata.at("Title"), "Zürich");
    for (std::int64_t p = 0; p < h * w; ++p)
      for (std::int64_t k = 0; k < 4; ++k)
        ASSERT_EQ(out.frames.frame(0)[p * 4 + k], k == 3 && c < 4 ? 255 : in.frame(0)[p * c + (c == 1 ? 0 : k)]);
  }
}

TEST(Png, AnimationIsBitEqual) {
  Frames in = clip(9, 33, 47, 3, 12.5);
  std::memcpy(in.frame(4), in.frame(3), std::size_t(33 * 47 * 3));  // a frame that changes nothing
  const auto out = decode_png(encode_apng(in, {}, 3));
  ASSERT_EQ(out.frames.count, 9);
  EXPECT_NEAR(out.frames.fps, 12.5, 1e-3);
  for (std::int64_t i = 0; i < 9 * 33 * 47; ++i)
    for (int k = 0; k < 3; ++k)
      ASSERT_EQ((*out.frames.pixels)[std::size_t(i * 4 + k)], (*in.pixels)[std::size_t(i * 3 + k)]) << i;
}

TEST(Png, OthersReadOurs) {
  NEEDS_FFMPEG();
  const Folder folder;
  for (std::int64_t c : {1, 3, 4})
    for (bool noisy : {false, true}) {
      const Frames in = noisy ? noise(1, 61, 83, c, 5) : clip(1, 61, 83, c);
      spit(folder / "a.png", encode_png(in.frame(0), 61, 83, c));
      const std::string raw = decoded_by_ffmpeg(folder / "a.png", folder,
                                                c == 1   ? "-pix_fmt gray"
                                                : c == 3 ? "-pix_fmt rgb24"
                                                         : "-pix_fmt rgba");
      ASSERT_EQ(raw, std::string(in.pixels->begin(), in.pixels->end())) << c;
    }
  const Frames in = clip(7, 40, 50);
  spit(folder / "b.apng", encode_apng(in));
  EXPECT_EQ(decoded_by_ffmpeg(folder / "b.apng", folder), std::string(in.pixels->begin(), in.pixels->end()));
}

TEST(Png, WeReadOthers) {
  NEEDS_FFMPEG();
  const Folder folder;
  for (const char* format :
       {"rgb24", "rgba", "gray", "gray16be", "rgb48be", "rgba64be", "ya8", "ya16be", "pal8", "monob"})
    for (const char* prediction : {"none", "mixed"}) {
      ASSERT_TRUE(ffmpeg(std::string("-f lavfi -i testsrc2=s=57x43 -frames:v 1 -pix_fmt ") + format + " -pred " +
                         prediction + " " + (folder / "o.png").string()))
          << format;
      const std::string raw = decoded_by_ffmpeg(folder / "o.png", folder, "-pix_fmt rgba");
      const auto ours = decode_png(slurp(folder / "o.png"));
      ASSERT_EQ(raw.size(), ours.frames.bytes()) << format;
      EXPECT_LE(max_difference(reinterpret_cast<const std::uint8_t*>(raw.data()), ours.frames.frame(0), raw.size()), 1)
          << format;
    }
}

// A writer for what encode_png never writes: interlacing, small depths, palettes.
std::string handmade(int width, int height, int depth, int type, bool interlaced, const std::string& palette,
                     const std::string& transparency, const std::function<int(int, int)>& sample) {
  const auto chunk = [](const std::string& kind, const std::string& body) {
    const auto word = [](std::uint32_t v) { return std::string{char(v >> 24), char(v >> 16), char(v >> 8), char(v)}; };
    return word(std::uint32_t(body.size())) + kind + body + word(crc32(kind + body));
  };
  std::string rows;
  const int passes[8][4] = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4},
                            {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}, {0, 0, 1, 1}};
  for (int p = interlaced ? 0 : 7; p < (interlaced ? 7 : 8); ++p)
    for (int y = passes[p][1]; y < height; y += passes[p][3]) {
      if (passes[p][0] >= width) continue;
      rows.push_back(0);
      int bits = 0, held = 0;
      for (int x = passes[p][0]; x < width; x += passes[p][2]) {
        bits = bits << depth | sample(x, y), held += depth;
        if (held == 8) rows.push_back(char(bits)), bits = held = 0;
      }
      if (held) rows.push_back(char(bits << (8 - held)));
    }
  std::string out("\x89PNG\r\n\x1a\n", 8);
  out += chunk("IHDR", std::string{0, 0, 0, char(width), 0, 0, 0, char(height), char(depth), char(type), 0, 0,
                                   char(interlaced)});
  if (!palette.empty()) out += chunk("PLTE", palette);
  if (!transparency.empty()) out += chunk("tRNS", transparency);
  return out + chunk("IDAT", zlib_compress(rows)) + chunk("IEND", "");
}

TEST(Png, InterlacedPalettesAndSmallDepths) {
  const Folder folder;
  for (int depth : {1, 2, 4, 8})
    for (int type : {0, 3})
      for (bool interlaced : {false, true})
        for (int width : {1, 3, 29}) {
          std::string palette, transparency;
          if (type == 3)
            for (int i = 0; i < 1 << depth; ++i)
              palette += {char(i * 5), char(255 - i * 3), char(i * 77)}, transparency += char(i == 1 ? 90 : 255);
          const auto sample = [&](int x, int y) { return (x * 7 + y * 13 + x * y) & ((1 << depth) - 1); };
          const std::string file = handmade(width, 19, depth, type, interlaced, palette, transparency, sample);
          const auto out = decode_png(file);
          const int top = (1 << depth) - 1;
          for (int y = 0; y < 19; ++y)
            for (int x = 0; x < width; ++x) {
              const auto* p = out.frames.frame(0) + (y * width + x) * 4;
              const int s = sample(x, y);
              if (type == 0)
                ASSERT_EQ(p[0], s * 255 / top);
              else
                ASSERT_EQ(std::string(p, p + 4),
                          (std::string{palette[std::size_t(3 * s)], palette[std::size_t(3 * s + 1)],
                                       palette[std::size_t(3 * s + 2)], transparency[std::size_t(s)]}));
            }
          if (has_ffmpeg() && width == 29) {
            spit(folder / "h.png", file);
            const std::string raw = decoded_by_ffmpeg(folder / "h.png", folder, "-pix_fmt rgba");
            ASSERT_EQ(raw.size(), out.frames.bytes());
            EXPECT_LE(
                max_difference(reinterpret_cast<const std::uint8_t*>(raw.data()), out.frames.frame(0), raw.size()), 1)
                << depth << " " << type;
          }
        }
}

TEST(Png, HostileFiles) {
  const Frames in = clip(4, 20, 30);
  const std::string good = encode_apng(in), still = encode_png(in.frame(0), 20, 30, 3);
  for (std::size_t n = 0; n < still.size() - 12; ++n)
    EXPECT_THROW(decode_png(std::string_view(still).substr(0, n)), MediaError) << n;
  for (std::size_t n = 0; n < good.size() - 12; n += 3) {
    try {
      const auto out = decode_png(std::string_view(good).substr(0, n));
      EXPECT_TRUE(out.truncated);
      EXPECT_LT(out.frames.count, 5);
    } catch (const MediaError&) {}
  }
  std::mt19937 random(6);
  for (int i = 0; i < 4000; ++i) {
    std::string bad = good;
    const std::size_t at = random() % bad.size();
    bad[at] = char(random());
    // Mend the checksum of the chunk, so that the fault gets through to the decoder.
    for (std::size_t c = 8; c + 12 <= good.size();) {
      const auto size = std::size_t(std::uint8_t(good[c + 2])) << 8 | std::uint8_t(good[c + 3]);
      if (at >= c + 4 && at < c + 8 + size) {
        const auto sum = crc32(std::string_view(bad).substr(c + 4, size + 4));
        for (int b = 0; b < 4; ++b) bad[c + 8 + size + std::size_t(b)] = char(sum >> (24 - 8 * b));
      }
      c += size + 12;
    }
    try {
      decode_png(bad);
    } catch (const MediaError&) {}
  }
}

TEST(Png, LimitsComeBeforeMemory) {
  std::string bomb = handmade(29, 19, 8, 0, false, "", "", [](int, int) { return 0; });
  bomb[16] = bomb[20] = 0x01;  // 16 million squared
  const auto sum = crc32(std::string_view(bomb).substr(12, 17));
  for (int b = 0; b < 4; ++b) bomb[29 + std::size_t(b)] = char(sum >> (24 - 8 * b));
  EXPECT_NE(message_of<MediaError>([&] { decode_png(bomb); }).find("limit"), std::string::npos);
  EXPECT_NE(message_of<MediaError>([&] { decode_png(encode_apng(clip(5, 8, 8)), 8294400, 4); }).find("limit"),
            std::string::npos);
  EXPECT_NE(message_of<MediaError>([&] {
              decode_png(encode_apng(clip(5, 8, 8)), 8294400, 100, 8 * 8 * 4 * 3);
            }).find("limit"),
            std::string::npos);
  EXPECT_NE(message_of<MediaError>([&] { decode_png(encode_apng(clip(5, 8, 9)), 71); }).find("limit"),
            std::string::npos);
}

}  // namespace
}  // namespace vgen::video
