#include "vgen/adapters/injection.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/zeros.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <limits>

#include "vgen/adapters/pattern.hpp"
#include "vgen/core/atomic_file.hpp"
#include "vgen/nn/init.hpp"
#include "vgen/nn/transformer.hpp"
#include "vgen/tensor/random.hpp"

namespace vgen::adapters {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

std::shared_ptr<unet::UNet> network(std::int64_t channels = 32) {
  auto net = std::make_shared<unet::UNet>(unet::UNetOptions{.channels = channels,
                                                            .context_channels = 32,
                                                            .levels = {{1, true}, {2, true}},
                                                            .blocks_per_level = 1,
                                                            .head_channels = 16,
                                                            .first_heads = 2,
                                                            .norm_groups = 8});
  nn::initialise(*net, make_generator(1));
  net->requires_grad(false);
  net->eval();
  return net;
}

// A LoRA that does something: its up matrices are drawn too.
Injection lively(const std::shared_ptr<unet::UNet>& net, std::uint64_t seed, LoraOptions options = {}) {
  Injection made = inject(net, options, make_generator(seed));
  const at::NoGradGuard off;
  at::Generator generator = make_generator(seed + 100);
  for (const Tensor& t : made.parameters()) t.normal_(0, 0.2, generator);
  made.requires_grad(false);
  return made;
}
Adapter drawn(std::uint64_t seed, Layout layout = Layout::vgen, LoraOptions options = {}) {
  const auto net = network();
  return {.source = "drawn", .tensors = lively(net, seed, options).state_dict(layout)};
}

struct Input {
  Tensor x = randn({2, 4, 3, 4, 6}, make_generator(5)), t = at::full({2}, 400, at::kLong),
         text = randn({2, 7, 32}, make_generator(6));
};
Tensor run(unet::UNet& net, const unet::Conditions& more = {}, nn::ContextCache* cache = nullptr) {
  static const Input in;
  unet::Conditions given{{"text", in.text}};
  for (const auto& [name, t] : more.all()) given.set(name, t);
  return net.forward(in.x, in.t, given, {.cache = cache, .observe = {}, .dropout = {}});
}
double difference(const Tensor& a, const Tensor& b) { return ((a - b).abs().max() / b.abs().max()).item<double>(); }

// Parameters as they are now: which tensors, and their bytes.
struct Snapshot {
  std::vector<std::pair<std::string, Tensor>> parameters, copies;
  std::vector<std::string> declared;
  explicit Snapshot(unet::UNet& net) : parameters(net.named_parameters()), declared(net.declared()) {
    for (const auto& [name, t] : parameters) copies.emplace_back(name, t.clone());
  }
  void expect_same(unet::UNet& net) const {
    const auto now = net.named_parameters();
    ASSERT_EQ(now.size(), parameters.size());
    for (std::size_t i = 0; i < now.size(); ++i) {
      EXPECT_TRUE(now[i].second.is_same(parameters[i].second)) << now[i].first;
      EXPECT_TRUE(at::equal(now[i].second, copies[i].second)) << now[i].first;
    }
    EXPECT_EQ(net.declared(), declared);
    net.each_module([&](const std::string& name, nn::Module& module) {
      if (auto* layer = dynamic_cast<nn::Linear*>(&module)) { EXPECT_TRUE(layer->deltas.empty()) << name; }
      if (auto* block = dynamic_cast<nn::TransformerBlock*>(&module)) {
        EXPECT_TRUE(block->after_attn1.empty() && block->after_attn2.empty() && block->after_ff.empty()) << name;
      }
    });
  }
};

fs::path scratch(const std::string& name) {
  const fs::path folder = fs::temp_directory_path() / ("vgen_adapters_test_" + std::to_string(::getpid()));
  fs::create_directories(folder);
  return folder / name;
}

double resident_megabytes() {
  std::ifstream in("/proc/self/statm");
  double pages = 0, resident = 0;
  in >> pages >> resident;
  return resident * static_cast<double>(sysconf(_SC_PAGESIZE)) / 1e6;
}

// Must show 4 of issue 4, reliability F2.
TEST(Injection, LoadRunUnloadAHundredTimesLeavesNoTrace) {
  const at::NoGradGuard off;
  const auto net = network();
  const fs::path style = scratch("style.safetensors"), motion = scratch("motion.pth");
  {
    const auto other = network();
    lively(other, 1, {.rank = 16}).save(style, Layout::kohya);
    Injection made =
        inject(other, BottleneckOptions{.match = "*.temporal.block", .condition_channels = 8}, make_generator(3));
    made.save(motion, Layout::reference);
  }
  const Snapshot before(*net);
  const Tensor plain = run(*net);
  double start = 0;
  for (int i = 0; i < 100; ++i) {
    Injection a = inject(net, load(style), {.scale = 0.8}), b = inject(net, load(motion));
    if (i % 2) a.merge();
    ASSERT_GT(difference(run(*net), plain), 1e-3);
    if (i % 3) std::swap(a, b);
    a.remove();
    b.remove();
    if (i == 9) start = resident_megabytes();  // pools of the allocator are full by then
  }
  EXPECT_LE(resident_megabytes() - start, 8);
  before.expect_same(*net);
  EXPECT_TRUE(at::equal(run(*net), plain));
  fs::remove_all(style.parent_path());
}

// Must show 4 of issue 4, reliability F3: one layer, then the network, against the changes added to the weights.
TEST(Injection, TwoAdaptersEqualTheSum) {
  const at::NoGradGuard off;
  const auto net = network();
  const LoraOptions one{.rank = 4, .alpha = 8, .match = "down.1.spatial.block.attn1.to_q"};
  Injection a = lively(net, 1, one), b = lively(net, 2, one);
  nn::Linear* layer = nullptr;
  net->each_module([&](const std::string& name, nn::Module& module) {
    if (name == one.match) layer = dynamic_cast<nn::Linear*>(&module);
  });
  ASSERT_TRUE(layer);
  const Tensor x = randn({5, 32}, make_generator(9));
  const auto matrix = [](Injection& i) {
    const auto p = i.parameters();
    return at::matmul(p[1].to(at::kDouble), p[0].to(at::kDouble)) * 2;  // alpha / rank
  };
  for (const auto& [sa, sb] : {std::pair{1.0, 1.0}, {0.7, 0.3}, {-0.5, 1.5}, {0.0, 1.0}}) {
    a.set_scale(sa);
    b.set_scale(sb);
    const Tensor sum = at::linear(x.to(at::kDouble), layer->weight.to(at::kDouble) + matrix(a) * sa + matrix(b) * sb);
    EXPECT_LE(difference(layer->forward(x), sum), 1e-6);
    std::swap(layer->deltas[0], layer->deltas[1]);  // in the other order
    EXPECT_LE(difference(layer->forward(x), sum), 1e-6);
  }
  a.remove();
  b.remove();

  net->to(at::kCPU, at::kDouble);  // the whole network in numbers that leave only a true difference
  const Snapshot before(*net);
  a = lively(net, 3);
  b = lively(net, 4);
  a.set_scale(0.7);
  b.set_scale(0.3);
  const Tensor both = run(*net), ba = [&] {
    a.remove();
    Injection again = inject(net, Adapter{.source = "a", .tensors = a.state_dict()}, {.scale = 0.7});
    const Tensor out = run(*net);
    again.remove();
    return out;
  }();
  EXPECT_LE(difference(ba, both), 1e-10);
  b.remove();
  before.expect_same(*net);
  const auto pa = a.named_parameters(), pb = b.named_parameters();
  std::map<std::string, Tensor> changes;
  for (std::size_t i = 0; i < pa.size(); i += 2) {
    const std::string name = pa[i].first.substr(0, pa[i].first.find(".lora_down")) + ".weight";
    changes[name] = at::matmul(pa[i + 1].second, pa[i].second) * 0.7 + at::matmul(pb[i + 1].second, pb[i].second) * 0.3;
  }
  net->each_parameter([&](const std::string& name, Tensor& t) {
    if (changes.contains(name)) t = t + changes.at(name);
  });
  EXPECT_LE(difference(both, run(*net)), 1e-10);
}

TEST(Injection, MergedEqualsUnmergedAndComesApartExactly) {
  const at::NoGradGuard off;
  const auto net = network();
  const Snapshot before(*net);
  const Tensor plain = run(*net);
  Injection a = lively(net, 1), b = lively(net, 2, {.rank = 2, .match = "*.spatial.block.*.to_{k,v}"}),
            c = lively(net, 3);
  const Tensor all = run(*net);
  a.merge();
  b.merge();
  c.merge();
  EXPECT_TRUE(a.merged());
  EXPECT_LE(difference(run(*net), all), 2e-5);
  a.unmerge();  // not in the order of merging
  EXPECT_LE(difference(run(*net), all), 2e-5);
  b.set_scale(0.25);  // while merged
  const Tensor weaker = run(*net);
  b.unmerge();
  EXPECT_LE(difference(run(*net), weaker), 2e-5);
  EXPECT_GT(difference(weaker, all), 1e-3);
  a.merge();
  a.remove();
  c.remove();  // both still merged
  b.remove();
  EXPECT_FALSE(c.attached());
  c.remove();
  before.expect_same(*net);
  EXPECT_TRUE(at::equal(run(*net), plain));
  EXPECT_THROW(c.merge(), ConfigError);
}

TEST(Injection, ActsInItsStepsOnly) {
  const at::NoGradGuard off;
  const auto net = network();
  const Tensor plain = run(*net);
  Injection a = lively(net, 1);
  const Tensor on = run(*net);
  a.set_steps(1, 2);
  EXPECT_THROW(a.merge(), ConfigError);
  nn::ContextCache cache;  // of a run: the keys and values in it are those of the bare network
  for (int step = 0; step < 5; ++step) {
    a.at_step(step);
    EXPECT_TRUE(at::equal(run(*net, {}, &cache), step == 1 || step == 2 ? on : plain)) << step;
  }
  EXPECT_THROW(a.set_steps(3, 2), ConfigError);
  EXPECT_THROW(a.set_scale(std::numeric_limits<double>::quiet_NaN()), ConfigError);
}

// ---- layouts ----

TEST(Layouts, EveryLayoutReadsBackEqual) {
  const at::NoGradGuard off;
  const auto net = network();
  const LoraOptions options{.rank = 3, .alpha = 6};
  Injection original = lively(net, 1, options);
  const Tensor wanted = run(*net);
  original.remove();
  for (const Layout layout : {Layout::vgen, Layout::reference, Layout::diffusers, Layout::kohya}) {
    SCOPED_TRACE(std::string(name_of(layout)));
    const fs::path file = scratch("layout.safetensors");
    original.save(file, layout);
    Injection again = inject(net, load(file));
    EXPECT_EQ(again.report().loras, original.report().loras);
    EXPECT_EQ(again.report().layouts, std::vector<std::string>{std::string(name_of(layout))});
    EXPECT_LE(difference(run(*net), wanted), 1e-6);
    again.remove();
  }
  // the names that other programs write
  const auto first = [&](Layout layout) { return original.state_dict(layout).front().first; };
  EXPECT_EQ(first(Layout::reference), "input_blocks.0.1.transformer_blocks.0.attn1.to_q_lora.down_linear.weight");
  EXPECT_EQ(first(Layout::diffusers), "unet.transformer_in.transformer_blocks.0.attn1.to_q.lora_A.weight");
  EXPECT_EQ(first(Layout::kohya), "lora_unet_transformer_in_transformer_blocks_0_attn1_to_q.lora_down.weight");
}

TEST(Layouts, OtherSpellings) {
  const at::NoGradGuard off;
  const auto net = network();
  const auto respelt = [&](Layout layout, std::vector<std::pair<std::string, std::string>> changes) {
    Adapter adapter = drawn(1, layout);
    for (auto& [name, t] : adapter.tensors)
      for (const auto& [from, to] : changes)
        if (const std::size_t at = name.find(from); at != std::string::npos) name.replace(at, from.size(), to);
    Injection injected = inject(net, adapter);
    const Tensor out = run(*net);
    injected.remove();
    return out;
  };
  const Tensor wanted = respelt(Layout::vgen, {});
  using P = std::vector<std::pair<std::string, std::string>>;
  for (const auto& [layout, changes] : std::vector<std::pair<Layout, P>>{
           {Layout::diffusers, {{".lora_A.weight", ".lora.down.weight"}, {".lora_B.weight", ".lora.up.weight"}}},
           {Layout::diffusers,
            {{".lora_A.weight", ".lora_A.default.weight"}, {".lora_B.weight", ".lora_B.default.weight"}}},
           {Layout::diffusers, {{"unet.", "base_model.model."}, {".to_out.0.", ".to_out."}}},
           {Layout::diffusers,
            {{".to_out.0.", ".to_out."},
             {".lora_A.weight", "_lora.down.weight"},
             {".lora_B.weight", "_lora.up.weight"},
             {".to_", ".processor.to_"}}},
           {Layout::reference, {{"input_blocks", "module.input_blocks"}}},
           {Layout::kohya, {{"_to_out_0.", "_to_out."}}},
           {Layout::kohya, {{"lora_unet_mid_block_attentions_0_", "lora_unet_middle_block_1_"}}}}) {
    SCOPED_TRACE(changes.front().second);
    EXPECT_LE(difference(respelt(layout, changes), wanted), 1e-6);
  }
}

TEST(Layouts, PeftFolderGivesAlpha) {
  const at::NoGradGuard off;
  const auto net = network();
  const fs::path folder = scratch("peft");
  fs::create_directories(folder);
  Injection made = lively(net, 1, {.rank = 4});
  made.save(folder / "adapter_model.safetensors", Layout::diffusers);
  made.set_scale(2);
  const Tensor wanted = run(*net);
  made.remove();
  write_file(folder / "adapter_config.json", R"({"r": 4, "lora_alpha": 8, "alpha_pattern": {}, "peft_type": "LORA"})");
  Injection a = inject(net, load(folder));
  EXPECT_LE(difference(run(*net), wanted), 1e-6);
  a.remove();
  write_file(folder / "adapter_config.json", R"({"r": 4, "lora_alpha": 4, "use_rslora": true})");
  Injection b = inject(net, load(folder));  // 4 / sqrt(4)
  EXPECT_LE(difference(run(*net), wanted), 1e-6);
  b.remove();
  for (const char* config :
       {R"({"lora_alpha": 8, "use_dora": true})", R"({"lora_alpha": 8, "alpha_pattern": {"x": 2}})"}) {
    write_file(folder / "adapter_config.json", config);
    EXPECT_THROW(load(folder), UnsupportedError) << config;
  }
}

// ---- bad input (issue 4, reliability F1): one report, nothing applied, the network's bytes unchanged ----

class BadAdapter : public testing::Test {
 protected:
  std::shared_ptr<unet::UNet> net = network();
  void expect_refused(const Adapter& adapter, const std::string& text, const InjectOptions& options = {}) {
    const Snapshot before(*net);
    try {
      inject(net, adapter, options);
      ADD_FAILURE() << "accepted; expected: " << text;
    } catch (const WeightsError& e) {
      EXPECT_THAT(e.what(), HasSubstr(text));
      EXPECT_THAT(e.what(), HasSubstr("nothing was attached"));
    }
    EXPECT_FALSE(audit(*net, adapter, options).fits());
    before.expect_same(*net);
  }
};

TEST_F(BadAdapter, AnotherWidth) {
  const auto wide = network(64);
  const Adapter adapter{.source = "wide.safetensors", .tensors = lively(wide, 1).state_dict(Layout::reference)};
  expect_refused(adapter, "expected [4, 32], got [4, 64]");
  expect_refused(adapter, "another width");
  expect_refused(adapter, "wide.safetensors");
}
TEST_F(BadAdapter, NaN) {
  Adapter adapter = drawn(1);
  adapter.tensors[6].second[0][0] = std::numeric_limits<float>::quiet_NaN();
  expect_refused(adapter, "1 NaN or Inf");
  expect_refused(adapter, adapter.tensors[6].first);
}
TEST_F(BadAdapter, HalfOfTheKeysUnknown) {
  Adapter adapter = drawn(1, Layout::diffusers);
  const std::size_t half = adapter.tensors.size() / 2;
  for (std::size_t i = 0; i < half; ++i) adapter.tensors[i].first = "unet.other." + adapter.tensors[i].first;
  expect_refused(adapter, str(half, " unknown"));
  expect_refused(adapter, str("and ", half - 5, " more"));
}
TEST_F(BadAdapter, AnotherRankInOneMatrix) {
  Adapter adapter = drawn(1);
  adapter.tensors[1].second = at::zeros({64, 5});
  expect_refused(adapter, "(the rank is that of the down matrix), got [64, 5]");
}
TEST_F(BadAdapter, MissingPieces) {
  Adapter adapter = drawn(1, Layout::kohya);
  const Adapter whole = adapter;
  std::erase_if(adapter.tensors, [](const auto& t) {
    return t.first.find("mid_block") != std::string::npos && t.first.ends_with("lora_up.weight");
  });
  expect_refused(adapter, "has no up matrix");
  adapter = whole;
  adapter.tensors.erase(adapter.tensors.begin() + 2);
  expect_refused(adapter, "has no alpha");
  adapter = whole;
  std::erase_if(adapter.tensors, [](const auto& t) { return t.first.ends_with(".alpha"); });
  inject(net, adapter).remove();  // none has one: 1, as kohya's programs do
}
TEST_F(BadAdapter, TheSameLayerTwice) {
  Adapter adapter = drawn(1, Layout::diffusers);
  const Adapter other = drawn(1, Layout::reference);
  adapter.tensors.insert(adapter.tensors.end(), other.tensors.begin(), other.tensors.end());
  expect_refused(adapter, "the file has it twice");
}
TEST_F(BadAdapter, AnotherPartOrAWholeCheckpoint) {
  Adapter adapter = drawn(1, Layout::kohya);
  adapter.tensors.emplace_back("lora_te_text_model_encoder_layers_0_mlp_fc1.lora_down.weight", at::zeros({4, 8}));
  expect_refused(adapter, "leave them out with ignore");
  Injection without = inject(net, adapter, {.ignore = "lora_te*"});
  EXPECT_EQ(without.report().ignored.size(), 1u);
  without.remove();

  adapter = drawn(1, Layout::reference);
  for (const KeyPair& key : unet::reference_keys(*net))
    adapter.tensors.emplace_back(key.theirs, at::zeros(key.their_shape));
  expect_refused(adapter, "ignore_base");
  inject(net, adapter, {.ignore_base = true}).remove();
  std::erase_if(adapter.tensors, [](const auto& t) { return t.first.find("_lora.") != std::string::npos; });
  expect_refused(adapter, "load it as a model");
  expect_refused({.source = "empty", .tensors = {}}, "is it an adapter");
}
TEST_F(BadAdapter, BottleneckPieces) {
  Injection made = inject(net, motion_adapter(), make_generator(1));
  Adapter adapter{.source = "motion.pth", .tensors = made.state_dict(Layout::reference)};
  made.remove();
  const Adapter whole = adapter;
  adapter.tensors.pop_back();
  expect_refused(adapter, "has no condition.bias");
  adapter = whole;
  adapter.tensors[0].second = at::zeros({8, 99});
  expect_refused(adapter, "got [8, 99]");
  adapter = whole;
  adapter.tensors[0].first += ".more";
  expect_refused(adapter, "1 unknown");
}

TEST(Pattern, BracesAndStars) {
  EXPECT_TRUE(matches("*.attn{1,2}.to_{q,out}", "down.1.spatial.block.attn2.to_out"));
  EXPECT_FALSE(matches("*.attn{1,2}.to_{q,out}", "down.1.spatial.block.attn2.to_k"));
  EXPECT_EQ(expand_braces("a{b,c}d{e,f}").size(), 4u);
  EXPECT_THROW(expand_braces("a{b"), ConfigError);
  EXPECT_THROW(inject(network(), LoraOptions{.match = "nothing"}, make_generator(0)), ConfigError);
  EXPECT_THROW(inject(network(), LoraOptions{.rank = 0}, make_generator(0)), ConfigError);
  EXPECT_THROW(inject(network(), BottleneckOptions{.match = "nothing"}, make_generator(0)), ConfigError);
}

// ---- bottleneck adapters ----

void enliven(Injection& made) {
  const at::NoGradGuard off;
  at::Generator generator = make_generator(77);
  for (const Tensor& t : made.parameters()) t.normal_(0, 0.2, generator);
}

TEST(Bottleneck, ConditionsAndPositions) {
  const auto net = network();
  const at::NoGradGuard off;
  const Snapshot before(*net);
  const Tensor plain = run(*net);
  for (const Position position : {Position::parallel, Position::serial}) {
    Injection motion = inject(net,
                              BottleneckOptions{.match = "*.temporal.block",
                                                .after_attn1 = position,
                                                .after_attn2 = position,
                                                .after_ff = position,
                                                .condition_channels = 8},
                              make_generator(1));
    EXPECT_EQ(motion.report().branches, 3u * 8);
    EXPECT_TRUE(at::equal(run(*net), plain)) << "up is zero at first";
    enliven(motion);
    EXPECT_THAT(net->declared(), testing::Contains("image"));
    const Tensor none = run(*net), image = randn({2, 1, 8}, make_generator(3));
    const Tensor with = run(*net, {{"image", image}});
    EXPECT_GT(difference(with, none), 1e-3);
    EXPECT_LE(difference(run(*net, {{"image", image.expand({2, 3, 8})}}), with), 1e-5) << "an image a frame";
    EXPECT_LE(difference(run(*net, {{"image", image}, {"image_strength", at::zeros({1})}}), none), 1e-5);
    EXPECT_GT(difference(run(*net, {{"image", at::zeros({2, 1, 8})}}), none), 1e-4) << "the bias remains";
    // a strength for each row, as guidance in one batch needs
    Tensor rows = at::zeros({2});
    rows[0] = 1;
    const Tensor mixed = run(*net, {{"image", image}, {"image_strength", rows}});
    EXPECT_LE(difference(mixed[0], with[0]), 1e-5);
    EXPECT_LE(difference(mixed[1], none[1]), 1e-5);
    EXPECT_THROW(run(*net, {{"image", randn({2, 1, 9}, make_generator(3))}}), ShapeError);
    EXPECT_THROW(run(*net, {{"image", image}, {"image_strength", at::zeros({3})}}), ShapeError);
    EXPECT_THROW(motion.merge(), ConfigError);

    // read back, and with another injection that declares the same condition
    const Adapter kept{.source = "kept", .tensors = motion.state_dict()};
    Injection second = inject(net, identity_adapter(), make_generator(4)),
              third = inject(net, BottleneckOptions{.condition_channels = 8}, make_generator(4));
    motion.remove();
    EXPECT_THAT(net->declared(), testing::Contains("image"));
    third.remove();
    second.remove();
    before.expect_same(*net);
    EXPECT_THROW(run(*net, {{"image", image}}), ConfigError);
    Injection again = inject(net, kept);
    EXPECT_TRUE(at::equal(run(*net, {{"image", image}}), with));
    again.set_scale(0);
    EXPECT_TRUE(at::equal(run(*net, {{"image", image}}), plain));
    again.remove();
    if (position == Position::serial) { EXPECT_THROW(motion.state_dict(Layout::reference), ConfigError); }
    EXPECT_THROW(motion.state_dict(Layout::kohya), ConfigError);
  }
  before.expect_same(*net);
}

// ---- training ----

TEST(Training, GradientsReachTheAdaptersOnlyAndAgreeWithRecomputation) {
  const auto net = network();
  net->train();
  Injection lora = inject(net, LoraOptions{}, make_generator(1)),
            motion =
                inject(net, BottleneckOptions{.match = "*.temporal.block", .condition_channels = 8}, make_generator(2));
  enliven(lora);
  enliven(motion);
  const Tensor image = randn({2, 1, 8}, make_generator(3));
  std::vector<Tensor> parameters = lora.parameters();
  for (const Tensor& t : motion.parameters()) parameters.push_back(t);
  const auto gradients = [&](bool recompute) {
    net->recompute(recompute);
    for (Tensor& t : parameters) t.mutable_grad() = Tensor();
    // the masks of dropout are the same in both
    static const Input in;
    unet::ForwardOptions how{.cache = nullptr, .observe = {}, .dropout = make_generator(8)};
    net->forward(in.x, in.t, {{"text", in.text}, {"image", image}}, how).square().mean().backward();
    std::vector<Tensor> out;
    for (const Tensor& t : parameters) out.push_back(t.grad().clone());
    return out;
  };
  const auto kept = gradients(false), again = gradients(true);
  for (std::size_t i = 0; i < kept.size(); ++i) {
    EXPECT_GT(kept[i].abs().max().item<double>(), 0) << i;
    EXPECT_LE(difference(again[i], kept[i]), 1e-4) << i;
  }
  for (const auto& [name, t] : net->named_parameters()) EXPECT_FALSE(t.grad().defined()) << name;
}

TEST(Network, ConvertedAfterInjectionStillRuns) {
  const at::NoGradGuard off;
  const auto net = network();
  Injection a = lively(net, 1);
  const Tensor wanted = run(*net);
  net->to(at::kCPU, at::kBFloat16);
  EXPECT_LE(difference(run(*net).to(at::kFloat), wanted), 0.2);
  a.merge();
  net->to(at::kCPU, at::kFloat);  // while merged
  a.remove();
  EXPECT_EQ(net->parameters().front().scalar_type(), at::kFloat);
  for (const auto& [name, t] : net->named_parameters()) EXPECT_EQ(t.scalar_type(), at::kFloat) << name;
}

}  // namespace
}  // namespace vgen::adapters
