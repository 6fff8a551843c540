// A clip from a prompt:   text_to_video MODEL "a red circle moving left on a black background" out.mp4
#include <cstdio>
#include <vgen/vgen.hpp>

int main(int argc, char** argv) try {
  if (argc != 4) return std::fprintf(stderr, "usage: text_to_video MODEL PROMPT FILE\n"), 2;
  auto pipe = vgen::Pipeline::from_pretrained(argv[1]);

  vgen::pipelines::Callbacks callbacks;
  callbacks.on_step = [](vgen::samplers::Step& step) {
    std::printf("step %d of %d\n", step.index + 1, step.total);
    return true;  // false would stop here
  };
  const auto clips = pipe.generate({.prompt = argv[2], .seed = 7}, callbacks);
  const auto report = clips.front().save(argv[3]);
  std::printf("%s: %d frames, %s\n", report.path.c_str(), int(report.frames), report.encoder.c_str());
} catch (const vgen::Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return int(error.code());
}
