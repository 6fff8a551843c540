// How tensors and functions of tensors cross between Python and C++. The only place that includes torch's Python
// headers.
#pragma once
#include <torch/csrc/utils/pybind.h>

#include "bindings/options.hpp"
#include "vgen/diffusion/denoiser.hpp"
#include "vgen/samplers/sampler.hpp"
#include "vgen/tensor/random.hpp"
#include "vgen/unet/conditions.hpp"

namespace vgen::bindings {

inline bool is_tensor(py::handle value) { return py::detail::make_caster<Tensor>().load(value, false); }

// A C++ function as a Python object: given back to C++ it is called without Python.
template <class F>
struct Callable {
  F function;
};

// The Python functions that C++ may be given, wrapped so that they take the GIL for their call.
diffusion::Denoiser to_denoiser(py::handle given);
diffusion::Model to_model(py::handle given);
NoiseSource to_noise_source(py::handle given);  // torch.Generator, seed or function
samplers::OnStep to_on_step(py::handle given);
samplers::SamplerFunction to_sampler_function(py::handle given);
bool is_noise_source(py::handle given);

inline unet::Conditions conditions_from(const std::map<std::string, Tensor>& given) {
  unet::Conditions out;
  for (const auto& [name, tensor] : given) out.set(name, tensor);
  return out;
}

// "fp32" / torch.float32 -> "fp32"; the spellings of LoadOptions.
std::string dtype_name(const py::object& given);

}  // namespace vgen::bindings

namespace pybind11::detail {

#define VGEN_FUNCTION_CASTER(Type, text, accepts, convert)                                  \
  template <>                                                                               \
  struct type_caster<Type> {                                                                \
    PYBIND11_TYPE_CASTER(Type, io_name(text, "object"));                                    \
    bool load(handle source, bool) {                                                        \
      if (!(accepts)) return false;                                                         \
      value = convert(source);                                                              \
      return true;                                                                          \
    }                                                                                       \
    static handle cast(Type function, return_value_policy, handle) {                        \
      return pybind11::cast(vgen::bindings::Callable<Type>{std::move(function)}).release(); \
    }                                                                                       \
  };
VGEN_FUNCTION_CASTER(vgen::diffusion::Denoiser,
                     "vgen._core.diffusion.Denoiser | collections.abc.Callable[[torch.Tensor, "
                     "vgen._core.schedulers.NoiseLevel], typing.Any]",
                     PyCallable_Check(source.ptr()), vgen::bindings::to_denoiser)
VGEN_FUNCTION_CASTER(
    vgen::diffusion::Model,
    "vgen._core.diffusion.Model | collections.abc.Callable[[torch.Tensor, torch.Tensor], torch.Tensor]",
    PyCallable_Check(source.ptr()), vgen::bindings::to_model)
VGEN_FUNCTION_CASTER(vgen::NoiseSource,
                     "torch.Generator | int | collections.abc.Callable[[torch.Tensor], torch.Tensor] | None",
                     source.is_none() || vgen::bindings::is_noise_source(source), vgen::bindings::to_noise_source)
VGEN_FUNCTION_CASTER(
    vgen::samplers::OnStep,
    "vgen._core.samplers.OnStep | collections.abc.Callable[[vgen._core.samplers.Step], bool | None] | None",
    source.is_none() || PyCallable_Check(source.ptr()), vgen::bindings::to_on_step)
VGEN_FUNCTION_CASTER(vgen::samplers::SamplerFunction,
                     "collections.abc.Callable[[vgen._core.diffusion.Denoiser, vgen._core.schedulers.NoiseSchedule, "
                     "torch.Tensor, typing.Any, typing.Any], torch.Tensor] | None",
                     source.is_none() || PyCallable_Check(source.ptr()), vgen::bindings::to_sampler_function)
#undef VGEN_FUNCTION_CASTER

}  // namespace pybind11::detail
