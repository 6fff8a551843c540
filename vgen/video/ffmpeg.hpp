// Unique* handles of libav* objects. Internal to ffmpeg_backend.cpp: the only sources that include libav.
#pragma once
#include <memory>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/display.h>
#include <libavutil/imgutils.h>
#include <libavutil/motion_vector.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
}

namespace vgen::video {

template <auto Free>
struct FreeByAddress {
  template <class T>
  void operator()(T* p) const {
    Free(&p);
  }
};
template <auto Free>
struct FreeByValue {
  template <class T>
  void operator()(T* p) const {
    Free(p);
  }
};

using UniqueInput = std::unique_ptr<AVFormatContext, FreeByAddress<avformat_close_input>>;
using UniqueOutput = std::unique_ptr<AVFormatContext, FreeByValue<avformat_free_context>>;
using UniqueCodec = std::unique_ptr<AVCodecContext, FreeByAddress<avcodec_free_context>>;
using UniqueFrame = std::unique_ptr<AVFrame, FreeByAddress<av_frame_free>>;
using UniquePacket = std::unique_ptr<AVPacket, FreeByAddress<av_packet_free>>;
using UniqueScaler = std::unique_ptr<SwsContext, FreeByValue<sws_freeContext>>;

// AVIOContext with the buffer it owns (FFmpeg may have replaced the buffer that it was made with).
struct FreeIo {
  void operator()(AVIOContext* io) const {
    av_freep(&io->buffer);
    avio_context_free(&io);
  }
};
using UniqueIo = std::unique_ptr<AVIOContext, FreeIo>;

struct Dictionary {
  AVDictionary* items = nullptr;
  Dictionary() = default;
  Dictionary(const Dictionary&) = delete;
  Dictionary& operator=(const Dictionary&) = delete;
  ~Dictionary() { av_dict_free(&items); }
  void set(const char* key, const char* value) { av_dict_set(&items, key, value, 0); }
};

}  // namespace vgen::video
