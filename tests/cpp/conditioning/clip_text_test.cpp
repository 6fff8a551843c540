#include "vgen/conditioning/clip_text.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/full.h>
#include <ATen/ops/nll_loss.h>
#include <ATen/ops/tensor.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <sstream>

#include "vgen/conditioning/clip_vision.hpp"
#include "vgen/conditioning/textual_inversion.hpp"
#include "vgen/core/atomic_file.hpp"
#include "vgen/formats/json.hpp"
#include "vgen/tensor/random.hpp"

namespace vgen::conditioning {
namespace {

using testing::HasSubstr;

ClipTextOptions tiny() { return {.width = 64, .heads = 4, .layers = 2, .mlp = 128, .embed = 32}; }
double difference(const Tensor& a, const Tensor& b) { return (a - b).abs().max().item<double>(); }

using Table = std::map<std::string, std::vector<std::int64_t>>;
Table table(const std::string& path) {
  Table out;
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

TEST(ClipText, FullSizeHasTheReleasedTensors) {
  const Table all = table(VGEN_SOURCE_DIR "/tests/golden/keys/clip_vit_h_14.tsv");
  ClipText text(ClipTextOptions{});
  std::map<std::string, std::int64_t> sizes;
  text.each_parameter([&](const std::string& name, Tensor& t) { sizes[name] = t.numel(); });
  std::int64_t total = 1;  // logit_scale
  std::set<std::string> ours, theirs;
  const auto take = [&](const std::vector<KeyPair>& pairs) {
    for (const KeyPair& pair : pairs) {
      EXPECT_TRUE(theirs.insert(pair.theirs).second) << pair.theirs;
      ASSERT_TRUE(all.contains(pair.theirs)) << pair.theirs;
      EXPECT_EQ(all.at(pair.theirs), pair.their_shape) << pair.theirs;
      total += product(pair.their_shape);
    }
  };
  const auto pairs = open_clip_keys(text.options());
  take(pairs);
  for (const KeyPair& pair : pairs) {
    EXPECT_TRUE(ours.insert(pair.ours).second) << pair.ours;
    ASSERT_TRUE(sizes.contains(pair.ours)) << pair.ours;
    EXPECT_EQ(sizes[pair.ours], product(pair.their_shape)) << pair.ours;
  }
  EXPECT_EQ(ours.size(), sizes.size());
  take(open_clip_keys(ClipVisionOptions{}));
  EXPECT_EQ(theirs.size() + 1, all.size());
  EXPECT_EQ(total, 986'109'441);
}

TEST(ClipText, NamesOfTransformers) {
  // transformers 4.57 CLIPTextModel, as in the diffusers folder of the text-to-video model: 23 layers, since the last
  // is not used.
  const Table all = table(VGEN_SOURCE_DIR "/tests/cpp/conditioning/data/transformers_clip_text.tsv");
  const auto options = ClipTextOptions::from_transformers(formats::parse_json(
      R"({"hidden_act": "gelu", "hidden_size": 1024, "intermediate_size": 4096, "layer_norm_eps": 1e-05, "max_position_embeddings": 77,
          "num_attention_heads": 16, "num_hidden_layers": 23, "projection_dim": 512, "vocab_size": 49408})"));
  EXPECT_EQ(options.layer, ClipLayer::last);
  EXPECT_EQ(options.embed, 0);
  ClipText text(options);
  std::map<std::string, std::int64_t> sizes, covered;
  text.each_parameter([&](const std::string& name, Tensor& t) { sizes[name] = t.numel(); });
  std::set<std::string> theirs;
  for (const KeyPair& pair : transformers_keys(options)) {
    EXPECT_TRUE(theirs.insert(pair.theirs).second) << pair.theirs;
    ASSERT_TRUE(all.contains(pair.theirs)) << pair.theirs;
    EXPECT_EQ(all.at(pair.theirs), pair.their_shape) << pair.theirs;
    covered[pair.ours] += product(pair.their_shape);
  }
  EXPECT_EQ(theirs.size(), all.size());
  EXPECT_EQ(covered, sizes);  // q, k and v add up to ours
  EXPECT_THROW(
      ClipTextOptions::from_transformers(formats::parse_json(
          R"({"hidden_act": "relu", "hidden_size": 8, "intermediate_size": 8, "num_attention_heads": 1, "num_hidden_layers": 1})")),
      UnsupportedError);
}

TEST(ClipText, LaterWordsDoNotChangeEarlierOnes) {
  const at::NoGradGuard no_grad;
  ClipText text(tiny());
  text.initialise(make_generator(1));
  const auto ids = [](std::string a) { return ids_tensor(text::Tokenizer::clip().tokenize({std::move(a)})); };
  const Tensor a = text.forward(ids("a red circle moving left")).words,
               b = text.forward(ids("a red circle growing")).words;
  EXPECT_LT(difference(a.narrow(1, 0, 4), b.narrow(1, 0, 4)), 1e-6);
  EXPECT_GT(difference(a.narrow(1, 4, 1), b.narrow(1, 4, 1)), 1e-3);
  // A shorter window gives the same vectors, and int32 ids are taken.
  const Tensor cut = ids("a red circle moving left").narrow(1, 0, 8).to(at::kInt);
  EXPECT_LT(difference(text.forward(cut).words, a.narrow(1, 0, 8)), 1e-6);
}

TEST(ClipText, PoolsAtTheEndToken) {
  const at::NoGradGuard no_grad;
  auto options = tiny();
  options.embed = 0;
  ClipText text(options);
  text.initialise(make_generator(1));
  const Tensor ids = ids_tensor(text::Tokenizer::clip().tokenize({"a red circle", ""}));
  for (const ClipLayer layer : {ClipLayer::last, ClipLayer::penultimate}) {
    const auto out = text.forward(ids, layer);
    EXPECT_TRUE(out.pooled[0].equal(out.words[0][4]));
    EXPECT_TRUE(out.pooled[1].equal(out.words[1][1]));
  }
  EXPECT_GT(difference(text.forward(ids, ClipLayer::last).words, text.forward(ids, ClipLayer::penultimate).words),
            1e-2);
}

TEST(ClipText, LearnsAtTinyWidth) {
  // Two captions are told apart by a linear readout after a few steps of gradient descent through the whole tower.
  auto options = tiny();
  options.layer = ClipLayer::last;
  options.embed = 2;
  ClipText text(options);
  text.initialise(make_generator(3));
  text.train();
  text.requires_grad(true);
  const Tensor ids = ids_tensor(text::Tokenizer::clip().tokenize({"moving left", "moving right"}));
  const Tensor target = at::tensor({0, 1}, at::kLong);
  double first = 0, last = 0;
  for (int step = 0; step < 30; ++step) {
    const Tensor loss = at::nll_loss(text.forward(ids).pooled.log_softmax(-1), target);
    last = loss.item<double>();
    if (step == 0) first = last;
    loss.backward();
    const at::NoGradGuard no_grad;
    text.each_parameter([&](const std::string& name, Tensor& t) {
      ASSERT_TRUE(t.grad().defined()) << name;
      EXPECT_TRUE(step > 0 || t.grad().abs().max().item<double>() > 0) << name;
      t.sub_(0.1 * t.grad());
      t.mutable_grad().reset();
    });
  }
  EXPECT_LT(last, 0.3 * first);
}

TEST(ClipTextEncoder, EncodesPromptsAndSaysWhatItDropped) {
  const at::NoGradGuard no_grad;
  auto options = tiny();
  options.context_length = 6;
  ClipText text(options);
  text.initialise(make_generator(1));
  ClipTextEncoder encoder(text);
  const std::vector<std::string> prompts{"a red circle moving left", "blue"};
  const TextEmbedding out = encoder.encode(prompts);
  EXPECT_EQ(out.words.sizes(), (std::vector<std::int64_t>{2, 6, 64}));
  EXPECT_EQ(out.pooled.sizes(), (std::vector<std::int64_t>{2, 32}));
  EXPECT_THAT(out.dropped_words[0], testing::ElementsAre("left"));
  EXPECT_THAT(out.dropped_words[1], testing::IsEmpty());
  options.vocab = 1000;
  ClipText small(options);
  EXPECT_THROW(ClipTextEncoder{small}, ConfigError);
}

TEST(ClipText, RefusesWhatMakesNoModelOrInput) {
  const auto message = [](auto&& f) -> std::string {
    try {
      f();
    } catch (const ConfigError& e) { return e.what(); }
    return "(nothing thrown)";
  };
  auto bad = tiny();
  bad.heads = 5;
  EXPECT_THAT(message([&] { ClipText t(bad); }), HasSubstr("width (64) must be a multiple of heads (5)"));
  bad = tiny();
  bad.layers = 1;
  EXPECT_THAT(message([&] { ClipText t(bad); }), HasSubstr("needs at least 2 layers"));
  ClipText text(tiny());
  text.initialise(make_generator(1));
  EXPECT_THAT(message([&] {
                text.forward(at::full({1, 77}, 49408, at::kLong));
              }),
              HasSubstr("ids must be in [0, 49408), got up to 49408"));
  EXPECT_THAT(message([&] { text.forward(at::full({1, 78}, 1, at::kLong)); }), HasSubstr("1 to 77 tokens"));
  EXPECT_THAT(message([&] { text.forward(at::full({77}, 1, at::kLong)); }), HasSubstr("ids"));
  EXPECT_THAT(message([&] { text.forward(at::full({1, 77}, 1.0)); }), HasSubstr("int64"));
}

TEST(ClipText, RefusesWhatOpenClipHasAndItHasNot) {
  const auto config = [](const char* key, Node value) {
    return Node::map(
        {{"embed_dim", Node(8)},
         {"text_cfg",
          Node::map({{"width", Node(8)}, {"heads", Node(2)}, {"layers", Node(2)}, {key, std::move(value)}})}});
  };
  EXPECT_NO_THROW(ClipTextOptions::from_open_clip(config("pool_type", Node("argmax"))));
  EXPECT_THROW(ClipTextOptions::from_open_clip(config("pool_type", Node("last"))), UnsupportedError);
  EXPECT_NO_THROW(ClipTextOptions::from_open_clip(config("no_causal_mask", Node(false))));
  EXPECT_THROW(ClipTextOptions::from_open_clip(config("no_causal_mask", Node(true))), UnsupportedError);
  EXPECT_THROW(ClipTextOptions::from_open_clip(config("ls_init_value", Node(0.1))), UnsupportedError);
}

TEST(TextualInversion, LearnsOnlyItsVectorsAndChecksItsWords) {
  ClipText text(tiny());
  text.initialise(make_generator(1));
  TextualInversion inversion(text, {{.word = "*", .initial = "dog"}, {.word = "@", .vectors = 2}}, {},
                             text::Tokenizer::clip(), make_generator(4));
  EXPECT_EQ(inversion.parameter_count(), 3 * 64);
  const Tensor ids = ids_tensor(text::Tokenizer::clip().tokenize({"a * beside @", "a dog beside it"}));
  {
    // A placeholder that still has its start value is the word it began as.
    const at::NoGradGuard no_grad;
    const Tensor plain = ids_tensor(text::Tokenizer::clip().tokenize({"a * there"})),
                 dog = ids_tensor(text::Tokenizer::clip().tokenize({"a dog there"}));
    EXPECT_LT(difference(inversion.forward(plain, ClipLayer::last).words, text.forward(dog, ClipLayer::last).words),
              1e-6);
  }
  inversion.requires_grad(true);
  const Tensor before = ids.clone();
  inversion.forward(ids, ClipLayer::last).words.square().mean().backward();
  EXPECT_TRUE(ids.equal(before));
  for (std::size_t i = 0; i < 2; ++i) EXPECT_GT(inversion.vectors(i).grad().abs().min().item<double>(), 0);
  text.each_parameter([](const std::string& name, Tensor& t) { EXPECT_FALSE(t.grad().defined()) << name; });
  EXPECT_THROW(TextualInversion(text, {{.word = " "}}, {}), ConfigError);
  EXPECT_THROW(TextualInversion(text, {{.word = "*"}, {.word = "* x"}}, {}), ConfigError);
  EXPECT_THROW(TextualInversion(text, {{.word = "*", .vectors = 0}}, {}), ConfigError);
  EXPECT_THROW(TextualInversion(text, {{.word = "*"}}, {}).coarse_loss(), ConfigError);
}

TEST(TextualInversion, LoadsLearnedWordsOrNothing) {
  const std::filesystem::path folder = VGEN_SOURCE_DIR "/tests/golden/clip";
  auto words = read_learned_words(folder / "text_embedding.pth");
  ASSERT_EQ(words.size(), 1u);
  EXPECT_EQ(words[0].word, "*");
  EXPECT_EQ(words[0].token, 265);
  ClipText tower({.width = 32, .heads = 2, .layers = 2, .mlp = 64, .embed = 0});
  tower.initialise(make_generator(1));
  TextualInversion inversion(tower, {{.word = "*", .initial = "dog"}}, {});
  inversion.load(words);
  EXPECT_EQ(difference(inversion.vectors(0), words[0].vectors), 0);
  const Tensor kept = inversion.vectors(0).clone();
  const auto refused = [&](LearnedWord word) {
    word.vectors = word.vectors + 1;
    EXPECT_THROW(inversion.load({word}), ConfigError);
    EXPECT_EQ(difference(inversion.vectors(0), kept), 0);
  };
  LearnedWord other = words[0];
  other.word = "dog";
  refused(other);
  other = words[0];
  other.token = 7;
  refused(other);
  other = words[0];
  other.vectors = at::full({2, 32}, 1.0);
  refused(other);
  EXPECT_THROW(read_learned_words(folder / "towers_gelu.safetensors"), FormatError);
}

TEST(ClipTextEncoder, PadsAsItIsTold) {
  ClipText tower(tiny());
  tower.initialise(make_generator(1));
  const std::vector<std::string> texts{"a dog"};
  const Tensor zeros = ClipTextEncoder(tower).encode(texts).words,
               ends = ClipTextEncoder(tower, text::Tokenizer::clip(), 49407).encode(texts).words;
  EXPECT_EQ(difference(zeros.narrow(1, 0, 4), ends.narrow(1, 0, 4)), 0);  // start, a, dog, end
  EXPECT_GT(difference(zeros, ends), 0);
  EXPECT_THROW(ClipTextEncoder(tower, text::Tokenizer::clip(), 49408), ConfigError);
}

TEST(ClipVision, PreprocessesPictures) {
  video::Frames grey(2, 30, 50, 1);
  std::fill(grey.pixels->begin(), grey.pixels->end(), std::uint8_t(51));
  const Tensor out = clip_preprocess(grey, 20);
  ASSERT_EQ(out.sizes(), (std::vector<std::int64_t>{2, 3, 20, 20}));
  EXPECT_LE(difference(out, clip_normalise(at::full({2, 3, 20, 20}, 0.2))), 1e-6);  // a flat picture stays flat
  EXPECT_THROW(clip_preprocess(video::Frames(), 20), ShapeError);
  EXPECT_THROW(clip_preprocess(grey, 0), ConfigError);
}

TEST(ClipVision, ChecksItsInput) {
  const at::NoGradGuard no_grad;
  ClipVision vision({.image_size = 16, .patch = 4, .width = 32, .heads = 2, .layers = 1, .mlp = 64, .embed = 8});
  vision.each_parameter([](const std::string&, Tensor& t) { t.fill_(0.01); });
  EXPECT_EQ(vision.forward(clip_normalise(at::full({2, 3, 16, 16}, 0.5))).sizes(), (std::vector<std::int64_t>{2, 8}));
  EXPECT_THROW(vision.forward(at::full({2, 3, 16, 20}, 0.5)), ShapeError);
  EXPECT_THROW(ClipVision({.image_size = 4, .patch = 8}), ConfigError);
}

}  // namespace
}  // namespace vgen::conditioning
