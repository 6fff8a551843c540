// vgen train -c FILE: trains what a configuration describes; goes on where an earlier run of the same folder stopped.
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <memory>

#include "vgen/cli/backend.hpp"
#include "vgen/formats/json.hpp"
#include "vgen/formats/yaml.hpp"
#include "vgen/tensor/device.hpp"
#include "vgen/train/config.hpp"

namespace vgen::cli {
namespace fs = std::filesystem;
namespace {

// The process must end at once, a step may take seconds: a child writes the checkpoint. A small one is waited for.
std::string rescue_words(train::Rescue& rescue) {
  const int child = rescue.save_in_child(0.06);
  if (rescue.step() == 0) return "";  // not yet begun
  if (child == 0) return "the newest checkpoint is whole; go on with the same command";
  for (int i = 0; i < 30; ++i) {
    int status = 0;
    if (waitpid(child, &status, WNOHANG) == child)
      return WIFEXITED(status) && WEXITSTATUS(status) == 0
                 ? str("saved at step ", rescue.step(), "; go on with the same command")
                 : str("step ", rescue.step(), " could not be saved; the checkpoint before it is whole");
    usleep(1000);
  }
  return str("step ", rescue.step(), " is being saved by process ", child,
             "; go on with the same command, which waits for it");
}

}  // namespace

int cmd_train(Invocation& in) {
  const std::string path = in.text("config");
  const at::Device device = device_named(in.text("device", "cpu"));
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

  const auto rescue = std::make_shared<train::Rescue>();  // shared with a thread that may outlive this function
  in.interrupts.before_end([rescue] { return rescue_words(*rescue); });
  long long first = -1;
  const OnProgress show = in.console.progress();
  const train::TrainResult result = train::run(
      config, folder, in.cancel,
      [&](const ProgressEvent& e) {
        if (e.stage == "train" && first < 0) {  // comes before the first step
          first = e.done;
          in.console.note(first == 0 ? str("training in ", folder.string())
                                     : str("continuing ", folder.string(), " after step ", first));
        }
        show(e);
      },
      rescue.get(), device);
  in.console.print(
      str(result.finished ? "finished" : "stopped after a checkpoint", " at step ", result.step,
          result.step > first ? str(", loss ", result.last_loss) : "",
          result.finished ? "; the model is in " + (folder / "model").string() : "; go on with the same command"));
  in.console.result(Node::map({{"step", Node(static_cast<std::int64_t>(result.step))},
                               {"first", Node(static_cast<std::int64_t>(first))},
                               {"loss", Node(result.last_loss)},
                               {"finished", Node(result.finished)},
                               {"folder", Node(folder.string())}}));
  if (result.finished) return 0;
  try {
    in.cancel.check("train");
  } catch (const Interrupted& e) { return static_cast<int>(e.code()); }  // said above
  return 0;
}

}  // namespace vgen::cli
