// What the workers of benchmarks/run.py share: one JSON object a line comes in, one goes out; work is timed inside.
#pragma once
#include <ATen/Context.h>
#include <c10/core/CachingDeviceAllocator.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <string>

#include "vgen/formats/json.hpp"
#include "vgen/tensor/device.hpp"
#include "vgen/weights/load.hpp"

namespace vgen::bench {

using Clock = std::chrono::steady_clock;
inline double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Of the whole process: the program's argument, cpu (the default) or cuda.
inline at::Device device = at::kCPU;
inline void use_device(int argc, char** argv) {
  try {
    if (argc > 1) device = device_named(argv[1]);
  } catch (const std::exception& e) {
    std::cerr << argv[0] << ": " << e.what() << '\n';
    std::exit(1);
  }
  at::globalContext().setAllowTF32CuDNN(false);  // as in peer.py: fp32 is fp32
}

// Seconds of each of `rounds` calls.
inline Node timed(std::int64_t rounds, const std::function<void()>& f) {
  std::vector<Node> out;
  for (std::int64_t i = 0; i < rounds; ++i) {
    synchronise(device);
    const auto start = Clock::now();
    f();
    synchronise(device);  // kernels of a device run behind the program
    out.emplace_back(since(start));
  }
  return Node::list(std::move(out));
}

inline at::ScalarType dtype_of(const Node& n) {
  return n.as_string() == "bf16" ? at::kBFloat16 : n.as_string() == "fp16" ? at::kHalf : at::kFloat;
}

// The answer to a timed request; its result goes to the file "output", if there is one.
inline Node save(const Node& q, const Tensor& out, const Node& seconds) {
  if (q.find("output"))
    weights::save_state_dict(q.at("output").as_string(), {{"output", out.to(at::kFloat).contiguous()}});
  return Node::map({{"seconds", seconds}});
}

inline double kilobytes_of(const std::string& key) {
  std::ifstream in("/proc/self/status");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with(key + ":")) return std::stod(line.substr(key.size() + 1));
  return 0;
}
inline Node memory() {
  Node reply = Node::map({{"peak", Node(kilobytes_of("VmHWM") * 1024)}, {"now", Node(kilobytes_of("VmRSS") * 1024)}});
  if (!device.is_cpu())  // [0]: over all pools, what torch.cuda.max_memory_allocated tells
    reply.set("device_peak", Node(static_cast<std::int64_t>(
                                 c10::getDeviceAllocator(device.type())->getDeviceStats(0).allocated_bytes[0].peak)));
  return reply;
}

// Answers standard input until it ends; an error is an answer, too.
inline void serve(const std::function<Node(const Node&)>& answer) {
  for (std::string line; std::getline(std::cin, line);) {
    Node reply;
    try {
      reply = answer(formats::parse_json(line, "request"));
    } catch (const std::exception& e) { reply = Node::map({{"error", Node(e.what())}}); }
    std::cout << formats::dump_json(reply, -1) << std::endl;
  }
}

}  // namespace vgen::bench
