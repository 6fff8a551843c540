// Rows C1 (places), C2, C4-C7 of the reliability table.
#include "vgen/formats/yaml.hpp"

#include <chrono>
#include <cmath>

#include "helpers.hpp"
#include "vgen/core/log.hpp"
#include "vgen/core/options.hpp"

namespace vgen::formats {
namespace {
using test::message_of;
using test::spill;
using test::TempDir;

Node json(const std::string& text) { return parse_json(text); }

TEST(Yaml, ReadsTheSubset) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "null"},
      {"# only a comment\n", "null"},
      {"a: 1\nb:\n  c: [1, 2.5, x y]\n  d: {e: true, f: null}\n",
       R"({"a":1,"b":{"c":[1,2.5,"x y"],"d":{"e":true,"f":null}}})"},
      {"a:\n- 1\n- b: 2\n  c: 3\n-\n  - 4\n- - 5\n  - 6\nd: x", R"({"a":[1,{"b":2,"c":3},[4],[5,6]],"d":"x"})"},
      {"a:   # comment\n  # another\n  b: 1 # more\n\n  c: 'x # no comment'\n",
       R"({"a":{"b":1,"c":"x # no comment"}})"},
      {"a: it's http://x.y/z#w: and a:b\n", "\"\""},  // replaced below: ': ' inside a plain scalar is refused
      {"a: it's http://x.y/z#w, a:b\n", R"({"a":"it's http://x.y/z#w, a:b"})"},
      {"a: 'don''t'\nb: \"t\\tn\\n\\x41\\u00e9\\U0001F3AC\\\"\"\n", R"({"a":"don't","b":"t\tn\nAé🎬\""})"},
      {"a: long\n  text\n  here\n\n  and there\nb: 1", R"({"a":"long text here\nand there","b":1})"},
      {"a: 'long\n  text\n\n  x'\nb: \"c\\\n  d\"", R"({"a":"long text\nx","b":"cd"})"},
      {"a: |\n  x\n   y\n\n  z\nb: >\n  x\n  y\n\n  z\n", R"({"a":"x\n y\n\nz\n","b":"x y\nz\n"})"},
      {"a: |-\n  x\nb: >+\n  y\n\nc: |2\n    z\n", R"({"a":"x","b":"y\n\n","c":"  z\n"})"},
      {"- a\n- 'b'\n-\n- [ ]\n- {}\n", R"(["a","b",null,[],{}])"},
      {"[1,\n 2, # c\n\t3,]", "[1,2,3]"},
      {"{\"a\":1,\"b\": [true,null],c: d e,\n f: }", R"({"a":1,"b":[true,null],"c":"d e","f":null})"},
      {"--- # start\na: 1\n...\n", R"({"a":1})"},
      {"--- 5\n", "5"},
      {"\xEF\xBB\xBF"
       "a: 1",
       R"({"a":1})"},
      {"a: 1\r\nb: |\r\n  x\r\n  y\r\n", R"({"a":1,"b":"x\ny\n"})"},
      {"\"q k\": 1\n'r': 2\n? : 3", "\"\""},
      {"-1: a\n1.5: b\ntrue: c", R"({"-1":"a","1.5":"b","true":"c"})"},
      {"prompt: a -b ?c :d\n", R"({"prompt":"a -b ?c :d"})"},
      {"{\n  \"betas\": [0.9, 0.999],\n  \"x\": {\"y\": \"z\"}\n}\n", R"({"betas":[0.9,0.999],"x":{"y":"z"}})"}};
  for (const auto& [text, want] : cases) {
    if (std::string(want) == "\"\"")
      EXPECT_THROW(parse_yaml(text), FormatError) << text;
    else
      EXPECT_EQ(dump_json(parse_yaml(text)), dump_json(json(want))) << text;
  }
}

TEST(Yaml, C1_PlacesAreExact) {
  const Node n = parse_yaml("a: 1\nlist:\n  - x\n  - {k: é, v:   2}\n\"q\": 'z'\n");
  const auto at = [](const Node& node) { return std::pair(node.line, node.column); };
  EXPECT_EQ(at(n.at("a")), std::pair(1, 4));
  EXPECT_EQ(at(n.at("list")), std::pair(3, 3));
  EXPECT_EQ(at(n.at("list")[0]), std::pair(3, 5));
  EXPECT_EQ(at(n.at("list")[1]), std::pair(4, 5));
  EXPECT_EQ(at(n.at("list")[1].at("k")), std::pair(4, 9));
  EXPECT_EQ(at(n.at("list")[1].at("v")), std::pair(4, 17));
  EXPECT_EQ(at(n.at("q")), std::pair(5, 6));

  // 200 files with one wrong line each: the error names it.
  test::Random random{2};
  const std::pair<const char*, int> faults[] = {{"x: &a 1", 4},  {"x: *a", 4}, {"x: !t 1", 4}, {"x: y: z", 5},
                                                {"\tx: 1", 2},   {"k0: 1", 1}, {"x", 1},       {"- x", 1},
                                                {"x: 'a' b", 8}, {"x: ]", 4}};
  for (int i = 0; i < 200; ++i) {
    const std::size_t lines = 2 + random.below(30), wrong = 1 + random.below(lines - 1);
    const auto& [fault, column] = faults[random.below(std::size(faults))];
    std::string text;
    for (std::size_t l = 0; l < lines; ++l) text += l == wrong ? std::string(fault) + "\n" : str("k", l, ": v\n");
    const std::string m = message_of<FormatError>([&] { parse_yaml(text, "c.yaml"); });
    EXPECT_EQ(m.rfind(str("c.yaml:", wrong + 1, ":", column, ": "), 0), 0u) << m << "\n" << text;
  }
}

struct Training {
  static constexpr std::string_view kind = "training";
  int steps = 50;
  double lr = 1e-4;
  std::vector<int> size = {8, 8};
  bool operator==(const Training&) const = default;
  static constexpr auto fields() {
    return std::tuple{field("steps", &Training::steps), field("learning_rate", &Training::lr),
                      field("size", &Training::size)};
  }
};

TEST(Yaml, C1_OptionsSayWhereAndWhat) {
  EXPECT_EQ(read<Training>(parse_yaml("steps: 3\nlearning_rate: 1e-4\nsize: [4, 5]")), (Training{3, 1e-4, {4, 5}}));
  const auto error = [](const char* text) {
    return message_of<ConfigError>([&] { read<Training>(parse_yaml(text), Place{"c.yaml", {}}); });
  };
  EXPECT_EQ(error("steps: 3\nlearning_rat: 1").rfind("c.yaml:2:", 0), 0u) << error("steps: 3\nlearning_rat: 1");
  EXPECT_NE(error("steps: 3\nlearning_rat: 1").find("did you mean 'learning_rate'"), std::string::npos);
  EXPECT_EQ(error("size:\n  - 1\n  - x").rfind("c.yaml:3:5: size.1: expected an integer, got a string", 0), 0u)
      << error("size:\n  - 1\n  - x");
  EXPECT_EQ(error("steps: 1.5").rfind("c.yaml:1:8: steps: expected an integer", 0), 0u);
  EXPECT_NE(error("steps: 99999999999").find("out of range"), std::string::npos);
  EXPECT_NE(error("learning_rate: .nan").find("finite"), std::string::npos);
}

TEST(Yaml, C2_DuplicateKeys) {
  EXPECT_EQ(message_of<FormatError>([] { parse_yaml("seed: 888\nb: 1\nseed: 8888\n", "c.yaml"); }),
            "c.yaml:3:1: duplicate key 'seed'");
  EXPECT_THROW(parse_yaml("{a: 1, 'a': 2}"), FormatError);
  std::string warned;
  log::set_sink([&](log::Level, std::string_view m) { warned = m; });
  const Node n = parse_yaml("seed: 888\nb: 1\nseed: 8888\n", "c.yaml", {.last_key_wins = true});
  log::set_sink({});
  EXPECT_EQ(dump_json(n, -1), R"({"seed":8888,"b":1})");
  EXPECT_NE(warned.find("c.yaml:3:1"), std::string::npos) << warned;
}

TEST(Yaml, C4_CoreSchema) {
  const std::pair<const char*, Node> literals[] = {{"1e-4", 1e-4},
                                                   {"1E+2", 100.0},
                                                   {"1.", 1.0},
                                                   {".5", 0.5},
                                                   {"-.5e1", -5.0},
                                                   {"+1.5", 1.5},
                                                   {"1.5e", "1.5e"},
                                                   {"e5", "e5"},
                                                   {".", "."},
                                                   {"-", "-"},
                                                   {"1e400x", "1e400x"},
                                                   {"017", 17},
                                                   {"0x10", 16},
                                                   {"0xFf", 255},
                                                   {"0o17", 15},
                                                   {"0o8", "0o8"},
                                                   {"0x", "0x"},
                                                   {"-0x10", "-0x10"},
                                                   {"0b1", "0b1"},
                                                   {"1_000", "1_000"},
                                                   {"+12", 12},
                                                   {"-12", -12},
                                                   {"--1", "--1"},
                                                   {"no", "no"},
                                                   {"yes", "yes"},
                                                   {"on", "on"},
                                                   {"off", "off"},
                                                   {"y", "y"},
                                                   {"true", true},
                                                   {"True", true},
                                                   {"TRUE", true},
                                                   {"tRue", "tRue"},
                                                   {"false", false},
                                                   {"False", false},
                                                   {"FALSE", false},
                                                   {"12:30", "12:30"},
                                                   {"2026-01-02", "2026-01-02"},
                                                   {"null", Node()},
                                                   {"Null", Node()},
                                                   {"NULL", Node()},
                                                   {"~", Node()},
                                                   {"none", "none"},
                                                   {".inf", HUGE_VAL},
                                                   {"-.INF", -HUGE_VAL},
                                                   {"+.Inf", HUGE_VAL},
                                                   {"inf", "inf"},
                                                   {"nan", "nan"},
                                                   {"1.2.3", "1.2.3"},
                                                   {"9223372036854775807", Node(INT64_MAX)},
                                                   {"1e-999", 0.0},
                                                   {"16x32", "16x32"}};
  for (const auto& [text, want] : literals) {
    if (std::string(text) != "-") {
      const Node in_file = parse_yaml(str("k: ", text)).at("k"), in_flow = parse_yaml(str("[", text, "]"))[0];
      EXPECT_TRUE(in_file.type == want.type && in_file == want) << text << " -> " << dump_yaml(in_file);
      EXPECT_TRUE(in_flow.type == want.type && in_flow == want) << text;
    }
    const Node value = parse_yaml_value(text);
    EXPECT_TRUE(value.type == want.type && value == want) << text << " -> " << dump_yaml(value);
  }
  EXPECT_TRUE(std::isnan(parse_yaml("k: .nan").at("k").real));
  for (const char* bad : {"9223372036854775808", "-9223372036854775809", "0xFFFFFFFFFFFFFFFFF", "1e999", "-1e999"}) {
    EXPECT_THROW(parse_yaml(str("k: ", bad)), FormatError) << bad;
    EXPECT_THROW(parse_yaml_value(bad), FormatError) << bad;
  }
}

TEST(Yaml, C5_Budgets) {
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THROW(parse_yaml(std::string(100'000, '[')), FormatError);
  EXPECT_THROW(parse_yaml(std::string(65, '[') + std::string(65, ']')), FormatError);
  EXPECT_NO_THROW(parse_yaml(std::string(64, '[') + std::string(64, ']')));
  std::string deep;
  for (int i = 0; i < 400; ++i) deep += std::string(static_cast<std::size_t>(i), ' ') + "a:\n";
  EXPECT_THROW(parse_yaml(deep), FormatError);
  std::string dashes;
  for (int i = 0; i < 100'000; ++i) dashes += "- ";
  EXPECT_THROW(parse_yaml(dashes + "x"), FormatError);
  std::string wide;
  for (int i = 0; i < 11'000; ++i) wide += "- 1\n";
  EXPECT_THROW(parse_yaml(wide), FormatError);
  EXPECT_THROW(parse_yaml("[" + std::string(400'000, ',') + "]"), FormatError);
  EXPECT_THROW(parse_yaml("a: &x [*x]"), FormatError);
  EXPECT_THROW(parse_yaml(std::string((1 << 20) + 1, ' ')), FormatError);
  EXPECT_NO_THROW(parse_yaml(std::string(1 << 20, '\n')));
  EXPECT_NO_THROW(parse_yaml("a: \"" + std::string(1'000'000, 'x') + "\""));
  std::string one_line = "[";
  for (int i = 0; i < 9'900; ++i) one_line += "\"" + std::string(90, 'x') + "\", ";
  EXPECT_EQ(parse_yaml(one_line + "1]").size(), 9901u);
  EXPECT_LT(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(), 2.0);
}

TEST(Yaml, C6_NoCodeNoEnvironment) {
  for (const char* bad : {"a: !!python/object/apply:os.system ['id']",
                          "!!map {a: 1}",
                          "a: !x",
                          "- !!str 1",
                          "_target_: os.system",
                          "a: {_target_: x}",
                          "a:\n- _target_: y",
                          "a: ${env:HOME}",
                          "a: '${oc.env:HOME}'",
                          "a: x/${env:HOME}/y",
                          "a: \"${b}\"",
                          "[${b}]",
                          "a: &x 1",
                          "a: *x",
                          "<<: {a: 1}",
                          "{<<: 1}",
                          "{\"_target_\": 1}",
                          "? a\n: b",
                          "%YAML 1.1\n---\na: 1",
                          "a: 1\n---\nb: 2",
                          "a: `x`",
                          "a: @x",
                          "a: %x"})
    EXPECT_THROW(parse_yaml(bad), FormatError) << bad;
  for (const char* bad : {"${env:HOME}", "{_target_: x}", "'${a}'"})
    EXPECT_THROW(parse_yaml_value(bad), FormatError) << bad;
  EXPECT_EQ(parse_yaml("prompt: costs $5 {really}").at("prompt").string, "costs $5 {really}");
}

TEST(Yaml, RefusesBrokenText) {
  const std::pair<std::string, const char*> bad[] = {{"a: [1, 2", "without"},
                                                     {"a: {b: 1", "without"},
                                                     {"a: [1, 2}", "unexpected|expected ','"},
                                                     {"a: 'x", "does not end"},
                                                     {"a: \"x", "does not end"},
                                                     {"a: \"\\q\"", "unknown escape"},
                                                     {"a: \"\\x4\"", "hexadecimal"},
                                                     {"a: \"\\ud800\"", "surrogate"},
                                                     {"a: \"\\u0000\"", "NUL"},
                                                     {"a: \"\\UFFFFFFFF\"", "no such character"},
                                                     {"a: 1\n b: 2", "unexpected|map may not begin|fits nothing"},
                                                     {"a:\n    b: 1\n  c: 2", "fits nothing"},
                                                     {"a:\n\tb: 1", "tab"},
                                                     {"\ta: 1", "tab"},
                                                     {"- a\nb: 1", "after the end"},
                                                     {"a: 1\n- b", "list item"},
                                                     {"a: - b", "list item"},
                                                     {"a: b: c", "map may not"},
                                                     {"a: |x\n  y", "expected '+'"},
                                                     {"a: | x\n  y", "may not begin"},
                                                     {"a: ]", "unexpected ']'"},
                                                     {"a: ,", "unexpected ','"},
                                                     {"[a b, c: d]", "expected ','"},
                                                     {"{a}", "expected ': '"},
                                                     {"{a:1}", "expected ': '"},
                                                     {"[a, |]", "block text"},
                                                     {": a", "without a key|expected"},
                                                     {"a", ""},
                                                     {std::string("a: \0", 4), "control"},
                                                     {"a: \x01", "control"},
                                                     {"a: \xff", "UTF-8"},
                                                     {"a: \x7f", "control"},
                                                     {"a: b\rc", "control"},
                                                     {"a: 'x' y", "unexpected text"},
                                                     {"a: [1] 2", "unexpected text"},
                                                     {"[1] x", "unexpected text"},
                                                     {"a: 1\n...\nb: 2", "after the end"},
                                                     {std::string(2000, 'k') + ": 1", "longer than 1024"}};
  for (const auto& [text, reasons] : bad) {
    if (text == "a") {
      EXPECT_EQ(parse_yaml(text).string, "a");
      continue;
    }
    const std::string m = message_of<FormatError>([&] { parse_yaml(text, "c.yaml"); }), all = reasons;
    bool found = false;
    for (std::size_t i = 0; i <= all.size();) {
      const std::size_t bar = std::min(all.find('|', i), all.size());
      found = found || m.find(all.substr(i, bar - i)) != std::string::npos;
      i = bar + 1;
    }
    EXPECT_TRUE(found) << testing::PrintToString(text) << " -> " << m;
  }
}

TEST(Yaml, ValuesOfTheCommandLine) {
  EXPECT_EQ(dump_json(parse_yaml_value("[1, a, {b: 2}]"), -1), R"([1,"a",{"b":2}])");
  EXPECT_EQ(parse_yaml_value("a red circle, moving: left # and right").string,
            "a red circle, moving: left # and right");
  EXPECT_EQ(parse_yaml_value("*stars* & !bang").string, "*stars* & !bang");
  EXPECT_EQ(parse_yaml_value("\"017\"").string, "017");
  EXPECT_EQ(parse_yaml_value("'x'").string, "x");
  EXPECT_TRUE(parse_yaml_value("").is_null());
  EXPECT_EQ(parse_yaml_value("  7 ").as_int(), 7);
  EXPECT_NE(message_of<FormatError>([] { parse_yaml_value("[1, 2"); }).find("--set:1:1"), std::string::npos);
  EXPECT_THROW(parse_yaml_value("'x' y"), FormatError);
  EXPECT_THROW(parse_yaml_value("\xff"), FormatError);
}

// Random trees, written and read again.
Node tree(test::Random& random, int depth) {
  static const std::vector<std::string> words = {
      "",     "a",          "b c",   "x: y",       "# no",  "- z",    "yes", "1e-4", "017",  "null", "~",
      "it's", "say \"hi\"", "tab\t", "two\nlines", " lead", "trail ", "é🎬",  "end:", "[x]",  "{y}",  "*s",
      "&a",   "!b",         "%p",    "@a",         "`t`",   ",c",     "?",   "? q",  "-",    "---",  "...",
      "\\",   "|",          ">",     "=",          "<x",    "12:30",  ".5",  "0x1F", "true", "a #b"};
  switch (depth > 3 ? random.below(6) : random.below(9)) {
    case 0:
      return Node();
    case 1:
      return Node(random.below(2) == 0);
    case 2:
      return Node(static_cast<std::int64_t>(random.next()));
    case 3:
      return Node(static_cast<double>(static_cast<std::int64_t>(random.next())) *
                  std::pow(10.0, static_cast<double>(random.below(60)) - 40));
    case 4:
    case 5:
      return Node(words[random.below(words.size())]);
    case 6:
    case 7: {
      Node n = Node::map();
      for (std::size_t i = random.below(5); i-- > 0;)
        n.set(words[random.below(words.size())] + (random.below(2) ? str(i) : ""), tree(random, depth + 1));
      return n;
    }
    default: {
      Node n = Node::list();
      for (std::size_t i = random.below(5); i-- > 0;) n.items.push_back(tree(random, depth + 1));
      return n;
    }
  }
}
TEST(Yaml, DumpReadsBack) {
  test::Random random{4};
  for (int i = 0; i < 3000; ++i) {
    const Node n = tree(random, 0);
    const std::string text = dump_yaml(n);
    ASSERT_EQ(dump_json(parse_yaml(text)), dump_json(n)) << text;  // types and order too
    ASSERT_EQ(dump_json(parse_yaml(dump_json(n))), dump_json(n)) << "JSON is read as well";
  }
  EXPECT_EQ(dump_yaml(Node::map({{"size", Node::list({1, 2})},
                                 {"lr", Node(1e-5)},
                                 {"name", Node("a b")},
                                 {"n", Node("no")},
                                 {"l", Node::list({Node::map({{"a", 1}, {"b", Node::map()}})})}})),
            "size: [1, 2]\nlr: 1.0e-05\nname: a b\n\"n\": \"no\"\nl:\n  - a: 1\n    b: {}\n");
}

struct Config : testing::Test {
  TempDir dir;
  std::string at(const std::string& name) const { return (dir / name).string(); }
};

TEST_F(Config, ReadsByExtension) {
  spill(dir / "a.json", "{\"a\": 1}");
  spill(dir / "a.yaml", "a: 1");
  EXPECT_EQ(read_config_file(at("a.json")), read_config_file(at("a.yaml")));
  spill(dir / "b.json", "a: 1");
  EXPECT_THROW(read_config_file(at("b.json")), FormatError);
  spill(dir / "c.json", "{\"_target_\": 1}");
  EXPECT_THROW(read_config_file(at("c.json")), FormatError);
  EXPECT_THROW(read_config_file(at("none.yaml")), IoError);
}

TEST_F(Config, C7_Includes) {
  std::filesystem::create_directories(dir / "base");
  spill(dir / "base/one.yaml", "a: 1\nm: {x: 1, y: [1, 2]}\ninclude: two.yaml");
  spill(dir / "base/two.yaml", "a: 0\nb: 2\nm: {z: 3}");
  spill(dir / "top.yaml", "include: [base/one.yaml]\nm:\n  y: [9]\nc: 4\n");
  EXPECT_EQ(dump_json(read_config_file(at("top.yaml")), -1), R"({"a":1,"b":2,"m":{"z":3,"x":1,"y":[9]},"c":4})");

  spill(dir / "loop.yaml", "include: loop2.yaml");
  spill(dir / "loop2.yaml", "include: ./loop.yaml");
  const std::string cycle = message_of<FormatError>([&] { read_config_file(at("loop.yaml")); });
  EXPECT_NE(cycle.find("include cycle"), std::string::npos) << cycle;
  EXPECT_NE(cycle.find("loop2.yaml"), std::string::npos) << cycle;
  TempDir outside;
  spill(outside / "o.yaml", "a: 1");
  std::filesystem::create_symlink(outside / "o.yaml", dir / "link.yaml");
  for (const std::string& bad : {std::string("../") + outside.path().filename().string() + "/o.yaml",
                                 (outside / "o.yaml").string(), std::string("link.yaml")}) {
    spill(dir / "bad.yaml", "include: " + bad);
    EXPECT_THROW(read_config_file(at("bad.yaml")), PathError) << bad;
  }
  spill(dir / "bad.yaml", "include: none.yaml");
  EXPECT_NE(message_of<IoError>([&] { read_config_file(at("bad.yaml")); }).find("bad.yaml"), std::string::npos);
  spill(dir / "bad.yaml", "include: 3");
  EXPECT_THROW(read_config_file(at("bad.yaml")), FormatError);
  for (int i = 0; i < 9; ++i) spill(dir / str("d", i, ".yaml"), str("include: d", i + 1, ".yaml\n"));
  EXPECT_NE(message_of<FormatError>([&] { read_config_file(at("d0.yaml")); }).find("deeper than 8"), std::string::npos);
}

}  // namespace
}  // namespace vgen::formats
