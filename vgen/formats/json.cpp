#include "vgen/formats/json.hpp"

#include <charconv>
#include <cmath>

#include "vgen/formats/json_reader.hpp"
#include "vgen/formats/text.hpp"

namespace vgen::formats {
namespace detail {

JsonReader::JsonReader(std::string_view text, std::string source, const TextLimits& limits)
    : text_(text), source_(std::move(source)), limits_(limits) {
  if (text.size() > limits.bytes)
    fail_at(source_, 1, 1, str("the text has ", text.size(), " bytes, the limit is ", limits.bytes));
}

void JsonReader::fail(std::string_view message) const {
  const Mark mark = place();
  fail_at(source_, mark.line, mark.column, message);
}
void JsonReader::duplicate(Mark mark, const std::string& key) const {
  fail_at(source_, mark.line, mark.column, str("duplicate key '", printable(key), "'"));
}

void JsonReader::skip_space() {
  for (; at_ < text_.size(); ++at_) {
    const char c = text_[at_];
    if (c == '\n') {
      ++line_;
      line_start_ = at_ + 1;
    } else if (c != ' ' && c != '\t' && c != '\r') {
      return;
    }
  }
}
char JsonReader::peek() {
  skip_space();
  if (at_ == text_.size()) fail("the text ends too early");
  return text_[at_];
}
bool JsonReader::accept(char c) {
  if (peek() != c) return false;
  ++at_;
  return true;
}
void JsonReader::expect(char c) {
  if (!accept(c)) fail(str("expected '", c, "'"));
}
void JsonReader::end() {
  skip_space();
  if (at_ != text_.size()) fail("text after the end of the value");
}
void JsonReader::enter(char open) {
  expect(open);
  if (++depth_ > limits_.depth) fail(str("nested deeper than ", limits_.depth));
}
void JsonReader::literal(std::string_view word) {
  if (!text_.substr(at_).starts_with(word)) fail("expected a value");
  at_ += word.size();
}

std::string JsonReader::string() {
  expect('"');
  std::string out;
  while (true) {
    std::size_t run = at_;
    while (run < text_.size() && text_[run] != '"' && text_[run] != '\\' &&
           static_cast<unsigned char>(text_[run]) - 0x20u < 0x60u)
      ++run;
    out.append(text_, at_, run - at_);
    at_ = run;
    if (at_ == text_.size()) fail("the text ends inside a string");
    const auto c = static_cast<unsigned char>(text_[at_]);
    if (c == '"') {
      ++at_;
      return out;
    }
    if (c == '\\') {
      if (at_ + 1 == text_.size()) fail("the text ends inside a string");
      static constexpr std::string_view from = "\"\\/bfnrt", to = "\"\\/\b\f\n\r\t";
      const char kind = text_[at_ + 1];
      if (const std::size_t k = from.find(kind); k != std::string_view::npos) {
        out += to[k];
        at_ += 2;
      } else if (kind == 'u') {
        std::int64_t code = hex_digits(text_, at_ + 2, 4);
        if (code < 0) fail("\\u needs four hexadecimal digits");
        std::size_t used = 6;
        if (code >= 0xD800 && code < 0xE000) {
          const std::int64_t low =
              code < 0xDC00 && text_.substr(at_ + 6).starts_with("\\u") ? hex_digits(text_, at_ + 8, 4) : -1;
          if (low < 0xDC00 || low >= 0xE000) fail("lone surrogate");
          code = 0x10000 + (code - 0xD800) * 0x400 + (low - 0xDC00);
          used = 12;
        }
        if (code == 0 && !limits_.nul) fail("NUL in a string");
        append_utf8(out, static_cast<std::uint32_t>(code));
        at_ += used;
      } else {
        fail("unknown escape");
      }
    } else if (c < 0x20) {
      fail("control character in a string; write it as \\u00XX");
    } else {
      const int n = utf8_length(text_, at_);
      if (n == 0) fail("invalid UTF-8");
      out.append(text_, at_, n);
      at_ += n;
      line_start_ += n - 1;
    }
  }
}

JsonReader::Number JsonReader::number() {
  peek();
  std::size_t p = at_;
  const auto digits = [&] {
    const std::size_t from = p;
    while (p < text_.size() && text_[p] >= '0' && text_[p] <= '9') ++p;
    return p - from;
  };
  if (p < text_.size() && text_[p] == '-') ++p;
  const bool zero = p < text_.size() && text_[p] == '0';
  const std::size_t whole = digits();
  if (whole == 0) fail("expected a value");
  if (zero && whole > 1) fail("a number may not begin with 0");
  bool integral = true;
  if (p < text_.size() && text_[p] == '.') {
    ++p, integral = false;
    if (digits() == 0) fail("digits must follow the decimal point");
  }
  bool small = zero;
  if (p < text_.size() && (text_[p] == 'e' || text_[p] == 'E')) {
    ++p, integral = false;
    if (p < text_.size() && (text_[p] == '+' || text_[p] == '-')) small = text_[p++] == '-';
    if (digits() == 0) fail("digits must follow the exponent");
  }
  Number out{.integral = integral};
  const char *first = text_.data() + at_, *last = text_.data() + p;
  if (integral) {
    if (std::from_chars(first, last, out.integer).ec != std::errc()) fail("the integer does not fit 64 bits");
  } else if (std::from_chars(first, last, out.real).ec != std::errc()) {
    if (!small) fail("the number is too large");
    out.real = *first == '-' ? -0.0 : 0.0;  // below the smallest double
  }
  at_ = p;
  return out;
}

std::uint64_t JsonReader::whole_number() {
  const char c = peek();
  if (c < '0' || c > '9') fail("expected a whole number >= 0");
  const std::size_t start = at_;
  const Number n = number();
  if (!n.integral) {
    at_ = start;
    fail("expected a whole number >= 0, not a fraction or exponent");
  }
  return static_cast<std::uint64_t>(n.integer);
}

Node JsonReader::value() {
  const char c = peek();
  const Mark mark = place();
  if (++nodes_ > limits_.nodes) fail(str("more than ", limits_.nodes, " values"));
  Node out;
  if (c == '{') {
    out.type = Node::Type::map;
    object([&](std::string key) {
      Node child = value();
      out.entries.emplace_back(std::move(key), std::move(child));
    });
  } else if (c == '[') {
    out.type = Node::Type::list;
    array([&] { out.items.push_back(value()); });
  } else if (c == '"') {
    out = Node(string());
  } else if (c == 't') {
    literal("true");
    out = Node(true);
  } else if (c == 'f') {
    literal("false");
    out = Node(false);
  } else if (c == 'n') {
    literal("null");
  } else {
    const Number n = number();
    out = n.integral ? Node(n.integer) : Node(n.real);
  }
  out.line = mark.line;
  out.column = mark.column;
  return out;
}

}  // namespace detail

Node parse_json(std::string_view text, const std::string& source, const TextLimits& limits) {
  detail::JsonReader reader(text, source, limits);
  Node out = reader.value();
  reader.end();
  return out;
}

namespace {

void dump_string(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    const int n = detail::utf8_length(text, i);
    VGEN_CHECK(n > 0, FormatError, "json: a string to write is not UTF-8: '", printable(text), "'");
    if (c == '"' || c == '\\') {
      out += {'\\', static_cast<char>(c)};
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c < 0x20 || c == 0x7F) {
      out += {'\\', 'u', '0', '0', "0123456789abcdef"[c >> 4], "0123456789abcdef"[c & 15]};
    } else {
      out.append(text, i, n);
    }
    i += n;
  }
  out += '"';
}

void dump(std::string& out, const Node& node, int indent, int level) {
  const auto new_line = [&](int depth) {
    if (indent >= 0) out.append("\n").append(static_cast<std::size_t>(indent) * depth, ' ');
  };
  switch (node.type) {
    case Node::Type::null:
      out += "null";
      break;
    case Node::Type::boolean:
      out += node.boolean ? "true" : "false";
      break;
    case Node::Type::integer:
      out += str(static_cast<long long>(node.integer));
      break;
    case Node::Type::real: {
      VGEN_CHECK(std::isfinite(node.real), FormatError, "json: NaN and Infinity cannot be written");
      const std::string text = str(node.real);
      out += text;
      if (text.find_first_of(".e") == std::string::npos) out += ".0";  // it stays a real when read back
      break;
    }
    case Node::Type::string:
      dump_string(out, node.string);
      break;
    case Node::Type::list: {
      out += '[';
      // Lists of plain values stay on one line: shapes, betas.
      const bool flat = [&] {
        for (const Node& n : node.items)
          if (n.is_map() || n.is_list()) return false;
        return true;
      }();
      for (std::size_t i = 0; i < node.items.size(); ++i) {
        if (i > 0) out += flat && indent >= 0 ? ", " : ",";
        if (!flat) new_line(level + 1);
        dump(out, node.items[i], indent, level + 1);
      }
      if (!flat) new_line(level);
      out += ']';
      break;
    }
    case Node::Type::map:
      out += '{';
      for (std::size_t i = 0; i < node.entries.size(); ++i) {
        if (i > 0) out += ',';
        new_line(level + 1);
        dump_string(out, node.entries[i].first);
        out += indent >= 0 ? ": " : ":";
        dump(out, node.entries[i].second, indent, level + 1);
      }
      if (!node.entries.empty()) new_line(level);
      out += '}';
      break;
  }
}

}  // namespace

std::string dump_json(const Node& node, int indent) {
  std::string out;
  dump(out, node, indent, 0);
  return out;
}

}  // namespace vgen::formats
