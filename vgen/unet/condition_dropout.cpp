#include "vgen/unet/condition_dropout.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randperm.h>

#include <algorithm>

namespace vgen::unet {

std::map<std::string, Tensor> draw_condition_dropout(const ConditionDropout& o, const std::vector<std::string>& present,
                                                     std::int64_t batch,
                                                     const std::optional<at::Generator>& generator) {
  const auto count = [&](double share) {
    return (at::rand({batch}, generator, at::TensorOptions().dtype(at::kFloat)) < share).sum().item<std::int64_t>();
  };
  const std::int64_t zeros = count(o.all_zero), keeps = count(o.all_keep);
  const Tensor order = at::randperm(batch, generator, at::TensorOptions().dtype(at::kLong));
  const Tensor zero = order.slice(0, 0, zeros), eligible = order.slice(0, std::min(zeros + keeps, batch)),
               sorted = std::get<0>(eligible.sort());
  std::map<std::string, Tensor> kept;
  for (const std::string& name : o.conditions) {
    if (std::ranges::find(present, name) == present.end()) continue;
    const std::int64_t dropped = count(o.p);
    const Tensor which = at::randperm(sorted.size(0), generator, at::TensorOptions().dtype(at::kLong));
    Tensor share = at::ones({batch}, at::kFloat);
    share.index_fill_(0, sorted.index_select(0, which.slice(0, 0, dropped)), 0).index_fill_(0, zero, 0);
    kept.emplace(name, share);
  }
  return kept;
}

}  // namespace vgen::unet
