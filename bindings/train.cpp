// Training.
#include "bindings/options.hpp"
#include "vgen/formats/yaml.hpp"
#include "vgen/tensor/device.hpp"
#include "vgen/train/config.hpp"
#include "vgen/train/learning_rate.hpp"

namespace vgen::bindings {

void bind_train(py::module_& m) {
  using namespace train;
  bind_options<LearningRateOptions>(m, "LearningRateOptions", doc("train::LearningRateOptions"));
  bind_options<AdamWOptions>(m, "AdamWOptions", doc("train::AdamWOptions"));
  bind_options<MuonOptions>(m, "MuonOptions", doc("train::MuonOptions"));
  bind_options<TrainerOptions>(m, "TrainerOptions", doc("train::TrainerOptions"));
  bind_options<AutoencoderTaskOptions>(m, "AutoencoderTaskOptions", doc("train::AutoencoderTaskOptions"));
  bind_options<TextEncoderTaskOptions>(m, "TextEncoderTaskOptions", doc("train::TextEncoderTaskOptions"));
  bind_options<StageOptions>(m, "StageOptions", doc("train::StageOptions"));
  bind_options<TextToVideoTaskOptions>(m, "TextToVideoTaskOptions", doc("train::TextToVideoTaskOptions"));
  bind_options<TrainConfig>(m, "TrainConfig", "What is trained and how; what a configuration file holds.");
  py::class_<TrainResult>(m, "TrainResult", "How a training run ended.")
      .def_readonly("step", &TrainResult::step, doc("train::TrainResult::step"))
      .def_readonly("last_loss", &TrainResult::last_loss, "Loss of the last step.")
      .def_readonly("bad_steps", &TrainResult::bad_steps, "Steps that gave NaN or infinity and were skipped.")
      .def_readonly("finished", &TrainResult::finished, doc("train::TrainResult::finished"))
      .def("__repr__", [](const TrainResult& r) {
        return repr_of(
            "TrainResult",
            {{"step", py::int_(r.step)}, {"last_loss", py::float_(r.last_loss)}, {"finished", py::bool_(r.finished)}});
      });
  m.def("learning_rate", &learning_rate, "options"_a, "count"_a, doc("train::learning_rate"));
  m.def(
      "read_config",
      [](const std::filesystem::path& path, const std::map<std::string, py::object>& changes) {
        Node root = formats::read_config_file(path.string());
        for (const auto& [place, value] : changes) set_path(root, place, to_node(value));
        return read<TrainConfig>(root, {path.string(), ""});
      },
      "path"_a, "changes"_a = std::map<std::string, py::object>{},
      "The configuration in a YAML or JSON file; `changes` as --set of the command line: {\"trainer.steps\": 100}.");
  m.def(
      "run",
      [](const TrainConfig& config, const std::filesystem::path& folder, const py::object& progress,
         const std::string& device) {
        const OnProgress report = to_progress(progress);
        const at::Device where = device_named(device);
        return interruptible(
            [&](const CancelToken& cancel) { return run(config, folder, cancel, report, nullptr, where); });
      },
      "config"_a, "folder"_a, py::kw_only(), "progress"_a = py::none(), "device"_a = "cpu",
      "Trains what the configuration describes in `folder` and goes on where an earlier run of the same folder "
      "stopped. Ctrl-C "
      "finishes the step and writes a checkpoint before KeyboardInterrupt. The model is in folder/model at the end.");
}

}  // namespace vgen::bindings
