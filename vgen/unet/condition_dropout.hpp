// Condition dropout: in training some samples of a batch lose some or all of their conditions, so that the model works
// with any subset of them (VideoComposer, Wang et al. 2023, section 3.3).
#pragma once
#include <ATen/core/Generator.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "vgen/tensor/tensor.hpp"
#include "vgen/unet/options.hpp"

namespace vgen::unet {

// For each of the conditions `present` that is subject to dropout: 1 for samples that keep it, 0 for those that lose
// it, float32 [batch]. Drawn in the order of the options' list; the counts of samples are random, then which ones.
VGEN_API std::map<std::string, Tensor> draw_condition_dropout(const ConditionDropout& options,
                                                              const std::vector<std::string>& present,
                                                              std::int64_t batch,
                                                              const std::optional<at::Generator>& generator);

}  // namespace vgen::unet
