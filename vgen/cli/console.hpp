// What a command shows: results on standard output, progress on standard error.
#pragma once
#include <chrono>
#include <cstdio>
#include <string>

#include "vgen/core/node.hpp"
#include "vgen/core/progress.hpp"

namespace vgen::cli {

// A bar with the time left on a terminal; else a plain line when a stage begins, every few seconds and when it ends.
class ProgressBar {
 public:
  ProgressBar(bool on, bool terminal, std::FILE* to) : on_(on), terminal_(terminal), to_(to) {}
  ~ProgressBar() { close(); }
  void operator()(const ProgressEvent& event);
  void close();  // leaves the bar's line, so that other text may follow

  static std::string text(const ProgressEvent& event, int bar_width);  // "denoise [=====     ] 12/25  0:07 left"

 private:
  bool on_, terminal_, open_ = false;
  std::FILE* to_;
  std::string stage_;
  std::chrono::steady_clock::time_point shown_{};
};

class Console {
 public:
  Console(bool json, bool quiet);
  bool json() const { return json_; }
  void print(const std::string& text);  // to standard output; nothing in --json mode
  void result(const Node& document);    // the one document of --json mode; nothing otherwise
  void error(const std::string& type, int code, const std::string& message);
  OnProgress progress();  // may be called from any one thread; valid as long as the console

 private:
  bool json_;
  ProgressBar bar_;
};

}  // namespace vgen::cli
