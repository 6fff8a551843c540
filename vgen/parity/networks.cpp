#include "vgen/parity/networks.hpp"

#include <algorithm>

#include "vgen/unet/presets.hpp"

namespace vgen::parity {

namespace {

// An argument of the constructor; null means the default too.
const Node* given(const Node& c, const char* key) {
  const Node* n = c.find(key);
  return n && !n->is_null() ? n : nullptr;
}
std::int64_t integer(const Node& c, const char* key, std::int64_t otherwise) {
  const Node* n = given(c, key);
  return n ? n->as_int() : otherwise;
}
bool flag(const Node& c, const char* key) {
  const Node* n = given(c, key);
  return n && n->as_bool();
}

}  // namespace

// The reference's own defaults stand for what a case leaves out.
unet::UNetOptions unet_options(const std::string& type, const Node& c) {
  unet::UNetOptions o;
  const bool four = type == "UNetSD_T2VBase" || type == "UNetSD_HiGen" || type == "UNetSD_DreamVideo" ||
                    type == "UNetSD_TFT2V" || type == "UNetSD_VideoLCM";
  o.in_channels = integer(c, "in_dim", four ? 4 : 7);
  o.out_channels = integer(c, "out_dim", 6);
  o.channels = integer(c, "dim", 512);
  o.context_channels = integer(c, "context_dim", type == "UNetSD_TFT2V" || type == "UNetSD_VideoLCM" ? 1024 : 512);
  o.blocks_per_level = integer(c, "num_res_blocks", 3);
  o.head_channels = integer(c, "head_dim", 64);
  o.first_heads = integer(c, "num_heads", 0);
  if (o.first_heads == 0) o.first_heads = o.channels / 32;
  if (const Node* dropout = given(c, "dropout")) o.dropout = dropout->as_double();
  const Node* multipliers = given(c, "dim_mult");
  const Node* attention = given(c, "attn_scales");
  const auto scales = attention ? attention->as_doubles() : std::vector<double>{0.5, 0.25, 0.125};
  o.levels.clear();
  double scale = 1;
  for (const std::int64_t m : multipliers ? multipliers->as_ints() : std::vector<std::int64_t>{1, 2, 3, 4}) {
    o.levels.push_back({m, std::ranges::find(scales, scale) != scales.end()});
    scale /= 2;
  }
  const Node* temporal = given(c, "temporal_attention");
  VGEN_CHECK(!temporal || temporal->as_bool(), UnsupportedError,
             "unets: a network without temporal attention is not built in");
  VGEN_CHECK(type == "UNetSD_HiGen" || !flag(c, "use_image_dataset"), UnsupportedError,
             "unets: a network that multiplies its temporal branches by zero (use_image_dataset) is not built in");
  VGEN_CHECK(integer(c, "adapter_transformer_layers", 1) == 1 ||
                 (type != "UNetSD_I2VGen" && type != "UNetSD_TFT2V" && type != "UNetSD_VideoLCM"),
             UnsupportedError, "unets: adapter_transformer_layers other than 1 is not built in");
  if (flag(c, "use_fps_condition")) o.embeddings.push_back(unet::Fps{});
  return o;
}

unet::UNetOptions unet_options(const std::string& type, const Node& c, const Node* config) {
  const unet::UNetOptions trunk = unet_options(type, c);
  const auto count = [&](const char* key, std::int64_t otherwise) { return integer(c, key, otherwise); };
  const auto set_tokens = [&](unet::UNetOptions o) {
    for (auto& feature : o.context)
      if (auto* image = std::get_if<unet::ImageTokens>(&feature)) image->count = count("num_tokens", 4);
    return o;
  };
  if (type == "UNetSD_T2VBase" || type == "UNetSD_DreamVideo" || type == "UNetSD_LoRA") return trunk;
  if (type == "UNetSD_SR600") return unet::sr600(trunk);
  if (type == "UNetSD_I2VGen") {
    unet::UNetOptions o = set_tokens(unet::i2vgen_xl(trunk));
    std::get<unet::ImageTokens>(o.context.back()).channels = count("y_dim", 512);
    return o;
  }
  if (type == "UNetSD_HiGen") {
    unet::UNetOptions o = unet::higen(trunk);
    o.embeddings.insert(o.embeddings.end(), trunk.embeddings.begin(), trunk.embeddings.end());
    o.context = {unet::TextResampler{.count = count("num_tokens", 4), .layers = count("context_embedding_depth", 4)}};
    return o;
  }
  VGEN_CHECK(type == "UNetSD_TFT2V" || type == "UNetSD_VideoLCM", UnsupportedError, "unets: class ", printable(type),
             " is not built in");
  VGEN_CHECK(config, FormatError, "unets: class ", printable(type), " needs the field config");
  std::vector<std::string> conditions;
  for (const Node& name : config->at("video_compositions").items)
    conditions.push_back(name.as_string() == "depthmap" ? "depth"
                         : name.as_string() == "mask"   ? "masked"
                                                        : name.as_string());
  unet::UNetOptions o = set_tokens(unet::video_composer(conditions, trunk));
  auto& maps = std::get<unet::DenseMaps>(o.stem.at(0));
  maps.channels = count("concat_dim", 8);
  const auto resolution = config->at("resolution").as_ints();
  maps.width = resolution.at(0);
  maps.height = resolution.at(1);
  for (auto& feature : o.context) {
    if (auto* image = std::get_if<unet::ImageTokens>(&feature)) image->channels = image->hidden = o.context_channels;
    if (auto* histogram = std::get_if<unet::Histogram>(&feature)) histogram->bins = count("hist_dim", 156);
  }
  const auto share = [&](const char* key, double& value) {
    if (const Node* given = c.find(key)) value = given->as_double();
  };
  share("misc_dropout", o.condition_dropout->p);
  share("p_all_zero", o.condition_dropout->all_zero);
  share("p_all_keep", o.condition_dropout->all_keep);
  return type == "UNetSD_VideoLCM" ? unet::video_lcm(o) : o;
}

schedulers::ScheduleOptions schedule_options(const Node& d) {
  Node options = Node::map({{"schedule", d.at("schedule")}});
  for (const auto& [name, value] : d.at("schedule_param").entries) {
    const std::string ours = name == "num_timesteps" ? "steps"
                             : name == "init_beta"   ? "beta_start"
                             : name == "last_beta"   ? "beta_end"
                                                     : name;
    options.set(ours, value);
  }
  return read<schedulers::ScheduleOptions>(options);
}
schedulers::NoiseSchedule schedule_of(const Node& d) { return schedulers::make_schedule(schedule_options(d)); }

std::map<std::string, Tensor> fill(nn::Module& module, const std::vector<KeyPair>& keys, const std::string& salt) {
  std::map<std::string, const KeyPair*> by_ours;
  for (const KeyPair& key : keys) by_ours[key.ours] = &key;
  std::map<std::string, Tensor> filled;
  module.each_parameter([&](const std::string& name, Tensor& value) {
    const auto found = by_ours.find(name);
    VGEN_CHECK(found != by_ours.end(), ConfigError, "no foreign name for parameter ", name);
    const KeyPair& key = *found->second;
    value = parameter(salt, key.theirs, key.their_shape).view(value.sizes());
    filled[key.theirs] = value;
  });
  return filled;
}

void check_weights(Report& report, const Node& expected, const std::vector<KeyPair>& keys) {
  std::size_t known = 0;
  for (const KeyPair& key : keys) {
    const Node* shape = expected.find(key.theirs);
    known += shape && shape->as_ints() == key.their_shape;
  }
  report.check("weight names and shapes", known == keys.size() && known == expected.size(),
               str(known, " of ", expected.size(), " agree, ours ", keys.size()));
}

}  // namespace vgen::parity
