// Golden cases of the area "diffusion" (tests/golden/diffusion/README.md): schedules, predictions, samplers, losses.
// The kind of a case is read off its config; whatever sizes, salts, step counts and options it names are rebuilt from
// it.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <memory>
#include <optional>
#include <set>
#include <sstream>

#include "vgen/diffusion/bound.hpp"
#include "vgen/diffusion/denoiser.hpp"
#include "vgen/diffusion/guidance.hpp"
#include "vgen/diffusion/loss.hpp"
#include "vgen/diffusion/noise.hpp"
#include "vgen/diffusion/rescaled_times.hpp"
#include "vgen/parity/case.hpp"
#include "vgen/samplers/ddim_inversion.hpp"
#include "vgen/samplers/partial_chain.hpp"
#include "vgen/samplers/sampler.hpp"
#include "vgen/schedulers/karras.hpp"
#include "vgen/schedulers/schedule.hpp"

namespace vgen::parity {
namespace {

using namespace vgen::diffusion;
using samplers::OnStep;
using samplers::Step;
using schedulers::RangeOptions;
using schedulers::ScheduleKind;
using schedulers::ScheduleOptions;
using schedulers::Spacing;

// ---- reading ----

[[noreturn]] void unsupported(const Case& c, const std::string& what) {
  throw UnsupportedError(str("diffusion/", c.name, ": ", what));
}

bool has(const Node& n, std::string_view key) {
  const Node* found = n.find(key);
  return found && !found->is_null();
}
double number_or(const Node& n, std::string_view key, double otherwise) {
  return has(n, key) ? n.at(key).as_double() : otherwise;
}
int int_or(const Node& n, std::string_view key, int otherwise) {
  return has(n, key) ? static_cast<int>(n.at(key).as_int()) : otherwise;
}
bool bool_or(const Node& n, std::string_view key, bool otherwise) {
  return has(n, key) ? n.at(key).as_bool() : otherwise;
}
std::string text_or(const Node& n, std::string_view key, std::string otherwise) {
  return has(n, key) ? n.at(key).as_string() : otherwise;
}
std::optional<double> maybe(const Node& n, std::string_view key) {
  return has(n, key) ? std::optional(n.at(key).as_double()) : std::nullopt;
}
template <NamedEnum E>
E named(const Node& n, std::string_view key, E otherwise) {
  E value = otherwise;
  if (has(n, key)) from_node(n.at(key), value);
  return value;
}
void only_keys(const Case& c, const Node& n, std::initializer_list<std::string_view> known) {
  for (const auto& [key, value] : n.entries)
    if (!value.is_null() && std::ranges::find(known, key) == known.end())
      unsupported(c, str("option '", printable(key), "' is not known here"));
}

// The reference's {schedule, schedule_param}.
ScheduleOptions schedule_options(const Case& c, const Node& block) {
  const Node& p = block.at("schedule_param");
  only_keys(c, p,
            {"num_timesteps", "init_beta", "last_beta", "cosine_s", "zero_terminal_snr", "scale_min", "scale_max",
             "logsnr_min", "logsnr_max"});
  ScheduleOptions o;
  o.schedule = named(block, "schedule", ScheduleKind::scaled_linear);
  o.steps = int_or(p, "num_timesteps", 1000);
  o.beta_start = maybe(p, "init_beta");
  o.beta_end = maybe(p, "last_beta");
  if (o.schedule == ScheduleKind::quadratic) {  // a zero stands for the default there
    if (o.beta_start == 0) o.beta_start.reset();
    if (o.beta_end == 0) o.beta_end.reset();
  }
  if (o.schedule == ScheduleKind::linear && o.beta_start == 0) o.beta_start.reset();
  o.cosine_s = number_or(p, "cosine_s", 0.008);
  o.zero_terminal_snr = bool_or(p, "zero_terminal_snr", false);
  o.scale_min = number_or(p, "scale_min", 2);
  o.scale_max = number_or(p, "scale_max", 4);
  o.log_snr_min = number_or(p, "logsnr_min", -15);
  o.log_snr_max = number_or(p, "logsnr_max", 15);
  return o;
}
NoiseSchedule schedule_of(const Case& c, const Node& block) {
  return schedulers::make_schedule(schedule_options(c, block));
}
// GaussianDiffusion holds its tables in float32. Its zero_terminal_snr tests sigma where DiffusionDDIM tests beta:
// nothing happens to a schedule that ends within 1e-4 of pure noise; others are rescaled as though their sigmas were
// betas, which is NaN unless the schedule is short.
NoiseSchedule gauss_schedule_of(const Case& c, const Node& block) {
  ScheduleOptions o = schedule_options(c, block);
  const bool zero = std::exchange(o.zero_terminal_snr, false);
  const NoiseSchedule s = schedulers::make_schedule(o);
  if (zero && s.tables().sigmas.back() < 1 - 1e-4) {
    std::vector<double> kept = schedulers::zero_terminal_snr(s.tables().sigmas);
    if (std::ranges::any_of(kept, [](double v) { return std::isnan(v); }))
      unsupported(c, "zero_terminal_snr of this sigma schedule is NaN in the reference");
    for (double& v : kept) v = 1 - v * v;
    return NoiseSchedule::from_alphas_cumprod(kept).rounded_to_float32();
  }
  return s.is_float32() ? s : s.rounded_to_float32();
}
// diffusers' constructor keywords.
NoiseSchedule diffusers_schedule(const Node& o, bool finite_end) {
  ScheduleOptions s;
  s.schedule = named(o, "beta_schedule", ScheduleKind::linear);
  s.steps = int_or(o, "num_train_timesteps", 1000);
  s.beta_start = number_or(o, "beta_start", 0.0001);
  s.beta_end = number_or(o, "beta_end", 0.02);
  s.zero_terminal_snr = bool_or(o, "rescale_betas_zero_snr", false);
  s.precision = schedulers::Precision::float32;
  if (s.zero_terminal_snr && finite_end) s.alpha_floor = std::ldexp(1.0, -24);
  return schedulers::make_schedule(s);
}

std::string salt_of(const Case& c) { return text_or(c.json, "salt", "diffusion"); }
// The named entry of "inputs", or the rule of the README with that name.
std::vector<std::int64_t> input_shape(const Case& c, const std::string& name) {
  return c.json.at("inputs").at(name).at("shape").as_ints();
}
Tensor input(const Case& c, const std::string& name) {
  const Node& n = c.json.at("inputs").at(name);
  const std::string rule = text_or(n, "rule", "unit"), salt = text_or(n, "salt", salt_of(c)),
                    key = text_or(n, "name", "input." + name);
  const auto shape = n.at("shape").as_ints();
  if (rule == "unit") return unit(salt, key, shape);
  if (rule == "values" || rule == "uniform") return uniform(salt, key, shape);
  unsupported(c, str("input rule '", printable(rule), "'"));
}
// Draw number n of the case's noise.
struct Draws {
  std::string salt, prefix = "input.randn_like.";
  int count = 0;
};
std::shared_ptr<Draws> draws_of(const Case& c) {
  auto draws = std::make_shared<Draws>();
  draws->salt = salt_of(c);
  if (const Node* noise = c.json.at("inputs").find("noise"); noise && noise->is_map()) {
    draws->salt = text_or(*noise, "salt", draws->salt);
    const std::string name = text_or(*noise, "name", "");
    if (const auto at = name.find("<n>"); at != std::string::npos) draws->prefix = name.substr(0, at);
  }
  return draws;
}
NoiseSource source_of(std::shared_ptr<Draws> draws) {
  return [draws](const Tensor& like) {
    return unit(draws->salt, str(draws->prefix, draws->count++), like.sizes()).to(like.scalar_type());
  };
}

Tensor floats(const std::vector<double>& v) { return at::tensor(v, at::kDouble); }

// ---- the formula that stands for a network ----

struct Formula {
  Tensor a0, a1, b0, b1, c;
  double spread = 0;
  Formula(const Node& config) {
    const Node& m = config.at("model");
    const auto constant = [&](const char* name) { return at::scalar_tensor(m.at(name).as_double(), at::kFloat); };
    a0 = constant("a0"), a1 = constant("a1"), b0 = constant("b0"), b1 = constant("b1"), c = constant("c");
    spread = number_or(config, "spread", 0);
  }
  Model model(const Tensor& cond, std::vector<double>* seen = nullptr) const {
    return [self = *this, cond, seen](const Tensor& x, const Tensor& t) {
      if (seen) seen->push_back(t[0].item<double>());
      std::vector<std::int64_t> shape(x.dim(), 1);
      shape[0] = x.size(0);
      const Tensor tau = (t.to(at::kFloat) / 1024).view(shape), bend = x.tanh();
      const Tensor out =
          (self.a0 + self.a1 * tau) * x + (self.b0 + self.b1 * tau) * cond.narrow(0, 0, x.size(0)) + self.c * bend;
      return self.spread != 0 ? at::cat({out, self.spread * bend}, 1) : out;
    };
  }
};

GuidanceOptions guidance(const Node& config, Variance variance = Variance::fixed_small) {
  return {.scale = number_or(config, "guide_scale", 1),
          .rescale = number_or(config, "guide_rescale", 0),
          .variance = variance};
}
// Guided by guide_scale where the config has one; the conditional times are recorded.
Model network(const Case& c, const Formula& f, std::vector<double>* seen, Variance variance = Variance::fixed_small) {
  const Node& config = c.json.at("config");
  const Model cond = f.model(input(c, "cond"), seen);
  return has(config, "guide_scale") ? guided(cond, f.model(input(c, "uncond")), guidance(config, variance)) : cond;
}

// ---- collecting a chain ----

struct Chain {
  std::vector<Tensor> x, x0;
  std::vector<double> t;
  OnStep on_step(std::set<double> only = {}) {
    return [this, only](Step& s) {
      if (only.empty() || only.contains(s.from.t)) {
        x.push_back(s.latent.detach());
        x0.push_back(s.x0.detach());
        t.push_back(s.from.t);
      }
      return true;
    };
  }
};
void same_times(Report& r, const std::string& name, const std::vector<double>& ours, const Node& golden) {
  const std::vector<double> wanted = golden.as_doubles();
  std::string detail;
  if (ours != wanted) {
    std::size_t i = 0;
    while (i < std::min(ours.size(), wanted.size()) && ours[i] == wanted[i]) ++i;
    detail = str("lengths ", ours.size(), " and ", wanted.size(), ", first difference at ", i);
    if (i < std::min(ours.size(), wanted.size())) detail += str(": ours ", ours[i], ", golden ", wanted[i]);
  }
  r.check(name, detail.empty(), detail);
}
void compare_chain(const Case& c, Report& r, const Chain& chain, const std::string& prefix = "") {
  VGEN_CHECK(!chain.x.empty(), FormatError, "diffusion/", c.name, ": the sampler took no step that the case lists");
  if (c.tensors.contains(prefix + "x")) r.relative(prefix + "x", at::stack(chain.x), c.golden(prefix + "x"));
  if (c.tensors.contains(prefix + "x0")) r.relative(prefix + "x0", at::stack(chain.x0), c.golden(prefix + "x0"));
}
void compare_count(Report& r, const Node& values, const char* key, long long ours) {
  if (has(values, key))
    r.check(key, ours == values.at(key).as_int(),
            str("ours ", ours, ", golden ", static_cast<long long>(values.at(key).as_int())));
}

LimitOptions limit_of(const Node& config) {
  return {.clamp = maybe(config, "clamp"), .percentile = maybe(config, "percentile")};
}
Denoiser denoiser_of(const Case& c, const Node& block, const Formula& f, const NoiseSchedule& schedule,
                     std::vector<double>* seen, const LimitOptions& limit) {
  const DenoiserOptions o{.prediction = named(block, "mean_type", Prediction::epsilon),
                          .variance = named(block, "var_type", Variance::learned_range),
                          .limit = limit};
  Model model = network(c, f, nullptr, o.variance);
  if (bool_or(block, "rescale_timesteps", false)) model = rescaled_times(std::move(model), schedule.steps());
  if (!seen) return denoiser(std::move(model), schedule, o);
  const Model noted = [model = std::move(model), seen](const Tensor& x, const Tensor& t) {
    seen->push_back(t[0].item<double>());  // as the sampler counts it
    return model(x, t);
  };
  return denoiser(noted, schedule, o);
}

// ---- kinds of cases ----

void run_tables(const Case& c, Report& r) {
  const NoiseSchedule schedule = schedule_of(c, c.json.at("config"));
  const auto& s = schedule.tables();
  const Node& values = c.json.at("values");
  if (has(values, "num_timesteps")) compare_count(r, values, "num_timesteps", schedule.steps());
  std::vector<std::int64_t> index;
  if (has(values, "index") && values.at("index").is_list()) {
    index = values.at("index").as_ints();
  } else {
    for (int t = 0; t < schedule.steps(); ++t) index.push_back(t);
  }
  const std::map<std::string, const std::vector<double>*> tables = {
      {"betas", &s.betas},
      {"alphas_cumprod", &s.alphas_cumprod},
      {"alphas_cumprod_prev", &s.alphas_cumprod_prev},
      {"alphas_cumprod_next", &s.alphas_cumprod_next},
      {"sqrt_alphas_cumprod", &s.alphas},
      {"sqrt_one_minus_alphas_cumprod", &s.sigmas},
      {"log_one_minus_alphas_cumprod", &s.log_one_minus_alphas_cumprod},
      {"sqrt_recip_alphas_cumprod", &s.sqrt_recip_alphas_cumprod},
      {"sqrt_recipm1_alphas_cumprod", &s.sqrt_recipm1_alphas_cumprod},
      {"posterior_variance", &s.posterior_variance},
      {"posterior_log_variance_clipped", &s.posterior_log_variance},
      {"posterior_mean_coef1", &s.posterior_mean_x0},
      {"posterior_mean_coef2", &s.posterior_mean_xt}};
  for (const auto& [name, golden] : c.tensors) {
    const auto table = tables.find(name);
    if (table == tables.end()) unsupported(c, str("table '", printable(name), "'"));
    std::vector<double> ours;
    for (const std::int64_t t : index) ours.push_back(table->second->at(t));
    r.relative(name, floats(ours), golden, 1e-12);
  }
}

// A GaussianDiffusion block of DiffusionDDIMSR by its short name.
NoiseSchedule sr_schedule(const Case& c, const Node& sr, const std::string& name) {
  return gauss_schedule_of(c, sr.at(name + "_diffusion"));
}

struct SrOptions {
  RangeOptions range;
  int steps = 1;
};
SrOptions range_options(const Node& o, int total) {
  SrOptions out;
  out.range.t_max = int_or(o, "t_max", total - 1);
  out.range.t_min = int_or(o, "t_min", 0);
  out.range.spacing = named(o, "discretization", Spacing::linspace);
  out.range.drop_penultimate = bool_or(o, "discard_penultimate_step", true);
  if (o.at("steps").is_list()) {
    out.range.times = o.at("steps").as_doubles();
  } else {
    out.steps = static_cast<int>(o.at("steps").as_int());
  }
  return out;
}
void compare_sigmas(Report& r, const std::string& name, const schedulers::SamplingGrid& grid, const Tensor& golden) {
  std::vector<double> ours;
  for (const NoiseLevel& l : grid.state) ours.push_back(l.ve_sigma());
  // the largest may be infinite: the others are compared relative to the largest finite one
  r.relative(name, floats(ours), golden, 1e-5);
}

void run_tables_gauss(const Case& c, Report& r) {
  const Node &sr = c.json.at("config").at("DiffusionDDIMSR"), &values = c.json.at("values");
  for (const std::string name : {"reverse", "forward"}) {
    if (!c.tensors.contains(name + ".sigmas")) continue;
    const NoiseSchedule table = sr_schedule(c, sr, name);
    const auto& s = table.tables();
    r.relative(name + ".sigmas", floats(s.sigmas), c.golden(name + ".sigmas"));
    r.relative(name + ".alphas", floats(s.alphas), c.golden(name + ".alphas"));
  }
  const NoiseSchedule schedule = sr_schedule(c, sr, "forward");
  const auto mapped = [&](const char* from, const char* to, auto f, double absolute) {
    if (!c.tensors.contains(from) || !c.tensors.contains(to)) return;
    const Tensor in = c.golden(from).to(at::kDouble).contiguous();
    std::vector<double> ours;
    for (std::int64_t i = 0; i < in.numel(); ++i) ours.push_back(f(in.data_ptr<double>()[i]));
    if (absolute > 0) {
      r.absolute(to, floats(ours), c.golden(to), absolute);
      return;
    }
    for (std::size_t i = 0; i < ours.size(); ++i)
      r.number(str(to, "[", i, "]"), ours[i], c.golden(to)[i].item<double>(), 1e-5);
  };
  mapped(
      "t", "t_to_sigma", [&](double t) { return schedule.ve_sigma_log_linear(t); }, 0);
  mapped(
      "sigma", "sigma_to_t", [&](double s) { return schedule.time_of(s); }, 1e-3);
  for (const auto& [name, value] : values.entries) {
    if (!value.is_map() || !value.find("options")) continue;
    const SrOptions o = range_options(value.at("options"), schedule.steps());
    const schedulers::SamplingGrid grid = schedulers::range_grid("parity", schedule, o.steps, o.range);
    std::vector<double> times;
    for (const NoiseLevel& l : grid.network) times.push_back(l.t);
    same_times(r, name + ".t", times, value.at("t"));
    compare_sigmas(r, name + ".sigmas", grid, c.golden("list." + name + ".sigmas"));
  }
  for (const auto& [name, golden] : c.tensors) {
    if (!name.starts_with("karras_")) continue;
    std::vector<double> ours;
    for (const double s : schedulers::karras_sigmas(static_cast<int>(golden.numel()), 80, 0.002))
      ours.push_back(NoiseLevel::from_ve(0, s).sigma);
    r.relative(name, floats(ours), golden);
  }
}

void run_tables_lcm(const Case& c, Report& r) {
  const Node &config = c.json.at("config"), &values = c.json.at("values");
  const NoiseSchedule schedule = diffusers_schedule(config, false);
  const int original = int_or(config, "original_inference_steps", 50);
  for (const auto& [name, value] : values.entries) {
    if (!name.starts_with("timesteps_")) continue;
    std::vector<double> ours;
    for (const int t : schedulers::consistency_times("parity", schedule.steps(), std::stoi(name.substr(10)), original))
      ours.push_back(t);
    same_times(r, name, ours, value);
  }
  r.relative("alphas_cumprod", floats(schedule.tables().alphas_cumprod), c.golden("alphas_cumprod"));
  const Tensor t = c.golden("t").to(at::kDouble);
  std::vector<double> skip, out;
  for (std::int64_t i = 0; i < t.numel(); ++i) {
    const samplers::Boundary b = samplers::lcm_boundary(t[i].item<double>(), number_or(config, "timestep_scaling", 10));
    skip.push_back(b.skip), out.push_back(b.out);
  }
  r.relative("c_skip", floats(skip), c.golden("c_skip"));
  r.relative("c_out", floats(out), c.golden("c_out"));
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, '.');) parts.push_back(part);
  return parts;
}
int time_in(const Case& c, const std::string& part) {  // "t501"
  int t = -1;
  const auto [end, error] =
      std::from_chars(part.data() + std::min<std::size_t>(1, part.size()), part.data() + part.size(), t);
  if (part.empty() || part[0] != 't' || error != std::errc() || end != part.data() + part.size())
    unsupported(c, str("output '", printable(part), "'"));
  return t;
}

void run_predict(const Case& c, Report& r) {
  const NoiseSchedule schedule = schedule_of(c, c.json.at("config"));
  const Node& values = c.json.at("values");
  const Tensor x = input(c, "x"), x0 = input(c, "x0"), eps = input(c, "eps");
  const auto shape = input_shape(c, "out");
  const auto output = [&](const char* name, bool learned) {
    auto wide = shape;
    if (learned) wide[1] *= 2;
    const Node& n = c.json.at("inputs").at(name);
    return unit(text_or(n, "salt", salt_of(c)), n.at("name").as_string(), wide);
  };
  const auto compare_gaussian = [&](const std::string& key, const std::string& field, const Gaussian& g,
                                    double tolerance) {
    const Tensor& ours = field == "mean" ? g.mean : field == "var" ? g.variance : g.log_variance;
    r.relative(key, ours, c.golden(key), tolerance);
  };
  for (const auto& [key, golden] : c.tensors) {
    const std::vector<std::string> part = split(key);
    const int time = time_in(c, part.at(0));
    const Tensor t = at::scalar_tensor(time, at::kLong).expand({x.size(0)});
    if (part[1] == "q_sample") {
      r.relative(key, add_noise(schedule, x0, eps, t), golden);
    } else if (part[1] == "q") {
      compare_gaussian(key, part.at(2), q_gaussian(schedule, x0, t), 1e-5);
    } else if (part[1] == "posterior") {
      compare_gaussian(key, part.at(2), q_posterior(schedule, x0, x, t), 1e-5);
    } else if (part[1] == "clamp" || part[1] == "percentile") {
      const LimitOptions limit = part[1] == "clamp" ? LimitOptions{.clamp = values.at("clamp").as_double()}
                                                    : LimitOptions{.percentile = values.at("percentile").as_double()};
      const std::int64_t batch = golden.size(0);  // the reference can threshold one sample only
      const Predicted p =
          p_gaussian(schedule, Prediction::epsilon, Variance::fixed_small, output("out", false).narrow(0, 0, batch),
                     x.narrow(0, 0, batch), t.narrow(0, 0, batch), limit);
      r.relative(key, part.at(2) == "x0" ? p.x0 : p.previous.mean, golden);
    } else {
      const auto prediction = named<Prediction>(Node::map({{"k", part.at(1)}}), "k", Prediction::v);
      const auto variance = named<Variance>(Node::map({{"k", part.at(2)}}), "k", Variance::fixed_small);
      const bool learned = is_learned(variance);
      Tensor out = output("out", learned);
      if (part.at(3) == "cfg") {
        out = guide(out, output("uncond_out", learned),
                    {.scale = values.at("guide_scale").as_double(), .variance = variance});
      } else if (part[3] != "plain") {
        unsupported(c, str("output '", printable(key), "'"));
      }
      const Predicted p = p_gaussian(schedule, prediction, variance, out, x, t);
      if (part.at(4) == "x0")
        r.relative(key, p.x0, golden);
      else
        compare_gaussian(key, part[4], p.previous, 1e-5);
    }
  }
}

void run_predict_gauss(const Case& c, Report& r) {
  const Node &sr = c.json.at("config").at("DiffusionDDIMSR"), &values = c.json.at("values");
  const Tensor x = input(c, "x"), out = input(c, "out"), uncond = input(c, "uncond_out");
  const NoiseSchedule forward = sr_schedule(c, sr, "forward"), reverse = sr_schedule(c, sr, "reverse");
  for (const auto& [key, golden] : c.tensors) {
    const std::vector<std::string> part = split(key);
    if (part.size() == 2) {
      const int t = time_in(c, part[1]), stride = forward.steps() / 50;
      // one deterministic step of a v model between two levels
      const auto moved = [&](const Tensor& x, const Tensor& out, int from, int to) {
        const Denoised d = interpret(Prediction::v, x, out, forward.level(from), forward);
        return samplers::ddim_step(d, forward.level(from), forward.level(to), 0).mean;
      };
      if (part[0] == "diffuse") {
        r.relative(key, add_noise(x, uncond, forward.level(t)), golden);
      } else if (part[0] == "prev_step") {
        r.relative(key, moved(x, out, t, std::max(t - stride, 0)), golden);
      } else if (part[0] == "next_step") {
        const std::int64_t batch = golden.size(0);
        r.relative(key,
                   moved(x.narrow(0, 0, batch), out.narrow(0, 0, batch), std::min(t - stride, forward.steps() - 1), t),
                   golden);
      } else {
        unsupported(c, str("output '", printable(key), "'"));
      }
      continue;
    }
    const NoiseSchedule& schedule = part[0] == "forward" ? forward : reverse;
    if (part[0] != "forward" && part[0] != "reverse") unsupported(c, str("output '", printable(key), "'"));
    const auto prediction = named<Prediction>(Node::map({{"k", part.at(1)}}), "k", Prediction::v);
    const int t = time_in(c, part.at(2));
    const std::string &how = part.at(3), &field = part.at(4);
    GuidanceOptions g{.scale = values.at("guide_scale").as_double()};
    LimitOptions limit;
    Tensor said = out;
    if (how == "cfg_rescale") g.rescale = values.at("guide_rescale").as_double();
    if (how.starts_with("cfg"))
      said = guide(out, uncond, g);
    else if (how == "clamp")
      limit.clamp = values.at("clamp").as_double();
    else if (how == "percentile")
      limit.percentile = values.at("percentile").as_double();
    else if (how != "plain")
      unsupported(c, str("output '", printable(key), "'"));
    const Model fixed = [said](const Tensor&, const Tensor&) { return said; };
    const Denoised d =
        denoiser(fixed, schedule, DenoiserOptions{.prediction = prediction, .limit = limit})(x, schedule.level(t));
    const auto& s = schedule.tables();
    if (field == "x0")
      r.relative(key, d.x0, golden);
    else if (field == "eps")
      r.relative(key, d.eps, golden, t <= 2 ? 1e-3 : 1e-5);
    else if (field == "mean")
      r.relative(key, s.posterior_mean_x0[t] * d.x0 + s.posterior_mean_xt[t] * x, golden);
    else
      unsupported(c, str("output '", printable(key), "'"));
  }
}

void run_ddim(const Case& c, Report& r) {
  const Node &config = c.json.at("config"), &block = config.at("diffusion"), &values = c.json.at("values");
  const NoiseSchedule schedule = schedule_of(c, block);
  const Formula formula(config);
  std::vector<double> seen;
  Chain chain;
  const auto draws = draws_of(c);
  const Denoiser d = denoiser_of(c, block, formula, schedule, &seen, limit_of(config));
  const samplers::DdimOptions o{.steps = int_or(config, "ddim_timesteps", 20), .eta = number_or(config, "eta", 0)};
  if (c.tensors.contains("log_prob")) {
    const samplers::DdimTrace trace = samplers::ddim_with_log_prob(d, schedule, input(c, "x"), source_of(draws), o);
    r.relative("x", trace.latents, c.golden("x"));
    r.relative("log_prob", trace.log_probs, c.golden("log_prob"));
  } else {
    samplers::ddim(d, schedule, input(c, "x"), source_of(draws), o, chain.on_step());
    compare_chain(c, r, chain);
    // with eta = 0 the reference draws noise that it multiplies by zero
    if (o.eta > 0) compare_count(r, values, "noise_draws", draws->count);
    if (number_or(config, "guide_scale", 0) != 1)
      compare_count(r, values, "model_calls",
                    static_cast<long long>(seen.size()) * (has(config, "guide_scale") ? 2 : 1));
  }
  same_times(r, "t", seen, values.at("t"));
}

void run_inversion(const Case& c, Report& r) {
  const Node &config = c.json.at("config"), &block = config.at("diffusion");
  const NoiseSchedule schedule = schedule_of(c, block);
  std::vector<double> seen;
  Chain chain;
  samplers::ddim_inversion(denoiser_of(c, block, Formula(config), schedule, &seen, limit_of(config)), schedule,
                           input(c, "x"), {.steps = int_or(config, "ddim_timesteps", 20)}, chain.on_step());
  same_times(r, "t", seen, c.json.at("values").at("t"));
  compare_chain(c, r, chain);
}

void run_ddpm(const Case& c, Report& r) {
  const Node &config = c.json.at("config"), &block = config.at("diffusion"), &values = c.json.at("values");
  const NoiseSchedule schedule = schedule_of(c, block);
  const std::vector<double> wanted = values.at("t").as_doubles();  // a part of the steps where there are many
  // The reference's DDPM steps with the unlimited x0 and only reports the limited one; vgen's steps with the limited.
  Chain chain;
  samplers::ddpm(denoiser_of(c, block, Formula(config), schedule, nullptr, {}), schedule, input(c, "x"),
                 source_of(draws_of(c)), {.variance = named(block, "var_type", Variance::learned_range)},
                 chain.on_step({wanted.begin(), wanted.end()}));
  for (Tensor& x0 : chain.x0) x0 = limit_x0(x0, limit_of(config));
  compare_count(r, values, "steps", schedule.steps());
  same_times(r, "t", chain.t, values.at("t"));
  compare_chain(c, r, chain);
}

void run_partial(const Case& c, Report& r) {
  const Node &config = c.json.at("config"), &block = config.at("diffusion"), &values = c.json.at("values");
  if (!bool_or(config, "truncated_backprop", true) || !has(config, "trunc_backprop_timestep"))
    unsupported(c, "the reference takes no step without truncated_backprop and trunc_backprop_timestep");
  const NoiseSchedule schedule = schedule_of(c, block);
  Formula formula(config);
  std::vector<std::pair<std::string, Tensor*>> constants = {
      {"a0", &formula.a0}, {"a1", &formula.a1}, {"b0", &formula.b0}, {"b1", &formula.b1}, {"c", &formula.c}};
  for (auto& [name, tensor] : constants) tensor->set_requires_grad(true);
  Tensor x = input(c, "x");
  x.set_requires_grad(true);
  std::vector<double> seen, with_gradient;
  // a model that notes the times at which gradients are on
  const Model inner = network(c, formula, &seen);
  const Model noted = [&](const Tensor& x, const Tensor& t) {
    if (at::GradMode::is_enabled()) with_gradient.push_back(t[0].item<double>());
    return inner(x, t);
  };
  Chain chain;
  const samplers::PartialChainOptions o{.steps = int_or(config, "ddim_timesteps", 20),
                                        .start = config.at("starting_partial").as_double(),
                                        .gradient_steps = int_or(config, "trunc_backprop_timestep", 1),
                                        .eta = number_or(config, "eta", 0)};
  const Denoiser d = denoiser(
      noted, schedule,
      DenoiserOptions{.prediction = named(block, "mean_type", Prediction::epsilon), .variance = Variance::fixed_small});
  at::AutoGradMode with_grad(true);
  const Tensor last = samplers::partial_chain(d, schedule, x, source_of(draws_of(c)), o, chain.on_step());
  (last * input(c, "w")).sum().backward();
  same_times(r, "t", seen, values.at("t"));
  same_times(r, "t_with_gradient", with_gradient, values.at("t_with_gradient"));
  compare_chain(c, r, chain);
  constants.emplace_back("x", &x);
  for (auto& [name, tensor] : constants) {
    const std::string key = "grad." + name;
    if (!c.tensors.contains(key)) continue;
    const Tensor& grad = tensor->grad();
    if (name == "x" && has(values, "start_receives_gradient"))
      r.check("start_receives_gradient", grad.defined() == values.at("start_receives_gradient").as_bool());
    r.relative(key, grad.defined() ? grad : at::zeros_like(*tensor), c.golden(key), 1e-4);
  }
}

// DPM++(2M) SDE with the reference's grid; records what the network saw.
struct DpmppRun {
  std::vector<Tensor> network_input;
  Chain chain;
  Tensor x;
};
DpmppRun dpmpp(const Case& c, const Node& block, const Node& options, const NoiseSchedule& schedule,
               const Formula& formula, const Tensor& start, const samplers::IntervalNoise& noise,
               std::vector<double>* seen) {
  if (const std::string solver = text_or(options, "solver", "dpmpp_2m_sde"); solver != "dpmpp_2m_sde")
    unsupported(c, str("solver '", printable(solver), "'"));
  const SrOptions sr = range_options(options, schedule.steps());
  samplers::Dpmpp2mSdeOptions o;
  o.steps = sr.steps;
  o.range = sr.range;
  o.eta = number_or(options, "eta", 1);
  o.s_noise = number_or(options, "s_noise", 1);
  o.solver = named(options, "solver_type", samplers::SecondOrder::midpoint);
  o.start = samplers::Start::sigma;
  o.lower_order_final = false;
  DpmppRun run;
  const Model inner = network(c, formula, seen);
  const Model noted = [&](const Tensor& x, const Tensor& t) {
    run.network_input.push_back(x);
    return inner(x, t);
  };
  const Denoiser d = denoiser(noted, schedule,
                              DenoiserOptions{.prediction = named(block, "mean_type", Prediction::epsilon),
                                              .variance = Variance::fixed_small,
                                              .limit = limit_of(options)});
  run.x = samplers::dpmpp_2m_sde(d, schedule, start, noise, o, run.chain.on_step());
  return run;
}

void run_dpmpp(const Case& c, Report& r) {
  const Node &config = c.json.at("config"), &block = config.at("diffusion"), &values = c.json.at("values");
  const NoiseSchedule schedule = gauss_schedule_of(c, block);
  const auto draws = draws_of(c);
  std::vector<double> seen;
  const DpmppRun run = dpmpp(c, block, config, schedule, Formula(config), input(c, "x"),
                             samplers::independent_noise(source_of(draws)), &seen);
  same_times(r, "t", seen, values.at("t"));
  if (number_or(config, "eta", 1) > 0) compare_count(r, values, "noise_draws", draws->count);
  r.relative("network_input", at::stack(run.network_input), c.golden("network_input"));
  r.relative("x0", at::stack(run.chain.x0), c.golden("x0"));
  r.relative("x", run.x, c.golden("x"));
}

void run_brownian(const Case& c, Report& r) {
  const Node& config = c.json.at("config");
  // the block is the super-resolution model's sampling half, unless the case says otherwise
  Node block = config.find("diffusion") ? config.at("diffusion")
                                        : Node::map({{"schedule", "logsnr_cosine_interp"}, {"mean_type", "v"}});
  if (!block.find("schedule_param")) block.set("schedule_param", Node::map());
  const NoiseSchedule schedule = gauss_schedule_of(c, block);
  const SrOptions sr = range_options(config, schedule.steps());
  const schedulers::SamplingGrid grid = schedulers::range_grid("parity", schedule, sr.steps, sr.range);
  compare_sigmas(r, "sigmas", grid, c.golden("sigmas"));
  const auto seed = static_cast<std::uint64_t>(config.at("torch.manual_seed").as_int());
  const std::uint64_t entropy = samplers::draw_entropy(make_generator(seed));
  if (has(c.json.at("values"), "entropy"))
    r.check("entropy", str(static_cast<unsigned long long>(entropy)) == c.json.at("values").at("entropy").as_string(),
            str("ours ", static_cast<unsigned long long>(entropy)));
  const auto [low, high] = samplers::sigma_interval(grid);
  const samplers::IntervalNoise tree = samplers::brownian_noise(entropy, low, high);
  std::vector<Tensor> increments;
  const samplers::IntervalNoise noted = [&](const Tensor& like, double from, double to) {
    increments.push_back(tree(like, from, to));
    return increments.back();
  };
  const DpmppRun run = dpmpp(c, block, config, schedule, Formula(config), input(c, "x"), noted, nullptr);
  r.relative("increment", at::stack(increments), c.golden("increment"));
  r.relative("x", run.x, c.golden("x"));
}

void run_sr_chain(const Case& c, Report& r) {
  const Node &config = c.json.at("config"), &block = config.at("diffusion"), &values = c.json.at("values");
  const NoiseSchedule reverse = sr_schedule(c, block, "reverse"), forward = sr_schedule(c, block, "forward");
  const Formula formula(config);
  const int levels = int_or(config, "total_noise_levels", 700);
  std::vector<double> inverted, sampled;
  Chain inversion;
  const Denoiser invert = denoiser(formula.model(input(c, "uncond"), &inverted), reverse,
                                   named(block.at("reverse_diffusion"), "mean_type", Prediction::v));
  const Tensor noise =
      samplers::ddim_inversion(invert, reverse, input(c, "x"),
                               {.steps = int_or(config, "ddim_timesteps", 30), .until = levels}, inversion.on_step());
  same_times(r, "invert.t", inverted, values.at("invert_t"));
  compare_chain(c, r, inversion, "invert.");
  Node options = config;
  if (!options.find("t_max")) options.set("t_max", levels - 1);
  if (!options.find("t_min")) options.set("t_min", 0);
  const DpmppRun run = dpmpp(c, block.at("forward_diffusion"), options, forward, formula, noise,
                             samplers::independent_noise(source_of(draws_of(c))), &sampled);
  same_times(r, "sample.t", sampled, values.at("sample_t"));
  r.relative("sample.x0", at::stack(run.chain.x0), c.golden("sample.x0"));
  r.relative("sample.x", run.x, c.golden("sample.x"));
}

void run_lcm(const Case& c, Report& r) {
  const Node &config = c.json.at("config"), &values = c.json.at("values");
  if (bool_or(config, "clip_sample", false)) unsupported(c, "clip_sample");
  const NoiseSchedule schedule =
      diffusers_schedule(Node::map({{"beta_schedule", text_or(config, "beta_schedule", "scaled_linear")},
                                    {"beta_start", number_or(config, "beta_start", 0.00085)},
                                    {"beta_end", number_or(config, "beta_end", 0.012)},
                                    {"num_train_timesteps", int_or(config, "num_train_timesteps", 1000)},
                                    {"rescale_betas_zero_snr", bool_or(config, "rescale_betas_zero_snr", false)}}),
                         false);
  const Formula formula(config);
  std::vector<double> seen;
  bool all_float = true;
  const Model inner = network(c, formula, &seen);
  const Model noted = [&](const Tensor& x, const Tensor& t) {
    all_float = all_float && t.scalar_type() == at::kFloat;
    return inner(x, t);
  };
  const auto draws = draws_of(c);
  Chain chain;
  samplers::lcm(denoiser(noted, schedule, named(config, "prediction_type", Prediction::epsilon)), schedule,
                input(c, "x"), source_of(draws),
                {.steps = int_or(config, "num_inference_steps", 4),
                 .original_steps = int_or(config, "original_inference_steps", 50),
                 .timestep_scaling = number_or(config, "timestep_scaling", 10)},
                chain.on_step());
  same_times(r, "t", seen, values.at("t"));
  r.check("t is float32", all_float);
  compare_count(r, values, "noise_draws", draws->count);
  r.relative("x", at::stack(chain.x), c.golden("x"));
  r.relative("denoised", at::stack(chain.x0), c.golden("denoised"));
}

// ---- diffusers by class name ----

schedulers::GridOptions diffusers_grid(const Node& o) {
  schedulers::GridOptions g;
  g.spacing = named(o, "timestep_spacing", Spacing::linspace);
  g.offset = int_or(o, "steps_offset", 0);
  if (bool_or(o, "use_karras_sigmas", false)) g.sigmas = schedulers::Sigmas::karras;
  if (bool_or(o, "use_exponential_sigmas", false)) g.sigmas = schedulers::Sigmas::exponential;
  if (text_or(o, "final_sigmas_type", "zero") == "sigma_min") g.final_sigma = schedulers::FinalSigma::smallest;
  return g;
}

struct DiffusersScheduler {
  samplers::Sampler sampler;
  NoiseSchedule schedule;
  std::optional<schedulers::SamplingGrid> grid;  // of sigma-space samplers
  bool in_sigma_space = false;                   // the library holds x / alpha
};
DiffusersScheduler diffusers_scheduler(const Case& c, const std::string& name, const Node& options, const Node& step,
                                       int steps) {
  constexpr std::string_view common[] = {"beta_start",          "beta_end",         "beta_schedule",
                                         "num_train_timesteps", "prediction_type",  "rescale_betas_zero_snr",
                                         "clip_sample",         "timestep_spacing", "steps_offset"};
  const auto allow = [&](std::initializer_list<std::string_view> more) {
    for (const auto& [key, value] : options.entries)
      if (std::ranges::find(common, key) == std::end(common) && std::ranges::find(more, key) == more.end())
        unsupported(c, str(name, " option '", printable(key), "'"));
    if (bool_or(options, "clip_sample", false)) unsupported(c, "clip_sample");
  };
  if (name == "DDIMScheduler") {
    allow({"set_alpha_to_one"});
    return {samplers::DdimOptions{.steps = steps,
                                  .eta = number_or(step, "eta", 0),
                                  .spacing = named(options, "timestep_spacing", Spacing::leading),
                                  .offset = int_or(options, "steps_offset", 0),
                                  .end_clean = bool_or(options, "set_alpha_to_one", true)},
            diffusers_schedule(options, false),
            {},
            false};
  }
  if (name == "DDPMScheduler") {
    allow({"variance_type"});
    return {samplers::DdpmOptions{.steps = steps,
                                  .variance = named(options, "variance_type", Variance::fixed_small),
                                  .spacing = named(options, "timestep_spacing", Spacing::leading),
                                  .offset = int_or(options, "steps_offset", 0)},
            diffusers_schedule(options, false),
            {},
            false};
  }
  if (name == "DPMSolverMultistepScheduler") {
    allow({"algorithm_type", "solver_order", "solver_type", "lower_order_final", "euler_at_final", "use_karras_sigmas",
           "use_exponential_sigmas", "final_sigmas_type"});
    const std::string algorithm = text_or(options, "algorithm_type", "dpmsolver++");
    const int order = int_or(options, "solver_order", 2);
    const bool lower = bool_or(options, "lower_order_final", true);
    const auto solver = named(options, "solver_type", samplers::SecondOrder::midpoint);
    const NoiseSchedule schedule = diffusers_schedule(options, true);
    const schedulers::GridOptions g = diffusers_grid(options);
    const auto grid = schedulers::multistep_grid("parity", schedule, steps, g);
    if (bool_or(options, "euler_at_final", false) && g.final_sigma != schedulers::FinalSigma::zero)
      unsupported(c, "euler_at_final with sigma_min");
    if (algorithm == "dpmsolver++" && order == 2)
      return {samplers::Dpmpp2mOptions{.steps = steps, .solver = solver, .grid = g, .lower_order_final = lower},
              schedule, grid, false};
    if (algorithm == "dpmsolver++" && order == 3)
      return {samplers::Dpmpp3mOptions{.steps = steps, .solver = solver, .grid = g, .lower_order_final = lower},
              schedule, grid, false};
    if (algorithm == "sde-dpmsolver++" && order == 2) {
      samplers::Dpmpp2mSdeOptions o;
      o.steps = steps, o.solver = solver, o.grid = g, o.lower_order_final = lower;
      return {o, schedule, grid, false};
    }
    unsupported(c, str(name, " with algorithm '", printable(algorithm), "' of order ", order));
  }
  if (name == "EulerDiscreteScheduler" || name == "EulerAncestralDiscreteScheduler" ||
      name == "HeunDiscreteScheduler") {
    allow({"use_karras_sigmas", "use_exponential_sigmas", "final_sigmas_type"});
    const NoiseSchedule schedule = diffusers_schedule(options, true);
    const schedulers::GridOptions g = diffusers_grid(options);
    const auto grid = schedulers::euler_grid("parity", schedule, steps, g);
    if (name[0] == 'H') return {samplers::HeunOptions{.steps = steps, .grid = g}, schedule, grid, true};
    if (name == "EulerDiscreteScheduler")
      return {samplers::EulerOptions{.steps = steps, .grid = g}, schedule, grid, true};
    return {samplers::EulerAncestralOptions{.steps = steps, .grid = g}, schedule, grid, true};
  }
  if (name == "UniPCMultistepScheduler") {
    allow({"solver_order", "solver_type", "lower_order_final", "use_karras_sigmas", "use_exponential_sigmas",
           "final_sigmas_type"});
    const NoiseSchedule schedule = diffusers_schedule(options, true);
    const schedulers::GridOptions g = diffusers_grid(options);
    return {samplers::UniPcOptions{.steps = steps,
                                   .order = int_or(options, "solver_order", 2),
                                   .solver = named(options, "solver_type", samplers::UniPcKind::bh2),
                                   .grid = g,
                                   .lower_order_final = bool_or(options, "lower_order_final", true)},
            schedule, schedulers::multistep_grid("parity", schedule, steps, g), false};
  }
  if (name == "LCMScheduler") {
    allow({"original_inference_steps", "timestep_scaling", "set_alpha_to_one"});
    return {samplers::LcmOptions{.steps = steps,
                                 .original_steps = int_or(options, "original_inference_steps", 50),
                                 .timestep_scaling = number_or(options, "timestep_scaling", 10)},
            diffusers_schedule(options, false),
            {},
            false};
  }
  if (name == "TCDScheduler") {
    allow({"original_inference_steps", "timestep_scaling", "set_alpha_to_one"});
    return {samplers::TcdOptions{.steps = steps,
                                 .original_steps = int_or(options, "original_inference_steps", 50),
                                 .eta = number_or(step, "eta", 0.3)},
            diffusers_schedule(options, false),
            {},
            false};
  }
  unsupported(c, str("diffusers class '", printable(name), "'"));
}

void run_diffusers(const Case& c, Report& r) {
  const Node &config = c.json.at("config"), &values = c.json.at("values");
  const int steps = int_or(config, "num_inference_steps", 8);
  const Formula formula(config);
  for (const auto& [name, value] : values.entries) {
    if (!value.is_map() || !value.find("class")) continue;
    Node options = config.at("base");
    for (const auto& [key, option] : value.at("options").entries) options.set(key, option);
    const std::string kind = name.substr(name.rfind('.') + 1);  // "euler.eps"
    const Prediction prediction = named<Prediction>(Node::map({{"k", kind}}), "k", Prediction::epsilon);
    const DiffusersScheduler s =
        diffusers_scheduler(c, value.at("class").as_string(), options, value.at("step"), steps);
    std::vector<double> seen;
    std::vector<Tensor> xs;
    const auto draws = draws_of(c);
    const OnStep keep = [&](Step& step) {
      xs.push_back(s.in_sigma_space ? step.latent * std::sqrt(1 + std::pow(step.to.ve_sigma(), 2)) : step.latent);
      return true;
    };
    samplers::sample(denoiser(formula.model(input(c, "cond"), &seen), s.schedule, prediction), s.schedule,
                     input(c, "x"), s.sampler, source_of(draws), keep);
    if (s.grid && c.tensors.contains(name + ".sigmas")) {
      std::vector<double> ours;
      const bool twice = std::holds_alternative<samplers::HeunOptions>(s.sampler);
      for (std::size_t i = 0; i < s.grid->state.size(); ++i)
        for (int k = 0; k < (twice && i > 0 && i + 1 < s.grid->state.size() ? 2 : 1); ++k)
          ours.push_back(s.grid->state[i].ve_sigma());
      r.relative(name + ".sigmas", floats(ours), c.golden(name + ".sigmas"));
    }
    Tensor golden = c.golden(name + ".x");
    if (std::holds_alternative<samplers::HeunOptions>(
            s.sampler)) {  // diffusers counts both halves of a step; the second half's x is the step's
      std::vector<Tensor> whole;
      for (std::int64_t i = 1; i < golden.size(0); i += 2) whole.push_back(golden[i]);
      whole.push_back(golden[golden.size(0) - 1]);
      golden = at::stack(whole);
    }
    r.relative(name + ".x", at::stack(xs), golden);
    r.relative(name + ".timesteps", floats(seen), floats(value.at("timesteps").as_doubles()),
               s.in_sigma_space ? 1e-5 : 0);
    if (s.in_sigma_space && has(value, "init_noise_sigma")) {
      const double first = s.grid->state[0].ve_sigma();
      const auto spacing = named(options, "timestep_spacing", Spacing::linspace);
      r.number(name + ".init_noise_sigma", spacing == Spacing::leading ? std::sqrt(1 + first * first) : first,
               value.at("init_noise_sigma").as_double(), 1e-5);
    }
    // diffusers also draws for last steps that multiply the noise by zero
    if (has(value, "noise_draws")) {
      const std::int64_t wanted = value.at("noise_draws").as_int();
      r.check(name + ".noise_draws", draws->count == wanted || draws->count + 1 == wanted,
              str("ours ", draws->count, ", golden ", static_cast<long long>(wanted)));
    }
  }
}

void run_same_as_diffusers(const Case& c, Report& r) {
  const Node &config = c.json.at("config"), &values = c.json.at("values");
  const NoiseSchedule schedule = schedulers::make_schedule();
  const Formula formula(config);
  const int steps = int_or(config, "ddim_timesteps", 20);
  for (const bool vgen_grid : {true, false}) {
    std::vector<double> seen;
    const samplers::DdimOptions o{.steps = steps, .spacing = vgen_grid ? Spacing::vgen : Spacing::leading, .offset = 1};
    const Tensor x = samplers::ddim(denoiser(formula.model(input(c, "cond"), &seen), schedule, Prediction::epsilon),
                                    schedule, input(c, "x"), o);
    const std::string name = vgen_grid ? "reference" : "diffusers";
    r.relative(name, x, c.golden(name));
    same_times(r, name + ".t", seen, values.at("timesteps"));
  }
}

void run_bound(const Case& c, Report& r) {
  const Node &config = c.json.at("config"), &block = config.at("diffusion");
  const NoiseSchedule schedule = schedule_of(c, block);
  const LimitOptions limit = limit_of(config);
  const VariationalBound b = variational_bound(
      Formula(config).model(input(c, "cond")), schedule, named(block, "mean_type", Prediction::epsilon),
      named(block, "var_type", Variance::learned_range), input(c, "x"), source_of(draws_of(c)), limit);
  r.relative("vlb", b.terms, c.golden("vlb"));
  r.relative("x0_mse", b.x0_mse, c.golden("x0_mse"));
  // The reference takes the prior at the loop's last time, 0, instead of T - 1. vgen does not; the comparison does.
  const Tensor prior = prior_bits(schedule, input(c, "x"), 0);
  r.relative("prior_bits_per_dim", prior, c.golden("prior_bits_per_dim"));
  r.relative("total_bits_per_dim", b.total - b.prior + prior, c.golden("total_bits_per_dim"));
}

void run_losses(const Case& c, Report& r) {
  const Node &config = c.json.at("config"), &values = c.json.at("values");
  const NoiseSchedule schedule = schedule_of(c, config.at("diffusion"));
  const Tensor x0 = input(c, "x0"), noise = input(c, "noise"), t = at::tensor(values.at("t").as_ints(), at::kLong);
  const auto shape = input_shape(c, "out");
  const auto output = [&](bool learned) {
    auto wide = shape;
    if (learned) wide[1] *= 2;
    const Node& n = c.json.at("inputs").at("out");
    return unit(text_or(n, "salt", salt_of(c)), text_or(n, "name", "input.out"), wide).set_requires_grad(true);
  };
  const std::string salt = salt_of(c);
  at::AutoGradMode with_grad(true);
  for (const auto& [name, entry] : config.at("cases").entries) {
    only_keys(c, entry,
              {"mean_type", "loss_type", "var_type", "weight", "loss_mask", "noise_strength", "noise", "use_div_loss"});
    LossOptions o;
    o.prediction = named(entry, "mean_type", Prediction::epsilon);
    o.loss = named(entry, "loss_type", Loss::mse);
    o.variance = named(entry, "var_type", Variance::fixed_small);
    o.epsilon = number_or(config, "epsilon", 1e-12);
    o.frame_diversity = bool_or(entry, "use_div_loss", false);
    LossInputs in;
    if (has(entry, "weight")) in.weight = floats(values.at("weight").as_doubles()).to(at::kFloat);
    if (has(entry, "loss_mask")) {  // one mask a frame
      const std::vector<std::int64_t> mask = {x0.size(0), x0.size(2), 1, x0.size(3), x0.size(4)};
      in.mask = (uniform(salt, "input.mask", mask) > 0).to(at::kFloat).permute({0, 2, 1, 3, 4});
    }
    Tensor eps = noise;
    if (entry.find("noise") && entry.at("noise").is_null()) {
      // white noise and its offset are numbered separately
      const NoiseSource source = [&](const Tensor& like) {
        return unit(salt, like.size(3) == 1 && like.size(4) == 1 ? "input.randn.0" : "input.randn_like.0",
                    like.sizes());
      };
      eps = draw_noise(x0, number_or(entry, "noise_strength", 0), source);
    }
    const Tensor out = output(is_learned(o.variance)), x_t = add_noise(schedule, x0, eps, t);
    const Tensor loss = training_loss(schedule, out, x0, eps, x_t, t, o, in);
    loss.mean().backward();
    r.relative(name + ".loss", loss, c.golden(name + ".loss"));
    r.relative(name + ".grad", out.grad(), c.golden(name + ".grad"), 1e-4);
  }
  for (const auto& [key, golden] : c.tensors) {
    const std::vector<std::string> part = split(key);
    if (part[0] != "reward" || part.at(2) != "loss") continue;
    const std::string name = "reward." + part[1];
    const Tensor out = output(false), x_t = add_noise(schedule, x0, noise, t);
    const RewardTerms terms =
        reward_terms(schedule, out, noise, x_t, t, named<Loss>(Node::map({{"k", part[1]}}), "k", Loss::mse));
    (terms.loss.mean() + terms.log_prob.mean()).backward();
    r.relative(name + ".loss", terms.loss, golden);
    r.relative(name + ".x0", terms.x0, c.golden(name + ".x0"));
    r.relative(name + ".log_prob", terms.log_prob, c.golden(name + ".log_prob"));
    r.relative(name + ".grad", out.grad(), c.golden(name + ".grad"), 1e-4);
  }
}

// Where the reference fails: its grid sizes are kept, its NaN at zero SNR and its failing step counts are not.
void run_failures(const Case& c, Report& r) {
  const Node &config = c.json.at("config"), &values = c.json.at("values");
  const NoiseSchedule schedule = schedule_of(c, config.at("linear_sd")),
                      zero = schedule_of(c, config.at("linear_sd_zsnr"));
  for (const auto& [n, wanted] : values.at("ddim_steps_n_count_first").entries) {
    const samplers::DdimGrid grid = samplers::ddim_grid(schedule, {.steps = std::stoi(n)});
    same_times(r, "ddim grid " + n, {double(grid.from.size()), grid.from[0].t}, wanted);
  }
  const Model v = [](const Tensor& x, const Tensor&) { return 0.5 * x; };
  const Tensor x = unit(salt_of(c), "input.x", {1, 4, 2, 2, 2});
  for (const auto& [n, outcome] : values.at("ddim_zsnr_n").entries) {
    const Tensor out = samplers::ddim(denoiser(v, zero, Prediction::v), zero, x, {.steps = std::stoi(n)});
    r.check("ddim zero SNR " + n, out.isfinite().all().item<bool>(), "not finite");
  }
}

}  // namespace

void run_diffusion(const Case& c, Report& r) {
  at::NoGradGuard no_grad;
  const Node& config = c.json.at("config");
  const auto golden = [&](const char* name) { return c.tensors.contains(name); };
  if (config.find("ddim_same") || has(config, "diffusers")) return run_same_as_diffusers(c, r);
  if (config.find("torch.manual_seed")) return run_brownian(c, r);
  if (config.find("cases")) return run_losses(c, r);
  if (config.find("base")) return run_diffusers(c, r);
  if (has(config, "DiffusionDDIMSR"))
    return golden("forward.sigmas") || golden("reverse.sigmas") ? run_tables_gauss(c, r) : run_predict_gauss(c, r);
  if (text_or(config, "class", "").ends_with("LCMScheduler"))
    return has(config, "num_inference_steps") ? run_lcm(c, r) : run_tables_lcm(c, r);
  if (has(config, "schedule")) return golden("betas") ? run_tables(c, r) : run_predict(c, r);
  if (c.json.find("values") && c.json.at("values").find("ddim_steps_n_count_first")) return run_failures(c, r);
  if (const Node* block = config.find("diffusion")) {
    const std::string type = text_or(*block, "type", "DiffusionDDIM");
    if (type == "DiffusionDDIMSR") return run_sr_chain(c, r);
    if (type == "GaussianDiffusion") return run_dpmpp(c, r);
    if (type != "DiffusionDDIM" && type != "DiffusionDDIMReward")
      unsupported(c, str("diffusion type '", printable(type), "'"));
    if (config.find("starting_partial")) return run_partial(c, r);
    if (golden("vlb")) return run_bound(c, r);
    if (!config.find("ddim_timesteps")) return run_ddpm(c, r);
    const std::vector<double> t = c.json.at("values").at("t").as_doubles();
    return !t.empty() && t.front() == 0 ? run_inversion(c, r) : run_ddim(c, r);
  }
  unsupported(c, "no kind of case is known by this config");
}

}  // namespace vgen::parity
