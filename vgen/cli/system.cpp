#include "vgen/cli/system.hpp"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <thread>

namespace vgen::cli {
namespace fs = std::filesystem;
namespace {

// Value of the first line "<key> : value" of a file such as /proc/cpuinfo.
std::string line_of(const char* file, std::string_view key) {
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(key)) {
      const std::size_t colon = line.find(':');
      const std::size_t start = colon == std::string::npos ? colon : line.find_first_not_of(" \t", colon + 1);
      return start == std::string::npos ? "" : line.substr(start);
    }
  return "";
}

std::string gib(double bytes) {
  const double tenths = bytes / (1 << 30) * 10;
  return str(static_cast<double>(static_cast<long long>(tenths + 0.5)) / 10, " GiB");
}

Finding cpu() {
  const std::string flags = " " + line_of("/proc/cpuinfo", "flags") + " ";
  std::string has;
  for (const char* f : {"avx2", "fma", "avx512f", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_bf16"})
    if (flags.find(str(" ", f, " ")) != std::string::npos) has += str(has.empty() ? "" : " ", f);
  std::string model = line_of("/proc/cpuinfo", "model name");
  Finding f{"cpu", str(model.empty() ? "unknown" : model, ", ", std::thread::hardware_concurrency(), " cores",
                       has.empty() ? "" : ", ", has)};
  if (has.find("avx2") == std::string::npos && flags.size() > 2) {
    f.health = Health::note;
    f.fix = "without AVX2 torch computes several times slower";
  }
  return f;
}

Finding memory() {
  const double total = std::atof(line_of("/proc/meminfo", "MemTotal").c_str()) * 1024;
  const double free = std::atof(line_of("/proc/meminfo", "MemAvailable").c_str()) * 1024;
  Finding f{"memory", str(gib(free), " of ", gib(total), " available")};
  if (free < 2e9)
    f.health = Health::note, f.fix = "the shipped model needs about 1 GiB, a full-size one 8 GiB and more";
  return f;
}

Finding disk(const char* name, const fs::path& folder) {
  std::error_code ec;
  const fs::space_info space = fs::space(folder, ec);
  if (ec) return {name, str(printable(folder.string()), ": ", ec.message()), Health::bad};
  Finding f{name, str(printable(folder.string()), ", ", gib(static_cast<double>(space.available)), " free")};
  if (access(folder.c_str(), W_OK) != 0)
    f.health = Health::note, f.value += ", not writable", f.fix = "write elsewhere: -o DIR/out.mp4";
  else if (space.available < (std::uintmax_t(1) << 28))
    f.health = Health::note, f.fix = "free some space";
  return f;
}

}  // namespace

std::string torch_version(const fs::path& torch_dir) {
  std::ifstream in(torch_dir / "version.py");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("__version__")) {
      const std::size_t open = line.find_first_of("'\""), close = line.find_last_of("'\"");
      if (open != std::string::npos && close > open) return line.substr(open + 1, close - open - 1);
    }
  return "";
}

std::vector<Finding> machine() {
  utsname name{};
  uname(&name);
  std::string distribution;
  std::ifstream in("/etc/os-release");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("PRETTY_NAME=")) distribution = line.substr(12);
  std::erase(distribution, '"');
  std::error_code ec;
  return {{"system", str(distribution.empty() ? "unknown" : distribution, ", ", name.sysname, " ", name.release, ", ",
                         name.machine)},
          cpu(),
          memory(),
          disk("disk", fs::current_path(ec)),
          disk("temporary", fs::temp_directory_path(ec))};
}

std::string to_text(const std::vector<Finding>& findings) {
  std::size_t width = 0;
  for (const Finding& f : findings) width = std::max(width, f.name.size());
  std::string out;
  for (const Finding& f : findings) {
    static constexpr const char* marks[] = {"ok  ", "note", "BAD "};
    out += str("  ", marks[static_cast<int>(f.health)], "  ", f.name, std::string(width - f.name.size() + 2, ' '),
               f.value, "\n");
    if (!f.fix.empty()) out += std::string(width + 10, ' ') + "-> " + f.fix + "\n";
  }
  return out;
}

Node to_node(const std::vector<Finding>& findings) {
  Node list = Node::list();
  bool ok = true;
  for (const Finding& f : findings) {
    static constexpr const char* names[] = {"ok", "note", "bad"};
    Node n = Node::map({{"name", f.name}, {"value", f.value}, {"health", names[static_cast<int>(f.health)]}});
    if (!f.fix.empty()) n.set("fix", f.fix);
    list.items.push_back(std::move(n));
    ok = ok && f.health != Health::bad;
  }
  return Node::map({{"ok", ok}, {"findings", std::move(list)}});
}

}  // namespace vgen::cli
