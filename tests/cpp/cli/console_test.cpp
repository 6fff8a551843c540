#include "vgen/cli/console.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "vgen/cli/system.hpp"

using namespace vgen;
using namespace vgen::cli;
using testing::HasSubstr;

namespace {
std::string shown(bool on, bool terminal, const std::vector<ProgressEvent>& events) {
  std::FILE* file = std::tmpfile();
  {
    ProgressBar bar(on, terminal, file);
    for (const ProgressEvent& e : events) bar(e);
  }
  std::string out(static_cast<std::size_t>(std::ftell(file)), '\0');
  std::rewind(file);
  EXPECT_EQ(std::fread(out.data(), 1, out.size(), file), out.size());
  std::fclose(file);
  return out;
}
}  // namespace

TEST(Progress, TellsPartAndTimeLeft) {
  EXPECT_EQ(ProgressBar::text({"denoise", 5, 20, 10.0}, 8), "denoise [==      ] 5/20  0:30 left");
  EXPECT_EQ(ProgressBar::text({"denoise", 20, 20, 61.0}, 8), "denoise [========] 20/20  1:01");
  EXPECT_EQ(ProgressBar::text({"train", 1, 1001, 4.0}, 0), "train 1/1001  1:06:40 left");
  EXPECT_EQ(ProgressBar::text({"load", 0, 3, 0.0}, 0), "load 0/3");
  EXPECT_EQ(ProgressBar::text({"load", 0, 0, 0.0}, 8), "load");
  EXPECT_EQ(ProgressBar::text({"train", 900, 1000, 10.0}, 0, 800), "train 900/1000  0:10 left");  // continued after 800
  EXPECT_EQ(ProgressBar::text({"odd", 9, 3, 1.0}, 4), "odd [====] 9/3  0:01");  // never a bar longer than itself
}

TEST(Progress, WritesPlainLinesOffTheTerminalAndNotForEveryStep) {
  std::vector<ProgressEvent> events;
  for (int i = 0; i <= 100; ++i) events.push_back({"denoise", i, 100, i * 0.001});
  events.push_back({"decode", 0, 1, 0});
  EXPECT_EQ(shown(true, false, events), "vgen: denoise 0/100\nvgen: denoise 100/100  0:00\nvgen: decode 0/1\n");
}

TEST(Progress, RedrawsOneLineOnATerminalAndLeavesIt) {
  const std::string text = shown(true, true, {{"denoise", 0, 2, 0}, {"denoise", 2, 2, 3}});
  EXPECT_THAT(text, HasSubstr("\r\033[K"));
  EXPECT_THAT(text, testing::EndsWith("2/2  0:03\n"));
  EXPECT_EQ(shown(true, true, {{"denoise", 0, 2, 0}}).back(), '\n');  // stopped midway: the next text begins a line
}

TEST(Progress, QuietIsSilent) { EXPECT_EQ(shown(false, true, {{"denoise", 0, 2, 0}, {"denoise", 2, 2, 3}}), ""); }

TEST(Machine, TellsSystemCpuMemoryAndDisk) {
  const std::vector<Finding> findings = machine();
  ASSERT_EQ(findings.size(), 5u);
  const std::string text = to_text(findings);
  for (const char* part : {"system", "cpu", "cores", "memory", "GiB", "disk", "temporary"})
    EXPECT_THAT(text, HasSubstr(part));
}

TEST(Machine, OneBadFindingIsNotOk) {
  EXPECT_TRUE(to_node({{"a", "b", Health::note, "c"}}).at("ok").as_bool());
  const Node n = to_node({{"a", "b"}, {"torch", "missing", Health::bad, "install it"}});
  EXPECT_FALSE(n.at("ok").as_bool());
  EXPECT_EQ(n.at("findings")[1].at("fix").as_string(), "install it");
  EXPECT_THAT(to_text({{"torch", "missing", Health::bad, "install it"}}),
              AllOf(HasSubstr("BAD"), HasSubstr("-> install it")));
}
