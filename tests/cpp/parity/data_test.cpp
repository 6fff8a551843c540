#include <gtest/gtest.h>

#include "vgen/parity/case.hpp"

namespace vgen::parity {
void run_data(const Case&, Report&);
namespace {

const std::filesystem::path kCases = VGEN_SOURCE_DIR "/tests/golden/data";

class DataGoldens : public testing::TestWithParam<std::pair<const char*, std::size_t>> {};
TEST_P(DataGoldens, Agree) {
  const auto& [name, comparisons] = GetParam();
  Report report;
  run_data(load_case(kCases / (std::string(name) + ".json")), report);
  for (const auto& row : report.rows())
    EXPECT_TRUE(row.ok) << row.name << ": " << row.error << " > " << row.tolerance << " " << row.detail;
  EXPECT_GE(report.rows().size(), comparisons);
}
INSTANTIATE_TEST_SUITE_P(
    All, DataGoldens,
    testing::Values(std::pair{"center_crop_wide", 110}, std::pair{"transforms", 50}, std::pair{"chains", 13},
                    std::pair{"datasets", 60}, std::pair{"frame_picking", 200}, std::pair{"lists", 250},
                    std::pair{"masks", 25}, std::pair{"motion_h264", 13}, std::pair{"motion_mpeg4", 13},
                    std::pair{"sr_input", 10}, std::pair{"vcomposer_conditions", 6}, std::pair{"higen_conditions", 12},
                    std::pair{"writing", 25}, std::pair{"metric_dino", 6}, std::pair{"metric_dreamvideo", 18},
                    std::pair{"metric_frechet", 10}, std::pair{"metric_ssim", 19}),
    [](const auto& info) { return std::string(info.param.first); });

bool holds(const std::string& name, const std::function<void(Node&)>& change) {
  Case c = load_case(kCases / (name + ".json"));
  change(c.json);
  Report report;
  run_data(c, report);
  return report.ok();
}

TEST(DataGoldens, AnotherSeedSizeOrListFails) {
  const auto set = [](const char* path, Node value) { return [=](Node& json) { set_path(json, path, value); }; };
  EXPECT_FALSE(holds("datasets", set("random_seed", Node(5))));
  EXPECT_FALSE(holds("masks", set("kind_of_seed.0.0", Node(6))));
  EXPECT_FALSE(holds("center_crop_wide", set("sizes.0.2.0", Node(1279))));
  EXPECT_FALSE(holds("frame_picking", set("values.0.kept.0", Node(1))));
  EXPECT_FALSE(holds("lists", set("values.0.config.round", Node(1))));
  EXPECT_FALSE(holds("lists", set("defaults.seed", Node(8))));
  EXPECT_FALSE(holds("metric_ssim", set("pairs.0.0", Node(0.7))));
  EXPECT_FALSE(holds("metric_dino", set("salt", Node("another"))));
  EXPECT_FALSE(holds("metric_dreamvideo", set("inputs.text.name", Node("another"))));
}

}  // namespace
}  // namespace vgen::parity
