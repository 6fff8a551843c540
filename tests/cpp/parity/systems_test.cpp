// Goldens of the text-to-video networks, pipeline and training; and cases of our own from other libraries, with other
// sizes, salts and options (tests/golden_own/make_networks.py).
#include <gtest/gtest.h>

#include "vgen/parity/case.hpp"

namespace vgen::parity {
namespace {

const std::filesystem::path kGolden = VGEN_SOURCE_DIR "/tests/golden", kOwn = VGEN_SOURCE_DIR "/tests/golden_own";

std::size_t expect_all(const std::filesystem::path& root, const std::string& only) {
  const auto outcomes = run(root, only);
  for (const Outcome& o : outcomes)
    EXPECT_TRUE(o.ok) << o.area << "/" << o.name << ": " << o.worst << " " << o.error << " > " << o.tolerance << " "
                      << o.message;
  return outcomes.size();
}

TEST(SystemGoldens, TextToVideoUnets) { EXPECT_EQ(expect_all(kGolden / "unets", "unets/t2v*"), 2u); }
TEST(SystemGoldens, TextToVideoPipeline) { EXPECT_EQ(expect_all(kGolden / "pipelines", "pipelines/t2v"), 1u); }
TEST(SystemGoldens, TextToVideoTraining) {
  EXPECT_EQ(expect_all(kGolden / "training", "training/step_t2v*"), 3u);
  for (const char* name : {"step_analytic_t2v", "step_joint", "learning_rates", "averages"})
    EXPECT_EQ(expect_all(kGolden / "training", name), 1u) << name;
}

TEST(OwnGoldens, OtherSizesSaltsAndOptionsHold) {
  EXPECT_EQ(expect_all(kOwn / "clip", ""), 9u);
  EXPECT_EQ(expect_all(kOwn / "vae", ""), 3u);
  EXPECT_EQ(expect_all(kOwn / "unets", ""), 3u);
}

// Recorded by running the reference itself (tests/golden_own/reference/README.md).
TEST(OwnGoldens, OtherOptionsOfTheReferenceHold) {
  EXPECT_EQ(expect_all(kOwn / "reference" / "unets", ""), 8u);
  EXPECT_EQ(expect_all(kOwn / "reference" / "vae", ""), 2u);
  EXPECT_EQ(expect_all(kOwn / "reference" / "clip", ""), 1u);
}

TEST(SystemGoldens, AWrongWeightFails) {
  Case c = load_case(kGolden / "unets" / "t2v_fps.json");
  c.json.set("salt", Node("unet.another"));
  Report unets;
  handlers().at("unets")(c, unets);
  EXPECT_FALSE(unets.ok());
  c = load_case(kGolden / "pipelines" / "t2v.json");
  set_path(c.json, "salts.vae", Node("another"));
  Report pipelines;
  handlers().at("pipelines")(c, pipelines);
  EXPECT_FALSE(pipelines.ok());
  ASSERT_TRUE(pipelines.worst());
  c = load_case(kGolden / "training" / "step_analytic_t2v.json");
  set_path(c.json, "values.effective.lr", Node(0.02));
  Report training;
  handlers().at("training")(c, training);
  EXPECT_FALSE(training.ok());
}

}  // namespace
}  // namespace vgen::parity
