#include "vgen/formats/json.hpp"

#include <cmath>

#include "helpers.hpp"

namespace vgen::formats {
namespace {
using test::message_of;

TEST(Json, ReadsEveryKindWithItsPlace) {
  const Node n =
      parse_json("{\"a\": [1, -2.5e3, true,\n  null], \"é\": \"x\\u00e9\\ud83c\\udfac\\n\",\n \"m\": {}}", "f.json");
  EXPECT_EQ(n.at("a")[0].as_int(), 1);
  EXPECT_EQ(n.at("a")[1].as_double(), -2500);
  EXPECT_TRUE(n.at("a")[1].is(Node::Type::real));
  EXPECT_TRUE(n.at("a")[3].is_null());
  EXPECT_EQ(n.at("a")[3].line, 2);
  EXPECT_EQ(n.at("a")[3].column, 3);
  EXPECT_EQ(n.at("é").string, "xé🎬\n");
  EXPECT_EQ(n.at("é").column, 15) << "columns count characters, not bytes";
  EXPECT_EQ(n.at("m").line, 3);
}

TEST(Json, RefusesWhatIsNotStrictJson) {
  const std::pair<std::string, const char*> bad[] = {{"", "ends too early"},
                                                     {"{", "ends too early"},
                                                     {"[1,]", "expected a value"},
                                                     {"{\"a\":1,}", "expected a key"},
                                                     {"{'a':1}", "expected a key"},
                                                     {"{\"a\" 1}", "expected ':'"},
                                                     {"[1 2]", "',' or ']'"},
                                                     {"01", "begin with 0"},
                                                     {"-", "expected a value"},
                                                     {"1.", "decimal point"},
                                                     {"1e", "exponent"},
                                                     {"+1", "expected a value"},
                                                     {".5", "expected a value"},
                                                     {"NaN", "expected a value"},
                                                     {"Infinity", "expected a value"},
                                                     {"-Infinity", "expected a value"},
                                                     {"tru", "expected a value"},
                                                     {"nul", "expected a value"},
                                                     {"1 2", "after the end"},
                                                     {"{} x", "after the end"},
                                                     {"// c\n1", "expected a value"},
                                                     {"{\"a\":1,\"a\":2}", "duplicate key 'a'"},
                                                     {"{\"a\":1,\"\\u0061\":2}", "duplicate key 'a'"},
                                                     {"9223372036854775808", "64 bits"},
                                                     {"-9223372036854775809", "64 bits"},
                                                     {"1e999", "too large"},
                                                     {"\"\x01\"", "control"},
                                                     {"\"\t\"", "control"},
                                                     {std::string("\"\0\"", 3), "control"},
                                                     {std::string("1\0", 2), "after the end"},
                                                     {"\"\\u0000\"", "NUL"},
                                                     {"\"\\x41\"", "unknown escape"},
                                                     {"\"\\u12\"", "hexadecimal"},
                                                     {"\"\\ud800\"", "surrogate"},
                                                     {"\"\\udc00\"", "surrogate"},
                                                     {"\"\\ud800\\u0041\"", "surrogate"},
                                                     {"\"\xff\"", "UTF-8"},
                                                     {"\"\xc0\x80\"", "UTF-8"},
                                                     {"\"\xed\xa0\x80\"", "UTF-8"},
                                                     {"\"\xf5\x80\x80\x80\"", "UTF-8"},
                                                     {"\"\xe2\x82", "UTF-8"},
                                                     {"\"abc", "inside a string"},
                                                     {"\"abc\\", "inside a string"},
                                                     {"\xEF\xBB\xBF{}", "expected a value"}};
  for (const auto& [text, reason] : bad) {
    const std::string m = message_of<FormatError>([&] { parse_json(text, "f.json"); });
    EXPECT_NE(m.find(reason), std::string::npos) << text << " -> " << m;
    EXPECT_EQ(m.rfind("f.json:", 0), 0u) << m;
  }
}

TEST(Json, ErrorNamesLineAndColumn) {
  EXPECT_EQ(message_of<FormatError>([] { parse_json("{\"a\": 1,\n  \"é\": 2, \"a\": 3}", "x"); }),
            "x:2:11: duplicate key 'a'");
  EXPECT_EQ(message_of<FormatError>([] { parse_json("[\n\n   @", "x"); }), "x:3:4: expected a value");
}

TEST(Json, ManyKeysAreCheckedForDuplicatesToo) {
  std::string text = "{";
  for (int i = 0; i < 3000; ++i) text += str("\"k", i, "\":0,");
  EXPECT_EQ(parse_json(text + "\"z\":0}").size(), 3001u);
  for (const int i : {0, 15, 16, 17, 2999})
    EXPECT_NE(message_of<FormatError>([&] { parse_json(text + str("\"k", i, "\":0}")); }).find("duplicate"),
              std::string::npos);
}

TEST(Json, LimitsHold) {
  const std::string deep(64, '['), end(64, ']');
  EXPECT_NO_THROW(parse_json(deep + end));
  EXPECT_THROW(parse_json("[" + deep + end + "]"), FormatError);
  EXPECT_THROW(parse_json(std::string(10'000'000, '['), "", {.bytes = 1 << 28}), FormatError);
  EXPECT_THROW(parse_json("[1,2,3]", "", {.nodes = 3}), FormatError);
  EXPECT_NO_THROW(parse_json("[1,2,3]", "", {.nodes = 4}));
  EXPECT_THROW(parse_json("[1,2,3]", "", {.bytes = 6}), FormatError);
  EXPECT_EQ(parse_json("\"\\u0000\"", "", {.nul = true}).string, std::string(1, '\0'));
}

TEST(Json, NumbersSurviveTheRoundTrip) {
  test::Random random{5};
  for (int i = 0; i < 20000; ++i) {
    const std::uint64_t bits = random.next();
    double v;
    std::memcpy(&v, &bits, 8);
    if (!std::isfinite(v)) continue;
    const Node back = parse_json(dump_json(Node(v)));
    ASSERT_TRUE(back.is(Node::Type::real)) << dump_json(Node(v));
    ASSERT_EQ(std::memcmp(&back.real, &v, 8), 0) << dump_json(Node(v));
    const auto integer = static_cast<std::int64_t>(random.next() >> random.below(64));
    ASSERT_EQ(parse_json(dump_json(Node(integer))).as_int(), integer);
  }
  EXPECT_EQ(dump_json(Node(1.0)), "1.0");
  EXPECT_EQ(parse_json("1e-999").real, 0.0);
  EXPECT_TRUE(std::signbit(parse_json("-0.0").real));
  EXPECT_EQ(parse_json("-9223372036854775808").as_int(), INT64_MIN);
  EXPECT_THROW(dump_json(Node(NAN)), FormatError);
  EXPECT_THROW(dump_json(Node("\xff")), FormatError);
}

TEST(Json, DumpReadsBackAndIsReadable) {
  const Node n = Node::map({{"betas", Node::list({0.9, 0.999})},
                            {"n\"\x01\n", Node("a\\b\x7f")},
                            {"e", Node::map()},
                            {"l", Node::list({Node::map({{"x", Node(1)}})})}});
  for (const int indent : {-1, 0, 2}) EXPECT_EQ(parse_json(dump_json(n, indent)), n) << dump_json(n, indent);
  EXPECT_EQ(dump_json(n, 2),
            "{\n  \"betas\": [0.9, 0.999],\n  \"n\\\"\\u0001\\n\": \"a\\\\b\\u007f\",\n  \"e\": {},\n  \"l\": [\n    "
            "{\n      \"x\": 1\n    }\n  ]\n}");
}

}  // namespace
}  // namespace vgen::formats
