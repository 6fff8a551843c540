#include "vgen/reference_config/reference_config.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "vgen/core/atomic_file.hpp"
#include "vgen/core/options.hpp"
#include "vgen/formats/yaml.hpp"
#include "vgen/reference_config/keys.hpp"

namespace vgen::reference_config {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kPairs = "the command line";
constexpr std::int64_t kMaxRequests = 1000000;

// VGen's tools/modules/config.py: what holds where no file says otherwise (only what has an effect).
constexpr std::string_view kDefaults = R"(
resolution: [448, 256]
frame_lens: [32, 32, 32, 1]
sample_fps: [4]
guide_scale: 3.0
ddim_timesteps: 50
p_zero: 0.9
use_fp16: true
chunk_size: 16
decoder_bs: 8
seed: 8888
log_dir: workspace/temp_dir
num_steps: 600000
lr: 5.0e-5
weight_decay: 0.0
ema_decay: 0.9999
warmup_steps: 10
decay_mode: cosine
log_interval: 100
viz_interval: 1000
save_ckp_interval: 1000
batch_sizes: {"1": 256, "4": 4, "8": 4, "16": 4}
scale_factor: 0.18215
negative_prompt: Distorted, discontinuous, Ugly, blurry, low resolution, motionless, static, disfigured, disconnected limbs, Ugly faces, incomplete arms
UNet: {type: UNetSD, in_dim: 4, dim: 320, context_dim: 1024, out_dim: 8, dim_mult: [1, 2, 4, 4], num_heads: 8, head_dim: 64, num_res_blocks: 2, attn_scales: [1, 0.5, 0.25], dropout: 0.1, use_fps_condition: false}
Diffusion: {type: DiffusionDDIM, schedule: cosine, schedule_param: {num_timesteps: 1000, cosine_s: 0.008, zero_terminal_snr: true}, mean_type: v, noise_strength: 0.1}
embedder: {type: FrozenOpenCLIPEmbedder, pretrained: models/open_clip_pytorch_model.bin}
auto_encoder: {type: AutoencoderKL, pretrained: models/v2-1_512-ema-pruned.ckpt}
)";

std::string at(const std::string& source, const Node& node) {
  return node.line > 0 ? str(source, ":", node.line, ":", node.column) : source;
}

const Key* find(const std::vector<Key>& keys, std::string_view name) {
  const auto key = std::ranges::find(keys, name, &Key::name);
  return key == keys.end() ? nullptr : &*key;
}

std::string did_you_mean(const std::vector<Key>& keys, std::string_view name) {
  std::vector<std::string> names;
  for (const Key& key : keys) names.emplace_back(key.name);
  const std::string near = nearest(name, names.data(), names.size());
  return near.empty() ? "" : "; did you mean '" + near + "'?";
}

// A text that a person reads as a number and PyYAML as text, such as 1e-4.
std::optional<Node> hidden_number(const Node& node) {
  if (!node.is_string()) return std::nullopt;
  try {
    Node number = formats::parse_yaml_value(node.string);
    if (!number.is_number()) return std::nullopt;
    number.line = node.line, number.column = node.column;
    return number;
  } catch (const Error&) { return std::nullopt; }
}

bool dotted_path(std::string_view text) {
  return text.find('.') != std::string_view::npos &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || c == '_' || c == '.'; });
}

class Converter {
 public:
  Converter(const fs::path& path, const Options& options) : path_(path), options_(options) {}

  Conversion run() {
    Node own = read(path_, "");
    const Node pairs = read_pairs();
    if (!own.is_map()) return std::move(out_);
    Node launched = own;
    merge(launched, pairs, std::string(kPairs), false);
    if (!find_task(launched, pairs)) return std::move(out_);
    merged_ = formats::parse_yaml(kDefaults, "VGen's defaults");
    for (const char* base : {"vldm_cfg", "subject_cfg", "motion_cfg"}) {
      const Node* name = launched.find(base);
      if (!name || !name->is_string() || name->string.empty() || !reads(*find(top_keys(), base))) continue;
      const std::string where = at(source_of(pairs, base), *name);
      const fs::path file = locate(path_, name->string);
      const Node layer = read(file, where);
      bases_are_read_ = bases_are_read_ && layer.is_map();
      check(layer, file.string());
      if (layer.is_map()) merge(merged_, layer, file.string());
    }
    if (!launched.find("vldm_cfg") && needs_base())
      problem(path_.string(), "no key 'vldm_cfg', which VGen requires here; name the base file, or '' for none");
    check(own, path_.string());
    check(pairs, std::string(kPairs));
    merge(merged_, own, path_.string());
    merge(merged_, pairs, std::string(kPairs));
    out_.effective = merged_;
    strip_places(out_.effective);
    if (bases_are_read_) find_unet_class();
    report(own, path_.string());
    report(pairs, std::string(kPairs));
    for (const auto& [source, layer] : layers_) report(layer, source);
    if (out_.problems.empty())
      build();
    else  // nothing to build, but all files that are missing are told at once
      files();
    return std::move(out_);
  }

 private:
  void problem(std::string where, std::string what) {
    for (const Problem& p : out_.problems)
      if (p.where == where && p.what == what) return;
    out_.problems.push_back({std::move(where), std::move(what)});
  }
  void note(const std::string& where, const std::string& what) {
    const std::string text = where.empty() ? what : where + ": " + what;
    if (std::ranges::find(out_.notes, text) == out_.notes.end()) out_.notes.push_back(text);
  }

  // ---- reading and merging ----
  Node read(const fs::path& file, const std::string& named_at) {
    std::string text;
    try {
      text = read_file(file, std::size_t(1) << 20);
    } catch (const Error& e) {
      problem(named_at.empty() ? file.string() : named_at, e.what());
      return {};
    }
    std::vector<formats::RepeatedKey> repeated;
    Node out;
    try {
      out = formats::parse_yaml_1_1(text, file.string(), repeated);
    } catch (const Error& e) {  // "file:line:column: what"
      const std::string message = e.what(), start = file.string() + ":";
      const std::size_t end = message.starts_with(start) ? message.find(": ", start.size()) : std::string::npos;
      if (end == std::string::npos)
        problem(file.string(), message);
      else
        problem(message.substr(0, end), message.substr(end + 2));
      return {};
    }
    for (const auto& key : repeated)
      note(str(file.string(), ":", key.line, ":", key.column),
           str("'", printable(key.key), "' is written twice; the last one counts"));
    if (!out.is_map()) problem(file.string(), str("expected a map of keys, got ", type_name(out.type)));
    if (!named_at.empty() && out.is_map()) layers_.emplace_back(file.string(), out);
    return out;
  }

  Node read_pairs() {
    Node pairs = Node::map();
    for (const auto& [key, value] : options_.pairs) {
      try {
        const Key* known = reference_config::find(top_keys(), key);
        const bool text = value.empty() || (known && known->kind[0] == 's');
        set_path(pairs, key, text ? Node(value) : formats::parse_yaml_value(value));
      } catch (const Error& e) { problem(str(kPairs), str("'", printable(key), "': ", e.what())); }
    }
    strip_places(pairs);
    return pairs;
  }
  static void strip_places(Node& node) {
    node.line = node.column = 0;
    for (Node& item : node.items) strip_places(item);
    for (auto& [key, value] : node.entries) strip_places(value);
  }

  // A map under a key that holds one is updated one level deep, all else replaced. Pairs reach deeper.
  void merge(Node& under, const Node& over, const std::string& source, bool record = true) {
    for (const auto& [key, value] : over.entries) {
      if (record) origin_[key] = source;
      const Node* there = under.find(key);
      if (!there || !there->is_map() || !value.is_map()) {
        under.set(key, value);
        if (record)
          for (const auto& [inner, unused] : value.entries) origin_[key + "." + inner] = source;
        continue;
      }
      Node block = *there;
      for (const auto& [inner, item] : value.entries) {
        const std::string path = key + "." + inner;
        const Node* old = block.find(inner);
        if (source == kPairs && old && old->is_map() && item.is_map()) {
          Node deep = *old;
          for (const auto& [name, each] : item.entries) {
            if (record) origin_[path + "." + name] = source;
            deep.set(name, each);
          }
          block.set(inner, std::move(deep));
        } else {
          if (record) origin_[path] = source;
          block.set(inner, item);
        }
      }
      under.set(key, std::move(block));
    }
  }

  std::string source_of(const Node& pairs, std::string_view key) const {
    return pairs.find(key) ? std::string(kPairs) : path_.string();
  }
  // The source that set a key: the deepest block around it that one replaced.
  auto origin_of(std::string_view path) const -> std::map<std::string, std::string, std::less<>>::const_iterator {
    std::string key(path);
    while (!origin_.contains(key) && key.find('.') != std::string::npos) key.resize(key.rfind('.'));
    return origin_.find(key);
  }
  // Where the effective value of a key stands.
  std::string where(std::string_view path) const {
    const auto source = origin_of(path);
    if (source == origin_.end()) return "VGen's defaults";
    const Node* node = value(path);
    if (!node) node = value(source->first);
    return node ? at(source->second, *node) : source->second;
  }

  // ---- what the keys are ----
  bool find_task(const Node& launched, const Node& pairs) {
    const Node* type = launched.find("TASK_TYPE");
    if (!type) {
      const auto idle = [](const auto& entry) {
        const Key* key = reference_config::find(top_keys(), entry.first);
        return key && key->readers.empty();
      };
      if (options_.inputs_must_exist || !std::ranges::all_of(launched.entries, idle))
        return problem(path_.string(), "no key TASK_TYPE; a file of VGen names the entry point that runs it"), false;
      note(path_.string(), "no key TASK_TYPE, and nothing here has an effect: VGen only merges it under others");
      for (const auto& [name, value] : launched.entries)
        out_.keys.push_back({name, at(path_.string(), value), false, "no effect: nothing reads it"});
      return false;
    }
    const std::string place = at(source_of(pairs, "TASK_TYPE"), *type);
    if (!type->is_string())
      return problem(place, str("TASK_TYPE: expected a name, got ", type_name(type->type))), false;
    for (const Task& task : kTasks)
      if (task.type == type->string) {
        task_ = &task;
        if (!task.registered)
          note(place,
               str("VGen has no task '", task.type, "': it could not run this file, only merge it under others"));
        return true;
      }
    std::vector<std::string> names;
    for (const Task& task : kTasks) names.emplace_back(task.type);
    const std::string near = nearest(type->string, names.data(), names.size());
    problem(place, str("TASK_TYPE: unknown task '", printable(type->string), "'",
                       near.empty() ? "" : "; did you mean '" + near + "'?"));
    return false;
  }
  bool reads(const Key& key) const { return key.readers.find(task_->letter) != std::string_view::npos; }
  bool is(std::string_view letters) const { return letters.find(task_->letter) != std::string_view::npos; }
  bool needs_base() const { return is("tihsfclm"); }

  void expect_kind(const Key& key, const std::string& path, const Node& node, const std::string& source) {
    using T = Node::Type;
    const auto fits = [&](char kind) {
      return (kind == 'b' && node.is(T::boolean)) || (kind == 'i' && node.is(T::integer)) ||
             (kind == 'n' && node.is_number()) || (kind == 's' && node.is_string()) ||
             (kind == 'l' && node.is_list()) || (kind == 'm' && node.is_map()) || kind == '*' ||
             (kind == '?' && node.is_null());
    };
    if (std::ranges::any_of(key.kind, fits)) return;
    if (const auto number = hidden_number(node); number && (key.kind[0] == 'n' || key.kind[0] == 'i'))
      return note(at(source, node), str(path, ": '", printable(node.string),
                                        "' is text to PyYAML; taken as the number that it looks like"));
    if (key.kind[0] == 'i' && node.is(T::real) && node.real == std::floor(node.real)) return;
    const char* wanted = key.kind[0] == 'b'   ? "true or false"
                         : key.kind[0] == 'i' ? "an integer"
                         : key.kind[0] == 'n' ? "a number"
                         : key.kind[0] == 's' ? "a string"
                         : key.kind[0] == 'l' ? "a list"
                                              : "a map";
    problem(at(source, node), str(path, ": expected ", wanted, ", got ", type_name(node.type)));
  }

  const std::vector<Key>* keys_of(const std::string& path) const {
    if (path.empty()) return &top_keys();
    if (path == "UNet") return &unet_keys();
    if (path == "Diffusion") return &diffusion_keys();
    for (const Block& block : blocks())
      if (block.path == path) return &block.keys;
    return nullptr;
  }
  // Unknown keys and wrong kinds.
  void check(const Node& map, const std::string& source, const std::string& path = "") {
    const std::vector<Key>* keys = keys_of(path);
    if (!keys) return;
    for (const auto& [name, value] : map.entries) {
      const std::string full = path.empty() ? name : path + "." + name;
      const Key* key = reference_config::find(*keys, name);
      if (!key) {
        problem(at(source, value), str("unknown key '", printable(full), "'", did_you_mean(*keys, name)));
        continue;
      }
      expect_kind(*key, full, value, source);
      if (value.is_map()) check(value, source, full);
    }
  }

  void find_unet_class() {
    const Node* type = value("UNet.type");
    for (const UnetClass& each : kUnetClasses)
      if (type && type->is_string() && each.type == type->string) unet_class_ = each.letter;
    if (unet_class_.empty())
      problem(where("UNet.type"),
              str("UNet.type: no network '", type && type->is_string() ? printable(type->string) : "?",
                  "'; VGen has UNetSD_T2VBase, _I2VGen, _HiGen, _SR600, _TFT2V, _VideoLCM, "
                  "_DreamVideo and _LoRA",
                  origin_.contains("UNet.type") ? "" : "; is the base file (vldm_cfg) missing?"));
  }

  // ---- the report ----
  void report(const Node& map, const std::string& source, const std::string& path = "") {
    const std::vector<Key>* keys = keys_of(path);
    if (!keys) return;
    std::string_view letter = task_->letter;
    if (path == "UNet") letter = unet_class_;
    if (path == "Diffusion") {
      const Node* type = value("Diffusion.type");
      letter = type && type->is_string() ? type->string == "DiffusionDDIMSR"       ? "s"
                                           : type->string == "DiffusionDDIMReward" ? "r"
                                                                                   : "d"
                                         : "d";
    }
    for (const auto& [name, value] : map.entries) {
      const Key* key = reference_config::find(*keys, name);
      if (!key) continue;
      const std::string full = path.empty() ? name : path + "." + name;
      const bool block = value.is_map() && keys_of(full);
      KeyReport row{.key = full, .where = at(source, value)};
      const auto winner = origin_of(full);
      if (winner != origin_.end() && winner->second != source) {
        if (!block) row.became = "replaced by " + where(full);
      } else if (path == "embedder" && name == "vit_resolution" && is("sT")) {
        row.became = "no effect: this task shows CLIP no pictures";
      } else if (key->readers == "*" || (!letter.empty() && key->readers.find(letter) != std::string_view::npos)) {
        row.used = true;
        row.became = key->became;
      } else {
        row.became = str("no effect: ", key->idle);
      }
      if (!(block && row.became.empty())) out_.keys.push_back(row);
      if (block && (row.used || row.became.empty())) report(value, source, full);
    }
  }

  // ---- building ours ----
  const Node* value(std::string_view path) const {
    const Node* node = &merged_;
    while (node && !path.empty()) {
      const std::size_t dot = path.find('.');
      node = node->find(path.substr(0, dot));
      path = dot == std::string_view::npos ? "" : path.substr(dot + 1);
    }
    return node;
  }
  std::optional<double> number(std::string_view path) const {
    const Node* node = value(path);
    if (!node) return std::nullopt;
    if (node->is_number()) return node->as_double();
    const auto hidden = hidden_number(*node);
    return hidden ? std::optional(hidden->as_double()) : std::nullopt;
  }
  std::int64_t integer(std::string_view path, std::int64_t fallback) const {
    return static_cast<std::int64_t>(number(path).value_or(static_cast<double>(fallback)));
  }
  std::string text(std::string_view path, std::string fallback = "") const {
    const Node* node = value(path);
    return node && node->is_string() ? node->string : fallback;
  }
  bool yes(std::string_view path) const {
    const Node* node = value(path);
    return node && node->is(Node::Type::boolean) && node->boolean;
  }
  void set(std::string_view path, Node value) {
    strip_places(value);
    set_path(out_.config, path, std::move(value));
  }

  void build() {
    set("system", std::string(task_->system));
    set("task_type", std::string(task_->type));
    set("index.system", std::string(task_->system));
    schedule();
    defaults();
    unet();
    copy(top_keys(), "", task_->letter);
    if (task_->training) training();
    run_options();
    files();
  }
  void files() {
    checkpoints();
    adapters();
    if (!task_->training) inputs();
  }

  // Keys whose name here is a path and whose value stays as it is.
  void copy(const std::vector<Key>& keys, const std::string& path, std::string_view letter) {
    static const std::set<std::string_view> elsewhere{"run.seed",
                                                      "run.output",
                                                      "run.conditions",
                                                      "index.defaults.offset_noise",
                                                      "trainer.ema_decay",
                                                      "index.defaults.negative_prompt",
                                                      "trainer.learning_rate.decay",
                                                      "index.defaults.sampler.steps",
                                                      "index.defaults.frames",
                                                      "run.dtype",
                                                      "run.latents"};
    for (const Key& key : keys) {
      const Node* given = value(path.empty() ? std::string(key.name) : path + "." + std::string(key.name));
      if (!given || given->is_null() || !dotted_path(key.became) || elsewhere.contains(key.became)) continue;
      if (key.readers != "*" && key.readers.find(letter) == std::string_view::npos) continue;
      static constexpr std::array prefixes{"index.schedule.", "index.defaults.", "run.", "trainer.", "task.", "data."};
      if (std::ranges::none_of(prefixes, [&](std::string_view p) { return key.became.starts_with(p); })) continue;
      Node copied = *given;
      if (key.kind[0] == 'n' || key.kind[0] == 'i')
        if (const auto hidden = hidden_number(copied)) copied = *hidden;
      set(key.became, std::move(copied));
    }
  }

  void set_schedule(const std::string& block) {
    static const std::map<std::string, const char*, std::less<>> names{
        {"linear_sd", "scaled_linear"},
        {"cosine", "cosine"},
        {"linear", "linear"},
        {"quadratic", "quadratic"},
        {"logsnr_cosine_interp", "logsnr_cosine_interp"}};
    const std::string name = text(block + ".schedule");
    const auto known = names.find(name);
    if (known == names.end())
      return problem(where(block + ".schedule"),
                     str(block, ".schedule: unknown '", printable(name),
                         "'; VGen has linear_sd, linear, quadratic, cosine and logsnr_cosine_interp"));
    const std::string_view kind = known->second;
    set("index.schedule.schedule", std::string(kind));
    set("index.schedule.steps", integer(block + ".schedule_param.num_timesteps", 1000));
    const auto parameter = [&](const char* theirs, const char* ours, bool fits) {
      if (const auto x = number(block + ".schedule_param." + theirs); x && fits)
        set(std::string("index.schedule.") + ours, *x);
    };
    const bool log_snr = kind == "logsnr_cosine_interp", cosine = kind == "cosine";
    parameter("cosine_s", "cosine_s", cosine);
    parameter("init_beta", "beta_start", !cosine && !log_snr);
    parameter("last_beta", "beta_end", !cosine && !log_snr);
    parameter("scale_min", "scale_min", log_snr);
    parameter("scale_max", "scale_max", log_snr);
    parameter("logsnr_min", "log_snr_min", log_snr);
    parameter("logsnr_max", "log_snr_max", log_snr);
    if (!log_snr) set("index.schedule.zero_terminal_snr", yes(block + ".schedule_param.zero_terminal_snr"));
    const std::string mean = text(block + ".mean_type", "v");
    static const std::map<std::string, const char*, std::less<>> predictions{
        {"v", "v"}, {"eps", "epsilon"}, {"x0", "x0"}, {"x_{t-1}", "previous"}};
    const auto prediction = predictions.find(mean);
    if (prediction == predictions.end())
      return problem(where(block + ".mean_type"),
                     str(block, ".mean_type: unknown '", printable(mean), "'; VGen has v, eps, x0 and x_{t-1}"));
    set("index.prediction", std::string(prediction->second));
  }
  void schedule() {
    if (is("lm")) {  // written in the entry points
      set("index.schedule", Node::map({{"schedule", "scaled_linear"},
                                       {"steps", 1000},
                                       {"beta_start", 0.00085},
                                       {"beta_end", 0.012},
                                       {"zero_terminal_snr", true},
                                       {"precision", "float32"}}));
      set("index.prediction", "v");
    } else if (text("Diffusion.type") == "DiffusionDDIMSR") {
      set_schedule("Diffusion.forward_diffusion");
    } else {
      set_schedule("Diffusion");
      const std::string type = text("Diffusion.type");
      if (type != "DiffusionDDIM" && type != "DiffusionDDIMReward")
        problem(where("Diffusion.type"), str("Diffusion.type: unknown '", printable(type),
                                             "'; VGen has DiffusionDDIM, DiffusionDDIMSR and DiffusionDDIMReward"));
    }
  }

  std::vector<std::int64_t> integers(const char* path) {
    std::vector<std::int64_t> out;
    const Node* list = value(path);
    if (!list || !list->is_list()) return out;
    for (const Node& item : list->items) {
      if (!item.is(Node::Type::integer)) {
        problem(where(path), str(path, ": expected a list of integers"));
        return {};
      }
      out.push_back(item.integer);
    }
    return out;
  }

  void defaults() {
    const std::vector<std::int64_t> size = integers("resolution"), lens = integers("frame_lens");
    if (size.size() != 2 || size[0] < 8 || size[1] < 8)
      problem(where("resolution"), "resolution: expected [width, height] in pixels, such as [448, 256]");
    std::int64_t frames = integer("max_frames", 16);
    if (is("rTDLRIH")) frames = lens.empty() ? 16 : *std::ranges::max_element(lens);
    if (is("L")) frames = integer("max_frames", frames);
    const bool sr = is("s");
    set("index.defaults.frames", sr ? std::int64_t(32) : frames);
    if (sr || size.size() == 2) {
      set("index.defaults.width", sr ? std::int64_t(1280) : size[0]);
      set("index.defaults.height", sr ? std::int64_t(720) : size[1]);
    }
    set("index.defaults.fps", 8.0);
    set("index.defaults.guidance", is("c") || sr ? 9.0 : is("lmL") ? 1.0 : number("guide_scale").value_or(3.0));
    set("index.defaults.guidance_rescale", sr ? 0.3 : 0.0);
    if (sr) {
      const std::int64_t levels = integer("total_noise_levels", 700);
      set("index.defaults.sampler",
          Node::map({{"type", "dpmpp_2m_sde"},
                     {"steps", 30},
                     {"range", Node::map({{"t_max", static_cast<double>(levels - 1)}, {"spacing", "trailing"}})},
                     {"start", "sigma"}}));
      set("index.defaults.inversion_steps", 30);
    } else if (is("lmL")) {
      set("index.defaults.sampler", Node::map({{"type", "lcm"}, {"steps", integer("num_inference_steps", 4)}}));
    } else {
      const std::int64_t steps = integer("ddim_timesteps", 50);
      set("index.defaults.sampler", Node::map({{"type", "ddim"}, {"steps", steps}}));
      if (steps > 0 && steps <= 1000 && 1000 % steps != 0)
        note(where("ddim_timesteps"), str("ddim_timesteps: VGen's grid takes ", (999 + 1000 / steps) / (1000 / steps),
                                          " steps where ", steps, " are asked for; so does vgen's ddim"));
    }
    set("index.defaults.negative_prompt", sr               ? text("embedder.negative_prompt")
                                          : is("tifcdDTI") ? text("negative_prompt")
                                                           : std::string());
    if (sr) set("index.defaults.positive_prompt", text("embedder.positive_prompt"));
    if (is("hd")) set("index.defaults.offset_noise", number("noise_strength").value_or(0));
    if (is("rR"))
      set("index.defaults.offset_noise",
          yes("temporal_offset_noise") ? number("temporal_offset_noise_strength").value_or(0.1) : 0.0);
  }

  void unet() {
    const Node* mult = value("UNet.dim_mult");
    const Node* scales = value("UNet.attn_scales");
    const auto all_numbers = [](const Node* list) {
      return list && list->is_list() && !list->items.empty() && std::ranges::all_of(list->items, &Node::is_number);
    };
    if (!all_numbers(mult)) problem(where("UNet.dim_mult"), "UNet.dim_mult: expected a list of integers");
    if (!all_numbers(scales)) problem(where("UNet.attn_scales"), "UNet.attn_scales: expected a list of numbers");
    if (!all_numbers(mult) || !all_numbers(scales)) return;
    set("unet", Node::map({{"in_channels", integer("UNet.in_dim", 4)},
                           {"out_channels", integer("UNet.out_dim", 4)},
                           {"channels", integer("UNet.dim", 320)},
                           {"context_channels", integer("UNet.context_dim", 1024)}}));
    Node levels = Node::list();
    double scale = 1;
    for (const Node& each : mult->items) {
      const bool attention = std::ranges::any_of(scales->items, [&](const Node& s) { return s.as_double() == scale; });
      levels.items.push_back(
          Node::map({{"multiplier", static_cast<std::int64_t>(each.as_double())}, {"attention", attention}}));
      scale /= 2;
    }
    set("unet.levels", std::move(levels));
    set("unet.blocks_per_level", integer("UNet.num_res_blocks", 2));
    set("unet.head_channels", integer("UNet.head_dim", 64));
    set("unet.first_heads", integer("UNet.num_heads", 8));
    set("unet.dropout", number("UNet.dropout").value_or(0.1));
    if (value("UNet.temporal_attention") && !yes("UNet.temporal_attention"))
      problem(where("UNet.temporal_attention"),
              "UNet.temporal_attention: vgen's network always has temporal attention");
    if (std::string("thfdr").find(unet_class_) != std::string::npos && yes("UNet.use_fps_condition"))
      set("unet.embeddings", Node::list({Node::map({{"type", "fps"}})}));
    if (unet_class_ == "h")
      set("unet.context", Node::list({Node::map({{"type", "text_resampler"},
                                                 {"count", integer("UNet.num_tokens", 4)},
                                                 {"layers", integer("UNet.context_embedding_depth", 4)}})}));
    if (unet_class_ == "f") composed();
  }

  // VideoComposer's conditions, under their names here and in the order of their summation.
  void composed() {
    static constexpr std::array<std::array<const char*, 3>, 7> maps{{{"depthmap", "depth", "1"},
                                                                     {"local_image", "local_image", "3"},
                                                                     {"motion", "motion", "2"},
                                                                     {"canny", "canny", "1"},
                                                                     {"sketch", "sketch", "1"},
                                                                     {"single_sketch", "single_sketch", "1"},
                                                                     {"mask", "masked", "4"}}};
    const Node* list = value("video_compositions");
    if (!list || !list->is_list()) {
      problem(where("video_compositions"), "no key 'video_compositions', the conditions of this network");
      return;
    }
    std::set<std::string> wanted;
    for (const Node& item : list->items) {
      const std::string name = item.is_string() ? item.string : "";
      const bool known = name == "text" || name == "image" || name == "histogram" ||
                         std::ranges::any_of(maps, [&](const auto& m) { return name == m[0]; });
      if (!known)
        problem(at(origin_["video_compositions"], item),
                str("video_compositions: unknown condition '", printable(name), "'"));
      wanted.insert(name);
    }
    Node dense = Node::list(), context = Node::list({Node::map({{"type", "text"}})});
    for (const auto& [theirs, ours, channels] : maps)
      if (wanted.contains(theirs)) dense.items.push_back(Node::map({{"name", ours}, {"channels", channels[0] - '0'}}));
    if (wanted.contains("image"))
      context.items.push_back(Node::map({{"type", "image_tokens"}, {"count", integer("UNet.num_tokens", 4)}}));
    if (wanted.contains("histogram"))
      context.items.push_back(Node::map({{"type", "histogram"}, {"bins", integer("UNet.hist_dim", 156)}}));
    const std::vector<std::int64_t> size = integers("resolution");
    set("unet.stem", Node::list({Node::map({{"type", "dense_maps"},
                                            {"maps", std::move(dense)},
                                            {"channels", integer("UNet.concat_dim", 8)},
                                            {"width", size.size() == 2 ? size[0] : 448},
                                            {"height", size.size() == 2 ? size[1] : 256}})}));
    set("unet.context", std::move(context));
    for (const auto& [theirs, ours] :
         {std::pair{"misc_dropout", "p"}, std::pair{"p_all_zero", "all_zero"}, std::pair{"p_all_keep", "all_keep"}})
      if (const auto p = number(str("UNet.", theirs))) set(str("unet.condition_dropout.", ours), *p);
  }

  void training() {
    const std::int64_t steps = integer("num_steps", 600000);
    set("trainer.learning_rate.total_steps", steps);
    const std::string decay = text("decay_mode", "none");
    if (decay != "none" && decay != "cosine" && decay != "linear")
      problem(where("decay_mode"),
              str("decay_mode: unknown '", printable(decay), "'; there are none, linear and cosine"));
    set("trainer.learning_rate.decay", decay);
    set("trainer.seed", integer("seed", 8888));
    if (value("use_ema")) set("trainer.ema_decay", yes("use_ema") ? number("ema_decay").value_or(0.9999) : 0.0);
    set("trainer.precision", yes("use_fp16") ? "bf16" : "fp32");
    if (yes("use_fp16")) note(where("use_fp16"), "use_fp16: vgen trains in bf16, which needs no loss scaling");
    set("data.frames", merged_.at("frame_lens"));
    if (const Node* fps = value("sample_fps")) set("data.fps", *fps);
    if (const auto strength = number("noise_strength"); strength && is("TDIH")) set("task.offset_noise", *strength);
  }

  void checkpoint(const std::string& name, const std::string& key) {
    const std::string file = text(key);
    if (file.empty()) return;
    set("checkpoints." + name, file);
    expect_file(file, key);
  }
  void expect_file(const std::string& file, const std::string& key) {
    if (!bases_are_read_ && origin_of(key) == origin_.end()) return;  // the missing file may name another one
    expect_input(file, where(key), "", key + ": ");
  }
  void expect_input(const std::string& file, const std::string& place, const std::string& fix = "",
                    const std::string& who = "") {
    std::error_code error;
    if (fs::exists(locate(path_, file), error)) return;
    const std::string what = str(who, "no file '", printable(file, 400), "'");
    if (options_.inputs_must_exist)
      problem(place, what + fix);
    else
      note(place, what + " (yet)");
  }
  void checkpoints() {
    const char* unet = is("d") ? "base_model" : is("r") ? "infer_checkpoint" : "test_model";
    if (!task_->training) checkpoint("unet", unet);
    if (task_->training) checkpoint("start", "Pretrain.resume_checkpoint");
    checkpoint("text_encoder", "embedder.pretrained");
    if (is("i") || (is("d") && yes("use_clip_adapter_condition")))
      set("checkpoints.image_encoder", text("embedder.pretrained"));
    checkpoint("vae", "auto_encoder.pretrained");
    set("checkpoints.latent_scale_factor", number("scale_factor").value_or(0.18215));
    if (is("tihfclmd") && integer("scale", 8) != 8)
      problem(where("scale"), "scale: latents are an eighth of the picture; VGen's files all say 8");
  }

  void adapters() {
    if (unet_class_ == "r" && yes("UNet.use_lora")) {
      Node lora = Node::map({{"rank", integer("UNet.lora_rank", 4)}});
      if (const auto alpha = number("UNet.lora_alpha")) lora.set("alpha", *alpha);
      set("adapters.lora", std::move(lora));
    }
    if (unet_class_ != "d" && !is("dD")) return;
    for (const auto& [key, name] : {std::pair{"spatial", "identity"}, std::pair{"temporal", "motion"}}) {
      if (const Node* list = value(str("UNet.", key, "_adapter_list")); list && list->is_list() && unet_class_ == "d")
        set(str("adapters.", name, ".layers"), *list);
      if (const auto hidden = number(str("UNet.", key, "_adapter_hidden_dim")))
        set(str("adapters.", name, ".hidden"), static_cast<std::int64_t>(*hidden));
      const std::string path_key = str(name, "_adapter_path"), index_key = str(name, "_adapter_index");
      const std::string path = text(path_key);
      if (!path.empty() && value(index_key))
        problem(where(index_key), str("both ", path_key, " and ", index_key, " are given; VGen takes one"));
      if (!path.empty()) {
        set(str("adapters.", name, ".file"), path);
        expect_file(path, path_key);
      } else if (value(index_key)) {  // in the run of the training that this file names
        const std::string base = std::string(name) == "identity" ? "subject_cfg" : "motion_cfg";
        std::string folder;
        for (const auto& [source, layer] : layers_)
          if (const Node* log = layer.find("log_dir");
              log && log->is_string() && source == locate(path_, text(base)).string())
            folder = (fs::path(text("cfg_prefix")) / log->string / fs::path(source).stem() / "checkpoints").string();
        std::string digits = str(integer(index_key, 0));
        digits.insert(0, digits.size() < 8 ? 8 - digits.size() : 0, '0');
        const std::string file = (fs::path(folder) / ("adapter_" + digits + ".pth")).string();
        set(str("adapters.", name, ".file"), file);
        expect_file(file, index_key);
      }
    }
    if (const auto width = number("UNet.temporal_adapter_condition_dim"))
      set("adapters.motion.condition_channels", static_cast<std::int64_t>(*width));
    if (value("use_clip_adapter_condition")) set("adapters.appearance", yes("use_clip_adapter_condition"));
    if (value("appearance_guide_strength_cond"))
      set("adapters.appearance_guidance", Node::list({number("appearance_guide_strength_cond").value_or(1),
                                                      number("appearance_guide_strength_uncond").value_or(1)}));
    if (const std::string words = text("text_embedding_path"); !words.empty()) {
      set("adapters.words.file", words);
      expect_file(words, "text_embedding_path");
    }
    if (const Node* manager = value("embedmanager"))
      for (const auto& [theirs, ours] :
           {std::pair{"placeholder_strings", "placeholders"}, std::pair{"initializer_words", "start"},
            std::pair{"num_vectors_per_token", "vectors"}})
        if (const Node* given = manager->find(theirs)) set(str("adapters.words.", ours), *given);
  }

  void run_options() {
    const std::int64_t seed = integer("seed", 8888);
    if (seed < 0) problem(where("seed"), str("seed: must be 0 or more, got ", seed));
    set("run.seed", is("s") ? std::int64_t(0) : seed);
    if (is("s")) note(where("seed"), "seed: super-resolution starts every clip from 0, whatever the file says");
    if (is("dD") && yes("use_random_seed")) {
      set("run.random_seed", true);
      note(where("use_random_seed"),
           "use_random_seed: VGen draws a seed in [0, 10000] at every start and ignores 'seed'");
    }
    if (is("scm") || yes("use_fp16")) set("run.dtype", "fp16");
    if (const std::string latents = text("latents_path"); is("d") && !latents.empty()) set("run.latents", latents);
    set("run.fps", 8.0);
    set("run.output", output_folder());
  }
  std::string output_folder() const {
    const std::string log = text("log_dir");
    if (is("r")) return text("webvid_dir_save") + str(integer("webvid_test_caps", 0));
    if (is("d")) return (fs::path(log) / path_.stem()).string();
    const std::string list = fs::path(text("test_list_path")).filename().string();
    return task_->training ? log : (fs::path(log) / list.substr(0, list.find('.'))).string();
  }

  // ---- a request for each clip ----
  std::string list_path() const {
    if (!is("r")) return text("test_list_path");
    if (text("webvid_eval_text").empty()) return "";
    return (fs::path(text("webvid_dir")) / text("webvid_cap_file") / (text("webvid_eval_text") + ".txt")).string();
  }
  void inputs() {
    const std::string key = is("r") ? "webvid_eval_text" : "test_list_path", list = list_path();
    if (const Node* given = value(key); list.empty() && given && !given->is_string()) return;  // told already
    if (list.empty()) return problem(path_.string(), str("no key '", key, "', the list of prompts"));
    set("inputs.list", list);
    const std::string folder = is("cm") ? text("data_dir", "data/videos") : is("d") ? text("test_data_dir") : "";
    if (!folder.empty()) set("inputs.folder", folder);
    if (const Node* fps = value("sample_fps"); fps && fps->is_number() && is("cm")) set("inputs.fps", *fps);
    if (is("r")) set("inputs.count", integer("webvid_test_caps", 0));
    const std::vector<Combination> combinations = read_combinations();
    std::error_code error;
    const fs::path file = locate(path_, list);
    if (!fs::exists(file, error)) return expect_file(list, key);
    std::string lines;
    try {
      lines = read_file(file, std::size_t(1) << 26);
    } catch (const Error& e) { return problem(where(key), e.what()); }
    set("requests", make_requests(lines, file.string(), folder, combinations));
  }

  // The conditions that one clip is made with.
  struct Combination {
    std::string joined;  // their names in VGen, in its clips' names
    std::vector<std::string> conditions;
    bool text = false;
  };
  std::vector<Combination> read_combinations() {
    const Node* given = value("partial_keys");
    if (!is("cm") && !(given && is("s"))) return {{}};
    static const Node usual = Node::list({Node::list({"y", "depth"}), Node::list({"y", "sketch"})});
    std::vector<Combination> out;
    for (const Node& names : (given ? *given : usual).items) {
      Combination& each = out.emplace_back();
      if (!names.is_list()) problem(where("partial_keys"), "partial_keys: expected lists of conditions in the list");
      for (const Node& item : names.items) {
        const std::string name = item.is_string() ? item.string : "";
        const auto known = std::ranges::find(compositions(), name, &Composition::theirs);
        if (known == compositions().end()) {
          std::string all;
          for (const Composition& c : compositions()) all.append(all.empty() ? "" : ", ").append(c.theirs);
          problem(at(origin_["partial_keys"], item),
                  str("partial_keys: VGen computes no '", printable(name), "'; there are ", all));
          continue;
        }
        each.joined.append(each.joined.empty() ? "" : "_").append(name);
        if (known->ours == "text")
          each.text = true;
        else
          each.conditions.emplace_back(known->ours);
        if (is("s")) continue;
        for (const auto& [part, checkpoint] : known->checkpoints) {
          set(str("checkpoints.", part), std::string(checkpoint));
          expect_file(std::string(checkpoint), "partial_keys");
        }
        if (known->ours == "image") set("checkpoints.image_encoder", text("embedder.pretrained"));
        if (known->ours == "motion")
          note(where("partial_keys"), "partial_keys: VGen names 'motion' and passes none; so does vgen");
      }
      if (!is("s") && !each.text)
        note(where("partial_keys"), "partial_keys: without 'y' the clip is made without the caption");
    }
    if (out.empty()) problem(where("partial_keys"), "partial_keys: no combination of conditions");
    return out;
  }

  Node make_requests(std::string_view lines, const std::string& source, const std::string& folder,
                     const std::vector<Combination>& combinations) {
    const bool combined = is("s") && value("partial_keys") && task_->list == ListFormat::caption_video;
    const PromptList list = read_prompt_list(lines, combined ? ListFormat::video_caption : task_->list);
    for (const auto& [line, what] : list.problems) problem(str(source, ":", static_cast<long long>(line)), what);
    const std::int64_t round = is("r") || combined ? 1 : std::max<std::int64_t>(integer("round", 1), 1);
    const std::int64_t most = is("r") ? integer("webvid_test_caps", 0) : kMaxRequests;
    const auto count = std::min(static_cast<std::int64_t>(list.lines.size()), std::max<std::int64_t>(most, 0));
    if (count * static_cast<std::int64_t>(combinations.size()) > kMaxRequests / round)
      return problem(where("round"), str("more than ", kMaxRequests, " clips")), Node::list();
    if (round > 1)
      note(where("round"),
           "round: VGen goes on with one stream of random numbers, or repeats one; vgen takes the seeds "
           "seed, seed + 1, ...");
    Node clips = Node::list();
    for (std::int64_t i = 0; i < count; ++i) {
      const ListLine& line = list.lines[static_cast<std::size_t>(i)];
      const std::string place = str(source, ":", static_cast<long long>(line.number + 1));
      for (std::int64_t k = 0; k < round; ++k)
        for (const Combination& each : combinations)
          clips.items.push_back(make_request(line, line.number * round + k, k, each, folder, place, combined));
    }
    return clips;
  }

  Node make_request(const ListLine& line, std::int64_t index, std::int64_t repetition, const Combination& combination,
                    const std::string& folder, const std::string& place, bool combined) {
    const std::int64_t seed = is("s") ? 0 : integer("seed", 8888) + repetition + (is("h") ? line.seed.value_or(0) : 0);
    std::string caption = caption_in_name(line.caption, is("d") ? "*" : "");
    if (is("r")) std::ranges::replace(caption, '_', '-');
    const auto name = [&](std::string_view pattern, const std::string& enlarged = "") {
      return file_name(pattern,
                       {{"index", str(index)},
                        {"seed", str(seed)},
                        {"caption", caption},
                        {"conditions", combination.joined},
                        {"source", enlarged},
                        {"file", fs::path(line.file).stem().string()}},
                       enlarged.empty() ? "caption" : "source");
    };
    Node request =
        Node::map({{"prompt", is("cm") && !combination.text ? std::string() : line.caption}, {"seed", seed}});
    fs::path output = output_folder();
    if (is("s")) {
      const fs::path enlarged = !line.file.empty() && !combined
                                    ? fs::path(line.file)
                                    : output / name(combined ? kComposedClip : task_->source);
      request.set("video", enlarged.string());
      expect_input(enlarged.string(), place, "; run the base configuration first");
      output = enlarged.parent_path() / name(task_->clip, enlarged.stem().string());
    } else {
      if (is("icm") || (is("d") && yes("use_clip_adapter_condition"))) {  // else VGen opens it for nothing
        const std::string input = (fs::path(folder) / line.file).string();
        request.set(is("cm") ? "video" : "image", input);
        expect_input(input, place);
      }
      output /= name(task_->clip);
    }
    if (is("cm")) request.set("conditions", to_node(combination.conditions));
    request.set("output", output.string());
    return request;
  }

  const fs::path path_;
  const Options& options_;
  Conversion out_;
  const Task* task_ = nullptr;
  std::string_view unet_class_;
  bool bases_are_read_ = true;
  Node merged_;
  std::map<std::string, std::string, std::less<>> origin_;
  std::vector<std::pair<std::string, Node>> layers_;
};

}  // namespace

bool is_reference_config(const fs::path& path) { return path.extension() == ".yaml" || path.extension() == ".yml"; }

fs::path locate(const fs::path& config, const std::string& name) {
  std::error_code error;
  const fs::path path = name;
  if (path.is_absolute() || fs::exists(path, error)) return path;
  for (fs::path folder = fs::absolute(config, error).parent_path(); !folder.empty(); folder = folder.parent_path()) {
    if (fs::exists(folder / path, error)) return folder / path;
    if (folder == folder.root_path()) break;
  }
  return path;
}

Conversion convert(const fs::path& path, const Options& options) { return Converter(path, options).run(); }

void expect_no_problems(const Conversion& conversion, const fs::path& path) {
  if (conversion.problems.empty()) return;
  std::string message =
      str(path.string(), ": ", conversion.problems.size(), conversion.problems.size() == 1 ? " problem" : " problems");
  for (const Problem& p : conversion.problems) message.append("\n  ").append(p.where).append(": ").append(p.what);
  throw ConfigError(message);
}

std::string to_yaml(const Conversion& conversion, const fs::path& path) {
  std::string out = str("# From ", path.string(), " (VGen).\n");
  for (const std::string& text : conversion.notes) out.append("# note: ").append(printable(text, 1000)).append("\n");
  out += "#\n# key: what it became\n";
  for (const KeyReport& key : conversion.keys)
    out.append("# ").append(key.where).append(": ").append(key.key).append(" -> ").append(key.became).append("\n");
  return out + formats::dump_yaml(conversion.config);
}

}  // namespace vgen::reference_config
