#include "vgen/train/events.hpp"

#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstring>

#include "vgen/core/atomic_file.hpp"
#include "vgen/formats/json.hpp"

namespace vgen::train {
namespace {

// TFRecord framing: length, masked crc32c of the length, data, masked crc32c of the data.
std::uint32_t crc32c(const std::string& data) {
  static const auto table = [] {
    std::array<std::uint32_t, 256> t{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t c = i;
      for (int k = 0; k < 8; ++k) c = c & 1 ? 0x82F63B78u ^ (c >> 1) : c >> 1;
      t[i] = c;
    }
    return t;
  }();
  std::uint32_t c = ~0u;
  for (const unsigned char byte : data) c = table[(c ^ byte) & 0xFF] ^ (c >> 8);
  return ~c;
}
std::uint32_t masked(std::uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xA282EAD8u; }

template <class T>
std::string bytes_of(T value) {
  std::string out(sizeof(T), '\0');
  std::memcpy(out.data(), &value, sizeof(T));
  return out;
}

// Protocol buffer fields of tensorflow.Event: 1 wall_time, 2 step, 3 file_version, 5 summary{1 value{1 tag, 2
// simple_value, 4 image}}.
std::string varint(std::uint64_t v) {
  std::string out;
  do {
    out += static_cast<char>((v & 0x7F) | (v > 0x7F ? 0x80 : 0));
    v >>= 7;
  } while (v);
  return out;
}
std::string tagged(int number, int wire) {
  return varint(static_cast<std::uint64_t>(number) << 3 | static_cast<unsigned>(wire));
}
std::string bytes_field(int number, const std::string& value) {
  return tagged(number, 2) + varint(value.size()) + value;
}
std::string event(long long step, const std::string& rest) {
  const double now = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  return tagged(1, 1) + bytes_of(now) + tagged(2, 0) + varint(static_cast<std::uint64_t>(step)) + rest;
}

std::FILE* open(const std::filesystem::path& path, const char* mode) {
  std::FILE* file = std::fopen(path.c_str(), mode);
  VGEN_CHECK(file, IoError, "cannot write ", path.string(), ": ", std::strerror(errno));
  return file;
}

}  // namespace

EventLog::EventLog(const std::filesystem::path& folder, long long resumed_at) {
  const auto path = folder / "log.jsonl";
  if (std::filesystem::exists(path)) {
    std::string kept, text = read_file(path);
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = text.find('\n', at);
      if (end == std::string::npos) break;  // a line cut by a crash
      const std::string line = text.substr(at, end - at + 1);
      const std::size_t step = line.find("\"step\":");
      if (step != std::string::npos && std::atoll(line.c_str() + step + 7) <= resumed_at) kept += line;
      at = end + 1;
    }
    write_file(path, kept);
  }
  lines_ = open(path, "ae");
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  events_ = open(folder / str("events.out.tfevents.", static_cast<long long>(seconds), ".vgen"), "ae");
  record(event(0, bytes_field(3, "brain.Event:2")));
}

EventLog::~EventLog() {
  if (lines_) std::fclose(lines_);
  if (events_) std::fclose(events_);
}

void EventLog::record(const std::string& data) {
  const std::string length = bytes_of(static_cast<std::uint64_t>(data.size()));
  const std::string framed = length + bytes_of(masked(crc32c(length))) + data + bytes_of(masked(crc32c(data)));
  std::fwrite(framed.data(), 1, framed.size(), events_);
  std::fflush(events_);
}

void EventLog::scalars(long long step, const std::map<std::string, double>& values) {
  Node line = Node::map({{"step", Node(static_cast<std::int64_t>(step))}});
  std::string summary;
  for (const auto& [name, value] : values) {
    line.set(name, std::isfinite(value) ? Node(value) : Node());  // JSON has no NaN
    summary += bytes_field(1, bytes_field(1, name) + tagged(2, 5) + bytes_of(static_cast<float>(value)));
  }
  const std::string text = formats::dump_json(line, -1) + "\n";
  std::fwrite(text.data(), 1, text.size(), lines_);
  std::fflush(lines_);
  record(event(step, bytes_field(5, summary)));
}

void EventLog::picture(long long step, const std::string& tag, int height, int width, const std::string& png) {
  const std::string image = tagged(1, 0) + varint(static_cast<std::uint64_t>(height)) + tagged(2, 0) +
                            varint(static_cast<std::uint64_t>(width)) + tagged(3, 0) + varint(3) + bytes_field(4, png);
  record(event(step, bytes_field(5, bytes_field(1, bytes_field(1, tag) + bytes_field(4, image)))));
}

}  // namespace vgen::train
