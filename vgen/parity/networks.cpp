#include "vgen/parity/networks.hpp"

#include <algorithm>

namespace vgen::parity {

unet::UNetOptions unet_options(const Node& c) {
  unet::UNetOptions o;
  o.in_channels = c.at("in_dim").as_int();
  o.out_channels = c.at("out_dim").as_int();
  o.channels = c.at("dim").as_int();
  o.context_channels = c.at("context_dim").as_int();
  o.blocks_per_level = c.at("num_res_blocks").as_int();
  o.head_channels = c.at("head_dim").as_int();
  o.first_heads = c.at("num_heads").as_int();
  if (const Node* dropout = c.find("dropout")) o.dropout = dropout->as_double();
  const auto scales = c.at("attn_scales").as_doubles();
  o.levels.clear();
  double scale = 1;
  for (const std::int64_t m : c.at("dim_mult").as_ints()) {
    o.levels.push_back({m, std::ranges::find(scales, scale) != scales.end()});
    scale /= 2;
  }
  if (const Node* fps = c.find("use_fps_condition"); fps && fps->as_bool()) o.embeddings.push_back(unet::Fps{});
  return o;
}

schedulers::NoiseSchedule schedule_of(const Node& d) {
  Node options = Node::map({{"schedule", d.at("schedule")}});
  for (const auto& [name, value] : d.at("schedule_param").entries) {
    const std::string ours = name == "num_timesteps" ? "steps"
                             : name == "init_beta"   ? "beta_start"
                             : name == "last_beta"   ? "beta_end"
                                                     : name;
    options.set(ours, value);
  }
  return schedulers::make_schedule(read<schedulers::ScheduleOptions>(options));
}

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

}  // namespace vgen::parity
