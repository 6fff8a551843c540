// Area "annotators": Canny, depth, edges, sketches, palettes, picture helpers.
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/std.h>

#include <map>

#include "vgen/conditioning/canny.hpp"
#include "vgen/conditioning/dpt.hpp"
#include "vgen/conditioning/palette.hpp"
#include "vgen/conditioning/picture.hpp"
#include "vgen/conditioning/sketch.hpp"
#include "vgen/core/mersenne_twister.hpp"
#include "vgen/parity/networks.hpp"
#include "vgen/parity/pictures.hpp"
#include "vgen/weights/load.hpp"

namespace vgen::parity {
namespace {

Tensor input(const Node& n) {
  const std::string& rule = n.at("rule").as_string();
  const Tensor x = unit(n.at("salt").as_string(), n.at("name").as_string(), n.at("shape").as_ints());
  if (rule == "unit") return x;
  VGEN_CHECK(rule == "clamp(abs(unit), 0, 1)", UnsupportedError, "annotators: input rule ", printable(rule),
             " is not known");
  return x.abs().clamp(0, 1);
}

// Every golden tensor against ours of the same name, bytes and integers exactly; one that we do not compute fails.
void compare(const Case& c, Report& report, const std::map<std::string, Tensor>& ours, double tolerance) {
  for (const auto& [name, golden] : c.tensors) {
    const auto found = ours.find(name);
    if (found == ours.end()) {
      if (!name.starts_with("input.")) report.check(name, false, "vgen computes no such tensor");
    } else if (golden.is_floating_point()) {
      report.relative(name, found->second, golden, tolerance);
    } else {
      report.exact(name, found->second, golden);
    }
  }
}

// "scene", "scene.float" (values / 255) or the stored "input.<name>"; `grey` is channel 1 of blur_5.
Tensor picture_of(const Case& c, const std::string& name) {
  if (const Node* d = c.json.at("pictures").find(name)) return picture(*d);
  if (name.ends_with(".float")) return picture_of(c, name.substr(0, name.size() - 6)).to(at::kFloat) / 255;
  if (name == "grey") return c.golden("input.blur_5").select(2, 1);
  return c.golden("input." + name);
}

void run_canny(const Case& c, Report& report) {
  using conditioning::CannyThresholds;
  const auto random = [](const Tensor& x, const std::string& seed) {
    auto draw = MersenneTwister::numpy(static_cast<std::uint32_t>(std::stoul(seed)));
    const double share = draw.uniform(0.1, 0.4);
    return std::pair{share, conditioning::canny_thresholds(x, share)};
  };
  const auto values = [](const Node& n) {
    std::vector<double> out;
    for (const Node& v : n.items) out.push_back(v.as_double());
    return out;
  };
  for (const auto& [name, entry] : c.json.at("thresholds").entries) {
    const Tensor x = picture_of(c, name);
    for (const auto& [kind, golden] : entry.entries) {
      if (kind == "fixed") {
        const auto t = conditioning::canny_thresholds(x);
        report.check(name + " thresholds", std::vector{t.low, t.high} == values(golden), str(t.low, ", ", t.high));
      } else if (kind.starts_with("random_")) {
        const auto [share, t] = random(x, kind.substr(7));
        report.check(name + " thresholds " + kind, std::vector{share, t.low, t.high} == values(golden),
                     str(share, ", ", t.low, ", ", t.high));
      }
    }
  }
  for (const auto& [name, golden] : c.tensors) {
    if (name.starts_with("input.")) continue;
    const auto dot = name.rfind('.');
    const std::string of = name.substr(0, dot), how = name.substr(dot + 1);
    const Tensor x = picture_of(c, of);
    CannyThresholds t;
    if (how == "median")
      t = conditioning::canny_thresholds(x);
    else if (how.starts_with("random_"))
      t = random(x, how.substr(7)).second;
    else
      t = {std::stod(how.substr(0, how.find('_'))), std::stod(how.substr(how.find('_') + 1))};
    report.exact(name, conditioning::canny(x, t), golden);
  }
}

void run_depth(const Case& c, Report& report) {
  const Node& config = c.json.at("config");
  conditioning::DptDepthOptions o;
  const auto number = [&](const char* key) { return static_cast<int>(config.at(key).as_int()); };
  o.image_size = number("image_size"), o.patch = number("patch_size"), o.width = number("dim");
  o.heads = number("num_heads"), o.layers = number("num_layers"), o.fusion = number("fusion_dim");
  o.neck.clear();
  for (const std::int64_t n : config.at("neck_dims").as_ints()) o.neck.push_back(static_cast<int>(n));
  conditioning::DptDepth network(o);
  const auto keys = conditioning::reference_keys(o);
  check_weights(report, c.json.at("weights"), keys);
  fill(network, keys, c.json.at("salt").as_string());
  network.eval();
  const at::NoGradGuard no_grad;
  const Tensor depth = network.forward(input(c.json.at("inputs").at("x")));
  compare(c, report,
          {{"depth", depth},
           {"condition", conditioning::depth_condition(depth)},
           {"large", conditioning::depth_condition(c.json.at("factor").as_double() * depth)}},
          1e-5);
}

// PiDiNet with raw weights by the rule, converted as on loading; `converted` receives the plain kernels.
void fill_pidinet(conditioning::PiDiNet& network, const std::string& salt, weights::StateDict* converted = nullptr,
                  Report* report = nullptr, const Node* expected = nullptr) {
  weights::StateDict raw;
  std::vector<KeyPair> keys = conditioning::reference_keys(network.options());
  for (KeyPair& key : keys) {
    for (std::size_t axis = 2; axis < key.their_shape.size(); ++axis)
      if (key.their_shape[axis] == 5) key.their_shape[axis] = 3;  // radial kernels, raw
    raw.emplace_back(key.theirs, parameter(salt, key.theirs, key.their_shape));
  }
  if (report) check_weights(*report, *expected, keys);
  const weights::StateDict plain = conditioning::pidinet_to_plain(std::move(raw));
  if (converted) *converted = plain;
  weights::load_weights(weights::targets_of(network), plain, conditioning::reference_keys(network.options()));
  network.eval();
}

void run_pidinet(const Case& c, Report& report) {
  const Node& config = c.json.at("config");
  VGEN_CHECK(config.at("pattern").as_string() == "carv4", UnsupportedError, "annotators: PiDiNet configuration ",
             printable(config.at("pattern").as_string()), " is not claimed");
  conditioning::PiDiNetOptions o;
  o.channels = static_cast<int>(config.at("planes").as_int());
  o.dilation = config.at("dil").is_null() ? 0 : static_cast<int>(config.at("dil").as_int());
  o.attention = config.at("sa").as_bool();
  conditioning::PiDiNet network(o);
  weights::StateDict converted;
  fill_pidinet(network, c.json.at("salt").as_string(), &converted, &report, &c.json.at("weights"));
  const at::NoGradGuard no_grad;
  std::map<std::string, Tensor> ours;
  ours["edge"] = ours["edge_unconverted"] = network.forward(input(c.json.at("inputs").at("x")));
  for (const auto& [name, kernel] : converted) ours["converted." + name] = kernel;
  compare(c, report, ours, 1e-5);
}

void run_sketch(const Case& c, Report& report) {
  const Node& salt = c.json.at("salt");
  conditioning::PiDiNet edges;
  fill_pidinet(edges, salt.at("pidinet").as_string());
  conditioning::SketchSimplification cleaner;
  fill(cleaner, conditioning::reference_keys(cleaner), salt.at("cleaner").as_string());
  const auto enlarge = [&](nn::Module& module, const char* which) {
    const double gain = c.json.at("gain").at(which).as_double();
    module.each_parameter([&](const std::string&, Tensor& value) {
      if (value.dim() >= 2) value.mul_(gain);
    });
  };
  enlarge(edges, "pidinet");
  enlarge(cleaner, "cleaner");
  cleaner.eval();
  const at::NoGradGuard no_grad;
  const Tensor frames = (picture(c.json.at("picture")).to(at::kFloat) / 255).permute({2, 0, 1}).unsqueeze(0);
  const Tensor edge = edges.detect(frames), clean = cleaner.forward(1 - edge);
  const Tensor odd = cleaner.forward(input(c.json.at("inputs").at("odd")));
  const auto statistics = [](const Tensor& x) {
    return at::stack({x.mean(), at::std(x, /*unbiased=*/true), x.min(), x.max()});
  };
  const auto crop = [](const Tensor& x, std::int64_t y, std::int64_t left) {
    return x.slice(2, y, y + 16).slice(3, left, left + 16);
  };
  Tensor size = at::empty({4}, at::kLong);
  for (std::int64_t i = 0; i < 4; ++i) size[i] = odd.size(i);
  compare(c, report,
          {{"edge", edge},
           {"clean.statistics", statistics(clean)},
           {"clean.crop", crop(clean, 20, 24)},
           {"sketch.crop", crop(conditioning::sketch(edges, cleaner, frames), 20, 24)},
           {"odd.statistics", statistics(odd)},
           {"odd.crop", crop(odd, 8, 8)},
           {"odd.size", size}},
          2e-5);
}

void run_palette(const Case& c, Report& report) {
  conditioning::PaletteOptions o;  // the sizes are in the name: palette_<hues>_<saturations>_<lights>
  VGEN_CHECK(std::sscanf(c.name.c_str(), "palette_%d_%d_%d", &o.hues, &o.saturations, &o.lights) == 3, FormatError,
             "annotators: '", printable(c.name), "' names no palette");
  const conditioning::Palette palette(o);
  const auto hex = palette.hex();
  const Node& golden_hex = c.json.at("hex");
  std::size_t same = 0;
  for (std::size_t i = 0; i < hex.size() && i < golden_hex.size(); ++i) same += hex[i] == golden_hex[i].as_string();
  report.check("hex", same == hex.size() && same == golden_hex.size(), str(same, " of ", golden_hex.size(), " agree"));
  std::map<std::string, Tensor> ours{{"rgb", palette.rgb()}, {"lab", palette.lab()}};
  for (const auto& [name, golden] : c.tensors) {
    const auto dot = name.rfind('.');
    if (dot == std::string::npos) continue;
    const std::string of = name.substr(0, dot), what = name.substr(dot + 1);
    const Tensor x = picture_of(c, of);
    if (what.starts_with("histogram_"))
      ours[name] = palette.histogram(x, std::stod(what.substr(10)));
    else if (what == "quantised")
      ours[name] = palette.quantise(x).slice(0, 0, golden.size(0)).slice(1, 0, golden.size(1));
    else if (what == "palette_row")
      ours[name] = palette.picture(palette.histogram(x, 20)).select(0, 0);
  }
  compare(c, report, ours, 1e-9);
}

void run_util(const Case& c, Report& report) {
  const Tensor scene = picture(c.json.at("pictures").at("scene")), noise = picture(c.json.at("pictures").at("noise"));
  std::map<std::string, Tensor> ours;
  ours["hwc3_grey"] = conditioning::to_rgb(scene.select(2, 0));
  ours["hwc3_rgba"] = conditioning::to_rgb(at::cat({scene, noise.slice(2, 0, 1)}, 2));
  for (const auto& [name, golden] : c.tensors)
    if (name.starts_with("resize_")) ours[name] = conditioning::resize_picture(scene, std::stoll(name.substr(7)));
  compare(c, report, ours, 0);
}

}  // namespace

void run_annotators(const Case& c, Report& report) {
  if (c.json.find("thresholds")) return run_canny(c, report);
  if (c.json.find("factor")) return run_depth(c, report);
  if (c.json.find("gain")) return run_sketch(c, report);
  if (c.json.find("hex")) return run_palette(c, report);
  if (const Node* config = c.json.find("config"); config && config->find("pattern")) return run_pidinet(c, report);
  if (c.tensors.contains("hwc3_rgba")) return run_util(c, report);
  throw UnsupportedError(str("annotators: '", printable(c.name), "' is no kind of case that vgen knows"));
}

}  // namespace vgen::parity
