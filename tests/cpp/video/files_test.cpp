// Writers and readers on real files: lossless and lossy round trips, faults of disks and processes, missing FFmpeg.
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <chrono>
#include <cstring>

#include "helpers.hpp"
#include "vgen/core/log.hpp"
#include "vgen/video/backend.hpp"
#include "vgen/video/reader.hpp"
#include "vgen/video/transforms.hpp"
#include "vgen/video/writer.hpp"

namespace vgen::video {
namespace {

using namespace test;

#define NEEDS_BACKEND() \
  if (!backend_status().available) GTEST_SKIP() << backend_status().text

TEST(Write, LosslessFormatsReadBackEqual) {
  const Folder folder;
  for (const char* name : {"a.png", "a.apng", "a.mkv"}) {
    if (std::strcmp(name, "a.mkv") == 0 && !backend_status().available) continue;
    for (std::int64_t f : {1, 6}) {
      const Frames in = noise(f, 34, 51, 3, 8);
      const WriteReport report =
          write_video(folder / name, in, {.fps = 12, .encoder = std::strcmp(name, "a.mkv") ? "auto" : "ffv1"});
      VideoInfo info;
      const Frames out = read_video(folder / name, {}, &info);
      ASSERT_EQ(out.count, f) << name;
      EXPECT_EQ(*out.pixels, *in.pixels) << name;
      EXPECT_FALSE(info.truncated) << name;
      if (f > 1) { EXPECT_NEAR(out.fps, 12, 1e-3) << name; }
      EXPECT_EQ(report.bytes, fs::file_size(folder / name));
      EXPECT_EQ(report.frames, f);
    }
  }
  EXPECT_EQ(folder.parts(), 0u);
}

TEST(Write, Y4mAndFolders) {
  const Folder folder;
  const Frames in = clip(4, 20, 31, 3, 7.5);
  write_video(folder / "a.y4m", in);
  const Frames out = read_video(folder / "a.y4m");
  ASSERT_EQ(out.count, 4);
  EXPECT_EQ(out.fps, 7.5);
  EXPECT_LE(max_difference(in.frame(0), out.frame(0), in.bytes()), 2);
  EXPECT_EQ(write_video(folder / "frames/", in).encoder, "png");
  EXPECT_EQ(std::memcmp(read_image(folder / "frames/frame_00003.png").frame(0), in.frame(3), 20 * 31 * 3), 0);
  write_video(folder / "frames/", in);  // our own folder is replaced
  fs::create_directory(folder / "precious");
  spit(folder / "precious/thesis.tex", "x");
  EXPECT_THROW(write_video((folder / "precious").string() + "/", in), IoError);
  EXPECT_TRUE(fs::exists(folder / "precious/thesis.tex"));
}

TEST(Write, EncodersGiveEveryFrame) {
  NEEDS_BACKEND();
  const Folder folder;
  struct Case {
    const char *name, *encoder;
    double least;
  };
  for (const Case& c : {Case{"a.mp4", "auto", 38},
                        {"a.mp4", "mpeg4", 33},
                        {"a.mkv", "libx264", 38},
                        {"a.webm", "auto", 36},
                        {"a.mov", "auto", 38},
                        {"b.mkv", "libsvtav1", 34}})
    for (std::int64_t f : {1, 2, 16, 31}) {
      if (f != 16 && std::string(c.encoder) == "libsvtav1") continue;
      const Frames in = clip(f, 64, 96);
      WriteReport report;
      try {
        report = write_video(folder / c.name, in, {.encoder = c.encoder, .metadata = {{"comment", "{\"seed\": 7}"}}});
      } catch (const Unavailable& e) {
        GTEST_LOG_(INFO) << e.what();
        break;
      }
      VideoInfo info;
      const Frames out = read_video(folder / c.name, {}, &info);
      ASSERT_EQ(out.count, f) << c.name << " " << c.encoder;
      EXPECT_FALSE(info.truncated) << c.name << " " << c.encoder << f;
      EXPECT_EQ(info.comment, "{\"seed\": 7}") << c.name;
      if (f > 1) { EXPECT_NEAR(out.fps, 8, 0.01) << c.name << c.encoder << f; }
      EXPECT_GT(psnr(in, out), c.least) << c.name << " " << c.encoder;
      if (!has_ffmpeg()) continue;
      EXPECT_EQ(
          output_of(
              "ffprobe -v error -count_frames -select_streams v -show_entries stream=nb_read_frames -of csv=p=0 " +
              (folder / c.name).string()),
          std::to_string(f))
          << c.name << " " << report.encoder;
    }
  EXPECT_EQ(folder.parts(), 0u);
}

TEST(Write, Mp4IsTaggedPlainAndReproducible) {
  NEEDS_BACKEND();
  NEEDS_FFMPEG();
  const Folder folder;
  const Frames in = clip(16, 64, 96, 3, 24000.0 / 1001);
  write_video(folder / "a.mp4", in, {.metadata = {{"comment", "m"}}});
  const std::string bytes = slurp(folder / "a.mp4");
  // Not with x264: build 164 uses memory that it did not set, so its bytes differ from run to run (stock ffmpeg's too).
  for (const char* name : {"m1.mp4", "m2.mp4", "f1.mkv", "f2.mkv"})
    write_video(folder / name, in, {.encoder = name[0] == 'm' ? "mpeg4" : "ffv1"});
  EXPECT_EQ(slurp(folder / "m1.mp4"), slurp(folder / "m2.mp4"));
  EXPECT_EQ(slurp(folder / "f1.mkv"), slurp(folder / "f2.mkv"));
  EXPECT_LT(bytes.find("moov"), bytes.find("mdat"));  // plays while it loads
  EXPECT_EQ(bytes.find("moof"), std::string::npos);   // no fragments left
  const std::string tags = output_of(
      "ffprobe -v error -show_entries stream=pix_fmt,color_space,color_range,color_primaries,r_frame_rate,start_time "
      "-of default=nk=0:nw=1 " +
      (folder / "a.mp4").string());
  for (const char* tag : {"pix_fmt=yuv420p", "color_space=bt709", "color_range=tv", "color_primaries=bt709",
                          "r_frame_rate=24000/1001", "start_time=0.000000"})
    EXPECT_NE(tags.find(tag), std::string::npos) << tag << " in " << tags;
  write_video(folder / "c.mp4", in, {.metadata = {{"comment", "m"}, {"vgen:seed", "7"}}});
  EXPECT_NE(output_of("ffprobe -v error -show_entries format_tags -of default=nw=1 " + (folder / "c.mp4").string())
                .find("vgen:seed=7"),
            std::string::npos);
  EXPECT_EQ(probe(folder / "c.mp4").comment, "m");
}

TEST(Write, OddSidesAndChannels) {
  NEEDS_BACKEND();
  const Folder folder;
  std::string log;
  log::set_sink([&](log::Level, std::string_view text) { log += text; });
  write_video(folder / "a.mp4", clip(5, 49, 65), {.encoder = "libx264"});
  log::set_sink({});
  EXPECT_NE(log.find("66x50"), std::string::npos) << log;
  const Frames out = read_video(folder / "a.mp4");
  EXPECT_EQ(out.width, 66);
  EXPECT_EQ(out.height, 50);
  EXPECT_GT(psnr(clip(5, 49, 65), crop(out, {0, 0, 65, 49})), 33);
  EXPECT_LE(std::abs(int(out.frame(2)[65 * 3 + 1]) - int(out.frame(2)[64 * 3 + 1])),
            12);  // the column is repeated, not black
  write_video(folder / "b.webm", clip(5, 49, 65));
  EXPECT_EQ(read_video(folder / "b.webm").width, 65);
  for (std::int64_t c : {1, 4}) {
    write_video(folder / "c.mp4", clip(3, 32, 32, c));
    EXPECT_GT(psnr(to_rgb(clip(3, 32, 32, c)), read_video(folder / "c.mp4")), 33) << c;
  }
}

TEST(Write, TheChoiceOfEncoderIsLogged) {  // D8
  NEEDS_BACKEND();
  const Folder folder;
  std::string log;
  log::set_level(log::Level::info);
  log::set_sink([&](log::Level, std::string_view text) { log += text; });
  const auto report = write_video(folder / "a.mp4", clip(2, 32, 32));
  log::set_sink({});
  log::set_level(log::Level::warn);
  EXPECT_NE(log.find("encoder " + report.encoder), std::string::npos) << log;
  const std::string message =
      message_of<Unavailable>([&] { write_video(folder / "b.mp4", clip(2, 32, 32), {.encoder = "libx265x"}); });
  EXPECT_NE(message.find("libx265x"), std::string::npos);
  EXPECT_FALSE(fs::exists(folder / "b.mp4"));
}

TEST(Write, BadRequests) {
  const Folder folder;
  const Frames in = clip(2, 16, 16);
  for (const char* name : {"a", "a.txt", "a.mp5", "a.wmv"})
    EXPECT_THROW(write_video(folder / name, in), ConfigError) << name;
  EXPECT_THROW(write_video(folder / "a.gif", in, {.fps = 60}), ConfigError);
  EXPECT_THROW(write_video(folder / "a.png", in, {.fps = -1}), ConfigError);
  EXPECT_THROW(write_video(folder / "a.png", in, {.fps = std::nan("")}), ConfigError);
  EXPECT_THROW(write_video(folder / "a.png", in, {.quality = 52}), ConfigError);
  EXPECT_THROW(write_video(folder / "a.png", Frames()), ShapeError);
  EXPECT_THROW(write_video(folder / "missing/a.png", in), IoError);
  EXPECT_THROW(expect_video_path("a.gif", 60), ConfigError);
  EXPECT_NO_THROW(expect_video_path("a.gif"));
  {
    VideoWriter unfinished(folder / "u.gif", 16, 16, 3, 8);
    unfinished.add(in.frame(0));
  }
  EXPECT_FALSE(fs::exists(folder / "u.gif"));
  CancelToken cancel;
  int frames = 0;
  EXPECT_THROW(write_video(
                   folder / "c.gif", in, {}, [&](const ProgressEvent&) { ++frames, cancel.cancel(); }, cancel),
               Interrupted);
  EXPECT_EQ(frames, 1);
  EXPECT_EQ(folder.parts(), 0u);
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(Write, CancelWhileEncoding) {
  NEEDS_BACKEND();
  const Folder folder;
  CancelToken cancel;
  VideoWriter writer(folder / "a.mp4", 256, 256, 3, 8, {}, cancel);
  const Frames in = clip(40, 256, 256);
  for (std::int64_t i = 0; i < 40; ++i) writer.add(in.frame(i));
  cancel.cancel(15);
  try {
    writer.finish();
    FAIL();
  } catch (const Interrupted& e) { EXPECT_EQ(e.code(), Exit::terminated); }
  writer = VideoWriter(folder / "b.png", 1, 1, 1, 1);  // ends the first
  EXPECT_FALSE(fs::exists(folder / "a.mp4"));
}

// D7: writes fail from some size on, as on a full disk (the signal is ignored, so write() gives EFBIG).
class SmallDisk {
 public:
  explicit SmallDisk(rlim_t bytes) : handler_(signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit now{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &now);
  }
  ~SmallDisk() {
    setrlimit(RLIMIT_FSIZE, &before_);
    signal(SIGXFSZ, handler_);
  }

 private:
  sighandler_t handler_;
  rlimit before_{};
};

TEST(Write, FullDiskLeavesNothing) {
  const Folder folder;
  const Frames in = noise(12, 128, 128, 3, 9);
  for (const char* name : {"a.mp4", "a.mkv", "a.webm", "a.gif", "a.png", "a.y4m", "frames/"}) {
    const bool ffmpeg_kind = name[2] == 'm' || name[2] == 'w';
    if (ffmpeg_kind && !backend_status().available) continue;
    for (rlim_t limit : {100, 20000}) {
      const SmallDisk disk(limit);
      try {
        write_video(folder.path().string() + "/" + name, in);
        ADD_FAILURE() << name;
      } catch (const IoError& e) { EXPECT_EQ(e.code(), Exit::io); }
    }
  }
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

TEST(Write, TmpfsThatIsFull) {
  const Folder folder;
  fs::create_directory(folder / "mnt");
  if (geteuid() != 0 || mount("tmpfs", (folder / "mnt").c_str(), "tmpfs", 0, "size=64k") != 0)
    GTEST_SKIP() << "needs the right to mount";
  for (const char* name : {"mnt/a.mp4", "mnt/a.gif", "mnt/a.mkv"})
    if (name[6] == 'g' || backend_status().available) {
      EXPECT_THROW(write_video(folder / name, noise(12, 128, 128, 3, 9)), IoError) << name;
      EXPECT_TRUE(fs::is_empty(folder / "mnt")) << name;
    }
  umount((folder / "mnt").c_str());
}

TEST(Write, FolderRemovedWhileEncoding) {
  NEEDS_BACKEND();
  const Folder folder;
  fs::create_directory(folder / "gone");
  VideoWriter writer(folder / "gone/a.mp4", 64, 64, 3, 8);
  const Frames in = clip(10, 64, 64);
  for (int i = 0; i < 10; ++i) writer.add(in.frame(i));
  fs::remove_all(folder / "gone");
  EXPECT_THROW(writer.finish(), IoError);
}

// Runs hidden tests of this program in a process of its own, with other surroundings.
pid_t start_self(const std::string& filter, const std::vector<std::string>& environment) {
  const pid_t pid = fork();
  if (pid != 0) return pid;
  for (const auto& e : environment) putenv(const_cast<char*>(e.c_str()));
  const std::string argument = "--gtest_filter=" + filter;
  if (!std::getenv("VGEN_TEST_VERBOSE") && !freopen("/dev/null", "w", stdout)) _exit(98);
  execl("/proc/self/exe", "test_video", argument.c_str(), "--gtest_also_run_disabled_tests", nullptr);
  _exit(99);
}
int exit_of(pid_t pid) {
  int status = 0;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

TEST(NoBackend, EverythingElseWorks) {
  EXPECT_EQ(exit_of(start_self("NoBackend.DISABLED_Inside",
                               {"VGEN_VIDEO_BACKEND=/nonexistent/lib.so", "VGEN_FFMPEG=/nonexistent/ffmpeg"})),
            0);
}

TEST(NoBackend, DISABLED_Inside) {
  const Folder folder;
  const Frames in = clip(4, 32, 48);
  ASSERT_FALSE(backend_status().available);
  for (const char* name : {"a.mp4", "a.mkv", "a.webm"}) {
    const std::string message = message_of<Unavailable>([&] { write_video(folder / name, in); });
    EXPECT_NE(message.find("apt-get install ffmpeg"), std::string::npos) << message;
    EXPECT_NE(message.find("imageio-ffmpeg"), std::string::npos) << message;
    EXPECT_NE(message.find("/nonexistent/lib.so"), std::string::npos) << message;
    EXPECT_THROW(expect_video_path(name), Unavailable);
  }
  for (const char* name : {"a.gif", "a.png", "a.y4m", "a.apng"})
    EXPECT_GT(write_video(folder / name, in).bytes, 0u) << name;
  for (const char* name : {"a.png", "a.y4m", "a.apng"}) EXPECT_EQ(read_video(folder / name).count, 4) << name;
  EXPECT_THROW(read_video(folder / "a.gif"), Unavailable);
  EXPECT_EQ(folder.parts(), 0u);
}

TEST(Program, EncodesThroughAPipe) {
  NEEDS_FFMPEG();
  EXPECT_EQ(exit_of(start_self("Program.DISABLED_Inside", {"VGEN_VIDEO_BACKEND=/nonexistent/lib.so"})), 0);
}

TEST(Program, DISABLED_Inside) {
  const Folder folder;
  for (const char* name : {"a b'c.mp4", "-a.mkv", "$(touch x).webm"})
    for (std::int64_t f : {1, 16}) {
      const Frames in = clip(f, 49, 64);
      const auto report = write_video(folder / name, in, {.metadata = {{"comment", "{\"prompt\": \"a; $(id) 'q'\"}"}}});
      const Folder plain;
      fs::copy_file(folder / name, plain / "a");
      EXPECT_EQ(
          output_of(
              "ffprobe -v error -count_frames -select_streams v -show_entries stream=nb_read_frames -of csv=p=0 " +
              (plain / "a").string()),
          std::to_string(f))
          << name << " " << report.encoder;
      EXPECT_NE(output_of("ffprobe -v error -show_entries format_tags -of default=nw=1 " + (plain / "a").string())
                    .find("{\"prompt\": \"a; $(id) 'q'\"}"),
                std::string::npos)
          << name;
    }
  EXPECT_EQ(folder.parts(), 0u);
  EXPECT_THROW(write_video(folder / "z.mp4", clip(2, 16, 16), {.encoder = "nothing"}), Unavailable);
  CancelToken cancel;
  EXPECT_THROW(write_video(
                   folder / "z.mp4", clip(3, 16, 16), {}, [&](const ProgressEvent&) { cancel.cancel(); }, cancel),
               Interrupted);
  {
    const SmallDisk disk(2000);
    EXPECT_THROW(write_video(folder / "z.mp4", noise(12, 128, 128, 3, 9)), IoError);
  }
  EXPECT_FALSE(fs::exists(folder / "z.mp4"));
  EXPECT_EQ(folder.parts(), 0u);
}

TEST(KillLong, NothingHalfWritten) {  // D6
  NEEDS_BACKEND();
  std::mt19937 random(10);
  int recovered = 0;
  for (int i = 0; i < 12; ++i) {
    const Folder folder;
    const char* name = i % 3 == 0 ? "a.mkv" : "a.mp4";
    const pid_t pid = start_self("KillLong.DISABLED_Inside", {"VGEN_TEST_TARGET=" + (folder / name).string()});
    const auto begin = std::chrono::steady_clock::now();
    const auto part = [&] {
      for (const auto& e : fs::directory_iterator(folder.path()))
        if (e.path().extension() == ".part" && fs::file_size(e.path()) > 20000) return e.path();
      return fs::path();
    };
    while (part().empty() && std::chrono::steady_clock::now() - begin < std::chrono::seconds(30)) usleep(2000);
    usleep(random() % 100000);
    kill(pid, SIGKILL);
    ASSERT_EQ(exit_of(pid), 128 + SIGKILL);
    EXPECT_FALSE(fs::exists(folder / name));
    ASSERT_FALSE(part().empty());
    VideoInfo info;
    const Frames out = read_video(part(), {}, &info);  // what was written can be played
    recovered += out.count > 0 && out.width == 320;
  }
  EXPECT_EQ(recovered, 12);
}

TEST(KillLong, DISABLED_Inside) {
  VideoWriter writer(std::getenv("VGEN_TEST_TARGET"), 240, 320, 3, 8, {.quality = 20, .threads = 1});
  const Frames in = noise(4, 240, 320, 3, 11);
  for (int i = 0;; ++i) writer.add(in.frame(i % 4));  // until killed
}

// ---- reading ----
TEST(Read, PartsOfAClip) {
  const Folder folder;
  const Frames in = noise(11, 8, 9, 3, 12);
  std::vector<std::string> names{"a.apng"};
  if (backend_status().available) names.push_back("a.mkv");
  for (const auto& name : names) {
    write_video(folder / name, in, {.encoder = name == "a.mkv" ? "ffv1" : "auto"});
    for (std::int64_t start : {0, 3, 10})
      for (std::int64_t stride : {1, 2, 5})
        for (std::int64_t count : {0, 1, 3}) {
          const Frames out = read_video(folder / name, {.start = start, .stride = stride, .frames = count});
          std::vector<std::uint8_t> expected;
          for (std::int64_t i = start, n = 0; i < 11 && (count == 0 || n < count); i += stride, ++n)
            expected.insert(expected.end(), in.frame(i), in.frame(i) + 8 * 9 * 3);
          EXPECT_EQ(*out.pixels, expected) << name << start << stride << count;
          EXPECT_NEAR(out.fps, 8.0 / double(stride), 1e-3);
        }
    EXPECT_THROW(read_video(folder / name, {.start = 11}), MediaError);
    EXPECT_THROW(read_video(folder / name, {.bytes = 8 * 9 * 3 * 5}), MediaError);
  }
}

TEST(Read, EqualsTheProgram) {  // D5
  NEEDS_BACKEND();
  NEEDS_FFMPEG();
  const Folder folder;
  struct Case {
    const char *name, *arguments;
  };
  const std::string source = "-f lavfi -i testsrc2=s=96x64:r=10 -frames:v 7 ";
  ASSERT_TRUE(ffmpeg(source + (folder / "base.mp4").string()));
  const std::string base = "-i " + (folder / "base.mp4").string() + " ";
  for (const Case& c : {Case{"full.mp4", "-pix_fmt yuvj420p"},
                        {"ten.mkv", "-pix_fmt yuv420p10le -c:v libx264"},
                        {"odd.webm", "-vf crop=65:49 -c:v libvpx-vp9"},
                        {"bt709.mp4", "-colorspace bt709 -color_range tv"},
                        {"hevc.mp4", "-c:v libx265 -x265-params log-level=none"},
                        {"i.avi", "-c:v mpeg4 -flags +ildct+ilme"},
                        {"four.mkv", "-pix_fmt yuv444p -c:v libx264"},
                        {"motion.avi", "-c:v mjpeg"},
                        {"raw.avi", "-c:v rawvideo -pix_fmt bgr24"},
                        {"vfr.mkv", "-vf select='not(mod(n\\,3))+eq(n\\,1)' -vsync vfr"},
                        {"av1.mkv", "-c:v libaom-av1 -cpu-used 8 -usage realtime"},
                        {"vp8.webm", "-c:v libvpx"},
                        {"alpha.mkv", "-pix_fmt yuva420p -c:v ffv1"},
                        {"pal.gif", ""},
                        {"still.jpg", "-frames:v 1"},
                        {"still.webp", "-frames:v 1"},
                        {"gray.mkv", "-pix_fmt gray -c:v ffv1"}}) {
    const fs::path file = folder / c.name;
    ASSERT_TRUE(ffmpeg(base + c.arguments + " " + file.string())) << c.name;
    const std::string oracle = decoded_by_ffmpeg(file, folder);
    VideoInfo info;
    const Frames out = read_video(file, {}, &info);
    ASSERT_EQ(oracle.size(), out.bytes()) << c.name;
    EXPECT_LE(max_difference(reinterpret_cast<const std::uint8_t*>(oracle.data()), out.frame(0), out.bytes()), 1)
        << c.name;
    EXPECT_FALSE(info.truncated) << c.name;
  }
}

TEST(Read, RotationAndFlips) {
  NEEDS_BACKEND();
  NEEDS_FFMPEG();
  const Folder folder;
  ASSERT_TRUE(ffmpeg("-f lavfi -i testsrc2=s=96x64:r=10 -frames:v 2 " + (folder / "base.mov").string()));
  const std::string bytes = slurp(folder / "base.mov");
  const auto tkhd = bytes.find("tkhd");
  ASSERT_NE(tkhd, std::string::npos);
  // All eight symmetries, as the 2x2 part of the track's display matrix.
  for (const auto& m : std::vector<std::array<int, 4>>{{1, 0, 0, 1},
                                                       {0, 1, -1, 0},
                                                       {-1, 0, 0, -1},
                                                       {0, -1, 1, 0},
                                                       {-1, 0, 0, 1},
                                                       {1, 0, 0, -1},
                                                       {0, 1, 1, 0},
                                                       {0, -1, -1, 0}}) {
    std::string turned = bytes;
    const std::size_t at = tkhd + 4 + 40;  // version 0: the matrix follows 40 bytes of fields
    const auto put = [&](std::size_t index, int v) {
      const auto word = std::uint32_t(v * 65536);
      for (int b = 0; b < 4; ++b) turned[at + index * 4 + std::size_t(b)] = char(word >> (24 - 8 * b));
    };
    put(0, m[0]), put(1, m[1]), put(3, m[2]), put(4, m[3]);
    spit(folder / "t.mov", turned);
    const Frames out = read_video(folder / "t.mov");
    EXPECT_EQ(out.width, m[0] ? 96 : 64);
    EXPECT_EQ(probe(folder / "t.mov").width, out.width);
    const std::string oracle = decoded_by_ffmpeg(folder / "t.mov", folder);
    ASSERT_EQ(oracle.size(), out.bytes());
    // The program turns before the conversion of colours, so chroma may differ by rounding.
    int worst = max_difference(reinterpret_cast<const std::uint8_t*>(oracle.data()), out.frame(0), out.bytes());
    std::size_t far = 0;
    for (std::size_t i = 0; i < out.bytes(); ++i)
      far += std::abs(int(std::uint8_t(oracle[i])) - int((*out.pixels)[i])) > 24;
    EXPECT_LT(double(far) / double(out.bytes()), 0.03) << m[0] << m[1] << m[2] << m[3] << " worst " << worst;
  }
}

TEST(Read, AlphaOverABackground) {
  const Folder folder;
  Frames rgba(1, 1, 2, 4);
  *rgba.pixels = {200, 100, 0, 128, 1, 2, 3, 255};
  write_image(folder / "a.png", rgba);
  EXPECT_EQ(*read_image(folder / "a.png").pixels, (std::vector<std::uint8_t>{200, 100, 0, 1, 2, 3}));
  EXPECT_EQ(*read_video(folder / "a.png", {.background = {{255, 255, 255}}}).pixels,
            (std::vector<std::uint8_t>{227, 177, 127, 1, 2, 3}));
}

}  // namespace
}  // namespace vgen::video
