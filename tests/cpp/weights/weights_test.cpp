#include <ATen/Functions.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>

#include "vgen/core/atomic_file.hpp"
#include "vgen/formats/json.hpp"
#include "vgen/formats/safetensors.hpp"
#include "vgen/weights/key_map.hpp"
#include "vgen/weights/load.hpp"
#include "vgen/weights/state_dict.hpp"

namespace vgen::weights {
namespace {
namespace fs = std::filesystem;

struct Weights : testing::Test {
  fs::path dir = fs::temp_directory_path() / ("vgen-weights-" + std::to_string(::getpid()) +
                                              testing::UnitTest::GetInstance()->current_test_info()->name());
  void SetUp() override { fs::create_directories(dir); }
  void TearDown() override { fs::remove_all(dir); }
};

template <class Expected>
std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Expected& e) { return e.what(); } catch (const std::exception& e) {
    ADD_FAILURE() << "another exception: " << e.what();
    return "";
  }
  ADD_FAILURE() << "no exception";
  return "";
}
bool has(const std::string& text, const std::string& piece) { return text.find(piece) != std::string::npos; }

bool same(const Tensor& a, const Tensor& b) {
  if (a.scalar_type() != b.scalar_type() || a.sizes() != b.sizes()) return false;
  const Tensor x = a.contiguous(), y = b.contiguous();
  return std::memcmp(x.const_data_ptr(), y.const_data_ptr(), x.nbytes()) == 0;
}

StateDict everything() {
  StateDict out;
  for (const at::ScalarType t :
       {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16, at::kLong, at::kInt, at::kShort, at::kChar, at::kByte,
        at::kBool, at::kUInt16, at::kUInt32, at::kUInt64, at::kFloat8_e4m3fn, at::kFloat8_e5m2})
    out.emplace_back(c10::toString(t), at::arange(12, at::kFloat).reshape({3, 4}).to(t));
  const Tensor base = at::randn({6, 8});
  out.emplace_back("strided", base.slice(0, 1, 6, 2).t());
  out.emplace_back("scalar", at::full({}, 2.5));
  out.emplace_back("empty", at::empty({0, 4}));
  out.emplace_back("expanded", at::randn({1, 3}).expand({5, 3}));
  out.emplace_back("nan", at::full({3}, std::numeric_limits<double>::quiet_NaN()));
  return out;
}

TEST_F(Weights, EveryLayoutKeepsEveryBit) {
  const StateDict state = everything();
  for (const char* name : {"a.safetensors", "a.pth", "a.bin", "a.ckpt", "a.pt"}) {
    save_state_dict(dir / name, state);
    const StateDict back = read_state_dict(dir / name);
    ASSERT_EQ(back.size(), state.size()) << name;
    for (const auto& [key, tensor] : state) {
      const Tensor* found = find(back, key);
      ASSERT_TRUE(found) << name << " " << key;
      EXPECT_TRUE(same(*found, tensor)) << name << " " << key;
    }
  }
  EXPECT_EQ(find(state, "none"), nullptr);
  EXPECT_THROW(save_state_dict(dir / "a.onnx", state), ConfigError);
  EXPECT_THROW(save_state_dict(dir / "a.pth", {{"c", at::zeros({2}, at::kComplexFloat)}}), UnsupportedError);
  EXPECT_THROW(save_state_dict(dir / "a.pth", {{"a", at::zeros({2})}, {"a", at::zeros({2})}}), WeightsError);
  EXPECT_THROW(save_state_dict(dir / "a.pth", state, {.metadata = {{"a", "b"}}}), ConfigError);
  EXPECT_THROW(save_state_dict(dir / "a.safetensors", state, {.extra = Node::map()}), ConfigError);
}

TEST_F(Weights, ViewsOfTheFileNotCopies) {
  save_state_dict(dir / "a.safetensors", {{"w", at::arange(1000, at::kFloat)}});
  const formats::TensorFile file = formats::read_tensor_file(dir / "a.safetensors");
  const StateDict state = to_state_dict(file);
  EXPECT_EQ(state[0].second.const_data_ptr(), file.tensors[0].file->bytes().data() + file.tensors[0].offset);
  // The mapping outlives TensorFile, and writing to a tensor never reaches the file.
  Tensor w = read_state_dict(dir / "a.safetensors")[0].second;
  w.add_(1);
  EXPECT_EQ(w[999].item<float>(), 1000);
  EXPECT_EQ(read_state_dict(dir / "a.safetensors")[0].second[999].item<float>(), 999);
}

TEST_F(Weights, TiedTensorsStayTied) {
  const Tensor w = at::randn({4, 6});
  save_state_dict(dir / "a.pth", {{"a", w}, {"b", w}});
  const StateDict state = read_state_dict(dir / "a.pth");
  EXPECT_TRUE(state[0].second.is_alias_of(state[1].second));
  state[0].second.zero_();
  EXPECT_EQ(state[1].second.abs().sum().item<float>(), 0);
}

TEST_F(Weights, UnalignedEntriesAreCopied) {
  // A header that other writers make: the payload begins at an odd byte.
  std::string header = R"({"w":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}})";
  while ((8 + header.size()) % 2 == 0) header += ' ';
  std::string bytes(8, '\0');
  bytes[0] = static_cast<char>(header.size());
  const float values[3] = {1, 2, 3};
  bytes += header + std::string(reinterpret_cast<const char*>(values), 12);
  write_file(dir / "odd.safetensors", bytes);
  EXPECT_TRUE(same(read_state_dict(dir / "odd.safetensors")[0].second, at::tensor({1.f, 2.f, 3.f})));
}

TEST_F(Weights, Prefixes) {
  const StateDict state = {{"model.a", at::zeros({1})}, {"model.b.c", at::zeros({1})}};
  EXPECT_EQ(strip_prefix(state, "model.")[1].first, "b.c");
  StateDict mixed = state;
  mixed.emplace_back("other", at::zeros({1}));
  EXPECT_TRUE(has(message_of<WeightsError>([&] { strip_prefix(mixed, "model."); }), "'other'"));
  EXPECT_EQ(strip_prefix(mixed, "model.", true).size(), 2u);
  EXPECT_TRUE(has(message_of<WeightsError>([&] { strip_prefix(state, "module."); }), "'model.a'"));
}

TEST_F(Weights, Shards) {
  StateDict state;
  for (int i = 0; i < 10; ++i) state.emplace_back("t" + std::to_string(i), at::randn({100, 100}));
  const fs::path path = dir / "diffusion_pytorch_model.safetensors";
  save_state_dict(path, state, {.metadata = {{"format", "pt"}}, .max_shard_bytes = 100'000});
  EXPECT_FALSE(fs::exists(path));
  EXPECT_TRUE(fs::exists(dir / "diffusion_pytorch_model-00001-of-00005.safetensors"));
  const StateDict back = read_state_dict(dir / "diffusion_pytorch_model.safetensors.index.json");
  ASSERT_EQ(back.size(), 10u);
  for (const auto& [name, tensor] : state) EXPECT_TRUE(same(*find(back, name), tensor));
  EXPECT_EQ(formats::parse_json(read_file(path.string() + ".index.json")).at("metadata").at("total_size").as_int(),
            400'000);
  save_state_dict(path, state, {.max_shard_bytes = 1 << 20});
  EXPECT_TRUE(fs::exists(path)) << "one shard needs no index";
}

// ---- models ----

struct Model {
  Tensor linear = at::zeros({4, 3}), conv = at::zeros({2, 2, 3}), bias = at::zeros({4}),
         steps = at::zeros({1}, at::kLong);
  template <class F>
  void each_parameter(F&& f) {
    f("linear.weight", linear);
    f("time.weight", conv);
    f("linear.bias", bias);
  }
  template <class F>
  void each_buffer(F&& f) {
    f("steps", steps);
  }
};
const KeyMap reference{{"linear.weight", "proj.weight", {4, 3, 1}},
                       {"time.weight", "temporal.conv.weight", {2, 2, 3, 1, 1}},
                       {"linear.bias", "proj.bias", {4}}};
StateDict reference_state() {
  return {{"temporal.conv.weight", at::randn({2, 2, 3, 1, 1})},
          {"proj.weight", at::randn({4, 3, 1})},
          {"proj.bias", at::randn({4})}};
}

TEST_F(Weights, LoadsThroughAKeyMap) {
  Model m;
  m.bias.requires_grad_(true);
  const StateDict state = reference_state();
  const AuditReport report = load_weights(targets_of(m), state, reference);
  EXPECT_EQ(report.matched, 3u);
  EXPECT_TRUE(same(m.linear, state[1].second.view({4, 3})));
  EXPECT_TRUE(same(m.conv, state[0].second.view({2, 2, 3})));
  EXPECT_EQ(m.linear.const_data_ptr(), state[1].second.const_data_ptr()) << "no copy";
  EXPECT_TRUE(m.bias.requires_grad());
  EXPECT_FALSE(m.linear.requires_grad());

  StateDict ours;
  for (const auto& [name, tensor] : targets_of(m)) ours.emplace_back(name, tensor->detach());
  const StateDict theirs = to_theirs(ours, reference);
  for (const auto& [name, tensor] : state) EXPECT_TRUE(same(*find(theirs, name), tensor)) << name;
  const StateDict arranged = arrange(targets_of(m), theirs, reference);
  for (std::size_t i = 0; i < ours.size(); ++i)
    EXPECT_TRUE(arranged[i].first == ours[i].first && same(arranged[i].second, ours[i].second));
  EXPECT_EQ(to_ours(theirs, reference)[0].first, "linear.weight");
  EXPECT_EQ(targets_of(m, true).size(), 4u);
}

TEST_F(Weights, AllOrNothing) {
  Model m;
  const auto unchanged = [&] {
    return m.linear.abs().sum().item<float>() + m.conv.abs().sum().item<float>() + m.bias.abs().sum().item<float>() ==
           0;
  };
  StateDict bad = reference_state();
  bad[1].second = at::randn({3, 4, 1});
  bad[2].first = "proj.biass";
  for (int i = 0; i < 7; ++i) bad.emplace_back("extra." + std::to_string(i), at::zeros({1}));
  const AuditReport report = audit(targets_of(m), bad, reference);
  EXPECT_EQ(report.matched, 1u);
  EXPECT_FALSE(report.fits());
  EXPECT_EQ(report.missing, std::vector<std::string>{"linear.bias (proj.bias)"});
  EXPECT_EQ(report.misshaped,
            std::vector<std::string>{"linear.weight (proj.weight): expected [4, 3, 1], got [3, 4, 1]"});
  EXPECT_EQ(report.unexpected.size(), 8u);
  const std::string text = message_of<WeightsError>([&] { load_weights(targets_of(m), bad, reference); });
  EXPECT_TRUE(has(text, "1 matched, 1 missing, 8 unexpected, 1 misshaped") && has(text, "nothing was loaded") &&
              has(text, "and 3 more"))
      << text;
  EXPECT_TRUE(has(formats::dump_json(report.node(), -1), "\"matched\":1"));
  EXPECT_TRUE(unchanged());

  StateDict less = reference_state();
  less.pop_back();
  EXPECT_THROW(load_weights(targets_of(m), less, reference), WeightsError);
  EXPECT_TRUE(unchanged());
  EXPECT_EQ(load_weights(targets_of(m), less, reference, {.ignore_missing = true}).matched, 2u);
  EXPECT_EQ(m.bias.abs().sum().item<float>(), 0);
  StateDict more = reference_state();
  more.emplace_back("x", at::zeros({1}));
  EXPECT_THROW(load_weights(targets_of(m), more, reference), WeightsError);
  EXPECT_NO_THROW(load_weights(targets_of(m), more, reference, {.ignore_unexpected = true}));
  EXPECT_THROW(
      load_weights(targets_of(m), {{"q", at::zeros({1})}}, {}, {.ignore_unexpected = true, .ignore_missing = true}),
      WeightsError)
      << "a file of another model";
}

TEST_F(Weights, CancelAndNanChangeNothing) {
  Model m;
  StateDict state = reference_state();
  state[2].second[1] = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(
      has(message_of<NumericsError>([&] { load_weights(targets_of(m), state, reference, {.check_finite = true}); }),
          "'linear.bias' holds 1 values"));
  EXPECT_EQ(m.linear.abs().sum().item<float>(), 0);
  EXPECT_NO_THROW(load_weights(targets_of(m), state, reference));
  Model n;
  LoadOptions options;
  options.on_progress = [&](const ProgressEvent& e) {
    if (e.done == 2) options.cancel.cancel();
  };
  EXPECT_THROW(load_weights(targets_of(n), reference_state(), reference, options), Interrupted);
  EXPECT_EQ(n.linear.abs().sum().item<float>(), 0);
}

TEST_F(Weights, DtypesAreConverted) {
  Model m;
  const StateDict state = reference_state();
  load_weights(targets_of(m), state, reference, {.dtype = at::kBFloat16});
  EXPECT_TRUE(same(m.bias, state[2].second.to(at::kBFloat16)));
  StateDict half;
  for (const auto& [name, tensor] : state) half.emplace_back(name, tensor.to(at::kHalf));
  Model f;
  load_weights(targets_of(f), half, reference);  // none given: the model's own
  EXPECT_EQ(f.bias.scalar_type(), at::kFloat);
  EXPECT_TRUE(same(f.bias, half[2].second.to(at::kFloat)));
}

TEST_F(Weights, KeyMapsMustBeBijections) {
  Model m;
  const auto with = [](KeyPair extra) {
    KeyMap map = reference;
    map.push_back(std::move(extra));
    return map;
  };
  EXPECT_THROW(load_weights(targets_of(m), reference_state(), with({"linear.bias", "x", {4}})), ConfigError);
  EXPECT_THROW(load_weights(targets_of(m), reference_state(), with({"x", "proj.bias", {4}})), ConfigError);
  EXPECT_THROW(load_weights(targets_of(m), reference_state(), with({"x", "y", {4}})), ConfigError)
      << "names no parameter";
  EXPECT_THROW(load_weights(targets_of(m), reference_state(), KeyMap(reference.begin(), reference.end() - 1)),
               ConfigError)
      << "lacks one";
  KeyMap wrong = reference;
  wrong[0].their_shape = {4, 4, 1};
  EXPECT_THROW(load_weights(targets_of(m), reference_state(), wrong), ConfigError);
  EXPECT_THROW(to_theirs({{"q", at::zeros({1})}}, reference), WeightsError);
  EXPECT_THROW(to_ours({{"proj.bias", at::zeros({4})}, {"linear.bias", at::zeros({4})}}, reference), WeightsError);
  EXPECT_EQ(to_ours({{"q", at::zeros({1})}}, reference)[0].first, "q") << "unknown names are kept for the audit";
}

TEST_F(Weights, RowsAreJoinedAndTakenApart) {
  const KeyMap map{{"norm", "n", {3}}, {"qkv", "q", {2, 3}}, {"qkv", "k", {2, 3}}, {"qkv", "v", {1, 3}}};
  const StateDict theirs{
      {"v", at::full({1, 3}, 3.)}, {"n", at::full({3}, 9.)}, {"q", at::full({2, 3}, 1.)}, {"k", at::full({2, 3}, 2.)}};
  const Joined joined = join_rows(theirs, map);
  ASSERT_EQ(joined.map.size(), 2u);
  EXPECT_EQ(joined.map[1].theirs, "q + k + v");
  EXPECT_EQ(joined.map[1].their_shape, (std::vector<std::int64_t>{5, 3}));
  const StateDict ours = to_ours(joined.state, joined.map);
  const Tensor* qkv = find(ours, "qkv");
  ASSERT_TRUE(qkv);
  EXPECT_EQ(qkv->select(1, 0).sum().item<double>(), 1 + 1 + 2 + 2 + 3);
  EXPECT_EQ((*qkv)[4][0].item<double>(), 3);  // in the map's order, not the file's
  const StateDict back = to_theirs(ours, map);
  ASSERT_EQ(back.size(), 4u);
  for (const auto& [name, t] : theirs) EXPECT_TRUE(same(*find(back, name), t)) << name;
  // A part that is absent or has another shape leaves its group as it is.
  const Joined broken = join_rows({{"n", at::zeros({3})}, {"q", at::zeros({2, 3})}, {"k", at::zeros({2, 4})}}, map);
  EXPECT_EQ(find(broken.state, "q + k + v"), nullptr);
  EXPECT_EQ(broken.state.size(), 3u);
  EXPECT_THROW(to_theirs({{"qkv", at::zeros({6, 3})}}, map), WeightsError);
  EXPECT_THROW(to_theirs({{"qkv", at::zeros({4, 3})}}, map), WeightsError);
}

TEST_F(Weights, SavingInAnotherDtypeLeavesWholeNumbers) {
  const StateDict state{{"w", at::randn({5, 3})}, {"ids", at::arange(4)}};
  for (const char* name : {"a.safetensors", "a.pth"}) {
    save_state_dict(dir / name, state, {.dtype = at::kBFloat16});
    const StateDict back = read_state_dict(dir / name);
    EXPECT_TRUE(same(*find(back, "w"), state[0].second.to(at::kBFloat16)));
    EXPECT_TRUE(same(*find(back, "ids"), state[1].second));
  }
}

std::size_t resident() {
  std::size_t total = 0, pages = 0;
  std::ifstream("/proc/self/statm") >> total >> pages;
  return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

TEST_F(Weights, MemoryStaysAtOneCopy) {
  constexpr std::int64_t count = 24, numel = 2 << 20;  // 24 x 8 MiB
  StateDict state;
  for (int i = 0; i < count; ++i) state.emplace_back("t" + std::to_string(i), at::full({numel}, i + 0.5));
  for (auto& [name, t] : state) t = t.to(at::kFloat);
  for (const char* name : {"w.safetensors", "w.pth"}) save_state_dict(dir / name, state);
  state.clear();
  const double bytes = static_cast<double>(count * numel * 4);
  for (const char* name : {"w.safetensors", "w.pth"}) {
    for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
      std::vector<Tensor> parameters(count);
      Targets targets;
      for (int i = 0; i < count; ++i)
        targets.emplace_back("t" + std::to_string(i), &(parameters[static_cast<std::size_t>(i)] = at::empty({numel})));
      const std::size_t before = resident();
      std::size_t peak = 0;
      StateDict read = read_state_dict(dir / name);
      peak = std::max(peak, resident());
      LoadOptions options{.dtype = dtype, .check_finite = true};
      options.on_progress = [&](const ProgressEvent&) { peak = std::max(peak, resident()); };
      load_weights(targets, std::move(read), {}, options);
      const double used = static_cast<double>(peak - std::min(peak, before)) / bytes;
      EXPECT_LE(used, 1.1) << name << " " << c10::toString(dtype);
      if (dtype == at::kBFloat16) {
        const double after = static_cast<double>(resident() - std::min(resident(), before)) / bytes;
        EXPECT_LE(after, 0.6) << "the file's pages are given back: " << name;
      }
      EXPECT_EQ(parameters[7][numel - 1].item<float>(), 7.5);
    }
  }
}

}  // namespace
}  // namespace vgen::weights
