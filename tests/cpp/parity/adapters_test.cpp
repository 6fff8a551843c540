// Full-size adapters of the released systems: names, shapes and their order against tests/golden/unets/keys.
#include "vgen/parity/adapters.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include "vgen/core/atomic_file.hpp"

namespace vgen::parity {
namespace {

class AdapterKeys : public testing::TestWithParam<std::tuple<const char*, const char*, const char*, std::size_t>> {};

TEST_P(AdapterKeys, AreTheReleasedOnes) {
  const auto& [file, type, constructor, tensors] = GetParam();
  const auto net = std::make_shared<unet::UNet>();
  Node c = Node::map({{"use_lora", Node(true)}, {"lora_rank", Node(4)}, {"lora_alpha", Node()}});
  const Node all = Node::list({Node("self_attention"), Node("cross_attention"), Node("feedforward")});
  if (std::string_view(constructor).find("spatial") != std::string_view::npos)
    c.set("spatial_adapter_list", Node::list({Node("cross_attention")}));
  if (std::string_view(constructor).find("temporal") != std::string_view::npos) {
    c.set("temporal_adapter_list", all);
    c.set("temporal_adapter_condition_dim", Node(1024));
  }
  const auto injected = inject_adapters(type, c, net);
  const auto keys = with_adapters(unet::reference_keys(*net), injected);
  EXPECT_EQ(keys.size(), tensors);
  std::istringstream lines(read_file(std::string(VGEN_SOURCE_DIR "/tests/golden/unets/keys/") + file));
  std::size_t i = 0;
  for (std::string line; std::getline(lines, line); ++i) {
    ASSERT_LT(i, keys.size());
    std::string ours = keys[i].theirs + "\t";
    for (std::size_t d = 0; d < keys[i].their_shape.size(); ++d)
      ours += (d ? "," : "") + std::to_string(keys[i].their_shape[d]);
    ASSERT_EQ(ours, line);
  }
  EXPECT_EQ(i, keys.size());
}
INSTANTIATE_TEST_SUITE_P(
    Systems, AdapterKeys,
    testing::Values(std::tuple{"lora.tsv", "UNetSD_LoRA", "", std::size_t(2008)},
                    std::tuple{"dreamvideo_subject.tsv", "UNetSD_DreamVideo", "spatial", std::size_t(1544)},
                    std::tuple{"dreamvideo_motion.tsv", "UNetSD_DreamVideo", "temporal", std::size_t(1786)},
                    std::tuple{"dreamvideo_joint.tsv", "UNetSD_DreamVideo", "spatial temporal", std::size_t(1850)}));

}  // namespace
}  // namespace vgen::parity
