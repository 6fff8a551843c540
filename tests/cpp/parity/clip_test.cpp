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

TEST(ClipGoldens, Preprocessing) {
  for (const char* name : {"preprocess_noise_10x13.json", "preprocess_noise_37x23.json", "preprocess_scene_48x64.json"})
    expect_case(name, 2);
}
TEST(ClipGoldens, LearnedWords) { expect_case("text_embedding.json", 8); }

TEST(ClipGoldens, AnotherPictureOrWordFails) {
  Case c = load_case(kCases / "preprocess_scene_48x64.json");
  set_path(c.json, "picture.k", Node(1));
  Report report;
  EXPECT_THROW(run_clip(c, report), FormatError);  // the crc32 of the picture
  set_path(c.json, "picture.crc32", Node(std::int64_t(1878546215)));
  run_clip(c, report);
  EXPECT_FALSE(report.ok());
  c = load_case(kCases / "text_embedding.json");
  set_path(c.json, "string_to_token.*", Node(266));
  Report words;
  run_clip(c, words);
  EXPECT_FALSE(words.ok());
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
