// A clip of every system of the family, on tiny models with random weights:   systems FOLDER
// With released models in place of the tiny ones, leave out write_tiny_model.
#include <cstdio>
#include <vgen/pipelines/sources.hpp>
#include <vgen/pipelines/tiny.hpp>
#include <vgen/vgen.hpp>
#include <vgen/video/writer.hpp>

namespace {

// What is given beside the prompt: files, as on the command line, and fields of the request.
struct Example {
  const char* system;
  vgen::pipelines::Sources sources = {};
  vgen::pipelines::Request request = {};
};

// A square that moves, as a clip to work with; its first frame is the picture to work with.
vgen::video::Frames square(int frames) {
  vgen::video::Frames clip(frames, 48, 64);
  for (int f = 0; f < frames; ++f)
    for (int y = 16; y < 32; ++y)
      for (int x = 8 + 4 * f; x < 24 + 4 * f; ++x) clip.frame(f)[3 * (64 * y + x)] = 255;
  return clip;
}

}  // namespace

int main(int argc, char** argv) try {
  namespace conditioning = vgen::conditioning;
  namespace pipelines = vgen::pipelines;
  if (argc != 2) return std::fprintf(stderr, "usage: systems FOLDER\n"), 2;
  const std::filesystem::path folder = argv[1];
  const std::string clip = (folder / "clip.png").string(), picture = (folder / "picture.png").string();
  std::filesystem::create_directories(folder);
  vgen::video::write_video(clip, square(4));
  vgen::video::write_image(picture, square(1));

  const Example examples[] = {
      {"t2v"},
      {"i2vgen_xl", {.image = picture}},
      {"higen", {}, {.motion = 500, .appearance = 0.9}},
      {"sr600", {.video = clip}},
      {"tf_t2v", {.style = picture}},
      {"video_composer", {.style = picture, .depth = clip, .draw_motion = {"0.2,0.5 -> 0.8,0.5 @ 0..4"}}},
      {"video_lcm", {}, {.steps = 4}},
      {"dream_video", {.video = clip}, {.inverse_noise = 0.2}},
      {"instruct_video"},
  };
  for (const Example& each : examples) {
    const auto model = folder / each.system;
    pipelines::write_tiny_model(each.system, model);
    auto pipe = vgen::Pipeline::from_pretrained(model);
    const auto& defaults = pipe.index().defaults;
    conditioning::Annotators annotators(model);
    const auto inputs = pipelines::read_sources(
        each.sources, {.frames = defaults.frames, .height = defaults.height, .width = defaults.width}, annotators);
    auto request = each.request;
    request.prompt = "a fox in snow";
    const auto made = pipe.generate(request, inputs).front();
    const auto report = made.save(folder / (std::string(each.system) + ".gif"));
    std::printf("%s: %d frames, %s\n", each.system, int(report.frames), pipe.system().summary.data());
  }
} catch (const vgen::Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return int(error.code());
}
