// Prompt lists of the reference (VGen): one clip a line, with the input, the seed and the output names that each of its
// entry points makes of it. For runs that must find the reference's files, or be found by it; `vgen gen -c` reads the
// same lists through reference_config/, without the quirks.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "vgen/core/options.hpp"

namespace vgen::data {

// How an entry point writes its clips: x264's CRF, and whether a mid-grey last frame is dropped
// (video::drop_grey_last_frame).
struct ClipWriting {
  std::string_view name;
  int quality = 10;
  bool drop_grey_last_frame = false;
};
VGEN_API const std::vector<ClipWriting>& clip_writings();  // i2vgen_safe, t2vhigen_safe, local

enum class ListFields {
  caption,
  file_caption,        // file|||caption
  caption_file,        // caption, or caption|||file
  file_caption_count,  // file|||caption|||number
};
enum class ListComments { line, caption, none };  // where '#' marks a line that is skipped; an empty caption is, too

// One entry point, as a row of the table.
struct ListEntry {
  std::string_view name;
  ListFields fields = ListFields::caption;
  ListComments comments = ListComments::line;
  std::string_view writing;  // a name of clip_writings()
  // The file beside the list's folder: {world} {rank} {index} {index2} {index4} {caption} {dashed} {stem} {keys}
  // {seed}.
  std::string_view output;
  std::string_view kept_in_names = "";  // of a caption, beside letters, digits, '_' and white space
  bool seed = false;                    // caption|seed
  bool seed_stays_in_names = false;
  bool default_seed_is_the_runs = false;  // else 0
  bool seeds_each_line = false;           // the generators start anew at every line, skipped ones too
  bool appends_prompt = false;            // positive_prompt behind each caption
  bool enlarges = false;                  // `output` is the clip to enlarge; the result is named ..._sr.mp4
  bool one_item_for_each_condition = false;
  bool unique_files = false;  // of lines with one file name the last caption counts, at the first one's place
};
VGEN_API const std::vector<ListEntry>& list_entries();

struct VGEN_API PromptListOptions {
  static constexpr std::string_view kind = "prompt_list";
  std::string entry = "text2video";
  std::string folder = ".";       // of the results
  std::string input_folder = "";  // of the files that lines name
  std::string positive_prompt = "";
  std::vector<std::vector<std::string>> conditions = {};  // the sets that VideoComposer's entries run, "y" is the text
  std::int64_t round = 1;                                 // each line so often
  std::int64_t world_size = 1, rank = 0, seed = 8888;
  std::int64_t most = 0;  // at most so many items; 0 = all
  bool operator==(const PromptListOptions&) const = default;
  static constexpr auto fields() {
    using O = PromptListOptions;
    return std::tuple{field("entry", &O::entry, "entry point, a name of list_entries()"),
                      field("folder", &O::folder, "of the results"),
                      field("input_folder", &O::input_folder, "of the files that lines name"),
                      field("positive_prompt", &O::positive_prompt, "appended to captions where the entry does"),
                      field("conditions", &O::conditions, "sets of conditions, one clip each"),
                      field("round", &O::round, "each line so often"),
                      field("world_size", &O::world_size, "processes, in names only"),
                      field("rank", &O::rank, "of this process; added to seeds"),
                      field("seed", &O::seed, "of the run"),
                      field("most", &O::most, "at most so many items; 0 = all")};
  }
};

struct PromptItem {
  std::int64_t index = 0;  // counts every line, skipped ones too, after repetition
  std::string caption, prompt;
  std::string input, input_path;  // as written, and beside the input folder; empty where the entry has none
  std::optional<std::int64_t> seed;
  std::vector<std::string> outputs;
  std::string low_resolution;  // the clip to enlarge
};

struct PromptList {
  std::vector<PromptItem> items;
  std::vector<std::int64_t> seeds;  // what the generators were started with, in order
  std::string problem;              // what ended the list early, "line 3: ..."; the items before it stand
};
// ConfigError: an unknown entry, or text that is no UTF-8.
VGEN_API PromptList read_prompt_list(std::string_view text, const PromptListOptions& options);

// Lines as Python reads them: broken at \n, \r\n and \r, without white space at both ends.
VGEN_API std::vector<std::string> stripped_lines(std::string_view text);
VGEN_API std::vector<std::string> split(std::string_view text, std::string_view separator);

}  // namespace vgen::data
