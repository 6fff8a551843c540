#include <gtest/gtest.h>

#include "vgen/parity/case.hpp"

namespace vgen::parity {
void run_vae(const Case&, Report&);
namespace {

const std::filesystem::path kCases = VGEN_SOURCE_DIR "/tests/golden/vae";

TEST(VaeGoldens, AllCasesHold) {
  std::size_t cases = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kCases)) {
    if (entry.path().extension() != ".json") continue;
    SCOPED_TRACE(entry.path().filename().string());
    Report report;
    run_vae(load_case(entry.path()), report);
    for (const auto& row : report.rows())
      EXPECT_TRUE(row.ok) << row.name << ": " << row.error << " > " << row.tolerance << " " << row.detail;
    EXPECT_GE(report.rows().size(), 6u);
    ++cases;
  }
  EXPECT_EQ(cases, 7u);
}

TEST(VaeGoldens, AWrongWeightOrInputFails) {
  Case c = load_case(kCases / "mult_1_2.json");
  c.json.set("salt", Node("vae.another"));
  Report report;
  run_vae(c, report);
  EXPECT_FALSE(report.ok());
  c = load_case(kCases / "decode_pieces.json");
  set_path(c.json, "values.0.pieces", Node::list({Node(16)}));
  Report pieces;
  run_vae(c, pieces);
  EXPECT_FALSE(pieces.ok());
  c.json = Node::map({{"case", Node("else")}});
  EXPECT_THROW(run_vae(c, pieces), UnsupportedError);
}

}  // namespace
}  // namespace vgen::parity
