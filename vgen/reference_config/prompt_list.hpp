// Lists of prompts in the formats that VGen's entry points read, and the names of the clips that they make from them.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "vgen/core/error.hpp"

namespace vgen::reference_config {

enum class ListFormat {
  caption,             // caption
  caption_seed,        // caption, or caption|seed
  caption_video,       // caption, or caption|||video
  picture_caption,     // picture|||caption
  video_caption,       // video|||caption, or video|||caption|seed (VGen reads that seed and ignores it)
  video_caption_count  // video|||caption|||frames; of lines with one video's name only the last counts
};

struct ListLine {
  std::int64_t number = 0;  // of the line, from 0; lines without a prompt are counted too
  std::string file = {}, caption = {};
  std::optional<std::int64_t> seed = {};
};
struct PromptList {
  std::vector<ListLine> lines;
  std::vector<std::pair<std::int64_t, std::string>> problems;  // line from 1, and what is wrong with it
};
// Lines that are empty, begin with # or have an empty caption make no clip. Never throws.
VGEN_API PromptList read_prompt_list(std::string_view text, ListFormat format);

// "{caption}_{seed}" and the like with what stands in `values`; "{index:4}" is padded with zeros to 4 digits. What
// `flexible` names is shortened, whole characters at a time, if the name would be longer than `limit` bytes.
VGEN_API std::string file_name(std::string_view pattern,
                               const std::vector<std::pair<std::string_view, std::string>>& values,
                               std::string_view flexible = "caption", std::size_t limit = 220);
// A caption as VGen writes it into names: letters, digits and _ of any script, spaces as _, all else left out; `keep`
// stays too.
VGEN_API std::string caption_in_name(std::string_view caption, std::string_view keep = "");

}  // namespace vgen::reference_config
