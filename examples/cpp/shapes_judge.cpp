// A captioned clip of the shapes world, written to a file, read back and judged:   shapes_judge clip.png
#include <cstdio>
#include <vgen/data/shapes_world.hpp>
#include <vgen/metrics/shapes_judge.hpp>
#include <vgen/video/reader.hpp>
#include <vgen/video/writer.hpp>

using namespace vgen;

int main(int argc, char** argv) try {
  if (argc != 2) return std::fprintf(stderr, "usage: shapes_judge FILE\n"), 2;
  data::ShapesClip clip = data::shapes_clip(/*seed=*/1, /*index=*/42);  // 16 frames of 64x64
  std::printf("%s\n", clip.caption.c_str());
  video::write_video(argv[1], clip.frames);

  metrics::ShapesVerdict v = metrics::judge(video::read_video(argv[1]));  // from pixels alone
  metrics::ShapesScore s = metrics::score(v, clip.attributes);
  std::printf("colour %d, shape %d, motion %d, background %d, all %d\n", s.colour, s.shape, s.motion, s.background,
              s.all);
} catch (const vgen::Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return int(error.code());
}
