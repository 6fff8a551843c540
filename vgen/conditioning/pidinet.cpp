#include "vgen/conditioning/pidinet.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/max_pool2d.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <map>

#include "vgen/conditioning/annotator_file.hpp"
#include "vgen/conditioning/frames.hpp"

namespace vgen::conditioning {

namespace {

// Configuration carv4: convolution i of the sixteen is central, angular, radial, plain in turn.
enum class Difference { central, angular, radial, plain };
struct Slot {
  std::string name;  // of the kernel, in the checkpoint
  int stage = 0, index = 0;
  Difference difference = Difference::central;
};
std::vector<Slot> slots() {
  std::vector<Slot> out{{"init_block.weight", 0, 0, Difference::central}};
  for (int stage = 0; stage < 4; ++stage)
    for (int i = 0; i < (stage == 0 ? 3 : 4); ++i)
      out.push_back({str("block", stage + 1, "_", i + 1, ".conv1.weight"), stage, i, Difference(out.size() % 4)});
  return out;
}

std::int64_t channels_of(const PiDiNetOptions& o, int stage) { return std::int64_t(o.channels) << std::min(stage, 2); }

PiDiNetOptions checked(const PiDiNetOptions& options) {
  validate(options);
  return options;
}

}  // namespace

void validate(const PiDiNetOptions& o) {
  VGEN_CHECK(o.channels >= 1, ConfigError, "pidinet: channels must be >= 1, got ", o.channels);
  VGEN_CHECK(o.dilation >= 0, ConfigError, "pidinet: dilation must be >= 0, got ", o.dilation);
}

std::vector<KeyPair> reference_keys(const PiDiNetOptions& options) {
  PiDiNet network(options);
  std::vector<KeyPair> out;
  network.each_parameter([&](const std::string& name, Tensor& value) {
    std::string theirs = name;
    const auto rename = [&](std::string_view ours, std::string_view other) {
      if (theirs.starts_with(ours)) theirs = std::string(other) + theirs.substr(ours.size());
    };
    rename("first.", "init_block.");
    rename("fuse.", "classifier.");
    if (theirs.starts_with("stages.")) {  // stages.0.1.* -> block1_2.*
      const int stage = theirs[7] - '0', index = theirs[9] - '0';
      theirs = str("block", stage + 1, "_", index + 1, theirs.substr(10));
    }
    if (theirs.starts_with("sides.")) {
      const std::string stage = theirs.substr(6, 2), rest = theirs.substr(8);
      if (rest.starts_with("reduce"))
        theirs = "conv_reduces." + stage + "conv" + rest.substr(6);
      else if (rest.starts_with("dilated."))
        theirs = "dilations." + stage + "conv2_" + str(rest[8] - '0' + 1) + rest.substr(9);
      else if (rest.starts_with("narrow"))
        theirs = "dilations." + stage + "conv1" + rest.substr(6);
      else
        theirs =
            "attentions." + stage + (rest.starts_with("attend_in") ? "conv1" : "conv2") + rest.substr(rest.rfind('.'));
    }
    out.push_back({name, theirs, value.sizes().vec()});
  });
  return out;
}

weights::StateDict pidinet_to_plain(weights::StateDict state) {
  std::map<std::string, Difference> kinds;
  for (const Slot& slot : slots()) kinds[slot.name] = slot.difference;
  for (const auto& [name, kernel] : state)
    if (const auto kind = kinds.find(name);
        kind != kinds.end() && kind->second == Difference::radial && kernel.dim() == 4 && kernel.size(2) == 5)
      return state;
  // Places of the 3x3 kernel row by row; `clockwise[i]` is the place whose weight is taken off place i.
  const Tensor clockwise = at::tensor({3, 0, 1, 6, 4, 2, 7, 8, 5}, at::kLong);
  // Where a radial kernel's weights 1..8 stand in 5x5, positive on the outer ring, negative on the inner one.
  const Tensor outer = at::tensor({0, 2, 4, 10, 14, 20, 22, 24}, at::kLong);
  const Tensor inner = at::tensor({6, 7, 8, 11, 13, 16, 17, 18}, at::kLong);
  for (auto& [name, kernel] : state) {
    const auto kind = kinds.find(name);
    if (kind == kinds.end() || kind->second == Difference::plain || kernel.dim() != 4 || kernel.size(2) != 3 ||
        kernel.size(3) != 3)
      continue;
    const std::int64_t out = kernel.size(0), in = kernel.size(1);
    const Tensor flat = kernel.reshape({out, in, 9});
    if (kind->second == Difference::central) {
      Tensor changed = flat.clone();
      changed.select(2, 4).sub_(flat.sum(2));
      kernel = changed.view({out, in, 3, 3});
    } else if (kind->second == Difference::angular) {
      kernel = (flat - flat.index_select(2, clockwise)).view({out, in, 3, 3});
    } else {
      Tensor wide = at::zeros({out, in, 25}, flat.options());
      const Tensor ring = flat.slice(2, 1);
      wide.index_copy_(2, outer, ring);
      wide.index_copy_(2, inner, -ring);
      kernel = wide.view({out, in, 5, 5});
    }
  }
  return state;
}

struct PiDiNet::Block : nn::Module {  // x + conv2(relu(conv1(x))), at half the size where a stage begins
  std::unique_ptr<Convolution> shortcut;
  Convolution conv1, conv2;
  Block(std::int64_t in, std::int64_t out, bool halve, Difference difference)
      : conv1(in, in,
              {.kernel = difference == Difference::radial ? 5 : 3,
               .pad = difference == Difference::radial ? 2 : 1,
               .groups = in,
               .bias = false}),
        conv2(in, out, {.kernel = 1, .pad = 0, .bias = false}) {
    if (halve) {
      shortcut = std::make_unique<Convolution>(in, out, ConvolutionOptions{.kernel = 1, .pad = 0});
      add_child("shortcut", *shortcut);
    }
    add_child("conv1", conv1);
    add_child("conv2", conv2);
  }
  Tensor forward(Tensor x) {
    if (shortcut) x = at::max_pool2d(x, {2, 2}, {2, 2});
    return conv2.forward(at::relu(conv1.forward(x))) + (shortcut ? shortcut->forward(x) : x);
  }
};

struct PiDiNet::Side : nn::Module {
  std::unique_ptr<Convolution> narrow;  // compact dilation convolutions: 1x1, then four 3x3 side by side
  std::vector<std::unique_ptr<Convolution>> dilated;
  std::unique_ptr<Convolution> attend_in, attend_out;  // compact spatial attention
  Convolution reduce;
  Side(std::int64_t channels, const PiDiNetOptions& o)
      : reduce(o.dilation ? o.dilation : channels, 1, {.kernel = 1, .pad = 0}) {
    const std::int64_t inner = o.dilation ? o.dilation : channels;
    add_child("reduce", reduce);
    if (o.attention) {
      attend_in = std::make_unique<Convolution>(inner, 4, ConvolutionOptions{.kernel = 1, .pad = 0});
      attend_out = std::make_unique<Convolution>(4, 1, ConvolutionOptions{.bias = false});
      add_child("attend_in", *attend_in);
      add_child("attend_out", *attend_out);
    }
    if (!o.dilation) return;
    narrow = std::make_unique<Convolution>(channels, inner, ConvolutionOptions{.kernel = 1, .pad = 0});
    add_child("narrow", *narrow);
    for (const std::int64_t d : {5, 7, 9, 11}) {
      dilated.push_back(
          std::make_unique<Convolution>(inner, inner, ConvolutionOptions{.pad = d, .dilation = d, .bias = false}));
      add_child(str("dilated.", dilated.size() - 1), *dilated.back());
    }
  }
  Tensor forward(Tensor x) {
    if (narrow) {
      const Tensor y = narrow->forward(at::relu(x));
      x = dilated[0]->forward(y);
      for (std::size_t i = 1; i < dilated.size(); ++i) x = x + dilated[i]->forward(y);
    }
    if (attend_in) x = x * at::sigmoid(attend_out->forward(attend_in->forward(at::relu(x))));
    return reduce.forward(x);
  }
};

PiDiNet::~PiDiNet() = default;
PiDiNet::PiDiNet(const PiDiNetOptions& o)
    : options_(checked(o)), first_(3, o.channels, {.bias = false}), fuse_(4, 1, {.kernel = 1, .pad = 0}) {
  add_child("first", first_);
  for (const Slot& slot : slots()) {
    if (slot.name == "init_block.weight") continue;
    const bool halve = slot.stage > 0 && slot.index == 0;
    blocks_.push_back(std::make_unique<Block>(channels_of(o, halve ? slot.stage - 1 : slot.stage),
                                              channels_of(o, slot.stage), halve, slot.difference));
    add_child(str("stages.", slot.stage, ".", slot.index), *blocks_.back());
  }
  for (int stage = 0; stage < 4; ++stage) {
    sides_.push_back(std::make_unique<Side>(channels_of(o, stage), o));
    add_child(str("sides.", stage), *sides_.back());
  }
  add_child("fuse", fuse_);
}

void PiDiNet::load(const std::filesystem::path& path) {
  load_annotator(*this, pidinet_to_plain(read_annotator(path)), reference_keys(options_), "pidinet", path);
}

Tensor PiDiNet::forward(const Tensor& picture) {
  expect_shape(picture, "pidinet", "picture", {-1, 3, -1, -1});
  VGEN_CHECK(picture.size(0) >= 1 && picture.size(2) >= 8 && picture.size(3) >= 8, ShapeError,
             "pidinet: a picture must have at least 8 pixels a side, got ", picture.size(2), "x", picture.size(3));
  Tensor x = first_.forward(picture);
  std::vector<Tensor> sides;
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    x = blocks_[i]->forward(x);
    if (i % 4 == 2)  // the last of a stage: blocks 2, 6, 10, 14
      sides.push_back(resize_bilinear(sides_[i / 4]->forward(x), picture.size(2), picture.size(3),
                                      /*align_corners=*/false));
  }
  return at::sigmoid(fuse_.forward(at::cat(sides, 1)));
}

Tensor PiDiNet::detect(const Tensor& frames, std::int64_t at_once) {
  expect_frames(frames, "pidinet");
  const at::NoGradGuard no_grad;
  return in_parts(frames, at_once, [&](const Tensor& x) { return forward(imagenet_normalise(x)); });
}

Tensor imagenet_normalise(const Tensor& x) {
  expect_shape(x, "pidinet", "picture", {-1, 3, -1, -1});
  const Tensor mean = at::tensor({0.485f, 0.456f, 0.406f}).to(x.options()).view({1, 3, 1, 1});
  const Tensor deviation = at::tensor({0.229f, 0.224f, 0.225f}).to(x.options()).view({1, 3, 1, 1});
  return (x - mean) / deviation;
}

}  // namespace vgen::conditioning
