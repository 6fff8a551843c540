// Goldens of the area `annotators` are run by `vgen parity`; here are OpenCV's results at other sizes, the released
// key tables, files that do not fit, and bad inputs.
#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <sstream>

#include "vgen/conditioning/canny.hpp"
#include "vgen/conditioning/dpt.hpp"
#include "vgen/conditioning/palette.hpp"
#include "vgen/conditioning/picture.hpp"
#include "vgen/conditioning/sketch.hpp"
#include "vgen/core/atomic_file.hpp"
#include "vgen/core/mersenne_twister.hpp"
#include "vgen/nn/init.hpp"
#include "vgen/tensor/random.hpp"
#include "vgen/video/deflate.hpp"
#include "vgen/weights/load.hpp"

namespace vgen::conditioning {
namespace {

using testing::HasSubstr;
using Table = std::map<std::string, std::vector<std::int64_t>>;

// Two pictures by rules that need no library: one like noise, one of smooth waves.
Tensor picture(std::int64_t h, std::int64_t w, std::int64_t c, bool smooth) {
  Tensor out = at::empty({h, w, c}, at::kByte);
  std::uint8_t* p = out.data_ptr<std::uint8_t>();
  for (std::int64_t y = 0; y < h; ++y)
    for (std::int64_t x = 0; x < w; ++x)
      for (std::int64_t k = 0; k < c; ++k) {
        const auto i = static_cast<std::uint64_t>((y * w + x) * c + k);
        *p++ = static_cast<std::uint8_t>(smooth ? (x * x * 3 + y * y * 5 + x * y * 2 + k * 40) / 16 % 256
                                                : static_cast<std::int64_t>((i * i * 2654435761u + i * 40503u) >> 11) &
                                                      255);
      }
  return out;
}
std::uint32_t crc(const Tensor& x) {
  const Tensor c = x.contiguous();
  return video::crc32({static_cast<const char*>(c.data_ptr()), std::size_t(c.numel())});
}

// Checksums of cv2.resize's results (OpenCV 5.0.0), INTER_LANCZOS4 and INTER_AREA.
TEST(Picture, ResizesAsOpenCvDoes) {
  struct Row {
    std::int64_t h, w, c, side;
    bool smooth;
    std::uint32_t crc;
  };
  for (const Row& r : std::vector<Row>{
           {70, 91, 3, 200, false, 778390764u},    {70, 91, 3, 200, true, 2699490356u},
           {33, 48, 3, 100, false, 3853118010u},   {33, 48, 3, 100, true, 1359362980u},
           {48, 48, 1, 128, false, 2224726095u},   {48, 48, 1, 128, true, 3809605149u},
           {130, 170, 3, 64, false, 2784777738u},  {130, 170, 3, 64, true, 1210038797u},
           {256, 256, 3, 128, false, 2583958077u}, {256, 256, 3, 128, true, 2810484497u},
           {384, 256, 3, 64, false, 1358452205u},  {384, 256, 3, 64, true, 1489859663u},
           {200, 333, 3, 96, false, 1060216742u},  {200, 333, 3, 96, true, 475618076u},
           {100, 100, 4, 64, false, 1914308533u},  {100, 100, 4, 64, true, 2072139413u},
           {150, 64, 3, 64, false, 3011622437u},   {150, 64, 3, 64, true, 6345207u},
           {48, 64, 3, 48, false, 4191375165u},    {48, 64, 3, 48, true, 1726359813u},
           {100, 130, 3, 96, false, 3151822702u},  {100, 130, 3, 96, true, 1697415883u},
           {60, 100, 3, 50, false, 577587604u},    {60, 100, 3, 50, true, 873183200u},
           {61, 45, 1, 40, false, 3079946036u},    {61, 45, 1, 40, true, 3768075066u},
       })
    EXPECT_EQ(crc(resize_picture(picture(r.h, r.w, r.c, r.smooth), r.side)), r.crc)
        << r.h << "x" << r.w << "x" << r.c << " to " << r.side << (r.smooth ? " smooth" : " noise");
}

// Checksums of cv2.Canny(...) / 255.
TEST(Canny, FindsWhatOpenCvFinds) {
  struct Row {
    std::int64_t h, w, c;
    double low, high;
    bool smooth;
    std::uint32_t crc;
  };
  for (const Row& r : std::vector<Row>{{40, 57, 3, 100, 200, false, 3424517986u},
                                       {40, 57, 3, 100, 200, true, 1449769887u},
                                       {40, 57, 1, 60, 160, false, 1868786587u},
                                       {40, 57, 1, 60, 160, true, 526819466u},
                                       {3, 3, 3, 10, 20, false, 2840323049u},
                                       {3, 3, 3, 10, 20, true, 3859354798u},
                                       {1, 9, 3, 10, 20, false, 1290504681u},
                                       {1, 9, 3, 10, 20, true, 4279379439u},
                                       {64, 64, 3, 300.7, 120.2, false, 3420368323u},
                                       {64, 64, 3, 300.7, 120.2, true, 1853578888u}})
    EXPECT_EQ(crc(canny(picture(r.h, r.w, r.c, r.smooth), {r.low, r.high})), r.crc)
        << r.h << "x" << r.w << "x" << r.c << " " << r.low << " " << r.high << (r.smooth ? " smooth" : " noise");
}

template <class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const Error& e) { return e.what(); }
  return "no error";
}

TEST(Picture, RefusesWhatIsNone) {
  EXPECT_THAT(message_of([] { to_bytes(at::zeros({2, 3, 4, 3}, at::kByte)); }), HasSubstr("[2, 3, 4, 3]"));
  EXPECT_THAT(message_of([] { to_bytes(at::zeros({3, 32, 48}, at::kByte)); }), HasSubstr("channels first"));
  EXPECT_THAT(message_of([] { to_bytes(at::zeros({0, 4, 3}, at::kByte)); }), HasSubstr("[0, 4, 3]"));
  EXPECT_THAT(message_of([] { to_bytes(at::zeros({4, 4}, at::kShort)); }), HasSubstr("16-bit"));
  EXPECT_THAT(message_of([] { to_bytes(at::full({4, 4, 3}, 2.f)); }), HasSubstr("[0, 1]"));
  EXPECT_THAT(message_of([] { to_bytes(at::full({4, 4, 3}, std::nan(""))); }), HasSubstr("[0, 1]"));
  EXPECT_THAT(message_of([] { to_bytes(Tensor()); }), HasSubstr("none"));
  EXPECT_THAT(message_of([] { resize_picture(at::zeros({48, 64, 3}, at::kByte), 32); }), HasSubstr("rounds to 0"));
  EXPECT_THAT(message_of([] { resize_picture(at::zeros({1, 20000, 3}, at::kByte), 20000); }), HasSubstr("too many"));
  EXPECT_THAT(message_of([] { canny(at::zeros({8, 8}, at::kByte), {-1, 2}); }), HasSubstr("[0, 1e6]"));
  EXPECT_THAT(message_of([] { Palette({.hues = 0}); }), HasSubstr("hues"));
  EXPECT_THAT(message_of([] { Palette().histogram(at::zeros({8, 8}, at::kByte)); }), HasSubstr("[H, W, 3]"));
  EXPECT_THAT(message_of([] { Palette().histogram(at::zeros({8, 8, 3}, at::kByte), -1); }), HasSubstr("sigma"));
  EXPECT_EQ(to_rgb(at::full({1, 1}, 1.f)).sum().item<std::int64_t>(), 3 * 255);
}

TEST(Palette, CountsEveryPixelOnce) {
  const Palette palette;
  EXPECT_EQ(palette.size(), 156);
  const Tensor x = picture(20, 30, 3, false);
  EXPECT_NEAR(palette.histogram(x, 0).sum().item<double>(), 1, 1e-12);
  EXPECT_LT(palette.histogram(x, 10).max().item<double>(), palette.histogram(x, 0).max().item<double>());
  // A picture of palette colours is its own quantisation.
  const Tensor q = palette.quantise(x);
  EXPECT_TRUE(at::allclose(palette.quantise((q * 255).round().to(at::kByte)), q));
}

// First numbers of CPython's random and of numpy.random.RandomState.
TEST(MersenneTwister, IsPythonsAndNumpys) {
  auto numpy = MersenneTwister::numpy(0);
  EXPECT_DOUBLE_EQ(numpy.uniform(), 0.5488135039273248);
  auto python = MersenneTwister::python(5);
  EXPECT_DOUBLE_EQ(python.uniform(), 0.6229016948897019);
  auto integers = MersenneTwister::numpy(1);
  EXPECT_EQ(integers.integer(0, 100), 37);
  EXPECT_EQ(integers.integer(0, 100), 12);
  EXPECT_THROW(integers.integer(3, 3), ConfigError);
}

Table table(const std::string& name) {
  Table out;
  std::istringstream lines(read_file(std::string(VGEN_SOURCE_DIR "/tests/golden/keys/") + name + ".tsv"));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t tab = line.find('\t');
    std::istringstream sizes(line.substr(tab + 1));
    auto& shape = out[line.substr(0, tab)];
    for (std::string each; std::getline(sizes, each, ',');) shape.push_back(std::stoll(each));
  }
  return out;
}
Table table(const std::vector<KeyPair>& keys) {
  Table out;
  for (const KeyPair& key : keys) out[key.theirs] = key.their_shape;
  return out;
}

TEST(Annotators, HaveTheReleasedNamesAndShapes) {
  EXPECT_EQ(table(reference_keys(DptDepthOptions{})), table("midas_v3_dpt_large"));
  DptDepth depth;
  EXPECT_EQ(depth.parameter_count(), 343028417);
  weights::expect_bijection(reference_keys(DptDepthOptions{}), "depth");
  EXPECT_TRUE(weights::audit(
                  weights::targets_of(depth),
                  [&] {
                    weights::StateDict state;
                    for (const auto& [name, shape] : table("midas_v3_dpt_large"))
                      state.emplace_back(name, at::zeros({1}).expand(shape));
                    return state;
                  }(),
                  reference_keys(DptDepthOptions{}))
                  .fits());

  EXPECT_EQ(table(reference_keys(PiDiNetOptions{})), table("pidinet_converted"));
  EXPECT_EQ(PiDiNet().parameter_count(), 720709);
  weights::StateDict raw;
  for (const auto& [name, shape] : table("pidinet_raw")) raw.emplace_back(name, at::rand(shape));
  Table converted;
  for (const auto& [name, kernel] : pidinet_to_plain(raw)) converted[name] = kernel.sizes().vec();
  EXPECT_EQ(converted, table("pidinet_converted"));

  SketchSimplification simplifier;
  EXPECT_EQ(table(reference_keys(simplifier)), table("sketch_simplification"));
  EXPECT_EQ(simplifier.parameter_count(), 44387249);
}

class Files : public testing::Test {
 protected:
  std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("vgen_annotators_" + std::to_string(getpid()));
  void SetUp() override { std::filesystem::create_directories(folder); }
  void TearDown() override { std::filesystem::remove_all(folder); }
};

DptDepthOptions tiny_depth() {
  return {.image_size = 32, .width = 16, .heads = 2, .layers = 4, .neck = {4, 4, 4, 4}, .fusion = 4};
}
PiDiNetOptions tiny_edges() { return {.channels = 4, .dilation = 2}; }

// A checkpoint as it is released: "state_dict", "module." before every name, raw difference kernels.
TEST_F(Files, LoadTheReleasedLayout) {
  weights::StateDict raw, prefixed;
  for (KeyPair key : reference_keys(tiny_edges())) {
    for (std::size_t axis = 2; axis < key.their_shape.size(); ++axis)
      if (key.their_shape[axis] == 5) key.their_shape[axis] = 3;
    raw.emplace_back(key.theirs, at::rand(key.their_shape) - 0.5);
    prefixed.emplace_back("module." + key.theirs, raw.back().second);
  }
  weights::save_state_dict(folder / "raw.pth", prefixed, {.extra = Node::map({{"epoch", Node(std::int64_t(20))}})});
  weights::save_state_dict(folder / "plain.safetensors", pidinet_to_plain(raw));
  PiDiNet a(tiny_edges()), b(tiny_edges());
  a.load(folder / "raw.pth");
  b.load(folder / "plain.safetensors");
  const Tensor x = at::rand({3, 3, 17, 24});
  EXPECT_TRUE(a.detect(x).equal(b.detect(x, 1)) || at::allclose(a.detect(x), b.detect(x, 1), 1e-5, 1e-6));
  EXPECT_EQ(a.detect(x).sizes(), (at::IntArrayRef{3, 1, 17, 24}));
}

TEST_F(Files, OfAnotherNetworkAreRefusedAndNothingChanges) {
  DptDepth depth(tiny_depth());
  nn::initialise(depth, make_generator(1));
  const Tensor before = depth.named_parameters().front().second.clone();
  weights::StateDict edges;
  for (const KeyPair& key : reference_keys(tiny_edges())) edges.emplace_back(key.theirs, at::zeros(key.their_shape));
  weights::save_state_dict(folder / "edges.pth", edges);
  EXPECT_THAT(message_of([&] { depth.load(folder / "edges.pth"); }), HasSubstr("looks like the edge detector PiDiNet"));
  EXPECT_TRUE(depth.named_parameters().front().second.equal(before));
  EXPECT_THAT(message_of([&] { depth.load(folder / "none.pth"); }), HasSubstr("none.pth"));

  weights::StateDict mine;
  for (const KeyPair& key : reference_keys(tiny_depth())) mine.emplace_back(key.theirs, at::zeros(key.their_shape));
  mine.back().second.fill_(std::nan(""));
  weights::save_state_dict(folder / "nan.pth", mine);
  EXPECT_THROW(depth.load(folder / "nan.pth"), NumericsError);
  mine.pop_back();
  weights::save_state_dict(folder / "short.pth", mine);
  EXPECT_THROW(depth.load(folder / "short.pth"), WeightsError);
  EXPECT_TRUE(depth.named_parameters().front().second.equal(before));
}

TEST(Annotators, RefuseFramesThatDoNotFit) {
  DptDepth depth(tiny_depth());
  nn::initialise(depth, make_generator(1));
  PiDiNet edges(tiny_edges());
  EXPECT_THAT(message_of([&] { depth.condition(at::rand({1, 3, 48, 64})); }), HasSubstr("multiples of 32, got 48x64"));
  EXPECT_THAT(message_of([&] { depth.condition(at::rand({3, 64, 64})); }), HasSubstr("[3, 64, 64]"));
  EXPECT_THAT(message_of([&] { depth.condition(at::rand({1, 3, 32, 32}) * 2 - 1); }), HasSubstr("[0, 1]"));
  EXPECT_THAT(message_of([&] { depth.condition(at::zeros({1, 3, 32, 32}, at::kByte)); }), HasSubstr("divide bytes"));
  EXPECT_THAT(message_of([&] { depth.condition(at::rand({1, 3, 32, 32}), 0); }), HasSubstr("at_once"));
  EXPECT_THAT(message_of([&] { edges.detect(at::rand({1, 3, 7, 64})); }), HasSubstr("at least 8"));
  EXPECT_THAT(message_of([] { DptDepth(DptDepthOptions{.layers = 6}); }), HasSubstr("multiple of 4"));
  EXPECT_THAT(message_of([] { PiDiNet(PiDiNetOptions{.channels = 0}); }), HasSubstr("channels"));
  // Frames in parts are frames at once.
  const Tensor x = at::rand({3, 3, 32, 64});
  EXPECT_TRUE(at::allclose(depth.condition(x, 1), depth.condition(x, 3), 1e-4, 1e-6));
}

}  // namespace
}  // namespace vgen::conditioning
