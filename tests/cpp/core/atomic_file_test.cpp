#include "vgen/core/atomic_file.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <functional>
#include <thread>
#include <vector>

#include "vgen/core/folder_lock.hpp"
#include "vgen/core/sha256.hpp"
#include "vgen/core/temporaries.hpp"

namespace vgen {
namespace {
namespace fs = std::filesystem;

struct Atomic : testing::Test {
  fs::path dir = fs::temp_directory_path() / ("vgen-atomic-" + std::to_string(::getpid()) +
                                              testing::UnitTest::GetInstance()->current_test_info()->name());
  void SetUp() override { fs::create_directories(dir); }
  void TearDown() override {
    std::error_code ignored;
    fs::permissions(dir, fs::perms::owner_all, ignored);
    fs::remove_all(dir, ignored);
  }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& e : fs::directory_iterator(dir)) out.push_back(e.path().filename().string());
    std::sort(out.begin(), out.end());
    return out;
  }
  static std::string message(const std::function<void()>& f) {
    try {
      f();
    } catch (const IoError& e) { return e.what(); }
    ADD_FAILURE() << "no IoError";
    return "";
  }
};
using Names = std::vector<std::string>;

TEST_F(Atomic, AppearsOnCommitOnly) {
  {
    AtomicFile f(dir / "a");
    f.write("hello ");
    f.write("world");
    EXPECT_FALSE(fs::exists(dir / "a"));
    EXPECT_TRUE(f.temporary().string().ends_with(".part"));
    EXPECT_EQ(f.temporary().parent_path(), dir);
    f.commit();
    EXPECT_EQ(read_file(dir / "a"), "hello world");
    EXPECT_THROW(f.commit(), IoError);
    EXPECT_THROW(f.write("x"), IoError);
  }
  EXPECT_EQ(names(), Names{"a"});
  {
    AtomicFile f(dir / "a");
    f.write("half");
  }
  EXPECT_EQ(read_file(dir / "a"), "hello world") << "without commit nothing changes";
  EXPECT_EQ(names(), Names{"a"});
}

TEST_F(Atomic, WritersByNameAndModesAndLinks) {
  write_file(dir / "a", "old");
  fs::permissions(dir / "a", fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read);
  fs::create_symlink("a", dir / "link");
  AtomicFile f(dir / "link");
  fs::remove(f.temporary());
  std::ofstream(f.temporary()) << "by name";  // some writers make the file anew
  f.commit();
  EXPECT_TRUE(fs::is_symlink(dir / "link"));
  EXPECT_EQ(read_file(dir / "a"), "by name");
  write_file(dir / "link", "again");
  EXPECT_EQ(read_file(dir / "a"), "again");
  write_file(dir / "b", "");
  EXPECT_EQ(read_file(dir / "b"), "");
}

TEST_F(Atomic, ErrorsNameThePathAndLeaveNothing) {
  EXPECT_NE(message([&] { write_file(dir / "no" / "x", "1"); }).find("no/x"), std::string::npos);
  EXPECT_NE(message([&] { write_file(dir, "1"); }).find("no regular file"), std::string::npos);
  EXPECT_NE(message([&] { write_file("", "1"); }).find("empty"), std::string::npos);
  EXPECT_NE(message([&] { read_file(dir / "none"); }).find("No such file"), std::string::npos);
  EXPECT_NE(message([&] { read_file(dir); }).find("directory"), std::string::npos);
  write_file(dir / "a", "12345");
  EXPECT_EQ(read_file(dir / "a", 5), "12345");
  EXPECT_NE(message([&] { read_file(dir / "a", 4); }).find("limit of 4"), std::string::npos);
  EXPECT_EQ(names(), Names{"a"});
}

// A limit on the size of files stands for a full disk: the write fails midway, the old file stays, nothing is left
// over.
TEST_F(Atomic, FailedWriteKeepsTheOldFile) {
  write_file(dir / "a", "old");
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{100'000, 100'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    try {
      write_file(dir / "a", std::string(1'000'000, 'x'));
    } catch (const IoError&) { ::_exit(5); }
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 5);
  EXPECT_EQ(read_file(dir / "a"), "old");
  EXPECT_EQ(names(), Names{"a"});
}

// What has been begun is removed, what is whole stays, and nothing can be committed any more.
TEST_F(Atomic, TemporariesAreDiscarded) {
  const pid_t child = ::fork();
  if (child == 0) {
    write_file(dir / "whole", "x");
    auto& file = *new AtomicFile(dir / "a");
    auto& folder = *new AtomicDir(dir / "d");
    file.write("half");
    write_file(folder.temporary() / "f", "half");
    discard_temporaries();
    std::thread([&] {
      try {
        file.commit();
      } catch (const IoError&) {}  // its file is gone: seen by whoever comes that far before it waits for ever
    }).detach();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(names(), Names{"whole"});
}

TEST_F(Atomic, LongNamesLeaveRoomForTheTemporaryOne) {
  const std::string name(255, 'n');
  write_file(dir / name, "x");
  EXPECT_EQ(names(), Names{name});
}

TEST_F(Atomic, OneProcessAFolder) {
  auto lock = std::make_unique<FolderLock>(dir);
  EXPECT_NE(message([&] { FolderLock second(dir); }).find(str("in use by another run (process ", ::getpid())),
            std::string::npos);
  lock->finishing();  // then the other one waits
  std::thread giving_up([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    lock.reset();
  });
  FolderLock second(dir);
  giving_up.join();
  EXPECT_NE(message([&] { FolderLock third(dir / "none"); }).find("none"), std::string::npos);
}

// A process killed at a random moment while it saves again and again: what is there is always one of the whole
// versions.
TEST_F(Atomic, KilledAtRandomTimes) {
  const auto version = [](int i) { return std::string(200'000, static_cast<char>('a' + i % 26)); };
  write_file(dir / "f", version(0));
  {
    AtomicDir d(dir / "d");
    write_file(d.temporary() / "f", version(0));
    d.commit();
  }
  for (int round = 0; round < 20; ++round) {
    const pid_t child = ::fork();
    if (child == 0) {
      for (int i = 1;; ++i) {
        write_file(dir / "f", version(i));
        AtomicDir d(dir / "d");
        write_file(d.temporary() / "f", version(i));
        write_file(d.temporary() / "g", version(i));
        d.commit();
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(3 + 7 * round % 40));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const std::string now = read_file(dir / "f");
    ASSERT_EQ(now.size(), 200'000u);
    ASSERT_EQ(now.find_first_not_of(now[0]), std::string::npos);
    ASSERT_NO_THROW(verify_manifest(dir / "d"));
    const std::string in_dir = read_file(dir / "d" / "f");
    ASSERT_TRUE(!fs::exists(dir / "d" / "g") || read_file(dir / "d" / "g") == in_dir);
    write_file(dir / "f", version(0));  // left-overs of the killed save do not stop the next
  }
}

TEST_F(Atomic, DirectoriesAppearWholeAndReplaceOldOnes) {
  for (int i = 0; i < 3; ++i) {
    AtomicDir d(dir / "model");
    fs::create_directories(d.temporary() / "unet");
    write_file(d.temporary() / "unet" / "w.bin", std::string(1000, static_cast<char>(i)));
    if (i == 0) write_file(d.temporary() / "only-first", "x");
    EXPECT_TRUE(i == 0 || fs::exists(dir / "model" / "unet" / "w.bin")) << "the old one stays until commit";
    d.commit();
    EXPECT_EQ(names(), Names{"model"});
    EXPECT_NO_THROW(verify_manifest(dir / "model"));
    EXPECT_EQ(read_file(dir / "model" / "unet" / "w.bin")[0], static_cast<char>(i));
    EXPECT_EQ(fs::exists(dir / "model" / "only-first"), i == 0);
    EXPECT_THROW(d.commit(), IoError);
  }
  { AtomicDir d(dir / "never"); }
  EXPECT_EQ(names(), Names{"model"});
  write_file(dir / "file", "x");
  EXPECT_THROW(AtomicDir(dir / "file"), IoError);
  AtomicDir d(dir / "linked");
  fs::create_symlink("/etc/passwd", d.temporary() / "l");
  EXPECT_THROW(d.commit(), IoError);
}

TEST_F(Atomic, ManifestFindsEveryDamage) {
  const auto make = [&] {
    AtomicDir d(dir / "m");
    fs::create_directories(d.temporary() / "s");
    write_file(d.temporary() / "a", "some bytes");
    write_file(d.temporary() / "s" / "b", std::string(5000, 'b'));
    d.commit();
  };
  make();
  EXPECT_EQ(read_file(dir / "m" / "MANIFEST.json"),
            "{\n  \"a\": {\"bytes\": 10, \"sha256\": \"" + sha256_hex("some bytes") +
                "\"},\n  \"s/b\": {\"bytes\": 5000, \"sha256\": \"" + sha256_hex(std::string(5000, 'b')) + "\"}\n}\n");
  write_file(dir / "m" / "a", "some bytez");
  EXPECT_THROW(verify_manifest(dir / "m"), CheckpointError);
  make();
  write_file(dir / "m" / "a", "short");
  EXPECT_NE(message([&] { verify_manifest(dir / "m"); }).find("5 bytes"), std::string::npos);
  make();
  fs::remove(dir / "m" / "s" / "b");
  EXPECT_NE(message([&] { verify_manifest(dir / "m"); }).find("missing"), std::string::npos);
  make();
  fs::remove(dir / "m" / "MANIFEST.json");
  EXPECT_THROW(verify_manifest(dir / "m"), CheckpointError);
  for (const std::string bad :
       {"", "{", "{}", "{\n", "{\n  \"../../etc/passwd\": {\"bytes\": 1, \"sha256\": \"00\"}\n}\n",
        "{\n  \"a\": {\"bytes\": -1, \"sha256\": \"00\"}\n}\n", "{\n}\nx"}) {
    make();
    write_file(dir / "m" / "MANIFEST.json", bad);
    EXPECT_THROW(verify_manifest(dir / "m"), FormatError) << bad;
  }
  make();
  const std::string good = read_file(dir / "m" / "MANIFEST.json");
  for (std::size_t n = 0; n < good.size(); ++n) {
    write_file(dir / "m" / "MANIFEST.json", good.substr(0, n));
    EXPECT_THROW(verify_manifest(dir / "m"), FormatError) << n;
  }
}

TEST_F(Atomic, ExpectWritable) {
  EXPECT_NO_THROW(expect_writable(dir, 1));
  EXPECT_TRUE(names().empty());
  EXPECT_THROW(expect_writable(dir / "none"), IoError);
  write_file(dir / "f", "x");
  EXPECT_THROW(expect_writable(dir / "f"), IoError);
  EXPECT_NE(message([&] { expect_writable(dir, std::size_t(1) << 60); }).find("MiB free"), std::string::npos);
}

TEST(Sha256, KnownValues) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256_hex(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  const std::string text(1000, 'x');
  const std::string whole = sha256_hex(text);
  for (std::size_t piece = 1; piece < 200; piece += 7) {  // in pieces of any size
    Sha256 hash;
    for (std::size_t i = 0; i < text.size(); i += piece) hash.update(text.data() + i, std::min(piece, text.size() - i));
    ASSERT_EQ(hash.hex(), whole) << piece;
  }
}

}  // namespace
}  // namespace vgen
