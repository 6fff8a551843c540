// The program `vgen`. It knows the command line and nothing of torch: help, version, completion and usage errors are
// answered here; a command that runs opens libvgen_cli_backend.so, so that `--help` does not pay 0.4 s and 115 MB for
// torch.
#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "vgen/cli/arguments.hpp"
#include "vgen/cli/system.hpp"
#include "vgen/formats/json.hpp"
#include "vgen/pipelines/model_places.hpp"
#include "vgen/version.hpp"

namespace {
namespace fs = std::filesystem;
using namespace vgen;

// Until the back end has its own handler nothing is half done, so a signal may end the process at once.
extern "C" void end_at_once(int signal) { _exit(128 + signal); }

void print(const std::string& text, std::FILE* to = stdout) { std::fwrite(text.data(), 1, text.size(), to); }

// The exit code of a command whose text is all that it makes: it must have arrived.
int printed() {
  if (std::fflush(stdout) == 0 && !std::ferror(stdout)) return 0;
  print("vgen: cannot write to standard output\n", stderr);
  return static_cast<int>(Exit::io);
}

int report(const Error& error, const char* type, bool json) {
  const int code = static_cast<int>(error.code());
  std::fflush(stdout);
  print(std::string(error.what()) + "\n", stderr);
  if (json) {
    Node body = Node::map({{"type", type}, {"exit", code}, {"message", error.what()}});
    print(formats::dump_json(Node::map({{"error", std::move(body)}})) + "\n");
  }
  return code;
}

// Build tree and `cmake --install`: <prefix>/bin/vgen and <prefix>/lib. Wheel: <env>/bin/vgen and
// site-packages/vgen/lib.
fs::path find_backend(std::string& looked) {
  static constexpr const char* name = "libvgen_cli_backend.so";
  std::error_code ec;
  std::vector<fs::path> folders;
  if (const char* folder = std::getenv("VGEN_LIB_DIR")) folders.emplace_back(folder);
  const fs::path bin = fs::read_symlink("/proc/self/exe", ec).parent_path();
  folders.push_back(bin.parent_path() / "lib");
  folders.push_back(bin);
  for (const char* lib : {"lib", "lib64", "local/lib"})
    for (fs::directory_iterator it(bin.parent_path() / lib, ec), end; !ec && it != end; it.increment(ec))
      if (it->path().filename().string().starts_with("python3"))
        for (const char* packages : {"site-packages", "dist-packages"})
          folders.push_back(it->path() / packages / "vgen/lib");
  for (const fs::path& folder : folders) {
    if (fs::exists(folder / name, ec)) return folder / name;
    looked += (looked.empty() ? "" : ", ") + folder.string();
  }
  return {};
}

// A binary runs on the torch minor that it was built against only: said here in one line, instead of by an undefined
// symbol.
std::string torch_problem(const fs::path& backend) {
  std::error_code ec;
  const BuildInfo& build = build_info();
  const fs::path neighbour = backend.parent_path() / "../../torch",
                 torch = fs::exists(neighbour / "version.py", ec) ? neighbour : fs::path(build.torch_dir);
  if (torch.empty() || !fs::exists(torch / "lib/libtorch_cpu.so", ec))
    return str("no torch ", build.torch, " at ", torch.empty() ? neighbour.lexically_normal().string() : torch.string(),
               "; run: pip install 'torch==", build.torch, ".*'");
  const std::string found = cli::torch_version(torch);
  if (!found.empty() && !found.starts_with(std::string(build.torch) + "."))
    return str("built for torch ", build.torch, ", found torch ", found, " in ", torch.lexically_normal().string(),
               "; run: pip install 'torch==", build.torch, ".*', or rebuild vgen");
  return "";
}

int run(const cli::Parsed& parsed) {
  const std::string& command = parsed.command->name;
  const bool json = parsed.arguments.find("json");
  std::string looked;
  const fs::path backend = find_backend(looked);
  cli::check_size(parsed.arguments, pipelines::shipped_model_places(backend.parent_path()));
  std::string problem =
      backend.empty() ? "libvgen_cli_backend.so not found; looked in " + looked : torch_problem(backend);
  if (problem.empty()) {
    if (void* library = dlopen(backend.c_str(), RTLD_NOW | RTLD_LOCAL)) {
      using Run = int (*)(const char*, const char*);
      if (const auto entry = reinterpret_cast<Run>(dlsym(library, "vgen_cli_run"))) {
        const std::string text = formats::dump_json(parsed.arguments, -1);
        return entry(command.c_str(), text.c_str());
      }
    }
    const char* why = dlerror();
    problem = str("cannot load ", backend.string(), ": ", why ? why : "it has no vgen_cli_run");
  }
  if (command == "doctor") {  // most wanted when nothing else runs
    std::vector<cli::Finding> findings = cli::machine();
    findings.push_back({"torch", problem, cli::Health::bad});
    print(json ? formats::dump_json(cli::to_node(findings)) + "\n" : cli::to_text(findings));
    return static_cast<int>(Exit::unavailable);
  }
  return report(Unavailable("vgen: " + problem), "Unavailable", json);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGINT, end_at_once);
  std::signal(SIGTERM, end_at_once);
  const std::vector<std::string> words(argv + (argc > 0), argv + argc);
  try {
    using Action = cli::Parsed::Action;
    const cli::Parsed parsed = cli::parse(words);
    switch (parsed.action) {
      case Action::help:
        print(parsed.command ? cli::help(*parsed.command) : cli::help());
        break;
      case Action::version:
        print(str("vgen ", build_info().version, " (torch ", build_info().torch, ")\n"));
        break;
      case Action::completion:
        print(cli::completion());
        break;
      case Action::run:
        return run(parsed);
    }
    return printed();
  } catch (const Error& e) {
    const bool json = std::ranges::find(words, "--json") != words.end();
    return report(e, e.code() == Exit::usage ? "UsageError" : "ConfigError", json);
  } catch (const std::exception& e) { return report(Error(str("vgen: ", e.what())), "Error", false); }
}
