#include "vgen/core/folder_lock.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace vgen {

FolderLock::FolderLock(const std::filesystem::path& folder, double patience) {
  const std::filesystem::path path = folder / ".lock";
  const std::string shown = "'" + printable(folder.string(), 400) + "'";
  descriptor_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  VGEN_CHECK(descriptor_ >= 0, IoError, "cannot lock ", shown, ": ", std::strerror(errno));
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::duration<double>(patience);
  while (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) break;  // file systems without locks: go on without one
    char text[128] = "";
    const ssize_t n = ::pread(descriptor_, text, sizeof text - 1, 0);
    const std::string holder(text, n > 0 ? static_cast<std::size_t>(n) : 0);
    if (holder.find("finishing") == std::string::npos || std::chrono::steady_clock::now() > deadline) {
      ::close(descriptor_);
      throw IoError(str(shown, " is in use by another run (", printable(holder.substr(0, holder.find('\n'))),
                        "); wait for it, stop it, or choose another folder"));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  note("");
}

FolderLock::~FolderLock() { ::close(descriptor_); }  // the file stays: removing it would race with who opens it

void FolderLock::finishing() { note(", finishing"); }

void FolderLock::note(const std::string& text) {
  const std::string line = str("process ", static_cast<long long>(::getpid()), text, "\n");
  if (::ftruncate(descriptor_, 0) == 0 && ::pwrite(descriptor_, line.data(), line.size(), 0) < 0) return;  // a courtesy
}

}  // namespace vgen
