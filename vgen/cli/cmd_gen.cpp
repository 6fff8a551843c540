// vgen gen PROMPT: clips from a prompt, and what a system takes beside it.
#include <algorithm>
#include <filesystem>

#include "vgen/cli/generation.hpp"
#include "vgen/cli/reference_run.hpp"
#include "vgen/formats/json.hpp"
#include "vgen/formats/safetensors.hpp"
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
  pipelines::Annotators annotators(model.folder);  // their memory is given back before the model is loaded
  return pipelines::read_sources(sources,
                                 {.frames = r.frames.value_or(d.frames),
                                  .height = r.height.value_or(d.height),
                                  .width = r.width.value_or(d.width),
                                  .fps = r.fps.value_or(d.fps)},
                                 annotators, callbacks.progress, callbacks.cancel);
}

}  // namespace

int cmd_gen(Invocation& in) {
  if (in.has("config")) return run_reference_config(in);
  // Everything that can fail early does: options, prompt, paths, what the system takes; then the model is loaded.
  pipelines::Request request = request_of(in);
  const Seeds seeds = seeds_of(request);
  std::vector<std::string> numbers;
  for (const std::uint64_t seed : seeds)
    numbers.push_back(seeds.size() > 1 ? str(static_cast<unsigned long long>(seed)) : "");
  const double fps = request.fps.value_or(8);
  const fs::path output = in.has("output") ? fs::path(in.text("output")) : free_name("out", numbers, fps);
  expect_output(output, fps);
  ClipWriter writer(in);
  if (in.has("from-latents")) {
    VGEN_CHECK(seeds.size() == 1, ConfigError, "--from-latents holds one clip; leave out --count and --seeds");
    return decode_latents(in, std::move(request), output, writer);
  }

  const pipelines::Sources sources = sources_of(in);
  const std::vector<adapters::AdapterRequest> adapters = adapters_of(in);
  for (const std::string& file : in.texts("embedding"))
    VGEN_CHECK(fs::exists(file), IoError, "--embedding: ", printable(file, 400), " does not exist");
  const ModelHead model = look_at_model(in.text("model"), in.text("system"));
  apply_waiting_sets(in, model.index, request);
  expect_taken(model, !adapters.empty(), request, sources);
  std::optional<ModelHead> second;
  if (in.has("upscale")) {
    second = look_at_model(in.text("upscale"), "");
    pipelines::expect_taken(*second->system, second->declared, {.knobs = {"video"}});
  }
  const bool dry = in.flag("dry-run");
  const pipelines::Inputs inputs = inputs_of(model, request, sources, dry, writer.callbacks());

  std::vector<Upscaling> to_upscale;
  const auto second_prompt = [&] { return in.text("upscale-prompt", request.prompt); };
  {
    writer.callbacks().progress({"load", 0, 0, 0});
    pipelines::Pipeline pipe = pipelines::Pipeline::from_pretrained(model.folder, load_options(in, in.text("system")));
    for (const adapters::AdapterRequest& each : adapters)
      pipe.components().adapters.push_back(adapters::inject(pipe.components().unet, each));
    for (const std::string& file : in.texts("embedding")) pipe.learn_words(file);
    const pipelines::Plan plan = pipe.plan(request, inputs);
    if (dry) {
      in.console.print(summary(plan, pipe.components().folder, output));
      Node node = plan.to_node();
      if (second) {
        const pipelines::Request& r = plan.request;
        to_upscale.push_back({.clip = video::Frames(*r.frames, *r.height, *r.width, 3, *r.fps),
                              .prompt = second_prompt(),
                              .output = numbered(output, "upscaled")});
        in.console.print("then");
        node.set("upscale", upscale(in, *second, {}, to_upscale, writer));
      }
      in.console.result(node);
      return 0;
    }
    for (std::size_t i = 0; i < seeds.size(); ++i) {
      pipelines::Request one = request;
      one.seeds = {seeds[i]};
      const fs::path path = numbered(output, numbers[i]);
      const pipelines::Clip clip = writer.make(pipe, one, inputs, path);
      if (second)
        to_upscale.push_back({.clip = clip.frames,
                              .source = path.string(),
                              .prompt = second_prompt(),
                              .seed = seeds[i],
                              .output = numbered(path, "upscaled")});
    }
  }  // the first model's memory is given back
  if (second) upscale(in, *second, {}, to_upscale, writer);
  writer.finish();
  return 0;
}

}  // namespace vgen::cli
