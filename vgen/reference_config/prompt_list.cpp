#include "vgen/reference_config/prompt_list.hpp"

#include <algorithm>
#include <charconv>

#include "vgen/text/unicode.hpp"

namespace vgen::reference_config {
namespace {

std::string_view trimmed(std::string_view s) {
  constexpr std::string_view space = " \t\r\v\f";
  const std::size_t first = s.find_first_not_of(space);
  return first == std::string_view::npos ? std::string_view() : s.substr(first, s.find_last_not_of(space) - first + 1);
}

std::vector<std::string_view> split(std::string_view line, std::string_view separator) {
  std::vector<std::string_view> parts;
  for (std::size_t bar; (bar = line.find(separator)) != std::string_view::npos;) {
    parts.push_back(trimmed(line.substr(0, bar)));
    line.remove_prefix(bar + separator.size());
  }
  parts.push_back(trimmed(line));
  return parts;
}

std::optional<std::int64_t> whole_number(std::string_view digits) {
  std::int64_t value = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (failed != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

const char* expectation(ListFormat format) {
  switch (format) {
    case ListFormat::caption:
    case ListFormat::caption_seed:
      return "'caption' or 'caption|seed'";
    case ListFormat::caption_video:
      return "'caption' or 'caption|||video'";
    case ListFormat::picture_caption:
      return "'picture|||caption'";
    case ListFormat::video_caption:
      return "'video|||caption'";
    case ListFormat::video_caption_count:
      return "'video|||caption|||frames'";
  }
  return "";
}

// False: the line has another form.
bool read_line(std::string_view line, ListFormat format, ListLine& out) {
  const auto with_seed = [&](std::string_view text) {
    const auto parts = split(text, "|");
    out.caption = parts[0];
    if (parts.size() == 2) out.seed = whole_number(parts[1]);
    return parts.size() == 1 || (parts.size() == 2 && out.seed);
  };
  if (format == ListFormat::caption) return out.caption = line, true;
  if (format == ListFormat::caption_seed) return with_seed(line);
  const auto parts = split(line, "|||");
  if (format == ListFormat::caption_video) {
    out.caption = parts[0];
    if (parts.size() == 2) out.file = parts[1];
    return parts.size() <= 2;
  }
  if (parts.size() != (format == ListFormat::video_caption_count ? 3u : 2u) || parts[0].empty()) return false;
  out.file = parts[0];
  out.caption = parts[1];
  if (format == ListFormat::video_caption) return with_seed(parts[1]);
  return format != ListFormat::video_caption_count || whole_number(parts[2]).has_value();
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

PromptList read_prompt_list(std::string_view text, ListFormat format) {
  PromptList list;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  for (std::int64_t number = 0; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.empty() || line[0] == '#') continue;
    ListLine out{.number = number};
    if (!read_line(line, format, out)) {
      list.problems.emplace_back(number + 1,
                                 str("expected ", expectation(format), ", got '", printable(line, 60), "'"));
      continue;
    }
    if (out.caption.empty()) continue;
    if (format == ListFormat::video_caption_count) {
      const auto same = std::ranges::find_if(
          list.lines, [&](const ListLine& each) { return base_name(each.file) == base_name(out.file); });
      if (same != list.lines.end()) {
        *same = out;
        continue;
      }
    }
    list.lines.push_back(std::move(out));
  }
  if (format == ListFormat::video_caption_count)
    for (std::size_t i = 0; i < list.lines.size(); ++i) list.lines[i].number = static_cast<std::int64_t>(i);
  return list;
}

std::string file_name(std::string_view pattern, const std::vector<std::pair<std::string_view, std::string>>& values,
                      std::string_view flexible, std::size_t limit) {
  const auto filled = [&](std::size_t cut) {
    std::string out;
    for (std::string_view rest = pattern; !rest.empty();) {
      const std::size_t open = rest.find('{'), close = rest.find('}', open);
      out += rest.substr(0, open);
      if (open == std::string_view::npos || close == std::string_view::npos) break;
      const std::string_view field = rest.substr(open + 1, close - open - 1), name = field.substr(0, field.find(':'));
      rest.remove_prefix(close + 1);
      const auto value = std::ranges::find(values, name, [](const auto& each) { return each.first; });
      if (value == values.end()) continue;
      std::string text = value->second;
      if (field.size() > name.size()) {
        const auto digits = static_cast<std::size_t>(whole_number(field.substr(name.size() + 1)).value_or(0));
        if (text.size() < digits) text.insert(0, digits - text.size(), '0');
      }
      if (name == flexible && cut > 0) {
        std::size_t keep = text.size() - std::min(cut, text.size());
        while (keep > 0 && keep < text.size() && (static_cast<unsigned char>(text[keep]) & 0xC0) == 0x80) --keep;
        text.resize(keep);
      }
      out += text;
    }
    return out;
  };
  const std::string whole = filled(0);
  return whole.size() <= limit ? whole : filled(whole.size() - limit);
}

std::string caption_in_name(std::string_view caption, std::string_view keep) {
  std::string out;
  for (std::size_t at = 0; at < caption.size();) {
    char32_t c = 0;
    const int bytes = text::decode_utf8(caption, at, c);
    if (bytes == 0) {
      ++at;
      continue;
    }
    const std::string_view one = caption.substr(at, static_cast<std::size_t>(bytes));
    at += static_cast<std::size_t>(bytes);
    if (text::is_space(c))
      out += '_';
    else if (c == U'_' || text::is_alnum(c) || keep.find(one) != std::string_view::npos)
      out += one;
  }
  return out;
}

}  // namespace vgen::reference_config
