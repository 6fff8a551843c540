// Area "clip": tokenizer, text and image towers, textual inversion.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/ones.h>

#include <cstring>
#include <map>

#include "vgen/conditioning/clip_text.hpp"
#include "vgen/conditioning/clip_vision.hpp"
#include "vgen/conditioning/textual_inversion.hpp"
#include "vgen/parity/pictures.hpp"
#include "vgen/text/clean.hpp"

namespace vgen::parity {
namespace {

using conditioning::ClipLayer;

std::vector<std::string> strings(const Node& list) {
  std::vector<std::string> out;
  for (const Node& n : list.items) out.push_back(n.as_string());
  return out;
}

Tensor input(const Node& n) {
  VGEN_CHECK(n.at("rule").as_string() == "unit", UnsupportedError, "clip: input rule ",
             printable(n.at("rule").as_string()), " is not known");
  return unit(n.at("salt").as_string(), n.at("name").as_string(), n.at("shape").as_ints());
}

void run_tokenizer(const Case& c, Report& report) {
  const auto& tokenizer = text::Tokenizer::clip();
  const auto equal = [](const auto& ours, const Node& golden) {
    return std::vector<std::int64_t>(ours.begin(), ours.end()) == golden.as_ints();
  };
  for (const Node& v : c.json.at("values").items) {
    const std::string& given = v.at("text").as_string();
    const std::string name = "'" + printable(given, 40) + "'";
    auto ids = tokenizer.encode(given);
    ids.insert(ids.begin(), tokenizer.start_id());
    ids.push_back(tokenizer.end_id());
    report.check(name + " ids", equal(ids, v.at("ids")));
    if (const Node* cleaned = v.find("cleaned"))
      report.check(name + " cleaned", text::clean(given) == cleaned->as_string());
    const auto tokens = tokenizer.tokenize({given});
    const Node* row = v.find("row");
    ids.resize(77, 0);
    report.check(name + " row", row ? equal(tokens.ids, *row) : tokens.ids == ids);
    report.check(name + " says what it dropped", tokens.dropped_words[0].empty() == !row);
  }
}

// Both towers of a case, filled by rule; reports names and shapes.
struct Towers {
  conditioning::ClipTextOptions text_options;
  conditioning::ClipVisionOptions vision_options;
  conditioning::ClipText text;
  conditioning::ClipVision vision;

  Towers(const Case& c, Report& report)
      : text_options(conditioning::ClipTextOptions::from_open_clip(c.json.at("config"))),
        vision_options(conditioning::ClipVisionOptions::from_open_clip(c.json.at("config"))),
        text(text_options),
        vision(vision_options) {
    const Node& expected = c.json.at("weights");
    const std::string salt = c.json.at("salt").as_string();
    std::size_t known = expected.find("logit_scale") ? 1 : 0;  // of the training loss, in neither tower
    const auto fill = [&](nn::Module& tower, const std::vector<KeyPair>& pairs) {
      std::map<std::string, KeyPair> by_ours;
      for (const KeyPair& pair : pairs) {
        const Node* shape = expected.find(pair.theirs);
        known += shape && shape->as_ints() == pair.their_shape;
        by_ours[pair.ours] = pair;
      }
      tower.each_parameter([&](const std::string& name, Tensor& value) {
        const KeyPair& pair = by_ours.at(name);
        value = parameter(salt, pair.theirs, pair.their_shape).view(value.sizes());
      });
      tower.eval();
    };
    fill(text, conditioning::open_clip_keys(text_options));
    fill(vision, conditioning::open_clip_keys(vision_options));
    report.check("weight names and shapes", known == expected.size(), str(known, " of ", expected.size(), " agree"));
  }
};

void run_towers(const Case& c, Report& report) {
  const at::NoGradGuard no_grad;
  Towers towers(c, report);
  const auto texts = strings(c.json.at("texts"));
  const Tensor ids =
      conditioning::ids_tensor(text::Tokenizer::clip().tokenize(texts, towers.text_options.context_length))
          .to(device());
  std::map<std::string, Tensor> ours;
  for (const ClipLayer layer : {ClipLayer::last, ClipLayer::penultimate}) {
    const auto out = towers.text.forward(ids, layer);
    const std::string prefix = std::string(name_of(layer)) + ".";
    ours[prefix + "words"] = out.words;
    ours[prefix + "pooled"] = out.pooled;
    if (layer == ClipLayer::last) ours["encode_text"] = out.pooled;
  }
  if (c.json.at("inputs").find("image")) {
    const Tensor image = towers.vision.forward(input(c.json.at("inputs").at("image")));
    for (const char* name : {"last.image", "penultimate.image", "encode_image"}) ours[name] = image;
  }
  const std::int64_t side = towers.vision_options.image_size;
  ours["white_image"] = conditioning::clip_normalise(at::ones({1, 3, side, side}, at::TensorOptions(device())));
  ours["zero_feature"] = towers.vision.forward(ours["white_image"]);
  for (const auto& [name, golden] : c.tensors) {
    if (name == "tokens")
      report.exact(name, ids, golden);
    else if (const auto found = ours.find(name); found != ours.end())
      report.relative(name, found->second, golden);
    else
      report.check(name, false, "vgen computes no such tensor");
  }
}

void run_inversion(const Case& c, Report& report) {
  Towers towers(c, report);
  const auto words = strings(c.json.at("placeholders"));
  const auto initial = strings(c.json.at("initializer_words"));
  std::vector<conditioning::Placeholder> placeholders;
  for (std::size_t i = 0; i < words.size(); ++i)
    placeholders.push_back({words[i], i < initial.size() ? initial[i] : "",
                            static_cast<int>(c.json.at("num_vectors_per_token").as_int())});
  conditioning::TextualInversion::Options options;
  if (const Node* p = c.json.find("progressive_words")) options.progressive = p->as_bool();
  if (const Node* p = c.json.find("progressive_counter_before")) options.calls = p->as_int();
  conditioning::TextualInversion inversion(towers.text, placeholders, options);

  std::map<std::string, Tensor> ours;
  for (std::size_t i = 0; i < words.size(); ++i) {
    report.check("token of " + printable(words[i]), inversion.token(i) == c.json.at("token_of").at(words[i]).as_int());
    if (inversion.initial(i).defined()) ours["initial." + words[i]] = inversion.initial(i);
    inversion.vectors(i).copy_(input(c.json.at("inputs").at(words[i])));
  }
  inversion.requires_grad(true);
  const Tensor ids = conditioning::ids_tensor(text::Tokenizer::clip().tokenize(strings(c.json.at("texts")),
                                                                               towers.text_options.context_length))
                         .to(device());
  const auto now = inversion.replace(ids);
  const auto out = towers.text.forward_embedded(now.embedded, now.ids, ClipLayer::penultimate);
  ours["tokens_before"] = ids;
  ours["tokens_after"] = now.ids;
  ours["embedded"] = now.embedded;
  ours["words"] = out.words;
  ours["pooled"] = out.pooled;
  ours["norms_squared"] = inversion.norms_squared();
  ours["coarse_loss"] = inversion.coarse_loss();
  if (const Node* grad = c.json.at("inputs").find("grad")) {
    (out.words * input(*grad)).sum().backward();
    for (std::size_t i = 0; i < words.size(); ++i) ours["grad." + words[i]] = inversion.vectors(i).grad();
  }
  for (const auto& [name, golden] : c.tensors) {
    const auto found = ours.find(name);
    if (found == ours.end())
      report.check(name, false, "vgen computes no such tensor");
    else if (name.starts_with("tokens"))
      report.exact(name, found->second, golden);
    else
      report.relative(name, found->second, golden, name.starts_with("grad.") ? 1e-4 : 1e-5);
  }
}

// "size_n": the picture made ready for a tower of n pixels.
void run_preprocess(const Case& c, Report& report) {
  const Tensor rgb = picture(c.json.at("picture"));
  video::Frames pixels(1, rgb.size(0), rgb.size(1));
  std::memcpy(pixels.frame(0), rgb.const_data_ptr(), pixels.bytes());
  for (const auto& [name, golden] : c.tensors) {
    const std::int64_t side = golden.dim() == 3 ? golden.size(1) : 0;
    if (name != str("size_", side))
      report.check(name, false, "vgen computes no such tensor");
    else
      report.relative(name, conditioning::clip_preprocess(pixels, static_cast<int>(side))[0], golden);
  }
}

// <case>.pth and, where it is there, <case>_old.pth hold the same learned words: tokens in the case, vectors "param.*".
void run_learned_words(const Case& c, Report& report) {
  const Node& tokens = c.json.at("string_to_token");
  for (const char* variant : {"", "_old"}) {
    const std::filesystem::path path = c.path.parent_path() / (c.name + variant + ".pth");
    if (*variant && !std::filesystem::exists(path)) continue;
    const std::string shown = path.filename().string();
    const auto words = conditioning::read_learned_words(path);
    report.check(shown + " words", words.size() == tokens.size(), str(words.size(), ", golden ", tokens.size()));
    std::size_t vectors = 0;
    for (const conditioning::LearnedWord& w : words) {
      const Node* token = tokens.find(w.word);
      report.check(shown + " token of " + printable(w.word), token && token->as_int() == w.token);
      if (const auto golden = c.tensors.find("param." + w.word); golden != c.tensors.end()) {
        report.exact(shown + " " + golden->first, w.vectors, golden->second);
        ++vectors;
      }
    }
    report.check(shown + " vectors", vectors == c.tensors.size(), str(vectors, " of ", c.tensors.size()));
  }
}

}  // namespace

void run_clip(const Case& c, Report& report) {
  if (c.json.find("picture")) return run_preprocess(c, report);
  if (c.json.find("string_to_token")) return run_learned_words(c, report);
  if (c.json.find("placeholders")) return run_inversion(c, report);
  if (c.json.find("texts")) return run_towers(c, report);
  if (const Node* values = c.json.find("values"); values && values->size() && (*values)[0].find("ids"))
    return run_tokenizer(c, report);
  throw UnsupportedError(str("clip: '", printable(c.name), "' is no kind of case that vgen knows"));
}

}  // namespace vgen::parity
