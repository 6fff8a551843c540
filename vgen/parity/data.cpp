#include "vgen/parity/data.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>

namespace vgen::parity {

void compare_data(const Case& c, Report& report, const std::map<std::string, Tensor>& ours, double tolerance) {
  for (const auto& [name, golden] : c.tensors) {
    const auto found = ours.find(name);
    if (found == ours.end())
      report.check(name, false, "vgen computes no such tensor");
    else if (golden.is_floating_point())
      report.relative(name, found->second, golden, tolerance);
    else
      report.exact(name, found->second, golden);
  }
}

video::Frames frame_of(const Tensor& picture) {
  video::Frames out(1, picture.size(0), picture.size(1), picture.size(2));
  std::copy_n(picture.contiguous().const_data_ptr<std::uint8_t>(), picture.numel(), out.frame(0));
  return out;
}

Tensor bytes_of(const video::Frames& f) {
  return at::from_blob(f.pixels->data(), {f.count, f.height, f.width, f.channels}, at::kByte).clone();
}

void run_data(const Case& c, Report& report) {
  for (const auto run : {run_data_conditions, run_data_lists, run_data_metrics, run_data_pictures})
    if (run(c, report)) return;
  throw UnsupportedError(str("data: '", printable(c.name), "' is no kind of case that vgen knows"));
}

}  // namespace vgen::parity
