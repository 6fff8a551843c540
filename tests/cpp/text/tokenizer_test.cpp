#include "vgen/text/tokenizer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <thread>

#include "vgen/core/atomic_file.hpp"
#include "vgen/core/node.hpp"
#include "vgen/formats/json.hpp"
#include "vgen/text/clean.hpp"
#include "vgen/text/unicode.hpp"

namespace vgen::text {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Ids = std::vector<std::int32_t>;

Ids with_ends(const Tokenizer& t, std::string_view text) {
  Ids ids = t.encode(text);
  ids.insert(ids.begin(), t.start_id());
  ids.push_back(t.end_id());
  return ids;
}
Ids as_ids(const Node& list) {
  Ids out;
  for (const auto v : list.as_ints()) out.push_back(static_cast<std::int32_t>(v));
  return out;
}
template <class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const ConfigError& e) { return e.what(); } catch (const FormatError& e) {
    return e.what();
  }
  return "(nothing thrown)";
}

TEST(Tokenizer, EqualsTheGoldens) {
  const std::string path = VGEN_SOURCE_DIR "/tests/golden/clip/tokenizer.json";
  const Node golden = formats::parse_json(read_file(path), path, {.bytes = 1 << 22, .nodes = 100000, .nul = true});
  const auto& t = Tokenizer::clip();
  std::size_t rows = 0;
  for (const Node& v : golden.at("values").items) {
    const std::string& text = v.at("text").as_string();
    EXPECT_EQ(clean(text), v.at("cleaned").as_string()) << text;
    EXPECT_EQ(with_ends(t, text), as_ids(v.at("ids"))) << text;
    const Tokens tokens = t.tokenize({text});
    if (const Node* row = v.find("row")) {
      ++rows;
      EXPECT_EQ(tokens.ids, as_ids(*row));
      EXPECT_FALSE(tokens.dropped_words[0].empty());
    } else {
      Ids padded = as_ids(v.at("ids"));
      EXPECT_EQ(tokens.lengths[0], static_cast<int>(padded.size()));
      padded.resize(77, 0);
      EXPECT_EQ(tokens.ids, padded);
      EXPECT_THAT(tokens.dropped_words[0], IsEmpty());
    }
  }
  EXPECT_GE(rows, 3u);
}

TEST(Tokenizer, NamesTheWordsThatDidNotFit) {
  const auto& t = Tokenizer::clip();
  const std::string text = "A red circle MOVING supercalifragilistic, left";
  const Tokens cut = t.tokenize({text, "a b"}, 7);  // start, a, red, circle, moving, first part of the long word, end
  EXPECT_THAT(cut.dropped_words[0], ElementsAre("supercalifragilistic,", "left"));
  EXPECT_THAT(cut.dropped_words[1], IsEmpty());
  EXPECT_EQ(cut.ids.size(), 14u);
  EXPECT_EQ(cut.ids[6], t.end_id());
  EXPECT_THAT(cut.lengths, ElementsAre(7, 4));
  EXPECT_THAT(t.tokenize({"word"}, 2).dropped_words[0], ElementsAre("word"));
  EXPECT_THAT(t.tokenize({"a", "b", "c"}, 3).dropped_words, testing::Each(IsEmpty()));
}

TEST(Tokenizer, RefusesWhatIsNoText) {
  const auto& t = Tokenizer::clip();
  EXPECT_THAT(message_of([&] { t.encode("caf\xC3"); }), HasSubstr("expected UTF-8, got byte 195 at position 3"));
  for (const std::string bad : {"\xFF", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE0\x80\x80", "a\x80"})
    EXPECT_THROW(t.encode(bad), ConfigError) << printable(bad);
  EXPECT_THAT(message_of([&] { t.encode(std::string(10'000'000, 'a')); }), HasSubstr("got 10000000"));
  EXPECT_THROW(t.tokenize({"a"}, 1), ConfigError);
  EXPECT_NO_THROW(t.encode(std::string("\0", 1)));
  std::string nested = "&";
  for (int i = 0; i < 1000; ++i) nested += "amp;";
  EXPECT_THAT(message_of([&] { t.encode(nested); }), HasSubstr("escaped more than 100 times"));
}

TEST(Tokenizer, LongInputStaysFast) {
  const auto& t = Tokenizer::clip();
  std::string mojibake;
  while (mojibake.size() < 900'000) mojibake += "\xC3\x83\xC2\xA9 \xC3\xA2\xE2\x82\xAC\xC5\x93";
  for (const std::string& text :
       {std::string(1'000'000, 'x'), std::string(1'000'000, '!'), std::string(1'000'000, '&'), mojibake}) {
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_FALSE(t.encode(text).empty());
    EXPECT_LT(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(), 10.0);
  }
  // The heap and the quadratic merge agree around the length where one takes over from the other.
  for (std::size_t n = 60; n < 70; ++n) {
    const std::string text(n, 'z');
    EXPECT_EQ(t.decode(t.encode(text)), text + " ");
  }
}

TEST(Tokenizer, DecodesWhatItEncoded) {
  const auto& t = Tokenizer::clip();
  EXPECT_EQ(t.decode(t.encode("a photo of a cat.")), "a photo of a cat . ");
  EXPECT_EQ(t.decode(t.encode("стра\u00dfe 你好 \U0001F600")), "стра\u00dfe 你好 \U0001F600 ");
  EXPECT_EQ(t.decode(Ids{49406, 320, 49407}), "<start_of_text>a <end_of_text>");
  EXPECT_EQ(t.decode(t.encode("\u4f60").size() > 1 ? Ids{t.encode("\u4f60")[0]} : Ids{}),
            "\uFFFD");  // half a character
  EXPECT_THROW(t.decode(Ids{49408}), ConfigError);
  EXPECT_THROW(t.decode(Ids{-1}), ConfigError);
}

TEST(Tokenizer, ReadsMergesFromAFile) {
  const auto path = std::filesystem::temp_directory_path() / "vgen_merges_test.txt";
  write_file(path, "#version: 0.2\nl o\nlo w</w>\r\n\u0120 a\n");
  const Tokenizer t = Tokenizer::from_merges(path);
  EXPECT_EQ(t.vocab_size(), 517);
  EXPECT_THAT(t.encode("low"), ElementsAre(513));
  EXPECT_EQ(t.encode("lows").size(), 3u);  // "w" inside the word is another symbol than "w</w>"
  write_file(path, "a b\nq xx\n");
  EXPECT_THAT(message_of([&] { Tokenizer::from_merges(path); }), HasSubstr(":2: 'xx' is made by no earlier line"));
  write_file(path, "a b\na b\n");
  EXPECT_THROW(Tokenizer::from_merges(path), FormatError);
  write_file(path, "a b c\n");
  EXPECT_THROW(Tokenizer::from_merges(path), FormatError);
  write_file(path, "");
  EXPECT_THROW(Tokenizer::from_merges(path), FormatError);
  std::filesystem::remove(path);
  EXPECT_THROW(Tokenizer::from_merges(path), IoError);
}

TEST(Tokenizer, ServesManyThreads) {
  const auto& t = Tokenizer::clip();
  const Ids expected = t.encode("a green frog floats on the surface of the water");
  std::vector<std::thread> threads;
  std::atomic<int> wrong = 0;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int k = 0; k < 1000; ++k) wrong += t.encode("a green frog floats on the surface of the water") != expected;
    });
  for (auto& each : threads) each.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Tokenizer, StartsWithin50Milliseconds) {
  std::vector<std::pair<std::uint16_t, std::uint16_t>> merges;
  for (std::uint32_t i = 0; i < 48'894; ++i) merges.emplace_back(i % (512 + i), (i / 256) % (512 + i));
  const auto begin = std::chrono::steady_clock::now();
  const Tokenizer t(merges);
  t.encode("\u201cwarm\u201d &amp;");
  EXPECT_LT(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(), 0.05);
}

TEST(Clean, RepairsLineByLine) {
  // "<" switches entities off for its line and all that follow, as long as HTML rules do not take them later.
  EXPECT_EQ(to_utf8(repair(U"&eacute;\n<b>&eacute;\n&eacute;")), "\u00e9\n<b>&eacute;\n&eacute;");
  EXPECT_EQ(to_utf8(repair(U"P&EACUTE;REZ &nTILDE; &#59; &#xD800;")), "P\u00c9REZ &nTILDE; &#59; \uFFFD");
  EXPECT_EQ(clean("\u00e2\u20ac\u0153 like this \u00e2\u20ac\ufffd"), "\" like this \ufffd");  // a lost byte
  EXPECT_EQ(clean("voil\u00c3 le travail"), "voil\u00e0 le travail");  // a no-break space that became a space
  EXPECT_EQ(clean("d\u00e9j\u00e0 vu, na\u00efve \u00c5ngstr\u00f6m"),
            "d\u00e9j\u00e0 vu, na\u00efve \u00e5ngstr\u00f6m");
}

TEST(Unicode, ComposesAndLowers) {
  EXPECT_EQ(nfc(U"e\u0301"), U"\u00e9");
  EXPECT_EQ(nfc(U"\u1112\u1161\u11ab"), U"\ud55c");                             // Hangul
  EXPECT_EQ(nfc(U"a\u0315\u0300\u05ae\u0300b"), U"\u00e0\u05ae\u0300\u0315b");  // NormalizationTest.txt, part 1
  EXPECT_EQ(nfc(U"\u0344"), U"\u0308\u0301");                                   // excluded from composition
  EXPECT_EQ(lower(U"\u039f\u0394\u039f\u03a3 \u03a3\u0391"), U"\u03bf\u03b4\u03bf\u03c2 \u03c3\u03b1");
  EXPECT_EQ(lower(U"\u0130\u1E9E\u01C5\u2126"), U"i\u0307\u00df\u01c6\u03c9");
}

// The long comparison of tests/python/test_tokenizer_long.py: records (bytes of text, ids by open_clip) in a file named
// by the environment; prints the time of our side.
TEST(TokenizerLong, EqualsOpenClip) {
  const char* path = std::getenv("VGEN_TOKENIZER_RECORDS");
  if (!path) GTEST_SKIP() << "run by tests/python/test_tokenizer_long.py";
  const std::string data = read_file(path);
  const auto number = [&](std::size_t& at) {
    std::uint32_t v = 0;
    std::memcpy(&v, data.data() + at, 4);
    at += 4;
    return v;
  };
  std::vector<std::string> texts;
  std::vector<Ids> expected;
  for (std::size_t at = 0; at < data.size();) {
    const std::uint32_t bytes = number(at), count = number(at);
    texts.push_back(data.substr(at, bytes));
    at += bytes;
    expected.emplace_back();
    for (std::uint32_t i = 0; i < count; ++i) expected.back().push_back(static_cast<std::int32_t>(number(at)));
  }
  const auto& t = Tokenizer::clip();
  t.encode("\u201cwarm\u201d &amp;");
  std::vector<Ids> ours;
  const auto begin = std::chrono::steady_clock::now();
  for (const auto& text : texts) ours.push_back(t.encode(text));
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < texts.size(); ++i)
    if (ours[i] != expected[i] && ++wrong <= 20)
      ADD_FAILURE() << "record " << i << ": " << printable(texts[i], 400)
                    << "\ncleaned: " << printable(clean(texts[i]), 400);
  EXPECT_EQ(wrong, 0u);
  std::printf("compared %zu strings, ours %.6f s\n", texts.size(), seconds);
}

}  // namespace
}  // namespace vgen::text
