// Area "data": scores of clips, from recorded features and from pictures.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/stack.h>

#include <cmath>
#include <cstdio>

#include "vgen/conditioning/dino_vision.hpp"
#include "vgen/metrics/frechet.hpp"
#include "vgen/metrics/similarity.hpp"
#include "vgen/metrics/ssim.hpp"
#include "vgen/parity/data.hpp"
#include "vgen/parity/networks.hpp"
#include "vgen/parity/pictures.hpp"
#include "vgen/video/deflate.hpp"
#include "vgen/video/transforms.hpp"

namespace vgen::parity {
namespace {

Tensor input(const Node& d) {
  const std::string& rule = d.at("rule").as_string();
  const std::string &salt = d.at("salt").as_string(), &name = d.at("name").as_string();
  const auto shape = d.at("shape").as_ints();
  if (rule == "unit") return unit(salt, name, shape);
  if (rule == "0.5 + unit") return (0.5 + uniform(salt, name, shape).to(at::kDouble) * std::sqrt(3.0)).to(at::kFloat);
  VGEN_CHECK(rule == "unit * linspace(0.5, 1.5, d) + 0.25, in float64", UnsupportedError, "data: input rule '",
             printable(rule), "' is not known");
  return unit(salt, name, shape).to(at::kDouble) * at::linspace(0.5, 1.5, shape.back(), at::kDouble) + 0.25;
}

metrics::Features features(const Tensor& x) {
  return {{x.const_data_ptr<float>(), static_cast<std::size_t>(x.numel())}, static_cast<std::size_t>(x.size(1))};
}

void run_similarity(const Case& c, Report& report) {
  std::map<std::string, Tensor> x;
  for (const auto& [name, description] : c.json.at("inputs").entries) x[name] = input(description);
  for (const auto& [name, golden] : c.json.at("values").entries) {
    const std::int64_t count = name == "no_reference" ? 0 : name == "one_reference" ? 1 : x.at("references").size(0);
    const auto to_references = [&](const char* frames, const char* references) {
      return metrics::mean_cosine(features(x.at(frames)), features(x.at(references).slice(0, 0, count)));
    };
    // Without reference pictures the reference counts 0, vgen has no score.
    const auto clip_i = to_references("frames", "references"), dino_i = to_references("dino_frames", "dino_references");
    report.check(name + " has a score", clip_i.has_value() == (count > 0) && dino_i.has_value() == (count > 0));
    const double ours[] = {*metrics::mean_cosine(features(x.at("frames")), features(x.at("text"))), clip_i.value_or(0),
                           dino_i.value_or(0), metrics::temporal_consistency(features(x.at("frames")))};
    const char* keys[] = {"clip_t", "clip_i", "dino_i", "temporal_consistency"};
    for (int i = 0; i < 4; ++i) report.number(name + " " + keys[i], ours[i], golden.at(keys[i]).as_double(), 1e-5);
    char text[128];
    std::snprintf(text, sizeof text, "CLIP-T: %.4f, CLIP-I: %.4f, DINO-I: %.4f, TemporalConsistency: %.4f", ours[0],
                  ours[1], ours[2], ours[3]);
    report.check(name + " printed", golden.at("printed").as_string() == text, text);
  }
}

void run_frechet(const Case& c, Report& report) {
  const auto fit = [&](const std::string& name) {
    const Tensor rows = input(c.json.at("inputs").at(name)).to(at::kDouble).contiguous();
    return metrics::fit_gaussian({rows.const_data_ptr<double>(), static_cast<std::size_t>(rows.numel())},
                                 static_cast<std::size_t>(rows.size(1)));
  };
  for (const auto& [name, golden] : c.json.at("values").entries) {
    const auto terms = metrics::frechet_terms(fit(name + ".a"), fit(name + ".b"));
    // With fewer samples than dimensions the root of rounding errors stays: 1e-7, in scipy's sqrtm too.
    bool full_rank = true;
    for (const char* side : {".a", ".b"}) {
      const auto shape = c.json.at("inputs").at(name + side).at("shape").as_ints();
      full_rank = full_rank && shape[0] > shape[1];
    }
    const double tolerance = full_rank ? 1e-9 : 1e-6;
    report.number(name + " mean", terms.mean, golden.at("mean_term").as_double(), 1e-9);
    report.number(name + " trace a", terms.trace_a, golden.at("trace_a").as_double(), 1e-9);
    report.number(name + " trace b", terms.trace_b, golden.at("trace_b").as_double(), 1e-9);
    report.number(name + " trace of the root", terms.trace_root, golden.at("trace_root").as_double(), tolerance);
    report.number(name + " distance", terms.distance(), golden.at("distance").as_double(), tolerance);
  }
}

void run_ssim(const Case& c, Report& report) {
  const std::int64_t h = c.json.at("height").as_int(), w = c.json.at("width").as_int(),
                     frames = c.json.at("frames").as_int();
  const std::string& salt = c.json.at("salt").as_string();
  const auto clip = [&](const auto& frame) {
    std::vector<Tensor> out;
    for (std::int64_t k = 0; k < frames; ++k) out.push_back(frame(k));
    return at::stack(out);
  };
  const Tensor videos =
      at::stack({clip([&](std::int64_t k) { return scene(h, w, k); }),
                 clip([&](std::int64_t k) { return scene(h, w, k + 5); }), clip([&](std::int64_t k) {
                   return scene(h, w, k).floor_divide(2) + noise(salt, str("frame", k), h, w).floor_divide(4);
                 })});
  const auto crc = video::crc32({static_cast<const char*>(videos.const_data_ptr()), std::size_t(videos.numel())});
  VGEN_CHECK(crc == c.json.at("crc32").as_int(), FormatError, "data: videos of ", printable(c.name), " have checksum ",
             crc);
  std::vector<Tensor> grey;
  for (std::int64_t v = 0; v < videos.size(0); ++v) {
    video::Frames x(frames, h, w);
    std::copy_n(videos[v].const_data_ptr<std::uint8_t>(), x.bytes(), x.frame(0));
    grey.push_back(bytes_of(video::to_grey(x, video::Luma::opencv))[0].select(2, 0));
    const auto ours = metrics::ssim_of_neighbours(x);
    const auto golden = c.json.at("pairs")[std::size_t(v)].as_doubles();
    report.check(str("video ", v, " pairs"), ours.size() == golden.size());
    double mean = 0, square = 0;
    for (std::size_t i = 0; i < std::min(ours.size(), golden.size()); ++i) {
      report.number(str("video ", v, " pair ", i), ours[i], golden[i], 1e-9);
      mean += ours[i] / double(ours.size());
    }
    for (const double s : ours) square += (s - mean) * (s - mean) / double(ours.size());
    report.number(str("video ", v, " mean"), mean, c.json.at("mean")[std::size_t(v)].as_double(), 1e-9);
    report.number(str("video ", v, " deviation"), std::sqrt(square), c.json.at("std")[std::size_t(v)].as_double(),
                  1e-9);
  }
  compare_data(c, report, {{"grey", at::stack(grey)}});
}

void run_dino(const Case& c, Report& report) {
  const Node& config = c.json.at("config");
  const auto number = [&](const char* key) { return static_cast<int>(config.at(key).as_int()); };
  VGEN_CHECK(config.at("qkv_bias").as_bool() && config.at("eps").as_double() == 1e-6, UnsupportedError,
             "data: DINO without biases or with another eps is not built in");
  conditioning::DinoVisionOptions o;
  o.image_size = static_cast<int>(config.at("img_size")[0].as_int());
  o.patch = number("patch_size"), o.width = number("embed_dim"), o.layers = number("depth");
  o.heads = number("num_heads"), o.mlp = static_cast<int>(config.at("mlp_ratio").as_double() * o.width);
  conditioning::DinoVision network(o);
  const auto keys = conditioning::reference_keys(o);
  check_weights(report, c.json.at("weights"), keys);
  fill(network, keys, c.json.at("salt").as_string());
  network.eval();
  const at::NoGradGuard no_grad;
  std::map<std::string, Tensor> ours;
  for (const auto& [name, description] : c.json.at("inputs").entries) {
    const Tensor x = input(description);
    ours[str("features.", x.size(2), "x", x.size(3))] = network.forward(x);
  }
  const video::Frames picture_frames = frame_of(picture(c.json.at("picture")));
  for (const auto& [name, golden] : c.tensors) {
    int resize = 0, crop = 0;
    if (std::sscanf(name.c_str(), "preprocess.%d_%d", &resize, &crop) == 2)
      ours[name] = conditioning::dino_preprocess(picture_frames, resize, crop)[0];
  }
  compare_data(c, report, ours, 1e-5);
}

}  // namespace

bool run_data_metrics(const Case& c, Report& report) {
  const Node* values = c.json.find("values");
  const auto first_has = [&](const char* key) {
    return values && values->is_map() && values->size() && values->entries[0].second.find(key);
  };
  if (first_has("clip_t"))
    run_similarity(c, report);
  else if (first_has("trace_root"))
    run_frechet(c, report);
  else if (c.json.find("pairs"))
    run_ssim(c, report);
  else if (const Node* config = c.json.find("config"); config && config->find("embed_dim"))
    run_dino(c, report);
  else
    return false;
  return true;
}

}  // namespace vgen::parity
