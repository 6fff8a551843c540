// Pull parser under parse_json and the safetensors header: checks all that strict JSON demands and builds nothing, so
// that headers with 200,000 tensors need no tree. Internal to formats.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "vgen/core/node.hpp"
#include "vgen/formats/json.hpp"

namespace vgen::formats::detail {

class JsonReader {
 public:
  JsonReader(std::string_view text, std::string source, const TextLimits& limits);

  [[noreturn]] void fail(std::string_view message) const;  // at the next character
  char peek();                                             // next character that is no space
  bool accept(char c);
  void expect(char c);
  std::string string();  // peek() == '"'
  struct Number {
    bool integral = false;
    std::int64_t integer = 0;
    double real = 0;
  };
  Number number();
  std::uint64_t whole_number();  // digits only: no sign, fraction or exponent; up to 2^63 - 1
  Node value();
  void end();  // nothing but space may follow

  // member(key) must read the value. Duplicate keys are refused here.
  template <class Member>
  void object(Member&& member) {
    enter('{');
    std::vector<std::string> few;
    std::unordered_set<std::string> many;
    if (!accept('}')) {
      do {
        if (peek() != '"') fail("expected a key in double quotes");
        const Mark mark = place();
        std::string key = string();
        bool fresh = true;
        if (few.size() < 16) {
          for (const std::string& other : few) fresh = fresh && other != key;
          few.push_back(key);
        } else {
          if (many.empty()) many.insert(few.begin(), few.end());
          fresh = many.insert(key).second;
        }
        if (!fresh) duplicate(mark, key);
        expect(':');
        member(std::move(key));
      } while (accept(','));
      if (!accept('}')) fail("expected ',' or '}'");
    }
    --depth_;
  }
  template <class Item>
  void array(Item&& item) {
    enter('[');
    if (!accept(']')) {
      do item();
      while (accept(','));
      if (!accept(']')) fail("expected ',' or ']'");
    }
    --depth_;
  }

 private:
  struct Mark {
    int line, column;
  };
  Mark place() const { return {line_, static_cast<int>(at_ - line_start_) + 1}; }
  [[noreturn]] void duplicate(Mark mark, const std::string& key) const;
  void enter(char open);
  void literal(std::string_view word);
  void skip_space();

  std::string_view text_;
  std::string source_;
  TextLimits limits_;
  std::size_t at_ = 0, nodes_ = 0;
  std::size_t line_start_ = 0;  // moved by one for each continuation byte passed, so that columns count characters
  int line_ = 1, depth_ = 0;
};

}  // namespace vgen::formats::detail
