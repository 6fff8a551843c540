// The only way vgen writes files and directories: a temporary sibling, fsync, then an atomic rename (rule S9).
#pragma once
#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "vgen/core/error.hpp"

namespace vgen {

// Bytes go to "<path>.<id>.part"; commit() makes them appear at `path` at once. Without commit() nothing is left
// behind. IoError (exit 5) with path and reason on every failure, disk full included.
class VGEN_API AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, std::size_t bytes);
  void write(std::string_view text) { write(text.data(), text.size()); }
  const std::filesystem::path& temporary() const { return temporary_; }  // for writers that open the file by name
  void commit();

 private:
  std::filesystem::path path_, temporary_;
  int descriptor_ = -1;
  bool committed_ = false;
};

// A directory that appears complete or not at all: files are written into temporary(), commit() fsyncs them, writes
// MANIFEST.json (sizes and SHA-256) last, and renames. An existing directory at `path` is replaced.
class VGEN_API AtomicDir {
 public:
  explicit AtomicDir(std::filesystem::path path);
  ~AtomicDir();
  AtomicDir(const AtomicDir&) = delete;
  AtomicDir& operator=(const AtomicDir&) = delete;

  const std::filesystem::path& temporary() const { return temporary_; }
  void commit();

 private:
  std::filesystem::path path_, temporary_;
  bool committed_ = false;
};

VGEN_API void write_file(const std::filesystem::path& path, std::string_view bytes);
// Whole file as bytes; IoError if missing or longer than `limit`.
VGEN_API std::string read_file(const std::filesystem::path& path, std::size_t limit = std::size_t(1) << 30);
// CheckpointError / FormatError naming the first file whose size or hash differs from MANIFEST.json.
VGEN_API void verify_manifest(const std::filesystem::path& directory);
// IoError naming what is wrong if `directory` cannot take a new file or has less than `bytes` free.
VGEN_API void expect_writable(const std::filesystem::path& directory, std::size_t bytes = 0);

VGEN_API std::string sha256_hex(std::string_view bytes);

}  // namespace vgen
