#include "vgen/tensor/random.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/ops/randn.h>

namespace vgen {

at::Generator make_generator(std::uint64_t seed) { return at::make_generator<at::CPUGeneratorImpl>(seed); }

at::Generator generator_on(at::Device device, at::Generator host) {
  if (device.is_cpu()) return host;
  at::Generator there = at::globalContext().getAcceleratorHooksInterface(device.type()).getNewGenerator(device.index());
  there.set_current_seed(at::check_generator<at::CPUGeneratorImpl>(host)->random64());
  return there;
}

Tensor randn(at::IntArrayRef shape, at::Generator generator) {
  return at::randn(shape, std::move(generator), at::TensorOptions().dtype(at::kFloat).device(at::kCPU));
}

NoiseSource noise_from(at::Generator generator) {
  return
      [generator](const Tensor& like) { return randn(like.sizes(), generator).to(like.device(), like.scalar_type()); };
}

}  // namespace vgen
