// Area "training": learning rates, averages, and whole optimiser steps of the text-to-video trainer.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>

#include "vgen/diffusion/noise.hpp"
#include "vgen/formats/json.hpp"
#include "vgen/parity/networks.hpp"
#include "vgen/train/learning_rate.hpp"
#include "vgen/train/text_to_video.hpp"

namespace vgen::parity {
namespace {

void learning_rates(const Case& c, Report& report) {
  for (const auto& [name, node] : c.json.at("config").entries) {
    train::LearningRateOptions o{.base = node.at("base_lr").as_double(),
                                 .warmup_steps = node.at("warmup_steps").as_int(),
                                 .total_steps = node.at("total_steps").as_int(),
                                 .decay = read<train::Decay>(node.at("decay_mode"))};
    if (const Node* minimum = node.find("min_lr")) o.minimum = minimum->as_double();
    const Tensor counts = c.golden(name + ".count");
    std::vector<double> rates;
    for (std::int64_t i = 0; i < counts.numel(); ++i)
      rates.push_back(train::learning_rate(o, counts[i].item<std::int64_t>()));
    report.relative(name, at::tensor(rates, at::kDouble), c.golden(name + ".lr"), 1e-12);
  }
}

void averages(const Case& c, Report& report) {
  const std::string salt = c.json.at("salt").as_string();
  std::vector<Tensor> p;
  for (std::size_t i = 0; i < c.json.at("inputs").size(); ++i) {
    const Node& input = c.json.at("inputs").at(str("p", i));
    p.push_back(unit(salt, input.at("name").as_string(), input.at("shape").as_ints()));
  }
  for (const auto& [name, key] : {std::pair{"ema", "ema_decay"}, {"target", "target_rate"}}) {
    std::vector<Tensor> average{p[0].clone()};
    for (std::size_t i = 1; i < p.size(); ++i)
      train::update_average(average, {p[i]}, c.json.at("config").at(key).as_double());
    report.relative(name, average[0], c.golden(name));
  }
}

// The five-scalar network of step_analytic_*.
struct Analytic : nn::Module {
  Tensor a0, a1, b0, b1, c;
  Analytic() {
    for (const auto& [name, t] :
         {std::pair{"lora_a0", &a0}, {"lora_a1", &a1}, {"lora_b0", &b0}, {"lora_b1", &b1}, {"lora_c", &c}})
      add_parameter(name, *t, at::tensor(0.0f));
  }
  Tensor forward(const Tensor& x, const Tensor& t, const Tensor& y) {
    const Tensor tau = (t.to(at::kFloat) / 1024).view({-1, 1, 1, 1, 1});
    const std::int64_t each = x.numel() / x.size(0);
    const Tensor cond = y.flatten(1).narrow(1, 0, each).view(x.sizes());
    return (0.5 + a0 + a1 * tau) * x + (0.25 + b0 + b1 * tau) * cond + c * x.tanh();
  }
};

// The reference scales the gradient of the parameters that come from the image model. `name` is the reference's.
bool from_image_model(const std::string& name) {
  if (name.starts_with("time_embed") || name.starts_with("fps_embedding") ||
      name.find("temopral_conv") != std::string::npos)
    return false;
  if (name.starts_with("lora_")) return false;
  if (name.starts_with("input_blocks.0.1.")) return false;
  // Temporal transformers: index 2 of a block, and of the middle.
  for (const char* prefix : {"input_blocks.", "output_blocks."})
    if (name.starts_with(prefix)) {
      const std::size_t dot = name.find('.', std::string(prefix).size());
      return name.substr(dot + 1, 2) != "2.";
    }
  return !name.starts_with("middle_block.2.");
}

// The shipped list names the modules of the full-size network; a tiny one has other ones under the same indices.
bool listed(const std::string& name) {
  const auto block = [&](const std::string& prefix, int& index, std::string& rest) {
    if (!name.starts_with(prefix)) return false;
    const std::size_t dot = name.find('.', prefix.size());
    index = std::stoi(name.substr(prefix.size(), dot - prefix.size()));
    rest = name.substr(dot + 1);
    return true;
  };
  if (!from_image_model(name)) return false;
  int i = 0;
  std::string rest;
  const auto res = [&](bool skip) {
    return rest.starts_with("0.") && (skip || !rest.starts_with("0.skip_connection"));
  };
  if (block("input_blocks.", i, rest)) {
    if (i == 0) return rest.starts_with("0.");
    if (i == 3 || i == 6 || i == 9) return rest.starts_with("op.");
    if (rest.starts_with("op.")) return false;
    if (rest.starts_with("1.")) return i <= 8;
    return i <= 11 && res(i == 4 || i == 7);
  }
  if (block("output_blocks.", i, rest)) {
    if (i > 11) return false;
    if (i == 2 && rest.starts_with("1.")) return rest.starts_with("1.conv.");
    if (rest.starts_with("3.")) return i == 5 || i == 8;
    if (rest.starts_with("1.")) return i >= 3;
    return res(true);
  }
  if (name.starts_with("middle_block.")) return !name.starts_with("middle_block.2.");
  return name.starts_with("out.");
}

void step(const Case& c, Report& report) {
  const at::AutoGradMode on(true);
  const std::string salt = c.json.at("salt").as_string();
  const Node& values = c.json.at("values");
  const Node& effective = values.at("effective");
  const Node& d = effective.at("Diffusion");
  VGEN_CHECK(d.at("loss_type").as_string() == "mse", UnsupportedError, "training: loss ",
             d.at("loss_type").as_string());
  const schedulers::NoiseSchedule schedule = schedule_of(d);
  const auto prediction = read<diffusion::Prediction>(d.at("mean_type"));
  const double offset = d.at("noise_strength").as_double(), p_zero = effective.at("p_zero").as_double();

  // The network, by the rule; the reference's constructor defaults fill what the case leaves out.
  const Node& network = c.json.at("config").at("UNet");
  const bool analytic = network.find("type") && network.at("type").as_string() == "GoldenAnalytic";
  std::unique_ptr<unet::UNet> net;
  Analytic scalars;
  std::vector<std::pair<std::string, Tensor>> parameters;  // reference name -> tensor
  if (analytic) {
    scalars.each_parameter([&](const std::string& name, Tensor& t) {
      t = parameter(salt, name, t.sizes()), parameters.emplace_back(name, t);
    });
  } else {
    unet::UNetOptions o =
        unet_options(network.find("type") ? network.at("type").as_string() : "UNetSD_T2VBase", network);
    o.temporal_dropout = 0;
    net = std::make_unique<unet::UNet>(o);
    net->train();
    const auto filled = fill(*net, unet::reference_keys(*net), salt);
    for (const KeyPair& key : unet::reference_keys(*net)) parameters.emplace_back(key.theirs, filled.at(key.theirs));
  }
  report.check("network", parameters.size() == static_cast<std::size_t>(values.at("network").at("entries").as_int()),
               "other number of parameters");
  std::vector<Tensor> tensors;
  std::map<std::string, Tensor> by_name;
  for (auto& [name, t] : parameters) tensors.push_back(t.requires_grad_(true)), by_name[name] = t;
  const Node& policy = effective.at("Pretrain");
  const double grad_scale = policy.find("grad_scale") ? policy.at("grad_scale").as_double() : 1;
  if (policy.at("fix_weight").as_bool()) {  // the listed parameters stay as they are
    tensors.clear();
    for (auto& [name, t] : parameters)
      if (listed(name))
        t.requires_grad_(false);
      else
        tensors.push_back(t);
  }
  if (const Node* count = values.find("trainable_tensors"))
    report.check("trainable tensors", static_cast<std::int64_t>(tensors.size()) == count->as_int(),
                 str(static_cast<long>(tensors.size()), ", golden ", count->as_int()));

  train::AdamW optimizer(tensors, {.weight_decay = effective.at("weight_decay").as_double()});
  const train::LearningRateOptions rates{.base = effective.at("lr").as_double(),
                                         .warmup_steps = effective.at("warmup_steps").as_int(),
                                         .total_steps = effective.at("num_steps").as_int(),
                                         .decay = read<train::Decay>(effective.at("decay_mode"))};
  const bool use_ema = effective.at("use_ema").as_bool();
  std::vector<Tensor> average;
  std::vector<Tensor> averaged;  // frozen ones too
  for (const auto& [name, t] : parameters) averaged.push_back(t), average.push_back(t.detach().clone());
  std::vector<std::string> watched;
  for (const Node& n : values.at("parameters").items) watched.push_back(n.as_string());
  std::map<std::string, Tensor> before;
  for (const std::string& name : watched) before[name] = by_name.at(name).detach().clone();

  // What one process sees in a step. Several processes: each has its own batch, and their gradients are averaged.
  struct Rank {
    std::string name;  // part of its inputs' names
    std::vector<std::int64_t> shape;
    std::int64_t fps = 1;
    std::vector<double> losses = {};
  };
  std::vector<Rank> ranks;
  const Node& given_shape = c.json.at("inputs").at("latents").at("shape");
  const Node& overrides = c.json.at("config").at("overrides");
  const auto rank = [&](const std::string& name, std::vector<std::int64_t> shape) {
    Rank r{name, std::move(shape)};
    const auto lengths = overrides.at("frame_lens").as_ints(), rates = overrides.at("sample_fps").as_ints();
    for (std::size_t i = 0; i < lengths.size() && i < rates.size(); ++i)
      if (lengths[i] == r.shape[2] && lengths[i] > 1) r.fps = rates[i];
    ranks.push_back(std::move(r));
  };
  if (c.json.at("config").find("ranks"))
    for (std::size_t r = 0; r < given_shape.size(); ++r) {  // "rank 0: [2, 4, 1, 8, 8]"
      const std::string& text = given_shape[r].as_string();
      rank(str("rank", r, "."), formats::parse_json(text.substr(text.find('[')), c.name).as_ints());
    }
  else
    rank("", given_shape.as_ints());
  auto text_shape = c.json.at("inputs").at("y").at("shape").as_ints();
  const int steps = static_cast<int>(c.json.at("config").at("steps").as_int());
  std::vector<double> mean_losses, lrs, norms;
  std::vector<Tensor> watched_norms, first_gradients;
  const auto first8 = [](const Tensor& t) { return t.flatten().slice(0, 0, 8); };
  const auto padded = [&](const Tensor& t) {  // fewer than eight elements: zeros
    Tensor out = t.new_zeros({8});
    out.slice(0, 0, t.numel()).copy_(t);
    return out;
  };
  for (int s = 1; s <= steps; ++s) {
    double mean_loss = 0;
    for (Rank& each : ranks) {
      const std::string prefix = str("input.step", s, ".", each.name);
      const Tensor latents = unit(salt, prefix + "latents", each.shape);
      const std::int64_t batch = each.shape[0];
      const Tensor raw = uniform(salt, prefix + "randint.0", {batch}).to(at::kDouble);
      const Tensor t = ((raw + 1) / 2 * schedule.steps()).floor().to(at::kLong);
      const Tensor drop = (uniform(salt, prefix + "rand.0", {batch}) + 1) / 2;
      std::vector<Tensor> words;
      for (std::int64_t r = 0; r < batch; ++r)
        words.push_back(unit(
            salt,
            drop[r].item<double>() < p_zero ? std::string("input.y.negative") : str("input.y.", each.name, s, ".", r),
            text_shape));
      const Tensor y = at::stack(words);
      int draws = 0;
      const Tensor noise = diffusion::draw_noise(latents, offset, [&](const Tensor& like) {
        return unit(salt, prefix + (draws++ == 0 ? "randn_like.0" : "randn.0"), like.sizes());
      });
      Tensor loss;
      if (analytic) {
        const Tensor noisy = diffusion::add_noise(schedule, latents, noise, t);
        loss = (scalars.forward(noisy, t, y) - diffusion::target(prediction, schedule, latents, noise, t, noisy))
                   .square()
                   .flatten(1)
                   .mean(1)
                   .mean();
      } else {
        unet::Conditions given{{"text", y}};
        if (!net->options().embeddings.empty())
          given.set("fps", at::tensor(std::vector<std::int64_t>(static_cast<std::size_t>(batch), each.fps), at::kLong));
        loss = train::denoising_loss(*net, schedule, prediction, latents, t, noise, given);
      }
      each.losses.push_back(loss.item<double>());
      mean_loss += each.losses.back() / static_cast<double>(ranks.size());
      (loss / static_cast<double>(ranks.size())).backward();  // gradients add up to their mean
    }
    mean_losses.push_back(mean_loss);
    lrs.push_back(train::learning_rate(rates, s - 1));
    {
      const at::NoGradGuard off;
      for (auto& [name, tensor] : parameters)
        if (listed(name) && tensor.grad().defined()) tensor.mutable_grad().mul_(grad_scale);
      norms.push_back(train::clip_gradients(tensors, 0));
      std::vector<double> each;
      for (const std::string& name : watched) {
        each.push_back(by_name.at(name).grad().norm().item<double>());
        if (s == 1) first_gradients.push_back(padded(first8(by_name.at(name).grad())));
      }
      watched_norms.push_back(at::tensor(each, at::kDouble));
    }
    optimizer.step(lrs.back());
    optimizer.zero_grad();
    if (use_ema) train::update_average(average, averaged, effective.at("ema_decay").as_double());
  }

  const at::NoGradGuard off;
  const auto sized = [&](const std::string& name, const Tensor& ours) {
    return ours.slice(-1, 0, c.golden(name).size(-1));
  };
  for (const Rank& each : ranks)
    report.relative(each.name + "loss", at::tensor(each.losses, at::kDouble), c.golden(each.name + "loss"));
  if (c.tensors.contains("mean_loss"))
    report.relative("mean_loss", at::tensor(mean_losses, at::kDouble), c.golden("mean_loss"));
  report.relative("lr", at::tensor(lrs, at::kDouble), c.golden("lr"), 1e-12);
  report.relative("gradient_norm", at::tensor(norms, at::kDouble), c.golden("gradient_norm"), 1e-4);
  report.relative("gradient_norms", at::stack(watched_norms), c.golden("gradient_norms"), 1e-4);
  report.relative("gradient_first", sized("gradient_first", at::stack(first_gradients)), c.golden("gradient_first"),
                  1e-4);
  const auto summary = [&](const std::string& prefix, double tolerance,
                           const std::function<Tensor(const std::string&)>& value) {
    std::vector<double> sizes;
    std::vector<Tensor> first;
    for (const std::string& name : watched)
      sizes.push_back(value(name).norm().item<double>()), first.push_back(padded(first8(value(name))));
    report.relative(prefix + "_norms", at::tensor(sizes, at::kDouble), c.golden(prefix + "_norms"), tolerance);
    report.relative(prefix + "_first", sized(prefix + "_first", at::stack(first)), c.golden(prefix + "_first"),
                    tolerance);
  };
  summary("after", 1e-5, [&](const std::string& n) { return by_name.at(n).detach(); });
  summary("moved", 3e-3, [&](const std::string& n) { return by_name.at(n).detach() - before.at(n); });
  if (use_ema) {
    std::map<std::string, Tensor> averages_by_name;
    for (std::size_t i = 0; i < parameters.size(); ++i) averages_by_name[parameters[i].first] = average[i];
    summary("ema", 1e-5, [&](const std::string& n) { return averages_by_name.at(n); });
  }
}

}  // namespace

void run_training(const Case& c, Report& report) {
  const Node& config = c.json.at("config");
  const Node* first = config.is_map() && config.size() ? &config.entries.front().second : nullptr;
  if (first && first->find("base_lr")) return learning_rates(c, report);
  if (config.find("ema_decay") && config.find("target_rate")) return averages(c, report);
  const Node* entrance = config.find("entrance");
  VGEN_CHECK(entrance && entrance->is_string() && entrance->string == "train_t2v_enterance" && config.find("steps"),
             UnsupportedError, "training: this kind of case is not built in: ", c.name);
  step(c, report);
}

}  // namespace vgen::parity
