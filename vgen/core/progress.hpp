// Cancellation and progress: how long work reports and stops. Both are values that are passed in, never global.
#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "vgen/core/error.hpp"

namespace vgen {

// A flag shared by who works and who may stop it. Copies share the flag; a default-made token can be cancelled too.
class VGEN_API CancelToken {
 public:
  CancelToken() : flag_(std::make_shared<std::atomic<int>>(0)) {}
  void cancel(int signal = 2) const { flag_->store(signal, std::memory_order_relaxed); }
  bool cancelled() const { return flag_->load(std::memory_order_relaxed) != 0; }
  // Interrupted (exit 130, or 143 after SIGTERM) if cancelled. Called at least every 100 ms of work.
  void check(std::string_view who) const;
  std::atomic<int>* raw() const { return flag_.get(); }  // for a signal handler

 private:
  std::shared_ptr<std::atomic<int>> flag_;
};

struct ProgressEvent {
  std::string_view stage;  // "load", "encode", "denoise", "decode", "write", "train"
  long long done = 0, total = 0;
  double seconds = 0;  // since the stage began
};
using OnProgress = std::function<void(const ProgressEvent&)>;

}  // namespace vgen
