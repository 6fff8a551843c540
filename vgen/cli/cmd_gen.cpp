// vgen gen PROMPT: a clip from a prompt.
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <iterator>

#include "vgen/cli/backend.hpp"
#include "vgen/core/atomic_file.hpp"
#include "vgen/formats/json.hpp"
#include "vgen/formats/safetensors.hpp"
#include "vgen/pipelines/pipeline.hpp"
#include "vgen/weights/state_dict.hpp"

namespace vgen::cli {
namespace fs = std::filesystem;
namespace {

// "frames/" names a folder of pictures: the same without the slash.
fs::path without_slash(const fs::path& path) { return path.has_filename() ? path : path.parent_path(); }

// out.mp4 -> out-3.mp4 for the clip with seed 3 of several; frames/ -> frames-3/.
fs::path numbered(const fs::path& path, std::uint64_t seed, bool several) {
  if (!several) return path;
  const fs::path name = without_slash(path);
  return name.parent_path() / str(name.stem().string(), "-", static_cast<unsigned long long>(seed),
                                  name.extension().string(), path.has_filename() ? "" : "/");
}

fs::path kept_latents(const fs::path& output) { return without_slash(output).string() + ".latents.safetensors"; }

void keep(const pipelines::Clip& clip, const fs::path& path) {
  weights::save_state_dict(path, {{"latents", clip.latents}},
                           {.metadata = {{"manifest", formats::dump_json(clip.manifest, -1)}}});
}

pipelines::Request request_of(const Invocation& in) {
  pipelines::Request r;
  r.prompt = in.text("prompt");
  if (r.prompt == "-") r.prompt.assign(std::istreambuf_iterator<char>(std::cin), {});
  if (in.has("negative")) r.negative_prompt = in.text("negative");
  if (in.has("steps")) r.steps = static_cast<int>(in.integer("steps", 0));
  if (in.has("sampler")) r.sampler = samplers::sampler_named(in.text("sampler"));
  if (in.has("guidance")) r.guidance = in.number("guidance", 0);
  if (in.has("frames")) r.frames = static_cast<int>(in.integer("frames", 0));
  if (in.has("fps")) r.fps = in.number("fps", 0);
  if (const Node* size = in.arguments.find("size")) {
    const auto sides = size->as_ints();
    r.width = static_cast<int>(sides.at(0));
    r.height = static_cast<int>(sides.at(1));
  }
  const std::int64_t seed = in.integer("seed", 0);
  VGEN_CHECK(seed >= 0, ConfigError, "--seed: must be >= 0, got ", seed);
  r.seed = static_cast<std::uint64_t>(seed);
  r.count = static_cast<int>(in.integer("count", 1));
  r.decode_chunk = static_cast<int>(in.integer("decode-chunk", 0));
  return r;
}

}  // namespace

int cmd_gen(Invocation& in) {
  const fs::path output = in.text("output", "out.mp4");
  pipelines::Request request = request_of(in);
  Node as_node = to_node(request);
  in.override_with_sets(as_node);
  from_node(as_node, request, {"--set", ""});

  // Everything that can fail early does: path, encoder, model, options.
  video::expect_video_path(output, request.fps.value_or(8));
  const fs::path place = without_slash(output).parent_path();
  expect_writable(place.empty() ? fs::path(".") : place);
  pipelines::Pipeline pipe = pipelines::Pipeline::from_pretrained(
      in.text("model"), {.device = in.text("device", "cpu"), .dtype = in.text("dtype", "fp32")});
  const pipelines::Plan plan = pipe.plan(request);
  if (in.flag("dry-run")) {
    in.console.print(formats::dump_json(plan.to_node()));
    in.console.result(plan.to_node());
    return 0;
  }

  pipelines::Callbacks callbacks;
  callbacks.cancel = in.cancel;
  callbacks.progress = in.console.progress();
  Node files = Node::list();
  const bool several = plan.seeds.size() > 1;
  const auto write = [&](const pipelines::Clip& clip, const fs::path& path) {
    const auto report = clip.save(path);
    fs::remove(kept_latents(path));
    in.console.print(str(path.string(), ": ", report.frames, " frames of ", clip.frames.width, "x", clip.frames.height,
                         ", ", report.encoder, ", seed ", static_cast<unsigned long long>(clip.seed)));
    files.items.push_back(Node::map({{"path", Node(path.string())},
                                     {"frames", Node(static_cast<std::int64_t>(report.frames))},
                                     {"encoder", Node(report.encoder)},
                                     {"manifest", clip.manifest}}));
  };
  const auto explain = [&](const fs::path& path) {
    return str("; the latents are kept, go on with:  vgen gen --from-latents ", kept_latents(path).string(),
               " -o FILE \"\"");
  };

  if (in.has("from-latents")) {
    const fs::path from = in.text("from-latents");
    const formats::TensorFile file = formats::read_tensor_file(from);
    const weights::StateDict state = weights::to_state_dict(file);
    const Tensor* latents = weights::find(state, "latents");
    VGEN_CHECK(latents, FormatError, from.string(), ": holds no tensor 'latents'; was it kept by vgen gen?");
    pipelines::Clip clip;
    clip.latents = *latents;
    if (const auto found = file.metadata.find("manifest"); found != file.metadata.end())
      clip.manifest = formats::parse_json(found->second, from.string());
    clip.frames = pipe.decode(*latents, *plan.request.fps, plan.decode_chunk, callbacks);
    write(clip, output);
  } else {
    for (const std::uint64_t seed : plan.seeds) {
      const fs::path path = numbered(output, seed, several);
      bool denoised = false;
      callbacks.on_latents = [&](const pipelines::Clip& clip) {
        keep(clip, kept_latents(path));
        denoised = true;
      };
      pipelines::Request one = request;
      one.seeds = {seed};
      try {
        write(pipe.generate(one, callbacks).front(), path);
      } catch (const Interrupted&) { throw; } catch (const Error& e) {
        if (denoised) throw Error(e.what() + explain(path), e.code());
        throw;
      }
    }
  }
  in.console.result(Node::map({{"clips", files}}));
  return 0;
}

}  // namespace vgen::cli
