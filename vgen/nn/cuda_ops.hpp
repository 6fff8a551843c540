// The CUDA side of ops.hpp: forward passes by the kernels of libvgen_cuda.so. Each function returns an undefined tensor
// where they do not serve (no library beside libvgen, another dtype or size): ATen computes then. Not differentiable.
#pragma once
#include <string>

#include "vgen/tensor/tensor.hpp"

namespace vgen::cuda {
struct Table;
}

namespace vgen::nn {

struct CudaStatus {
  const cuda::Table* table = nullptr;  // null: no kernels
  std::string text;                    // path of the library, or why there is none
};
VGEN_API const CudaStatus& cuda_status();

Tensor cuda_group_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, std::int64_t groups, double eps,
                       bool silu);
Tensor cuda_layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps);
Tensor cuda_geglu(const Tensor& x);
Tensor cuda_attend_frames(const Tensor& q, const Tensor& k, const Tensor& v, std::int64_t heads);

}  // namespace vgen::nn
