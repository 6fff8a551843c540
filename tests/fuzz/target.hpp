// What a fuzz target supplies, for libFuzzer and for driver.cpp alike.
#pragma once
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "vgen/core/error.hpp"
#include "vgen/formats/tensor_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
std::vector<std::string> seeds();   // valid inputs that the driver mutates
std::vector<std::string> tokens();  // pieces that the format is made of

namespace vgen::fuzz {

inline void require(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "broken promise: %s\n", what);
  std::abort();
}

inline long accepted_inputs = 0;  // the driver sees by it that its seeds are valid

// Runs f; any vgen::Error is a proper answer, every other exception a finding.
template <class F>
bool accepted(F&& f) {
  try {
    f();
    ++accepted_inputs;
    return true;
  } catch (const Error&) { return false; } catch (const std::bad_alloc&) {
    require(false, "allocation not bounded by the input");
  }
  return false;
}

// A file in memory, with a name that can be opened.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes) : fd_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    require(fd_ >= 0 && ::write(fd_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()), "memfd");
  }
  ~MemoryFile() { ::close(fd_); }
  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_); }

 private:
  int fd_;
};

// Whatever a reader accepts must lie inside the file, to the last element that the strides reach.
inline void check_entries(const formats::TensorFile& file) {
  volatile unsigned sum = 0;
  for (const auto& e : file.tensors) {
    const auto bytes = e.file->bytes();
    require(e.offset <= bytes.size() && e.bytes <= bytes.size() - e.offset, "an accepted tensor lies in its file");
    require(e.shape.size() == e.strides.size(), "one stride a dimension");
    std::size_t last = 0;
    bool empty = false;
    for (std::size_t i = 0; i < e.shape.size(); ++i) {
      require(e.shape[i] >= 0 && e.strides[i] >= 0, "sizes and strides >= 0");
      empty = empty || e.shape[i] == 0;
      last += static_cast<std::size_t>(e.shape[i] == 0 ? 0 : e.shape[i] - 1) * static_cast<std::size_t>(e.strides[i]);
    }
    require(empty ? e.bytes == 0 : (last + 1) * formats::item_size(e.dtype) == e.bytes,
            "bytes are what the strides reach");
    if (e.bytes > 0)
      sum = sum + std::to_integer<unsigned>(bytes[e.offset]) + std::to_integer<unsigned>(bytes[e.offset + e.bytes - 1]);
  }
}

}  // namespace vgen::fuzz
