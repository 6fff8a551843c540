// A user's program against the installed headers and libvgen:  consumer MODEL OUT.gif
// Without a model folder at MODEL it writes a tiny one with random weights there first.
#include <vgen/vgen.hpp>
#include "../tiny_model.hpp"

#include <cstdio>

int main(int argc, char** argv) try {
  if (argc != 3) return 2;
  const std::filesystem::path model = argv[1];
  if (!std::filesystem::exists(model)) tiny::write_model(model);
  auto pipe = vgen::Pipeline::from_pretrained(model);
  const auto clip =
      pipe.generate({.prompt = "a red circle moving left on a black background", .steps = 2, .seed = 7}).front();
  const auto report = clip.save(argv[2]);
  std::printf("vgen %s, torch %s: %lld frames by %s\n", vgen::build_info().version, vgen::build_info().torch,
              static_cast<long long>(report.frames), report.encoder.c_str());
  try {  // errors of the library are caught by their type on this side
    pipe.generate({.prompt = "x", .steps = 0});
  } catch (const vgen::ConfigError& e) {
    std::printf("refused: %s\n", e.what());
    return 0;
  }
  return 1;
} catch (const vgen::Error& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return static_cast<int>(e.code());
}
