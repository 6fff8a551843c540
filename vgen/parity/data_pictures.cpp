// Area "data": transforms of pictures, the chains that pipelines make of them, frames handed to the encoders.
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "vgen/conditioning/frames.hpp"
#include "vgen/conditioning/normalise.hpp"
#include "vgen/data/listed_clips.hpp"
#include "vgen/data/prompt_list.hpp"
#include "vgen/parity/data.hpp"
#include "vgen/parity/pictures.hpp"
#include "vgen/pipelines/pixels.hpp"
#include "vgen/video/deflate.hpp"
#include "vgen/video/random_transforms.hpp"

namespace vgen::parity {
namespace {

using video::Filter;
using video::Frames;

// The noise picture named "<width>x<height>"; FormatError if it is not the recorded one.
Frames noise_picture(const Case& c, const std::string& name) {
  int w = 0, h = 0;
  VGEN_CHECK(std::sscanf(name.c_str(), "%dx%d", &w, &h) == 2, FormatError, "data: picture '", printable(name),
             "' names no size");
  const Frames out = frame_of(noise(c.json.at("salt").as_string(), name, h, w));
  const auto crc = video::crc32({reinterpret_cast<const char*>(out.pixels->data()), out.bytes()});
  VGEN_CHECK(crc == c.json.at("pictures").at(name).as_int(), FormatError, "data: picture ", name, " has checksum ",
             crc);
  return out;
}

std::vector<std::int64_t> box_of(const video::Rect& r) { return {r.x, r.y, r.x + r.width, r.y + r.height}; }

void run_wide(const Case& c, Report& report) {
  std::map<std::string, Tensor> ours;
  for (const auto& [name, golden] : c.tensors) {
    const auto to = name.find("_to_"), dot = name.find('.');
    const Frames picture = noise_picture(c, name.substr(0, to));
    const std::string variant = dot == std::string::npos ? "" : name.substr(dot);
    VGEN_CHECK(variant.empty() || variant == ".nearest", UnsupportedError, "data: filter ", printable(variant),
               " is not known");
    ours[name] = bytes_of(video::center_crop_wide(picture, golden.size(0), golden.size(1),
                                                  variant.empty() ? Filter::box : Filter::nearest))[0];
  }
  compare_data(c, report, ours);
  const auto check = [&](const std::string& name, const std::vector<std::int64_t>& from,
                         const std::vector<std::int64_t>& to, const std::vector<std::int64_t>& size,
                         const std::vector<std::int64_t>& box) {
    const video::WideCrop w = video::wide_crop(from[1], from[0], to[1], to[0]);
    report.check(name, size == std::vector{w.width, w.height} && box == box_of(w.crop),
                 str(w.width, "x", w.height, " cut at ", w.crop.x, ", ", w.crop.y));
  };
  for (const Node& row : c.json.at("sizes").items)
    check(
        str("size ", row[0][0].as_int(), "x", row[0][1].as_int(), " to ", row[1][0].as_int(), "x", row[1][1].as_int()),
        row[0].as_ints(), row[1].as_ints(), row[2].as_ints(), row[3].as_ints());
  for (const auto& [name, steps] : c.json.at("steps").entries) {
    const auto crop = steps[1][1].as_ints();
    std::int64_t w = 0, h = 0;
    std::sscanf(name.c_str(), "%ldx%ld", &w, &h);
    check("steps " + name, {w, h}, {crop[2] - crop[0], crop[3] - crop[1]}, steps[0][1].as_ints(), crop);
  }
}

// One transform of a case: its name without number and picture, the numbers of its name, the size of the result, and
// the recorded steps, which hold what the name does not say.
struct Transform {
  std::string name, numbers;
  std::int64_t height, width;
  const Node& steps;
};
std::int64_t last_short_side(const Node& steps) {
  std::int64_t side = 0;
  for (const Node& step : steps.items)
    if (step[0].as_string() == "resize" && step[2].as_string() == "BICUBIC")
      side = std::min(step[1][0].as_int(), step[1][1].as_int());
  return side;
}
video::Rect rect_of(const Node& steps, const char* what) {
  for (const Node& step : steps.items)
    if (step[0].as_string() == what) {
      const auto b = step[1].as_ints();
      return {b[0], b[1], b[2] - b[0], b[3] - b[1]};
    }
  throw FormatError(str("data: a case without the step ", what));
}

Frames transformed(const Frames& x, const Transform& t, Report& report, const std::string& name) {
  const std::int64_t h = t.height, w = t.width;
  const auto number = [&] { return std::stoll(t.numbers); };
  auto random = MersenneTwister::python(t.name.find("random") == std::string::npos ? 0 : std::uint64_t(number()));
  if (t.name == "resize") return video::resize(x, h, w, Filter::triangle);
  if (t.name == "rescale") return video::resize_short_side(x, number());
  if (t.name == "center_crop") return video::crop_padded(x, {(x.width - w) >> 1, (x.height - h) >> 1, w, h});
  if (t.name == "center_crop_v2") {
    const Frames small = video::reduce_short_side(x, number());
    return video::center_crop(small, h, w);
  }
  if (t.name == "resize_random_crop" || t.name == "extract_resize_random_crop") {
    const Frames small = video::reduce_short_side(x, last_short_side(t.steps));
    const video::Rect window = video::random_window(small, h, w, random);
    report.check(name + " box", window == rect_of(t.steps, t.name == "resize_random_crop" ? "crop" : "box"));
    return video::crop(small, window);
  }
  if (t.name == "extract_resize_assign_crop") {
    const Frames small = video::reduce_short_side(x, last_short_side(t.steps));
    return video::resize(video::crop(small, rect_of(t.steps, "crop")), h, w, Filter::triangle);
  }
  if (t.name == "random_crop" || t.name == "random_crop_v2") {
    const video::Rect r = video::random_crop_rect(
        x.height, x.width,
        {.draw = t.name == "random_crop" ? video::RatioDraw::uniform : video::RatioDraw::log_uniform}, random);
    report.check(name + " box", r == rect_of(t.steps, "crop"), str(r.width, "x", r.height, " at ", r.x, ", ", r.y));
    return video::resize(video::crop(x, r), h, w, Filter::triangle);
  }
  if (t.name == "random_flip") return video::random_flip(x, random);
  VGEN_CHECK(t.name == "random_gray", UnsupportedError, "data: transform ", printable(t.name), " is not known");
  return video::random_grey(x, random);
}

void run_transforms(const Case& c, Report& report) {
  std::map<std::string, Tensor> ours;
  for (const auto& [name, golden] : c.tensors) {
    const auto dot = name.find('.');
    const std::string call = name.substr(0, dot);
    auto number = call.find_last_of('_');  // "resize_24x10", "center_crop_v2_36"; the assigned crop has none
    if (number == std::string::npos || call.find_first_of("0123456789", number) != number + 1) number = call.size();
    const Transform t{call.substr(0, number), number < call.size() ? call.substr(number + 1) : "", golden.size(0),
                      golden.size(1), c.json.at("steps").at(name)};
    ours[name] = bytes_of(transformed(noise_picture(c, name.substr(dot + 1)), t, report, name))[0];
  }
  compare_data(c, report, ours);
}

void run_chains(const Case& c, Report& report) {
  const auto size = c.json.at("resolution").as_ints(), vit = c.json.at("vit_resolution").as_ints();  // width, height
  using namespace conditioning;
  std::map<std::string, Tensor> ours;
  for (const auto& [name, crc] : c.json.at("pictures").entries) {
    const Frames x = noise_picture(c, name);
    const Frames plain = video::resize(x, size[1], size[0], Filter::triangle);
    ours["train." + name] = normalise(to_frames(video::center_crop_wide(x, size[1], size[0])), symmetric_statistics);
    ours["clip." + name] = normalise(to_frames(data::vision_picture(x, size[0], vit[0])), clip_statistics)[0];
    ours["vcomposer." + name] = to_frames(plain).expand({2, 3, size[1], size[0]});
    ours["vcomposer_clip." + name] =
        normalise(to_frames(video::resize(plain, vit[1], vit[0], Filter::triangle)), clip_statistics)[0];
  }
  const Node& wild = c.json.at("inputs").at("wild");
  VGEN_CHECK(wild.at("rule").as_string() == "1.2 * unit", UnsupportedError, "data: input rule is not known");
  // As the rule says, in float64 and rounded once; the statistics are the case's "about".
  const Tensor x =
      (uniform(wild.at("salt").as_string(), wild.at("name").as_string(), wild.at("shape").as_ints()).to(at::kDouble) *
       (1.2 * std::sqrt(3.0)))
          .to(at::kFloat);
  ours["normalize"] = normalise(x, {{0.5, 0.4, 0.3}, {0.5, 0.25, 0.2}});
  compare_data(c, report, ours);
}

// "<factor> * unit" of a description.
Tensor scaled_unit(const Node& d) {
  const std::string& rule = d.at("rule").as_string();
  const auto star = rule.rfind('*');
  VGEN_CHECK(rule.ends_with("* unit"), UnsupportedError, "data: input rule '", printable(rule), "' is not known");
  const auto from = rule.find_last_of("=,", star);
  const double factor = std::stod(rule.substr(from == std::string::npos ? 0 : from + 1));
  return (uniform(d.at("salt").as_string(), d.at("name").as_string(), d.at("shape").as_ints()).to(at::kDouble) *
          (factor * std::sqrt(3.0)))
      .to(at::kFloat);
}

Frames clip_of(const Tensor& pixels) { return pipelines::to_frames(pixels, 8); }

void run_writing(const Case& c, Report& report) {
  const Node& inputs = c.json.at("inputs");
  const Tensor video = scaled_unit(inputs.at("video")), batch = scaled_unit(inputs.at("batch"));
  const Tensor pictures = scaled_unit(inputs.at("pictures"));
  const std::int64_t last = video.size(2) - 1;
  // The input of a variant, by the rules that `inputs` states in words.
  const auto input = [&](const std::string& variant) -> Tensor {
    if (variant == "plain") return video;
    if (variant == "single") return video.slice(2, 0, 1);
    if (variant == "ramp") return c.golden("ramp");
    Tensor x = video.clone();
    Tensor frame = x.select(2, last);
    if (variant == "grey_last") {
      frame.copy_(scaled_unit(inputs.at("grey_last")));
    } else {
      VGEN_CHECK(variant.starts_with("grey_"), UnsupportedError, "data: input ", printable(variant), " is not known");
      Tensor values = at::full({frame.numel()}, 0.9, at::kFloat);
      values.slice(0, 0, std::stoll(variant.substr(5))).zero_();
      frame.copy_(values.view(frame.sizes()));
    }
    return x;
  };
  const auto panels = [&](std::int64_t i) {  // reference picture, clip, white panel for the empty caption
    const Frames picture = clip_of(pictures.slice(0, i, i + 1));
    Frames white(1, picture.height, picture.height);
    std::ranges::fill(*white.pixels, std::uint8_t(255));
    return video::side_by_side({picture, clip_of(batch.slice(0, i, i + 1)), white});
  };
  const auto grid = [&](std::int64_t count) {
    const std::int64_t rows = std::max<std::int64_t>(count / 2, 1);
    VGEN_CHECK(count % rows == 0, ShapeError, "data: ", count, " samples do not fill ", rows, " rows");
    std::vector<Tensor> lines;
    for (std::int64_t r = 0; r < rows; ++r) {
      std::vector<Frames> row;
      for (std::int64_t i = 0; i < count / rows; ++i) row.push_back(panels(r * (count / rows) + i));
      lines.push_back(bytes_of(video::side_by_side(row)));
    }
    return at::cat(lines, 1);
  };
  std::map<std::string, Tensor> ours{{"ramp", c.golden("ramp")}};
  for (const auto& [name, golden] : c.tensors) {
    const auto dot = name.find('.');
    const std::string how = name.substr(0, dot), variant = dot == std::string::npos ? "" : name.substr(dot + 1);
    if (name == "ramp") continue;
    if (how == "i2vgen_panels") {
      ours[name] = bytes_of(panels(0));
    } else if (how == "refimg_and_text") {
      ours[name] = grid(std::stoll(variant));
    } else {
      const auto writing = std::ranges::find(data::clip_writings(), how, &data::ClipWriting::name);
      if (writing == data::clip_writings().end()) continue;
      const Frames frames = clip_of(input(variant));
      ours[name] = bytes_of(writing->drop_grey_last_frame ? video::drop_grey_last_frame(frames) : frames);
    }
  }
  compare_data(c, report, ours);
  // The encoders' settings: imageio maps quality 0..10 to CRF 51..0.
  for (const auto& [name, call] : c.json.at("calls").entries) {
    const auto writing =
        std::ranges::find(data::clip_writings(), name.substr(0, name.find('.')), &data::ClipWriting::name);
    if (const Node* imageio = call.find("imageio")) {
      report.check(name + " quality", writing->quality == int((1 - imageio->at("quality").as_double() / 10) * 51));
    } else if (const Node* command = call.find("command")) {
      const auto crf = command->as_string().find("-crf ");
      if (writing != data::clip_writings().end())
        report.check(name + " quality", writing->quality == std::stoi(command->as_string().substr(crf + 5)));
      report.check(name + " frames", ours.at(name).size(0) == static_cast<std::int64_t>(call.at("files").size()));
    } else if (call.find("error")) {
      bool failed = false;
      try {
        grid(std::stoll(name.substr(name.find('.') + 1)));
      } catch (const ShapeError&) { failed = true; }
      report.check(name + " fails", failed);
    }
  }
}

}  // namespace

bool run_data_pictures(const Case& c, Report& report) {
  if (c.json.find("sizes"))
    run_wide(c, report);
  else if (c.json.find("steps"))
    run_transforms(c, report);
  else if (c.tensors.contains("normalize"))
    run_chains(c, report);
  else if (c.json.find("calls"))
    run_writing(c, report);
  else
    return false;
  return true;
}

}  // namespace vgen::parity
