// All samplers as one choice: what a configuration names ({"type": "dpmpp_2m", "steps": 25}) and a pipeline runs.
#pragma once
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "vgen/samplers/ddim.hpp"
#include "vgen/samplers/ddpm.hpp"
#include "vgen/samplers/dpmpp_2m.hpp"
#include "vgen/samplers/dpmpp_2m_sde.hpp"
#include "vgen/samplers/dpmpp_3m.hpp"
#include "vgen/samplers/dpmpp_sde.hpp"
#include "vgen/samplers/euler.hpp"
#include "vgen/samplers/euler_ancestral.hpp"
#include "vgen/samplers/heun.hpp"
#include "vgen/samplers/lcm.hpp"
#include "vgen/samplers/plms.hpp"
#include "vgen/samplers/tcd.hpp"
#include "vgen/samplers/unipc.hpp"

namespace vgen::samplers {

using Sampler =
    std::variant<DdimOptions, DdpmOptions, Dpmpp2mOptions, Dpmpp2mSdeOptions, Dpmpp3mOptions, DpmppSdeOptions,
                 EulerOptions, EulerAncestralOptions, HeunOptions, UniPcOptions, LcmOptions, TcdOptions, PlmsOptions>;

// Anything with this signature is a sampler to a pipeline: one of the above bound to its options, or a function of the
// user's own.
using SamplerFunction = std::function<Tensor(const Denoiser& denoiser, const NoiseSchedule& schedule, Tensor noise,
                                             const NoiseSource& source, const OnStep& on_step)>;

// Runs the sampler that `sampler` holds. Deterministic ones do not touch `source`.
VGEN_API Tensor sample(const Denoiser& denoiser, const NoiseSchedule& schedule, Tensor noise, const Sampler& sampler,
                       const NoiseSource& source, const OnStep& on_step = {});
VGEN_API SamplerFunction sampler_function(Sampler sampler);

// "ddim", "ddpm", "dpmpp_2m", ...: the kinds, in the order of the variant.
VGEN_API const std::vector<std::string>& sampler_names();
// A sampler of this name with its defaults. Spellings of other libraries are read too ("dpm++ 2m",
// "DPMSolverMultistepScheduler", "euler_a"). ConfigError naming the nearest one.
VGEN_API Sampler sampler_named(std::string_view name);
// Number of steps asked for; set_steps changes it. ddpm without steps runs all of the schedule's: 0.
VGEN_API int steps_of(const Sampler& sampler);
VGEN_API void set_steps(Sampler& sampler, int steps);
// ConfigError now instead of at the first step: steps out of range, eta, order, ... Costs microseconds.
VGEN_API void validate(const Sampler& sampler, const NoiseSchedule& schedule);
// Whether runs differ with the noise source.
VGEN_API bool is_stochastic(const Sampler& sampler);

}  // namespace vgen::samplers
