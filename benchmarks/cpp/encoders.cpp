// encoders [cpu|cuda]: the vgen side of the parts vae_encode, vision and depth of benchmarks/run.py, which need no
// pipeline.
#include <ATen/core/grad_mode.h>

#include <map>
#include <memory>

#include "requests.hpp"
#include "vgen/conditioning/clip_vision.hpp"
#include "vgen/conditioning/dpt.hpp"
#include "vgen/nn/memory.hpp"
#include "vgen/vae/autoencoder_kl.hpp"

namespace {

using namespace vgen;

struct Encoders {
  std::unique_ptr<vae::AutoencoderKl> vae;
  std::unique_ptr<conditioning::ClipVision> vision;
  std::unique_ptr<conditioning::DptDepth> depth;
  Tensor pictures;

  // A network of q.options with q.weights under the names of `keys`.
  template <class Network, class Options>
  static std::unique_ptr<Network> made(const Node& q, const auto& keys) {
    Options options;
    from_node(q.at("options"), options);
    auto network = std::make_unique<Network>(options);
    weights::LoadOptions how;
    how.device = bench::device;
    weights::load_weights(weights::targets_of(*network), weights::read_state_dict(q.at("weights").as_string()),
                          keys(options), how);
    network->eval();
    return network;
  }

  Node encode(const Node& q) {
    const at::NoGradGuard off;
    const std::string& which = q.at("which").as_string();
    Tensor out;
    const Node seconds = bench::timed(q.at("rounds").as_int(), [&] {
      out = which == "vae"      ? vae->encode(pictures).mean
            : which == "vision" ? vision->forward(pictures)
                                : depth->forward(pictures);
    });
    return bench::save(q, out, seconds);
  }

  Node answer(const Node& q) {
    const std::string& what = q.at("do").as_string();
    const auto start = bench::Clock::now();
    if (what == "inputs") {
      pictures = weights::read_state_dict(q.at("file").as_string())
                     .at(0)
                     .second.to(bench::device, at::kFloat, /*non_blocking=*/false, /*copy=*/true);
    } else if (what == "vae") {
      vae = made<vae::AutoencoderKl, vae::AutoencoderKlOptions>(
          q, [](const auto& o) { return vae::diffusers_keys(o, vae::DiffusersAttention::to_q); });
    } else if (what == "vision") {
      vision = made<conditioning::ClipVision, conditioning::ClipVisionOptions>(
          q, [](const auto& o) { return conditioning::open_clip_keys(o); });
    } else if (what == "depth") {
      depth = made<conditioning::DptDepth, conditioning::DptDepthOptions>(
          q, [](const auto& o) { return conditioning::reference_keys(o); });
    } else if (what == "encode") {
      return encode(q);
    } else if (what == "memory") {
      return bench::memory();
    } else {
      throw ConfigError(str("encoders: no such request: ", what));
    }
    synchronise(bench::device);
    return Node::map({{"seconds", Node(bench::since(start))}});
  }
};

}  // namespace

int main(int argc, char** argv) {
  bench::use_device(argc, argv);
  nn::cache_memory(true);
  Encoders encoders;
  bench::serve([&](const Node& q) { return encoders.answer(q); });
}
