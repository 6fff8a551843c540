#include "vgen/vae/autoencoder_kl.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <sstream>

#include "vgen/core/atomic_file.hpp"

namespace vgen::vae {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

AutoencoderKlOptions tiny() {
  return {.channels = 8,
          .multipliers = {1, 2},
          .blocks = 1,
          .attention_resolutions = {8},
          .resolution = 16,
          .norm_groups = 4};
}
void fill(nn::Module& net, std::uint64_t seed = 1) {
  const at::NoGradGuard no_grad;
  auto generator = make_generator(seed);
  net.each_parameter([&](const std::string& name, Tensor& t) {
    t.normal_(0, t.dim() > 1 ? 1 / std::sqrt(double(t.numel() / t.size(0))) : 0.1, generator);
    if (name.find("norm") != std::string::npos && name.ends_with("weight")) t.add_(1);
  });
}
Tensor noise_like(at::IntArrayRef shape, std::uint64_t seed) { return randn(shape, make_generator(seed)); }
double difference(const Tensor& a, const Tensor& b) { return (a - b).abs().max().item<double>(); }

std::map<std::string, std::vector<std::int64_t>> table(const std::string& path) {
  std::map<std::string, std::vector<std::int64_t>> out;
  std::istringstream lines(read_file(path));
  for (std::string line; std::getline(lines, line);) {
    const std::size_t tab = line.find('\t');
    std::istringstream sizes(line.substr(tab + 1));
    auto& shape = out[line.substr(0, tab)];
    for (std::string each; std::getline(sizes, each, ',');) shape.push_back(std::stoll(each));
  }
  return out;
}
std::int64_t product(const std::vector<std::int64_t>& shape) {
  std::int64_t n = 1;
  for (const auto s : shape) n *= s;
  return n;
}

// Every name of ours once, every name of theirs once, equal element counts.
void expect_bijection(const std::vector<KeyPair>& pairs, AutoencoderKl& net,
                      const std::map<std::string, std::vector<std::int64_t>>& theirs) {
  std::map<std::string, std::int64_t> sizes;
  net.each_parameter([&](const std::string& name, Tensor& t) { sizes[name] = t.numel(); });
  std::set<std::string> ours, seen;
  for (const KeyPair& pair : pairs) {
    EXPECT_TRUE(ours.insert(pair.ours).second) << pair.ours;
    EXPECT_TRUE(seen.insert(pair.theirs).second) << pair.theirs;
    ASSERT_TRUE(sizes.contains(pair.ours)) << pair.ours;
    EXPECT_EQ(sizes[pair.ours], product(pair.their_shape)) << pair.ours;
    if (theirs.empty()) continue;
    const auto found = theirs.find(pair.theirs);
    ASSERT_NE(found, theirs.end()) << pair.theirs;
    EXPECT_EQ(found->second, pair.their_shape) << pair.theirs;
  }
  EXPECT_EQ(ours.size(), sizes.size());
  EXPECT_EQ(seen.size(), theirs.empty() ? ours.size() : theirs.size());
}

TEST(AutoencoderKl, FullSizeHasTheReleasedTensors) {
  AutoencoderKl net(AutoencoderKlOptions{});
  EXPECT_EQ(net.named_parameters().size(), 248u);
  EXPECT_EQ(net.parameter_count(), 83'653'863);
  expect_bijection(reference_keys(net.options()), net, table(VGEN_SOURCE_DIR "/tests/golden/keys/autoencoder_kl.tsv"));
  // diffusers 0.33.1, AutoencoderKL with Stable Diffusion's configuration.
  const auto now = table(VGEN_SOURCE_DIR "/tests/cpp/vae/data/diffusers_autoencoder_kl.tsv");
  ASSERT_EQ(now.size(), 248u);
  expect_bijection(diffusers_keys(net.options()), net, now);
  std::set<std::string> old;
  for (const KeyPair& pair : diffusers_keys(net.options(), DiffusersAttention::query))
    if (!now.contains(pair.theirs)) old.insert(pair.theirs);
  const std::string p = "encoder.mid_block.attentions.0.";
  EXPECT_EQ(old.size(), 16u);
  for (const char* name : {"query", "key", "value", "proj_attn"})
    EXPECT_TRUE(old.contains(p + name + ".weight") && old.contains(p + name + ".bias")) << name;
}

TEST(AutoencoderKl, KeyMapsAreBijectionsForOtherOptions) {
  auto with_attention = tiny();
  with_attention.multipliers = {1, 2, 2};
  with_attention.resolution = 32;
  with_attention.attention_resolutions = {32, 8};
  for (const auto& options :
       {tiny(), with_attention,
        AutoencoderKlOptions{
            .latent_channels = 3, .inner_channels = 5, .channels = 4, .multipliers = {1}, .norm_groups = 2}}) {
    AutoencoderKl net(options);
    expect_bijection(reference_keys(options), net, {});
    expect_bijection(diffusers_keys(options), net, {});
    expect_bijection(diffusers_keys(options, DiffusersAttention::query), net, {});
  }
}

TEST(AutoencoderKl, ShapesAndSizes) {
  const at::NoGradGuard no_grad;
  auto options = tiny();
  options.multipliers = {1, 2, 2};
  AutoencoderKl net(options);
  fill(net);
  EXPECT_EQ(options.downscale(), 4);
  EXPECT_EQ(net.encode(noise_like({2, 3, 17, 23}, 1)).mean.sizes(), (std::vector<std::int64_t>{2, 4, 4, 5}));
  EXPECT_EQ(net.decode(noise_like({2, 4, 4, 5}, 1)).sizes(), (std::vector<std::int64_t>{2, 3, 16, 20}));
  EXPECT_THROW(net.encode(noise_like({1, 4, 16, 16}, 1)), ShapeError);
  EXPECT_THROW(net.encode(noise_like({1, 3, 3, 16}, 1)), ShapeError);
  EXPECT_THROW(net.decode(noise_like({1, 3, 4, 4}, 1)), ShapeError);
  EXPECT_THROW(net.decode_frames(noise_like({1, 4, 4, 4}, 1)), ShapeError);
}

TEST(AutoencoderKl, FramesInPiecesAreExact) {
  const at::NoGradGuard no_grad;
  AutoencoderKl net(tiny());
  fill(net);
  const Tensor latents = noise_like({2, 4, 5, 6, 7}, 3);  // 10 frames
  const Tensor whole = net.decode_frames(latents, 10);
  EXPECT_EQ(whole.sizes(), (std::vector<std::int64_t>{2, 3, 5, 12, 14}));
  for (const int at_once : {1, 3, 4})
    EXPECT_LE(difference(net.decode_frames(latents, at_once), whole), 1e-5 * whole.abs().max().item<double>())
        << at_once;
  EXPECT_LE(difference(whole.select(0, 1).select(1, 2),
                       net.decode(latents.select(0, 1).select(1, 2).unsqueeze(0) / 0.18215)[0]),
            1e-4);

  const Tensor video = noise_like({1, 3, 6, 8, 8}, 4);
  const auto none = [](const Tensor& like) { return at::zeros(like.sizes(), like.options()); };
  const Tensor coded = net.encode_frames(video, none, 2);
  EXPECT_LE(difference(coded, net.encode_frames(video, none, 6)), 1e-5);
  EXPECT_LE(difference(coded.select(2, 4), 0.18215 * net.encode(video.select(2, 4)).mode()), 1e-5);
  // Noise is drawn piece after piece from one stream.
  int draws = 0;
  net.encode_frames(
      video, [&](const Tensor& like) { return ++draws, at::zeros(like.sizes(), like.options()); }, 2);
  EXPECT_EQ(draws, 3);
}

TEST(AutoencoderKl, EveryParameterLearns) {
  auto options = tiny();
  options.dropout = 0.1;
  AutoencoderKl net(options);
  fill(net);
  net.train();
  net.requires_grad(true);
  const Tensor x = noise_like({2, 3, 16, 16}, 5);
  const DiagonalGaussian posterior = net.encode(x);
  const Tensor again = net.decode(posterior.sample(noise_from(make_generator(2))));
  ((again - x).square().mean() + 1e-3 * posterior.kl().mean()).backward();
  net.each_parameter([&](const std::string& name, Tensor& t) {
    ASSERT_TRUE(t.grad().defined()) << name;
    EXPECT_TRUE(std::isfinite(t.grad().abs().sum().item<double>())) << name;
    // A key's bias shifts every score of a row alike, so the softmax gives it no gradient.
    EXPECT_TRUE(name.ends_with("to_k.bias") || t.grad().abs().max().item<double>() > 0) << name;
  });
}

TEST(AutoencoderKl, TakesHalfPrecision) {
  const at::NoGradGuard no_grad;
  AutoencoderKl net(tiny());
  fill(net);
  const Tensor z = noise_like({1, 4, 4, 4}, 3), exact = net.decode(z);
  net.to(at::kCPU, at::kBFloat16);
  const Tensor half = net.decode(z.to(at::kBFloat16));
  EXPECT_EQ(half.scalar_type(), at::kBFloat16);
  EXPECT_LT(difference(half.to(at::kFloat), exact), 0.1 * exact.abs().max().item<double>());
}

TEST(AutoencoderKl, RefusesOptionsThatMakeNoModel) {
  const auto message = [](AutoencoderKlOptions o) -> std::string {
    try {
      AutoencoderKl net(o);
    } catch (const ConfigError& e) { return e.what(); }
    return "(nothing thrown)";
  };
  EXPECT_THAT(message({.channels = 100}), HasSubstr("must be a multiple of norm_groups (32)"));
  EXPECT_THAT(message({.multipliers = {}}), HasSubstr("1 to 12 levels"));
  EXPECT_THAT(message({.multipliers = {1, 0}}), HasSubstr("multipliers must be >= 1"));
  EXPECT_THAT(message({.blocks = 0}), HasSubstr("blocks must be >= 1, got 0"));
  EXPECT_THAT(message({.dropout = 1}), HasSubstr("dropout must be in [0, 1)"));
  EXPECT_THAT(message({.scale_factor = 0}), HasSubstr("scale_factor"));
}

TEST(AutoencoderKl, ReadsOtherConfigurations) {
  const auto ints = [](std::initializer_list<int> values) {
    return Node::list(std::vector<Node>(values.begin(), values.end()));
  };
  Node config = Node::map({{"block_out_channels", ints({128, 256, 512, 512})},
                           {"layers_per_block", Node(2)},
                           {"latent_channels", Node(4)}});
  EXPECT_EQ(AutoencoderKlOptions::from_diffusers(config), AutoencoderKlOptions{});
  const auto changed = [&](const char* key, Node value) {
    Node out = config;
    out.set(key, std::move(value));
    return out;
  };
  EXPECT_THROW(AutoencoderKlOptions::from_diffusers(changed("use_quant_conv", Node(false))), UnsupportedError);
  EXPECT_THROW(AutoencoderKlOptions::from_diffusers(changed("shift_factor", Node(0.1))), UnsupportedError);
  EXPECT_THROW(
      AutoencoderKlOptions::from_diffusers(changed("down_block_types", Node::list({Node("AttnDownEncoderBlock2D")}))),
      UnsupportedError);
  EXPECT_THROW(AutoencoderKlOptions::from_diffusers(changed("block_out_channels", ints({32, 48}))), ConfigError);
  EXPECT_THROW(AutoencoderKlOptions::from_ddconfig(Node::map({{"double_z", Node(false)}}), 4), ConfigError);
  for (const char* key : {"tanh_out", "give_pre_end", "use_linear_attn"}) {
    EXPECT_THROW(AutoencoderKlOptions::from_ddconfig(Node::map({{key, Node(true)}}), 4), UnsupportedError) << key;
    EXPECT_NO_THROW(AutoencoderKlOptions::from_ddconfig(Node::map({{key, Node(false)}}), 4)) << key;
  }
  EXPECT_THROW(AutoencoderKlOptions::from_ddconfig(Node::map({{"resamp_with_conv", Node(false)}}), 4),
               UnsupportedError);
  const auto reference = AutoencoderKlOptions::from_ddconfig(
      Node::map({{"ch", Node(64)}, {"ch_mult", ints({1, 2})}, {"attn_resolutions", ints({16})}}), 3);
  EXPECT_EQ(reference,
            (AutoencoderKlOptions{
                .latent_channels = 3, .channels = 64, .multipliers = {1, 2}, .attention_resolutions = {16}}));
}

TEST(Pieces, CoverAllFrames) {
  EXPECT_THAT(pieces(31, 2), ElementsAre(3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 1));
  for (std::int64_t frames = 1; frames < 40; ++frames)
    for (std::int64_t at_once = 1; at_once < 12; ++at_once) {
      std::int64_t sum = 0;
      for (const std::int64_t n : pieces(frames, at_once)) {
        EXPECT_GE(n, 1);
        EXPECT_LT(n, 2 * at_once);
        sum += n;
      }
      EXPECT_EQ(sum, frames);
    }
  EXPECT_THROW(pieces(0, 2), ConfigError);
  EXPECT_THROW(pieces(2, 0), ConfigError);
}

TEST(DiagonalGaussian, FollowsItsFormulas) {
  const Tensor moments = noise_like({3, 8, 2, 2}, 1);
  const auto p = DiagonalGaussian::from_moments(moments);
  EXPECT_LT(p.kl(p).abs().max().item<double>(), 1e-6);
  // KL(N(m, 1) || N(0, 1)) = m^2 / 2 per value; entropy of N(0, 1) = (1 + log 2 pi) / 2.
  const auto q = DiagonalGaussian::from_moments(at::cat({at::full({1, 2}, 3.0), at::zeros({1, 2})}, 1));
  EXPECT_NEAR(q.kl()[0].item<double>(), 9.0, 1e-6);
  EXPECT_NEAR(q.nll(q.mode())[0].item<double>(), std::log(2 * 3.14159265358979), 1e-5);
  // Clamped at both ends.
  const auto wild = DiagonalGaussian::from_moments(at::cat({at::zeros({1, 1}), at::full({1, 1}, 1e9)}, 1));
  EXPECT_EQ(wild.logvar.item<double>(), 20);
  EXPECT_TRUE(std::isfinite(wild.kl().item<double>()));
  // Many draws have the distribution's mean and deviation.
  const auto wide =
      DiagonalGaussian::from_moments(at::cat({at::full({1, 40000}, 2.0), at::full({1, 40000}, std::log(9.0))}, 1));
  const Tensor draws = wide.sample(noise_from(make_generator(7)));
  EXPECT_NEAR(draws.mean().item<double>(), 2.0, 0.05);
  EXPECT_NEAR(draws.std().item<double>(), 3.0, 0.05);
  const auto fixed = DiagonalGaussian::from_moments(moments, true);
  EXPECT_TRUE(fixed.sample(noise_from(make_generator(7))).equal(fixed.mode()));
  EXPECT_THROW(DiagonalGaussian::from_moments(at::zeros({1, 3, 2, 2})), ShapeError);
}

}  // namespace
}  // namespace vgen::vae
