#include "vgen/data/prompt_list.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>

#include "vgen/text/unicode.hpp"

namespace vgen::data {
namespace fs = std::filesystem;

const std::vector<ClipWriting>& clip_writings() {
  static const std::vector<ClipWriting> all = {
      {"i2vgen_safe", 10, true}, {"t2vhigen_safe", 17, true}, {"local", 17, false}};
  return all;
}

const std::vector<ListEntry>& list_entries() {
  using enum ListFields;
  static constexpr const char *plain = "rank_{world}_{rank}_{index4}_{caption}.mp4",
                              *composed = "rank_{world}_{rank}_{index4}_condition_{keys}_{caption}.mp4";
  static const std::vector<ListEntry> all = {
      {.name = "text2video", .writing = "i2vgen_safe", .output = plain},
      {.name = "tft2v", .writing = "i2vgen_safe", .output = plain, .seeds_each_line = true, .appends_prompt = true},
      {.name = "videolcm", .writing = "i2vgen_safe", .output = plain, .seeds_each_line = true, .appends_prompt = true},
      {.name = "higen", .writing = "t2vhigen_safe", .output = plain, .seed = true},
      {.name = "sr600",
       .writing = "t2vhigen_safe",
       .output = plain,
       .seed = true,
       .appends_prompt = true,
       .enlarges = true},
      {.name = "i2vgen",
       .fields = file_caption,
       .writing = "i2vgen_safe",
       .output = "{stem}_{world}_{rank}_{caption}_{index2}.mp4"},
      {.name = "dreamvideo",
       .fields = file_caption,
       .writing = "i2vgen_safe",
       .output = "{caption}_{seed}_{index}.mp4",
       .kept_in_names = "*"},
      {.name = "tft2v_vcomposer",
       .fields = file_caption,
       .comments = ListComments::caption,
       .writing = "t2vhigen_safe",
       .output = composed,
       .seed = true,
       .default_seed_is_the_runs = true,
       .seeds_each_line = true,
       .appends_prompt = true},
      {.name = "videolcm_vcomposer",
       .fields = file_caption,
       .comments = ListComments::caption,
       .writing = "t2vhigen_safe",
       .output = composed,
       .seed = true,
       .default_seed_is_the_runs = true,
       .seeds_each_line = true,
       .appends_prompt = true},
      {.name = "tft2v_sr600",
       .fields = caption_file,
       .comments = ListComments::caption,
       .writing = "t2vhigen_safe",
       .output = plain,
       .seed = true,
       .seed_stays_in_names = true,
       .appends_prompt = true,
       .enlarges = true},
      {.name = "tft2v_vcomposer_sr600",
       .fields = file_caption,
       .comments = ListComments::caption,
       .writing = "t2vhigen_safe",
       .output = composed,
       .seed = true,
       .seed_stays_in_names = true,
       .appends_prompt = true,
       .enlarges = true,
       .one_item_for_each_condition = true},
      {.name = "instructvideo",
       .fields = file_caption_count,
       .comments = ListComments::none,
       .writing = "local",
       .output = "{index4}_{stem}_{dashed}.mp4",
       .appends_prompt = true,
       .unique_files = true}};
  return all;
}

std::vector<std::string> split(std::string_view text, std::string_view separator) {
  std::vector<std::string> out;
  for (;;) {
    const std::size_t at = text.find(separator);
    out.emplace_back(text.substr(0, at));
    if (at == std::string_view::npos) return out;
    text.remove_prefix(at + separator.size());
  }
}

static std::u32string stripped(std::u32string_view line) {
  while (!line.empty() && text::is_space(line.front())) line.remove_prefix(1);
  while (!line.empty() && text::is_space(line.back())) line.remove_suffix(1);
  return std::u32string(line);
}

std::vector<std::string> stripped_lines(std::string_view bytes) {
  const std::u32string all = text::from_utf8(bytes, "list");
  std::vector<std::string> out;
  for (std::u32string_view rest = all; !rest.empty();) {
    const std::size_t end = std::min(rest.find_first_of(U"\r\n"), rest.size());
    out.push_back(text::to_utf8(stripped(rest.substr(0, end))));
    rest.remove_prefix(end);
    if (!rest.empty()) rest.remove_prefix(rest.starts_with(U"\r\n") ? 2 : 1);
  }
  return out;
}

namespace {

// Python's int(): signs, white space around, underscores between digits.
std::optional<std::int64_t> integer(std::string_view given) {
  const std::u32string s = stripped(text::from_utf8(given, "list"));
  std::size_t i = !s.empty() && (s[0] == U'-' || s[0] == U'+');
  if (i == s.size()) return std::nullopt;
  std::int64_t value = 0;
  for (bool digit = false; i < s.size(); ++i) {
    if (s[i] == U'_' && digit && i + 1 < s.size()) {
      digit = false;
      continue;
    }
    if (s[i] < U'0' || s[i] > U'9' || value > INT64_MAX / 10 - 1) return std::nullopt;
    digit = true;
    value = value * 10 + std::int64_t(s[i] - U'0');
  }
  return s[0] == U'-' ? -value : value;
}

// A caption in a file name.
std::string name_of_caption(std::string_view caption, std::string_view kept) {
  std::u32string out;
  for (const char32_t c : text::from_utf8(caption, "list")) {
    const bool more = c < 128 && kept.find(static_cast<char>(c)) != std::string_view::npos;
    if (c == U' ')
      out += U'_';
    else if (more || c == U'_' || text::is_alnum(c) || text::is_space(c))
      out += c;
  }
  return text::to_utf8(out);
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string out;
  for (const std::string& w : words) out += (out.empty() ? "" : std::string(between)) + w;
  return out;
}

struct Line {
  std::string file, caption, caption_in_names;
  std::optional<std::int64_t> seed;
  std::string problem;
};

Line parse(const std::string& text, const ListEntry& entry) {
  Line line;
  std::vector<std::string> parts = entry.fields == ListFields::caption ? std::vector{text} : split(text, "|||");
  if (entry.fields == ListFields::caption_file && parts.size() == 1) parts.emplace_back();
  const std::size_t wanted = entry.fields == ListFields::caption              ? 1
                             : entry.fields == ListFields::file_caption_count ? 3
                                                                              : 2;
  if (parts.size() != wanted) {
    line.problem = str("expected ", wanted, " fields between '|||', got ", parts.size());
    return line;
  }
  const bool caption_first = entry.fields == ListFields::caption || entry.fields == ListFields::caption_file;
  line.caption = parts[caption_first ? 0 : 1];
  if (wanted > 1) line.file = parts[caption_first ? 1 : 0];
  line.caption_in_names = line.caption;
  if (!entry.seed) return line;
  const std::vector<std::string> around = split(line.caption, "|");
  if (around.size() > 1) {
    line.seed = integer(around[1]);
    if (around.size() > 2 || !line.seed)
      line.problem = str("expected 'caption|seed' with a whole number, got '", printable(line.caption, 60), "'");
  }
  line.caption = around[0];
  if (!entry.seed_stays_in_names) line.caption_in_names = line.caption;
  return line;
}

class Reader {
 public:
  Reader(const ListEntry& entry, const PromptListOptions& options) : entry_(entry), o_(options) {}

  PromptList read(std::string_view text) {
    std::vector<std::string> lines = stripped_lines(text);
    const std::size_t repeats = entry_.one_item_for_each_condition ? o_.conditions.size() : 1;
    std::vector<std::pair<std::size_t, Line>> unique;
    std::int64_t index = 0;
    for (std::size_t n = 0; n < lines.size() && !full(); ++n)
      for (std::size_t condition = 0; condition < repeats; ++condition)
        for (std::int64_t r = 0; r < o_.round && !full(); ++r, ++index) {
          if (entry_.seeds_each_line) out_.seeds.push_back(o_.seed + o_.rank);
          if (entry_.comments == ListComments::line && lines[n].starts_with('#')) continue;
          Line line = parse(lines[n], entry_);
          if (!line.problem.empty()) {
            out_.problem = str("line ", n + 1, ": ", line.problem);
            return out_;
          }
          if (entry_.unique_files) {
            const std::string file = fs::path(line.file).filename().string();
            const auto known = std::ranges::find(unique, file, [](const auto& u) { return u.second.file; });
            line.file = file;
            if (known == unique.end())
              unique.emplace_back(unique.size(), line);
            else
              known->second = line;
            continue;
          }
          if (entry_.comments != ListComments::none && line.caption.empty()) continue;
          if (entry_.comments == ListComments::caption && line.caption.starts_with('#')) continue;
          if (entry_.one_item_for_each_condition)
            add(line, index, static_cast<std::int64_t>(n), {o_.conditions[condition]});
          else
            add(line, index, index, o_.conditions);
        }
    for (const auto& [place, line] : unique)
      if (!full()) add(line, static_cast<std::int64_t>(place), static_cast<std::int64_t>(place), {});
    return out_;
  }

 private:
  bool full() const { return o_.most > 0 && static_cast<std::int64_t>(out_.items.size()) >= o_.most; }

  void add(const Line& line, std::int64_t index, std::int64_t index_in_names,
           const std::vector<std::vector<std::string>>& conditions) {
    PromptItem item;
    item.index = index;
    item.caption = line.caption;
    item.prompt = line.caption + (entry_.appends_prompt ? o_.positive_prompt : "");
    if (entry_.seed) item.seed = line.seed.value_or(entry_.default_seed_is_the_runs ? o_.seed : 0);
    if (entry_.fields == ListFields::file_caption || entry_.fields == ListFields::file_caption_count) {
      item.input = line.file;
      item.input_path = (fs::path(o_.input_folder) / line.file).string();
    }
    std::vector<std::string> names;
    if (entry_.fields == ListFields::caption_file && !line.file.empty())
      names.push_back(line.file);
    else if (entry_.output.find("{keys}") == std::string_view::npos)
      names.push_back(name(line, index_in_names, {}));
    else
      for (const auto& keys : conditions) names.push_back(name(line, index_in_names, keys));
    if (!entry_.enlarges) {
      item.outputs = names;
    } else if (!names.empty()) {
      item.low_resolution = names[0];
      item.outputs = {names[0].substr(0, names[0].find(".mp4")) + "_sr.mp4"};
    }
    out_.items.push_back(std::move(item));
  }

  std::string name(const Line& line, std::int64_t index, const std::vector<std::string>& keys) const {
    const auto padded = [](std::int64_t n, int width) {
      char text[24];
      std::snprintf(text, sizeof text, "%0*lld", width, static_cast<long long>(n));
      return std::string(text);
    };
    const std::string file = fs::path(line.file).filename().string();
    std::string dashed = line.caption_in_names;
    std::ranges::replace(dashed, ' ', '-');
    const std::map<std::string, std::string> values = {
        {"{world}", padded(o_.world_size, 2)},
        {"{rank}", padded(o_.rank, 2)},
        {"{index}", padded(index, 1)},
        {"{index2}", padded(index, 2)},
        {"{index4}", padded(index, 4)},
        {"{caption}", name_of_caption(line.caption_in_names, entry_.kept_in_names)},
        {"{dashed}", dashed},
        {"{stem}", file.substr(0, file.find('.'))},
        {"{keys}", joined(keys, "_")},
        {"{seed}", str(o_.seed)}};
    std::string out = o_.folder + "/";
    for (std::string_view rest = entry_.output; !rest.empty();) {
      const std::size_t open = rest.find('{');
      out += rest.substr(0, open);
      if (open == std::string_view::npos) break;
      const std::size_t close = rest.find('}', open);
      out += values.at(std::string(rest.substr(open, close - open + 1)));
      rest.remove_prefix(close + 1);
    }
    return out;
  }

  const ListEntry& entry_;
  const PromptListOptions& o_;
  PromptList out_;
};

}  // namespace

PromptList read_prompt_list(std::string_view text, const PromptListOptions& options) {
  const auto found = std::ranges::find(list_entries(), options.entry, &ListEntry::name);
  if (found == list_entries().end()) {
    std::vector<std::string> names;
    for (const ListEntry& e : list_entries()) names.emplace_back(e.name);
    throw ConfigError(str("prompt_list: no entry '", printable(options.entry), "'; known: ", joined(names, ", ")));
  }
  VGEN_CHECK(options.round >= 1, ConfigError, "prompt_list: round must be >= 1, got ", options.round);
  return Reader(*found, options).read(text);
}

}  // namespace vgen::data
