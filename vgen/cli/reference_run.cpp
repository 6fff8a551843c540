#include "vgen/cli/reference_run.hpp"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <set>

#include "vgen/adapters/request.hpp"
#include "vgen/conditioning/dpt.hpp"
#include "vgen/conditioning/frames.hpp"
#include "vgen/conditioning/mask.hpp"
#include "vgen/conditioning/sketch.hpp"
#include "vgen/core/log.hpp"
#include "vgen/pipelines/load.hpp"
#include "vgen/pipelines/system.hpp"
#include "vgen/pipelines/unet_layout.hpp"
#include "vgen/reference_config/reference_config.hpp"
#include "vgen/video/frame_picking.hpp"
#include "vgen/video/reader.hpp"
#include "vgen/video/transforms.hpp"

namespace vgen::cli {
namespace fs = std::filesystem;
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;
using pipelines::Part;

void refuse_other_options(const Invocation& in) {
  static const std::set<std::string, std::less<>> with{"config", "key value", "device",  "dtype",  "dry-run",
                                                       "json",   "quiet",     "verbose", "threads"};
  for (const auto& [name, value] : in.arguments.entries)
    VGEN_CHECK(with.contains(name), ConfigError, "vgen gen -c: --", name,
               " is not read beside a configuration of VGen; change the configuration's own key behind the file "
               "(-c FILE ddim_timesteps 25), or run the model without -c");
}

Pairs pairs_of(const Invocation& in) {
  const std::vector<std::string> words = in.texts("key value");
  VGEN_CHECK(words.size() % 2 == 0, ConfigError, "vgen gen -c: after the file come pairs KEY VALUE, '",
             words.empty() ? "" : printable(words.back()), "' has no value");
  Pairs pairs;
  for (std::size_t i = 0; i < words.size(); i += 2) pairs.emplace_back(words[i], words[i + 1]);
  return pairs;
}

const Node* find(const Node& config, std::initializer_list<std::string_view> path) {
  const Node* node = &config;
  for (const std::string_view key : path) node = node ? node->find(key) : nullptr;
  return node;
}

reference_config::Conversion read_config(const fs::path& path, Pairs pairs) {
  const auto checked = [&] {
    auto conversion = reference_config::convert(path, {.pairs = pairs, .inputs_must_exist = true});
    reference_config::expect_no_problems(conversion, path);
    return conversion;
  };
  reference_config::Conversion conversion = checked();
  if (find(conversion.config, {"run", "random_seed"})) {  // names of clips hold the seed, so it is drawn beforehand
    const auto seed = static_cast<long long>(std::random_device{}() % 10001);
    log::info("use_random_seed: drew the seed ", seed);
    pairs.emplace_back("use_random_seed", "false");
    pairs.emplace_back("seed", str(seed));
    conversion = checked();
  }
  VGEN_CHECK(find(conversion.config, {"requests"}), ConfigError, path.string(), ": ",
             conversion.config.at("task_type").as_string(),
             " trains a model; vgen gen runs inference configurations. vgen convert shows it as a configuration of "
             "vgen train");
  return conversion;
}

// What the configuration asks for and vgen does not do, with its place in the file.
void refuse_what_is_not_run(const reference_config::Conversion& conversion) {
  const auto asked = [&](const char* key) {
    const Node* value = find(conversion.config, {"run", key});
    if (!value) return false;
    return value->is_number() ? value->as_double() > 0 : value->as_bool();
  };
  std::string message;
  for (const auto& [key, theirs] : {std::pair{"inverse_noise", "inverse_noise_strength"},
                                    {"keep_latents", "save_latents"},
                                    {"share_noise", "share_noise"}}) {
    if (!asked(key)) continue;
    for (const reference_config::KeyReport& each : conversion.keys)
      if (each.key == theirs && each.used) message += str("\n  ", each.where, ": ", theirs, ": is not run by vgen");
  }
  VGEN_CHECK(message.empty(), UnsupportedError, "vgen gen -c:", message);
}

// ---- the model ----

pipelines::PartFile part_of(const fs::path& file, Part part) {
  const pipelines::Shapes shapes = pipelines::shapes_of(formats::read_tensor_file(file, false));
  for (const pipelines::FoundPart& found : pipelines::find_parts(shapes))
    if (found.part == part)
      return {.file = file,
              .found = found,
              .options = pipelines::options_of(shapes, found),
              .adapters = part == Part::unet && !pipelines::system_of_adapters(shapes).empty()};
  throw WeightsError(str(printable(file.string(), 400), ": expected the part '", name_of(part), "', which ",
                         pipelines::purpose(part), ", found ", pipelines::describe(shapes), "; nothing was loaded"));
}

// The configuration says what the network is; the checkpoint what no key says: widths inside features, groups of norms.
unet::UNetOptions network(const Node& config, const pipelines::PartFile& file, const fs::path& path) {
  const pipelines::System& system = pipelines::system_named(config.at("system").as_string());
  unet::UNetOptions wanted = system.unet();
  from_node(config.at("unet"), wanted, {path.string(), "unet"});
  const auto& found = std::get<unet::UNetOptions>(file.options);
  const auto kinds = [](const auto& features) {
    std::vector<std::size_t> out;
    for (const auto& each : features) out.push_back(each.index());
    return out;
  };
  VGEN_CHECK(kinds(wanted.stem) == kinds(found.stem) && kinds(wanted.embeddings) == kinds(found.embeddings) &&
                 kinds(wanted.context) == kinds(found.context),
             WeightsError, printable(file.file.string(), 400), ": this checkpoint is not of the network that ",
             path.string(), " describes (", system.name, ")");
  wanted.embeddings = found.embeddings;
  wanted.context = found.context;
  wanted.norm_groups = found.norm_groups;
  return wanted;
}

pipelines::Pipeline load(const Invocation& in, const Node& config, const fs::path& path) {
  pipelines::ModelFolder model{.path = path, .layout = pipelines::Layout::reference};
  model.index = read<pipelines::ModelIndex>(config.at("index"), {path.string(), "index"});
  const Node& checkpoints = config.at("checkpoints");
  const auto file = [&](const std::string& name) {
    return reference_config::locate(path, checkpoints.at(name).as_string());
  };
  for (const Part part : {Part::text_encoder, Part::unet, Part::vae})
    model.part(part) = part_of(file(std::string(name_of(part))), part);
  // open_clip's file holds both towers.
  const pipelines::Shapes towers = pipelines::shapes_of(formats::read_tensor_file(model.text_encoder.file, false));
  for (const pipelines::FoundPart& found : pipelines::find_parts(towers))
    if (found.part == Part::image_encoder) model.image_encoder = part_of(model.text_encoder.file, Part::image_encoder);
  model.unet.options = network(config, model.unet, path);
  std::get<vae::AutoencoderKlOptions>(model.vae.options).scale_factor =
      checkpoints.at("latent_scale_factor").as_double();

  const std::string device = in.text("device", "cpu");
  const bool half = find(config, {"run", "dtype"}) && device != "cpu";
  pipelines::Pipeline pipe(
      pipelines::load_components(model, {.device = device, .dtype = in.text("dtype", half ? "fp16" : "fp32")}));
  for (const char* kind : {"identity", "motion"})
    if (const Node* adapter = find(config, {"adapters", kind, "file"}))
      pipe.components().adapters.push_back(adapters::inject(
          pipe.components().unet, {.file = reference_config::locate(path, adapter->as_string()).string()}));
  if (const Node* words = find(config, {"adapters", "words", "file"}))
    pipe.learn_words(reference_config::locate(path, words->as_string()));
  return pipe;
}

// ---- what a clip needs beside the prompt ----

// The networks that VideoComposer's conditions come from, loaded when the first clip asks for one.
class Annotators {
 public:
  Annotators(const Node& config, fs::path path) : config_(config), path_(std::move(path)) {
    if (const Node* chunk = find(config, {"run", "condition_chunk"})) at_once_ = chunk->as_int();
  }
  Tensor depth(const Tensor& frames) {
    if (!depth_) load("depth", depth_ = std::make_unique<conditioning::DptDepth>());
    return depth_->condition(frames, at_once_);
  }
  Tensor sketch(const Tensor& frames) {
    if (!edges_) {
      load("edges", edges_ = std::make_unique<conditioning::PiDiNet>());
      load("sketch_simplification", simplifier_ = std::make_unique<conditioning::SketchSimplification>());
    }
    return conditioning::sketch(*edges_, *simplifier_, frames, at_once_);
  }

 private:
  template <class Network>
  void load(const char* name, const std::unique_ptr<Network>& network) {
    network->load(reference_config::locate(path_, config_.at("checkpoints").at(name).as_string()));
    network->eval();
  }
  const Node& config_;
  const fs::path path_;
  std::int64_t at_once_ = 16;
  std::unique_ptr<conditioning::DptDepth> depth_;
  std::unique_ptr<conditioning::PiDiNet> edges_;
  std::unique_ptr<conditioning::SketchSimplification> simplifier_;
};

// The frames that VideoComposer's entry points pick of a clip, resized without regard to its shape; black behind its
// end. Conditions are made of these frames.
void compose(const Node& request, const Node& config, const video::Frames& clip, Annotators& annotators,
             pipelines::Inputs& inputs) {
  const Node& defaults = config.at("index").at("defaults");
  const std::int64_t count = defaults.at("frames").as_int(), height = defaults.at("height").as_int(),
                     width = defaults.at("width").as_int();
  const auto seed = static_cast<std::uint64_t>(request.at("seed").as_int());
  auto python = MersenneTwister::python(seed);
  auto numpy = MersenneTwister::numpy(static_cast<std::uint32_t>(seed));
  const Node* rate = find(config, {"inputs", "fps"});
  const auto picked =
      video::pick_frames(clip.count, clip.fps, {.sample_fps = rate ? rate->as_double() : 8.0, .count = count}, python);
  const video::Frames kept = video::select_frames(clip, picked.frames);
  const video::Frames resized = video::resize(kept, height, width, video::Filter::triangle);
  Tensor frames = at::zeros({count, 3, height, width}, at::kFloat);
  frames.slice(0, 0, resized.count).copy_(conditioning::to_frames(resized));

  const auto give = [&](const std::string& name, const Tensor& maps) {
    inputs.conditions.set(name, maps.transpose(0, 1).unsqueeze(0));
  };
  for (const Node& condition : request.at("conditions").items) {
    const std::string& name = condition.as_string();
    if (name == "depth") {
      give(name, annotators.depth(frames));
    } else if (name == "sketch") {
      give(name, annotators.sketch(frames));
    } else if (name == "single_sketch") {
      give(name, annotators.sketch(frames.slice(0, 0, 1)).expand({count, 1, height, width}));
    } else if (name == "local_image") {
      give(name, frames.slice(0, 0, 1).expand_as(frames));
    } else if (name == "masked") {
      const Tensor mask = conditioning::random_mask(512, 512, python, numpy);
      give(name, conditioning::masked_condition(frames, conditioning::mask_track(mask, count, height, width)));
    } else if (name == "image") {  // the style: the whole first frame, made square
      video::Frames first(1, resized.height, resized.width);
      std::copy_n(resized.frame(0), first.bytes(), first.frame(0));
      inputs.style = video::resize(first, width, width, video::Filter::triangle);
    }
  }
}

bool doubles_frames(const Node& config) {
  const Node* twice = find(config, {"run", "double_frames"});
  return twice && twice->as_bool();
}

pipelines::Inputs inputs_of(const Invocation& in, const Node& request, const Node& config, const fs::path& path,
                            Annotators& annotators) {
  const auto file = [&](const Node& name) { return reference_config::locate(path, name.as_string()); };
  pipelines::Inputs inputs;
  if (const Node* image = request.find("image")) inputs.image = video::read_image(file(*image), in.cancel);
  const Node* clip = request.find("video");
  if (clip && request.find("conditions")) {
    const at::NoGradGuard off;
    compose(request, config, video::read_video(file(*clip), {}, nullptr, {}, in.cancel), annotators, inputs);
  } else if (clip) {
    const std::int64_t most = config.at("index").at("defaults").at("frames").as_int();
    inputs.video = video::read_video(file(*clip), {.frames = doubles_frames(config) ? (most + 1) / 2 : most}, nullptr,
                                     {}, in.cancel);
  }
  return inputs;
}

std::string summary(const Node& config, const fs::path& path) {
  const Node &clips = config.at("requests"), &defaults = config.at("index").at("defaults");
  const Node& sampler = defaults.at("sampler");
  return str(path.string(), ": ", config.at("system").as_string(), ", ", clips.size(), " clips of ",
             defaults.at("frames").as_int(), " frames, ", defaults.at("width").as_int(), "x",
             defaults.at("height").as_int(), ", ", sampler.at("type").as_string(), " with ",
             sampler.at("steps").as_int(), " steps, guidance ", defaults.at("guidance").as_double(), "\nmodel   ",
             printable(config.at("checkpoints").at("unet").as_string(), 400), "\noutput  ",
             printable(clips.size() ? clips[0].at("output").as_string() : "", 400), clips.size() > 1 ? ", ..." : "");
}

}  // namespace

int run_reference_config(Invocation& in) {
  refuse_other_options(in);
  const fs::path path = in.text("config");
  const reference_config::Conversion conversion = read_config(path, pairs_of(in));
  refuse_what_is_not_run(conversion);
  const Node& config = conversion.config;
  for (const std::string& note : conversion.notes) log::info(note);
  if (in.flag("dry-run")) {
    in.console.print(summary(config, path));
    in.console.result(config);
    return 0;
  }
  const OnProgress progress = in.console.progress();
  progress({"load", 0, 0, 0});
  pipelines::Pipeline pipe = load(in, config, path);
  Annotators annotators(config, path);
  pipelines::Callbacks callbacks{
      .on_step = {}, .progress = progress, .cancel = in.cancel, .on_latents = {}, .sampler = {}};
  const Node* chunk = find(config, {"run", "decode_chunk"});
  Node files = Node::list();
  for (const Node& each : config.at("requests").items) {
    const pipelines::Inputs inputs = inputs_of(in, each, config, path, annotators);
    pipelines::Request request;
    request.prompt = each.at("prompt").as_string();
    request.seed = static_cast<std::uint64_t>(each.at("seed").as_int());
    request.decode_chunk = chunk ? static_cast<int>(chunk->as_int()) : 0;
    if (pipe.system().needs_video) request.double_frames = doubles_frames(config);
    if (const Node* zero = find(config, {"run", "zero_image"})) request.zero_image = zero->as_bool();
    if (const Node* strengths = find(config, {"adapters", "appearance_guidance"}); strengths && inputs.image.count > 0)
      from_node(*strengths, request.appearance_guidance, {path.string(), "adapters.appearance_guidance"});
    const pipelines::Clip clip = pipe.generate(request, inputs, callbacks).front();
    const fs::path output = each.at("output").as_string();
    fs::create_directories(output.parent_path().empty() ? fs::path(".") : output.parent_path());
    const auto report = clip.save(output, {.fps = config.at("run").at("fps").as_double()}, callbacks);
    in.console.print(str(output.string(), ": ", report.frames, " frames of ", clip.frames.width, "x",
                         clip.frames.height, ", ", report.encoder, ", seed ",
                         static_cast<unsigned long long>(clip.seed)));
    files.items.push_back(
        Node::map({{"path", output.string()}, {"frames", report.frames}, {"manifest", clip.manifest}}));
  }
  in.console.result(Node::map({{"clips", files}}));
  return 0;
}

}  // namespace vgen::cli
