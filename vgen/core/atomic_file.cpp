#include "vgen/core/atomic_file.hpp"

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <mutex>
#include <random>
#include <set>
#include <system_error>
#include <vector>

#include "vgen/core/sha256.hpp"
#include "vgen/core/temporaries.hpp"

namespace vgen {
namespace fs = std::filesystem;

namespace {

constexpr std::string_view manifest_name = "MANIFEST.json";

std::string shown(const fs::path& path) { return "'" + printable(path.string(), 400) + "'"; }
[[noreturn]] void fail(const std::string& what, const fs::path& path, int error) {
  throw IoError(str(what, " ", shown(path), ": ", std::strerror(error),
                    error == ENOSPC ? "; free some space and try again" : ""));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

int open_retry(const fs::path& path, int flags, mode_t mode = 0) {
  int fd;
  do fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  while (fd < 0 && errno == EINTR);
  return fd;
}

void sync(const fs::path& path, bool directory) {
  const Descriptor fd(open_retry(path, directory ? O_RDONLY | O_DIRECTORY : O_RDONLY));
  if (fd.get() < 0) fail("cannot open", path, errno);
  // Some file systems cannot sync a directory; the rename itself is still atomic there.
  if (::fsync(fd.get()) != 0 && !(directory && (errno == EINVAL || errno == ENOTSUP)))
    fail("cannot flush", path, errno);
}

fs::path parent_of(const fs::path& path) { return path.has_parent_path() ? path.parent_path() : fs::path("."); }

// Unique among processes and threads; O_EXCL or mkdir settles what is left to chance.
fs::path temporary_name(const fs::path& path) {
  static std::atomic<unsigned> count{0};
  char id[48];
  std::snprintf(id, sizeof id, ".%x-%x-%08x.part", static_cast<unsigned>(::getpid()), ++count,
                static_cast<unsigned>(std::random_device{}()));
  return path.parent_path() / (path.filename().string().substr(0, 200) + id);  // names end at 255 bytes
}

// What this process is writing. Whoever renames holds the mutex, so that discard_temporaries() finds each path either
// before or after its commit. Never destroyed: a signal may come while the process ends.
struct Live {
  std::mutex mutex;
  std::set<fs::path> paths;
};
Live& live() {
  static Live& it = *new Live;
  return it;
}
void remember(const fs::path& path) {
  const std::scoped_lock lock(live().mutex);
  live().paths.insert(path);
}
void forget(const fs::path& path) {
  const std::scoped_lock lock(live().mutex);
  live().paths.erase(path);
}

// Links are written through: the file that they name is replaced, not the link. A slash at the end is dropped.
fs::path target_of(fs::path path) {
  VGEN_CHECK(!path.empty(), IoError, "cannot write: the path is empty");
  if (!path.has_filename()) path = path.parent_path();
  std::error_code error;
  if (fs::is_symlink(path, error)) {
    const fs::path real = fs::weakly_canonical(path, error);
    if (!error) return real;
  }
  return path;
}

std::string hash_file(const fs::path& path, std::uintmax_t& bytes) {
  const Descriptor fd(open_retry(path, O_RDONLY | O_NOFOLLOW));
  if (fd.get() < 0) fail("cannot open", path, errno);
  std::vector<char> buffer(std::size_t(1) << 20);
  Sha256 hash;
  bytes = 0;
  while (true) {
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("cannot read", path, errno);
    if (n == 0) return hash.hex();
    hash.update(buffer.data(), static_cast<std::size_t>(n));
    bytes += static_cast<std::uintmax_t>(n);
  }
}

}  // namespace

AtomicFile::AtomicFile(fs::path path) : path_(target_of(std::move(path))) {
  struct stat old {};
  const bool exists = ::stat(path_.c_str(), &old) == 0;
  VGEN_CHECK(!exists || S_ISREG(old.st_mode), IoError, "cannot write ", shown(path_),
             ": it exists and is no regular file");
  for (int attempt = 0;; ++attempt) {
    remember(temporary_ = temporary_name(path_));
    descriptor_ = open_retry(temporary_, O_RDWR | O_CREAT | O_EXCL, exists ? old.st_mode & 0777 : 0666);
    if (descriptor_ >= 0) break;
    const int why = errno;
    forget(temporary_);
    if (why != EEXIST || attempt == 8) fail("cannot create", path_, why);
  }
}

AtomicFile::~AtomicFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (committed_) return;
  ::unlink(temporary_.c_str());
  forget(temporary_);
}

void AtomicFile::write(const void* data, std::size_t bytes) {
  VGEN_CHECK(descriptor_ >= 0, IoError, "cannot write ", shown(path_), ": it is committed already");
  const char* p = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t n = ::write(descriptor_, p, std::min(bytes, std::size_t(1) << 30));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("cannot write", path_, errno);
    p += n;
    bytes -= static_cast<std::size_t>(n);
  }
}

void AtomicFile::commit() {
  VGEN_CHECK(!committed_, IoError, "cannot commit ", shown(path_), " twice");
  if (descriptor_ >= 0) {
    const int fd = descriptor_;
    descriptor_ = -1;
    if (::close(fd) != 0) fail("cannot write", path_, errno);
  }
  sync(temporary_, false);  // by name: whoever wrote through temporary() may have made a new file there
  {
    const std::scoped_lock lock(live().mutex);
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail("cannot write", path_, errno);
    live().paths.erase(temporary_);
  }
  committed_ = true;
  sync(parent_of(path_), true);
}

AtomicDir::AtomicDir(fs::path path) : path_(target_of(std::move(path))) {
  struct stat old {};
  VGEN_CHECK(::stat(path_.c_str(), &old) != 0 || S_ISDIR(old.st_mode), IoError, "cannot write ", shown(path_),
             ": it exists and is no directory");
  for (int attempt = 0;; ++attempt) {
    remember(temporary_ = temporary_name(path_));
    if (::mkdir(temporary_.c_str(), 0777) == 0) break;
    const int why = errno;
    forget(temporary_);
    if (why != EEXIST || attempt == 8) fail("cannot create", path_, why);
  }
}

AtomicDir::~AtomicDir() {
  std::error_code ignored;
  if (committed_) return;
  fs::remove_all(temporary_, ignored);
  forget(temporary_);
}

void AtomicDir::commit() {
  VGEN_CHECK(!committed_, IoError, "cannot commit ", shown(path_), " twice");
  std::error_code error;
  std::vector<std::string> files;
  std::vector<fs::path> folders{temporary_};
  for (fs::recursive_directory_iterator it(temporary_, error), end; !error && it != end; it.increment(error)) {
    const fs::path& entry = it->path();
    if (it->is_symlink()) throw IoError(str("cannot commit ", shown(path_), ": ", shown(entry), " is a link"));
    if (it->is_directory()) {
      folders.push_back(entry);
      continue;
    }
    VGEN_CHECK(it->is_regular_file(), IoError, "cannot commit ", shown(path_), ": ", shown(entry),
               " is no regular file");
    const std::string name = entry.lexically_relative(temporary_).generic_string();
    VGEN_CHECK(
        std::ranges::none_of(name, [](unsigned char c) { return c < 0x20 || c == '"' || c == '\\' || c == 0x7F; }),
        IoError, "cannot commit ", shown(path_), ": the name ", shown(name),
        " holds a quote, backslash or control character");
    if (name != manifest_name) files.push_back(name);
  }
  if (error) fail("cannot list", temporary_, error.value());
  std::ranges::sort(files);

  std::string manifest = "{\n";
  for (const std::string& name : files) {
    std::uintmax_t bytes = 0;
    sync(temporary_ / name, false);
    const std::string hash = hash_file(temporary_ / name, bytes);
    manifest += str("  \"", name, "\": {\"bytes\": ", bytes, ", \"sha256\": \"", hash, "\"}",
                    &name == &files.back() ? "\n" : ",\n");
  }
  write_file(temporary_ / manifest_name, manifest + "}\n");
  for (const fs::path& folder : folders) sync(folder, true);

  {
    const std::scoped_lock lock(live().mutex);
    if (::rename(temporary_.c_str(), path_.c_str()) == 0) {  // succeeds if path_ is absent or empty
      live().paths.erase(temporary_);
      temporary_.clear();
    } else {
      if (errno != ENOTEMPTY && errno != EEXIST) fail("cannot write", path_, errno);
      // Swap, so that there is a complete directory at path_ at every moment; then the old one has the temporary name.
      constexpr unsigned exchange = 2;  // RENAME_EXCHANGE
      if (::syscall(SYS_renameat2, AT_FDCWD, temporary_.c_str(), AT_FDCWD, path_.c_str(), exchange) != 0) {
        const fs::path old =
            temporary_name(path_);  // file systems without exchange: two renames, the old one kept between them
        if (::rename(path_.c_str(), old.c_str()) != 0) fail("cannot replace", path_, errno);
        if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
          const int why = errno;
          ::rename(old.c_str(), path_.c_str());
          fail("cannot write", path_, why);
        }
        live().paths.erase(temporary_);
        live().paths.insert(old);
        temporary_ = old;
      }
    }
  }
  committed_ = true;
  sync(parent_of(path_), true);
  if (temporary_.empty()) return;
  fs::remove_all(temporary_, error);
  forget(temporary_);
}

void discard_temporaries() noexcept {
  live().mutex.lock();  // for good
  std::error_code ignored;
  for (const fs::path& path : live().paths)
    for (int attempt = 0; attempt < 5; ++attempt) {  // another thread may still be adding files to it
      fs::remove_all(path, ignored);
      if (!fs::exists(fs::symlink_status(path, ignored))) break;
    }
}

void write_file(const fs::path& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

std::string read_file(const fs::path& path, std::size_t limit) {
  const Descriptor fd(open_retry(path, O_RDONLY));
  if (fd.get() < 0) fail("cannot open", path, errno);
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) fail("cannot read", path, errno);
  VGEN_CHECK(!S_ISDIR(info.st_mode), IoError, "cannot read ", shown(path), ": it is a directory");
  const auto too_long = [&] {
    throw IoError(str("cannot read ", shown(path), ": longer than the limit of ", limit, " bytes"));
  };
  if (S_ISREG(info.st_mode) && static_cast<std::uintmax_t>(info.st_size) > limit) too_long();
  std::string out;
  if (S_ISREG(info.st_mode)) out.reserve(static_cast<std::size_t>(info.st_size));
  char buffer[1 << 16];
  while (true) {  // until the end, not until st_size: pipes and /proc say 0
    const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("cannot read", path, errno);
    if (n == 0) return out;
    if (static_cast<std::size_t>(n) > limit - out.size()) too_long();
    out.append(buffer, static_cast<std::size_t>(n));
  }
}

// Reads exactly what AtomicDir writes, one file a line; core has no JSON parser and needs none.
void verify_manifest(const fs::path& directory) {
  const fs::path path = directory / manifest_name;
  VGEN_CHECK(fs::exists(path), CheckpointError, shown(directory), " has no ", manifest_name,
             ": it was not written to its end");
  const std::string text = read_file(path, std::size_t(1) << 26);
  std::string_view rest = text;
  const auto check = [&](bool good) {
    VGEN_CHECK(good, FormatError, shown(path), ": malformed at byte ", text.size() - rest.size(),
               "; it is not as vgen wrote it");
  };
  const auto take = [&](std::string_view piece) {
    const bool found = rest.starts_with(piece);
    if (found) rest.remove_prefix(piece.size());
    return found;
  };
  check(take("{\n"));
  while (!take("}\n")) {
    check(take("  \""));
    const std::size_t quote = rest.find('"');
    check(quote != std::string_view::npos && quote > 0);
    const fs::path name(rest.substr(0, quote));
    check(name.is_relative() && std::ranges::none_of(name, [](const fs::path& p) { return p == ".." || p == "."; }));
    rest.remove_prefix(quote);
    check(take("\": {\"bytes\": "));
    std::uintmax_t size = 0, found = 0;
    const auto number = std::from_chars(rest.data(), rest.data() + rest.size(), size);
    check(number.ec == std::errc());
    rest.remove_prefix(static_cast<std::size_t>(number.ptr - rest.data()));
    check(take(", \"sha256\": \"") && rest.size() > 64);
    const std::string_view hash = rest.substr(0, 64);
    rest.remove_prefix(64);
    check(take("\"},\n") || (take("\"}\n") && rest == "}\n"));
    std::error_code error;
    const fs::path file = directory / name;
    VGEN_CHECK(fs::is_regular_file(fs::symlink_status(file, error)), CheckpointError, shown(file), ": missing, but ",
               manifest_name, " lists it");
    const std::uintmax_t actual = fs::file_size(file, error);
    VGEN_CHECK(!error && actual == size, CheckpointError, shown(file), ": ", actual, " bytes, but ", manifest_name,
               " says ", size);
    VGEN_CHECK(hash_file(file, found) == hash, CheckpointError, shown(file), ": SHA-256 differs from ", manifest_name,
               "; the file is damaged");
  }
  check(rest.empty());
}

void expect_writable(const fs::path& directory, std::size_t bytes) {
  struct stat info {};
  if (::stat(directory.c_str(), &info) != 0) {
    VGEN_CHECK(errno != ENOENT, IoError, "cannot write into ", shown(directory),
               ": there is no such folder; make it first, or name another");
    fail("cannot write into", directory, errno);
  }
  VGEN_CHECK(S_ISDIR(info.st_mode), IoError, "cannot write into ", shown(directory), ": it is no directory");
  try {  // by doing it: access() is wrong for root and for read-only mounts
    const AtomicFile probe(directory / ".vgen-probe");
  } catch (const IoError& e) {  // its reason, under the name that the caller knows
    const std::string_view what = e.what();
    throw IoError(
        str("cannot write into ", shown(directory), what.substr(what.rfind(": ")), "; choose another folder"));
  }
  if (bytes == 0) return;
  struct statvfs space {};
  if (::statvfs(directory.c_str(), &space) != 0) fail("cannot examine", directory, errno);
  const auto left = static_cast<unsigned long long>(space.f_bavail) * space.f_frsize;
  VGEN_CHECK(left >= bytes, IoError, "cannot write into ", shown(directory), ": ", bytes >> 20, " MiB needed, ",
             left >> 20, " MiB free; free some space or choose another folder");
}

}  // namespace vgen
