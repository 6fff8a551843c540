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

  // "denoise [=====     ] 12/25  0:07 left". `first`: what was done before the stage began, by an earlier run.
  static std::string text(const ProgressEvent& event, int bar_width, long long first = 0);

 private:
  bool on_, terminal_, open_ = false;
  std::FILE* to_;
  std::string stage_;
  long long first_ = 0;
  std::chrono::steady_clock::time_point shown_{};
};

struct OutputClosed {};  // whoever read standard output has gone: `vgen inspect FILE | head`

class Console {
 public:
  Console(bool json, bool quiet);
  bool json() const { return json_; }
  // To standard output. OutputClosed, or IoError where it cannot be written.
  void print(const std::string& text);  // nothing in --json mode
  void result(const Node& document);    // the one document of --json mode; nothing otherwise
  void note(const std::string& text);   // a line to standard error, as progress is
  void error(const std::string& type, int code, const std::string& message);
  OnProgress progress();  // may be called from any one thread; valid as long as the console

 private:
  bool json_, quiet_;
  ProgressBar bar_;
};

}  // namespace vgen::cli
