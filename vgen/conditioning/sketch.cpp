#include "vgen/conditioning/sketch.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sigmoid.h>

#include "vgen/conditioning/annotator_file.hpp"
#include "vgen/conditioning/frames.hpp"

namespace vgen::conditioning {

SketchSimplification::SketchSimplification(const SketchSimplificationOptions& options) {
  VGEN_CHECK(options.channels >= 6 && options.channels % 6 == 0, ConfigError,
             "sketch_simplification: channels must be a multiple of 6, got ", options.channels, "; try 48");
  const std::pair<double, double> statistics[] = {{0.9664114577640158, 0.0858381272736797},
                                                  {0.9664423107454593, 0.08583666033640507},
                                                  {0.9817833515894078, 0.0925009022585048},
                                                  {0.9851298627337799, 0.07418377454883571}};
  std::tie(mean_, deviation_) = statistics[std::size_t(options.model)];
  // Down to an eighth, through a bottleneck of 1024 channels, up again.
  const ConvolutionOptions same{}, half{.stride = 2}, twice{.kernel = 4, .stride = 2, .transposed = true};
  const std::pair<int, ConvolutionOptions> layers[] = {{48, {.kernel = 5, .stride = 2, .pad = 2}},
                                                       {128, same},
                                                       {128, same},
                                                       {128, half},
                                                       {256, same},
                                                       {256, same},
                                                       {256, half},
                                                       {512, same},
                                                       {1024, same},
                                                       {1024, same},
                                                       {1024, same},
                                                       {1024, same},
                                                       {512, same},
                                                       {256, same},
                                                       {256, twice},
                                                       {256, same},
                                                       {128, same},
                                                       {128, twice},
                                                       {128, same},
                                                       {48, same},
                                                       {48, twice},
                                                       {24, same},
                                                       {1, same}};
  int in = 1;
  for (const auto& [width, how] : layers) {
    const int out = width == 1 ? 1 : width * options.channels / 48;
    layers_.push_back(std::make_unique<Convolution>(in, out, how));
    add_child(str("layers.", 2 * (layers_.size() - 1)), *layers_.back());  // the odd numbers are activations
    in = out;
  }
}

void SketchSimplification::load(const std::filesystem::path& path) {
  load_annotator(*this, read_annotator(path), reference_keys(*this), "sketch", path);
}

Tensor SketchSimplification::forward(const Tensor& lines) {
  expect_shape(lines, "sketch", "lines", {-1, 1, -1, -1});
  VGEN_CHECK(lines.numel() > 0, ShapeError, "sketch: the picture is empty, got ", shape_string(lines.sizes()));
  Tensor x = (lines - mean_) / deviation_;
  for (std::size_t i = 0; i + 1 < layers_.size(); ++i) x = at::relu(layers_[i]->forward(x));
  return at::sigmoid(layers_.back()->forward(x));
}

std::vector<KeyPair> reference_keys(SketchSimplification& network) {
  std::vector<KeyPair> out;
  network.each_parameter([&](const std::string& name, Tensor& value) {
    out.push_back({name, name, value.sizes().vec()});
  });
  return out;
}

Tensor sketch(PiDiNet& edges, SketchSimplification& simplifier, const Tensor& frames, std::int64_t at_once) {
  expect_frames(frames, "sketch");
  VGEN_CHECK(frames.size(2) % 8 == 0 && frames.size(3) % 8 == 0, ShapeError,
             "sketch: height and width must be multiples of 8, got ", frames.size(2), "x", frames.size(3),
             "; resize the frames first");
  const at::NoGradGuard no_grad;
  const Tensor found = edges.detect(frames.to(edges.parameters().front().device()), at_once);
  return in_parts(found, at_once, [&](const Tensor& e) { return 1 - simplifier.forward(1 - e); }).to(frames.device());
}

}  // namespace vgen::conditioning
