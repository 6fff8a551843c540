// Injection: adapters attached to a network that knows nothing of them, and their handle. Several may be attached at
// once, to the same layers too, and come and go in any order; the network's own parameters are never written to.
//
//   auto style = adapters::inject(unet, adapters::load("style.safetensors"), {.scale = 0.6});
//   style.set_scale(0.3);
//   style.remove();                                               // bit for bit as before
//
// A handle that goes away leaves its adapters attached. Changes are not for the middle of a forward pass.
#pragma once
#include <ATen/core/Generator.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "vgen/adapters/adapter.hpp"
#include "vgen/adapters/bottleneck.hpp"
#include "vgen/adapters/lora.hpp"
#include "vgen/core/key_pair.hpp"
#include "vgen/core/node.hpp"
#include "vgen/unet/unet.hpp"

namespace vgen::adapters {

class VGEN_API Injection {
 public:
  struct State;
  explicit Injection(std::shared_ptr<State> state) : state_(std::move(state)) {}

  double scale() const;
  void set_scale(double scale);  // any finite number; 0 switches it off
  // Acts in these steps of a run only, counted from 0, both included; at_step says where the run is. ConfigError while
  // merged.
  void set_steps(int first, int last);
  std::pair<int, int> steps() const;
  void at_step(int step);

  // Folds the LoRA into the weights: nothing to compute at run time. The originals are kept, so that unmerge restores
  // them bit for bit, in whatever order several injections are merged and unmerged. Needs room for one more copy of
  // those weights. ConfigError if it holds bottleneck adapters, which no weight can express, or acts in some steps
  // only.
  void merge();
  void unmerge();
  bool merged() const;

  void remove();  // detaches everything; the second call does nothing
  bool attached() const;

  // "down.1.spatial.block.attn1.to_q.lora_down.weight", "down.1.spatial.block.after_attn2.up.bias": leaves that an
  // optimiser can hold.
  std::vector<std::pair<std::string, Tensor>> named_parameters() const;
  std::vector<Tensor> parameters() const;
  void requires_grad(bool on);
  // What adapters::load reads back. vgen: our names and "alpha"; reference, diffusers (PEFT), kohya: as those
  // programs write it, ConfigError if the layout cannot express it.
  weights::StateDict state_dict(Layout layout = Layout::vgen) const;
  void save(const std::filesystem::path& path, Layout layout = Layout::vgen) const;
  const LoadReport& report() const;
  Node node() const;  // for manifests: {"file", "scale"}, and {"first_step", "last_step"} where it acts in some only
  // Names of the parameters in the reference's checkpoints.
  std::vector<KeyPair> reference_keys() const;

 private:
  std::shared_ptr<State> state_;
};

struct InjectOptions {
  double scale = 1;
  Position position = Position::parallel;  // of bottleneck adapters, where their file does not say it
  std::string ignore =
      {};  // glob of names in the file that shall not count: "lora_te*" leaves out a text encoder's part
  bool ignore_base =
      false;  // the file may hold the base network's parameters too (a whole checkpoint): they do not count
};

// Attaches what a file holds, converted to the number type and device of the network. If anything in the file is
// unknown, of another shape, incomplete or not finite, one WeightsError says all of it and nothing is attached.
VGEN_API Injection inject(std::shared_ptr<unet::UNet> unet, const Adapter& adapter, const InjectOptions& options = {});
// New ones to be trained, with gradients on. ConfigError if no layer matches.
VGEN_API Injection inject(std::shared_ptr<unet::UNet> unet, const LoraOptions& lora, at::Generator generator);
VGEN_API Injection inject(std::shared_ptr<unet::UNet> unet, const BottleneckOptions& options, at::Generator generator);
// How a file fits a network; nothing is attached.
VGEN_API LoadReport audit(unet::UNet& unet, const Adapter& adapter, const InjectOptions& options = {});

}  // namespace vgen::adapters
