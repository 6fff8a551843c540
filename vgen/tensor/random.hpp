// Where random numbers come from: always an explicit generator. Equal seeds give torch's CPU streams, hence the
// reference's noise.
#pragma once
#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

#include "vgen/tensor/tensor.hpp"

namespace vgen {

VGEN_API at::Generator make_generator(std::uint64_t seed);  // CPU, mt19937 as torch.manual_seed
// A generator of `device`, seeded with the next number of `host`; on the CPU `host` itself.
VGEN_API at::Generator generator_on(at::Device device, at::Generator host);
VGEN_API Tensor randn(at::IntArrayRef shape, at::Generator generator);  // float32 on the CPU, = torch.randn
// Standard normal noise with the shape, dtype and device of `like`, drawn on the CPU so that devices agree.
using NoiseSource = std::function<Tensor(const Tensor& like)>;
VGEN_API NoiseSource noise_from(at::Generator generator);

}  // namespace vgen
