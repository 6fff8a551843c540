#include "vgen/cli/backend.hpp"

#include <ATen/Parallel.h>
#include <c10/util/Exception.h>
#include <cxxabi.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <new>
#include <string_view>
#include <typeinfo>
#include <utility>

#include "vgen/core/log.hpp"
#include "vgen/formats/json.hpp"
#include "vgen/formats/yaml.hpp"
#include "vgen/nn/memory.hpp"

namespace vgen::cli {
namespace {

constexpr std::pair<std::string_view, int (*)(Invocation&)> table[] = {
    {"convert", cmd_convert}, {"doctor", cmd_doctor},   {"eval", cmd_eval},
    {"gen", cmd_gen},         {"inspect", cmd_inspect}, {"parity", cmd_parity},
    {"tiny", cmd_tiny},       {"train", cmd_train},     {"upscale", cmd_upscale},
};

// "ConfigError" of vgen::ConfigError.
std::string type_of(const std::exception& e) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name(abi::__cxa_demangle(typeid(e).name(), nullptr, nullptr, &status),
                                                    std::free);
  const std::string_view full = status == 0 ? name.get() : "Error";
  return std::string(full.substr(full.rfind(':') == std::string_view::npos ? 0 : full.rfind(':') + 1));
}

// So that a message about it does not name a line of the file that it is put into (Place::fail).
void mark_as_set(Node& node) {
  node.line = -1;
  for (Node& item : node.items) mark_as_set(item);
  for (auto& [key, child] : node.entries) mark_as_set(child);
}

int run(std::string_view command, const Node& arguments, const CancelToken& cancel, Console& console,
        Interrupts& interrupts) {
  const auto fail = [&](Exit code, const std::string& type, const std::string& message) {
    // What fails after a signal may fail because of it (its temporary files are gone): the watching thread is about to
    // end the process with the signal's code.
    while (cancel.cancelled() && type != "Interrupted") pause();
    const bool internal = code == Exit::internal;
    const std::string words = interrupts.last_words();
    console.error(type, static_cast<int>(code),
                  (internal ? str("vgen ", command, ": internal error: ", message, "; please report it") : message) +
                      (words.empty() ? "" : "; " + words));
    return static_cast<int>(code);
  };
  try {
    nn::cache_memory(true);
    if (const Node* threads = arguments.find("threads")) at::set_num_threads(static_cast<int>(threads->integer));
    if (arguments.find("verbose") && !log::enabled(log::Level::info)) log::set_level(log::Level::info);
    Invocation in{arguments, cancel, console, interrupts};
    for (const auto& [name, body] : table)
      if (name == command) return body(in);
    throw Unavailable(str("vgen ", command, ": this build of the back end has no such command"));
  } catch (const OutputClosed&) {
    return 128 + SIGPIPE;  // what a program that the signal ends is told to have returned
  } catch (const Error& e) {
    return fail(e.code(), type_of(e), e.what());
  } catch (const std::filesystem::filesystem_error& e) {
    return fail(Exit::io, "IoError", str("vgen ", command, ": ", printable(e.what(), 500)));
  } catch (const std::bad_alloc&) {
    return fail(Exit::io, "MemoryError",
                str("vgen ", command, ": out of memory; use fewer frames, a smaller size or --dtype bf16"));
  } catch (const c10::Error& e) {
    const std::string what = e.what_without_backtrace();
    if (what.find("can't allocate memory") != std::string::npos || what.find("out of memory") != std::string::npos)
      return fail(Exit::io, "MemoryError",
                  str("vgen ", command, ": out of memory; use fewer frames, a smaller size or --dtype bf16: ", what));
    return fail(Exit::internal, "TorchError", what);
  } catch (const std::exception& e) { return fail(Exit::internal, type_of(e), e.what()); } catch (...) {
    return fail(Exit::internal, "Error", "unknown exception");
  }
}

}  // namespace

std::string Invocation::text(std::string_view name, std::string fallback) const {
  const Node* n = arguments.find(name);
  return n ? n->as_string() : std::move(fallback);
}
std::int64_t Invocation::integer(std::string_view name, std::int64_t fallback) const {
  const Node* n = arguments.find(name);
  return n ? n->as_int() : fallback;
}
double Invocation::number(std::string_view name, double fallback) const {
  const Node* n = arguments.find(name);
  return n ? n->as_double() : fallback;
}
std::vector<std::string> Invocation::texts(std::string_view name) const {
  std::vector<std::string> out;
  if (const Node* n = arguments.find(name))
    for (const Node& each : n->items) out.push_back(each.as_string());
  return out;
}
void Invocation::override_with_sets(Node& root) const {
  for (const std::string& each : texts("set")) {
    const std::size_t equals = each.find('=');
    VGEN_CHECK(equals != std::string::npos && equals > 0, ConfigError,
               "--set: expected path=value such as sampler.steps=30, got '", printable(each), "'");
    Node value = formats::parse_yaml_value(std::string_view(each).substr(equals + 1));
    mark_as_set(value);
    set_path(root, std::string_view(each).substr(0, equals), std::move(value));
  }
}

std::string shell_quoted(const std::string& text) {
  static constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./+:,@%=";
  if (!text.empty() && text.find_first_not_of(plain) == std::string::npos) return text;
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

}  // namespace vgen::cli

extern "C" int vgen_cli_run(const char* command, const char* arguments) {
  using namespace vgen;
  // A reader that has gone, or a file as large as it may be, must not end the process in the middle of its work.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    const Node parsed =
        formats::parse_json(arguments, "arguments", {.bytes = std::size_t(1) << 26, .depth = 8, .nodes = 1'000'000});
    const CancelToken cancel;
    auto& interrupts = *new cli::Interrupts(cancel, parsed.find("json"));  // its thread needs it to the end
    cli::Console console(parsed.find("json"), parsed.find("quiet"));
    const int code = cli::run(command, parsed, cancel, console, interrupts);
    if (cancel.cancelled()) _exit(code);  // all is written; no time for destructors
    return code;
  } catch (const std::exception& e) {
    cli::Console(false, true).error("Error", static_cast<int>(Exit::internal), str("vgen: internal error: ", e.what()));
    return static_cast<int>(Exit::internal);
  }
}
