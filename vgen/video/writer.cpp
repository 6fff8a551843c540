#include "vgen/video/writer.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <optional>
#include <vector>

#include "vgen/core/atomic_file.hpp"
#include "vgen/core/log.hpp"
#include "vgen/video/backend.hpp"
#include "vgen/video/ffmpeg_api.hpp"
#include "vgen/video/ffmpeg_program.hpp"
#include "vgen/video/png.hpp"
#include "vgen/video/y4m.hpp"

namespace vgen::video {
namespace {

std::string shown(const std::filesystem::path& path) { return "'" + printable(path.string()) + "'"; }

enum class Kind { gif, png, y4m, folder, ffmpeg };
struct Target {
  Kind kind;
  std::string muxer;
};

Target target_of(const std::filesystem::path& path) {
  if (!path.empty() && !path.has_filename()) return {Kind::folder, ""};
  std::string end = path.extension().string();
  std::transform(end.begin(), end.end(), end.begin(), [](unsigned char c) { return char(std::tolower(c)); });
  if (end == ".gif") return {Kind::gif, ""};
  if (end == ".png" || end == ".apng") return {Kind::png, ""};
  if (end == ".y4m") return {Kind::y4m, ""};
  if (end == ".mp4" || end == ".m4v") return {Kind::ffmpeg, "mp4"};
  if (end == ".mov") return {Kind::ffmpeg, "mov"};
  if (end == ".mkv") return {Kind::ffmpeg, "matroska"};
  if (end == ".webm") return {Kind::ffmpeg, "webm"};
  throw ConfigError(
      str("video: cannot tell the format of ", shown(path),
          "; expected .mp4, .mov, .mkv, .webm, .gif, .png, .apng, .y4m, or a folder name that ends in '/'"));
}

std::vector<std::string> encoders_for(const std::string& muxer, const std::string& asked) {
  if (asked != "auto") return {asked};
  if (muxer == "webm") return {"libvpx-vp9", "libsvtav1", "libaom-av1"};
  return {"libx264", "libopenh264", "h264_nvenc", "libvpx-vp9", "libsvtav1", "mpeg4"};
}

double check(double fps, const WriteOptions& o) {
  const double rate = o.fps != 0 ? o.fps : fps;
  VGEN_CHECK(rate >= 0.01 && rate <= 1000, ConfigError, "video: fps must be in [0.01, 1000], got ", rate);
  VGEN_CHECK(o.quality >= 0 && o.quality <= 51, ConfigError, "video: quality must be in [0, 51] (0 is best), got ",
             o.quality);
  VGEN_CHECK(o.loop >= 0 && o.loop < 65536, ConfigError, "video: loop must be in [0, 65535], got ", o.loop);
  VGEN_CHECK(o.threads >= 0 && o.threads <= 64, ConfigError, "video: threads must be in [0, 64], got ", o.threads);
  return rate;
}

// Folders that are not ours are never replaced.
void expect_free_folder(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return;
  VGEN_CHECK(std::filesystem::is_directory(path, ignored) &&
                 (std::filesystem::is_empty(path, ignored) || std::filesystem::exists(path / "MANIFEST.json", ignored)),
             IoError, "video: ", shown(path), " exists and was not written by vgen; name another folder or remove it");
}

struct Opened {
  int fd;
  explicit Opened(const std::filesystem::path& path) : fd(::open(path.c_str(), O_RDWR | O_CLOEXEC)) {
    VGEN_CHECK(fd >= 0, IoError, "video: cannot open ", shown(path), ": ", std::strerror(errno));
  }
  ~Opened() { ::close(fd); }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
};

}  // namespace

struct VideoWriter::Sink {
  std::string encoder;
  virtual ~Sink() = default;
  virtual void add(const std::uint8_t* pixels) = 0;
  virtual void finish() = 0;
};

namespace {

struct GifSink final : VideoWriter::Sink {
  AtomicFile file;
  Frames frames;
  WriteOptions o;
  bool png;
  CancelToken cancel;
  GifSink(const std::filesystem::path& path, std::int64_t h, std::int64_t w, std::int64_t c, double fps,
          const WriteOptions& options, bool as_png, const CancelToken& token)
      : file(path), frames(0, h, w, c, fps), o(options), png(as_png), cancel(token) {
    encoder = png ? "png" : "gif";
    VGEN_CHECK(png || fps <= 50, ConfigError, "gif: fps must be in (0, 50], got ", fps,
               "; write .mp4 or .apng instead");
  }
  void add(const std::uint8_t* pixels) override {
    frames.pixels->insert(frames.pixels->end(), pixels, pixels + frames.height * frames.width * frames.channels);
    ++frames.count;
  }
  void finish() override {
    const auto comment = o.metadata.find("comment");
    file.write(png ? encode_apng(frames, o.metadata, o.loop, cancel)
                   : encode_gif(frames,
                                {o.loop, o.palette, o.dither, comment == o.metadata.end() ? "" : comment->second},
                                cancel));
    file.commit();
  }
};

struct Y4mSink final : VideoWriter::Sink {
  AtomicFile file;
  std::int64_t h, w, c;
  Y4mSink(const std::filesystem::path& path, std::int64_t height, std::int64_t width, std::int64_t channels, double fps)
      : file(path), h(height), w(width), c(channels) {
    encoder = "rawvideo";
    file.write(y4m_header(h, w, fps));
  }
  void add(const std::uint8_t* pixels) override { file.write(y4m_frame(pixels, h, w, c)); }
  void finish() override { file.commit(); }
};

struct FolderSink final : VideoWriter::Sink {
  AtomicDir folder;
  std::int64_t h, w, c, count = 0;
  Metadata metadata;
  FolderSink(const std::filesystem::path& path, std::int64_t height, std::int64_t width, std::int64_t channels,
             Metadata m)
      : folder(path), h(height), w(width), c(channels), metadata(std::move(m)) {
    encoder = "png";
  }
  void add(const std::uint8_t* pixels) override {
    char name[32];
    std::snprintf(name, sizeof name, "frame_%05lld.png", static_cast<long long>(count++));
    write_file(folder.temporary() / name, encode_png(pixels, h, w, c, metadata));
  }
  void finish() override { folder.commit(); }
};

struct LibrarySink final : VideoWriter::Sink {
  const ffmpeg_api::Api& api;
  std::string who;
  CancelToken cancel;
  AtomicFile partial;               // fragmented while frames come: what a killed run leaves can be played
  std::optional<AtomicFile> whole;  // mp4, mov: rewritten at the end
  Opened partial_fd;
  std::optional<Opened> whole_fd;
  void* writer = nullptr;
  // What the back end's request points to: it is read again when the file is rewritten at the end.
  std::string muxer_name;
  std::vector<std::string> texts;
  std::vector<const char*> encoders, metadata;

  LibrarySink(const std::filesystem::path& path, const std::string& muxer, std::int64_t h, std::int64_t w,
              std::int64_t c, double fps, const WriteOptions& o, const CancelToken& token)
      : api(backend("video")),
        who("video: " + shown(path)),
        cancel(token),
        partial(path),
        partial_fd(partial.temporary()) {
    if (muxer == "mp4" || muxer == "mov") {
      whole.emplace(path);
      whole_fd.emplace(whole->temporary());
    }
    muxer_name = muxer;
    texts = encoders_for(muxer, o.encoder);
    const std::size_t names = texts.size();
    for (const auto& [key, value] : o.metadata) texts.push_back(key), texts.push_back(value);
    for (std::size_t i = 0; i < texts.size(); ++i) (i < names ? encoders : metadata).push_back(texts[i].c_str());
    encoders.push_back(nullptr), metadata.push_back(nullptr);
    ffmpeg_api::OpenWrite request{};
    request.descriptor = partial_fd.fd;
    request.final_descriptor = whole_fd ? whole_fd->fd : -1;
    request.muxer = muxer_name.c_str();
    request.encoders = encoders.data();
    request.width = w, request.height = h, request.channels = c, request.fps = fps, request.quality = o.quality;
    request.metadata = metadata.data();
    request.threads = o.threads;
    request.interrupted = [](void* t) { return int(static_cast<CancelToken*>(t)->cancelled()); };
    request.user = &cancel;
    char name[64] = "";
    ffmpeg_api::Error error{};
    writer = api.write_open(&request, name, sizeof name, &error);
    if (!writer) fail(error);
    encoder = name;
  }
  ~LibrarySink() override {
    if (writer) api.write_close(writer);
  }
  void add(const std::uint8_t* pixels) override {
    ffmpeg_api::Error error{};
    if (api.write_frame(writer, pixels, &error) != ffmpeg_api::ok) fail(error);
  }
  void finish() override {
    ffmpeg_api::Error error{};
    if (api.write_finish(writer, &error) != ffmpeg_api::ok) fail(error);
    api.write_close(writer);
    writer = nullptr;
    (whole ? *whole : partial).commit();
  }
  [[noreturn]] void fail(const ffmpeg_api::Error& e) const {
    const std::string message = str(who, ": ", printable(e.text, 800));
    if (e.status == ffmpeg_api::interrupted) cancel.check(who);
    if (e.status == ffmpeg_api::io) throw IoError(str("cannot write ", message));
    if (e.status == ffmpeg_api::unavailable) throw Unavailable(str(message, ". ", ffmpeg_advice()));
    throw Error(message);
  }
};

struct ProgramSink final : VideoWriter::Sink {
  AtomicFile partial;
  std::optional<AtomicFile> whole;
  ProgramEncoder program;
  ProgramSink(const std::filesystem::path& path, const std::filesystem::path& binary, const std::string& muxer,
              std::int64_t h, std::int64_t w, std::int64_t c, double fps, const WriteOptions& o,
              const CancelToken& cancel)
      : partial(path),
        program(binary, partial.temporary(), muxer, encoders_for(muxer, o.encoder), h, w, c, fps, o, cancel) {
    if (muxer == "mp4" || muxer == "mov") whole.emplace(path);
    encoder = program.encoder();
  }
  void add(const std::uint8_t* pixels) override { program.add(pixels); }
  void finish() override {
    program.finish(whole ? whole->temporary() : partial.temporary());
    (whole ? *whole : partial).commit();
  }
};

// The library if it has one of the encoders, else the program, else Unavailable or ConfigError with the reason.
enum class Way { library, program };
Way way_for(const std::string& muxer, const WriteOptions& o, std::filesystem::path& program) {
  if (backend_status().available) {
    const auto& api = backend("video");
    const auto names = encoders_for(muxer, o.encoder);
    if (std::any_of(names.begin(), names.end(), [&](const std::string& n) { return api.has_encoder(n.c_str()); }))
      return Way::library;
    const auto all = encoders_for("mp4", "auto");
    const std::string near = nearest(o.encoder, all.data(), all.size());
    VGEN_CHECK(o.encoder == "auto", Unavailable, "video: FFmpeg here has no encoder '", printable(o.encoder), "'",
               near.empty() ? "" : "; did you mean '" + near + "'?", " 'auto' takes the first that works");
  }
  program = ffmpeg_program();
  if (program.empty()) backend("video: writing ." + muxer);  // throws with the reason
  VGEN_CHECK(!program.empty(), Unavailable, "video: FFmpeg here has no encoder for ", muxer, ". ", ffmpeg_advice());
  return Way::program;
}

std::unique_ptr<VideoWriter::Sink> open_sink(const std::filesystem::path& path, std::int64_t h, std::int64_t w,
                                             std::int64_t c, double fps, const WriteOptions& o,
                                             const CancelToken& cancel) {
  const Target target = target_of(path);
  switch (target.kind) {
    case Kind::gif:
    case Kind::png:
      return std::make_unique<GifSink>(path, h, w, c, fps, o, target.kind == Kind::png, cancel);
    case Kind::y4m:
      return std::make_unique<Y4mSink>(path, h, w, c, fps);
    case Kind::folder:
      expect_free_folder(path);
      return std::make_unique<FolderSink>(path, h, w, c, o.metadata);
    case Kind::ffmpeg:
      break;
  }
  VGEN_CHECK(h <= 16384 && w <= 16384, ShapeError, "video: sides above 16384 are not encoded, got ", w, "x", h);
  std::filesystem::path program;
  std::unique_ptr<VideoWriter::Sink> sink;
  if (way_for(target.muxer, o, program) == Way::library) {
    sink = std::make_unique<LibrarySink>(path, target.muxer, h, w, c, fps, o, cancel);
    log::info("video: ", shown(path), ": encoder ", sink->encoder, " (", backend_status().text, ")");
  } else {
    sink = std::make_unique<ProgramSink>(path, program, target.muxer, h, w, c, fps, o, cancel);
    log::info("video: ", shown(path), ": encoder ", sink->encoder, " through ", program.string(), " (",
              backend_status().text, ")");
  }
  if ((h % 2 || w % 2) && sink->encoder.find("264") != std::string::npos)
    log::warn("video: H.264 needs even sides: ", w, "x", h, " is written as ", (w + 1) / 2 * 2, "x", (h + 1) / 2 * 2,
              ", the last line repeated");
  return sink;
}

}  // namespace

VideoWriter::VideoWriter(const std::filesystem::path& path, std::int64_t height, std::int64_t width,
                         std::int64_t channels, double fps, const WriteOptions& options, const CancelToken& cancel)
    : path_(path), cancel_(cancel) {
  VGEN_CHECK(height > 0 && width > 0, ShapeError, "video: expected a picture of at least 1x1, got ", height, "x",
             width);
  VGEN_CHECK(channels == 1 || channels == 3 || channels == 4, ShapeError, "video: expected 1, 3 or 4 channels, got ",
             channels);
  sink_ = open_sink(path, height, width, channels, check(fps, options), options, cancel);
}
VideoWriter::~VideoWriter() = default;
VideoWriter::VideoWriter(VideoWriter&&) noexcept = default;
VideoWriter& VideoWriter::operator=(VideoWriter&&) noexcept = default;

void VideoWriter::add(const std::uint8_t* pixels) {
  VGEN_CHECK(sink_, ConfigError, "video: add() after finish()");
  cancel_.check("video");
  sink_->add(pixels);
  ++frames_;
}

WriteReport VideoWriter::finish() {
  VGEN_CHECK(sink_, ConfigError, "video: finish() was called before");
  VGEN_CHECK(frames_ > 0, ShapeError, "video: no frames were given for ", shown(path_));
  cancel_.check("video");
  sink_->finish();
  WriteReport report{path_, sink_->encoder, frames_, 0};
  sink_.reset();
  std::error_code ignored;
  if (path_.has_filename())
    report.bytes = std::filesystem::file_size(path_, ignored);
  else
    for (const auto& f : std::filesystem::directory_iterator(path_, ignored)) report.bytes += f.file_size(ignored);
  return report;
}

WriteReport write_video(const std::filesystem::path& path, const Frames& frames, const WriteOptions& options,
                        const OnProgress& progress, const CancelToken& cancel) {
  VGEN_CHECK(frames.count > 0 && frames.pixels && frames.pixels->size() >= frames.bytes(), ShapeError,
             "video: no frames were given for ", shown(path));
  VideoWriter writer(path, frames.height, frames.width, frames.channels, frames.fps, options, cancel);
  const auto begin = std::chrono::steady_clock::now();
  for (std::int64_t i = 0; i < frames.count; ++i) {
    writer.add(frames.frame(i));
    if (progress)
      progress({"write", i + 1, frames.count,
                std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count()});
  }
  return writer.finish();
}

WriteReport write_image(const std::filesystem::path& path, const Frames& frames, std::int64_t frame,
                        const std::map<std::string, std::string>& metadata) {
  VGEN_CHECK(frame >= 0 && frame < frames.count, ShapeError, "write_image: frame ", frame, " of ", frames.count);
  VGEN_CHECK(target_of(path).kind == Kind::png, ConfigError, "write_image: expected a .png name, got ", shown(path));
  const std::string bytes = encode_png(frames.frame(frame), frames.height, frames.width, frames.channels, metadata);
  write_file(path, bytes);
  return {path, "png", 1, bytes.size()};
}

void expect_video_path(const std::filesystem::path& path, double fps, const WriteOptions& options) {
  const Target target = target_of(path);
  const double rate = check(fps, options);
  VGEN_CHECK(target.kind != Kind::gif || rate <= 50, ConfigError, "gif: fps must be in (0, 50], got ", rate,
             "; write .mp4 or .apng instead");
  if (target.kind == Kind::folder) expect_free_folder(path);
  std::filesystem::path program;
  if (target.kind == Kind::ffmpeg) way_for(target.muxer, options, program);
}

}  // namespace vgen::video
