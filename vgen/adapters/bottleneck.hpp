// Bottleneck adapters beside the sub-layers of the transformer blocks (Houlsby et al. 2019), as DreamVideo uses them
// for the identity of a subject and for a motion (Wei et al. 2024, "DreamVideo", sections 3.2 and 3.3):
// A(x) = x + scale up(gelu(down(x + strength condition(c)))).
#pragma once
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>

#include "vgen/adapters/strength.hpp"
#include "vgen/core/options.hpp"
#include "vgen/nn/transformer.hpp"

namespace vgen::adapters {

// parallel: A reads the sub-layer's input, before the norm; serial: its result.
enum class Position { none, parallel, serial };
constexpr auto enum_names(Position) {
  return std::array{std::pair{Position::none, "none"}, std::pair{Position::parallel, "parallel"},
                    std::pair{Position::serial, "serial"}};
}

// Adapters to be trained: `up` is zero, so that they change nothing at first.
struct BottleneckOptions {
  static constexpr std::string_view kind = "bottleneck";
  std::string match = "*.spatial.block";
  Position after_attn1 = Position::none, after_attn2 = Position::parallel, after_ff = Position::none;
  std::int64_t hidden = 0, condition_channels = 0;
  bool operator==(const BottleneckOptions&) const = default;
  static constexpr auto fields() {
    using O = BottleneckOptions;
    return std::tuple{field("match", &O::match, "names of the transformer blocks, a glob as LoRA's"),
                      field("after_attn1", &O::after_attn1, "behind the first attention: none, parallel, serial"),
                      field("after_attn2", &O::after_attn2, "behind the second attention"),
                      field("after_ff", &O::after_ff, "behind the feed-forward"),
                      field("hidden", &O::hidden, "width between the two layers; 0: half of the block's"),
                      field("condition_channels", &O::condition_channels,
                            "width of the condition `image` that shifts what is read; 0: there is none")};
  }
};

// DreamVideo's two kinds: the subject's identity on the cross-attention of single frames, the motion on all three
// sub-layers over the frames, guided by the appearance of an image (CLIP's embedding, 1024 channels).
inline BottleneckOptions identity_adapter() { return {}; }
inline BottleneckOptions motion_adapter() {
  return {.match = "*.temporal.block",
          .after_attn1 = Position::parallel,
          .after_attn2 = Position::parallel,
          .after_ff = Position::parallel,
          .condition_channels = 1024};
}

// What is attached to a port. With a condition it reads from the BlockContext `image` [B, 1 or F, channels], if given,
// and `image_strength` [B] or [1], 1 if not given. Zeros for `image` are a condition too: the bias of `condition`
// remains.
class VGEN_API BottleneckBranch : public nn::Module, public nn::Branch {
 public:
  BottleneckBranch(std::int64_t channels, std::int64_t hidden, std::int64_t condition_channels, Position position,
                   std::shared_ptr<const Strength> strength);
  Tensor apply(const Tensor& x, const Tensor& y, const nn::BlockContext& ctx) override;
  Position position() const { return position_; }
  nn::Linear down, up;
  std::unique_ptr<nn::Linear> condition;

 private:
  Position position_;
  std::shared_ptr<const Strength> strength_;
};

}  // namespace vgen::adapters
