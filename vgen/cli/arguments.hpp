// The command line as data: a table of commands, their options and examples; help, completion and parsing are computed
// from it. Torch-free, so that `vgen --help` answers in milliseconds. The result crosses to the back end
// (cli/backend.hpp) as a Node.
#pragma once
#include <cmath>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "vgen/core/error.hpp"
#include "vgen/core/node.hpp"

namespace vgen::cli {

struct UsageError : Error {
  explicit UsageError(const std::string& message) : Error(message, Exit::usage) {}
};

enum class Kind {
  flag,      // no value; true when given
  text,      // UTF-8
  integer,   // int64
  integers,  // "1,5,9": a list of int64
  number,    // finite double
  size,      // WxH, read as the list [W, H]
};

struct Option {
  std::string name = {};  // "steps": --steps
  char letter = 0;        // 'o': -o
  Kind kind = Kind::text;
  std::string value = {};  // how help calls the value: "N", "FILE"
  std::string help = {};
  std::string fallback = {};              // what holds when the option is absent, for help only
  std::vector<std::string> choices = {};  // closed set of texts; empty = open
  bool repeat = false;                    // may be given several times: a list
  bool required = false;
  std::vector<std::string> instead_of = {};  // options that may not stand beside it
  double low = -HUGE_VAL, high = HUGE_VAL;   // of integers and numbers
};

struct Positional {
  std::string name = {};  // "PROMPT"; key "prompt" in the result
  std::string help = {};
  bool required = true;
  bool repeat = false;  // takes all that follow: a list. Only the last one may repeat.
  std::vector<std::string> choices = {};
  std::vector<std::string> unless = {};  // not required if one of these options is given
  std::string with = {}, without = {};   // exists only if this option is given, or is not
};

struct Command {
  std::string name = {}, summary = {};
  std::vector<Positional> positionals = {};
  std::vector<Option> options = {};  // common_options() come on top
  std::vector<std::string> examples = {};
};

const std::vector<Command>& commands();
const std::vector<Option>& common_options();  // --json, --quiet, --verbose, --threads, --help

struct Parsed {
  enum class Action { run, help, version, completion } action = Action::help;
  const Command* command = nullptr;  // nullptr: the program itself
  Node arguments = Node::map();      // name -> value; only what was given
};
// `words` is argv without the program. UsageError (exit 2) says which word, and the nearest valid name; ConfigError
// (exit 3) the nearest valid value.
Parsed parse(const std::vector<std::string>& words);
// ConfigError if --size does not suit the model folder that is asked for, or the first of `shipped` that exists; so a
// wrong size is refused before torch is loaded. A folder that cannot be read is left to the back end.
void check_size(const Node& arguments, const std::vector<std::filesystem::path>& shipped);

std::string help();
std::string help(const Command& command);
std::string completion();  // a bash script; zsh reads it through bashcompinit

}  // namespace vgen::cli
