#include <gtest/gtest.h>

#include "vgen/parity/case.hpp"

namespace vgen::parity {
void run_clip(const Case&, Report&);
namespace {

const std::filesystem::path kCases = VGEN_SOURCE_DIR "/tests/golden/clip";

void expect_case(const char* name, std::size_t comparisons) {
  SCOPED_TRACE(name);
  Report report;
  run_clip(load_case(kCases / name), report);
  for (const auto& row : report.rows())
    EXPECT_TRUE(row.ok) << row.name << ": " << row.error << " > " << row.tolerance << " " << row.detail;
  EXPECT_GE(report.rows().size(), comparisons);
}

TEST(ClipGoldens, Tokenizer) { expect_case("tokenizer.json", 150); }
TEST(ClipGoldens, Towers) {
  expect_case("towers_gelu.json", 12);
  expect_case("towers_quickgelu.json", 12);
}

TEST(ClipGoldens, TextualInversion) {
  for (const char* name : {"inversion_one_vector.json", "inversion_three_vectors.json",
                           "inversion_two_placeholders.json", "inversion_progressive.json"})
    expect_case(name, 10);
}

TEST(ClipGoldens, AWrongWeightFails) {
  Case c = load_case(kCases / "towers_gelu.json");
  c.json.set("salt", Node("clip.another"));
  Report report;
  run_clip(c, report);
  EXPECT_FALSE(report.ok());
  c = load_case(kCases / "towers_gelu.json");
  set_path(c.json, "config.quick_gelu", Node(true));
  Report activation;
  run_clip(c, activation);
  EXPECT_FALSE(activation.ok());
}

}  // namespace
}  // namespace vgen::parity
