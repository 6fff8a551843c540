#include "vgen/cli/console.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "vgen/formats/json.hpp"

namespace vgen::cli {
namespace {
std::string clock_text(double seconds) {
  const long long s = static_cast<long long>(std::min(seconds, 3.6e8) + 0.5);
  char buffer[48];
  if (s >= 3600)
    std::snprintf(buffer, sizeof buffer, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
  else
    std::snprintf(buffer, sizeof buffer, "%lld:%02lld", s / 60, s % 60);
  return buffer;
}
bool write(std::FILE* to, const std::string& text) {
  return std::fwrite(text.data(), 1, text.size(), to) == text.size() && std::fflush(to) == 0;
}
void write_out(const std::string& text) {
  if (write(stdout, text)) return;
  if (errno == EPIPE) throw OutputClosed();
  throw IoError(str("cannot write to standard output: ", std::strerror(errno)));
}
bool is_terminal(std::FILE* f) {
  const char* kind = std::getenv("TERM");
  return isatty(fileno(f)) && kind && std::string_view(kind) != "dumb";
}
}  // namespace

std::string ProgressBar::text(const ProgressEvent& e, int bar_width, long long first) {
  std::string out(e.stage);
  if (e.total <= 0) return e.done > 0 ? str(out, " ", e.done, "  ", clock_text(e.seconds)) : out;
  const double part = std::clamp(static_cast<double>(e.done) / static_cast<double>(e.total), 0.0, 1.0);
  if (bar_width > 0) {
    const int filled = static_cast<int>(part * bar_width);
    out += " [" + std::string(filled, '=') + std::string(bar_width - filled, ' ') + "]";
  }
  out += str(" ", e.done, "/", e.total);
  if (e.done >= e.total) return str(out, "  ", clock_text(e.seconds));
  if (e.done > first && e.seconds > 0)
    out +=
        str("  ", clock_text(e.seconds * static_cast<double>(e.total - e.done) / static_cast<double>(e.done - first)),
            " left");
  return out;
}

void ProgressBar::operator()(const ProgressEvent& e) {
  if (!on_) return;
  const auto now = std::chrono::steady_clock::now();
  const bool begins = e.stage != stage_, ends = e.total > 0 && e.done >= e.total;
  const auto pause = terminal_ ? std::chrono::milliseconds(100) : std::chrono::milliseconds(5000);
  if (!begins && !ends && now - shown_ < pause) return;
  if (begins) close(), first_ = e.seconds == 0 ? e.done : 0;
  stage_ = e.stage;
  shown_ = now;
  if (!terminal_) {
    write(to_, "vgen: " + text(e, 0, first_) + "\n");
    return;
  }
  write(to_, "\r\033[K" + text(e, 24, first_));
  open_ = true;
  if (ends) close();
}

void ProgressBar::close() {
  if (open_) write(to_, "\n");
  open_ = false;
}

Console::Console(bool json, bool quiet) : json_(json), quiet_(quiet), bar_(!quiet, is_terminal(stderr), stderr) {}

void Console::print(const std::string& text) {
  if (json_) return;
  bar_.close();
  write_out(text + "\n");
}
void Console::note(const std::string& text) {
  if (quiet_) return;
  bar_.close();
  write(stderr, "vgen: " + text + "\n");
}
void Console::result(const Node& document) {
  if (!json_) return;
  bar_.close();
  write_out(formats::dump_json(document) + "\n");
}
void Console::error(const std::string& type, int code, const std::string& message) {
  bar_.close();
  write(stderr, message + "\n");
  if (!json_) return;
  const Node body = Node::map({{"type", type}, {"exit", code}, {"message", message}});
  write(stdout, formats::dump_json(Node::map({{"error", body}})) + "\n");
}
OnProgress Console::progress() {
  return [this](const ProgressEvent& e) { bar_(e); };
}

}  // namespace vgen::cli
