#include "vgen/video/ffmpeg_program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <string_view>
#include <utility>

#include "vgen/video/backend.hpp"
#include "vgen/video/writer.hpp"

extern char** environ;

namespace vgen::video {
namespace {

struct Descriptor {
  int fd = -1;
  explicit Descriptor(int f = -1) : fd(f) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  void close() {
    if (fd >= 0) ::close(fd);
    fd = -1;
  }
};

std::string content(int fd, std::size_t limit) {
  std::string out(limit, '\0');
  const ssize_t n = pread(fd, out.data(), limit, 0);
  out.resize(n > 0 ? std::size_t(n) : 0);
  while (!out.empty() && (out.back() == '\n' || out.back() == ' ')) out.pop_back();
  return out;
}

}  // namespace

// A program with its output caught in memory, its input a socket (so that its end gives an error, not SIGPIPE) or
// nothing.
struct ProgramEncoder::Child {
  pid_t pid = -1;
  Descriptor input, output;

  Child(const std::filesystem::path& program, const std::vector<std::string>& arguments, bool feed)
      : output(memfd_create("vgen-ffmpeg", MFD_CLOEXEC)) {
    int pair[2] = {-1, -1};
    if (feed)
      VGEN_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0, IoError,
                 "ffmpeg: ", std::strerror(errno));
    input.fd = pair[0];
    const Descriptor theirs(pair[1]);
    VGEN_CHECK(output.fd >= 0, IoError, "ffmpeg: ", std::strerror(errno));
    std::vector<char*> argv{const_cast<char*>(program.c_str())};
    for (const auto& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    if (feed)
      posix_spawn_file_actions_adddup2(&actions, theirs.fd, 0);
    else
      posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, output.fd, 1);
    posix_spawn_file_actions_adddup2(&actions, output.fd, 2);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);  // Ctrl-C in the terminal is ours to handle
    posix_spawnattr_setpgroup(&attributes, 0);
    const int code = posix_spawn(&pid, program.c_str(), &actions, &attributes, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (code != 0) pid = -1;
    VGEN_CHECK(code == 0, Unavailable, "ffmpeg: cannot start '", printable(program.string()),
               "': ", std::strerror(code));
  }
  ~Child() {
    if (pid < 0) return;
    kill(pid, SIGKILL);
    while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {}
  }
  void send(const std::uint8_t* p, std::size_t n, const CancelToken& cancel) {
    while (n > 0) {
      cancel.check("ffmpeg");
      pollfd ready{input.fd, POLLOUT, 0};
      if (poll(&ready, 1, 50) <= 0) continue;
      const ssize_t put = ::send(input.fd, p, std::min<std::size_t>(n, 1 << 18), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (put < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      if (put < 0) {
        wait(cancel);  // says what the program said
        throw IoError("ffmpeg: the program stopped taking frames");
      }
      p += put, n -= std::size_t(put);
    }
  }
  // IoError with the program's words unless it succeeded.
  void wait(const CancelToken& cancel) {
    input.close();
    int status = 0;
    for (pid_t done = 0; (done = waitpid(pid, &status, WNOHANG)) != pid;) {
      VGEN_CHECK(done >= 0 || errno == EINTR, IoError, "ffmpeg: ", std::strerror(errno));
      cancel.check("ffmpeg");
      usleep(2000);
    }
    pid = -1;
    VGEN_CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, IoError,
               "ffmpeg: the program failed: ", printable(content(output.fd, 4096), 600));
  }
  // The program ends with success even where its writes failed (5.1 on a full disk): at -loglevel error any word of it
  // is a failure.
  void expect_silence() const {
    const std::string said = content(output.fd, 1 << 14);
    for (std::size_t at = 0; at < said.size();) {
      const std::size_t end = std::min(said.find('\n', at), said.size());
      const auto line = said.substr(at, end - at);
      at = end + 1;
      const bool chatter = line.empty() || line.starts_with("Svt[");  // SVT-AV1 prints past FFmpeg's log
      VGEN_CHECK(chatter, IoError, "ffmpeg: the program failed: ", printable(said, 600));
    }
  }
};

std::vector<std::string> program_encoders(const std::filesystem::path& program) {
  ProgramEncoder::Child child(program, {"-hide_banner", "-encoders"}, false);
  child.wait({});
  const std::string text = content(child.output.fd, 1 << 16);
  std::vector<std::string> names;
  // " V....D libx264              libx264 H.264 ...", after a legend that ends with " ------".
  for (std::size_t at = std::min(text.size(), text.find("------")); at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = std::string_view(text).substr(at, end - at);
    at = end + 1;
    if (line.size() < 9 || line[1] != 'V') continue;
    const auto name = line.substr(8, line.find(' ', 8) - 8);
    names.emplace_back(name);
  }
  return names;
}

ProgramEncoder::ProgramEncoder(std::filesystem::path program, std::filesystem::path file, std::string muxer,
                               const std::vector<std::string>& encoders, std::int64_t height, std::int64_t width,
                               std::int64_t channels, double fps, const WriteOptions& o, CancelToken cancel)
    : program_(std::move(program)),
      file_(std::filesystem::absolute(file)),
      muxer_(std::move(muxer)),
      height_(height),
      width_(width),
      channels_(channels),
      cancel_(std::move(cancel)) {
  const auto known = program_encoders(program_);
  for (const auto& e : encoders)
    if (encoder_.empty() && std::find(known.begin(), known.end(), e) != known.end()) encoder_ = e;
  if (encoder_.empty()) {
    std::string list;
    for (const auto& e : encoders) list += (list.empty() ? "" : ", ") + e;
    throw Unavailable(str("video: '", printable(program_.string()), "' has none of the encoders ", list));
  }
  const bool lossless = encoder_ == "ffv1", mp4 = muxer_ == "mp4" || muxer_ == "mov";
  // Bytes go in with even sides, as H.264 wants them; other encoders take odd ones.
  const bool pad = encoder_.find("264") != std::string::npos && (height % 2 || width % 2);
  const auto h = pad ? (height + 1) / 2 * 2 : height, w = pad ? (width + 1) / 2 * 2 : width;
  if (pad) padded_.resize(std::size_t(h * w * channels));
  std::vector<std::string> a{
      "-hide_banner", "-loglevel",    "error",         "-xerror",
      "-f",           "rawvideo",     "-pixel_format", channels == 1 ? "gray" : channels == 3 ? "rgb24" : "rgba",
      "-video_size",  str(w, "x", h), "-framerate",    str(fps),
      "-i",           "pipe:0",       "-c:v",          encoder_};
  const auto add = [&](std::initializer_list<std::string> more) { a.insert(a.end(), more); };
  const std::string crf = str(o.quality), on63 = str(std::lround(o.quality * 63 / 51.0));
  if (encoder_ == "libx264")
    add({"-crf", crf, "-preset", "medium"});
  else if (encoder_ == "h264_nvenc")
    add({"-rc", "vbr", "-cq", str(std::max(1, o.quality)), "-b:v", "0"});
  else if (encoder_ == "libvpx-vp9")
    add({"-crf", on63, "-b:v", "0", "-deadline", "good", "-cpu-used", "3", "-row-mt", "1"});
  else if (encoder_ == "libaom-av1")
    add({"-crf", on63, "-b:v", "0", "-cpu-used", "6"});
  else if (encoder_ == "libsvtav1")
    add({"-crf", on63, "-preset", "8"});
  else if (encoder_ == "mpeg4" || encoder_ == "mjpeg")
    add({"-q:v", str(std::clamp(1 + o.quality * 30 / 51, 1, 31))});
  else if (!lossless)
    add({"-b:v", str(std::llround(double(w * h) * fps * 0.1 * std::exp2((23 - o.quality) / 6.0)))});
  if (lossless)
    add({"-pix_fmt", "bgr0", "-level", "3"});
  else
    add({"-vf", "scale=out_color_matrix=bt709:out_range=tv:flags=bicubic+accurate_rnd+full_chroma_int", "-pix_fmt",
         "yuv420p", "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"});
  if (o.threads > 0) add({"-threads", str(o.threads)});
  bool generic = false;
  for (const auto& [key, value] : o.metadata) {
    VGEN_CHECK(key.find('=') == std::string::npos, ConfigError, "video: a metadata key must not contain '=', got '",
               printable(key), "'");
    add({"-metadata", key + "=" + value});
    generic = generic || key != "comment";
  }
  if (mp4)
    add({"-movflags", str("delay_moov+frag_every_frame+default_base_moof", generic ? "+use_metadata_tags" : "")});
  add({"-flags", "+bitexact", "-fflags", "+bitexact", "-f", muxer_, "-y", "file:" + file_.string()});
  child_ = std::make_unique<Child>(program_, a, true);
}

ProgramEncoder::~ProgramEncoder() = default;

void ProgramEncoder::add(const std::uint8_t* pixels) {
  if (padded_.empty()) return child_->send(pixels, std::size_t(height_ * width_ * channels_), cancel_);
  const auto h = (height_ + 1) / 2 * 2, w = (width_ + 1) / 2 * 2;
  for (std::int64_t y = 0; y < h; ++y) {
    const std::uint8_t* from = pixels + std::min(y, height_ - 1) * width_ * channels_;
    std::uint8_t* to = padded_.data() + y * w * channels_;
    std::memcpy(to, from, std::size_t(width_ * channels_));
    if (w > width_) std::memcpy(to + width_ * channels_, from + (width_ - 1) * channels_, std::size_t(channels_));
  }
  child_->send(padded_.data(), padded_.size(), cancel_);
}

void ProgramEncoder::finish(const std::filesystem::path& final_file) {
  child_->wait(cancel_);
  child_->expect_silence();
  if (muxer_ != "mp4" && muxer_ != "mov") return;
  Child rewrite(program_,
                {"-hide_banner",
                 "-loglevel",
                 "error",
                 "-xerror",
                 "-f",
                 "mov",
                 "-i",
                 "file:" + file_.string(),
                 "-map_metadata",
                 "0",
                 "-c",
                 "copy",
                 "-movflags",
                 "faststart+use_metadata_tags",
                 "-fflags",
                 "+bitexact",
                 "-f",
                 muxer_,
                 "-y",
                 "file:" + std::filesystem::absolute(final_file).string()},
                false);
  rewrite.wait(cancel_);
  rewrite.expect_silence();
}

}  // namespace vgen::video
