// vgen gen PROMPT: clips from a prompt.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>

#include "vgen/adapters/request.hpp"
#include "vgen/cli/backend.hpp"
#include "vgen/cli/reference_run.hpp"
#include "vgen/core/atomic_file.hpp"
#include "vgen/core/log.hpp"
#include "vgen/formats/json.hpp"
#include "vgen/formats/safetensors.hpp"
#include "vgen/pipelines/pipeline.hpp"
#include "vgen/pipelines/pixels.hpp"
#include "vgen/text/tokenizer.hpp"
#include "vgen/video/reader.hpp"
#include "vgen/video/transforms.hpp"
#include "vgen/weights/state_dict.hpp"

namespace vgen::cli {
namespace fs = std::filesystem;
namespace {

using Seeds = std::vector<std::uint64_t>;

// out.mp4 -> out-3.mp4 for the clip with seed 3 of several; frames/ -> frames-3/.
fs::path numbered(const fs::path& path, std::uint64_t seed, bool several) {
  if (!several) return path;
  const std::string number = "-" + str(static_cast<unsigned long long>(seed));
  if (!path.has_filename()) return path.parent_path().string() + number + "/";
  return path.parent_path() / (path.stem().string() + number + path.extension().string());
}

// Where the clips go if the user does not say: a name that is free, of a kind that can be written here.
fs::path free_name(const Seeds& seeds, double fps) {
  std::string extension = ".mp4";
  try {
    video::expect_video_path("out.mp4", fps);
  } catch (const Unavailable& e) {
    log::warn(e.what(), "; writing a GIF instead");
    extension = ".gif";
  }
  for (int n = 1;; ++n) {
    const fs::path path = (n == 1 ? "out" : str("out-", n)) + extension;
    if (std::ranges::none_of(seeds, [&](auto seed) { return fs::exists(numbered(path, seed, seeds.size() > 1)); }))
      return path;
  }
}

fs::path folder_of(const fs::path& path) {
  const fs::path parent = path.has_filename() ? path.parent_path() : path.parent_path().parent_path();
  return parent.empty() ? fs::path(".") : parent;
}

// Latents outlive what comes after them: beside the output, or where there is room for them.
struct KeptLatents {
  fs::path path;  // empty: kept nowhere
  KeptLatents(const pipelines::Clip& clip, const fs::path& output) {
    const std::string name = (output.has_filename() ? output : output.parent_path()).filename().string();
    std::error_code ec;
    for (const fs::path& folder : {folder_of(output), fs::temp_directory_path(ec)}) {
      path = folder / (name.substr(0, 180) + ".latents.safetensors");
      try {
        weights::save_state_dict(path, {{"latents", clip.latents}},
                                 {.metadata = {{"manifest", formats::dump_json(clip.manifest, -1)}}});
        return;
      } catch (const IoError& e) { log::warn("latents are not kept in ", folder.string(), ": ", e.what()); }
    }
    path.clear();
  }
  std::string how_to_go_on(const fs::path& output) const {
    if (path.empty()) return "";
    return str("the denoised latents are kept; go on with:  vgen gen --from-latents ", shell_quoted(path.string()),
               " -o ", shell_quoted(output.string()));
  }
};

bool needs_the_models_sampler(const Invocation& in) {
  bool needs = false;
  for (const std::string& set : in.texts("set")) {
    if (set.starts_with("sampler=") || set.starts_with("sampler.type=")) return false;
    needs = needs || set.starts_with("sampler.");
  }
  return needs && !in.has("sampler");
}

void apply_sets(const Invocation& in, pipelines::Request& r) {
  Node node = to_node(r);
  in.override_with_sets(node);
  from_node(node, r, {"--set", ""});
}

pipelines::Request request_of(const Invocation& in) {
  pipelines::Request r;
  r.prompt = in.text("prompt");
  if (r.prompt == "-") {
    r.prompt.resize(text::Tokenizer::kMaxBytes + 1);
    std::cin.read(r.prompt.data(), static_cast<std::streamsize>(r.prompt.size()));
    r.prompt.resize(static_cast<std::size_t>(std::cin.gcount()));
    while (r.prompt.ends_with('\n')) r.prompt.pop_back();
  }
  if (in.has("negative")) r.negative_prompt = in.text("negative");
  if (in.has("steps")) r.steps = static_cast<int>(in.integer("steps", 0));
  if (in.has("sampler")) r.sampler = samplers::sampler_named(in.text("sampler"));
  if (in.has("guidance")) r.guidance = in.number("guidance", 0);
  if (in.has("motion")) r.motion = in.number("motion", 0);
  if (in.has("appearance")) r.appearance = in.number("appearance", 0);
  if (in.has("frames")) r.frames = static_cast<int>(in.integer("frames", 0));
  if (in.has("fps")) r.fps = in.number("fps", 0);
  if (const Node* size = in.arguments.find("size")) {
    r.width = static_cast<int>(std::clamp<std::int64_t>(size->items[0].integer, -1, 1 << 30));
    r.height = static_cast<int>(std::clamp<std::int64_t>(size->items[1].integer, -1, 1 << 30));
  }
  r.seed = static_cast<std::uint64_t>(in.integer("seed", 0));
  r.count = static_cast<int>(in.integer("count", 1));
  if (const Node* seeds = in.arguments.find("seeds"))
    for (const std::int64_t seed : seeds->as_ints()) r.seeds.push_back(static_cast<std::uint64_t>(seed));
  r.decode_chunk = static_cast<int>(in.integer("decode-chunk", 0));
  // "--set sampler.eta=0.5" changes the model's own sampler, which is known later: see cmd_gen.
  if (!needs_the_models_sampler(in)) apply_sets(in, r);
  for (const std::string& text : {r.prompt, r.negative_prompt.value_or("")})
    text::Tokenizer::clip().encode(text);  // ConfigError now, not after the model is loaded
  return r;
}

// What --image, --video and --condition name.
pipelines::Inputs inputs_of(const Invocation& in) {
  pipelines::Inputs inputs;
  if (in.has("image")) inputs.image = video::read_image(in.text("image"));
  if (in.has("video")) inputs.video = video::read_video(in.text("video"), {}, nullptr, {}, in.cancel);
  for (const std::string& given : in.texts("condition")) {
    const std::size_t equals = given.find('=');
    VGEN_CHECK(equals != std::string::npos && equals > 0, ConfigError, "--condition: expected NAME=FILE, got '",
               printable(given), "'");
    const std::string name = given.substr(0, equals);
    const fs::path file = given.substr(equals + 1);
    if (file.extension() == ".safetensors") {
      const weights::StateDict state = weights::to_state_dict(formats::read_tensor_file(file));
      const Tensor* tensor = weights::find(state, name);
      VGEN_CHECK(tensor, FormatError, file.string(), ": holds no tensor '", printable(name), "'");
      inputs.conditions.set(name, tensor->clone());
    } else {
      inputs.conditions.set(name, pipelines::to_condition(name, video::read_video(file, {}, nullptr, {}, in.cancel)));
    }
  }
  return inputs;
}

std::string megabytes(double bytes) { return str(static_cast<long long>(bytes / 1e6 + 0.5), " MB"); }

std::string summary(const pipelines::Plan& plan, const std::string& model, const fs::path& output) {
  const pipelines::Request& r = plan.request;
  std::string seeds;
  for (std::size_t i = 0; i < plan.seeds.size() && i < 8; ++i)
    seeds += (i ? ", " : "") + str(static_cast<unsigned long long>(plan.seeds[i]));
  if (plan.seeds.size() > 8) seeds += ", ...";
  const Node sampler = to_node(plan.sampler);
  std::string options;
  for (const auto& [key, value] : sampler.entries)
    if (key != "type") options += str(options.empty() ? "" : ", ", key, "=", formats::dump_json(value, -1));
  return str("model     ", model, "\nprompt    ", printable(r.prompt, 400), "\nclips     ", plan.seeds.size(), " of ",
             *r.frames, " frames, ", *r.width, "x", *r.height, ", ", *r.fps, " fps, seeds ", seeds, "\nsampler   ",
             sampler.at("type").as_string(), " (", options, "), guidance ", *r.guidance, "\nmemory    about ",
             megabytes(plan.memory_bytes), ", ", plan.decode_chunk, " frames decoded at once\noutput    ",
             numbered(output, plan.seeds.front(), plan.seeds.size() > 1).string(),
             plan.seeds.size() > 1 ? ", ..." : "");
}

}  // namespace

int cmd_gen(Invocation& in) {
  if (in.has("config")) return run_reference_config(in);
  // Everything that can fail early does: options, prompt, paths, encoder; then the model.
  pipelines::Request request = request_of(in);
  VGEN_CHECK(request.count >= 1 && request.count <= 10000, ConfigError, "count: must be in [1, 10000], got ",
             request.count, "; nearest ", std::clamp(request.count, 1, 10000));
  Seeds seeds = request.seeds;
  if (seeds.empty())
    for (int i = 0; i < request.count; ++i) seeds.push_back(request.seed + static_cast<std::uint64_t>(i));
  const bool several = seeds.size() > 1;
  const fs::path output = in.has("output") ? fs::path(in.text("output")) : free_name(seeds, request.fps.value_or(8));
  video::expect_video_path(output, request.fps.value_or(8));
  expect_writable(folder_of(output), 1 << 20);
  const fs::path sheet = in.text("sheet");
  if (!sheet.empty()) {
    VGEN_CHECK(sheet.extension() == ".png", ConfigError, "--sheet: expected a name that ends in .png, got '",
               printable(sheet.string()), "'");
    expect_writable(folder_of(sheet), 1 << 20);
  }

  std::vector<adapters::AdapterRequest> adapters;
  for (const char* option : {"adapter", "lora"})
    for (const std::string& text : in.texts(option)) {
      adapters.push_back(adapters::adapter_request(text));
      VGEN_CHECK(fs::exists(adapters.back().file), IoError, "--", option, ": ", printable(adapters.back().file, 400),
                 " does not exist");
    }

  std::string model = in.text("model"), dtype = in.text("dtype");
  pipelines::Clip kept;  // of --from-latents
  if (in.has("from-latents")) {
    VGEN_CHECK(!several, ConfigError, "--from-latents holds one clip; leave out --count and --seeds");
    const fs::path from = in.text("from-latents");
    const formats::TensorFile file = formats::read_tensor_file(from);
    const weights::StateDict state = weights::to_state_dict(file);
    const Tensor* latents = weights::find(state, "latents");
    VGEN_CHECK(latents, FormatError, from.string(), ": holds no tensor 'latents'; was it kept by vgen gen?");
    kept.latents = latents->clone();
    if (const auto found = file.metadata.find("manifest"); found != file.metadata.end())
      kept.manifest = formats::parse_json(found->second, from.string());
    const auto recorded = [&](const char* key) {
      const Node* n = kept.manifest.find(key);
      return n && n->is_string() ? n->string : "";
    };
    if (model.empty()) model = recorded("model");
    if (dtype.empty()) dtype = recorded("dtype");
    if (const Node* fps = kept.manifest.find("fps"); fps && fps->is_number() && !request.fps)
      request.fps = fps->as_double();
    if (const Node* seed = kept.manifest.find("seed"); seed && seed->is(Node::Type::integer))
      kept.seed = static_cast<std::uint64_t>(seed->integer);
  }

  const pipelines::Inputs inputs = inputs_of(in);
  const OnProgress progress = in.console.progress();
  progress({"load", 0, 0, 0});
  pipelines::Pipeline pipe = pipelines::Pipeline::from_pretrained(
      model, {.device = in.text("device", "cpu"), .dtype = dtype.empty() ? "fp32" : dtype});
  for (const adapters::AdapterRequest& each : adapters)
    pipe.components().adapters.push_back(adapters::inject(pipe.components().unet, each));
  if (needs_the_models_sampler(in)) {
    request.sampler = pipe.index().defaults.sampler;
    apply_sets(in, request);
  }
  const pipelines::Plan plan = pipe.plan(request);
  if (in.flag("dry-run")) {
    in.console.print(summary(plan, pipe.components().folder, output));
    in.console.result(plan.to_node());
    return 0;
  }

  pipelines::Callbacks callbacks;
  callbacks.cancel = in.cancel;
  callbacks.progress = progress;
  Node files = Node::list();
  std::vector<video::Frames> rows;
  const auto write = [&](const pipelines::Clip& clip, const fs::path& path) {
    const auto report = clip.save(path, {}, callbacks);
    if (!sheet.empty()) rows.push_back(clip.frames);
    in.console.print(str(path.string(), ": ", report.frames, " frames of ", clip.frames.width, "x", clip.frames.height,
                         ", ", report.encoder, ", seed ", static_cast<unsigned long long>(clip.seed)));
    files.items.push_back(Node::map({{"path", Node(path.string())},
                                     {"frames", Node(static_cast<std::int64_t>(report.frames))},
                                     {"bytes", Node(static_cast<std::int64_t>(report.bytes))},
                                     {"encoder", Node(report.encoder)},
                                     {"dropped_words", to_node(clip.dropped_words)},
                                     {"manifest", clip.manifest}}));
  };

  if (kept.latents.defined()) {
    kept.frames = pipe.decode(kept.latents, *plan.request.fps, plan.decode_chunk, callbacks);
    write(kept, output);
  } else {
    for (const std::uint64_t seed : seeds) {
      const fs::path path = numbered(output, seed, several);
      std::optional<KeptLatents> latents;
      callbacks.on_latents = [&](const pipelines::Clip& clip) {
        latents.emplace(clip, path);
        in.interrupts.say(latents->how_to_go_on(path));
      };
      pipelines::Request one = request;
      one.seeds = {seed};
      write(pipe.generate(one, inputs, callbacks).front(), path);
      in.interrupts.say("");
      std::error_code ignored;
      fs::remove(latents->path, ignored);
    }
  }
  if (!sheet.empty()) video::write_image(sheet, video::contact_sheet(rows));
  in.console.result(Node::map({{"clips", files}}));
  return 0;
}

}  // namespace vgen::cli
