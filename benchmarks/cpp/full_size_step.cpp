// full_size_step WEIGHTS fp32|bf16 [INPUTS OUT]: loads a UNet from a weight file in any layout and says what that took
// and a checksum of what was loaded. Given inputs (x, t, context), runs one guided step on them and writes what the
// network and the guidance gave. One JSON line on standard output. Driven by benchmarks/full_size.py, which makes the
// files and compares.
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <span>

#include "vgen/formats/crc32.hpp"
#include "vgen/formats/json.hpp"
#include "vgen/pipelines/model_folder.hpp"
#include "vgen/weights/state_dict.hpp"

namespace {
using namespace vgen;

// "VmHWM" (peak) or "VmRSS" (now) in bytes.
double memory(const std::string& field) {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(field + ":")) return std::stod(line.substr(field.size() + 1)) * 1024;
  return 0;
}
double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

int run(int argc, char** argv) {
  VGEN_CHECK(argc == 3 || argc == 5, ConfigError, "usage: full_size_step WEIGHTS fp32|bf16 [INPUTS OUT]");
  const at::ScalarType dtype = std::string(argv[2]) == "bf16" ? at::kBFloat16 : at::kFloat;
  const at::NoGradGuard off;
  const double before = memory("VmRSS"), start = now();
  const pipelines::PartFile part = pipelines::open_part(argv[1]);
  unet::UNet net(std::get<unet::UNetOptions>(part.options));
  net.eval();
  // check_finite reads every value, so that nothing of the file is left unread when the memory is looked at.
  const weights::AuditReport report = pipelines::load_part(part, net, {.dtype = dtype, .check_finite = true});
  const double load_seconds = now() - start, peak = memory("VmHWM");
  double weights_bytes = 0;
  std::string sums;
  for (const auto& [name, p] : net.named_parameters()) {
    weights_bytes += static_cast<double>(p.nbytes());
    const auto* bytes = static_cast<const std::byte*>(p.const_data_ptr());
    sums += str(name, " ", formats::detail::crc32(std::span(bytes, p.nbytes())), "\n");
  }
  Node result =
      Node::map({{"layout", Node(std::string(name_of(part.found.layout)))},
                 {"tensors", Node(static_cast<std::int64_t>(report.matched))},
                 {"parameters", Node(net.parameter_count())},
                 {"weights_bytes", Node(weights_bytes)},
                 {"before_bytes", Node(before)},
                 {"load_peak_bytes", Node(peak)},
                 {"load_seconds", Node(load_seconds)},
                 {"checksum", Node(static_cast<std::int64_t>(formats::detail::crc32(std::as_bytes(std::span(sums)))))},
                 {"threads", Node(at::get_num_threads())}});
  if (argc == 5) {
    Tensor x, t;
    unet::Conditions conditions;
    for (auto& [name, value] : weights::read_state_dict(argv[3])) {
      const Tensor given = value.is_floating_point() ? value.to(dtype) : value;
      if (name == "x")
        x = given;
      else if (name == "t")
        t = given;
      else
        conditions.set(name, given);
    }
    VGEN_CHECK(x.defined() && t.defined(), ConfigError, argv[3], ": needs x and t");
    const double step_start = now();
    const Tensor out = net.forward(at::cat({x, x}), t, conditions);
    result.set("step_seconds", Node(now() - step_start));
    result.set("step_peak_bytes", Node(memory("VmHWM")));
    const Tensor conditional = out.narrow(0, 0, 1).to(at::kFloat), plain = out.narrow(0, 1, 1).to(at::kFloat);
    weights::save_state_dict(argv[4], {{"out", out.to(at::kFloat)}, {"guided", plain + 9 * (conditional - plain)}});
  }
  std::puts(formats::dump_json(result, -1).c_str());
  return 0;
}
}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "full_size_step: %s\n", e.what());
    return 1;
  }
}
