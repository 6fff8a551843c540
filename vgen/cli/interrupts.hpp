// What SIGINT and SIGTERM do. The first sets the cancel token, so that the command can unwind. What has not ended a
// moment later, or at a second signal, is ended here with _exit(128 + signal), after its temporary files are removed: a
// phase that does not look at the token (a full-size block, a slow disk, an encoder) is bounded as well.
#pragma once
#include <functional>
#include <mutex>
#include <string>

#include "vgen/core/progress.hpp"

namespace vgen::cli {

class Interrupts {
 public:
  explicit Interrupts(const CancelToken& cancel, bool json);  // one a process; its thread lives as long as the process

  // The last words of a command that fails or is stopped: what is kept and how to go on. "": nothing is.
  void say(std::string last_words);
  std::string last_words();
  // Called, from the watching thread, before the process is ended: saves what would be lost and gives the last words.
  // Null: nothing to save.
  void before_end(std::function<std::string()> rescue);

 private:
  [[noreturn]] void watch();
  [[noreturn]] void end(int signal);
  CancelToken cancel_;
  bool json_;
  std::mutex mutex_;
  std::string last_words_;
  std::function<std::string()> rescue_;
};

}  // namespace vgen::cli
