#include "vgen/parity/case.hpp"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>

#include "vgen/core/atomic_file.hpp"
#include "vgen/formats/json.hpp"
#include "vgen/formats/safetensors.hpp"
#include "vgen/weights/state_dict.hpp"

namespace vgen::parity {
namespace fs = std::filesystem;

namespace {

std::uint32_t crc32(std::string_view text) {
  static const auto table = [] {
    std::array<std::uint32_t, 256> t{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t c = i;
      for (int k = 0; k < 8; ++k) c = c & 1 ? 0xEDB88320u ^ (c >> 1) : c >> 1;
      t[i] = c;
    }
    return t;
  }();
  std::uint32_t c = 0xFFFFFFFFu;
  for (const unsigned char byte : text) c = table[(c ^ byte) & 0xFF] ^ (c >> 8);
  return c ^ 0xFFFFFFFFu;
}

double value_at(std::uint64_t key, std::uint64_t i) {
  std::uint64_t z = (key << 32) + i;
  z += 0x9E3779B97F4A7C15ull;
  z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ z >> 27) * 0x94D049BB133111EBull;
  z ^= z >> 31;
  return static_cast<double>(z >> 40) / 8388608.0 - 1.0;
}

// scale * value + offset, computed in float64 and rounded once.
Tensor fill(std::string_view salt, std::string_view name, at::IntArrayRef shape, double scale, double offset) {
  Tensor out = at::empty(shape, at::kFloat);
  float* p = out.data_ptr<float>();
  const std::uint64_t key = crc32(str(salt, ":", name));
  at::parallel_for(0, out.numel(), 1 << 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) p[i] = static_cast<float>(scale * value_at(key, i) + offset);
  });
  return out;
}

Tensor flat64(const Tensor& x) { return x.detach().to(at::kCPU, at::kDouble).contiguous().view({-1}); }

}  // namespace

at::Device& device() {
  static at::Device current = at::kCPU;
  return current;
}

Tensor uniform(std::string_view salt, std::string_view name, at::IntArrayRef shape) {
  return fill(salt, name, shape, 1, 0);
}
Tensor unit(std::string_view salt, std::string_view name, at::IntArrayRef shape) {
  return fill(salt, name, shape, std::sqrt(3.0), 0).to(device());
}
Tensor parameter(std::string_view salt, std::string_view name, at::IntArrayRef shape) {
  if (shape.size() >= 2) {
    double fan_in = 1;
    for (std::size_t i = 1; i < shape.size(); ++i) fan_in *= static_cast<double>(shape[i]);
    return fill(salt, name, shape, std::sqrt(3.0 / fan_in), 0).to(device());
  }
  const bool weight = shape.size() == 1 && name.ends_with("weight");
  return fill(salt, name, shape, 0.1, weight ? 1 : 0).to(device());
}

const Tensor& Case::golden(const std::string& key) const {
  const auto found = tensors.find(key);
  VGEN_CHECK(found != tensors.end(), FormatError, area, "/", name, ": no golden tensor '", key, "'");
  return found->second;
}

Case load_case(const fs::path& json_path) {
  Case c;
  c.path = json_path;
  c.json = formats::parse_json(read_file(json_path), json_path.string(),
                               {.bytes = 1 << 28, .depth = 64, .nodes = 50'000'000, .nul = true});
  c.area = c.json.find("area") ? c.json.at("area").as_string() : json_path.parent_path().filename().string();
  c.name = json_path.stem().string();
  fs::path tensors = json_path;
  tensors.replace_extension(".safetensors");
  if (fs::exists(tensors))
    for (auto& [key, tensor] : weights::read_state_dict(tensors)) c.tensors.emplace(key, tensor);
  return c;
}

// ---- Report ----

namespace {
struct Difference {
  double error = 0, scale = 0;
  std::string problem;
};
Difference difference(const Tensor& ours, const Tensor& golden) {
  if (!ours.defined()) return {0, 0, "no tensor of ours"};
  if (ours.sizes() != golden.sizes())
    return {0, 0, str("shape ", shape_string(ours.sizes()), ", golden ", shape_string(golden.sizes()))};
  Difference d;
  const Tensor a = flat64(ours), b = flat64(golden);
  const double *pa = a.data_ptr<double>(), *pb = b.data_ptr<double>();
  for (std::int64_t i = 0; i < a.numel(); ++i) {
    if (pa[i] == pb[i]) {  // also equal infinities
      if (std::isfinite(pb[i])) d.scale = std::max(d.scale, std::abs(pb[i]));
      continue;
    }
    if (!std::isfinite(pa[i]) || !std::isfinite(pb[i])) {
      if (std::isnan(pa[i]) && std::isnan(pb[i])) continue;
      return {0, 0, str("element ", i, " is ", pa[i], ", golden ", pb[i])};
    }
    d.error = std::max(d.error, std::abs(pa[i] - pb[i]));
    d.scale = std::max(d.scale, std::abs(pb[i]));
  }
  return d;
}
}  // namespace

void Report::relative(const std::string& name, const Tensor& ours, const Tensor& golden, double tolerance) {
  const Difference d = difference(ours, golden);
  const double error = d.scale > 0 ? d.error / d.scale : d.error;
  rows_.push_back({name, error, tolerance, d.problem.empty() && error <= tolerance, d.problem});
}
void Report::absolute(const std::string& name, const Tensor& ours, const Tensor& golden, double tolerance) {
  const Difference d = difference(ours, golden);
  rows_.push_back({name, d.error, tolerance, d.problem.empty() && d.error <= tolerance, d.problem});
}
void Report::exact(const std::string& name, const Tensor& ours, const Tensor& golden) {
  absolute(name, ours, golden, 0);
}
void Report::number(const std::string& name, double ours, double golden, double tolerance) {
  const bool same = ours == golden || (std::isnan(ours) && std::isnan(golden));
  const double error = same ? 0 : std::abs(ours - golden) / (golden != 0 ? std::abs(golden) : 1);
  rows_.push_back(
      {name, error, tolerance, same || error <= tolerance, same ? "" : str("ours ", ours, ", golden ", golden)});
}
void Report::check(const std::string& name, bool ok, const std::string& detail) {
  rows_.push_back({name, ok ? 0.0 : 1.0, 0.0, ok, ok ? "" : detail});
}

bool Report::ok() const {
  return !rows_.empty() && std::ranges::all_of(rows_, [](const Row& r) { return r.ok; });
}
const Report::Row* Report::worst() const {
  const Row* worst = nullptr;
  const auto badness = [](const Row& r) {
    if (!r.ok) return 1e300 + (r.tolerance > 0 ? r.error / r.tolerance : r.error);
    return r.tolerance > 0 ? r.error / r.tolerance : 0.0;
  };
  for (const Row& r : rows_)
    if (!worst || badness(r) > badness(*worst)) worst = &r;
  return worst;
}

// ---- running ----

std::vector<Outcome> run(const fs::path& root, const std::string& only,
                         const std::function<void(const Outcome&)>& on_case, at::Device where) {
  VGEN_CHECK(fs::exists(root), IoError, "parity: no such file or folder: ", printable(root.string()));
  std::vector<fs::path> paths;
  if (fs::is_regular_file(root)) {
    paths.push_back(root);
  } else {
    for (const auto& entry : fs::recursive_directory_iterator(root))
      if (entry.is_regular_file() && entry.path().extension() == ".json") paths.push_back(entry.path());
    std::ranges::sort(paths);
  }
  device() = where;
  at::globalContext().setAllowTF32CuDNN(false);  // goldens are float32 throughout
  std::vector<Outcome> outcomes;
  for (const fs::path& path : paths) {
    // The name is matched first: reading every case to run one would be slow.
    const std::string folder = path.parent_path().filename().string(), stem = path.stem().string();
    const std::string id = folder + "/" + stem;
    const auto matches = [&](const std::string& text) { return fnmatch(only.c_str(), text.c_str(), 0) == 0; };
    if (!only.empty() && !matches(id) && !matches(stem) && !matches(folder)) continue;
    const auto start = std::chrono::steady_clock::now();
    Outcome o{folder, stem, false, "", 0, 0, 0, 0, ""};
    try {
      const Case c = load_case(path);
      if (!c.json.is_map() || !c.json.find("area")) continue;  // tables such as keys/index.json are no cases
      o.area = c.area;
      const auto handler = handlers().find(c.area);
      VGEN_CHECK(handler != handlers().end(), UnsupportedError, "no handler for area '", printable(c.area), "'");
      Report report;
      handler->second(c, report);
      o.ok = report.ok();
      o.compared = report.rows().size();
      if (const Report::Row* worst = report.worst()) {
        o.worst = worst->name;
        o.error = worst->error;
        o.tolerance = worst->tolerance;
        o.message = worst->detail;
      } else {
        o.message = "nothing was compared";
      }
    } catch (const std::exception& e) { o.message = e.what(); }
    o.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (on_case) on_case(o);
    outcomes.push_back(std::move(o));
  }
  return outcomes;
}

}  // namespace vgen::parity
