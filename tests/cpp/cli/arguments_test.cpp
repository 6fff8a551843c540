#include "vgen/cli/arguments.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

using namespace vgen;
using namespace vgen::cli;
using testing::HasSubstr;
using Words = std::vector<std::string>;

namespace {
std::string usage_error(const Words& words) {
  try {
    parse(words);
  } catch (const UsageError& e) {
    EXPECT_EQ(e.code(), Exit::usage);
    return e.what();
  }
  return "accepted";
}
std::string range_error(const Words& words) {
  try {
    parse(words);
  } catch (const ConfigError& e) { return e.what(); }
  return "accepted";
}
}  // namespace

TEST(Parse, ReadsEveryKindOfOptionOfTheIssuesExample) {
  const Parsed p = parse({"gen", "-m", "T2V_DIR", "--steps", "25", "--sampler", "dpmpp_2m", "--guidance", "9",
                          "--frames", "16", "--size", "448x256", "--seed", "8888", "a fox", "-o", "fox.mp4"});
  ASSERT_EQ(p.action, Parsed::Action::run);
  EXPECT_EQ(p.command->name, "gen");
  EXPECT_EQ(p.arguments, Node::map({{"model", "T2V_DIR"},
                                    {"steps", 25},
                                    {"sampler", "dpmpp_2m"},
                                    {"guidance", 9.0},
                                    {"frames", 16},
                                    {"size", Node::list({448, 256})},
                                    {"seed", 8888},
                                    {"prompt", "a fox"},
                                    {"output", "fox.mp4"}}));
}

TEST(Parse, AcceptsTheFourWaysToWriteAValue) {
  for (const Words& words : {Words{"gen", "x", "--output", "a.mp4"}, Words{"gen", "x", "--output=a.mp4"},
                             Words{"gen", "x", "-o", "a.mp4"}, Words{"gen", "-oa.mp4", "x"}})
    EXPECT_EQ(parse(words).arguments, Node::map({{"prompt", "x"}, {"output", "a.mp4"}}));
}

TEST(Parse, AbsentOptionsStayAbsent) { EXPECT_EQ(parse({"gen", "x"}).arguments, Node::map({{"prompt", "x"}})); }

TEST(Parse, NegativeNumbersAndTextsThatLookLikeOptions) {
  EXPECT_EQ(parse({"gen", "x", "--guidance", "-3"}).arguments.at("guidance").as_double(), -3);
  EXPECT_EQ(parse({"gen", "x", "--negative=--steps"}).arguments.at("negative").as_string(), "--steps");
  EXPECT_EQ(parse({"gen", "--", "--a prompt"}).arguments.at("prompt").as_string(), "--a prompt");
  EXPECT_EQ(parse({"gen", "-"}).arguments.at("prompt").as_string(), "-");
}

TEST(Parse, RepeatedOptionsAndPositionalsBecomeLists) {
  EXPECT_EQ(parse({"train", "-c", "f.yaml", "--set", "a.b=1", "--set", "c=d=e"}).arguments.at("set"),
            Node::list({"a.b=1", "c=d=e"}));
  EXPECT_EQ(parse({"parity", "one", "two"}).arguments.at("case"), Node::list({"one", "two"}));
}

TEST(Parse, KnowsWhatOtherProgramsCallAnOption) {
  for (const auto& [elsewhere, here] : {std::pair{"--num_inference_steps=9", "--steps?"},
                                        {"--guidance-scale", "--guidance?"},
                                        {"--height", "--size WxH?"},
                                        {"--negative_prompt", "--negative?"},
                                        {"--fp16", "--dtype fp16?"},
                                        {"--cuda", "--device cuda?"},
                                        {"--scheduler", "--sampler?"}})
    EXPECT_THAT(usage_error({"gen", "x", elsewhere}), HasSubstr(str("did you mean ", here)));
  EXPECT_THAT(usage_error({"inspect", "x", "--num_frames=8"}), Not(HasSubstr("did you mean")));  // it has no --frames
  EXPECT_THAT(usage_error({"gen", "--prompt", "x"}), HasSubstr("vgen gen \"a fox in snow\""));
}

TEST(Parse, OptionsThatStandInsteadOfOthers) {
  EXPECT_THAT(usage_error({"gen", "x", "--seeds", "1,2", "--seed", "3"}),
              HasSubstr("--seeds stands instead of --seed"));
  EXPECT_THAT(usage_error({"gen", "x", "--count", "2", "--seeds", "1"}), HasSubstr("leave one of them out"));
  EXPECT_EQ(usage_error({"gen", "x", "--count", "2", "--seed", "1"}), "accepted");
}

TEST(Parse, NamesTheNearestCommandOptionAndChoice) {
  EXPECT_THAT(usage_error({"gne", "x"}), AllOf(HasSubstr("unknown command 'gne'"), HasSubstr("did you mean gen?")));
  EXPECT_THAT(usage_error({"gen", "x", "--step", "5"}),
              AllOf(HasSubstr("vgen gen: unknown option --step;"), HasSubstr("did you mean --steps?"),
                    HasSubstr("vgen gen --help")));
  EXPECT_THAT(usage_error({"gen", "x", "--dtype", "fp31"}),
              AllOf(HasSubstr("did you mean fp32?"), HasSubstr("fp32, bf16, fp16")));
  EXPECT_THAT(usage_error({"eval", "shape"}), HasSubstr("did you mean shapes?"));
  EXPECT_THAT(usage_error({"gen", "x", "--zzzzzzzz"}), Not(HasSubstr("did you mean")));
  EXPECT_THAT(usage_error({"gen", "x", "--out", "a.mp4"}), HasSubstr("did you mean --output?"));
  EXPECT_THAT(usage_error({"gen", "-a dash"}), HasSubstr("a prompt that begins with a dash comes last, after --"));
  EXPECT_THAT(usage_error({"gen", "x", "-z"}), HasSubstr("unknown option -z"));
  EXPECT_THAT(usage_error({"--verbos"}), HasSubstr("the command comes first"));
}

TEST(Parse, RefusesBadValues) {
  EXPECT_THAT(usage_error({"gen", "x", "--steps", "ten"}), HasSubstr("--steps: expected an integer, got 'ten'"));
  EXPECT_THAT(usage_error({"gen", "x", "--steps", "5.5"}), HasSubstr("expected an integer"));
  EXPECT_THAT(usage_error({"gen", "x", "--seeds", "1,,2"}), HasSubstr("expected an integer, got ''"));
  EXPECT_THAT(usage_error({"gen", "x", "--steps="}), HasSubstr("expected an integer"));
  for (const char* bad : {"1e999", "9,5", "9 ", ""})
    EXPECT_THAT(usage_error({"gen", "x", "--guidance", bad}), HasSubstr("expected a number")) << bad;
  for (const char* bad : {"448", "448x", "x256", "448x256x3", "a x b", "448*256"})
    EXPECT_THAT(usage_error({"gen", "x", "--size", bad}), HasSubstr("448x256")) << bad;
}

TEST(Parse, NumbersOutOfRangeGetTheNearestValidOne) {
  for (const auto& [option, value, says] : {std::tuple{"--steps", "0", "must be in [1, 1000], got 0; nearest 1"},
                                            {"--steps", "1001", "got 1001; nearest 1000"},
                                            {"--steps", "99999999999999999999", "nearest 1000"},
                                            {"--steps", "-99999999999999999999", "nearest 1"},
                                            {"--frames", "0", "nearest 1"},
                                            {"--seed", "-1", "must be >= 0, got -1; nearest 0"},
                                            {"--seeds", "3,-1", "nearest 0"},
                                            {"--guidance", "nan", "got NaN; leave it out"},
                                            {"--guidance", "-inf", "nearest -1000"},
                                            {"--fps", "0", "nearest 0.01"},
                                            {"--threads", "0", "nearest 1"}})
    EXPECT_THAT(range_error({"gen", "x", option, value}), AllOf(HasSubstr(option), HasSubstr(says))) << value;
  EXPECT_THAT(range_error({"gen", "x", "--seed", "99999999999999999999"}), HasSubstr("64 bits"));
  EXPECT_EQ(parse({"gen", "x", "--seeds", "3,1,2"}).arguments.at("seeds"), Node::list({3, 1, 2}));
}

TEST(Parse, APromptIsNotNeededWithLatents) {
  EXPECT_FALSE(parse({"gen", "--from-latents", "f"}).arguments.find("prompt"));
}

TEST(Parse, RefusesMissingDoubledAndSuperfluousWords) {
  EXPECT_THAT(usage_error({"gen"}), HasSubstr("missing PROMPT"));
  EXPECT_THAT(usage_error({"tiny", "t2v"}), HasSubstr("missing DIR"));
  EXPECT_THAT(usage_error({"train"}), HasSubstr("missing --config FILE"));
  EXPECT_THAT(usage_error({"gen", "x", "--steps"}), HasSubstr("--steps needs a value: N"));
  EXPECT_THAT(usage_error({"gen", "x", "-o", "--steps", "5"}), HasSubstr("--output needs a value"));
  EXPECT_THAT(usage_error({"gen", "x", "--steps", "5", "--steps", "6"}), HasSubstr("given twice"));
  EXPECT_THAT(usage_error({"gen", "a", "red", "circle"}), AllOf(HasSubstr("unexpected 'red'"), HasSubstr("in quotes")));
  EXPECT_THAT(usage_error({"doctor", "x"}), AllOf(HasSubstr("unexpected 'x'"), Not(HasSubstr("quotes"))));
  EXPECT_THAT(usage_error({"gen", "x", "--dry-run=yes"}), HasSubstr("takes no value"));
  EXPECT_THAT(usage_error({"gen", "x", "-qv"}), HasSubstr("one by one"));
}

TEST(Parse, RefusesTextThatIsNotUtf8AndShowsItEscaped) {
  for (const char* bad :
       {"\xff", "a\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf0\x80\x80\x80", "\xe0\x80\x80"})
    EXPECT_THAT(usage_error({"gen", bad}), AllOf(HasSubstr("argument 2 is not UTF-8"), HasSubstr("\\x"))) << bad;
  for (const char* good : {"caf\xc3\xa9", "\xe7\x8b\x90", "\xf0\x9f\xa6\x8a", "\xef\xbf\xbd", "\xf4\x8f\xbf\xbf"})
    EXPECT_EQ(parse({"gen", good}).arguments.at("prompt").as_string(), good);
}

TEST(Parse, NeverPrintsTerminalEscapesOfTheUser) {
  EXPECT_THAT(usage_error({"gen", "x", "--\x1b[31m"}), Not(HasSubstr("\x1b")));
}

TEST(Parse, HelpVersionAndCompletion) {
  EXPECT_EQ(parse({}).action, Parsed::Action::help);
  EXPECT_EQ(parse({"--help"}).command, nullptr);
  EXPECT_EQ(parse({"help", "gen"}).command->name, "gen");
  EXPECT_EQ(parse({"--version"}).action, Parsed::Action::version);
  const Parsed p = parse({"gen", "--help"});  // complete although PROMPT is missing
  EXPECT_EQ(p.action, Parsed::Action::help);
  EXPECT_EQ(p.command->name, "gen");
}

TEST(Table, IsConsistent) {
  std::set<std::string> names;
  for (const Command& c : commands()) {
    EXPECT_TRUE(names.insert(c.name).second) << c.name;
    EXPECT_FALSE(c.summary.empty() || c.examples.empty()) << c.name;
    std::set<std::string> options;
    std::set<char> letters;
    for (const auto* list : {&c.options, &common_options()})
      for (const Option& o : *list) {
        EXPECT_TRUE(options.insert(o.name).second) << c.name << " --" << o.name;
        EXPECT_TRUE(!o.letter || letters.insert(o.letter).second) << c.name << " -" << o.letter;
        EXPECT_FALSE(o.help.empty()) << c.name << " --" << o.name;
        EXPECT_EQ(o.kind == Kind::flag, o.value.empty()) << c.name << " --" << o.name;
      }
    for (std::size_t i = 0; i < c.positionals.size(); ++i)
      EXPECT_TRUE(!c.positionals[i].repeat || i + 1 == c.positionals.size());
  }
  for (const char* name : {"gen", "inspect", "convert", "doctor", "parity", "train", "eval"})
    EXPECT_TRUE(names.contains(name)) << name;
}

// The examples in the help text must parse: split like a shell does, quotes honoured.
TEST(Table, ExamplesParse) {
  for (const Command& c : commands())
    for (const std::string& example : c.examples) {
      Words words;
      char quote = 0;
      bool open = false;
      for (const char ch : example) {
        if (quote ? ch == quote : ch == '"' || ch == '\'')
          quote = quote ? 0 : ch, open = open || (words.emplace_back(), true);
        else if (!quote && ch == ' ')
          open = false;
        else {
          if (!open) words.emplace_back();
          open = true;
          words.back() += ch;
        }
      }
      ASSERT_EQ(words.front(), "vgen") << example;
      words.erase(words.begin());
      EXPECT_NO_THROW(EXPECT_EQ(parse(words).command->name, c.name)) << example;
    }
}

TEST(Help, NamesEverythingAndFitsATerminal) {
  for (const Command& c : commands()) {
    const std::string text = help(c);
    for (const Option& o : c.options) EXPECT_THAT(text, HasSubstr("--" + o.name)) << c.name;
    for (const Positional& p : c.positionals) EXPECT_THAT(text, HasSubstr(p.name)) << c.name;
    EXPECT_THAT(text, HasSubstr(c.examples.front()));
    EXPECT_THAT(help(), HasSubstr("  " + c.name));
    const std::string table =
        text.substr(0, text.find("examples:"));  // examples are for copying, so they are not wrapped
    for (std::size_t at = 0, end; at < table.size(); at = end + 1) {
      end = std::min(table.find('\n', at), table.size());
      EXPECT_LE(end - at, 100u) << table.substr(at, end - at);
    }
    EXPECT_THAT(completion(), HasSubstr(" " + c.name + ")"));
  }
}
