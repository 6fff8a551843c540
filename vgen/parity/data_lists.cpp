// Area "data": prompt lists, training lists, which frames are picked.
#include <ATen/TensorOperators.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cstdio>

#include "vgen/conditioning/frames.hpp"
#include "vgen/conditioning/normalise.hpp"
#include "vgen/core/atomic_file.hpp"
#include "vgen/data/listed_clips.hpp"
#include "vgen/data/prompt_list.hpp"
#include "vgen/parity/data.hpp"

namespace vgen::parity {
namespace {

void run_lists(const Case& c, Report& report) {
  const Node& defaults = c.json.at("defaults");
  // The case states the prompt of the super-resolution entries in words only: ... is ", SRPOS".
  const std::string& about = c.json.at("about").as_string();
  const auto close = about.rfind('"'), open = about.rfind('"', close - 1);
  const std::string enlarging_prompt = about.substr(open + 1, close - open - 1);
  std::size_t n = 0;
  for (const Node& row : c.json.at("values").items) {
    const Node& config = row.at("config");
    const auto value = [&](const char* key) -> const Node& {
      const Node* own = config.find(key);
      return own ? *own : defaults.at(key);
    };
    data::PromptListOptions o;
    o.entry = row.at("entry").as_string();
    const std::string where = str("list ", n++, " ", o.entry, " ");
    if (const Node* sets = config.find("partial_keys")) {
      for (const Node& set : sets->items) {
        o.conditions.emplace_back();
        for (const Node& key : set.items) o.conditions.back().push_back(key.as_string());
      }
      if (o.entry == "tft2v_sr600") o.entry = "tft2v_vcomposer_sr600";
    }
    const auto entry = std::ranges::find(data::list_entries(), o.entry, &data::ListEntry::name);
    VGEN_CHECK(entry != data::list_entries().end(), UnsupportedError, "data: entry ", printable(o.entry),
               " is not known");
    o.folder = value("log_dir").as_string();
    o.input_folder = value("data_dir").as_string();
    o.round = value("round").as_int(), o.world_size = value("world_size").as_int(), o.rank = value("rank").as_int();
    o.seed = value("seed").as_int();
    o.positive_prompt = entry->enlarges ? enlarging_prompt : value("positive_prompt").as_string();
    if (const Node* suffix = config.find("suffix")) o.positive_prompt = suffix->as_string();
    if (const Node* most = config.find("webvid_test_caps")) o.most = most->as_int();
    const data::PromptList list = data::read_prompt_list(row.at("text").as_string(), o);

    report.check(where + "ends early", list.problem.empty() == !row.find("error"), list.problem);
    const Node& items = row.at("items");
    report.check(where + "items", list.items.size() == items.size(), str(list.items.size(), " of ", items.size()));
    if (const Node* seeds = row.find("seeds")) report.check(where + "seeds", list.seeds == seeds->as_ints());
    for (std::size_t i = 0; i < std::min(list.items.size(), items.size()); ++i) {
      const data::PromptItem& ours = list.items[i];
      for (const auto& [key, golden] : items[i].entries) {
        const std::string name = str(where, "item ", i, " ", key);
        const auto text = [&](const std::string& x) { report.check(name, x == golden.as_string(), x); };
        const auto texts = [&](const std::vector<std::string>& x) {
          bool same = x.size() == golden.size();
          for (std::size_t k = 0; same && k < x.size(); ++k) same = x[k] == golden[k].as_string();
          report.check(name, same, x.empty() ? "none" : x[0]);
        };
        if (key == "idx")
          report.check(name, ours.index == golden.as_int(), str(ours.index));
        else if (key == "manual_seed")
          report.check(name, ours.seed == golden.as_int());
        else if (key == "caption" || key == "cap")
          text(ours.caption);
        else if (key == "captions")
          texts({ours.prompt});
        else if (key == "files")
          texts(ours.outputs);
        else if (key == "local_path")
          text(ours.outputs.at(0));
        else if (key == "low_resolution")
          text(ours.low_resolution);
        else if (key == "img_key" || key == "video_key" || key == "vid")
          text(ours.input);
        else if (key == "video_local_path")
          text(ours.input_path);
        else
          report.check(name, false, "vgen makes no such thing of a line");
      }
    }
  }
}

void run_picking(const Case& c, Report& report) {
  std::size_t n = 0;
  for (const Node& row : c.json.at("values").items) {
    const std::string& reader = row.at("reader").as_string();
    const std::int64_t total = row.at("total").as_int();
    const Node* seed = row.find("seed");
    const std::string name = str("row ", n++, " ", reader, ", ", total, " frames: ");
    video::FramePickingOptions o{.sample_fps = row.at("sample_fps").as_double(),
                                 .count = row.at("max_frames").as_int()};
    if (reader == "video_custom_dataset") o.rule = video::PickingRule::custom;
    if (!seed) o.start = row.at("start").as_int();  // the recording fixed the draw
    auto random = MersenneTwister::python(seed ? std::uint64_t(seed->as_int()) : 0);
    const auto kept = row.at("kept").as_ints();
    try {
      const auto picked = video::pick_frames(total, row.at("fps").as_double(), o, random);
      report.check(name + "frames", picked.frames == kept, str(picked.frames.size(), " from ", picked.frames.at(0)));
      report.check(name + "start", picked.start == row.at("start").as_int(), str(picked.start));
      report.check(name + "filled", static_cast<std::int64_t>(picked.frames.size()) == row.at("filled").as_int());
      const std::size_t reference = reader == "vcomposer" ? 0 : picked.frames.size() / 2;
      report.check(name + "reference frame", picked.frames[reference] == row.at("reference_frame").as_int());
    } catch (const Error& e) {
      // Where the reference finds nothing or too much it fails, or hides the failure behind zeros.
      const bool fails = kept.empty() || static_cast<std::int64_t>(kept.size()) > o.count;
      report.check(name + "fails", fails, e.what());
    }
  }
}

void run_datasets(const Case& c, Report& report) {
  const auto size = c.json.at("resolution").as_ints();  // width, height
  const std::filesystem::path folder = c.path.parent_path() / c.json.at("files").as_string();
  std::map<std::string, Tensor> ours;
  for (const auto& [name, golden] : c.json.at("items").entries) {
    const auto dot = name.rfind('.');
    const std::string dataset = name.substr(0, dot);
    const bool custom = dataset.starts_with("custom_");
    data::ListedClipOptions o{.folder = folder.string(), .height = size[1], .width = size[0]};
    o.vision_size = c.json.at("vit_resolution")[0].as_int();
    const auto fps = dataset.find("_fps");
    std::string list = "videos.txt";
    if (fps == std::string::npos) {
      VGEN_CHECK(dataset == "image" || dataset == "custom_image", UnsupportedError, "data: data set ",
                 printable(dataset), " is not known");
      list = custom ? "custom.txt" : "images.txt";
      o.media = data::ListedMedia::pictures;
      o.picking.count = 1;
      o.masks = custom;
      if (custom)
        for (const Node& word : c.json.at("placeholder_strings").items) o.placeholders.push_back(word.as_string());
    } else {
      o.picking = {.sample_fps = std::stod(dataset.substr(fps + 4)),
                   .count = c.json.at("max_frames").as_int(),
                   .rule = custom ? video::PickingRule::custom : video::PickingRule::general};
      if (dataset.ends_with("_first")) o.reference = data::ReferenceFrame::first;
    }
    const auto lines = data::stripped_lines(read_file(folder / list));
    auto random = MersenneTwister::python(std::uint64_t(c.json.at("random_seed").as_int()));
    const data::ListedClip item = data::load_listed(lines.at(std::stoul(name.substr(dot + 1))), o, random);

    const Node* zero = golden.find("all_zero");
    const bool fails = golden.find("error") || (zero && zero->size());
    report.check(name + " can be read", item.problem.empty() == !fails, item.problem);
    if (fails) report.check(name + " has no frames", item.frames.count == 0);
    if (const Node* caption = golden.find("caption"); caption && (!fails || !caption->as_string().empty())) {
      std::string text = caption->as_string();  // theirs of clips keep the line feed
      if (text.ends_with('\n')) text.pop_back();
      report.check(name + " caption", item.caption == text, item.caption);
      report.check(name + " key", item.file == golden.at("key").as_string(), item.file);
    }
    if (fails) continue;
    if (const Node* reference = golden.find("ref_is_frame"))
      report.check(name + " reference", item.reference == reference->as_int(), str(item.reference));
    Tensor clip = at::zeros({o.picking.count, 3, size[1], size[0]}, at::kFloat);
    clip.slice(0, 0, item.frames.count)
        .copy_(conditioning::normalise(conditioning::to_frames(item.frames), conditioning::symmetric_statistics));
    ours[name + ".video"] = clip;
    ours[name + ".vit"] =
        conditioning::normalise(conditioning::to_frames(item.vision), conditioning::clip_statistics)[0];
    if (o.masks) ours[name + ".mask"] = conditioning::to_frames(item.mask);
  }
  compare_data(c, report, ours);
}

}  // namespace

bool run_data_lists(const Case& c, Report& report) {
  const Node* values = c.json.find("values");
  if (values && values->size() && c.json.find("defaults"))
    run_lists(c, report);
  else if (values && values->is_list() && values->size() && (*values)[0].find("reader"))
    run_picking(c, report);
  else if (c.json.find("placeholder_strings"))
    run_datasets(c, report);
  else
    return false;
  return true;
}

}  // namespace vgen::parity
