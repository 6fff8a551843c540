// vgen gen PROMPT: clips from a prompt, and what a system takes beside it.
#include <algorithm>
#include <filesystem>

#include "vgen/cli/generation.hpp"
#include "vgen/cli/reference_run.hpp"
#include "vgen/core/atomic_file.hpp"
#include "vgen/formats/json.hpp"
#include "vgen/formats/safetensors.hpp"
#include "vgen/reference_config/prompt_list.hpp"
#include "vgen/weights/state_dict.hpp"

namespace vgen::cli {
namespace fs = std::filesystem;
namespace {

// The clip that an earlier run denoised, and what its manifest says about the model.
struct FromLatents {
  pipelines::Clip clip;
  std::string model, dtype;
};
FromLatents latents_of(const fs::path& from, pipelines::Request& request) {
  FromLatents out;
  const formats::TensorFile file = formats::read_tensor_file(from);
  const weights::StateDict state = weights::to_state_dict(file);
  const Tensor* latents = weights::find(state, "latents");
  VGEN_CHECK(latents, FormatError, from.string(), ": holds no tensor 'latents'; was it kept by vgen gen?");
  out.clip.latents = latents->clone();
  if (const auto found = file.metadata.find("manifest"); found != file.metadata.end())
    out.clip.manifest = formats::parse_json(found->second, from.string());
  const Node& manifest = out.clip.manifest;
  const auto recorded = [&](const char* key) {
    const Node* n = manifest.find(key);
    return n && n->is_string() ? n->string : "";
  };
  out.model = recorded("model");
  out.dtype = recorded("dtype");
  if (const Node* fps = manifest.find("fps"); fps && fps->is_number() && !request.fps) request.fps = fps->as_double();
  if (const Node* seed = manifest.find("seed"); seed && seed->is(Node::Type::integer))
    out.clip.seed = static_cast<std::uint64_t>(seed->integer);
  return out;
}

int decode_latents(Invocation& in, pipelines::Request request, const fs::path& output, ClipWriter& writer) {
  FromLatents from = latents_of(in.text("from-latents"), request);
  writer.callbacks().progress({"load", 0, 0, 0});
  pipelines::Pipeline pipe = pipelines::Pipeline::from_pretrained(in.text("model", from.model),
                                                                  load_options(in, in.text("system"), from.dtype));
  apply_waiting_sets(in, pipe.index(), request);
  const pipelines::Plan plan = pipe.plan(request);
  if (in.flag("dry-run")) {
    in.console.print(summary(plan, pipe.components().folder, output));
    in.console.result(plan.to_node());
    return 0;
  }
  from.clip.frames = pipe.decode(from.clip.latents, *plan.request.fps, plan.decode_chunk, writer.callbacks());
  writer.write(from.clip, output);
  writer.finish();
  return 0;
}

// Adapters may add a picture that the network reads: which ones do is known when they are loaded.
void expect_taken(const ModelHead& model, bool adapters, const pipelines::Request& request,
                  const pipelines::Sources& sources) {
  std::vector<std::string> declared = model.declared;
  if (adapters) declared.insert(declared.end(), {"image", "image_strength"});
  pipelines::Given given = pipelines::given_by(request, {});
  const pipelines::Given more = pipelines::given_by(sources);
  given.knobs.insert(given.knobs.end(), more.knobs.begin(), more.knobs.end());
  given.conditions.insert(given.conditions.end(), more.conditions.begin(), more.conditions.end());
  pipelines::expect_taken(*model.system, declared, given);
}

pipelines::Inputs inputs_of(const ModelHead& model, const pipelines::Request& r, pipelines::Sources sources,
                            bool plan_only, const pipelines::Callbacks& callbacks) {
  const pipelines::GenerationDefaults& d = model.index.defaults;
  if (plan_only) sources.depth = sources.sketch = sources.single_sketch = "";  // networks would run
  conditioning::Annotators annotators(model.folder);  // their memory is given back before the model is loaded
  return pipelines::read_sources(sources,
                                 {.frames = r.frames.value_or(d.frames),
                                  .height = r.height.value_or(d.height),
                                  .width = r.width.value_or(d.width),
                                  .fps = r.fps.value_or(d.fps)},
                                 annotators, callbacks.progress, callbacks.cancel);
}

// One prompt, with what it is to be made from; `number` tells its clips from those of other lines.
struct Order {
  pipelines::Request request;
  pipelines::Sources sources;
  std::string number;
};

// A line each: PROMPT or PROMPT|SEED; of a system that needs a picture or a clip, FILE|||PROMPT. Files count from the
// working directory, else from the list's folder. ConfigError with every line that is wrong.
std::vector<Order> orders_of_list(const fs::path& list, const ModelHead& model, const Order& base) {
  using reference_config::ListFormat;
  const pipelines::System& system = *model.system;
  VGEN_CHECK(fs::exists(list), IoError, "--list: no such file: ", printable(list.string(), 400));
  const ListFormat format = system.needs_image   ? ListFormat::picture_caption
                            : system.needs_video ? ListFormat::video_caption
                                                 : ListFormat::caption_seed;
  const auto read = reference_config::read_prompt_list(read_file(list, std::size_t(1) << 26), format);
  const std::string shown = printable(list.string(), 400);
  std::string problems;
  const auto problem = [&](std::int64_t line, const std::string& what) {
    problems += str("\n  ", shown, ":", static_cast<long long>(line), ": ", what);
  };
  for (const auto& [line, what] : read.problems) problem(line, what);
  std::vector<Order> orders;
  for (const auto& line : read.lines) {
    Order order = base;
    order.request.prompt = line.caption;
    if (line.seed) order.request.seed = static_cast<std::uint64_t>(*line.seed);
    if (!line.file.empty()) {
      const fs::path beside = list.parent_path() / line.file;
      const std::string file = fs::exists(line.file) || !fs::exists(beside) ? line.file : beside.string();
      if (!fs::exists(file)) problem(line.number + 1, str("no such file: ", printable(file, 400)));
      (system.needs_image ? order.sources.image : order.sources.video) = file;
    }
    const std::string digits = str(static_cast<long long>(orders.size() + 1));
    order.number = std::string(digits.size() < 4 ? 4 - digits.size() : 0, '0') + digits;
    orders.push_back(std::move(order));
  }
  VGEN_CHECK(problems.empty(), ConfigError, "vgen gen --list:", problems);
  VGEN_CHECK(!orders.empty(), ConfigError, shown, ": holds no prompt");
  return orders;
}

// out.mp4 -> out-0003-8.mp4: line 3, seed 8.
std::vector<std::string> numbers_of(const Order& order) {
  const Seeds seeds = seeds_of(order.request);
  std::vector<std::string> out;
  for (const std::uint64_t seed : seeds) {
    const std::string number = seeds.size() > 1 ? str(static_cast<unsigned long long>(seed)) : "";
    out.push_back(order.number + (order.number.empty() || number.empty() ? "" : "-") + number);
  }
  return out;
}

}  // namespace

int cmd_gen(Invocation& in) {
  if (in.has("config")) return run_reference_config(in);
  // Everything that can fail early does: options, prompts, paths, what the system takes; then the model is loaded.
  Order base{.request = request_of(in), .sources = {}, .number = ""};
  const Seeds seeds = seeds_of(base.request);
  const double fps = base.request.fps.value_or(8);
  const bool named = in.has("output");
  fs::path output = in.text("output");
  if (named) expect_output(output, fps);
  ClipWriter writer(in);
  if (in.has("from-latents")) {
    VGEN_CHECK(seeds.size() == 1, ConfigError, "--from-latents holds one clip; leave out --count and --seeds");
    return decode_latents(in, std::move(base.request), named ? output : free_name("out", {""}, fps), writer);
  }

  base.sources = sources_of(in);
  const std::vector<adapters::AdapterRequest> adapters = adapters_of(in);
  for (const std::string& file : in.texts("embedding"))
    VGEN_CHECK(fs::exists(file), IoError, "--embedding: ", printable(file, 400), " does not exist");
  const ModelHead model = look_at_model(in.text("model"), in.text("system"));
  apply_waiting_sets(in, model.index, base.request);
  const std::vector<Order> orders = in.has("list") ? orders_of_list(in.text("list"), model, base) : std::vector{base};
  expect_taken(model, !adapters.empty(), orders.front().request, orders.front().sources);
  if (!named) {
    std::vector<std::string> numbers;
    for (const Order& each : orders)
      for (std::string& number : numbers_of(each)) numbers.push_back(std::move(number));
    output = free_name("out", numbers, fps);
    expect_output(output, fps);
  }
  std::optional<ModelHead> second;
  if (in.has("upscale")) {
    second = look_at_upscaler(in.text("upscale"));
    pipelines::expect_taken(*second->system, second->declared, {.knobs = {"video"}});
  }
  const bool dry = in.flag("dry-run");
  pipelines::Sources read = orders.front().sources;
  pipelines::Inputs inputs = inputs_of(model, base.request, read, dry, writer.callbacks());

  std::vector<Upscaling> to_upscale;
  {
    writer.callbacks().progress({"load", 0, 0, 0});
    pipelines::Pipeline pipe = pipelines::Pipeline::from_pretrained(model.folder, load_options(in, in.text("system")));
    for (const adapters::AdapterRequest& each : adapters)
      pipe.components().adapters.push_back(adapters::inject(pipe.components().unet, each));
    for (const std::string& file : in.texts("embedding")) pipe.learn_words(file);
    const auto upscaled = [&](const Order& order, const video::Frames& clip, std::uint64_t seed, const fs::path& path) {
      to_upscale.push_back({.clip = clip,
                            .source = path.string(),
                            .prompt = in.text("upscale-prompt", order.request.prompt),
                            .seed = seed,
                            .output = numbered(path, "upscaled")});
    };
    const pipelines::Plan plan = pipe.plan(orders.front().request, inputs);
    if (dry) {
      in.console.print(summary(plan, pipe.components().folder, output) +
                       (orders.size() > 1 ? str("\nlines     ", orders.size(), ", of which this is the first") : ""));
      Node node = plan.to_node();
      node.set("lines", Node(static_cast<std::int64_t>(orders.size())));
      if (second) {
        const pipelines::Request& r = plan.request;
        upscaled(orders.front(), video::Frames(*r.frames, *r.height, *r.width, 3, *r.fps), 0, output);
        in.console.print("then");
        node.set("upscale", upscale(in, *second, {}, to_upscale, writer));
      }
      in.console.result(node);
      return 0;
    }
    for (const Order& order : orders) {
      if (order.sources != read) {
        read = order.sources;
        inputs = inputs_of(model, order.request, read, false, writer.callbacks());
      }
      const Seeds own = seeds_of(order.request);
      const std::vector<std::string> numbers = numbers_of(order);
      for (std::size_t i = 0; i < own.size(); ++i) {
        pipelines::Request one = order.request;
        one.seeds = {own[i]};
        const fs::path path = numbered(output, numbers[i]);
        const pipelines::Clip clip = writer.make(pipe, one, inputs, path);
        if (second) upscaled(order, clip.frames, own[i], path);
      }
    }
  }  // the first model's memory is given back
  if (second) upscale(in, *second, {}, to_upscale, writer);
  writer.finish();
  return 0;
}

}  // namespace vgen::cli
