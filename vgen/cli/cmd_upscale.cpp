// vgen upscale CLIP [PROMPT]: a clip enlarged, with details that the prompt says.
#include <filesystem>

#include "vgen/cli/generation.hpp"
#include "vgen/core/log.hpp"
#include "vgen/formats/json.hpp"
#include "vgen/video/reader.hpp"

namespace vgen::cli {
namespace fs = std::filesystem;
namespace {

// What the clip was made from, if vgen made it.
std::string prompt_in(const video::VideoInfo& info, const std::string& path) {
  if (!info.comment.starts_with('{')) return "";
  try {
    const Node manifest = formats::parse_json(info.comment, path);
    const Node* prompt = manifest.find("vgen") ? manifest.find("prompt") : nullptr;
    return prompt && prompt->is_string() ? prompt->string : "";
  } catch (const FormatError&) { return ""; }  // somebody else's comment
}

}  // namespace

int cmd_upscale(Invocation& in) {
  pipelines::Request request = request_of(in);
  const std::string path = in.text("clip");
  const fs::path output = in.has("output")
                              ? fs::path(in.text("output"))
                              : free_name(fs::path(path).stem().string() + "-upscaled", {""}, request.fps.value_or(8));
  expect_output(output, request.fps.value_or(8));
  ClipWriter writer(in);
  const ModelHead model = look_at_upscaler(in.text("model"));
  apply_waiting_sets(in, model.index, request);
  pipelines::Given given = pipelines::given_by(request, {});
  given.knobs.emplace_back("video");
  pipelines::expect_taken(*model.system, model.declared, given);

  const int frames = request.frames.value_or(model.index.defaults.frames);
  video::VideoInfo info;
  video::Frames clip = video::read_video(path, {.frames = frames + 1}, &info, {}, in.cancel);
  VGEN_CHECK(clip.count > 0, MediaError, printable(path, 400), ": no frame can be read");
  if (info.truncated)
    log::warn(printable(path, 400), " is damaged after frame ", clip.count, "; the frames before are used");
  if (clip.count > frames) {
    log::warn(printable(path, 400), " has more frames than the model takes; the first ", frames,
              " are used (--frames N takes more, beyond what it was trained for)");
    clip.pixels->resize(clip.bytes() / static_cast<std::size_t>(clip.count) * static_cast<std::size_t>(frames));
    clip.count = frames;
  }
  std::string prompt = request.prompt;
  if (!in.has("prompt")) {
    prompt = prompt_in(info, path);
    VGEN_CHECK(!prompt.empty(), ConfigError, printable(path, 400),
               ": vgen did not make this clip, so its prompt is not known; say what it shows: vgen upscale ",
               shell_quoted(path), " \"a fox in snow\"");
  }
  if (request.frames)  // the clip's own, doubled where the model wants it
    request.frames = static_cast<int>(pipelines::shown_frames(clip, request, model.index.defaults));
  const Node plan =
      upscale(in, model, request,
              {{.clip = clip, .source = path, .prompt = prompt, .seed = request.seed, .output = output}}, writer);
  if (in.flag("dry-run"))
    in.console.result(plan);
  else
    writer.finish();
  return 0;
}

}  // namespace vgen::cli
