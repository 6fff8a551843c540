#include "vgen/nn/cuda_ops.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <dlfcn.h>

#include <cmath>
#include <filesystem>
#include <optional>

#include "vgen/core/error.hpp"
#include "vgen/core/log.hpp"
#include "vgen/cuda/kernels.hpp"

namespace vgen::nn {
namespace {

CudaStatus load() {
  namespace fs = std::filesystem;
  static constexpr const char* name = "libvgen_cuda.so";
  Dl_info here{};
  std::error_code ignored;
  if (!dladdr(reinterpret_cast<const void*>(&cuda_status), &here) || !here.dli_fname) return {nullptr, "unknown place"};
  // Of a program that holds nn itself (a test) the name is argv[0], which may be relative to another folder.
  const fs::path binary = here.dli_fname[0] == '/' ? here.dli_fname : "/proc/self/exe";
  const fs::path folder = fs::canonical(binary, ignored).parent_path();
  for (const char* where : {".", "../lib", "../../lib"}) {
    const fs::path file = (folder / where / name).lexically_normal();
    if (!fs::exists(file, ignored)) continue;
    void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) {
      const char* why = dlerror();
      return {nullptr, printable(why ? why : "cannot be opened", 300)};
    }
    using Entry = const cuda::Table* (*)();
    const auto entry = reinterpret_cast<Entry>(dlsym(library, cuda::kEntryPoint));
    if (const cuda::Table* table = entry ? entry() : nullptr; table && table->version == cuda::kVersion)
      return {table, file.string()};
    dlclose(library);
    return {nullptr, file.string() + " belongs to another version of vgen"};
  }
  return {nullptr, str("no ", name, " beside ", folder.string())};
}

std::optional<cuda::Type> type_of(const Tensor& x) {
  switch (x.scalar_type()) {
    case at::kFloat:
      return cuda::Type::f32;
    case at::kBFloat16:
      return cuda::Type::bf16;
    case at::kHalf:
      return cuda::Type::f16;
    default:
      return {};
  }
}

bool alike(const Tensor& a, const Tensor& x) {
  return a.defined() && a.scalar_type() == x.scalar_type() && a.device() == x.device();
}

// Kernels are available and x is something they compute.
bool serves(const Tensor& x) { return x.is_cuda() && x.numel() > 0 && type_of(x) && cuda_status().table; }

// Runs f(stream) on x's device; y, or an undefined tensor where the kernel refused the sizes.
template <class F>
Tensor launched(const char* what, const Tensor& x, Tensor y, const F& f) {
  const c10::DeviceGuard guard(x.device());
  const c10::impl::VirtualGuardImpl implementation(x.device().type());
  if (const char* problem = f(implementation.getStream(x.device()).native_handle())) {
    log::debug("cuda: ", what, ": ", problem, "; ATen computes it");
    return {};
  }
  return y;
}

}  // namespace

const CudaStatus& cuda_status() {
  static const CudaStatus once = [] {
    CudaStatus s = load();
    log::debug("cuda: ", s.table ? "kernels of " : "no kernels: ", s.text);
    return s;
  }();
  return once;
}

Tensor cuda_group_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, std::int64_t groups, double eps,
                       bool silu) {
  if (!serves(x) || !alike(weight, x) || !alike(bias, x)) return {};
  const Tensor input = x.contiguous(), w = weight.contiguous(), b = bias.contiguous();
  Tensor y = at::empty_like(input);
  const std::int64_t n = x.size(0), c = x.size(-1);
  cuda::GroupNorm a = {.type = *type_of(x),
                       .silu = silu,
                       .eps = static_cast<float>(eps),
                       .n = n,
                       .s = x.numel() / (n * c),
                       .c = c,
                       .groups = groups,
                       .x = input.const_data_ptr(),
                       .weight = w.const_data_ptr(),
                       .bias = b.const_data_ptr(),
                       .scratch = nullptr,
                       .y = y.mutable_data_ptr()};
  const cuda::Table& table = *cuda_status().table;
  const Tensor scratch = at::empty({table.group_norm_scratch(a)}, x.options().dtype(at::kFloat));
  a.scratch = scratch.mutable_data_ptr<float>();
  return launched("group_norm", x, y, [&](void* stream) { return table.group_norm(a, stream); });
}

Tensor cuda_layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps) {
  if (!serves(x) || !alike(weight, x) || !alike(bias, x)) return {};
  const Tensor input = x.contiguous(), w = weight.contiguous(), b = bias.contiguous();
  Tensor y = at::empty_like(input);
  const cuda::LayerNorm a = {.type = *type_of(x),
                             .eps = static_cast<float>(eps),
                             .rows = x.numel() / x.size(-1),
                             .c = x.size(-1),
                             .x = input.const_data_ptr(),
                             .weight = w.const_data_ptr(),
                             .bias = b.const_data_ptr(),
                             .y = y.mutable_data_ptr()};
  return launched("layer_norm", x, y, [&](void* stream) { return cuda_status().table->layer_norm(a, stream); });
}

Tensor cuda_geglu(const Tensor& x) {
  if (!serves(x) || x.size(-1) % 2 != 0) return {};
  const Tensor input = x.contiguous();
  auto shape = x.sizes().vec();
  shape.back() /= 2;
  Tensor y = at::empty(shape, x.options());
  const cuda::Geglu a = {.type = *type_of(x),
                         .rows = x.numel() / x.size(-1),
                         .m = shape.back(),
                         .x = input.const_data_ptr(),
                         .y = y.mutable_data_ptr()};
  return launched("geglu", x, y, [&](void* stream) { return cuda_status().table->geglu(a, stream); });
}

Tensor cuda_attend_frames(const Tensor& q, const Tensor& k, const Tensor& v, std::int64_t heads) {
  if (!serves(q) || !alike(k, q) || !alike(v, q) || k.sizes() != q.sizes() || v.sizes() != q.sizes()) return {};
  const std::int64_t d = q.size(-1) / heads;
  if (q.size(1) > cuda::kMaxFrames || d < cuda::kMinHead || d > cuda::kMaxHead || d % 8 != 0) return {};
  const auto rows = [](const Tensor& x) { return x.stride(-1) == 1 ? x : x.contiguous(); };
  const auto view = [](const Tensor& x) {
    return cuda::View{const_cast<void*>(x.const_data_ptr()), x.stride(0), x.stride(1), x.stride(2)};
  };
  const Tensor rq = rows(q), rk = rows(k), rv = rows(v);
  Tensor y = at::empty(q.sizes(), q.options());
  const cuda::FrameAttention a = {.type = *type_of(q),
                                  .scale = 1.0f / std::sqrt(static_cast<float>(d)),
                                  .b = q.size(0),
                                  .f = q.size(1),
                                  .s = q.size(2),
                                  .heads = heads,
                                  .d = d,
                                  .q = view(rq),
                                  .k = view(rk),
                                  .v = view(rv),
                                  .y = view(y)};
  return launched("frame_attention", q, y,
                  [&](void* stream) { return cuda_status().table->frame_attention(a, stream); });
}

}  // namespace vgen::nn
