#include "vgen/adapters/injection.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "vgen/adapters/pattern.hpp"
#include "vgen/adapters/resolve.hpp"
#include "vgen/nn/init.hpp"
#include "vgen/nn/ops.hpp"

namespace vgen::adapters {

// ---- what is attached ----

// A parameter in the number type and on the device of the activations: itself, unless the network was converted.
static Tensor like(const Tensor& t, const Tensor& x) { return t.to(x.device(), x.scalar_type()); }
static Tensor through(const nn::Linear& layer, const Tensor& x, const Tensor& residual = {}) {
  return nn::linear(x, like(layer.weight, x), like(layer.bias, x), residual);
}

LoraDelta::LoraDelta(Tensor d, Tensor u, double f, std::shared_ptr<const Strength> strength)
    : down(std::move(d)), up(std::move(u)), factor(f), strength_(std::move(strength)) {}

Tensor LoraDelta::apply(const Tensor& x, const Tensor& y) {
  const double scale = original.defined() ? 0 : strength_->now() * factor;
  if (scale == 0) return y;
  const Tensor narrow = nn::linear(x, like(down, x), {});
  return nn::linear(scale == 1 ? narrow : narrow * scale, like(up, x), {}, y);
}

// In float32 at least.
static at::ScalarType wide(const Tensor& t) { return t.scalar_type() == at::kDouble ? at::kDouble : at::kFloat; }

Tensor LoraDelta::change(const Tensor& weight) const {
  const Tensor u = up.detach().to(weight.device(), wide(weight)), d = down.detach().to(weight.device(), wide(weight));
  return at::matmul(u, d).mul_(strength_->scale * factor);
}

BottleneckBranch::BottleneckBranch(std::int64_t channels, std::int64_t hidden, std::int64_t condition_channels,
                                   Position position, std::shared_ptr<const Strength> strength)
    : down(channels, hidden), up(hidden, channels), position_(position), strength_(std::move(strength)) {
  add_child("down", down);
  add_child("up", up);
  if (!condition_channels) return;
  condition = std::make_unique<nn::Linear>(condition_channels, channels);
  add_child("condition", *condition);
}

static constexpr const char *kImage = "image", *kImageStrength = "image_strength";

Tensor BottleneckBranch::apply(const Tensor& x, const Tensor& y, const nn::BlockContext& ctx) {
  const double scale = strength_->now();
  if (scale == 0) return y;
  Tensor h = position_ == Position::serial ? y : x;
  if (const auto image = ctx.conditions.find(kImage); condition && image != ctx.conditions.end()) {
    Tensor c = image->second;
    if (c.dim() == 2) c = c.unsqueeze(1);
    const std::int64_t channels = condition->weight.size(1), b = x.size(0), f = x.size(1);
    VGEN_CHECK(c.dim() == 3 && c.size(0) == b && (c.size(1) == 1 || c.size(1) == f) && c.size(2) == channels,
               ShapeError, "adapter: condition 'image' must be [", b, ", 1 or ", f, ", ", channels, "], got ",
               shape_string(image->second.sizes()));
    Tensor shift = through(*condition, like(c, x));
    if (const auto strength = ctx.conditions.find(kImageStrength); strength != ctx.conditions.end()) {
      const Tensor& s = strength->second;
      VGEN_CHECK(s.dim() == 1 && (s.size(0) == 1 || s.size(0) == b), ShapeError,
                 "adapter: condition 'image_strength' must be [", b, "] or [1], got ", shape_string(s.sizes()));
      shift = shift * s.to(shift.options()).view({-1, 1, 1});
    }
    h = h + shift.unsqueeze(2);
  }
  h = at::gelu(through(down, h));
  return scale == 1 ? through(up, h, y) : y + through(up, h) * scale;
}

// ---- the handle ----

struct Injection::State {
  struct Lora {
    std::string name;
    nn::Linear* layer;
    std::shared_ptr<LoraDelta> delta;
  };
  struct Side {
    std::string name;  // "down.1.spatial.block.after_attn2"
    nn::Port* port;
    std::shared_ptr<BottleneckBranch> branch;
  };
  std::shared_ptr<unet::UNet> unet;
  std::shared_ptr<Strength> strength = std::make_shared<Strength>();
  std::vector<Lora> loras;
  std::vector<Side> branches;
  LoadReport report;
  std::string source;  // the file, or what the options said
  bool attached = false, merged = false;

  bool conditional() const {
    return std::ranges::any_of(branches, [](const Side& s) { return s.branch->condition != nullptr; });
  }
  void attach() {
    for (Lora& l : loras) l.layer->deltas.push_back(l.delta);
    for (Side& s : branches) s.port->push_back(s.branch);
    if (conditional())
      for (const char* name : {kImage, kImageStrength}) unet->declare(name);
    attached = true;
  }
};

namespace {

// The layer's weight for the deltas that are merged into it now: its own, the very tensor, if there are none.
void fold(nn::Linear& layer, const Tensor& original) {
  const at::NoGradGuard off;
  Tensor sum;
  for (const auto& each : layer.deltas) {
    const auto* delta = dynamic_cast<const LoraDelta*>(each.get());
    if (!delta || !delta->original.defined()) continue;
    sum = (sum.defined() ? sum : original.to(wide(original))) + delta->change(original);
  }
  layer.weight = like(sum.defined() ? sum : original, layer.weight);
}

// The weight that a layer has without what is merged into it.
Tensor original_of(const nn::Linear& layer) {
  for (const auto& each : layer.deltas)
    if (const auto* delta = dynamic_cast<const LoraDelta*>(each.get()); delta && delta->original.defined())
      return delta->original;
  return layer.weight;
}

}  // namespace

double Injection::scale() const { return state_->strength->scale; }
void Injection::set_scale(double scale) {
  VGEN_CHECK(std::isfinite(scale), ConfigError, "adapter: scale must be a finite number, got ", scale);
  state_->strength->scale = scale;
  if (state_->merged)
    for (auto& l : state_->loras) fold(*l.layer, l.delta->original);
}
void Injection::set_steps(int first, int last) {
  VGEN_CHECK(first >= 0 && last >= first, ConfigError,
             "adapter: steps must be first..last with 0 <= first <= last, got ", first, "..", last);
  VGEN_CHECK(!state_->merged, ConfigError, "adapter: merged into the weights it acts in every step; unmerge it first");
  for (const auto& l : state_->loras)  // conditions' features are computed once a run
    VGEN_CHECK(l.name.starts_with("down.") || l.name.starts_with("mid.") || l.name.starts_with("up.") ||
                   (first == 0 && last == std::numeric_limits<int>::max()),
               ConfigError, "adapter: it changes ", l.name,
               ", which is not computed in every step; it can only act in ", "all of them");
  state_->strength->first = first;
  state_->strength->last = last;
}
std::pair<int, int> Injection::steps() const { return {state_->strength->first, state_->strength->last}; }
void Injection::at_step(int step) { state_->strength->step = step; }

void Injection::merge() {
  State& s = *state_;
  VGEN_CHECK(s.attached, ConfigError, "adapter: was removed; inject it again");
  VGEN_CHECK(s.branches.empty(), ConfigError, "adapter: it holds ", s.branches.size(),
             " bottleneck adapters, which no weight can express; only LoRA can be merged");
  VGEN_CHECK(s.strength->always(), ConfigError, "adapter: it acts in steps ", s.strength->first, "..", s.strength->last,
             " only, merged it would act in all; set_steps(0, INT_MAX) first");
  if (s.merged) return;
  for (auto& l : s.loras) {
    l.delta->original = original_of(*l.layer);
    fold(*l.layer, l.delta->original);
  }
  s.merged = true;
}
void Injection::unmerge() {
  if (!state_->merged) return;
  for (auto& l : state_->loras) {
    const Tensor original = std::exchange(l.delta->original, Tensor());
    fold(*l.layer, original);
  }
  state_->merged = false;
}
bool Injection::merged() const { return state_->merged; }

void Injection::remove() {
  State& s = *state_;
  if (!s.attached) return;
  unmerge();
  for (auto& l : s.loras) std::erase(l.layer->deltas, l.delta);
  for (auto& each : s.branches) std::erase(*each.port, each.branch);
  if (s.conditional())
    for (const char* name : {kImage, kImageStrength}) s.unet->undeclare(name);
  s.attached = false;
}
bool Injection::attached() const { return state_->attached; }

static void each_parameter(Injection::State& s, const nn::Module::Visitor& f) {
  for (auto& l : s.loras) {
    f(l.name + ".lora_down.weight", l.delta->down);
    f(l.name + ".lora_up.weight", l.delta->up);
  }
  for (auto& each : s.branches) each.branch->each_parameter(f, each.name);
}
std::vector<std::pair<std::string, Tensor>> Injection::named_parameters() const {
  std::vector<std::pair<std::string, Tensor>> out;
  each_parameter(*state_, [&](const std::string& name, Tensor& t) { out.emplace_back(name, t); });
  return out;
}
std::vector<Tensor> Injection::parameters() const {
  std::vector<Tensor> out;
  each_parameter(*state_, [&](const std::string&, Tensor& t) { out.push_back(t); });
  return out;
}
void Injection::requires_grad(bool on) {
  each_parameter(*state_, [&](const std::string&, Tensor& t) { t.requires_grad_(on); });
}
const LoadReport& Injection::report() const { return state_->report; }
Node Injection::node() const {
  const Strength& s = *state_->strength;
  Node n = Node::map({{"file", Node(state_->source)}, {"scale", Node(s.scale)}});
  if (!s.always()) {
    n.set("first_step", Node(static_cast<std::int64_t>(s.first)));
    n.set("last_step", Node(static_cast<std::int64_t>(s.last)));
  }
  return n;
}

// ---- layouts ----

std::vector<KeyPair> Injection::reference_keys() const {
  const Places places(*state_->unet);
  const auto theirs = [&](const std::string& ours) {
    const auto found = places.to_reference.find(ours);
    VGEN_CHECK(found != places.to_reference.end(), ConfigError, "adapter: the reference has no counterpart of '",
               printable(ours), "'");
    return found->second;
  };
  std::vector<KeyPair> out;
  for (const auto& l : state_->loras) {
    std::string base = theirs(l.name);
    if (base.ends_with(".to_out.0")) base.resize(base.size() - 2);
    out.push_back({l.name + ".lora_down.weight", base + "_lora.down_linear.weight", l.delta->down.sizes().vec()});
    out.push_back({l.name + ".lora_up.weight", base + "_lora.up_linear.weight", l.delta->up.sizes().vec()});
  }
  for (const auto& each : state_->branches) {
    const std::size_t dot = each.name.rfind('.');
    const std::string block = each.name.substr(0, dot);
    const auto port = std::ranges::find(kPorts, each.name.substr(dot + 1)) - kPorts.begin();
    std::string norm = theirs(block + ".norm1");
    norm.resize(norm.size() - std::string_view("norm1").size());
    each.branch->each_parameter([&](const std::string& name, Tensor& t) {
      const std::size_t at = name.find('.');
      out.push_back({each.name + "." + name,
                     norm + kReferencePorts[static_cast<std::size_t>(port)] + "." + name.substr(0, at) + "_linear" +
                         name.substr(at),
                     t.sizes().vec()});
    });
  }
  return out;
}

weights::StateDict Injection::state_dict(Layout layout) const {
  const State& s = *state_;
  weights::StateDict out;
  if (layout == Layout::vgen) {
    for (const auto& l : s.loras) {
      out.emplace_back(l.name + ".lora_down.weight", l.delta->down.detach());
      out.emplace_back(l.name + ".lora_up.weight", l.delta->up.detach());
      out.emplace_back(l.name + ".alpha",
                       at::scalar_tensor(l.delta->factor * static_cast<double>(l.delta->down.size(0)), at::kFloat));
    }
    for (const auto& each : s.branches) {
      each.branch->each_parameter(
          [&](const std::string& name, Tensor& t) { out.emplace_back(each.name + "." + name, t.detach()); });
      if (each.branch->position() == Position::serial)
        out.emplace_back(each.name + ".serial", at::scalar_tensor(1, at::kFloat));
    }
    return out;
  }
  const auto scaled_up = [](const LoraDelta& d) {  // layouts without alpha
    return d.factor == 1 ? d.up.detach() : d.up.detach() * d.factor;
  };
  if (layout == Layout::reference) {
    for (const auto& each : s.branches)
      VGEN_CHECK(each.branch->position() == Position::parallel, ConfigError, "adapter: ", each.name,
                 " is serial, which the reference's files cannot say; use the layout vgen");
    std::map<std::string, Tensor> ours;
    for (auto& [name, t] : named_parameters()) ours[name] = t.detach();
    for (const auto& l : s.loras) ours[l.name + ".lora_up.weight"] = scaled_up(*l.delta);
    for (const KeyPair& key : reference_keys()) out.emplace_back(key.theirs, ours.at(key.ours));
    return out;
  }
  VGEN_CHECK(s.branches.empty(), ConfigError, "adapter: the layout ", name_of(layout),
             " has no bottleneck adapters; use vgen or reference");
  const Places places(*s.unet);
  for (const auto& l : s.loras) {
    const auto found = places.to_diffusers.find(l.name);
    VGEN_CHECK(found != places.to_diffusers.end(), ConfigError, "adapter: diffusers has no counterpart of '",
               printable(l.name), "'; use the layout vgen or reference");
    if (layout == Layout::diffusers) {
      out.emplace_back("unet." + found->second + ".lora_A.weight", l.delta->down.detach());
      out.emplace_back("unet." + found->second + ".lora_B.weight", scaled_up(*l.delta));
    } else {
      std::string base = "lora_unet_" + found->second;
      std::ranges::replace(base, '.', '_');
      out.emplace_back(base + ".lora_down.weight", l.delta->down.detach());
      out.emplace_back(base + ".lora_up.weight", l.delta->up.detach());
      out.emplace_back(base + ".alpha",
                       at::scalar_tensor(l.delta->factor * static_cast<double>(l.delta->down.size(0)), at::kFloat));
    }
  }
  return out;
}
void Injection::save(const std::filesystem::path& path, Layout layout) const {
  weights::save_state_dict(path, state_dict(layout));
}

// ---- attaching ----

namespace {

std::string hint(const LoadReport& r) {
  const auto all = [&](std::initializer_list<const char*> prefixes) {
    return !r.unknown.empty() && std::ranges::all_of(r.unknown, [&](const std::string& name) {
      return std::ranges::any_of(prefixes, [&](const char* prefix) { return name.starts_with(prefix); });
    });
  };
  if (r.loras + r.branches == 0 && r.misshaped.empty() && r.incomplete.empty())
    return r.base.empty() ? "is it an adapter for this system? (vgen inspect FILE)"
                          : "it is a network's own weights, not an adapter; load it as a model";
  if (!r.misshaped.empty()) return "it was trained on a network of another width";
  if (all({"lora_te", "text_encoder.", "lora_te1", "lora_te2"}))
    return "the unknown ones are a text encoder's; leave them out with ignore = \"*{lora_te,text_encoder}*\"";
  if (!r.base.empty()) return "it is a whole checkpoint; ignore_base takes its adapters only";
  return "it was made for another base, or for layers that take no adapter";
}

std::shared_ptr<Injection::State> new_state(std::shared_ptr<unet::UNet> unet) {
  VGEN_CHECK(unet, ConfigError, "adapter: needs a UNet, got none");
  auto state = std::make_shared<Injection::State>();
  state->unet = std::move(unet);
  return state;
}

LoadReport checked(LoadReport r, const InjectOptions& options) {
  if (options.ignore_base) {
    r.ignored.insert(r.ignored.end(), r.base.begin(), r.base.end());
    r.base.clear();
  }
  return r;
}

}  // namespace

LoadReport audit(unet::UNet& unet, const Adapter& adapter, const InjectOptions& options) {
  return checked(resolve(Places(unet), adapter, options).report, options);
}

Injection inject(std::shared_ptr<unet::UNet> unet, const Adapter& adapter, const InjectOptions& options) {
  const at::NoGradGuard off;
  VGEN_CHECK(std::isfinite(options.scale), ConfigError, "adapter: scale must be a finite number, got ", options.scale);
  VGEN_CHECK(options.position != Position::none, ConfigError, "adapter: position must be parallel or serial");
  auto state = new_state(std::move(unet));
  const Places places(*state->unet);
  Resolved found = resolve(places, adapter, options);
  state->report = checked(std::move(found.report), options);
  VGEN_CHECK(state->report.fits(), WeightsError, printable(adapter.source.empty() ? "adapter" : adapter.source, 400),
             ": does not fit the network, nothing was attached: ", hint(state->report), "; ", state->report.text());
  state->source = adapter.source;
  state->strength->scale = options.scale;
  const Tensor first = state->unet->parameters().front();
  const auto own = [&](const Tensor& t) { return like(t.detach(), first).contiguous(); };
  for (FoundLora& l : found.loras)
    state->loras.push_back(
        {l.name, places.layer(l.name), std::make_shared<LoraDelta>(own(l.down), own(l.up), l.factor, state->strength)});
  for (FoundBranch& b : found.branches) {
    nn::TransformerBlock& block = *places.block(b.block);
    auto branch = std::make_shared<BottleneckBranch>(width(block), b.down_weight.size(0),
                                                     b.condition_weight.defined() ? b.condition_weight.size(1) : 0,
                                                     b.position, state->strength);
    branch->down.weight = own(b.down_weight);
    branch->down.bias = own(b.down_bias);
    branch->up.weight = own(b.up_weight);
    branch->up.bias = own(b.up_bias);
    if (branch->condition) {
      branch->condition->weight = own(b.condition_weight);
      branch->condition->bias = own(b.condition_bias);
    }
    state->branches.push_back({b.block + "." + kPorts[b.port], &port(block, b.port), std::move(branch)});
  }
  state->attach();
  return Injection(std::move(state));
}

Injection inject(std::shared_ptr<unet::UNet> unet, const LoraOptions& lora, at::Generator generator) {
  VGEN_CHECK(lora.rank >= 1, ConfigError, "lora: rank must be >= 1, got ", lora.rank);
  VGEN_CHECK(!lora.alpha || std::isfinite(*lora.alpha), ConfigError, "lora: alpha must be a finite number");
  auto state = new_state(std::move(unet));
  const double rank = static_cast<double>(lora.rank);
  for (const auto& [name, layer] : Places(*state->unet).layers) {
    if (!matches(lora.match, name)) continue;
    const auto options = layer->weight.options().requires_grad(false);
    const Tensor down = at::empty({lora.rank, layer->weight.size(1)}, at::kFloat).normal_(0, 1 / rank, generator);
    state->loras.push_back(
        {name, layer,
         std::make_shared<LoraDelta>(down.to(options), at::zeros({layer->weight.size(0), lora.rank}, options),
                                     lora.alpha ? *lora.alpha / rank : 1, state->strength)});
  }
  VGEN_CHECK(!state->loras.empty(), ConfigError, "lora: no linear layer matches '", printable(lora.match),
             "'; names are like down.1.spatial.block.attn1.to_q");
  state->source = "a new LoRA";
  state->report.loras = state->loras.size();
  state->attach();
  Injection handle(std::move(state));
  handle.requires_grad(true);
  return handle;
}

Injection inject(std::shared_ptr<unet::UNet> unet, const BottleneckOptions& o, at::Generator generator) {
  VGEN_CHECK(o.hidden >= 0 && o.condition_channels >= 0, ConfigError,
             "bottleneck: hidden and condition_channels must be >= 0, got ", o.hidden, " and ", o.condition_channels);
  auto state = new_state(std::move(unet));
  const std::array<Position, 3> positions = {o.after_attn1, o.after_attn2, o.after_ff};
  const Tensor first = state->unet->parameters().front();
  for (const auto& [name, block] : Places(*state->unet).blocks) {
    if (!matches(o.match, name)) continue;
    for (std::size_t i = 0; i < 3; ++i) {
      if (positions[i] == Position::none) continue;
      auto branch = std::make_shared<BottleneckBranch>(width(*block), o.hidden ? o.hidden : width(*block) / 2,
                                                       o.condition_channels, positions[i], state->strength);
      nn::initialise(*branch, generator);
      nn::zero_parameters(*branch, {"up.*"});
      branch->to(first.device(), first.scalar_type());
      state->branches.push_back({name + "." + kPorts[i], &port(*block, i), std::move(branch)});
    }
  }
  VGEN_CHECK(!state->branches.empty(), ConfigError, "bottleneck: no transformer block matches '", printable(o.match),
             "' with a position other than none; names are like down.1.spatial.block");
  state->source = "new bottleneck adapters";
  state->report.branches = state->branches.size();
  state->attach();
  Injection handle(std::move(state));
  handle.requires_grad(true);
  return handle;
}

}  // namespace vgen::adapters
