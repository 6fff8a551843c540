#include "vgen/formats/tensor_file.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace vgen::formats {

std::size_t item_size(DType dtype) {
  switch (dtype) {
    case DType::boolean:
    case DType::u8:
    case DType::i8:
    case DType::f8_e4m3:
    case DType::f8_e5m2:
      return 1;
    case DType::i16:
    case DType::u16:
    case DType::f16:
    case DType::bf16:
      return 2;
    case DType::i32:
    case DType::u32:
    case DType::f32:
      return 4;
    case DType::i64:
    case DType::u64:
    case DType::f64:
      return 8;
  }
  return 0;
}

std::shared_ptr<const FileBytes> FileBytes::open(const std::filesystem::path& path) {
  const auto fail = [&](const std::string& why) {
    throw IoError(str("cannot read '", printable(path.string(), 400), "': ", why));
  };
  struct Fd {
    int value;
    ~Fd() {
      if (value >= 0) ::close(value);
    }
  } fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};  // no waiting for a writer should it be a pipe
  if (fd.value < 0) fail(std::strerror(errno));
  struct stat info {};
  if (::fstat(fd.value, &info) != 0) fail(std::strerror(errno));
  if (!S_ISREG(info.st_mode)) fail(S_ISDIR(info.st_mode) ? "it is a directory" : "it is no regular file");

  std::shared_ptr<FileBytes> out(new FileBytes);
  out->path_ = path;
  out->size_ = static_cast<std::size_t>(info.st_size);
  if (out->size_ == 0) return out;
  // Writable but private: a parameter that is a view of these pages may be trained; the file does not change.
  void* at = ::mmap(nullptr, out->size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, fd.value, 0);
  if (at != MAP_FAILED) {
    out->data_ = static_cast<const std::byte*>(at);
    out->mapped_ = true;
    return out;
  }
  auto* memory = static_cast<std::byte*>(std::aligned_alloc(64, (out->size_ + 63) / 64 * 64));
  if (!memory) fail(str("no memory for ", out->size_, " bytes"));
  out->data_ = memory;
  for (std::size_t done = 0; done < out->size_;) {
    const ssize_t n = ::pread(fd.value, memory + done, out->size_ - done, static_cast<off_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) fail(n < 0 ? std::strerror(errno) : "it became shorter while it was read");
    done += static_cast<std::size_t>(n);
  }
  return out;
}

FileBytes::~FileBytes() {
  auto* at = const_cast<std::byte*>(data_);
  if (mapped_)
    ::munmap(at, size_);
  else
    std::free(at);
}

void FileBytes::release(std::size_t offset, std::size_t bytes) const {
  if (!mapped_) return;
  static const std::size_t page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const std::size_t first = (offset + page - 1) / page * page, last = (offset + bytes) / page * page;
  if (first < last && last <= size_) ::madvise(const_cast<std::byte*>(data_) + first, last - first, MADV_DONTNEED);
}

}  // namespace vgen::formats
