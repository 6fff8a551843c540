// Learning rate of the optimiser step that follows `count` finished steps: linear warm-up from 0, then decay. As the
// reference's AnnealingLR, the first step of a warm-up has rate 0.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <string_view>
#include <tuple>
#include <utility>

#include "vgen/core/options.hpp"

namespace vgen::train {

enum class Decay { none, linear, cosine };
constexpr auto enum_names(Decay) {
  return std::array{std::pair{Decay::none, "none"}, std::pair{Decay::linear, "linear"},
                    std::pair{Decay::cosine, "cosine"}};
}

struct LearningRateOptions {
  static constexpr std::string_view kind = "learning_rate";
  double base = 1e-4;
  long long warmup_steps = 10, total_steps = 1000;
  Decay decay = Decay::cosine;
  double minimum = 0;
  bool operator==(const LearningRateOptions&) const = default;
  static constexpr auto fields() {
    using O = LearningRateOptions;
    return std::tuple{field("base", &O::base, "highest rate"),
                      field("warmup_steps", &O::warmup_steps, "steps of linear growth from 0"),
                      field("total_steps", &O::total_steps, "step at which the decay ends"),
                      field("decay", &O::decay, "none, linear or cosine"),
                      field("minimum", &O::minimum, "lower bound")};
  }
};

inline double learning_rate(const LearningRateOptions& o, long long count) {
  double rate = o.base;
  if (o.warmup_steps > 0 && count <= o.warmup_steps) {
    rate = o.base * static_cast<double>(count) / static_cast<double>(o.warmup_steps);
  } else {
    const double done = std::clamp(
        static_cast<double>(count - o.warmup_steps) / static_cast<double>(o.total_steps - o.warmup_steps), 0.0, 1.0);
    if (o.decay == Decay::linear) rate = o.base * (1 - done);
    if (o.decay == Decay::cosine) rate = o.base * (std::cos(std::numbers::pi * done) + 1) / 2;
  }
  return std::max(rate, o.minimum);
}

}  // namespace vgen::train
