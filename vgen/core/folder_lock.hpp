// One process a folder: what writes a run's logs and checkpoints holds its lock. The kernel gives the lock back when
// the process ends, however it ends.
#pragma once
#include <filesystem>
#include <string>

#include "vgen/core/error.hpp"

namespace vgen {

class VGEN_API FolderLock {
 public:
  // IoError naming the process that has it, or saying why the folder cannot be locked. A holder that is `finishing` is
  // waited for, `patience` seconds at most.
  explicit FolderLock(const std::filesystem::path& folder, double patience = 60);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  void finishing();  // says to those who wait that the lock will be free soon

 private:
  void note(const std::string& text);
  int descriptor_ = -1;
};

}  // namespace vgen
