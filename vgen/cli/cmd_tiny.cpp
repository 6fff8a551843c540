// vgen tiny SYSTEM DIR: a model folder with random weights.
#include "vgen/cli/backend.hpp"
#include "vgen/pipelines/tiny.hpp"

namespace vgen::cli {

int cmd_tiny(Invocation& in) {
  const std::string system = in.text("system"), folder = in.text("dir");
  pipelines::write_tiny_model(system, folder, static_cast<std::uint64_t>(in.integer("seed", 0)));
  in.console.print(str(printable(folder, 400), ": model of ", system, " with random weights"));
  in.console.result(Node::map({{"system", system}, {"path", folder}}));
  return 0;
}

}  // namespace vgen::cli
