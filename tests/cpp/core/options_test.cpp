#include "vgen/core/options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace vgen;
using testing::AllOf;
using testing::HasSubstr;

namespace {
enum class Spacing { leading, trailing };
constexpr auto enum_names(Spacing) {
  return std::array{std::pair{Spacing::leading, "leading"}, std::pair{Spacing::trailing, "trailing"}};
}

struct Ddim {
  static constexpr std::string_view kind = "ddim";
  int steps = 50;
  double eta = 0;
  bool operator==(const Ddim&) const = default;
  static constexpr auto fields() { return std::tuple{field("steps", &Ddim::steps), field("eta", &Ddim::eta)}; }
};
struct Euler {
  static constexpr std::string_view kind = "euler";
  double churn = 0;
  bool operator==(const Euler&) const = default;
  static constexpr auto fields() { return std::tuple{field("churn", &Euler::churn)}; }
};
struct Plan {
  static constexpr std::string_view kind = "run";
  std::string name = "x";
  bool fast = false;
  std::uint8_t level = 1;
  float rate = 0.5f;
  Spacing spacing = Spacing::leading;
  std::optional<Ddim> refine = {};
  std::vector<int> widths = {1, 2};
  std::array<std::int64_t, 2> size = {32, 32};
  std::map<std::string, double> weights = {};
  std::variant<Ddim, Euler> sampler = {};
  bool operator==(const Plan&) const = default;
  static constexpr auto fields() {
    return std::tuple{field("name", &Plan::name),       field("fast", &Plan::fast),
                      field("level", &Plan::level),     field("rate", &Plan::rate),
                      field("spacing", &Plan::spacing), field("refine", &Plan::refine),
                      field("widths", &Plan::widths),   field("size", &Plan::size),
                      field("weights", &Plan::weights), field("sampler", &Plan::sampler, "the sampler")};
  }
};

Node at(Node n, int line, int column) {
  n.line = line, n.column = column;
  return n;
}
std::string refused(const Node& node, const Place& place = {}) {
  try {
    read<Plan>(node, place);
  } catch (const ConfigError& e) { return e.what(); }
  return "accepted";
}
}  // namespace

TEST(Options, WriteAndReadBackEverything) {
  Plan a{.name = "clip",
         .fast = true,
         .level = 255,
         .rate = 0.25f,
         .spacing = Spacing::trailing,
         .refine = Ddim{.steps = 3, .eta = 1},
         .widths = {},
         .size = {448, 256},
         .weights = {{"text", 0.5}},
         .sampler = Euler{.churn = 2}};
  EXPECT_EQ(read<Plan>(to_node(a)), a);
  EXPECT_EQ(read<Plan>(to_node(Plan{})), Plan{});
  EXPECT_EQ(to_node(a).at("sampler"), Node::map({{"type", "euler"}, {"churn", 2.0}}));
  EXPECT_EQ(to_node(a).at("spacing").as_string(), "trailing");
  EXPECT_TRUE(to_node(Plan{}).at("refine").is_null());
}

TEST(Options, KeysThatAreNotGivenKeepWhatTheyHave) {
  Plan preset{.name = "preset", .refine = Ddim{.steps = 7, .eta = 0.5}, .sampler = Ddim{.steps = 20, .eta = 1}};
  from_node(
      Node::map({{"refine", Node::map({{"eta", 0.1}})}, {"sampler", Node::map({{"type", "ddim"}, {"steps", 5}})}}),
      preset);
  EXPECT_EQ(preset.name, "preset");
  EXPECT_EQ(*preset.refine, (Ddim{.steps = 7, .eta = 0.1}));
  EXPECT_EQ(std::get<Ddim>(preset.sampler), (Ddim{.steps = 5, .eta = 1}));
  from_node(Node::map({{"refine", Node()}}), preset);
  EXPECT_FALSE(preset.refine);
}

TEST(Options, AnotherAlternativeStartsFromItsDefaults) {
  Plan preset{.sampler = Euler{.churn = 9}};
  from_node(Node::map({{"sampler", Node::map({{"type", "ddim"}})}}), preset);
  EXPECT_EQ(std::get<Ddim>(preset.sampler), Ddim{});
}

TEST(Options, UnknownKeyTellsFilePathLineAndNearestKey) {
  const Node node = Node::map({{"sampler", at(Node::map({{"type", "ddim"}, {"step", at(5, 12, 9)}}), 11, 3)}});
  EXPECT_THAT(refused(node, {"train.yaml", ""}),
              AllOf(HasSubstr("train.yaml:12:9: sampler: "), HasSubstr("unknown key 'step' in ddim"),
                    HasSubstr("did you mean 'steps'?"), HasSubstr("steps, eta")));
  EXPECT_THAT(refused(Node::map({{"zzzzzzzzz", 1}})),
              AllOf(HasSubstr("unknown key"), testing::Not(HasSubstr("did you mean"))));
}

TEST(Options, WrongTypesTellWhatCame) {
  EXPECT_THAT(refused(Node::map({{"fast", 1}})), HasSubstr("fast: expected true or false, got an integer"));
  EXPECT_THAT(refused(Node::map({{"name", 1}})), HasSubstr("name: expected a string, got an integer"));
  EXPECT_THAT(refused(Node::map({{"level", 1.5}})), HasSubstr("level: expected an integer, got a number"));
  EXPECT_THAT(refused(Node::map({{"rate", "fast"}})), HasSubstr("rate: expected a number, got a string"));
  EXPECT_THAT(refused(Node::map({{"widths", 3}})), HasSubstr("widths: expected a list, got an integer"));
  EXPECT_THAT(refused(Node::map({{"widths", Node::list({1, "b"})}})),
              HasSubstr("widths.1: expected an integer, got a string"));
  EXPECT_THAT(refused(Node::map({{"refine", 3}})),
              HasSubstr("refine: expected a map with the fields of ddim, got an integer"));
  EXPECT_THAT(refused(Node::map({{"weights", Node::map({{"text", true}})}})),
              HasSubstr("weights.text: expected a number, got a boolean"));
  EXPECT_THAT(refused(Node::list()), HasSubstr("expected a map with the fields of run, got a list"));
}

TEST(Options, ValuesOutsideTheirTypeAreRefused) {
  EXPECT_THAT(refused(Node::map({{"level", 256}})), HasSubstr("256 is out of range"));
  EXPECT_THAT(refused(Node::map({{"level", -1}})), HasSubstr("-1 is out of range"));
  EXPECT_THAT(refused(Node::map({{"size", Node::list({1, 2, 3})}})),
              HasSubstr("expected a list of 2 values, got a list of 3"));
  EXPECT_THAT(refused(Node::map({{"rate", std::numeric_limits<double>::quiet_NaN()}})), HasSubstr("finite"));
  EXPECT_THAT(refused(Node::map({{"rate", 1e300}})), HasSubstr("finite"));  // infinite as float
}

TEST(Options, ClosedChoicesSuggestTheNearestName) {
  EXPECT_THAT(refused(Node::map({{"spacing", "trailin"}})),
              AllOf(HasSubstr("spacing: unknown name 'trailin'"), HasSubstr("did you mean 'trailing'?"),
                    HasSubstr("leading, trailing")));
  EXPECT_THAT(refused(Node::map({{"spacing", 1}})), HasSubstr("expected one of leading, trailing, got an integer"));
  EXPECT_THAT(refused(Node::map({{"sampler", Node::map({{"type", "dimm"}})}})),
              AllOf(HasSubstr("sampler.type"), HasSubstr("did you mean 'ddim'?"), HasSubstr("ddim, euler")));
  EXPECT_THAT(refused(Node::map({{"sampler", Node::map({{"steps", 5}})}})),
              HasSubstr("expected a map with the key 'type'"));
  EXPECT_THAT(refused(Node::map({{"sampler", "ddim"}})), HasSubstr("expected a map with the key 'type'"));
  EXPECT_THAT(refused(Node::map({{"sampler", Node::map({{"type", 3}})}})),
              HasSubstr("sampler: expected a name, got an integer"));
}

TEST(Options, MessagesNeverCarryTerminalEscapes) {
  EXPECT_THAT(refused(Node::map({{"\x1b[31m", 1}})), testing::Not(HasSubstr("\x1b")));
}

TEST(Options, FieldNamesInOrder) { EXPECT_EQ(field_names<Ddim>(), (std::vector<std::string>{"steps", "eta"})); }
