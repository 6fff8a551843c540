#include "vgen/samplers/sampler.hpp"

#include <algorithm>
#include <map>

namespace vgen::samplers {

namespace {
template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

template <std::size_t... I>
std::vector<std::string> kinds(std::index_sequence<I...>) {
  return {std::string(std::variant_alternative_t<I, Sampler>::kind)...};
}
template <std::size_t I = 0>
Sampler by_index(std::size_t i) {
  if constexpr (I < std::variant_size_v<Sampler>) {
    if (i == I) return std::variant_alternative_t<I, Sampler>{};
    return by_index<I + 1>(i);
  }
  throw ConfigError("sampler: no such index");
}
}  // namespace

Tensor sample(const Denoiser& d, const NoiseSchedule& s, Tensor x, const Sampler& sampler, const NoiseSource& source,
              const OnStep& on_step) {
  return std::visit(Overloaded{
                        [&](const DdimOptions& o) { return ddim(d, s, x, source, o, on_step); },
                        [&](const DdpmOptions& o) { return ddpm(d, s, x, source, o, on_step); },
                        [&](const Dpmpp2mOptions& o) { return dpmpp_2m(d, s, x, o, on_step); },
                        [&](const Dpmpp2mSdeOptions& o) { return dpmpp_2m_sde(d, s, x, source, o, on_step); },
                        [&](const Dpmpp3mOptions& o) { return dpmpp_3m(d, s, x, o, on_step); },
                        [&](const DpmppSdeOptions& o) { return dpmpp_sde(d, s, x, source, o, on_step); },
                        [&](const EulerOptions& o) { return euler(d, s, x, o, on_step); },
                        [&](const EulerAncestralOptions& o) { return euler_ancestral(d, s, x, source, o, on_step); },
                        [&](const HeunOptions& o) { return heun(d, s, x, o, on_step); },
                        [&](const UniPcOptions& o) { return unipc(d, s, x, o, on_step); },
                        [&](const LcmOptions& o) { return lcm(d, s, x, source, o, on_step); },
                        [&](const TcdOptions& o) { return tcd(d, s, x, source, o, on_step); },
                        [&](const PlmsOptions& o) { return plms(d, s, x, o, on_step); },
                    },
                    sampler);
}

SamplerFunction sampler_function(Sampler sampler) {
  return [sampler = std::move(sampler)](const Denoiser& d, const NoiseSchedule& s, Tensor x, const NoiseSource& source,
                                        const OnStep& on_step) {
    return sample(d, s, std::move(x), sampler, source, on_step);
  };
}

const std::vector<std::string>& sampler_names() {
  static const std::vector<std::string> names = kinds(std::make_index_sequence<std::variant_size_v<Sampler>>{});
  return names;
}

Sampler sampler_named(std::string_view given) {
  // lower case, one underscore for any run of blanks, dashes and dots, "++" as "pp"
  std::string name;
  for (const char c : given) {
    if (c == '+')
      name += 'p';
    else if (c == ' ' || c == '-' || c == '.' || c == '_') {
      if (!name.empty() && name.back() != '_') name += '_';
    } else
      name += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  }
  static const std::map<std::string, std::string, std::less<>> others = {
      {"euler_a", "euler_ancestral"},
      {"dpm_solverpp", "dpmpp_2m"},
      {"dpm_solver", "dpmpp_2m"},
      {"dpm_solverpp_2m", "dpmpp_2m"},
      {"dpmpp", "dpmpp_2m"},
      {"dpmpp_2m_karras", "dpmpp_2m"},
      {"dpmpp_2m_sde_karras", "dpmpp_2m_sde"},
      {"dpm_solverpp_sde", "dpmpp_sde"},
      {"dpm_solverpp_2m_sde", "dpmpp_2m_sde"},
      {"dpm_solverpp_3m", "dpmpp_3m"},
      {"uni_pc", "unipc"},
      {"pndm", "plms"},
      {"ddimscheduler", "ddim"},
      {"ddpmscheduler", "ddpm"},
      {"dpmsolvermultistepscheduler", "dpmpp_2m"},
      {"dpmsolversdescheduler", "dpmpp_sde"},
      {"eulerdiscretescheduler", "euler"},
      {"eulerancestraldiscretescheduler", "euler_ancestral"},
      {"heundiscretescheduler", "heun"},
      {"unipcmultistepscheduler", "unipc"},
      {"lcmscheduler", "lcm"},
      {"tcdscheduler", "tcd"}};
  if (name.starts_with("dpm_pp")) name = "dpmpp" + name.substr(6);
  const bool karras = name.ends_with("_karras");
  if (const auto other = others.find(name); other != others.end()) name = other->second;
  const auto& names = sampler_names();
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) {
    const std::string near = nearest(name, names.data(), names.size());
    std::string all;
    for (const std::string& n : names) all += (all.empty() ? "" : ", ") + n;
    throw ConfigError(str("unknown sampler '", printable(given), "'",
                          near.empty() ? "" : "; did you mean '" + near + "'?", " (valid: ", all, ")"));
  }
  Sampler sampler = by_index(static_cast<std::size_t>(found - names.begin()));
  if (karras)
    std::visit(
        [](auto& o) {
          if constexpr (requires { o.grid; }) o.grid.sigmas = schedulers::Sigmas::karras;
        },
        sampler);
  return sampler;
}

int steps_of(const Sampler& sampler) {
  return std::visit(
      Overloaded{[](const DdpmOptions& o) { return o.steps.value_or(0); }, [](const auto& o) { return o.steps; }},
      sampler);
}
void set_steps(Sampler& sampler, int steps) {
  std::visit([&](auto& o) { o.steps = steps; }, sampler);
}

void validate(const Sampler& sampler, const NoiseSchedule& schedule) {
  std::visit(Overloaded{
                 [&](const DdimOptions& o) { detail::check_eta("ddim", o.eta), ddim_grid(schedule, o); },
                 [&](const DdpmOptions& o) {
                   schedulers::check_steps("ddpm", o.steps.value_or(schedule.steps()), schedule.steps());
                 },
                 [&](const Dpmpp2mSdeOptions& o) {
                   detail::check_not_negative(o.kind, "eta", o.eta),
                       detail::check_not_negative(o.kind, "s_noise", o.s_noise);
                   dpmpp_2m_sde_grid(schedule, o);
                 },
                 [&](const LcmOptions& o) {
                   schedulers::consistency_times(o.kind, schedule.steps(), o.steps, o.original_steps);
                 },
                 [&](const TcdOptions& o) {
                   detail::check_eta(o.kind, o.eta);
                   schedulers::consistency_times(o.kind, schedule.steps(), o.steps, o.original_steps);
                 },
                 [&](const PlmsOptions& o) { schedulers::check_steps(o.kind, o.steps, schedule.steps()); },
                 [&](const UniPcOptions& o) {
                   VGEN_CHECK(o.order >= 1 && o.order <= 4, ConfigError, "unipc: order must be in [1, 4], got ",
                              o.order, "; try ", std::clamp(o.order, 1, 4));
                   schedulers::multistep_grid(o.kind, schedule, o.steps, o.grid);
                 },
                 [&](const auto& o) {
                   using Options = std::decay_t<decltype(o)>;
                   if constexpr (std::is_same_v<Options, Dpmpp2mOptions> || std::is_same_v<Options, Dpmpp3mOptions>) {
                     schedulers::multistep_grid(o.kind, schedule, o.steps, o.grid);
                   } else {
                     if constexpr (std::is_same_v<Options, EulerAncestralOptions>) detail::check_eta(o.kind, o.eta);
                     if constexpr (std::is_same_v<Options, DpmppSdeOptions>)
                       detail::check_not_negative(o.kind, "eta", o.eta),
                           detail::check_not_negative(o.kind, "s_noise", o.s_noise);
                     schedulers::euler_grid(o.kind, schedule, o.steps, o.grid);
                   }
                 },
             },
             sampler);
}

bool is_stochastic(const Sampler& sampler) {
  return std::visit(
      Overloaded{[](const DdimOptions& o) { return o.eta > 0; }, [](const DdpmOptions&) { return true; },
                 [](const Dpmpp2mSdeOptions& o) { return o.eta > 0 && !o.brownian_seed; },
                 [](const DpmppSdeOptions& o) { return o.eta > 0 && !o.brownian_seed; },
                 [](const EulerAncestralOptions& o) { return o.eta > 0; },
                 [](const LcmOptions& o) { return o.steps > 1; },
                 [](const TcdOptions& o) { return o.eta > 0 && o.steps > 1; }, [](const auto&) { return false; }},
      sampler);
}

}  // namespace vgen::samplers
