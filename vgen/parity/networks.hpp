// Networks of golden cases: options from the reference's constructor arguments, parameters by the fill rule.
#pragma once
#include <vector>

#include "vgen/core/key_pair.hpp"
#include "vgen/parity/case.hpp"
#include "vgen/schedulers/schedule.hpp"
#include "vgen/unet/unet.hpp"

namespace vgen::parity {

// From `dim`, `dim_mult`, `num_heads`, `attn_scales`, ... of one of the reference's classes: the trunk.
unet::UNetOptions unet_options(const std::string& type, const Node& constructor);
// The network of one of the reference's classes; `config` is what it reads from its global configuration, or null.
// UnsupportedError for a class that is not built in.
unet::UNetOptions unet_options(const std::string& type, const Node& constructor, const Node* config);
// From `schedule` and `schedule_param`.
schedulers::ScheduleOptions schedule_options(const Node& diffusion);
schedulers::NoiseSchedule schedule_of(const Node& diffusion);
// Sets every parameter by the rule under its foreign name. Returns them by that name.
std::map<std::string, Tensor> fill(nn::Module& module, const std::vector<KeyPair>& keys, const std::string& salt);
// One row of the report: do our foreign names and shapes agree with the case's `weights`?
void check_weights(Report& report, const Node& expected, const std::vector<KeyPair>& keys);

}  // namespace vgen::parity
