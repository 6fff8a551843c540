// Per-sample coefficients: entries of a float64 table at the times t, shaped to multiply a batch.
#pragma once
#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/from_blob.h>

#include <string_view>
#include <vector>

#include "vgen/schedulers/noise_schedule.hpp"
#include "vgen/tensor/tensor.hpp"

namespace vgen::diffusion {

using schedulers::NoiseLevel;
using schedulers::NoiseSchedule;

// table[t] as [B, 1, 1, ...] with the rank, dtype and device of `like`; rounded to that dtype once. t: int64 [B], each
// in [0, T).
inline Tensor at_times(const std::vector<double>& table, const Tensor& t, const Tensor& like) {
  VGEN_CHECK(t.scalar_type() == at::kLong && t.dim() == 1 && t.size(0) == like.size(0), ShapeError,
             "times must be int64 [", like.size(0), "], one a sample, got ", t.toString(), " ",
             shape_string(t.sizes()));
  const Tensor host = t.cpu();
  const std::int64_t low = host.min().item<std::int64_t>(), high = host.max().item<std::int64_t>();
  VGEN_CHECK(low >= 0 && high < static_cast<std::int64_t>(table.size()), ConfigError, "times must be in [0, ",
             table.size() - 1, "], got ", low < 0 ? low : high);
  const Tensor all = at::from_blob(const_cast<double*>(table.data()), {static_cast<std::int64_t>(table.size())},
                                   at::TensorOptions().dtype(at::kDouble));
  std::vector<std::int64_t> shape(like.dim(), 1);
  shape[0] = like.size(0);
  return all.index_select(0, host).to(like.device(), like.scalar_type()).view(shape);
}

}  // namespace vgen::diffusion
