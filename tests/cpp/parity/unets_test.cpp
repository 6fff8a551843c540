#include <gtest/gtest.h>

#include "vgen/parity/case.hpp"

namespace vgen::parity {
void run_unets(const Case&, Report&);
namespace {

const std::filesystem::path kCases = VGEN_SOURCE_DIR "/tests/golden/unets";

class UNetGoldens : public testing::TestWithParam<const char*> {};

TEST_P(UNetGoldens, Hold) {
  Report report;
  run_unets(load_case(kCases / (std::string(GetParam()) + ".json")), report);
  for (const auto& row : report.rows())
    EXPECT_TRUE(row.ok) << row.name << ": " << row.error << " > " << row.tolerance << " " << row.detail;
  EXPECT_GE(report.rows().size(), 20u);
}
INSTANTIATE_TEST_SUITE_P(Systems, UNetGoldens,
                         testing::Values("t2v", "t2v_fps", "i2vgen", "higen", "sr600", "tft2v_t2v", "tft2v_vcomposer",
                                         "tft2v_extra", "videolcm_t2v", "videolcm_vcomposer", "dreamvideo_base",
                                         "lora_off", "lora", "dreamvideo_subject", "dreamvideo_motion",
                                         "dreamvideo_joint", "dreamvideo_serial"),
                         [](const auto& info) { return std::string(info.param); });

TEST(UNetGoldens, AWrongWeightFails) {
  Case c = load_case(kCases / "i2vgen.json");
  c.json.set("salt", Node("unet.another"));
  Report report;
  run_unets(c, report);
  EXPECT_FALSE(report.ok());
}

}  // namespace
}  // namespace vgen::parity
