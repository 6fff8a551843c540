// Area "data": the conditions of a clip (motion vectors, masks, HiGen's factors, VideoComposer's loader, the input of
// super-resolution).
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/std.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <map>

#include "vgen/conditioning/clip_vision.hpp"
#include "vgen/conditioning/convolution.hpp"
#include "vgen/conditioning/factors.hpp"
#include "vgen/conditioning/frames.hpp"
#include "vgen/conditioning/mask.hpp"
#include "vgen/conditioning/motion.hpp"
#include "vgen/conditioning/super_resolution.hpp"
#include "vgen/parity/data.hpp"
#include "vgen/vae/autoencoder_kl.hpp"
#include "vgen/video/frame_picking.hpp"
#include "vgen/video/transforms.hpp"

namespace vgen::parity {
namespace {

std::filesystem::path clip_of(const Case& c) { return c.path.parent_path() / c.json.at("clip").as_string(); }

void run_motion(const Case& c, Report& report) {
  const auto vectors = video::read_motion_vectors(clip_of(c));
  const Tensor field = conditioning::motion_field(vectors);
  std::map<std::string, Tensor> ours;
  Tensor rows = at::empty({static_cast<std::int64_t>(vectors.total()), 11}, at::kInt);
  std::int32_t* p = rows.data_ptr<std::int32_t>();
  for (std::size_t f = 0; f < vectors.frames.size(); ++f)
    for (const auto& v : vectors.frames[f])
      for (const std::int32_t n : {static_cast<std::int32_t>(f), v.source, v.width, v.height, v.src_x, v.src_y, v.dst_x,
                                   v.dst_y, v.motion_x, v.motion_y, v.motion_scale})
        *p++ = n;
  ours["vectors"] = rows;
  ours["nonzero"] = (field != 0).sum(at::IntArrayRef{1, 2, 3});
  ours["sum"] = field.sum(at::IntArrayRef{2, 3});
  const std::int64_t small = c.json.at("small").as_int();
  const Tensor fitted = conditioning::fit_condition(field, small, small);
  for (const auto& [name, golden] : c.tensors) {
    if (name.starts_with("map.")) ours[name] = field[std::stoll(name.substr(4))];
    if (name.starts_with("small.")) ours[name] = fitted[std::stoll(name.substr(6))];
  }
  compare_data(c, report, ours);
  report.check("the same through motion_vectors", conditioning::motion_vectors(clip_of(c)).equal(field));
}

conditioning::MaskKind mask_kind(std::string_view name) {
  for (const auto& [kind, known] : enum_names(conditioning::MaskKind{}))
    if (name == known) return kind;
  throw UnsupportedError(str("data: mask kind ", printable(std::string(name)), " is not known"));
}

void run_masks(const Case& c, Report& report) {
  const std::int64_t h = c.json.at("height").as_int(), w = c.json.at("width").as_int();
  std::map<std::string, Tensor> ours;
  for (const auto& [name, golden] : c.tensors) {
    const auto dot = name.find('.');
    auto random = MersenneTwister::numpy(static_cast<std::uint32_t>(std::stoul(name.substr(dot + 1))));
    Tensor mask = at::zeros({h, (w + 7) / 8 * 8}, at::kByte);  // whole bytes
    mask.slice(1, 0, w).copy_(conditioning::random_mask(mask_kind(name.substr(0, dot)), h, w, random));
    Tensor packed = at::zeros({h, (w + 7) / 8}, at::kByte);
    for (std::int64_t bit = 0; bit < 8; ++bit) packed = packed * 2 + mask.slice(1, bit, mask.size(1), 8);
    ours[name] = packed;
  }
  compare_data(c, report, ours);
  for (const Node& row : c.json.at("kind_of_seed").items) {
    const auto seed = static_cast<std::uint64_t>(row[0].as_int());
    const std::string name = str("kind of seed ", seed);
    report.number(name, MersenneTwister::python(seed).uniform(), row[1].as_double(), 0);
    // The kind of mask drawn: equal to what the named generator draws from the same numbers.
    auto kinds = MersenneTwister::python(seed);
    auto a = MersenneTwister::numpy(1), b = MersenneTwister::numpy(1);
    report.check(name + " draws it", conditioning::random_mask(h, w, kinds, a)
                                         .equal(conditioning::random_mask(mask_kind(row[2].as_string()), h, w, b)));
  }
}

void run_vcomposer(const Case& c, Report& report) {
  const auto size = c.json.at("resolution").as_ints(), vit = c.json.at("vit_resolution").as_ints();  // width, height
  const std::int64_t count = c.json.at("max_frames").as_int(), seed = c.json.at("seed").as_int();
  auto python = MersenneTwister::python(static_cast<std::uint64_t>(seed));
  auto numpy = MersenneTwister::numpy(static_cast<std::uint32_t>(seed));
  const video::Frames clip = video::read_video(clip_of(c));
  const auto picked = video::pick_frames(clip.count, clip.fps,
                                         {.sample_fps = c.json.at("sample_fps").as_double(), .count = count}, python);
  const video::Frames resized =
      video::resize(video::select_frames(clip, picked.frames), size[1], size[0], video::Filter::triangle);
  Tensor frames = at::zeros({count, 3, size[1], size[0]}, at::kFloat);
  frames.slice(0, 0, resized.count).copy_(conditioning::to_frames(resized));
  const Tensor mask =
      conditioning::mask_track(conditioning::random_mask(512, 512, python, numpy), count, size[1], size[0]);
  const auto batch = [](const Tensor& x) { return x.transpose(0, 1).unsqueeze(0); };
  video::Frames first(1, resized.height, resized.width);
  std::copy_n(resized.frame(0), first.bytes(), first.frame(0));
  const Tensor local = frames.slice(0, 0, 1).expand_as(frames);
  compare_data(c, report,
               {{"ref", frames[0]},
                {"vit", conditioning::clip_normalise(
                            conditioning::to_frames(video::resize(first, vit[1], vit[0], video::Filter::triangle)))[0]},
                {"frames", frames.unsqueeze(0)},
                {"mask", mask.unsqueeze(0)},
                {"masked", batch(conditioning::masked_condition(frames, mask))},
                {"local_image", batch(local)}});
}

void run_sr_input(const Case& c, Report& report) {
  const std::int64_t max_frames = c.json.at("max_frames").as_int();
  const Tensor clip = conditioning::to_frames(video::read_video(clip_of(c), {.frames = max_frames}));
  std::map<std::string, Tensor> ours;
  for (const auto& [kind, pieces] : c.json.at("pieces").entries) {
    const bool twice = kind == "double";
    const Tensor x =
        conditioning::low_resolution_input(clip.slice(0, 0, twice ? (max_frames + 1) / 2 : max_frames), twice);
    report.check(kind + " pieces", vae::pieces(x.size(0), 2) == pieces.as_ints());
    ours[kind + ".mean"] = x.mean(at::IntArrayRef{1, 2, 3});
    ours[kind + ".std"] = at::std(x.flatten(1), at::IntArrayRef{1}, /*unbiased=*/true);
    ours[kind + ".crop"] = x.slice(0, 0, 2).slice(2, 100, 112).slice(3, 600, 616);
    ours[kind + ".corner"] = x.slice(0, 0, 1).slice(2, 0, 12).slice(3, 0, 16);
  }
  compare_data(c, report, ours);
}

void run_higen(const Case& c, Report& report) {
  std::map<std::string, Tensor> ours;
  for (const Node& row : c.json.at("notes").at("cases").items) {
    const std::int64_t frames = row[0].as_int(), motion = row[2].as_int();
    const double appearance = row[1].as_double();
    for (const auto& [name, golden] : c.tensors) {  // named by the factors as Python prints them
      const auto first = name.find('_'), second = name.find('_', first + 1);
      if (std::stoll(name) != frames || std::stod(name.substr(first + 1)) != appearance ||
          std::stoll(name.substr(second + 1)) != motion)
        continue;
      if (name.ends_with("motion.key")) ours[name] = conditioning::motion_factors(1, 0);
      if (name.ends_with("motion.clip")) ours[name] = conditioning::motion_factors(frames, motion);
      if (name.ends_with("appearance.key")) ours[name] = conditioning::appearance_of_first_frame(frames);
      if (name.ends_with("appearance.clip")) ours[name] = conditioning::appearance_factors(frames, appearance)[0];
    }
  }
  compare_data(c, report, ours);
}

}  // namespace

bool run_data_conditions(const Case& c, Report& report) {
  if (c.json.find("columns"))
    run_motion(c, report);
  else if (c.json.find("kind_of_seed"))
    run_masks(c, report);
  else if (c.tensors.contains("masked"))
    run_vcomposer(c, report);
  else if (c.json.find("pieces"))
    run_sr_input(c, report);
  else if (const Node* notes = c.json.find("notes"); notes && notes->find("cases") && c.name.starts_with("higen"))
    run_higen(c, report);
  else
    return false;
  return true;
}

}  // namespace vgen::parity
