#include "vgen/core/error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>
#include <vector>

#include "vgen/core/progress.hpp"

using namespace vgen;

TEST(Str, JoinsPieces) {
  EXPECT_EQ(str("a", 1, '-', std::string("b"), std::string_view("c"), true, std::size_t(7), -2L), "a1-bctrue7-2");
  EXPECT_EQ(str(), "");
}

TEST(Str, NumbersReadBackEqual) {
  EXPECT_EQ(str(0.1), "0.1");
  for (const double v : {1.0 / 3, 1e-300, 1.7976931348623157e308, 5e-324, -0.0})
    EXPECT_EQ(std::strtod(str(v).c_str(), nullptr), v) << v;
  EXPECT_EQ(str(std::numeric_limits<long long>::min()), "-9223372036854775808");
  EXPECT_EQ(str(~0ull), "18446744073709551615");
}

TEST(Check, ThrowsItsTypeWithItsExitCode) {
  const auto code = [](auto&& f) {
    try {
      f();
    } catch (const Error& e) { return e.code(); }
    return Exit::ok;
  };
  EXPECT_EQ(code([] { VGEN_CHECK(1 + 1 == 2, ConfigError, "never"); }), Exit::ok);
  EXPECT_EQ(code([] { VGEN_CHECK(false, ShapeError, "x: expected ", 3); }), Exit::config);
  EXPECT_EQ(code([] { throw UnsafePickleError("x"); }), Exit::format);
  EXPECT_EQ(code([] { throw WeightsError("x"); }), Exit::format);
  EXPECT_EQ(code([] { throw CheckpointError("x"); }), Exit::io);
  EXPECT_EQ(code([] { throw NumericsError("x"); }), Exit::numerics);
  EXPECT_EQ(code([] { throw Unavailable("x"); }), Exit::unavailable);
  EXPECT_EQ(code([] { throw Interrupted("x", Exit::terminated); }), Exit::terminated);
  EXPECT_THROW(VGEN_CHECK(false, ShapeError, "x"), ConfigError);  // the tree
  EXPECT_THROW(throw PathError("x"), FormatError);
  EXPECT_THROW(throw CheckpointError("x"), IoError);
}

TEST(Printable, KeepsTextAndEscapesWhatATerminalWouldObey) {
  EXPECT_EQ(printable("caf\xc3\xa9 \xf0\x9f\xa6\x8a"), "caf\xc3\xa9 \xf0\x9f\xa6\x8a");
  EXPECT_EQ(printable("\x1b[31m"), "\\x1b[31m");
  EXPECT_EQ(printable("a\nb\x7f"), "a\\x0ab\\x7f");
  EXPECT_EQ(printable("\xe2\x80\xae"
                      "evil"),
            "\\xe2\\x80\\xaeevil");                // right-to-left override
  EXPECT_EQ(printable("\xc2\x9b"), "\\xc2\\x9b");  // C1 control
  EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a\\x00b");
}

TEST(Printable, EscapesWhatIsNotUtf8) {
  EXPECT_EQ(printable("\xff"), "\\xff");
  EXPECT_EQ(printable("a\xc3"), "a\\xc3");                  // cut off
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf");           // overlong
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // surrogate
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
}

TEST(Printable, CutsLongText) {
  const std::string cut = printable(std::string(1000, 'a'), 50);
  EXPECT_EQ(cut, std::string(50, 'a') + "...");
  EXPECT_EQ(printable("abc", 3), "abc");
}

TEST(Nearest, FindsTheClosestOrNothing) {
  const std::vector<std::string> names = {"ddim", "ddpm", "euler", "dpmpp_2m", "dpmpp_2m_sde"};
  const auto near = [&](std::string_view given) { return nearest(given, names.data(), names.size()); };
  EXPECT_EQ(near("dimm"), "ddim");
  EXPECT_EQ(near("eular"), "euler");
  EXPECT_EQ(near("dpmpp2m"), "dpmpp_2m");
  EXPECT_EQ(near("dpmpp_2m_sd"), "dpmpp_2m_sde");
  EXPECT_EQ(near("ddmi"), "ddim");  // letters that changed places
  EXPECT_EQ(near("eul"), "euler");  // the beginning of a name
  EXPECT_EQ(near("dpmpp_2m_"), "dpmpp_2m_sde");
  EXPECT_EQ(near("ddx"), "");  // three letters say little: one mistake at most
  EXPECT_EQ(near("completely_else"), "");
  EXPECT_EQ(nearest("x", nullptr, 0), "");
}

TEST(CancelToken, CopiesShareTheFlagAndTheSignalSetsTheCode) {
  const CancelToken token, copy = token;
  EXPECT_NO_THROW(copy.check("test"));
  token.cancel(15);
  EXPECT_TRUE(copy.cancelled());
  try {
    copy.check("sampling");
    FAIL() << "expected Interrupted";
  } catch (const Interrupted& e) {
    EXPECT_EQ(e.code(), Exit::terminated);
    EXPECT_THAT(e.what(), testing::HasSubstr("sampling"));
  }
  const CancelToken other;
  other.cancel();
  try {
    other.check("x");
    FAIL() << "expected Interrupted";
  } catch (const Interrupted& e) { EXPECT_EQ(e.code(), Exit::interrupted); }
}
