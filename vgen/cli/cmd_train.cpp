// vgen train -c FILE: trains what a configuration describes; goes on where an earlier run of the same folder stopped.
#include <filesystem>

#include "vgen/cli/backend.hpp"
#include "vgen/core/log.hpp"
#include "vgen/formats/json.hpp"
#include "vgen/formats/yaml.hpp"
#include "vgen/train/config.hpp"

namespace vgen::cli {
namespace fs = std::filesystem;

int cmd_train(Invocation& in) {
  const std::string path = in.text("config");
  VGEN_CHECK(in.text("device", "cpu") == "cpu", Unavailable, "train: only --device cpu is built in");
  Node root = formats::read_config_file(path);
  in.override_with_sets(root);
  const auto config = read<train::TrainConfig>(root, {path, ""});
  const fs::path folder = in.text("resume", in.text("out", (fs::path("runs") / fs::path(path).stem()).string()));
  if (in.has("resume"))
    VGEN_CHECK(fs::is_directory(folder), IoError, "train: no run folder ", printable(folder.string()),
               " to go on with");
  if (in.flag("dry-run")) {
    in.console.print(formats::dump_json(to_node(config)));
    in.console.result(to_node(config));
    return 0;
  }
  const train::TrainResult result = train::run(config, folder, in.cancel, in.console.progress());
  in.console.print(
      str(result.finished ? "finished" : "stopped after a checkpoint", " at step ", result.step, ", loss ",
          result.last_loss,
          result.finished ? "; the model is in " + (folder / "model").string() : "; go on with the same command"));
  in.console.result(Node::map({{"step", Node(static_cast<std::int64_t>(result.step))},
                               {"loss", Node(result.last_loss)},
                               {"finished", Node(result.finished)},
                               {"folder", Node(folder.string())}}));
  if (!result.finished) in.cancel.check("train");
  return 0;
}

}  // namespace vgen::cli
