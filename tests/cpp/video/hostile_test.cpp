// Rule S6 and rows D1 to D4: files that try to read others, to fill memory, to hang, or that are broken.
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <chrono>
#include <cstring>

#include "helpers.hpp"
#include "vgen/video/backend.hpp"
#include "vgen/video/png.hpp"
#include "vgen/video/reader.hpp"
#include "vgen/video/writer.hpp"

namespace vgen::video {
namespace {

using namespace test;

#define NEEDS_BACKEND() \
  if (!backend_status().available) GTEST_SKIP() << backend_status().text

// Sees every open() of the files in a folder.
class Watch {
 public:
  explicit Watch(const fs::path& folder) : fd_(inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
    inotify_add_watch(fd_, folder.c_str(), IN_OPEN | IN_ACCESS);
  }
  ~Watch() { close(fd_); }
  int events() const {
    char buffer[4096];
    int n = 0;
    for (ssize_t got; (got = ::read(fd_, buffer, sizeof buffer)) > 0;) n += int(got);
    return n;
  }

 private:
  int fd_;
};

std::string word(std::uint32_t v) { return {char(v >> 24), char(v >> 16), char(v >> 8), char(v)}; }

// A QuickTime file whose media lies in another file: the entry of `dref` becomes an alias with an absolute path.
std::string with_external_reference(std::string mov, const std::string& target) {
  const auto dref = mov.find("dref");
  std::string path = target;
  if (path.size() % 2) path += '\0';
  std::string entry = word(0) + "alis" + word(0) + std::string(10, '\0');
  entry += char(4) + std::string("disk") + std::string(23, '\0') + std::string(12, '\0');
  entry += char(4) + std::string("file") + std::string(59, '\0') + std::string(16, '\0');
  entry += std::string(4, '\0') + std::string(16, '\0');
  entry +=
      std::string("\0\2", 2) + char(target.size() >> 8) + char(target.size()) + path + std::string("\xff\xff\0\0", 4);
  entry.replace(0, 4, word(std::uint32_t(entry.size())));
  const std::size_t grown = entry.size() - 12;
  mov.replace(dref + 12, 12, entry);
  for (const char* box : {"moov", "trak", "mdia", "minf", "dinf", "dref"}) {
    const auto at = std::string_view(box) == "dref" ? dref : mov.rfind(box, dref);
    std::uint32_t size = 0;
    for (int b = 0; b < 4; ++b) size = size << 8 | std::uint8_t(mov[at - 4 + std::size_t(b)]);
    mov.replace(at - 4, 4, word(size + std::uint32_t(grown)));
  }
  return mov;
}

TEST(Hostile, PlaylistsOpenNothing) {  // D1
  NEEDS_FFMPEG();
  const Folder folder, secret;
  const std::string other = (secret / "other.mp4").string();
  ASSERT_TRUE(ffmpeg("-f lavfi -i testsrc2=s=64x48:r=10 -frames:v 5 " + other));
  const std::string box(
      "\0\0\0\x14"
      "ftypisom\0\0\0\0isom",
      20);
  const std::vector<std::string> contents{
      "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n" + other + "\n#EXT-X-ENDLIST\n",
      "ffconcat version 1.0\nfile '" + other + "'\n",
      "<?xml version=\"1.0\"?><MPD type=\"static\"><Period><AdaptationSet mimeType=\"video/mp4\"><Representation "
      "id=\"1\" bandwidth=\"1\"><BaseURL>" +
          other + "</BaseURL><SegmentBase/></Representation></AdaptationSet></Period></MPD>",
      "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n",
      "subfile,,start,0,end,100,,:" + other,
      "data:video/mp4;base64,AAAA",
      box + "#EXTM3U\n#EXTINF:1,\n" + other + "\n",  // a container's first bytes, then a playlist
      "RIFF\1\0\0\0AVI #EXTM3U\n" + other,
      "GIF89affconcat version 1.0\nfile " + other,
      "\x1a\x45\xdf\xa3#EXTM3U\n" + other,
      "\xff\xd8\xff#EXTM3U\n" + other};
  for (const char* end : {".mp4", ".avi", ".png", ".m3u8"})
    for (const auto& content : contents) {
      const fs::path file = folder / (std::string("x") + end);
      spit(file, content);
      const Watch watch(secret.path());
      if (backend_status().available || content[0] == '#') {
        EXPECT_THROW(read_video(file), MediaError) << content.substr(0, 30);
        EXPECT_THROW(probe(file), MediaError) << content.substr(0, 30);
      }
      EXPECT_EQ(watch.events(), 0) << content.substr(0, 30);
    }
  for (const char* name : {"x.mp4"}) {
    spit(folder / name, contents[0]);
    EXPECT_NE(message_of<MediaError>([&] { read_video(folder / name); }).find("format_not_allowed"), std::string::npos);
  }
  for (const std::string& name :
       std::vector<std::string>{"concat:" + other, "subfile,,start,0,end,100,,:" + other, "data:video/mp4;base64,AAAA",
                                "http://127.0.0.1/a.mp4", "file:" + other}) {
    const Watch watch(secret.path());
    EXPECT_THROW(read_video(name), IoError) << name;
    EXPECT_EQ(watch.events(), 0) << name;
  }
}

TEST(Hostile, ExternalMediaIsNotOpened) {  // D1: drefs
  NEEDS_BACKEND();
  NEEDS_FFMPEG();
  const Folder folder, secret;
  const fs::path other = secret / "other.mov";
  ASSERT_TRUE(ffmpeg("-f lavfi -i testsrc2=s=64x48:r=10 -frames:v 5 " + other.string()));
  spit(folder / "x.mov", with_external_reference(slurp(other), other.string()));
  {
    const Watch watch(secret.path());
    try {
      read_video(folder / "x.mov");
    } catch (const MediaError&) {}
    EXPECT_EQ(watch.events(), 0);
  }
  const Watch watch(secret.path());  // the file is a real attack: a reader that follows references opens it
  (void)std::system(
      ("ffprobe -v error -enable_drefs 1 -use_absolute_path 1 " + (folder / "x.mov").string() + " >/dev/null 2>&1")
          .c_str());
  EXPECT_GT(watch.events(), 0);
}

TEST(Hostile, CodecsOutsideTheList) {  // D2
  NEEDS_BACKEND();
  NEEDS_FFMPEG();
  const Folder folder;
  for (const char* codec : {"magicyuv", "jpeg2000", "huffyuv", "ffvhuff", "utvideo", "mpeg2video", "snow",
                            "dvvideo -s 720x576 -r 25 -pix_fmt yuv420p", "qtrle"}) {
    const fs::path file = folder / (std::string(codec) == "qtrle"  ? "x.mov"
                                    : std::string(codec) == "snow" ? "x.avi"
                                                                   : "x.mkv");
    if (!ffmpeg(std::string("-f lavfi -i testsrc2=s=64x48:r=25 -frames:v 3 -strict -2 -c:v ") + codec + " " +
                file.string()))
      continue;
    const std::string message = message_of<MediaError>([&] { read_video(file); });
    EXPECT_NE(message.find("codec_not_allowed"), std::string::npos) << codec << ": " << message;
    EXPECT_NE(message.find("ffmpeg -i"), std::string::npos) << message;
  }
}

TEST(Hostile, Bombs) {  // D3
  NEEDS_FFMPEG();
  const Folder folder;
  const auto refused = [&](const fs::path& file, const char* why) {
    rusage before{}, after{};
    getrusage(RUSAGE_SELF, &before);
    const auto begin = std::chrono::steady_clock::now();
    const std::string message = message_of<MediaError>([&] { read_video(file); });
    EXPECT_NE(message.find(why), std::string::npos) << file << ": " << message;
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1)) << file;
    getrusage(RUSAGE_SELF, &after);
    EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 300 * 1024) << file;  // KiB
  };
  spit(folder / "fps.y4m", "YUV4MPEG2 W4 H4 F1000000:1 C444\n");
  refused(folder / "fps.y4m", "limit");
  spit(folder / "zero.y4m", "YUV4MPEG2 W4 H4 F0:0 C444\n");
  refused(folder / "zero.y4m", "limit");
  spit(folder / "many.y4m", "YUV4MPEG2 W2 H2 F8:1 C444\n");
  fs::resize_file(folder / "many.y4m", 26 + std::uintmax_t(18) * 10000000);  // sparse: 10^7 frames
  refused(folder / "many.y4m", "limit");
  if (!backend_status().available) return;
  for (const char* name : {"big.jpg", "big.gif", "big.avi", "big.mkv"}) {
    const std::string how = std::string(name) == "big.avi"   ? "-c:v mjpeg "
                            : std::string(name) == "big.mkv" ? "-c:v ffv1 "
                                                             : "";
    ASSERT_TRUE(ffmpeg("-f lavfi -i color=s=5000x2400 -frames:v 1 " + how + (folder / name).string())) << name;
    refused(folder / name, "limit");
  }
  std::string gif = slurp(folder / "big.gif");
  gif[6] = gif[7] = gif[8] = gif[9] = char(255);
  spit(folder / "big.gif", gif);
  refused(folder / "big.gif", "limit");
  std::string inputs, maps;
  for (int i = 0; i < 20; ++i) maps += "-map 0 ";
  ASSERT_TRUE(
      ffmpeg("-f lavfi -i color=s=16x16 -frames:v 1 " + maps + "-c:v mpeg4 " + (folder / "streams.mkv").string()));
  refused(folder / "streams.mkv", "limit");
  ASSERT_TRUE(
      ffmpeg("-f lavfi -i color=s=16x16 -frames:v 1 " + maps + "-c:v mpeg4 " + (folder / "streams.mp4").string()));
  refused(folder / "streams.mp4", "limit");
  ASSERT_TRUE(ffmpeg("-f lavfi -i color=s=16x16:r=30 -frames:v 36001 -c:v mpeg4 " + (folder / "long.mp4").string()));
  refused(folder / "long.mp4", "limit");
  EXPECT_EQ(read_video(folder / "long.mp4", {.start = 100, .frames = 4}).count, 4);  // a part of it may be read
  EXPECT_EQ(probe(folder / "long.mp4").frames, 36001);
  EXPECT_THROW(read_video(folder / "long.mp4", {.start = 35999, .frames = 2}), MediaError);
  EXPECT_THROW(read_video(folder / "long.mp4", {.frames = 36001}), MediaError);
  EXPECT_THROW(read_video(folder / "long.mp4", {.frames = 1, .pixels = max_pixels + 1}), ConfigError);
  EXPECT_THROW(read_video(folder / "long.mp4", {.frames = 1, .pixels = 100}), MediaError);
  EXPECT_THROW(read_video(folder / "long.mp4", {.frames = 200, .timeout = 1e-7}), MediaError);
  CancelToken cancel;
  cancel.cancel();
  EXPECT_THROW(read_video(folder / "long.mp4", {.frames = 200}, nullptr, {}, cancel), Interrupted);
}

TEST(Hostile, NotRegularFiles) {
  const Folder folder;
  mkfifo((folder / "fifo.mp4").c_str(), 0600);
  EXPECT_THROW(read_video(folder / "fifo.mp4"), IoError);
  EXPECT_THROW(read_video(folder.path()), IoError);
  EXPECT_THROW(read_video("/dev/zero"), IoError);
  EXPECT_THROW(read_video(folder / "missing.mp4"), IoError);
  spit(folder / "empty.mp4", "");
  EXPECT_THROW(read_video(folder / "empty.mp4"), MediaError);
}

TEST(Hostile, TruncatedAndMutatedFiles) {  // D4
  NEEDS_BACKEND();
  NEEDS_FFMPEG();
  const Folder folder;
  const int mutations = std::getenv("VGEN_FUZZ") ? std::atoi(std::getenv("VGEN_FUZZ")) : 120;
  struct Case {
    const char *name, *arguments;
  };
  for (const Case& c : {Case{"a.mp4", "-movflags faststart"},
                        {"b.mp4", "-movflags frag_keyframe+empty_moov -g 4"},
                        {"a.mkv", "-c:v libx264"},
                        {"a.webm", "-c:v libvpx-vp9"},
                        {"a.avi", "-c:v mpeg4"},
                        {"a.gif", ""},
                        {"a.jpg", "-frames:v 1"},
                        {"a.webp", "-frames:v 1"},
                        {"a.y4m", "-pix_fmt yuv420p"}}) {
    const fs::path file = folder / c.name;
    ASSERT_TRUE(
        ffmpeg(std::string("-f lavfi -i testsrc2=s=64x48:r=10 -frames:v 12 ") + c.arguments + " " + file.string()))
        << c.name;
    const std::string good = slurp(file);
    VideoInfo whole;
    const std::int64_t frames = read_video(file, {}, &whole).count;
    EXPECT_FALSE(whole.truncated) << c.name;
    const fs::path bad = folder / "bad.bin";
    const auto attempt = [&](const std::string& bytes) {
      spit(bad, bytes);
      const auto begin = std::chrono::steady_clock::now();
      VideoInfo info;
      std::int64_t n = 0;
      try {
        n = read_video(bad, {.pixels = 1 << 20, .timeout = 5}, &info).count;
      } catch (const MediaError&) {}
      EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5)) << c.name;
      return std::pair{n, info.truncated};
    };
    int silent = 0;
    for (std::size_t i = 0; i < 100; ++i) {
      const auto [n, truncated] = attempt(good.substr(0, good.size() * i / 100));
      EXPECT_LE(n, frames) << c.name;
      if (n > 0 && n < frames && !truncated)
        GTEST_LOG_(INFO) << c.name << " cut at " << i << " % gave " << n << " frames unnoticed";
      silent += n > 0 && n < frames && !truncated;
    }
    EXPECT_EQ(silent, 0) << c.name;
    std::mt19937 random(13);
    for (int i = 0; i < mutations; ++i) {
      std::string bytes = good;
      for (unsigned k = 0; k < 1 + random() % 8; ++k)
        bytes[random() % (random() % 2 ? bytes.size() : std::min<std::size_t>(bytes.size(), 600))] = char(random());
      attempt(bytes);
    }
  }
}

}  // namespace
}  // namespace vgen::video
