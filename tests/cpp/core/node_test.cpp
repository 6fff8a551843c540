#include "vgen/core/node.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using testing::AllOf;
using testing::HasSubstr;
using vgen::ConfigError;
using vgen::Node;
using vgen::set_path;

namespace {
template <class F>
std::string message(F&& f) {
  try {
    f();
  } catch (const ConfigError& e) { return e.what(); }
  return "no ConfigError";
}
}  // namespace

TEST(Node, HoldsWhatItIsMadeOf) {
  EXPECT_TRUE(Node().is_null());
  EXPECT_TRUE(Node(true).as_bool());
  EXPECT_EQ(Node(3).as_int(), 3);
  EXPECT_EQ(Node(std::int64_t(1) << 62).as_int(), std::int64_t(1) << 62);
  EXPECT_EQ(Node(0.5).as_double(), 0.5);
  EXPECT_EQ(Node(3).as_double(), 3.0);  // an integer is a number
  EXPECT_EQ(Node("text").as_string(), "text");
  EXPECT_EQ(Node::list({1, 2}).as_ints(), (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(Node::list({1, 2.5}).as_doubles(), (std::vector<double>{1, 2.5}));
}

TEST(Node, TypedReadsNameTheTypeFoundAndThePosition) {
  Node n(2.5);
  n.line = 7, n.column = 3;
  EXPECT_THAT(message([&] { n.as_int(); }),
              AllOf(HasSubstr("expected an integer, got a number"), HasSubstr("line 7, column 3")));
  EXPECT_THAT(message([] { Node("1").as_double(); }), HasSubstr("expected a number, got a string"));
  EXPECT_THAT(message([] { Node(1).as_bool(); }), HasSubstr("got an integer"));
  EXPECT_THAT(message([] { Node().as_string(); }), HasSubstr("got null"));
  EXPECT_THAT(message([] { Node::map().as_ints(); }), HasSubstr("got a map"));
  EXPECT_THAT(message([] { Node::list({1, 2.5}).as_ints(); }), HasSubstr("got a number"));
  EXPECT_THAT(message([] { Node::list({1})[1]; }), HasSubstr("no item 1 in a list of 1"));
  EXPECT_THAT(message([] { Node::map({{"a", 1}}).at("b"); }), HasSubstr("missing key 'b'"));
}

TEST(Node, MapsKeepOrderAndReplaceInPlace) {
  Node n = Node::map({{"b", 1}, {"a", 2}});
  n.set("b", 3);
  n.set("c", 4);
  ASSERT_EQ(n.size(), 3u);
  EXPECT_EQ(n.entries[0].first, "b");
  EXPECT_EQ(n.at("b").as_int(), 3);
  EXPECT_EQ(n.find("none"), nullptr);
  EXPECT_EQ(Node(1).find("b"), nullptr);
  EXPECT_THAT(message([] { Node(1).set("a", 2); }), HasSubstr("cannot set key 'a' in an integer"));
}

TEST(Node, EqualityIgnoresPositionsAndOrderOfMaps) {
  Node a = Node::map({{"x", 1}, {"y", Node::list({true, "t"})}}),
       b = Node::map({{"y", Node::list({true, "t"})}, {"x", 1}});
  b.line = 9;
  EXPECT_EQ(a, b);
  EXPECT_EQ(Node(1), Node(1.0));
  EXPECT_FALSE(Node(1) == Node(true));
  EXPECT_FALSE(Node(1) == Node("1"));
  EXPECT_FALSE(a == Node::map({{"x", 1}}));
  EXPECT_FALSE(Node::list({1, 2}) == Node::list({2, 1}));
}

TEST(SetPath, WalksMapsAndListsAndMakesMissingMaps) {
  Node root = Node::map({{"train", Node::map({{"lr", 0.1}})},
                         {"stages", Node::list({Node::map({{"steps", 1}}), Node::map({{"steps", 2}})})}});
  set_path(root, "train.lr", 0.5);
  set_path(root, "stages.1.steps", 9);
  set_path(root, "model.unet.width", 64);
  EXPECT_EQ(root.at("train").at("lr").as_double(), 0.5);
  EXPECT_EQ(root.at("stages")[1].at("steps").as_int(), 9);
  EXPECT_EQ(root.at("stages")[0].at("steps").as_int(), 1);
  EXPECT_EQ(root.at("model").at("unet").at("width").as_int(), 64);
}

TEST(SetPath, RefusesWhatLeadsNowhere) {
  Node root = Node::map({{"a", 1}, {"l", Node::list({1, 2})}});
  EXPECT_THAT(message([&] { set_path(root, "a.b", 2); }), HasSubstr("'b' leads into an integer"));
  for (const char* bad : {"l.2", "l.x", "l.-1", "l.1x"})
    EXPECT_THAT(message([&] { set_path(root, bad, 2); }), HasSubstr("is no index into a list of 2")) << bad;
  for (const char* bad : {"", ".a", "a..b", "l.0."})
    EXPECT_NE(message([&] { set_path(root, bad, 2); }), "no ConfigError") << bad;
  EXPECT_EQ(root, Node::map({{"a", 1}, {"l", Node::list({1, 2})}}));
}
