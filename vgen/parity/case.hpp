// A golden case: <name>.json (what was built and called) and <name>.safetensors (what came out), see
// tests/golden/README.md. Each area has one handler that rebuilds the computation with vgen's parts and compares; tests
// and `vgen parity` share them.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "vgen/core/node.hpp"
#include "vgen/tensor/tensor.hpp"

namespace vgen::parity {

struct Case {
  std::string area, name;
  std::filesystem::path path;  // of the .json
  Node json;
  std::map<std::string, Tensor> tensors;                // of the .safetensors, empty if there is none
  const Tensor& golden(const std::string& name) const;  // FormatError if missing
};

VGEN_API Case load_case(const std::filesystem::path& json_path);

// Where the cases are computed: unit() and parameter() give tensors there, hence the networks that they fill.
VGEN_API at::Device& device();

// The formula of tests/golden/README.md: crc32 and splitmix64, float64 arithmetic, rounded once to float32.
VGEN_API Tensor unit(std::string_view salt, std::string_view name, at::IntArrayRef shape);  // unit variance
VGEN_API Tensor uniform(std::string_view salt, std::string_view name,
                        at::IntArrayRef shape);  // the raw value in [-1, 1)
VGEN_API Tensor parameter(std::string_view salt, std::string_view name, at::IntArrayRef shape);  // by its rank and name

// Collects comparisons of one case. A comparison with NaN, another shape or another dtype family fails.
class VGEN_API Report {
 public:
  struct Row {
    std::string name;
    double error, tolerance;
    bool ok;
    std::string detail;
  };

  // max|ours - golden| / max|golden| <= tolerance (a golden of zeros is compared absolutely)
  void relative(const std::string& name, const Tensor& ours, const Tensor& golden, double tolerance = 1e-5);
  void absolute(const std::string& name, const Tensor& ours, const Tensor& golden, double tolerance);
  void exact(const std::string& name, const Tensor& ours, const Tensor& golden);
  void number(const std::string& name, double ours, double golden, double relative_tolerance);
  void check(const std::string& name, bool ok, const std::string& detail = "");

  const std::vector<Row>& rows() const { return rows_; }
  bool ok() const;
  const Row* worst() const;  // largest error / tolerance; nullptr if nothing was compared

 private:
  std::vector<Row> rows_;
};

// Throws UnsupportedError if the area knows no such kind of case (counted as failed unless it is outside what vgen
// claims).
using Handler = std::function<void(const Case&, Report&)>;
// area -> handler; the explicit table is in parity/areas.cpp.
VGEN_API const std::map<std::string, Handler>& handlers();

// Runs every case under `root` (folder, area folder, or one .json) whose "area/name" matches the glob `only` ("" =
// all).
struct Outcome {
  std::string area, name;
  bool ok;
  std::string worst;
  double error, tolerance, seconds;
  std::size_t compared;
  std::string message;
};
VGEN_API std::vector<Outcome> run(const std::filesystem::path& root, const std::string& only = "",
                                  const std::function<void(const Outcome&)>& on_case = {}, at::Device where = at::kCPU);

}  // namespace vgen::parity
