// The FFmpeg back end. Reading obeys rule S6: FFmpeg gets one descriptor and opens nothing by itself; demuxers and
// decoders come from fixed lists; pictures, streams and time are bounded. Errors inside are `Fail`; none crosses the
// seam.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <vector>

#include "vgen/video/ffmpeg.hpp"
#include "vgen/video/ffmpeg_api.hpp"

namespace vgen::video::ffmpeg_api {
namespace {

struct Fail {
  Status status;
  std::string text;
};

// FFmpeg's messages from this thread while it works for us; others in the process keep theirs.
thread_local std::string* messages = nullptr;

void on_log(void* context, int level, const char* format, va_list arguments) {
  if (!messages) return av_log_default_callback(context, level, format, arguments);
  if (level > AV_LOG_ERROR || messages->size() > 300) return;
  char line[512];
  int prefix = 0;
  av_log_format_line2(context, level, format, arguments, line, sizeof line, &prefix);
  *messages += *messages == "" ? "" : "; ";
  *messages += line;
  while (!messages->empty() && (messages->back() == '\n' || messages->back() == ' ')) messages->pop_back();
}

struct Quiet {
  std::string text;
  std::string* before = messages;
  Quiet() { messages = &text; }
  ~Quiet() { messages = before; }
};

std::string reason(int code, const Quiet& quiet = {}) {
  char text[AV_ERROR_MAX_STRING_SIZE];
  av_strerror(code, text, sizeof text);
  return quiet.text.empty() ? text : std::string(text) + " (" + quiet.text + ")";
}

template <class F>
Status guarded(Error* error, F&& body) {
  try {
    return body();
  } catch (const Fail& f) {
    error->status = f.status;
    std::snprintf(error->text, sizeof error->text, "%s", f.text.c_str());
  } catch (const std::bad_alloc&) {
    error->status = internal;
    std::snprintf(error->text, sizeof error->text, "out of memory");
  } catch (...) {
    error->status = internal;
    std::snprintf(error->text, sizeof error->text, "unexpected failure");
  }
  return error->status;
}

// ---- reading ----
constexpr const char* demuxers = "mov,mp4,m4a,3gp,3g2,mj2,mov,matroska,webm,avi,gif,png_pipe,jpeg_pipe,webp_pipe";
constexpr const char* decoders = "h264,hevc,vp8,vp9,av1,libdav1d,libaom-av1,mpeg4,mjpeg,png,webp,gif,ffv1,rawvideo";
constexpr std::array codecs{AV_CODEC_ID_H264, AV_CODEC_ID_HEVC,  AV_CODEC_ID_VP8,   AV_CODEC_ID_VP9,
                            AV_CODEC_ID_AV1,  AV_CODEC_ID_MPEG4, AV_CODEC_ID_MJPEG, AV_CODEC_ID_PNG,
                            AV_CODEC_ID_WEBP, AV_CODEC_ID_GIF,   AV_CODEC_ID_FFV1,  AV_CODEC_ID_RAWVIDEO};
constexpr int max_faults = 100;  // damaged packets in a row after which the rest of a file is given up

AVPixelFormat without_j(AVPixelFormat f) {
  switch (f) {
    case AV_PIX_FMT_YUVJ420P:
      return AV_PIX_FMT_YUV420P;
    case AV_PIX_FMT_YUVJ422P:
      return AV_PIX_FMT_YUV422P;
    case AV_PIX_FMT_YUVJ444P:
      return AV_PIX_FMT_YUV444P;
    case AV_PIX_FMT_YUVJ440P:
      return AV_PIX_FMT_YUV440P;
    case AV_PIX_FMT_YUVJ411P:
      return AV_PIX_FMT_YUV411P;
    default:
      return f;
  }
}

// How a picture is turned for display: one of the eight symmetries of the square, from the 2x2 part of the display
// matrix.
struct Orientation {
  bool swap = false, flip_x = false, flip_y = false;  // out(x, y) = in(x', y'), flips given in the output's axes
  bool identity() const { return !swap && !flip_x && !flip_y; }
  int degrees() const { return swap ? (flip_x ? 90 : 270) : flip_x && flip_y ? 180 : 0; }
};
Orientation orientation(const std::int32_t* m) {
  if (!m) return {};
  const std::int64_t a = m[0], b = m[1], c = m[3], d = m[4];  // (x, y) -> (a x + c y, b x + d y)
  if (std::llabs(a) >= std::llabs(c)) return {false, a < 0, d < 0};
  return {true, c < 0, b < 0};
}

class Reader {
 public:
  Reader(const OpenRead& request, Info& info) : r_(request) {
    Quiet quiet;
    renew_deadline();
    size_ = lseek(r_.descriptor, 0, SEEK_END);
    if (size_ < 0) throw Fail{io, std::strerror(errno)};
    auto* buffer = static_cast<unsigned char*>(av_malloc(1 << 16));
    if (!buffer) throw std::bad_alloc();
    io_.reset(avio_alloc_context(buffer, 1 << 16, 0, this, &Reader::on_read, nullptr, &Reader::on_seek));
    AVFormatContext* context = avformat_alloc_context();
    if (!io_ || !context) throw std::bad_alloc();
    context->pb = io_.get();
    context->flags |= AVFMT_FLAG_CUSTOM_IO;
    context->io_open = [](AVFormatContext*, AVIOContext**, const char*, int, AVDictionary**) {
      return AVERROR(EACCES);
    };
    context->interrupt_callback = {&Reader::on_interrupt, this};
    context->opaque = this;
    Dictionary options;
    options.set("format_whitelist", demuxers);
    options.set("codec_whitelist", decoders);
    options.set("protocol_whitelist", "none");
    options.set("max_streams", std::to_string(r_.max_streams).c_str());
    const auto* demuxer = av_find_input_format(r_.demuxer);
    if (!demuxer) throw Fail{unavailable, std::string("this FFmpeg has no demuxer ") + r_.demuxer};
    const int opened = avformat_open_input(&context, nullptr, const_cast<AVInputFormat*>(demuxer),
                                           &options.items);  // frees on failure
    input_.reset(opened < 0 ? nullptr : context);
    if (opened < 0) {
      stop_if_asked();
      if (quiet.text.find("max_streams") != std::string::npos)
        throw Fail{media, "limit: more than " + std::to_string(r_.max_streams) + " streams"};
      throw Fail{media, reason(opened, quiet)};
    }
    if (input_->nb_streams > unsigned(r_.max_streams))
      throw Fail{media, "limit: more than " + std::to_string(r_.max_streams) + " streams"};
    const int index = av_find_best_stream(input_.get(), AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
    if (index < 0) throw Fail{media, "there is no video or picture in the file"};
    stream_ = input_->streams[index];
    for (unsigned i = 0; i < input_->nb_streams; ++i)
      input_->streams[i]->discard = int(i) == index ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
    check_codec();
    check_size(stream_->codecpar->width, stream_->codecpar->height);

    // What the header does not say is found by decoding a little, under the same bounds.
    std::vector<Dictionary> each(input_->nb_streams);
    std::vector<AVDictionary*> items;
    for (auto& d : each)
      d.set("max_pixels", std::to_string(r_.max_pixels).c_str()), d.set("threads", "1"), items.push_back(d.items);
    const int found = avformat_find_stream_info(input_.get(), items.data());
    for (std::size_t i = 0; i < each.size(); ++i) each[i].items = items[i];
    stop_if_asked();
    if (found < 0) throw Fail{media, reason(found, quiet)};
    check_codec();
    check_size(stream_->codecpar->width, stream_->codecpar->height);
    if (stream_->codecpar->width <= 0 && quiet.text.find("max pixel") != std::string::npos)
      throw Fail{media, "limit: " + quiet.text};
    if (stream_->codecpar->width <= 0)
      throw Fail{media, "no picture could be found in the file" + (quiet.text.empty() ? "" : " (" + quiet.text + ")")};

    const AVCodec* codec = avcodec_find_decoder(stream_->codecpar->codec_id);
    if (!codec)
      throw Fail{unavailable,
                 std::string("this FFmpeg has no decoder for ") + avcodec_get_name(stream_->codecpar->codec_id)};
    decoder_.reset(avcodec_alloc_context3(codec));
    if (!decoder_ || avcodec_parameters_to_context(decoder_.get(), stream_->codecpar) < 0) throw std::bad_alloc();
    decoder_->pkt_timebase = stream_->time_base;
    decoder_->max_pixels = r_.max_pixels;
    decoder_->thread_count = r_.threads;
    if (r_.motion_vectors) {
      decoder_->flags2 |= AV_CODEC_FLAG2_EXPORT_MVS;
      decoder_->thread_type = FF_THREAD_SLICE;  // frame threads export pictures that others still decode
    }
    decoder_->log_level_offset = 64;  // its worker threads have no collector
    Dictionary limits;
    limits.set("codec_whitelist", decoders);
    if (const int code = avcodec_open2(decoder_.get(), codec, &limits.items); code < 0)
      throw Fail{media, "decoder: " + reason(code, quiet)};
    frame_.reset(av_frame_alloc());
    packet_.reset(av_packet_alloc());
    if (!frame_ || !packet_) throw std::bad_alloc();
    describe(info);
  }

  Status next(bool skip, Picture& out) {
    Quiet quiet;
    renew_deadline();
    for (int faults = 0;;) {
      stop_if_asked();
      const int got = avcodec_receive_frame(decoder_.get(), frame_.get());
      if (got >= 0) {
        ++frames_;
        if ((frame_->flags & AV_FRAME_FLAG_CORRUPT) || frame_->decode_error_flags) truncated_ = true;
        last_end_ = std::max(
            last_end_, frame_->best_effort_timestamp == AV_NOPTS_VALUE ? last_end_ : frame_->best_effort_timestamp);
        out = {};
        if (!skip) convert(out);
        if (r_.motion_vectors) collect(out);
        av_frame_unref(frame_.get());
        return ok;
      }
      if (got == AVERROR_EOF) return finish();
      if (got != AVERROR(EAGAIN)) {
        truncated_ = true;
        if (draining_ || ++faults > max_faults) return finish();
        continue;
      }
      const int read = av_read_frame(input_.get(), packet_.get());
      if (read < 0) {
        stop_if_asked();
        truncated_ = truncated_ || read != AVERROR_EOF || io_error_;
        draining_ = true;
        avcodec_send_packet(decoder_.get(), nullptr);
        continue;
      }
      if (packet_->stream_index == stream_->index) {
        ++packets_;
        if (packet_->flags & AV_PKT_FLAG_CORRUPT) truncated_ = true;
        const int sent = avcodec_send_packet(decoder_.get(), packet_.get());
        if (sent < 0 && sent != AVERROR(EAGAIN)) {
          truncated_ = true;
          if (++faults > max_faults) {
            av_packet_unref(packet_.get());
            return finish();
          }
        }
      }
      av_packet_unref(packet_.get());
    }
  }
  bool truncated() const { return truncated_; }

 private:
  using Clock = std::chrono::steady_clock;

  void renew_deadline() {
    deadline_ = r_.deadline_seconds > 0 ? Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                                             std::chrono::duration<double>(r_.deadline_seconds))
                                        : Clock::time_point::max();
  }
  static int on_interrupt(void* self) {
    auto& me = *static_cast<Reader*>(self);
    if (me.r_.interrupted && me.r_.interrupted(me.r_.user)) me.interrupted_ = true;
    if (Clock::now() > me.deadline_) me.late_ = true;
    return me.interrupted_ || me.late_;
  }
  void stop_if_asked() {
    on_interrupt(this);
    if (interrupted_) throw Fail{ffmpeg_api::interrupted, "stopped on request"};
    if (late_)
      throw Fail{media, "limit: not decoded within " + std::to_string(int(std::ceil(r_.deadline_seconds))) + " s"};
  }
  static int on_read(void* self, std::uint8_t* to, int n) {
    auto& me = *static_cast<Reader*>(self);
    if (on_interrupt(self)) return AVERROR_EXIT;
    ssize_t got;
    do got = pread(me.r_.descriptor, to, std::size_t(n), me.at_);
    while (got < 0 && errno == EINTR);
    if (got < 0) return me.io_error_ = true, AVERROR(errno);
    if (got == 0) return me.past_end_ = true, AVERROR_EOF;
    me.at_ += got;
    return int(got);
  }
  static std::int64_t on_seek(void* self, std::int64_t offset, int whence) {
    auto& me = *static_cast<Reader*>(self);
    if (whence & AVSEEK_SIZE) return me.size_;
    whence &= ~AVSEEK_FORCE;
    const std::int64_t to = whence == SEEK_SET ? offset : whence == SEEK_CUR ? me.at_ + offset : me.size_ + offset;
    return to < 0 ? AVERROR(EINVAL) : me.at_ = to;
  }

  void check_codec() const {
    const auto id = stream_->codecpar->codec_id;
    if (std::find(codecs.begin(), codecs.end(), id) != codecs.end()) return;
    throw Fail{media,
               std::string("codec_not_allowed: ") + avcodec_get_name(id) +
                   " is not decoded here. Convert the file first: ffmpeg -i IN -c:v libx264 -pix_fmt yuv420p OUT.mp4"};
  }
  void check_size(std::int64_t width, std::int64_t height) const {
    if (width > 0 && height > 0 && width > r_.max_pixels / height)
      throw Fail{media, "limit: " + std::to_string(width) + "x" + std::to_string(height) + " pixels, at most " +
                            std::to_string(r_.max_pixels) + " are read"};
  }

  const std::int32_t* stream_matrix() const {
#if LIBAVCODEC_VERSION_MAJOR >= 61
    const auto* data = av_packet_side_data_get(stream_->codecpar->coded_side_data,
                                               stream_->codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
    return data && data->size >= 36 ? reinterpret_cast<const std::int32_t*>(data->data) : nullptr;
#else
    const auto* data = av_stream_get_side_data(stream_, AV_PKT_DATA_DISPLAYMATRIX, nullptr);
    return reinterpret_cast<const std::int32_t*>(data);
#endif
  }

  void describe(Info& info) {
    const auto* p = stream_->codecpar;
    const auto turn = orientation(stream_matrix());
    info = {};
    info.width = turn.swap ? p->height : p->width;
    info.height = turn.swap ? p->width : p->height;
    info.rotation = turn.degrees();
    const AVRational rate = stream_->avg_frame_rate.num > 0 ? stream_->avg_frame_rate : stream_->r_frame_rate;
    info.fps = rate.num > 0 && rate.den > 0 ? av_q2d(rate) : 0;
    // The rate of the finest grid that holds all frames: that of the frames, or of the fields, if they are even.
    const AVRational grid = stream_->r_frame_rate;
    if (info.fps > 0 && grid.num > 0 && grid.den > 0) {
      const double spacings = av_q2d(grid) / info.fps;
      info.variable_rate = std::abs(spacings - 1) > 0.03 && std::abs(spacings - 2) > 0.06;
    }
    if (stream_->duration != AV_NOPTS_VALUE)
      info.duration = double(stream_->duration) * av_q2d(stream_->time_base);
    else if (input_->duration != AV_NOPTS_VALUE)
      info.duration = double(input_->duration) / AV_TIME_BASE;
    info.frames = stream_->nb_frames > 0              ? stream_->nb_frames
                  : info.duration > 0 && info.fps > 0 ? std::llround(info.duration * info.fps)
                                                      : -1;
    const auto* format = av_pix_fmt_desc_get(AVPixelFormat(p->format));
    info.alpha = format && (format->flags & AV_PIX_FMT_FLAG_ALPHA);
    std::snprintf(info.codec, sizeof info.codec, "%s", avcodec_get_name(p->codec_id));
    std::snprintf(info.container, sizeof info.container, "%s", input_->iformat->name);
    std::snprintf(info.pixel_format, sizeof info.pixel_format, "%s", format ? format->name : "");
    const auto* comment = av_dict_get(input_->metadata, "comment", nullptr, 0);
    info.comment = comment ? comment->value : "";
    declared_ = info;
  }

  // Frames that the file promised and did not hold. The index of mov and avi is exact; Matroska gives a duration.
  Status finish() {
    if (past_end_ && stream_->nb_frames > packets_) truncated_ = true;
    if (std::strncmp(declared_.container, "matroska", 8) == 0 && declared_.duration > 0 && declared_.fps > 0 &&
        double(last_end_) * av_q2d(stream_->time_base) + 1.5 / declared_.fps < declared_.duration)
      truncated_ = true;
    return end;
  }

  void convert(Picture& out) {
    const AVFrame& f = *frame_;
    check_size(f.width, f.height);
    if (width_ == 0) width_ = f.width, height_ = f.height;  // a later change of size is scaled to the first
    const auto format = without_j(AVPixelFormat(f.format));
    const bool full = format != AVPixelFormat(f.format) || f.color_range == AVCOL_RANGE_JPEG;
    const Source source{f.width, f.height, format, f.colorspace, full};
    if (!scaler_ || !(source == source_)) {
      source_ = source;
      scaler_.reset(sws_getContext(f.width, f.height, format, width_, height_, AV_PIX_FMT_RGBA,
                                   SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP, nullptr,
                                   nullptr, nullptr));
      if (!scaler_)
        throw Fail{media, std::string("pixels of kind ") + av_get_pix_fmt_name(AVPixelFormat(f.format)) +
                              " cannot be converted"};
      sws_setColorspaceDetails(scaler_.get(), sws_getCoefficients(f.colorspace), full,
                               sws_getCoefficients(SWS_CS_DEFAULT), 1, 0, 1 << 16, 1 << 16);
    }
    const std::int64_t stride = (std::int64_t(width_) * 4 + 63) / 64 * 64;
    pixels_.resize(std::size_t(stride * height_) + 64);
    std::uint8_t* const planes[4] = {pixels_.data()};
    const int strides[4] = {int(stride)};
    sws_scale(scaler_.get(), f.data, f.linesize, 0, f.height, planes, strides);
    out = {pixels_.data(), height_, width_, stride, nullptr, 0};

    const auto turn = turn_of(f);
    if (turn.identity()) return;
    const std::int64_t w = turn.swap ? height_ : width_, h = turn.swap ? width_ : height_;
    turned_.resize(std::size_t(w * h * 4));
    for (std::int64_t y = 0; y < h; ++y)
      for (std::int64_t x = 0; x < w; ++x) {
        const std::int64_t u = turn.flip_x ? w - 1 - x : x, v = turn.flip_y ? h - 1 - y : y;
        std::memcpy(&turned_[std::size_t((y * w + x) * 4)],
                    &pixels_[std::size_t(turn.swap ? u * stride + v * 4 : v * stride + u * 4)], 4);
      }
    out = {turned_.data(), h, w, w * 4, nullptr, 0};
  }

  void collect(Picture& out) {
    vectors_.clear();
    const auto* side = av_frame_get_side_data(frame_.get(), AV_FRAME_DATA_MOTION_VECTORS);
    if (!side) return;
    const auto turn = turn_of(*frame_);
    const std::int32_t w = turn.swap ? frame_->height : frame_->width, h = turn.swap ? frame_->width : frame_->height;
    const auto turned = [&](auto& x, auto& y, std::int32_t last_x, std::int32_t last_y) {
      if (turn.swap) std::swap(x, y);
      if (turn.flip_x) x = last_x - x;
      if (turn.flip_y) y = last_y - y;
    };
    const auto* all = reinterpret_cast<const AVMotionVector*>(side->data);
    for (std::size_t i = 0; i < side->size / sizeof(AVMotionVector); ++i) {
      const AVMotionVector& v = all[i];
      MotionVector m{v.source, v.w,     v.h,        v.src_x,    v.src_y,
                     v.dst_x,  v.dst_y, v.motion_x, v.motion_y, std::max<int>(v.motion_scale, 1)};
      if (turn.swap) std::swap(m.width, m.height);
      turned(m.src_x, m.src_y, w - 1, h - 1);
      turned(m.dst_x, m.dst_y, w - 1, h - 1);
      turned(m.motion_x, m.motion_y, 0, 0);
      vectors_.push_back(m);
    }
    out.vectors = vectors_.data(), out.vector_count = std::int64_t(vectors_.size());
  }

  Orientation turn_of(const AVFrame& f) const {
    const auto* side = av_frame_get_side_data(&f, AV_FRAME_DATA_DISPLAYMATRIX);
    return orientation(side && side->size >= 36 ? reinterpret_cast<const std::int32_t*>(side->data) : stream_matrix());
  }

  struct Source {
    int width, height;
    AVPixelFormat format;
    AVColorSpace space;
    bool full;
    bool operator==(const Source&) const = default;
  };

  OpenRead r_;
  std::int64_t at_ = 0, size_ = 0, frames_ = 0, packets_ = 0, last_end_ = 0;
  bool io_error_ = false, past_end_ = false, interrupted_ = false, late_ = false, truncated_ = false, draining_ = false;
  Clock::time_point deadline_;
  UniqueIo io_;  // before what uses it
  UniqueInput input_;
  AVStream* stream_ = nullptr;
  UniqueCodec decoder_;
  UniqueFrame frame_;
  UniquePacket packet_;
  UniqueScaler scaler_;
  Source source_{};
  int width_ = 0, height_ = 0;
  std::vector<std::uint8_t> pixels_, turned_;
  std::vector<MotionVector> vectors_;
  Info declared_{};
};

// ---- writing ----
// One output file over a descriptor.
class Muxer {
 public:
  Muxer(int descriptor, const OpenWrite& w, const AVCodecContext& encoder, const char* movflags) : fd_(descriptor) {
    Quiet quiet;
    AVFormatContext* context = nullptr;
    if (const int code = avformat_alloc_output_context2(&context, nullptr, w.muxer, nullptr); code < 0)
      throw Fail{unavailable, std::string("this FFmpeg has no muxer ") + w.muxer};
    output_.reset(context);
    auto* buffer = static_cast<unsigned char*>(av_malloc(1 << 16));
    if (!buffer) throw std::bad_alloc();
    io_.reset(make_io(buffer, 1));
    if (!io_) throw std::bad_alloc();
    context->pb = io_.get();
    context->flags |= AVFMT_FLAG_CUSTOM_IO |
                      AVFMT_FLAG_BITEXACT;  // no dates, random ids or versions: the same packets give the same bytes
    context->flush_packets = 1;
    context->opaque = this;
    // The mp4 muxer reopens its own file to move the index to the front: it gets the same descriptor, whatever the
    // name.
    context->io_open = [](AVFormatContext* c, AVIOContext** out, const char*, int flags, AVDictionary**) {
      auto* b = (flags & AVIO_FLAG_WRITE) ? nullptr : static_cast<unsigned char*>(av_malloc(1 << 16));
      *out = b ? static_cast<Muxer*>(c->opaque)->make_io(b, 0) : nullptr;
      if (*out) static_cast<Muxer*>(c->opaque)->read_at_ = 0;
      return *out ? 0 : AVERROR(EACCES);
    };
#if LIBAVFORMAT_VERSION_MAJOR >= 59
    context->io_close2 = [](AVFormatContext*, AVIOContext* p) { return FreeIo{}(p), 0; };
#else
    context->io_close = [](AVFormatContext*, AVIOContext* p) { FreeIo{}(p); };
#endif
    context->url = av_strdup("");
    stream_ = avformat_new_stream(context, nullptr);
    if (!stream_ || avcodec_parameters_from_context(stream_->codecpar, &encoder) < 0) throw std::bad_alloc();
    stream_->time_base = encoder.time_base;
    stream_->avg_frame_rate = encoder.framerate;
    Dictionary options;
    std::string flags = movflags;
    for (const char* const* kv = w.metadata; kv && kv[0]; kv += 2) {
      av_dict_set(&context->metadata, kv[0], kv[1], 0);
      // The classic tags are what players show; only other keys need the generic ones, which then replace them.
      static constexpr std::array classic{"comment", "title",     "artist",      "author",   "date",
                                          "genre",   "copyright", "description", "synopsis", "album"};
      if (*movflags &&
          std::none_of(classic.begin(), classic.end(), [&](const char* c) { return std::strcmp(c, kv[0]) == 0; }) &&
          flags.find("use_metadata_tags") == std::string::npos)
        flags += "+use_metadata_tags";
    }
    if (*movflags) options.set("movflags", flags.c_str());
    check(avformat_write_header(context, &options.items), quiet);
  }

  // Keeps the packet's content as it was.
  void write(const AVPacket& packet, AVRational time_base) {
    Quiet quiet;
    UniquePacket copy(av_packet_clone(&packet));
    if (!copy) throw std::bad_alloc();
    av_packet_rescale_ts(copy.get(), time_base, stream_->time_base);
    copy->stream_index = stream_->index;
    check(av_interleaved_write_frame(output_.get(), copy.get()), quiet);
  }
  void finish() {
    Quiet quiet;
    const int code = av_write_trailer(output_.get());
    avio_flush(io_.get());
    check(code, quiet);
    check(io_->error, quiet);
  }

 private:
  AVIOContext* make_io(unsigned char* buffer, int writes) {
#if LIBAVFORMAT_VERSION_MAJOR >= 61
    return avio_alloc_context(buffer, 1 << 16, writes, this, &Muxer::on_read, &Muxer::on_write,
                              writes ? &Muxer::on_seek : &Muxer::on_read_seek);
#else
    using Write = int (*)(void*, std::uint8_t*, int);
    static const Write old = [](void* self, std::uint8_t* p, int n) { return on_write(self, p, n); };
    return avio_alloc_context(buffer, 1 << 16, writes, this, &Muxer::on_read, old,
                              writes ? &Muxer::on_seek : &Muxer::on_read_seek);
#endif
  }
  void check(int code, const Quiet& quiet) const {
    if (errno_) throw Fail{io, std::strerror(errno_)};
    if (code < 0) throw Fail{media, "cannot write the container: " + reason(code, quiet)};
  }
  static int on_write(void* self, const std::uint8_t* from, int n) {
    auto& me = *static_cast<Muxer*>(self);
    for (int done = 0; done < n;) {
      const ssize_t put = pwrite(me.fd_, from + done, std::size_t(n - done), me.at_);
      if (put < 0 && errno == EINTR) continue;
      if (put <= 0) return me.errno_ = put < 0 ? errno : ENOSPC, AVERROR(me.errno_);
      done += int(put), me.at_ += put;
    }
    me.size_ = std::max(me.size_, me.at_);
    return n;
  }
  static int on_read(void* self, std::uint8_t* to, int n) {
    auto& me = *static_cast<Muxer*>(self);
    const ssize_t got = pread(me.fd_, to, std::size_t(n), me.read_at_);
    if (got < 0) return AVERROR(errno);
    me.read_at_ += got;
    return got == 0 ? AVERROR_EOF : int(got);
  }
  static std::int64_t seek(std::int64_t& at, std::int64_t size, std::int64_t offset, int whence) {
    if (whence & AVSEEK_SIZE) return size;
    whence &= ~AVSEEK_FORCE;
    const std::int64_t to = whence == SEEK_SET ? offset : whence == SEEK_CUR ? at + offset : size + offset;
    return to < 0 ? AVERROR(EINVAL) : at = to;
  }
  static std::int64_t on_seek(void* self, std::int64_t offset, int whence) {
    auto& me = *static_cast<Muxer*>(self);
    return seek(me.at_, me.size_, offset, whence);
  }
  static std::int64_t on_read_seek(void* self, std::int64_t offset, int whence) {
    auto& me = *static_cast<Muxer*>(self);
    return seek(me.read_at_, me.size_, offset, whence);
  }

  int fd_, errno_ = 0;
  std::int64_t at_ = 0, read_at_ = 0, size_ = 0;
  UniqueIo io_;
  UniqueOutput output_;
  AVStream* stream_ = nullptr;
};

class Writer {
 public:
  Writer(const OpenWrite& request, std::string& chosen)
      : w_(request), mp4_(!std::strcmp(w_.muxer, "mp4") || !std::strcmp(w_.muxer, "mov")) {
    std::string tried;
    for (const char* const* name = w_.encoders; *name && !encoder_; ++name) {
      std::string why;
      open_encoder(*name, why);
      if (!encoder_) tried += (tried.empty() ? "" : "; ") + std::string(*name) + ": " + why;
    }
    if (!encoder_) throw Fail{unavailable, "no encoder could be opened (" + tried + ")"};
    chosen = encoder_->codec->name;
    packet_.reset(av_packet_alloc());
    if (!packet_) throw std::bad_alloc();
    const auto from = w_.channels == 1 ? AV_PIX_FMT_GRAY8 : w_.channels == 3 ? AV_PIX_FMT_RGB24 : AV_PIX_FMT_RGBA;
    const int width = int(w_.width), height = int(w_.height);
    scaler_.reset(sws_getContext(width, height, from, width, height, encoder_->pix_fmt,
                                 SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP, nullptr,
                                 nullptr, nullptr));
    if (!scaler_) throw Fail{internal, "no pixel conversion"};
    const int* bt709 = sws_getCoefficients(SWS_CS_ITU709);
    sws_setColorspaceDetails(scaler_.get(), bt709, 1, bt709, 0, 0, 1 << 16, 1 << 16);
    // While frames come, every one ends a fragment, so that a killed run leaves a playable .part; finish() writes a
    // plain file with its index in front from the same packets.
    partial_ =
        std::make_unique<Muxer>(w_.descriptor, w_, *encoder_,
                                mp4_ && w_.final_descriptor >= 0 ? "delay_moov+frag_every_frame+default_base_moof"
                                : mp4_                           ? "faststart"
                                                                 : "");
  }

  void add(const std::uint8_t* pixels) {
    Quiet quiet;
    stop_if_asked();
    // A new frame each time: encoders keep those they were given.
    frame_.reset(av_frame_alloc());
    if (!frame_) throw std::bad_alloc();
    frame_->format = encoder_->pix_fmt;
    frame_->width = encoder_->width, frame_->height = encoder_->height;
    if (av_frame_get_buffer(frame_.get(), 0) < 0) throw std::bad_alloc();
    const std::uint8_t* const from[4] = {pixels};
    const int from_stride[4] = {int(w_.width * w_.channels)};
    sws_scale(scaler_.get(), from, from_stride, 0, int(w_.height), frame_->data, frame_->linesize);
    pad_to_even();
    frame_->pts = count_++;
    frame_->color_range = encoder_->color_range, frame_->colorspace = encoder_->colorspace;
    const int sent = avcodec_send_frame(encoder_.get(), frame_.get());
    if (sent < 0) throw Fail{internal, "encoder: " + reason(sent, quiet)};
    drain();
  }

  void finish() {
    Quiet quiet;
    if (const int code = avcodec_send_frame(encoder_.get(), nullptr); code < 0)
      throw Fail{internal, "encoder: " + reason(code, quiet)};
    drain();
    partial_->finish();
    if (!mp4_ || w_.final_descriptor < 0) return;
    Muxer whole(w_.final_descriptor, w_, *encoder_, "faststart");
    for (const auto& p : kept_) {
      stop_if_asked();
      whole.write(*p, encoder_->time_base);
    }
    whole.finish();
  }

 private:
  void stop_if_asked() const {
    if (w_.interrupted && w_.interrupted(w_.user)) throw Fail{interrupted, "stopped on request"};
  }

  void open_encoder(const char* name, std::string& why) {
    Quiet quiet;
    const AVCodec* codec = avcodec_find_encoder_by_name(name);
    if (!codec) return void(why = "not in this FFmpeg");
    if (codec->type != AVMEDIA_TYPE_VIDEO) return void(why = "no video encoder");
    const auto* format = av_guess_format(w_.muxer, nullptr, nullptr);
    if (!format || avformat_query_codec(format, codec->id, FF_COMPLIANCE_NORMAL) != 1)
      return void(why = std::string("does not fit ") + w_.muxer);
    UniqueCodec e(avcodec_alloc_context3(codec));
    if (!e) throw std::bad_alloc();
    const std::string n = name;
    const bool h264 = codec->id == AV_CODEC_ID_H264, lossless = n == "ffv1";
    e->width = int(h264 ? (w_.width + 1) / 2 * 2 : w_.width);
    e->height = int(h264 ? (w_.height + 1) / 2 * 2 : w_.height);
    e->framerate = av_d2q(w_.fps, 65535);  // mpeg4 takes no larger numbers
    e->time_base = av_inv_q(e->framerate);
    e->pix_fmt = lossless ? AV_PIX_FMT_BGR0 : n == "mjpeg" ? AV_PIX_FMT_YUVJ420P : AV_PIX_FMT_YUV420P;
    if (codec->pix_fmts) {
      const AVPixelFormat* f = codec->pix_fmts;
      while (*f != AV_PIX_FMT_NONE && *f != e->pix_fmt) ++f;
      if (*f == AV_PIX_FMT_NONE) return void(why = std::string("does not take ") + av_get_pix_fmt_name(e->pix_fmt));
    }
    e->thread_count = w_.threads;
    if (!lossless) {
      e->color_range = AVCOL_RANGE_MPEG;
      e->colorspace = AVCOL_SPC_BT709, e->color_primaries = AVCOL_PRI_BT709, e->color_trc = AVCOL_TRC_BT709;
      e->chroma_sample_location = AVCHROMA_LOC_LEFT;
    }
    if (format->flags & AVFMT_GLOBALHEADER) e->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    e->flags |= AV_CODEC_FLAG_BITEXACT;

    // One scale for all: x264's CRF. VP9 and AV1 count to 63; those without a constant quality get bits a pixel that
    // halve every 6.
    Dictionary o;
    const auto on63 = std::to_string(std::lround(w_.quality * 63 / 51.0));
    if (n == "libx264") {
      o.set("crf", std::to_string(w_.quality).c_str()), o.set("preset", "medium");
    } else if (n == "h264_nvenc") {
      o.set("rc", "vbr"), o.set("cq", std::to_string(std::max(1, w_.quality)).c_str()), o.set("b", "0"),
          o.set("preset", "p5");
    } else if (n == "libvpx-vp9") {
      o.set("crf", on63.c_str()), o.set("b", "0"), o.set("deadline", "good"), o.set("cpu-used", "3"),
          o.set("row-mt", "1");
    } else if (n == "libaom-av1") {
      o.set("crf", on63.c_str()), o.set("b", "0"), o.set("cpu-used", "6"), o.set("row-mt", "1");
    } else if (n == "libsvtav1") {
      o.set("crf", std::to_string(std::max(1l, std::lround(w_.quality * 63 / 51.0))).c_str()), o.set("preset", "8");
    } else if (n == "mpeg4" || n == "mjpeg") {
      e->flags |= AV_CODEC_FLAG_QSCALE;
      e->global_quality = FF_QP2LAMBDA * std::clamp(1 + w_.quality * 30 / 51, 1, 31);
    } else if (n == "ffv1") {
      e->level = 3;
      o.set("slicecrc", "1");
    } else {
      const double bits = double(e->width) * e->height * w_.fps * 0.1 * std::exp2((23 - w_.quality) / 6.0);
      e->bit_rate = std::int64_t(std::clamp(bits, 2e5, 2e8));
    }
    if (const int code = avcodec_open2(e.get(), codec, &o.items); code < 0) return void(why = reason(code, quiet));
    encoder_ = std::move(e);
  }

  // The last column and row are repeated where the encoder needs even sides; the chroma planes have them already.
  void pad_to_even() {
    std::uint8_t* y = frame_->data[0];
    const std::int64_t stride = frame_->linesize[0];
    if (frame_->width > w_.width)
      for (std::int64_t row = 0; row < w_.height; ++row) y[row * stride + w_.width] = y[row * stride + w_.width - 1];
    if (frame_->height > w_.height)
      std::memcpy(y + w_.height * stride, y + (w_.height - 1) * stride, std::size_t(frame_->width));
  }

  void drain() {
    Quiet quiet;
    for (;;) {
      const int code = avcodec_receive_packet(encoder_.get(), packet_.get());
      if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return;
      if (code < 0) throw Fail{internal, "encoder: " + reason(code, quiet)};
      stop_if_asked();
      packet_->duration = 1;  // without it mp4 reads back one frame short
      partial_->write(*packet_, encoder_->time_base);
      if (mp4_ && w_.final_descriptor >= 0) kept_.emplace_back(av_packet_clone(packet_.get()));
      av_packet_unref(packet_.get());
    }
  }

  OpenWrite w_;
  bool mp4_;
  UniqueCodec encoder_;
  UniqueFrame frame_;
  UniquePacket packet_;
  UniqueScaler scaler_;
  std::unique_ptr<Muxer> partial_;
  std::vector<UniquePacket> kept_;
  std::int64_t count_ = 0;
};

void* read_open(const OpenRead* request, Info* info, Error* error) {
  void* out = nullptr;
  guarded(error, [&] { return out = new Reader(*request, *info), ok; });
  return out;
}
Status read_next(void* self, int skip, Picture* out, Error* error) {
  return guarded(error, [&] { return static_cast<Reader*>(self)->next(skip, *out); });
}
void* write_open(const OpenWrite* request, char* name, std::uint64_t size, Error* error) {
  void* out = nullptr;
  guarded(error, [&] {
    std::string chosen;
    out = new Writer(*request, chosen);
    std::snprintf(name, size, "%s", chosen.c_str());
    return ok;
  });
  return out;
}
Status write_frame(void* self, const std::uint8_t* pixels, Error* error) {
  return guarded(error, [&] { return static_cast<Writer*>(self)->add(pixels), ok; });
}
Status write_finish(void* self, Error* error) {
  return guarded(error, [&] { return static_cast<Writer*>(self)->finish(), ok; });
}

}  // namespace
}  // namespace vgen::video::ffmpeg_api

extern "C" __attribute__((visibility("default"))) const vgen::video::ffmpeg_api::Api* vgen_video_ffmpeg_api() {
  using namespace vgen::video::ffmpeg_api;
  static const std::string libraries = [] {
    av_log_set_callback(on_log);
    setenv("SVT_LOG", "1", 0);  // SVT-AV1 prints to standard error by itself: errors only
    const unsigned v = avcodec_version();
    return std::string("FFmpeg ") + av_version_info() + ", libavcodec " + std::to_string(AV_VERSION_MAJOR(v)) + "." +
           std::to_string(AV_VERSION_MINOR(v)) + "." + std::to_string(AV_VERSION_MICRO(v));
  }();
  static const Api api{version,
                       libraries.c_str(),
                       read_open,
                       read_next,
                       [](void* r) { return int(static_cast<Reader*>(r)->truncated()); },
                       [](void* r) {
                         Quiet quiet;
                         delete static_cast<Reader*>(r);
                       },
                       write_open,
                       write_frame,
                       write_finish,
                       [](void* w) {
                         Quiet quiet;
                         delete static_cast<Writer*>(w);
                       },
                       [](const char* name) { return int(avcodec_find_encoder_by_name(name) != nullptr); }};
  return &api;
}
