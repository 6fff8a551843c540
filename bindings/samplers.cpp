// One function a sampling algorithm. The denoiser is a C++ object or any Python callable.
#include "bindings/tensor.hpp"
#include "vgen/samplers/brownian.hpp"
#include "vgen/samplers/ddim_inversion.hpp"
#include "vgen/samplers/partial_chain.hpp"

namespace vgen::bindings {
namespace {

using namespace samplers;
using diffusion::Denoised;

// Ctrl-C between two network calls, whatever the network is.
Denoiser stoppable(Denoiser denoiser, const CancelToken& cancel) {
  return [denoiser = std::move(denoiser), cancel](const Tensor& x, const NoiseLevel& at) {
    cancel.check("sampler");
    return denoiser(x, at);
  };
}

// name(denoiser, schedule, noise, options, *, source, on_step): run(denoiser, schedule, noise, source, options,
// on_step).
template <class O, class Run>
void bind_sampler(py::module_& m, const char* name, const char* options_name, const char* start, Run run) {
  bind_options<O>(m, options_name, doc(str("samplers::", options_name)));
  m.def(
      name,
      [name, run](const Denoiser& denoiser, const NoiseSchedule& schedule, const Tensor& noise, const O& options,
                  const NoiseSource& source, const OnStep& on_step) {
        if constexpr (std::is_constructible_v<Sampler, O>) {
          VGEN_CHECK(source || !is_stochastic(Sampler(options)), ConfigError, name,
                     ": adds noise and so needs a noise source; pass source=0 (a seed) or source=torch.Generator()");
        }
        return interruptible([&](const CancelToken& cancel) {
          return run(stoppable(denoiser, cancel), schedule, noise, source, options, on_step);
        });
      },
      "denoiser"_a, "schedule"_a, py::arg(start), py::arg_v("options", O{}, str(options_name, "()").c_str()),
      py::kw_only(), "source"_a = py::none(), "on_step"_a = py::none(), doc(str("samplers::", name)));
}

}  // namespace

void bind_samplers(py::module_& m) {
  py::class_<Step, std::shared_ptr<Step>>(m, "Step", "What a callback is told after each step.")
      .def_readonly("index", &Step::index, doc("samplers::Step::index"))
      .def_readonly("total", &Step::total, "steps of this run")
      .def_readonly("level_before", &Step::from, "NoiseLevel of the latent before the step.")
      .def_readonly("level_after", &Step::to, "NoiseLevel of the latent after the step.")
      .def_readwrite("latent", &Step::latent, doc("samplers::Step::latent"))
      .def_readonly("x0", &Step::x0, doc("samplers::Step::x0"))
      .def_property_readonly(
          "t", [](const Step& s) { return s.from.t; }, "the time that the network was asked at")
      .def("__repr__", [](const Step& s) {
        return repr_of("Step",
                       {{"index", py::int_(s.index)}, {"total", py::int_(s.total)}, {"t", py::float_(s.from.t)}});
      });
  py::class_<Callable<OnStep>>(m, "OnStep", doc("samplers::OnStep"))
      .def(
          "__call__",
          [](const Callable<OnStep>& f, int index, int total, const NoiseLevel& before, const NoiseLevel& after,
             const Tensor& latent, const Tensor& x0) {
            Step step{index, total, before, after, latent, x0};
            const bool go_on = !f.function || interruptible([&](const CancelToken&) { return f.function(step); });
            return std::pair(go_on, step.latent);
          },
          "index"_a, "total"_a, "level_before"_a, "level_after"_a, "latent"_a, "x0"_a,
          "Reports a step of a sampler of your own; returns (go_on, latent): stop if go_on is false, continue from "
          "latent.");
  py::class_<Callable<SamplerFunction>>(m, "SamplerFunction", doc("samplers::SamplerFunction"))
      .def(
          "__call__",
          [](const Callable<SamplerFunction>& f, const Denoiser& denoiser, const NoiseSchedule& schedule,
             const Tensor& noise, const NoiseSource& source, const OnStep& on_step) {
            return interruptible([&](const CancelToken& cancel) {
              return f.function(stoppable(denoiser, cancel), schedule, noise, source, on_step);
            });
          },
          "denoiser"_a, "schedule"_a, "noise"_a, "source"_a = py::none(), "on_step"_a = py::none());

#define VGEN_WITHOUT_SOURCE(function)                                                               \
  [](const Denoiser& d, const NoiseSchedule& s, const Tensor& x, const NoiseSource&, const auto& o, \
     const OnStep& step) { return function(d, s, x, o, step); }
#define VGEN_WITH_SOURCE(function)                                                                         \
  [](const Denoiser& d, const NoiseSchedule& s, const Tensor& x, const NoiseSource& source, const auto& o, \
     const OnStep& step) { return function(d, s, x, source, o, step); }
  bind_sampler<DdimOptions>(m, "ddim", "DdimOptions", "noise", VGEN_WITH_SOURCE(ddim));
  bind_sampler<DdpmOptions>(m, "ddpm", "DdpmOptions", "noise", VGEN_WITH_SOURCE(ddpm));
  bind_sampler<Dpmpp2mOptions>(m, "dpmpp_2m", "Dpmpp2mOptions", "noise", VGEN_WITHOUT_SOURCE(dpmpp_2m));
  bind_sampler<Dpmpp2mSdeOptions>(m, "dpmpp_2m_sde", "Dpmpp2mSdeOptions", "noise", VGEN_WITH_SOURCE(dpmpp_2m_sde));
  bind_sampler<Dpmpp3mOptions>(m, "dpmpp_3m", "Dpmpp3mOptions", "noise", VGEN_WITHOUT_SOURCE(dpmpp_3m));
  bind_sampler<DpmppSdeOptions>(m, "dpmpp_sde", "DpmppSdeOptions", "noise", VGEN_WITH_SOURCE(dpmpp_sde));
  bind_sampler<EulerOptions>(m, "euler", "EulerOptions", "noise", VGEN_WITHOUT_SOURCE(euler));
  bind_sampler<EulerAncestralOptions>(m, "euler_ancestral", "EulerAncestralOptions", "noise",
                                      VGEN_WITH_SOURCE(euler_ancestral));
  bind_sampler<HeunOptions>(m, "heun", "HeunOptions", "noise", VGEN_WITHOUT_SOURCE(heun));
  bind_sampler<UniPcOptions>(m, "unipc", "UniPcOptions", "noise", VGEN_WITHOUT_SOURCE(unipc));
  bind_sampler<LcmOptions>(m, "lcm", "LcmOptions", "noise", VGEN_WITH_SOURCE(lcm));
  bind_sampler<TcdOptions>(m, "tcd", "TcdOptions", "noise", VGEN_WITH_SOURCE(tcd));
  bind_sampler<PlmsOptions>(m, "plms", "PlmsOptions", "noise", VGEN_WITHOUT_SOURCE(plms));
  bind_sampler<DdimInversionOptions>(m, "ddim_inversion", "DdimInversionOptions", "x0",
                                     VGEN_WITHOUT_SOURCE(ddim_inversion));
  bind_sampler<PartialChainOptions>(m, "partial_chain", "PartialChainOptions", "x", VGEN_WITH_SOURCE(partial_chain));
#undef VGEN_WITHOUT_SOURCE
#undef VGEN_WITH_SOURCE

  m.def(
      "sample",
      [](const Denoiser& denoiser, const NoiseSchedule& schedule, const Tensor& noise, const Sampler& sampler,
         const NoiseSource& source, const OnStep& on_step) {
        VGEN_CHECK(source || !is_stochastic(sampler), ConfigError,
                   "sample: this sampler adds noise and so needs a noise source; pass source=0 (a seed)");
        return interruptible([&](const CancelToken& cancel) {
          return sample(stoppable(denoiser, cancel), schedule, noise, sampler, source, on_step);
        });
      },
      "denoiser"_a, "schedule"_a, "noise"_a, "sampler"_a, py::kw_only(), "source"_a = py::none(),
      "on_step"_a = py::none(), doc("samplers::sample"));
  m.def("sampler_function", &sampler_function, "sampler"_a, "A sampler with its options bound, as a function.");
  m.def("sampler_names", &sampler_names, doc("samplers::sampler_names"));
  m.def(
      "sampler_named", [](const std::string& name) { return sampler_named(name); }, "name"_a,
      doc("samplers::sampler_named"));
  m.def("steps_of", &steps_of, "sampler"_a,
        "Number of steps asked for; ddpm without steps runs all of the schedule's: 0.");
  m.def(
      "with_steps",
      [](Sampler sampler, int steps) {
        set_steps(sampler, steps);
        return sampler;
      },
      "sampler"_a, "steps"_a, "The same sampler with another number of steps.");
  m.def("is_stochastic", &is_stochastic, "sampler"_a, doc("samplers::is_stochastic"));
  m.def("validate", py::overload_cast<const Sampler&, const NoiseSchedule&>(&validate), "sampler"_a, "schedule"_a,
        doc("samplers::validate"));
}

}  // namespace vgen::bindings
