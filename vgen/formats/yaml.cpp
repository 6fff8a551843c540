#include "vgen/formats/yaml.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <optional>
#include <unordered_map>

#include "vgen/core/atomic_file.hpp"
#include "vgen/core/log.hpp"
#include "vgen/formats/text.hpp"

namespace vgen::formats {
namespace fs = std::filesystem;

namespace {

bool digits_only(std::string_view s) {
  return !s.empty() && std::ranges::all_of(s, [](char c) { return c >= '0' && c <= '9'; });
}

// [-+]? ( . digits | digits ( . digits? )? ) ( e [-+]? digits )?
bool is_float(std::string_view s) {
  if (!s.empty() && (s[0] == '-' || s[0] == '+')) s.remove_prefix(1);
  const std::size_t e = s.find_first_of("eE");
  if (e != std::string_view::npos) {
    std::string_view exponent = s.substr(e + 1);
    if (!exponent.empty() && (exponent[0] == '-' || exponent[0] == '+')) exponent.remove_prefix(1);
    if (!digits_only(exponent)) return false;
    s = s.substr(0, e);
  }
  const std::size_t dot = s.find('.');
  if (dot == std::string_view::npos) return digits_only(s);
  const std::string_view whole = s.substr(0, dot), part = s.substr(dot + 1);
  return (whole.empty() ? !part.empty() : digits_only(whole)) && (part.empty() || digits_only(part));
}

bool any_of(std::string_view s, std::initializer_list<std::string_view> words) {
  return std::ranges::find(words, s) != words.end();
}

// The YAML 1.2 core schema for a plain scalar; nullopt: a number that does not fit.
std::optional<Node> resolve(std::string_view s) {
  if (any_of(s, {"", "~", "null", "Null", "NULL"})) return Node();
  if (any_of(s, {"true", "True", "TRUE"})) return Node(true);
  if (any_of(s, {"false", "False", "FALSE"})) return Node(false);
  if (any_of(s, {".nan", ".NaN", ".NAN"})) return Node(std::nan(""));
  const bool sign = s[0] == '-' || s[0] == '+';
  if (any_of(s.substr(sign), {".inf", ".Inf", ".INF"})) return Node(s[0] == '-' ? -HUGE_VAL : HUGE_VAL);
  const auto integer = [](std::string_view digits, int base) -> std::optional<Node> {
    std::int64_t value = 0;
    if (std::from_chars(digits.data(), digits.data() + digits.size(), value, base).ec != std::errc())
      return std::nullopt;
    return Node(value);
  };
  if (digits_only(s.substr(sign))) return integer(s[0] == '+' ? s.substr(1) : s, 10);
  for (const auto& [prefix, base, alphabet] :
       {std::tuple{"0x", 16, "0123456789abcdefABCDEF"}, std::tuple{"0o", 8, "01234567"}})
    if (s.starts_with(prefix) && s.size() > 2 && s.find_first_not_of(alphabet, 2) == std::string_view::npos)
      return integer(s.substr(2), base);
  if (is_float(s)) {
    double value = 0;
    const std::string_view number = s[0] == '+' ? s.substr(1) : s;
    if (std::from_chars(number.data(), number.data() + number.size(), value).ec == std::errc()) return Node(value);
    const std::size_t e = s.find_first_of("eE");  // out of range: too small is 0, too large is an error
    const bool small = e != std::string_view::npos ? s[e + 1] == '-'
                                                   : s.substr(sign).starts_with("0") || s.substr(sign).starts_with(".");
    if (!small) return std::nullopt;
    return Node(s[0] == '-' ? -0.0 : 0.0);
  }
  return Node(std::string(s));
}

// YAML 1.1 as PyYAML resolves it, where it differs from the core schema.
std::optional<Node> resolve_1_1(std::string_view s) {
  if (any_of(s, {"yes", "Yes", "YES", "on", "On", "ON"})) return Node(true);
  if (any_of(s, {"no", "No", "NO", "off", "Off", "OFF"})) return Node(false);
  std::string_view digits = s;
  const bool minus = s.starts_with('-');
  if (minus || s.starts_with('+')) digits.remove_prefix(1);
  if (digits.size() > 1 && digits[0] == '0' && digits_only(digits)) {
    std::int64_t value = 0;
    if (digits.find_first_of("89") != std::string_view::npos) return Node(std::string(s));
    if (std::from_chars(digits.data(), digits.data() + digits.size(), value, 8).ec != std::errc()) return std::nullopt;
    return Node(minus ? -value : value);
  }
  if (s.starts_with("0o")) return Node(std::string(s));
  std::optional<Node> out = resolve(s);
  const std::size_t e = s.find_first_of("eE");
  if (out && out->is(Node::Type::real) && std::isfinite(out->real) && e != std::string_view::npos &&
      (s.find('.') == std::string_view::npos || (s[e + 1] != '-' && s[e + 1] != '+')))
    return Node(std::string(s));
  return out;
}

class Parser {
 public:
  Parser(std::string_view text, const std::string& source, const TextLimits& limits,
         std::vector<RepeatedKey>* repeated_1_1 = nullptr)
      : text_(text), source_(source), limits_(limits), repeated_1_1_(repeated_1_1) {
    if (text.size() > limits.bytes) fail(str("the text has ", text.size(), " bytes, the limit is ", limits.bytes));
    for (std::size_t i = 0; i < text_.size();) {  // once for all: the rest need not ask again
      const int n = detail::utf8_length(text_, i);
      const auto c = static_cast<unsigned char>(text_[i]);
      const bool line_end = c == '\n' || (c == '\r' && i + 1 < text_.size() && text_[i + 1] == '\n');
      if (n == 0 || (c < 0x20 && c != '\t' && !line_end) || c == 0x7F) {
        at_ = i;
        fail(n == 0 ? "invalid UTF-8" : "control character");
      }
      i += n;
      if (c == '\n') start_line(i);
    }
    line_ = 1;
    start_line(text_.starts_with("\xEF\xBB\xBF") ? 3 : 0, 0);
  }

  Node document() {
    next_line();
    if (!ended_ && column_of(at_) == 0 && text_[at_] == '%') fail("directives are not read");
    std::optional<Node> inline_value;
    if (ended_ && marker("---")) {
      take(3);
      skip_blanks();
      ended_ = false;
      if (at_line_end() || comment())
        finish_line();
      else
        inline_value = value_in_line(-1);
    }
    Node out = inline_value ? std::move(*inline_value) : ended_ ? Node() : block(-1);
    if (ended_ && marker("---")) fail("several documents in one text");
    if (ended_ && marker("...")) {
      take(3);
      finish_line();
    }
    if (at_ < text_.size()) fail("text after the end of the document");
    return out;
  }

  // --set: flow syntax or one plain scalar, taken as it is to the end.
  Node single() {
    skip_flow_space();
    if (at_ == text_.size() || std::string_view("[{\"'").find(text_[at_]) == std::string_view::npos) {
      std::string_view rest = text_.substr(at_);
      rest = rest.substr(0, rest.find_last_not_of(" \t\r\n") + 1);
      return plain(rest, place());
    }
    Node out = flow();
    skip_flow_space();
    if (at_ < text_.size()) fail("text after the end of the value");
    return out;
  }

 private:
  struct Mark {
    std::size_t at;
    int line, column;
  };

  // ---- places and errors ----
  Mark place() {
    if (counted_from_ != line_start_ || counted_at_ > at_) counted_from_ = counted_at_ = line_start_, counted_ = 0;
    for (; counted_at_ < at_; ++counted_at_)
      counted_ += (static_cast<unsigned char>(text_[counted_at_]) & 0xC0) != 0x80;
    return {at_, line_, counted_ + 1};
  }
  [[noreturn]] void fail(std::string_view message) { fail(place(), message); }
  [[noreturn]] void fail(const Mark& mark, std::string_view message) const {
    detail::fail_at(source_, mark.line, mark.column, message);
  }

  // ---- characters ----
  void start_line(std::size_t at, int more = 1) {
    line_ += more;
    line_start_ = at_ = at;
  }
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\n'; }
  static bool space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
  static bool flow_mark(char c) { return c == ',' || c == '[' || c == ']' || c == '{' || c == '}'; }
  void take(std::size_t n) { at_ += n; }
  int column_of(std::size_t at) const { return static_cast<int>(at - line_start_); }
  std::size_t line_end(std::size_t from) const {
    const std::size_t end = text_.find('\n', from);
    return end == std::string_view::npos ? text_.size() : end;
  }
  bool at_line_end() const { return at_ == text_.size() || text_[at_] == '\n' || text_[at_] == '\r'; }
  bool marker(std::string_view word) const {
    return at_ == line_start_ && text_.substr(at_).starts_with(word) &&
           (at_ + 3 == text_.size() || space(text_[at_ + 3]));
  }

  // At the end of a line or before the first: to the first character of the next line that says something.
  void next_line() {
    while (true) {
      std::size_t p = at_;
      while (p < text_.size() && text_[p] == ' ') ++p;
      const bool tab = p < text_.size() && text_[p] == '\t';
      while (p < text_.size() && (text_[p] == ' ' || text_[p] == '\t')) ++p;
      at_ = p;
      if (at_ == text_.size()) {
        ended_ = true;
        return;
      }
      if (!at_line_end() && text_[at_] != '#') {
        if (tab) fail("a tab as indentation; use spaces");
        ended_ = marker("---") || marker("...");
        return;
      }
      const std::size_t end = line_end(at_);
      if (end == text_.size())
        at_ = end;
      else
        start_line(end + 1);
    }
  }
  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }
  bool comment() const {
    return at_ < text_.size() && text_[at_] == '#' &&
           (at_ == line_start_ || text_[at_ - 1] == ' ' || text_[at_ - 1] == '\t');
  }
  // Nothing but a comment may be left in this line; then on to the next.
  void finish_line() {
    skip_blanks();
    if (!at_line_end() && !comment())
      fail(peek() == ':' ? "a map may not begin here; put it on its own line, or quote the text"
                         : "unexpected text after the value");
    at_ = line_end(at_);
    if (at_ < text_.size()) start_line(at_ + 1);
    next_line();
  }

  // ---- values ----
  Node made(Node node, const Mark& mark) {
    if (++nodes_ > limits_.nodes) fail(mark, str("more than ", limits_.nodes, " values"));
    node.line = mark.line;
    node.column = mark.column;
    return node;
  }
  Node plain(std::string_view text, const Mark& mark) {
    std::optional<Node> node = repeated_1_1_ ? resolve_1_1(text) : resolve(text);
    if (!node) fail(mark, str("the number '", printable(text, 60), "' does not fit"));
    return made(std::move(*node), mark);
  }
  struct Depth {
    Parser& p;
    explicit Depth(Parser& parser) : p(parser) {
      if (++p.depth_ > p.limits_.depth) p.fail(str("nested deeper than ", p.limits_.depth));
    }
    ~Depth() { --p.depth_; }
  };
  class Keys {  // of one map: refuses or replaces repeated ones
   public:
    Keys(Parser& parser, Node& map) : p_(parser), map_(map) {}
    void add(std::string key, const Mark& mark, Node value) {
      const auto [at, fresh] = index_.emplace(key, map_.entries.size());
      if (fresh) {
        map_.entries.emplace_back(std::move(key), std::move(value));
        return;
      }
      if (p_.repeated_1_1_)
        p_.repeated_1_1_->push_back({key, mark.line, mark.column});
      else
        log::warn(p_.source_, ":", mark.line, ":", mark.column, ": duplicate key '", printable(key),
                  "'; the last value counts");
      map_.entries[at->second].second = std::move(value);
    }
    void check(const std::string& key, const Mark& mark) const {
      if (key == "<<") p_.fail(mark, "merge keys are not read");
      if (index_.contains(key) && !p_.limits_.last_key_wins && !p_.repeated_1_1_)
        p_.fail(mark, str("duplicate key '", printable(key), "'"));
    }

   private:
    Parser& p_;
    Node& map_;
    std::unordered_map<std::string, std::size_t> index_;
  };

  void refuse_indicators() {
    switch (peek()) {
      case '&':
        fail("anchors are not read");
      case '*':
        fail("aliases are not read; quote the text if it begins with '*'");
      case '!':
        fail("tags are not read; quote the text if it begins with '!'");
      case '@':
      case '`':
      case '%':
        fail(str("a value may not begin with '", peek(), "'; quote it"));
      case ',':
      case ']':
      case '}':
        fail(str("unexpected '", peek(), "'"));
      case '?':
        if (space(peek(1))) fail("complex keys are not read");
        break;
      case '-':
        if (space(peek(1))) fail("a list item may not begin here; put it on its own line");
        break;
      case ':':
        if (space(peek(1))) fail("a value without a key");
        break;
      default:
        break;
    }
  }

  // The end of a plain scalar that begins at `from`, within its line, without trailing blanks.
  std::size_t plain_end(std::size_t from, bool in_flow) const {
    std::size_t p = from;
    for (; p < text_.size() && text_[p] != '\n'; ++p) {
      const char c = text_[p], next = p + 1 < text_.size() ? text_[p + 1] : '\n';
      if (c == ':' && (space(next) || (in_flow && flow_mark(next)))) break;
      if (c == '#' && p > from && (text_[p - 1] == ' ' || text_[p - 1] == '\t')) break;
      if (in_flow && flow_mark(c)) break;
    }
    while (p > from && space(text_[p - 1])) --p;
    return p;
  }

  bool key_ahead() const {  // is this line "key:"?
    std::size_t p = at_;
    if (text_[p] == '"' || text_[p] == '\'') {
      const char quote = text_[p++];
      for (; p < text_.size() && text_[p] != '\n'; ++p) {
        if (quote == '"' && text_[p] == '\\')
          ++p;
        else if (text_[p] == quote && quote == '\'' && p + 1 < text_.size() && text_[p + 1] == quote)
          ++p;
        else if (text_[p] == quote)
          break;
      }
      if (p >= text_.size() || text_[p] != quote) return false;
      ++p;
    } else if (flow_mark(text_[p])) {
      return false;
    } else {
      p = plain_end(p, false);
    }
    while (p < text_.size() && text_[p] == ' ') ++p;
    return p < text_.size() && text_[p] == ':' && (p + 1 == text_.size() || space(text_[p + 1]));
  }
  std::string key(bool in_flow) {
    std::string out;
    if (peek() == '"' || peek() == '\'') {
      out = quoted();
    } else {
      refuse_indicators();
      const std::size_t end = plain_end(at_, in_flow);
      if (end == at_) fail("expected a key");
      out = text_.substr(at_, end - at_);
      at_ = end;
    }
    if (out.size() > 1024) fail("a key longer than 1024 bytes");
    return out;
  }

  // At the first character of a node on its line. `parent`: the column that continuation lines must exceed.
  Node block(int parent) {
    const int column = column_of(at_);
    if (peek() == '-' && space(peek(1))) return block_list(column);
    if (key_ahead()) return block_map(column);
    return value_in_line(parent);
  }

  Node block_list(int column) {
    const Depth guard(*this);
    Node out = made(Node::list(), place());
    while (!ended_ && column_of(at_) == column && peek() == '-' && space(peek(1))) {
      const Mark mark = place();
      take(1);
      skip_blanks();
      if (!at_line_end() && !comment()) {
        if (text_.substr(mark.at, at_ - mark.at).find('\t') != std::string_view::npos)
          fail("a tab as indentation; use spaces");
        out.items.push_back(block(column));
      } else {
        finish_line();
        out.items.push_back(!ended_ && column_of(at_) > column ? block(column) : made(Node(), mark));
      }
    }
    if (!ended_ && column_of(at_) > column) fail("indentation that fits nothing above");
    return out;
  }

  Node block_map(int column) {
    const Depth guard(*this);
    Node out = made(Node::map(), place());
    Keys keys(*this, out);
    while (!ended_ && column_of(at_) == column) {
      const Mark mark = place();
      if (peek() == '-' && space(peek(1))) fail("a list item between the keys of a map");
      if (!key_ahead()) {
        if (peek() != '"' && peek() != '\'') refuse_indicators();
        fail("expected 'key: value'");
      }
      std::string name = key(false);
      keys.check(name, mark);
      skip_blanks();
      take(1);  // ':'
      skip_blanks();
      Node value;
      if (!at_line_end() && !comment()) {
        value = value_in_line(column);
      } else {
        const Mark here = place();
        finish_line();
        const bool list =
            !ended_ && column_of(at_) == column && peek() == '-' && space(peek(1));  // may stand under its key
        value = !ended_ && (column_of(at_) > column || list) ? block(column) : made(Node(), here);
      }
      keys.add(std::move(name), mark, std::move(value));
    }
    if (!ended_ && column_of(at_) > column) fail("indentation that fits nothing above");
    return out;
  }

  // A scalar or flow collection that begins in this line; moves to the next line with content.
  Node value_in_line(int parent) {
    const Mark mark = place();
    Node out;
    switch (peek()) {
      case '[':
      case '{':
        out = flow();
        break;
      case '"':
      case '\'':
        out = made(Node(quoted()), mark);
        break;
      case '|':
      case '>':
        return block_scalar(parent);
      default: {
        refuse_indicators();
        std::size_t end = plain_end(at_, false);
        std::string text(text_.substr(at_, end - at_));
        at_ = end;
        skip_blanks();
        // Lines that are indented more than the parent go on with the text; an empty line is a line break, a comment
        // ends it.
        while (at_line_end() && at_ < text_.size()) {
          std::size_t p = line_end(at_) + 1, start = p;
          int lines = 1;
          while (true) {
            start = p;
            while (p < text_.size() && text_[p] == ' ') ++p;
            if (p >= text_.size() || (text_[p] != '\n' && text_[p] != '\r')) break;
            p = line_end(p) + 1;
            ++lines;
          }
          if (p >= text_.size() || text_[p] == '#' || static_cast<int>(p - start) <= parent) break;
          line_ += lines - 1;
          start_line(start);
          if (marker("---") || marker("...")) break;
          at_ = p;
          if (peek() == '\t') fail("a tab as indentation; use spaces");
          end = plain_end(at_, false);
          text.append(lines > 1 ? std::string(static_cast<std::size_t>(lines - 1), '\n') : std::string(" "))
              .append(text_.substr(at_, end - at_));
          at_ = end;
          skip_blanks();
        }
        if (at_ == line_start_) {  // a document marker ended the text
          ended_ = true;
          return plain(text, mark);
        }
        out = plain(text, mark);
      }
    }
    finish_line();
    return out;
  }

  Node block_scalar(int parent) {
    const Mark mark = place();
    const bool fold = peek() == '>';
    char chomp = 0;
    int indent = 0;
    for (take(1); !at_line_end() && !space(peek()); take(1)) {
      if ((peek() == '+' || peek() == '-') && !chomp)
        chomp = peek();
      else if (peek() >= '1' && peek() <= '9' && indent == 0)
        indent = peek() - '0' + std::max(parent, 0);
      else
        fail("expected '+', '-' or a digit after '|' or '>'");
    }
    skip_blanks();
    if (!at_line_end() && !comment()) fail("text may not begin on the line of '|' or '>'");
    std::vector<std::string_view> lines;
    at_ = line_end(at_);
    while (at_ < text_.size()) {
      const std::size_t begin = at_ + 1;
      std::size_t end = line_end(begin), p = begin;
      while (p < end && text_[p] == ' ') ++p;
      std::size_t stop = end;
      if (stop > begin && text_[stop - 1] == '\r') --stop;
      const int spaces = static_cast<int>(p - begin);
      const bool blank = p >= stop;
      if (!blank && indent == 0) {
        if (text_[p] == '\t') {
          start_line(begin);
          at_ = p;
          fail("a tab as indentation; use spaces");
        }
        if (spaces <= parent) break;
        indent = spaces;
      }
      if (!blank && spaces < indent) break;
      if (begin >= text_.size()) {
        at_ = text_.size();
        break;
      }
      lines.push_back(blank && spaces <= indent ? std::string_view()
                                                : text_.substr(begin + indent, stop - begin - indent));
      start_line(begin);
      at_ = end;
    }
    std::size_t used = lines.size();
    while (used > 0 && lines[used - 1].empty()) --used;
    std::string text;
    std::size_t breaks = 0;
    bool more = true;  // was the line before indented further, or is there none?
    for (std::size_t i = 0; i < used; ++i) {
      if (lines[i].empty()) {
        ++breaks;
        continue;
      }
      const bool now = lines[i][0] == ' ' || lines[i][0] == '\t';
      if (i > breaks || !text.empty()) {
        if (!fold || more || now)
          text.append(breaks + 1, '\n');
        else if (breaks == 0)
          text += ' ';
        else
          text.append(breaks, '\n');
      } else {
        text.append(breaks, '\n');
      }
      text += lines[i];
      more = now;
      breaks = 0;
    }
    if (chomp == '+')
      text.append(lines.size() - used + (used > 0), '\n');
    else if (chomp == 0 && used > 0)
      text += '\n';
    Node out = made(Node(std::move(text)), mark);
    if (at_ < text_.size()) start_line(at_ + 1);
    next_line();
    return out;
  }

  // A line break inside quotes: blanks around it go; one break is a space, n + 1 breaks are n.
  void fold_break(std::string& out, std::size_t keep) {
    while (out.size() > keep && (out.back() == ' ' || out.back() == '\t')) out.pop_back();
    int breaks = 0;
    while (at_ < text_.size() && space(text_[at_])) {
      if (text_[at_] == '\n') {
        ++breaks;
        start_line(at_ + 1);
      } else {
        ++at_;
      }
    }
    if (breaks == 1)
      out += ' ';
    else
      out.append(static_cast<std::size_t>(breaks - 1), '\n');
  }

  std::string quoted() {
    const Mark mark = place();
    const char quote = peek();
    take(1);
    std::string out;
    std::size_t keep = 0;  // what escapes made is not trimmed at a line break
    while (true) {
      if (at_ == text_.size()) fail(mark, "a quoted text that does not end");
      const char c = text_[at_];
      if (c == quote && quote == '\'' && peek(1) == '\'') {
        out += '\'';
        take(2);
      } else if (c == quote) {
        take(1);
        return out;
      } else if (c == '\n' || c == '\r') {
        fold_break(out, keep);
      } else if (c == '\\' && quote == '"') {
        escape(out);
        keep = out.size();
      } else {
        out += c;
        take(1);
      }
    }
  }

  void escape(std::string& out) {
    static constexpr std::string_view from = "abtnvfre\"/\\ ", to = "\a\b\t\n\v\f\r\x1B\"/\\ ";
    const char c = peek(1);
    if (const std::size_t k = from.find(c); k != std::string_view::npos && at_ + 1 < text_.size()) {
      out += to[k];
      take(2);
    } else if (c == '\n' || c == '\r') {  // an escaped line break joins the lines
      start_line(line_end(at_) + 1 > text_.size() ? text_.size() : line_end(at_) + 1);
      skip_blanks();
    } else if (c == 'N' || c == '_' || c == 'L' || c == 'P') {
      detail::append_utf8(out, c == 'N' ? 0x85 : c == '_' ? 0xA0 : c == 'L' ? 0x2028 : 0x2029);
      take(2);
    } else if (c == 'x' || c == 'u' || c == 'U') {
      const int digits = c == 'x' ? 2 : c == 'u' ? 4 : 8;
      std::int64_t code = detail::hex_digits(text_, at_ + 2, digits);
      std::size_t used = 2 + static_cast<std::size_t>(digits);
      if (code < 0) fail(str("\\", c, " needs ", digits, " hexadecimal digits"));
      if (code >= 0xD800 && code < 0xE000) {  // a pair, as JSON writes it
        const std::int64_t low = c == 'u' && code < 0xDC00 && text_.substr(at_ + 6).starts_with("\\u")
                                     ? detail::hex_digits(text_, at_ + 8, 4)
                                     : -1;
        if (low < 0xDC00 || low >= 0xE000) fail("lone surrogate");
        code = 0x10000 + (code - 0xD800) * 0x400 + (low - 0xDC00);
        used = 12;
      }
      if (code == 0) fail("NUL in a text");
      if (code > 0x10FFFF) fail("no such character");
      detail::append_utf8(out, static_cast<std::uint32_t>(code));
      take(used);
    } else {
      fail("unknown escape");
    }
  }

  // ---- flow collections ----
  void skip_flow_space() {
    while (at_ < text_.size()) {
      if (text_[at_] == '\n')
        start_line(at_ + 1);
      else if (space(text_[at_]))
        ++at_;
      else if (comment())
        at_ = line_end(at_);
      else
        return;
    }
  }
  Node flow() {
    const Mark mark = place();
    if (at_ == text_.size()) fail("the text ends too early");
    const char c = peek();
    if (c == '"' || c == '\'') return made(Node(quoted()), mark);
    if (c == '|' || c == '>') fail("block text inside [] or {}");
    if (c != '[' && c != '{') {
      refuse_indicators();
      const std::size_t end = plain_end(at_, true);
      if (end == at_) fail("expected a value");
      std::string text(text_.substr(at_, end - at_));
      at_ = end;
      skip_blanks();
      while (at_line_end() && at_ < text_.size()) {  // the text goes on in the next line unless that begins with a mark
        std::string gap;
        fold_break(gap, 0);
        if (at_ == text_.size() || flow_mark(peek()) || peek() == '#' || marker("---") || marker("...") ||
            (peek() == ':' && space(peek(1))))
          break;
        const std::size_t more = plain_end(at_, true);
        text.append(gap).append(text_.substr(at_, more - at_));
        at_ = more;
        skip_blanks();
      }
      return plain(text, mark);
    }
    const Depth guard(*this);
    const char close = c == '[' ? ']' : '}';
    Node out = made(c == '[' ? Node::list() : Node::map(), mark);
    Keys keys(*this, out);
    take(1);
    while (true) {
      skip_flow_space();
      if (at_ == text_.size()) fail(mark, str("'", c, "' without '", close, "'"));
      if (marker("---") || marker("...")) fail("a document marker inside [] or {}");
      if (peek() == close) {
        take(1);
        return out;
      }
      if (c == '[') {
        out.items.push_back(flow());
      } else {
        const Mark key_mark = place();
        const bool was_quoted = peek() == '"' || peek() == '\'';
        std::string name = key(true);
        keys.check(name, key_mark);
        skip_flow_space();
        if (peek() != ':' || !(was_quoted || space(peek(1)) || flow_mark(peek(1)))) fail("expected ': ' after the key");
        take(1);
        skip_flow_space();
        const Mark value_mark = place();
        Node value = peek() == ',' || peek() == '}' ? made(Node(), value_mark) : flow();
        keys.add(std::move(name), key_mark, std::move(value));
      }
      skip_flow_space();
      if (at_ < text_.size() && peek() == ',')
        take(1);
      else if (at_ < text_.size() && peek() != close)
        fail(
            str("expected ',' or '", close, "' for the '", c, "' of line ", mark.line, "; quote text that holds ': '"));
    }
  }

  std::string_view text_;
  const std::string& source_;
  const TextLimits& limits_;
  std::vector<RepeatedKey>* repeated_1_1_;  // given: YAML 1.1
  std::size_t at_ = 0, line_start_ = 0, nodes_ = 0;
  std::size_t counted_from_ = 0, counted_at_ = 0;
  int line_ = 1, depth_ = 0, counted_ = 0;
  bool ended_ = false;  // at the end of the text or at a document marker
};

// A configuration names values, never code or the environment.
void refuse_code(const Node& node, const std::string& source) {
  if (node.is_string() &&
      (node.string.find("${env") != std::string::npos || node.string.find("${oc.") != std::string::npos ||
       (node.string.starts_with("${") && node.string.ends_with("}"))))
    detail::fail_at(source, node.line, node.column, "interpolations are not read; write the value itself");
  for (const Node& item : node.items) refuse_code(item, source);
  for (const auto& [key, value] : node.entries) {
    if (key == "_target_")
      detail::fail_at(source, value.line, value.column,
                      "'_target_' is not read: a configuration is data and names no code");
    refuse_code(value, source);
  }
}

bool plain_is_safe(std::string_view s) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '/'; };
  if (s.empty() || !letter(s[0]) || s.back() == ' ' || s.size() > 500) return false;
  if (!std::ranges::all_of(s, [&](char c) {
        return letter(c) || (c >= '0' && c <= '9') || std::string_view(" .-+()=").find(c) != std::string_view::npos;
      }))
    return false;
  std::string lower(s);
  for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  if (any_of(lower, {"y", "n", "yes", "no", "on", "off"})) return false;  // booleans to YAML 1.1
  return resolve(s)->is_string();
}

std::string scalar(const Node& node) {
  if (node.is_string()) return plain_is_safe(node.string) ? node.string : dump_json(node, -1);
  if (!node.is(Node::Type::real)) return dump_json(node, -1);
  if (std::isnan(node.real)) return ".nan";
  if (std::isinf(node.real)) return node.real < 0 ? "-.inf" : ".inf";
  std::string text = dump_json(node, -1);
  if (const std::size_t e = text.find('e'); e != std::string::npos && text.find('.') == std::string::npos)
    text.insert(e, ".0");  // PyYAML wants it
  return text;
}

std::string flat_list(const Node& node) {  // "" if it is not short or not flat
  std::string out = "[";
  for (const Node& item : node.items) {
    if (item.is_map() || item.is_list()) return "";
    out.append(out.size() > 1 ? ", " : "").append(scalar(item));
  }
  return node.items.empty() || out.size() <= 100 ? out + "]" : "";
}

void dump_block(std::string& out, const Node& node, int indent);

// After "key:" or "-": on the same line if it is short, else below.
void dump_child(std::string& out, const Node& node, int indent, bool after_dash) {
  if (node.is_map() && node.entries.empty()) {
    out += " {}\n";
  } else if (node.is_list() && !flat_list(node).empty()) {
    out.append(" ").append(flat_list(node)).append("\n");
  } else if (!node.is_map() && !node.is_list()) {
    out.append(" ").append(scalar(node)).append("\n");
  } else if (after_dash && node.is_map()) {
    std::string block;  // "- a: 1" with the other keys under the first
    dump_block(block, node, indent + 2);
    out.append(" ").append(block, static_cast<std::size_t>(indent) + 2);
  } else {
    out += "\n";
    dump_block(out, node, indent + 2);
  }
}

void dump_block(std::string& out, const Node& node, int indent) {
  const std::string margin(static_cast<std::size_t>(indent), ' ');
  for (const Node& item : node.items) {
    out.append(margin).append("-");
    dump_child(out, item, indent, true);
  }
  for (const auto& [key, value] : node.entries) {
    out.append(margin).append(plain_is_safe(key) ? key : dump_json(Node(key), -1)).append(":");
    dump_child(out, value, indent, false);
  }
}

void merge(Node& under, Node over) {
  if (!under.is_map() || !over.is_map()) {
    under = std::move(over);
    return;
  }
  for (auto& [key, value] : over.entries) {
    const auto at = std::ranges::find(under.entries, key, [](const auto& e) -> const std::string& { return e.first; });
    if (at == under.entries.end())
      under.entries.emplace_back(std::move(key), std::move(value));
    else
      merge(at->second, std::move(value));
  }
}

Node read_config(const fs::path& path, const fs::path& root, std::vector<fs::path>& chain) {
  const auto shown_chain = [&] {
    std::string out;
    for (const fs::path& p : chain) out.append(out.empty() ? "" : " -> ").append(printable(p.string()));
    return out;
  };
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  VGEN_CHECK(!error, IoError, "cannot read '", printable(path.string(), 400), "': ", error.message(),
             chain.empty() ? "" : "; included by ", shown_chain());
  const auto [inside, unused] = std::mismatch(root.begin(), root.end(), real.begin(), real.end());
  VGEN_CHECK(inside == root.end(), PathError, "include '", printable(path.string(), 400), "' leads out of '",
             printable(root.string(), 400), "'; included by ", shown_chain());
  VGEN_CHECK(std::ranges::find(chain, real) == chain.end(), FormatError, "include cycle: ", shown_chain(), " -> ",
             printable(real.string()));
  VGEN_CHECK(chain.size() < 8, FormatError, "includes deeper than 8: ", shown_chain());
  chain.push_back(real);

  const std::string text = read_file(real, std::size_t(1) << 26), source = path.string();
  Node own = path.extension() == ".json" ? parse_json(text, source) : parse_yaml(text, source);
  refuse_code(own, source);
  const Node* include = own.find("include");
  Node out = own.is_map() ? Node::map() : Node();
  if (include) {
    const std::vector<Node> files = include->is_list() ? include->items : std::vector<Node>{*include};
    for (const Node& file : files) {
      if (!file.is_string() || file.string.empty())
        detail::fail_at(source, file.line, file.column, "include must name a file, or be a list of files");
      VGEN_CHECK(!fs::path(file.string).is_absolute() && file.string.find('\0') == std::string::npos, PathError, source,
                 ":", file.line, ":", file.column, ": include '", printable(file.string),
                 "' is absolute; give a path relative to this file");
      merge(out, read_config(path.parent_path() / file.string, root, chain));
    }
    std::erase_if(own.entries, [](const auto& e) { return e.first == "include"; });
  }
  merge(out, std::move(own));
  chain.pop_back();
  return out;
}

}  // namespace

Node parse_yaml(std::string_view text, const std::string& source, const TextLimits& limits) {
  Node out = Parser(text, source, limits).document();
  refuse_code(out, source);
  return out;
}

Node parse_yaml_1_1(std::string_view text, const std::string& source, std::vector<RepeatedKey>& repeated) {
  const TextLimits limits;
  Node out = Parser(text, source, limits, &repeated).document();
  refuse_code(out, source);
  return out;
}

Node parse_yaml_value(std::string_view text, const std::string& source) {
  const TextLimits limits;
  Node out = Parser(text, source, limits).single();
  refuse_code(out, source);
  return out;
}

std::string dump_yaml(const Node& node) {
  std::string out;
  if ((node.is_map() || node.is_list()) && node.size() > 0)
    dump_block(out, node, 0);
  else
    out = scalar(node) + "\n";
  return out;
}

Node read_config_file(const std::string& path) {
  std::error_code error;
  const fs::path real = fs::canonical(path, error);
  VGEN_CHECK(!error, IoError, "cannot read '", printable(path, 400), "': ", error.message());
  std::vector<fs::path> chain;
  return read_config(path, real.parent_path(), chain);
}

}  // namespace vgen::formats
