#include "vgen/tensor/device.hpp"

#include <ATen/Context.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>

namespace vgen {

at::Device device_named(const std::string& name) {
  if (name == "cpu") return at::kCPU;
  const bool numbered = name.starts_with("cuda:") && name.size() > 5 && name.size() < 8 &&
                        name.find_first_not_of("0123456789", 5) == std::string::npos;
  VGEN_CHECK(name == "cuda" || numbered, ConfigError, "device: expected cpu, cuda or cuda:N, got '", printable(name),
             "'");
  dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL);  // registers the CUDA back end, if torch has one
  VGEN_CHECK(at::hasCUDA(), Unavailable, "device ", name, ": no CUDA device; torch sees none here, use --device cpu");
  const at::Device device(name);
  const auto count = c10::impl::VirtualGuardImpl(at::kCUDA).deviceCount();
  VGEN_CHECK(device.index() < count, Unavailable, "device ", name, ": torch sees ", static_cast<int>(count),
             " CUDA device", count == 1 ? "" : "s", " here; the last is cuda:", static_cast<int>(count) - 1);
  return device;
}

void synchronise(at::Device device) {
  if (device.is_cpu()) return;
  const c10::impl::VirtualGuardImpl on(device.type());
  on.synchronizeDevice(device.has_index() ? device.index() : on.getDevice().index());
}

}  // namespace vgen
