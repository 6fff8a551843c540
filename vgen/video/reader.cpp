#include "vgen/video/reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "vgen/core/log.hpp"
#include "vgen/video/backend.hpp"
#include "vgen/video/ffmpeg_api.hpp"
#include "vgen/video/motion_vectors.hpp"
#include "vgen/video/png.hpp"
#include "vgen/video/y4m.hpp"

namespace vgen::video {
namespace {

std::string shown(const std::filesystem::path& path) { return "'" + printable(path.string()) + "'"; }

class InputFile {
 public:
  explicit InputFile(const std::filesystem::path& path) : path_(path) {
    do fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a FIFO must not block
    while (fd_ < 0 && errno == EINTR);
    VGEN_CHECK(fd_ >= 0, IoError, "video: cannot open ", shown(path), ": ", std::strerror(errno));
    struct stat s {};
    if (fstat(fd_, &s) != 0 || !S_ISREG(s.st_mode)) {
      ::close(fd_);
      throw IoError(str("video: ", shown(path),
                        S_ISDIR(s.st_mode) ? " is a folder; expected a video or picture" : " is no regular file"));
    }
    size_ = static_cast<std::size_t>(s.st_size);
  }
  ~InputFile() { ::close(fd_); }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  int descriptor() const { return fd_; }
  std::size_t size() const { return size_; }
  // Up to `n` bytes from `at`; fewer at the end of the file.
  std::string read(std::size_t at, std::size_t n) const {
    std::string out(at < size_ ? std::min(n, size_ - at) : 0, '\0');
    for (std::size_t done = 0; done < out.size();) {
      const ssize_t got = pread(fd_, out.data() + done, out.size() - done, static_cast<off_t>(at + done));
      if (got < 0 && errno == EINTR) continue;
      VGEN_CHECK(got >= 0, IoError, "video: cannot read ", shown(path_), ": ", std::strerror(errno));
      if (got == 0) out.resize(done);
      done += static_cast<std::size_t>(got);
    }
    return out;
  }

 private:
  std::filesystem::path path_;
  int fd_ = -1;
  std::size_t size_ = 0;
};

// The kind by the first bytes, never by the name: playlists and other text formats that make FFmpeg open further files
// cannot match.
std::string_view kind_of(std::string_view head) {
  const auto at = [&](std::size_t i, std::string_view magic) {
    return head.substr(std::min(i, head.size()), magic.size()) == magic;
  };
  if (is_png(head)) return "png";
  if (at(0, "YUV4MPEG2 ")) return "y4m";
  for (const char* box : {"ftyp", "moov", "mdat", "wide", "free", "skip", "pnot", "moof", "styp"})
    if (at(4, box)) return "mov";
  if (at(0, "\x1a\x45\xdf\xa3")) return "matroska";
  if (at(0, "RIFF") && at(8, "AVI ")) return "avi";
  if (at(0, "RIFF") && at(8, "WEBP")) return "webp_pipe";
  if (at(0, "GIF87a") || at(0, "GIF89a")) return "gif";
  if (at(0, "\xff\xd8\xff")) return "jpeg_pipe";
  return "";
}

// Whether the container's own sizes reach beyond the end of the file, or its end mark is missing. Decoders often do not
// notice.
bool ends_early(const InputFile& file, std::string_view kind) {
  const auto number = [&](std::size_t at, std::size_t n, bool little) {
    const std::string b = file.read(at, n);
    std::uint64_t v = 0;
    for (std::size_t i = 0; i < b.size(); ++i)
      v = v << 8 | static_cast<unsigned char>(b[little ? b.size() - 1 - i : i]);
    return v;
  };
  if (kind == "mov") {
    std::size_t at = 0;
    for (int boxes = 0; at < file.size() && boxes < 200000; ++boxes) {
      if (file.size() - at < 8) return true;
      std::uint64_t size = number(at, 4, false);
      if (size == 0) return false;  // to the end, whatever it is
      if (size == 1) size = number(at + 8, 8, false);
      if (size < 8 || size > file.size() - at) return true;
      at += size;
    }
    return false;
  }
  if (kind == "avi" || kind == "webp_pipe") return number(4, 4, true) + 8 > file.size();
  if (kind == "gif") {
    const std::string tail = file.read(file.size() - std::min<std::size_t>(64, file.size()), 64);
    const auto last = tail.find_last_not_of('\0');
    return last == std::string::npos || tail[last] != ';';
  }
  if (kind == "matroska") {  // EBML header, then one segment; sizes are 1 to 8 bytes, the first byte's leading zeros
                             // tell how many
    std::size_t at = 4;
    for (int element = 0; element < 2; ++element, at += 4) {
      const auto first = number(at, 1, false);
      std::size_t n = 1;
      while (n < 8 && !(first & (0x80u >> (n - 1)))) ++n;
      const std::uint64_t mask = (std::uint64_t(1) << (7 * n)) - 1, size = number(at, n, false) & mask;
      if (element == 1 && size == mask) return false;  // unknown: written live
      at += n;
      if (at > file.size() || size > file.size() - at) return true;
      at += element == 0 ? size : 0;
    }
  }
  return false;
}

struct Source {
  VideoInfo info;
  virtual ~Source() = default;
  // `channels` 3 or 4, rows `stride` bytes apart; null after the last one. With `skip` only the position advances.
  struct Picture {
    const std::uint8_t* pixels = nullptr;
    std::int64_t height = 0, width = 0, stride = 0, channels = 0;
    const ffmpeg_api::MotionVector* vectors = nullptr;
    std::int64_t vector_count = 0;
  };
  virtual bool next(bool skip, Picture& out) = 0;
};

struct PngSource final : Source {
  PngImage image;
  std::int64_t at = 0;
  PngSource(const InputFile& file, const ReadOptions& o) {
    VGEN_CHECK(file.size() <= std::size_t(1) << 30, MediaError, "png: limit: files above 1 GiB are not read");
    image = decode_png(file.read(0, file.size()), o.pixels, video::max_frames,
                       std::max<std::int64_t>(o.bytes, 4 * video::max_pixels));
    const Frames& f = image.frames;
    info.container = f.count > 1 ? "apng" : "png";
    info.codec = info.container, info.pixel_format = image.alpha ? "rgba" : "rgb24";
    info.height = f.height, info.width = f.width, info.frames = f.count, info.alpha = image.alpha;
    info.truncated = image.truncated;
    if (f.count > 1) info.fps = f.fps, info.duration = double(f.count) / f.fps;
    if (const auto c = image.metadata.find("comment"); c != image.metadata.end()) info.comment = c->second;
  }
  bool next(bool, Picture& out) override {
    const Frames& f = image.frames;
    if (at == f.count) return false;
    out = {.pixels = f.frame(at++), .height = f.height, .width = f.width, .stride = f.width * 4, .channels = 4};
    return true;
  }
};

struct Y4mSource final : Source {
  const InputFile& file;
  Y4mInfo y4m;
  std::size_t at;
  std::vector<std::uint8_t> rgb;
  Y4mSource(const InputFile& f, const ReadOptions& o)
      : file(f), y4m(parse_y4m(f.read(0, 4096), f.size(), o.pixels)), at(y4m.header_bytes) {
    info.container = "yuv4mpeg", info.codec = "rawvideo", info.pixel_format = y4m.chroma;
    info.height = y4m.height, info.width = y4m.width, info.frames = y4m.frames, info.fps = y4m.fps;
    info.duration = double(y4m.frames) / y4m.fps;
  }
  bool next(bool skip, Picture& out) override {
    const std::string head = file.read(at, 256);
    if (head.empty()) return false;
    const auto end = head.find('\n');
    const bool whole =
        head.substr(0, 5) == "FRAME" && end != std::string::npos && at + end + 1 + y4m.frame_bytes <= file.size();
    if (!whole) return info.truncated = true, false;
    if (!skip) {
      rgb.resize(std::size_t(y4m.height * y4m.width * 3));
      y4m_to_rgb(y4m, file.read(at + end + 1, y4m.frame_bytes), rgb.data());
      out = {.pixels = rgb.data(), .height = y4m.height, .width = y4m.width, .stride = y4m.width * 3, .channels = 3};
    }
    at += end + 1 + y4m.frame_bytes;
    return true;
  }
};

struct FfmpegSource final : Source {
  const ffmpeg_api::Api& api;
  std::string who;
  CancelToken cancel;
  void* reader = nullptr;
  bool early = false;

  FfmpegSource(const InputFile& file, std::string_view demuxer, const ReadOptions& o, bool vectors, std::string name,
               const CancelToken& c)
      : api(backend(name)), who(std::move(name)), cancel(c) {
    const std::string format(demuxer);
    ffmpeg_api::OpenRead request{};
    request.descriptor = file.descriptor();
    request.demuxer = format.c_str();
    request.max_pixels = o.pixels, request.max_frames = video::max_frames, request.max_streams = video::max_streams;
    request.deadline_seconds = o.timeout, request.threads = o.threads;
    request.motion_vectors = vectors;
    request.interrupted = [](void* token) { return int(static_cast<CancelToken*>(token)->cancelled()); };
    request.user = &cancel;
    ffmpeg_api::Info i{};
    ffmpeg_api::Error error{};
    reader = api.read_open(&request, &i, &error);
    if (!reader) fail(error);
    info.container = i.container, info.codec = i.codec, info.pixel_format = i.pixel_format;
    info.height = i.height, info.width = i.width, info.frames = i.frames, info.fps = i.fps, info.duration = i.duration;
    info.rotation = i.rotation, info.alpha = i.alpha, info.variable_rate = i.variable_rate, info.comment = i.comment;
    early = info.truncated = ends_early(file, demuxer);
    if (demuxer == "jpeg_pipe" || demuxer == "webp_pipe") info.frames = 1, info.fps = info.duration = 0;
  }
  ~FfmpegSource() override {
    if (reader) api.read_close(reader);
  }
  bool next(bool skip, Picture& out) override {
    ffmpeg_api::Picture p{};
    ffmpeg_api::Error error{};
    const auto status = api.read_next(reader, skip, &p, &error);
    info.truncated = early || api.read_truncated(reader);
    if (status == ffmpeg_api::end) return false;
    if (status != ffmpeg_api::ok) fail(error);
    out = {p.rgba, p.height, p.width, p.stride, 4, p.vectors, p.vector_count};
    return true;
  }
  [[noreturn]] void fail(const ffmpeg_api::Error& e) const {
    const std::string message = str(who, ": ", printable(e.text, 800));
    switch (e.status) {
      case ffmpeg_api::interrupted:
        cancel.check(who);
        break;
      case ffmpeg_api::io:
        throw IoError(message);
      case ffmpeg_api::unavailable:
        throw Unavailable(str(message, ". ", ffmpeg_advice()));
      case ffmpeg_api::internal:
        throw Error(message);
      default:
        break;
    }
    throw MediaError(message);
  }
};

}  // namespace

struct VideoReader::Impl {
  std::string who;
  ReadOptions o;
  CancelToken cancel;
  InputFile file;
  std::unique_ptr<Source> source;  // after `file`, which it reads
  std::int64_t at = 0, delivered = 0;

  Impl(const std::filesystem::path& path, const ReadOptions& options, const CancelToken& c, bool vectors = false)
      : who("video: " + shown(path)), o(options), cancel(c), file(path) {
    VGEN_CHECK(o.start >= 0 && o.stride >= 1 && o.frames >= 0 && o.bytes > 0 && o.timeout >= 0 && o.threads >= 0,
               ConfigError,
               "video: expected start >= 0, stride >= 1, frames >= 0, bytes > 0, timeout >= 0, threads >= 0; got ",
               o.start, ", ", o.stride, ", ", o.frames, ", ", o.bytes, ", ", o.timeout, ", ", o.threads);
    VGEN_CHECK(o.pixels > 0 && o.pixels <= max_pixels, ConfigError, "video: the limit of ", max_pixels,
               " pixels may be lowered, not raised; got ", o.pixels);
    VGEN_CHECK(o.start <= max_frames && o.frames <= max_frames && (o.frames == 0 || o.stride <= max_frames) &&
                   (o.frames == 0 || o.start + (o.frames - 1) * o.stride < max_frames),
               MediaError, who, ": limit: the request reaches beyond frame ", max_frames,
               "; cut the file first: ffmpeg -ss TIME -i IN -t SECONDS -c copy OUT");
    const std::string_view kind = kind_of(file.read(0, 64));
    VGEN_CHECK(!kind.empty(), MediaError, who,
               ": format_not_allowed: expected mp4, mov, mkv, webm, avi, gif, y4m, png, jpeg or webp content",
               file.size() == 0 ? "; the file is empty" : "");
    try {
      if (kind == "png")
        source = std::make_unique<PngSource>(file, o);
      else if (kind == "y4m")
        source = std::make_unique<Y4mSource>(file, o);
    } catch (const MediaError& e) { throw MediaError(str(who, ": ", e.what())); }
    if (!source) source = std::make_unique<FfmpegSource>(file, kind, o, vectors, who, cancel);
    const VideoInfo& i = source->info;
    VGEN_CHECK(i.frames == 1 || (i.fps > 0 && i.fps <= 1000), MediaError, who, ": limit: frame rate ", i.fps,
               " is not in (0, 1000]");
    VGEN_CHECK(o.frames > 0 || i.frames <= max_frames, MediaError, who, ": limit: ", i.frames, " frames, at most ",
               max_frames, " are read; ask for a part (start, frames)");
  }

  // The next picture of the request; without `pixels` only its motion vectors.
  bool advance(Source::Picture& p, bool pixels) {
    for (;;) {
      cancel.check(who);
      if (o.frames > 0 && delivered == o.frames) return false;
      const bool skip = at < o.start || (at - o.start) % o.stride != 0;
      p = {};
      if (!source->next(skip || !pixels, p)) return false;
      VGEN_CHECK(at < max_frames, MediaError, who, ": limit: more than ", max_frames, " frames");
      ++at;
      if (skip) continue;
      ++delivered;
      return true;
    }
  }

  bool next(Frames& frame) {
    Source::Picture p;
    if (!advance(p, true)) return false;
    const bool reuse = frame.pixels && frame.pixels.use_count() == 1 && frame.count == 1 && frame.height == p.height &&
                       frame.width == p.width && frame.channels == 3;
    if (!reuse) frame = Frames(1, p.height, p.width, 3);
    frame.fps = source->info.fps > 0 ? source->info.fps / double(o.stride) : frame.fps;
    copy(p, frame.frame(0));
    return true;
  }

  void copy(const Source::Picture& p, std::uint8_t* to) const {
    const bool over = o.background && source->info.alpha && p.channels == 4;
    for (std::int64_t y = 0; y < p.height; ++y) {
      const std::uint8_t* from = p.pixels + y * p.stride;
      if (p.channels == 3) {
        std::memcpy(to, from, std::size_t(p.width * 3));
        to += p.width * 3;
        continue;
      }
      for (std::int64_t x = 0; x < p.width; ++x, from += 4, to += 3)
        for (std::size_t k = 0; k < 3; ++k)
          to[k] = over ? std::uint8_t((from[k] * from[3] + (*o.background)[k] * (255 - from[3]) + 127) / 255) : from[k];
    }
  }
};

VideoReader::VideoReader(const std::filesystem::path& path, const ReadOptions& options, const CancelToken& cancel)
    : impl_(std::make_unique<Impl>(path, options, cancel)) {}
VideoReader::~VideoReader() = default;
VideoReader::VideoReader(VideoReader&&) noexcept = default;
VideoReader& VideoReader::operator=(VideoReader&&) noexcept = default;
const VideoInfo& VideoReader::info() const { return impl_->source->info; }
bool VideoReader::next(Frames& frame) { return impl_->next(frame); }

VideoInfo probe(const std::filesystem::path& path, const CancelToken& cancel) {
  ReadOptions o;
  o.frames = 1;  // a long file may be probed
  return VideoReader(path, o, cancel).info();
}

Frames read_video(const std::filesystem::path& path, const ReadOptions& options, VideoInfo* info,
                  const OnProgress& progress, const CancelToken& cancel) {
  VideoReader reader(path, options, cancel);
  std::int64_t expected =
      reader.info().frames < 0
          ? 0
          : std::max<std::int64_t>(0, (reader.info().frames - options.start + options.stride - 1) / options.stride);
  if (options.frames > 0) expected = expected ? std::min(expected, options.frames) : options.frames;
  Frames frame, out;
  out.pixels = std::make_shared<std::vector<std::uint8_t>>();
  while (reader.next(frame)) {
    if (out.count == 0) {
      out.height = frame.height, out.width = frame.width, out.fps = frame.fps;
      const auto each = static_cast<std::int64_t>(frame.bytes());
      VGEN_CHECK(expected <= options.bytes / each, MediaError, "video: ", shown(path), ": limit: ", expected,
                 " frames of ", each, " bytes, at most ", options.bytes,
                 " bytes are held; ask for fewer frames, raise `bytes`, or use VideoReader");
      // A header may promise more than there is: memory is taken ahead for 64 MiB at most.
      out.pixels->reserve(std::size_t(std::min<std::int64_t>(expected * each, 64 << 20)));
    }
    VGEN_CHECK(std::int64_t(out.pixels->size() + frame.bytes()) <= options.bytes, MediaError, "video: ", shown(path),
               ": limit: more than ", options.bytes, " bytes of pixels");
    out.pixels->insert(out.pixels->end(), frame.pixels->begin(), frame.pixels->end());
    ++out.count;
    if (progress) progress({"decode", out.count, std::max(expected, out.count), 0});
  }
  VGEN_CHECK(out.count > 0, MediaError, "video: ", shown(path),
             options.start > 0 ? ": there is no frame at `start`" : ": no frame could be decoded");
  if (info) {
    *info = reader.info();
    info->frames = out.count;
  } else if (reader.info().truncated) {
    log::warn("video: ", shown(path), " is damaged or ends early; ", out.count, " frames were read");
  }
  return out;
}

std::size_t MotionVectors::total() const {
  std::size_t out = 0;
  for (const auto& frame : frames) out += frame.size();
  return out;
}

MotionVectors read_motion_vectors(const std::filesystem::path& path, const ReadOptions& options,
                                  const CancelToken& cancel) {
  VideoReader::Impl reader(path, options, cancel, /*vectors=*/true);
  MotionVectors out;
  Source::Picture p;
  while (reader.advance(p, false)) {
    auto& frame = out.frames.emplace_back();
    for (std::int64_t i = 0; i < p.vector_count; ++i) {
      const ffmpeg_api::MotionVector& v = p.vectors[i];
      frame.push_back(
          {v.source, v.width, v.height, v.src_x, v.src_y, v.dst_x, v.dst_y, v.motion_x, v.motion_y, v.motion_scale});
    }
  }
  VGEN_CHECK(!out.frames.empty(), MediaError, "video: ", shown(path), ": no frame could be decoded");
  const VideoInfo& info = reader.source->info;
  out.height = info.height, out.width = info.width, out.codec = info.codec, out.truncated = info.truncated;
  out.fps = info.fps / double(options.stride);
  if (out.truncated)
    log::warn("video: ", shown(path), " is damaged or ends early; ", out.frames.size(), " frames were read");
  return out;
}

Frames read_image(const std::filesystem::path& path, const CancelToken& cancel) {
  ReadOptions o;
  o.frames = 1;
  return read_video(path, o, nullptr, {}, cancel);
}

}  // namespace vgen::video
