#include "vgen/cli/generation.hpp"

#include <algorithm>
#include <iostream>

#include "vgen/core/atomic_file.hpp"
#include "vgen/core/log.hpp"
#include "vgen/formats/json.hpp"
#include "vgen/formats/yaml.hpp"
#include "vgen/pipelines/model_folder.hpp"
#include "vgen/text/tokenizer.hpp"
#include "vgen/unet/declared.hpp"
#include "vgen/video/transforms.hpp"
#include "vgen/weights/state_dict.hpp"

namespace vgen::cli {
namespace fs = std::filesystem;
namespace {

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

std::string megabytes(double bytes) { return str(static_cast<long long>(bytes / 1e6 + 0.5), " MB"); }

}  // namespace

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
  if (in.has("inverse-noise")) r.inverse_noise = in.number("inverse-noise", 0);
  if (in.has("appearance-guidance"))
    from_node(formats::parse_yaml_value("[" + in.text("appearance-guidance") + "]"), r.appearance_guidance,
              {"--appearance-guidance", ""});
  if (in.has("double-frames")) r.double_frames = in.text("double-frames") == "yes";
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
  if (!needs_the_models_sampler(in)) apply_sets(in, r);
  for (const std::string& text : {r.prompt, r.negative_prompt.value_or("")})
    text::Tokenizer::clip().encode(text);  // ConfigError now, not after the model is loaded
  return r;
}

void apply_waiting_sets(const Invocation& in, const pipelines::ModelIndex& index, pipelines::Request& request) {
  if (!needs_the_models_sampler(in)) return;
  request.sampler = index.defaults.sampler;
  apply_sets(in, request);
}

Seeds seeds_of(const pipelines::Request& r) {
  VGEN_CHECK(r.count >= 1 && r.count <= 10000, ConfigError, "count: must be in [1, 10000], got ", r.count, "; nearest ",
             std::clamp(r.count, 1, 10000));
  Seeds seeds = r.seeds;
  if (seeds.empty())
    for (int i = 0; i < r.count; ++i) seeds.push_back(r.seed + static_cast<std::uint64_t>(i));
  return seeds;
}

pipelines::Sources sources_of(const Invocation& in) {
  pipelines::Sources s;
  for_each_field<pipelines::Sources>([&](const auto& f) {
    std::string option = f.name;
    std::ranges::replace(option, '_', '-');
    auto& value = s.*f.member;
    if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::string>)
      value = in.text(option);
    else if constexpr (std::is_same_v<std::decay_t<decltype(value)>, double>)
      value = in.number(option, value);
    else
      value = in.texts(option);
  });
  pipelines::check(s);
  return s;
}

std::vector<adapters::AdapterRequest> adapters_of(const Invocation& in) {
  std::vector<adapters::AdapterRequest> out;
  for (const char* option : {"adapter", "lora"})
    for (const std::string& text : in.texts(option)) {
      out.push_back(adapters::adapter_request(text));
      VGEN_CHECK(fs::exists(out.back().file), IoError, "--", option, ": ", printable(out.back().file, 400),
                 " does not exist; expected FILE, FILE:SCALE or FILE:SCALE@FIRST..LAST");
    }
  return out;
}

ModelHead look_at_model(const std::string& given, const std::string& system) {
  ModelHead head;
  head.folder = given.empty() ? pipelines::shipped_model() : fs::path(given);
  const pipelines::ModelFolder folder = pipelines::open_model_folder(head.folder, system);
  head.index = folder.index;
  head.system = &pipelines::system_named(folder.index.system);
  head.declared = unet::declared_conditions(std::get<unet::UNetOptions>(folder.unet.options));
  return head;
}

ModelHead look_at_upscaler(const std::string& folder) {
  const auto any_system = [&] {
    try {
      return look_at_model(folder, "sr600");
    } catch (const IoError&) { throw; } catch (const Error&) {
      return look_at_model(folder, "");
    }
  };
  ModelHead head = any_system();
  VGEN_CHECK(head.system->needs_video, ConfigError, printable(folder, 400), ": a model of ", head.system->name,
             " enlarges no clip; expected one of sr600");
  return head;
}

fs::path numbered(const fs::path& path, const std::string& number) {
  if (number.empty()) return path;
  if (!path.has_filename()) return path.parent_path().string() + "-" + number + "/";
  return path.parent_path() / (path.stem().string() + "-" + number + path.extension().string());
}

fs::path free_name(const std::string& name, const std::vector<std::string>& numbers, double fps) {
  std::string extension = ".mp4";
  try {
    video::expect_video_path("out.mp4", fps);
  } catch (const Unavailable& e) {
    log::warn(e.what(), "; writing a GIF instead");
    extension = ".gif";
  }
  for (int n = 1;; ++n) {
    const fs::path path = (n == 1 ? name : str(name, "-", n)) + extension;
    if (std::ranges::none_of(numbers, [&](const auto& number) { return fs::exists(numbered(path, number)); }))
      return path;
  }
}

void expect_output(const fs::path& output, double fps) {
  VGEN_CHECK(!output.has_filename() || !fs::is_directory(output), IoError,
             "--output: ", printable(output.string(), 400), " is a folder; write ", printable(output.string(), 400),
             "/ for pictures in it, or name a file");
  video::expect_video_path(output, fps);
  VGEN_CHECK(output.has_filename() || !fs::exists(output.parent_path()) || fs::is_directory(output), IoError,
             "--output: ", printable(output.string(), 400), " is to be a folder of pictures, but ",
             printable(output.parent_path().string(), 400), " is a file; choose another name");
  expect_writable(folder_of(output), 1 << 20);
}

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
  const std::string number =
      plan.seeds.size() > 1 ? str(static_cast<unsigned long long>(plan.seeds.front())) : std::string();
  return str("model     ", model, "\nprompt    ", printable(r.prompt, 400), "\nclips     ", plan.seeds.size(), " of ",
             *r.frames, " frames, ", *r.width, "x", *r.height, ", ", *r.fps, " fps, seeds ", seeds, "\nsampler   ",
             sampler.at("type").as_string(), " (", options, "), guidance ", *r.guidance, "\nmemory    about ",
             megabytes(plan.memory_bytes), ", ", plan.decode_chunk, " frames decoded at once",
             *r.guidance != 1 && !r.guidance_in_one_batch.value_or(true) ? ", guidance in two passes" : "",
             "\noutput    ", numbered(output, number).string(), plan.seeds.size() > 1 ? ", ..." : "");
}

pipelines::LoadOptions load_options(const Invocation& in, std::string_view system, const std::string& dtype) {
  return {.device = in.text("device", "cpu"),
          .dtype = in.text("dtype", dtype.empty() ? "fp32" : dtype),
          .system = std::string(system)};
}

// ---- writing ----

ClipWriter::ClipWriter(Invocation& in) : in_(in), sheet_(in.text("sheet")) {
  if (!sheet_.empty()) {
    VGEN_CHECK(sheet_.extension() == ".png", ConfigError, "--sheet: expected a name that ends in .png, got '",
               printable(sheet_.string()), "'");
    expect_writable(folder_of(sheet_), 1 << 20);
  }
  callbacks_.cancel = in.cancel;
  callbacks_.progress = in.console.progress();
}

pipelines::Clip ClipWriter::make(pipelines::Pipeline& pipe, const pipelines::Request& request,
                                 const pipelines::Inputs& inputs, const fs::path& path) {
  std::optional<KeptLatents> latents;
  pipelines::Callbacks callbacks = callbacks_;
  callbacks.on_latents = [&](const pipelines::Clip& clip) {
    latents.emplace(clip, path);
    in_.interrupts.say(latents->how_to_go_on(path));
  };
  pipelines::Clip clip = std::move(pipe.generate(request, inputs, callbacks).front());
  write(clip, path);
  in_.interrupts.say("");
  std::error_code ignored;
  fs::remove(latents->path, ignored);
  return clip;
}

void ClipWriter::write(const pipelines::Clip& clip, const fs::path& path) {
  const auto report = clip.save(path, {}, callbacks_);
  if (!sheet_.empty()) rows_.push_back(clip.frames);
  in_.console.print(str(path.string(), ": ", report.frames, " frames of ", clip.frames.width, "x", clip.frames.height,
                        ", ", report.encoder, ", seed ", static_cast<unsigned long long>(clip.seed)));
  files_.items.push_back(Node::map({{"path", Node(path.string())},
                                    {"frames", Node(static_cast<std::int64_t>(report.frames))},
                                    {"bytes", Node(static_cast<std::int64_t>(report.bytes))},
                                    {"encoder", Node(report.encoder)},
                                    {"dropped_words", to_node(clip.dropped_words)},
                                    {"manifest", clip.manifest}}));
}

void ClipWriter::finish() {
  if (!sheet_.empty()) video::write_image(sheet_, video::contact_sheet(rows_));
  in_.console.result(Node::map({{"clips", files_}}));
}

// ---- the second stage ----

Node upscale(Invocation& in, const ModelHead& model, const pipelines::Request& request,
             const std::vector<Upscaling>& clips, ClipWriter& writer) {
  writer.callbacks().progress({"load", 0, 0, 0});
  pipelines::Pipeline pipe = pipelines::Pipeline::from_pretrained(model.folder, load_options(in, model.system->name));
  for (const Upscaling& each : clips) {
    pipelines::Request one = request;
    one.prompt = each.prompt;
    one.seeds = {each.seed};
    pipelines::Inputs inputs;
    inputs.video = each.clip;
    inputs.record = Node::map({{"video", each.source}});
    if (in.flag("dry-run")) {
      const pipelines::Plan plan = pipe.plan(one, inputs);
      in.console.print(summary(plan, pipe.components().folder, each.output));
      return plan.to_node();
    }
    writer.make(pipe, one, inputs, each.output);
  }
  return {};
}

}  // namespace vgen::cli
