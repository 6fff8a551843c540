#include "vgen/pipelines/sources.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/upsample_nearest2d.h>

#include <algorithm>
#include <cmath>

#include "vgen/conditioning/compose.hpp"
#include "vgen/conditioning/drawing.hpp"
#include "vgen/conditioning/frames.hpp"
#include "vgen/conditioning/motion.hpp"
#include "vgen/core/log.hpp"
#include "vgen/formats/safetensors.hpp"
#include "vgen/pipelines/pixels.hpp"
#include "vgen/video/reader.hpp"
#include "vgen/video/transforms.hpp"
#include "vgen/weights/state_dict.hpp"

namespace vgen::pipelines {
namespace fs = std::filesystem;
namespace {

// NAME=FILE
std::pair<std::string, std::string> named_file(const std::string& text) {
  const std::size_t equals = text.find('=');
  VGEN_CHECK(equals != std::string::npos && equals > 0 && equals + 1 < text.size(), ConfigError,
             "condition: expected NAME=FILE, got '", printable(text), "'");
  return {text.substr(0, equals), text.substr(equals + 1)};
}

std::vector<std::pair<std::string, std::string>> files_of(const Sources& s) {
  std::vector<std::pair<std::string, std::string>> out;
  for_each_field<Sources>([&](const auto& f) {
    if constexpr (std::is_same_v<std::decay_t<decltype(s.*f.member)>, std::string>)
      if (!(s.*f.member).empty()) out.emplace_back(f.name, s.*f.member);
  });
  for (const std::string& each : s.condition) out.push_back(named_file(each));
  return out;
}

// Reading the clips of conditions.
struct Clips {
  const ClipSize& size;
  double rate;  // frames a second at which they are looked at
  const CancelToken& cancel;

  // Every n-th frame, so that they come at about that rate; one frame of a picture, or of a file that has no more.
  video::ReadOptions options(const std::string& path, const std::string& name) const {
    const video::VideoInfo info = video::probe(path, cancel);
    if (info.frames == 1 || !(info.fps > 0)) {
      log::info(name, ": ", printable(path, 400), " is one picture, for all frames");
      return {.frames = 1};
    }
    if (info.variable_rate)
      log::warn(name, ": ", printable(path, 400),
                " has a variable frame rate; its frames are taken in their order, as ", info.fps, " a second");
    return {.stride = std::max<std::int64_t>(1, std::llround(info.fps / rate)), .frames = size.frames};
  }
  void expect_enough(std::int64_t frames, const std::string& path, const std::string& name,
                     const video::ReadOptions& how, bool damaged) const {
    if (damaged)
      log::warn(name, ": ", printable(path, 400), " is damaged after frame ", frames * how.stride,
                "; the frames before are used");
    if (how.frames == 1 || frames == size.frames) return;
    throw ConfigError(str(name, ": ", printable(path, 400), damaged ? ", damaged behind them," : "", " has ", frames,
                          " frames at ", rate, " a second", how.stride > 1 ? str(" (one of ", how.stride, ")") : "",
                          ", the clip to make has ", size.frames, "; use --frames ", frames,
                          ", a higher --condition-fps, or a longer clip"));
  }
  video::Frames read(const std::string& path, const std::string& name) const {
    const video::ReadOptions how = options(path, name);
    if (how.frames == 1) return video::to_rgb(video::read_image(path, cancel));
    video::VideoInfo info;
    const video::Frames clip = video::read_video(path, how, &info, {}, cancel);
    expect_enough(clip.count, path, name, how, info.truncated);
    return video::to_rgb(clip);
  }
  // [1 or F, 3, H, W] in [0, 1], of the size of the clip to make; the aspect is not kept, as the models were trained.
  Tensor pixels(const std::string& path, const std::string& name) const {
    return conditioning::to_frames(video::resize(read(path, name), size.height, size.width, video::Filter::triangle));
  }
  Tensor for_all(const Tensor& map) const { return map.expand({size.frames, -1, -1, -1}); }
};

Tensor motion_of(const Clips& clips, const std::string& path) {
  const video::ReadOptions how = clips.options(path, "motion_from");
  const Tensor field = conditioning::motion_vectors(path, conditioning::MotionSource::automatic, how, clips.cancel);
  if (how.frames == 1) log::warn("motion_from: ", printable(path, 400), " has one frame: nothing moves in it");
  clips.expect_enough(field.size(0), path, "motion_from", how, false);
  return clips.for_all(conditioning::fit_condition(field, clips.size.height, clips.size.width));
}

std::vector<conditioning::MotionPath> drawn(const Sources& s) {
  std::vector<conditioning::MotionPath> paths;
  for (const std::string& text : s.draw_motion) paths.push_back(conditioning::parse_motion_path(text));
  return paths;
}

// 1 where the picture is white.
Tensor mask_of(const Clips& clips, const std::string& path) {
  const Tensor white =
      (conditioning::to_frames(clips.read(path, "mask")).mean(1, true) >= 0.5).to(at::kFloat);  // [1 or F, 1, h, w]
  return at::upsample_nearest2d(white, {clips.size.height, clips.size.width});
}

Tensor finished(const Clips& clips, const std::string& name, const fs::path& file) {
  if (file.extension() == ".safetensors") {
    const weights::StateDict state = weights::to_state_dict(formats::read_tensor_file(file));
    const Tensor* tensor = weights::find(state, name);
    VGEN_CHECK(tensor, FormatError, file.string(), ": holds no tensor '", printable(name), "'");
    return tensor->clone();
  }
  const video::Frames frames = video::read_video(file, {}, nullptr, {}, clips.cancel);
  const Tensor map =
      to_condition(name, video::resize(frames, clips.size.height, clips.size.width, video::Filter::triangle));
  return map.size(2) == 1 ? map.expand({-1, -1, clips.size.frames, -1, -1}) : map;
}

Node record_of(const Sources& s) {
  Node record = Node::map();
  for (auto& [name, value] : to_node(s).entries)
    if (!(value.is_string() && value.string.empty()) && !(value.is_list() && value.items.empty()) &&
        !(value.is_number() && value.as_double() == 0))
      record.set(name, std::move(value));
  return record.entries.empty() ? Node() : record;
}

}  // namespace

Given given_by(const Sources& s) {
  Given out;
  const auto add = [](std::vector<std::string>& to, const char* name, bool given) {
    if (given) to.emplace_back(name);
  };
  add(out.knobs, "image", !s.image.empty());
  add(out.knobs, "style", !s.style.empty());
  add(out.knobs, "video", !s.video.empty() && s.mask.empty());
  add(out.conditions, "masked", !s.mask.empty());
  add(out.conditions, "depth", !s.depth.empty());
  add(out.conditions, "sketch", !s.sketch.empty());
  add(out.conditions, "single_sketch", !s.single_sketch.empty());
  add(out.conditions, "motion", !s.motion_from.empty() || !s.draw_motion.empty());
  for (const std::string& each : s.condition) out.conditions.push_back(named_file(each).first);
  return out;
}

void check(const Sources& s) {
  std::string missing;
  std::error_code error;
  for (const auto& [name, file] : files_of(s))
    if (!fs::exists(file, error)) missing += str(missing.empty() ? "" : "; ", name, ": ", printable(file, 400));
  VGEN_CHECK(missing.empty(), IoError, "no such file: ", missing);
  VGEN_CHECK(s.mask.empty() || !s.video.empty() || !s.image.empty(), ConfigError,
             "mask: says what is to be filled, of what? give the clip (--video FILE) or a picture (--image FILE)");
  VGEN_CHECK(s.motion_from.empty() || s.draw_motion.empty(), ConfigError,
             "motion_from and draw_motion make the same condition; give one of them");
  drawn(s);
}

Inputs read_sources(const Sources& s, const ClipSize& size, conditioning::Annotators& annotators,
                    const OnProgress& progress, const CancelToken& cancel) {
  check(s);
  const Clips clips{size, s.condition_fps > 0 ? s.condition_fps : size.fps, cancel};
  Inputs inputs;
  inputs.record = record_of(s);
  if (!s.image.empty()) inputs.image = video::read_image(s.image, cancel);
  if (!s.style.empty()) inputs.style = video::read_image(s.style, cancel);
  if (!s.video.empty() && s.mask.empty()) {
    video::VideoInfo info;
    inputs.video = video::read_video(s.video, {.frames = size.frames}, &info, {}, cancel);
    if (info.truncated)
      log::warn(printable(s.video, 400), " is damaged after frame ", inputs.video.count,
                "; the frames before are used");
    else if (info.frames > inputs.video.count)
      log::warn(printable(s.video, 400), " has ", info.frames, " frames; the first ", inputs.video.count,
                " are used (--frames says how many)");
  }
  const auto expect = [&](const conditioning::AnnotatorPart& part) {
    annotators.expect(part, "give a finished map (--condition NAME=FILE)");
  };
  if (!s.depth.empty()) expect(conditioning::kDepthPart);
  if (!s.sketch.empty() || !s.single_sketch.empty())
    expect(conditioning::kEdgesPart), expect(conditioning::kSketchPart);

  const auto each = [&](const Tensor& frames, const std::function<Tensor(const Tensor&)>& f) {
    std::int64_t done = 0;
    return conditioning::in_parts(frames, 2, [&](const Tensor& part) {
      cancel.check("annotate");
      const Tensor out = f(part);
      if (progress) progress({"annotate", done += part.size(0), frames.size(0), 0});
      return out;
    });
  };
  const auto sketched = [&](const Tensor& frames) {
    return each(frames, [&](const Tensor& part) {
      return conditioning::sketch(annotators.edges(), annotators.sketch(), part);
    });
  };
  conditioning::Composition maps;
  if (!s.depth.empty())
    maps.depth = clips.for_all(each(clips.pixels(s.depth, "depth"),
                                    [&](const Tensor& part) { return conditioning::depth(part, annotators.depth()); }));
  if (!s.sketch.empty()) maps.sketch = clips.for_all(sketched(clips.pixels(s.sketch, "sketch")));
  if (!s.single_sketch.empty())
    maps.single_sketch = sketched(conditioning::to_frames(video::resize(
        video::to_rgb(video::read_image(s.single_sketch, cancel)), size.height, size.width, video::Filter::triangle)));
  if (!s.motion_from.empty()) maps.motion = motion_of(clips, s.motion_from);
  if (!s.draw_motion.empty()) maps.motion = conditioning::drawn_motion(drawn(s), size.frames, size.height, size.width);
  if (!s.mask.empty()) {
    maps.mask = mask_of(clips, s.mask);
    maps.frames = clips.pixels(s.video.empty() ? s.image : s.video, "video");
  }
  inputs.conditions = conditioning::compose(maps, size.frames);
  for (const std::string& text : s.condition) {
    const auto [name, file] = named_file(text);
    const Tensor tensor = finished(clips, name, file);
    VGEN_CHECK(tensor.dim() != 5 || tensor.size(2) == size.frames, ShapeError, "condition '", printable(name), "' has ",
               tensor.dim() == 5 ? tensor.size(2) : 0, " frames, the clip to make ", size.frames, "; use --frames ",
               tensor.dim() == 5 ? tensor.size(2) : 0, ", or cut ", printable(file, 400));
    inputs.conditions.set(name, tensor);
  }
  return inputs;
}

}  // namespace vgen::pipelines
