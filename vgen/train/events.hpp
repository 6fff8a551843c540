// Training logs: one JSON line a record, and the same scalars and pictures as TensorBoard events.
#pragma once
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>

#include "vgen/core/error.hpp"
#include "vgen/core/node.hpp"
#include "vgen/video/frames.hpp"

namespace vgen::train {

class VGEN_API EventLog {
 public:
  // Appends to <folder>/log.jsonl and <folder>/events.out.tfevents.<start>.vgen. Records of steps after `resumed_at`
  // that an earlier, interrupted run left in log.jsonl are removed first, so that a resumed run reads like an unbroken
  // one.
  EventLog(const std::filesystem::path& folder, long long resumed_at);
  ~EventLog();
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;

  void scalars(long long step, const std::map<std::string, double>& values);
  void picture(long long step, const std::string& tag, int height, int width, const std::string& png);

 private:
  void record(const std::string& event);
  std::FILE* lines_ = nullptr;
  std::FILE* events_ = nullptr;
};

}  // namespace vgen::train
