// The half of the program that computes: libvgen_cli_backend.so, opened by main.cpp. One file a command,
// cmd_<name>.cpp; the table is in backend.cpp. A command returns its exit code; errors are thrown and become exit codes
// there.
#pragma once
#include <string>
#include <vector>

#include "vgen/cli/console.hpp"
#include "vgen/cli/interrupts.hpp"
#include "vgen/core/node.hpp"
#include "vgen/core/progress.hpp"

namespace vgen::cli {

struct Invocation {
  const Node& arguments;  // name -> value; only what was given (cli/arguments.hpp)
  CancelToken cancel;     // set by SIGINT and SIGTERM
  Console& console;
  Interrupts& interrupts;

  bool has(std::string_view name) const { return arguments.find(name) != nullptr; }
  bool flag(std::string_view name) const { return has(name); }
  std::string text(std::string_view name, std::string fallback = "") const;
  std::int64_t integer(std::string_view name, std::int64_t fallback) const;
  double number(std::string_view name, double fallback) const;
  std::vector<std::string> texts(std::string_view name) const;  // of a repeated option or positional
  // Applies every --set a.b=c to `root`; the value is read as YAML (1e-4, true, [1, 2], text).
  void override_with_sets(Node& root) const;
};

std::string shell_quoted(const std::string& text);  // one word of a shell

int cmd_convert(Invocation& in);
int cmd_doctor(Invocation& in);
int cmd_eval(Invocation& in);
int cmd_gen(Invocation& in);
int cmd_inspect(Invocation& in);
int cmd_parity(Invocation& in);
int cmd_tiny(Invocation& in);
int cmd_train(Invocation& in);
int cmd_upscale(Invocation& in);

}  // namespace vgen::cli

// `arguments` is the Node of cli::parse as JSON. Returns the exit code; never throws.
extern "C" VGEN_API int vgen_cli_run(const char* command, const char* arguments);
