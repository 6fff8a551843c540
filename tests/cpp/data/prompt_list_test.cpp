// Lists of prompts and of training files; what the reference makes of them is in `vgen parity tests/golden/data`.
#include "vgen/data/prompt_list.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "vgen/data/listed_clips.hpp"

namespace vgen::data {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
const std::string files = VGEN_SOURCE_DIR "/tests/golden/data/files";

TEST(PromptList, LinesBreakAsPythonBreaksThem) {
  EXPECT_THAT(stripped_lines("a\r\n b\rc \n\nd"), ElementsAre("a", "b", "c", "", "d"));
  EXPECT_THAT(stripped_lines("\u3000x\u2003\n"), ElementsAre("x"));  // wide spaces
  EXPECT_TRUE(stripped_lines("").empty());
  EXPECT_THAT(split("a|||b||||c", "|||"), ElementsAre("a", "b", "|c"));
  EXPECT_THROW(stripped_lines("\xff"), ConfigError);
}

TEST(PromptList, IndicesCountSkippedLines) {
  const auto list = read_prompt_list("# a\nb\n\nc d\n", {.entry = "text2video", .folder = "out", .round = 2});
  ASSERT_EQ(list.items.size(), 4);
  EXPECT_EQ(list.items[0].index, 2);
  EXPECT_THAT(list.items[3].outputs, ElementsAre("out/rank_01_00_0007_c_d.mp4"));
  EXPECT_TRUE(list.problem.empty());
}

TEST(PromptList, ConditionsMakeOneClipEach) {
  const PromptListOptions o{
      .entry = "tft2v_vcomposer", .folder = "o", .input_folder = "v", .conditions = {{"y", "depth"}, {"y"}}, .seed = 9};
  const auto list = read_prompt_list("a.mp4|||x|3\n/b.mp4|||y\n", o);
  ASSERT_EQ(list.items.size(), 2);
  EXPECT_THAT(list.items[0].outputs,
              ElementsAre("o/rank_01_00_0000_condition_y_depth_x.mp4", "o/rank_01_00_0000_condition_y_x.mp4"));
  EXPECT_EQ(list.items[0].seed, 3);
  EXPECT_EQ(list.items[1].seed, 9);
  EXPECT_EQ(list.items[0].input_path, "v/a.mp4");
  EXPECT_EQ(list.items[1].input_path, "/b.mp4");
  EXPECT_THAT(list.seeds, ElementsAre(9, 9));
}

TEST(PromptList, SeedsAreWholeNumbersAsPythonReadsThem) {
  const auto seed = [](const std::string& text) {
    const auto list = read_prompt_list("x|" + text, {.entry = "higen"});
    return list.items.empty() ? std::optional<std::int64_t>() : list.items[0].seed;
  };
  EXPECT_EQ(seed(" -12 "), -12);
  EXPECT_EQ(seed("+1_000"), 1000);
  for (const char* bad : {"", "1.0", "_1", "1_", "1__0", "0x1", "99999999999999999999"})
    EXPECT_EQ(seed(bad), std::nullopt) << bad;
}

TEST(PromptList, AMalformedLineEndsItAndIsNamed) {
  const auto list = read_prompt_list("a.png|||x\nb.png\nc.png|||z\n", {.entry = "i2vgen"});
  EXPECT_EQ(list.items.size(), 1);
  EXPECT_THAT(list.problem, HasSubstr("line 2: expected 2 fields"));
  try {
    read_prompt_list("x", {.entry = "text3video"});
    FAIL();
  } catch (const ConfigError& e) { EXPECT_THAT(e.what(), HasSubstr("known: text2video, tft2v")); }
  EXPECT_THROW(read_prompt_list("x", {.round = 0}), ConfigError);
}

TEST(PromptList, EveryEntryNamesAWriting) {
  for (const ListEntry& e : list_entries()) {
    EXPECT_NE(std::ranges::find(clip_writings(), e.writing, &ClipWriting::name), clip_writings().end()) << e.name;
    EXPECT_TRUE(read_prompt_list("", {.entry = std::string(e.name)}).items.empty());
  }
}

TEST(ListedClips, PlaceholdersBecomeWords) {
  auto random = MersenneTwister::python(0);
  ListedClipOptions o{.media = ListedMedia::pictures, .folder = files, .height = 16, .width = 32, .vision_size = 8};
  o.placeholders = {"sks", "dog"};
  const auto caption = [&](const std::string& text) { return load_listed("00.png|||" + text, o, random); };
  EXPECT_EQ(caption("a {} {{x}} {}").caption, "a sks {x} dog");
  EXPECT_THAT(caption("{}{}{}").problem, HasSubstr("more {} than the 2"));
  EXPECT_THAT(caption("a {0}").problem, HasSubstr("only {} is filled in"));
  o.placeholders.clear();
  EXPECT_EQ(caption("a {0}").caption, "a {0}");
}

TEST(ListedClips, ProblemsAreSaid) {
  auto random = MersenneTwister::python(0);
  ListedClipOptions o{.media = ListedMedia::pictures, .folder = files, .height = 16, .width = 32, .vision_size = 8};
  const auto item = load_listed("none.png|||x", o, random);
  EXPECT_EQ(item.caption, "x");
  EXPECT_EQ(item.frames.count, 0);
  EXPECT_THAT(item.problem, HasSubstr("none.png"));
  EXPECT_THAT(load_listed("", o, random).problem, HasSubstr("file|||caption"));
  o.masks = true;
  EXPECT_THAT(load_listed("01.png|||x", o, random).problem, HasSubstr("black and white"));
  EXPECT_EQ(load_listed("00.png|||x", o, random).mask.width, 4);
  o.media = ListedMedia::clips;
  EXPECT_THAT(load_listed("00.png|||x", o, random).problem, HasSubstr("a picture, not a clip"));
  o.height = 0;
  EXPECT_THROW(load_listed("00.png|||x", o, random), ConfigError);
}

}  // namespace
}  // namespace vgen::data
