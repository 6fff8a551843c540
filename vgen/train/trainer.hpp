// The training loop: gradient accumulation, mixed precision with float32 masters, EMA, clipping, logs, previews, atomic
// checkpoints and a resume that is equal to an unbroken run to the bit. What is trained is a Task; the loop knows no
// model.
#pragma once
#include <atomic>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "vgen/core/progress.hpp"
#include "vgen/nn/module.hpp"
#include "vgen/tensor/random.hpp"
#include "vgen/train/events.hpp"
#include "vgen/train/learning_rate.hpp"
#include "vgen/train/muon.hpp"
#include "vgen/train/optimizer.hpp"

namespace vgen::train {

enum class Precision { fp32, bf16 };
constexpr auto enum_names(Precision) {
  return std::array{std::pair{Precision::fp32, "fp32"}, std::pair{Precision::bf16, "bf16"}};
}

constexpr at::ScalarType dtype_of(Precision p) { return p == Precision::bf16 ? at::kBFloat16 : at::kFloat; }

struct TrainerOptions {
  static constexpr std::string_view kind = "trainer";
  long long steps = 1000;
  int accumulate = 1;
  std::uint64_t seed = 1;
  Precision precision = Precision::fp32;
  LearningRateOptions learning_rate;
  AdamWOptions adamw;
  std::optional<MuonOptions> muon;
  double clip_norm = 0;
  double ema_decay = 0;
  bool ema_warmup = true;
  long long log_every = 10, sample_every = 0, checkpoint_every = 500;
  int keep_checkpoints = 2;
  int max_bad_steps = 10;
  bool operator==(const TrainerOptions&) const = default;
  static constexpr auto fields() {
    using O = TrainerOptions;
    return std::tuple{
        field("steps", &O::steps, "optimiser steps of the whole run"),
        field("accumulate", &O::accumulate, "micro-batches a step"),
        field("seed", &O::seed, "of every random number; step s of a seed is the same wherever it runs"),
        field("precision", &O::precision, "fp32, or bf16 with float32 master weights"),
        field("learning_rate", &O::learning_rate, "warm-up and decay"),
        field("adamw", &O::adamw, "optimiser"),
        field("muon", &O::muon, "if given, matrices are moved by Muon and only the rest by AdamW"),
        field("clip_norm", &O::clip_norm, "largest gradient norm; 0 = no clipping"),
        field("ema_decay", &O::ema_decay, "of the averaged weights that are shipped; 0 = none"),
        field("ema_warmup", &O::ema_warmup, "decay at step n is at most (1 + n) / (10 + n)"),
        field("log_every", &O::log_every, "steps between records"),
        field("sample_every", &O::sample_every, "steps between previews; 0 = none"),
        field("checkpoint_every", &O::checkpoint_every, "steps between checkpoints"),
        field("keep_checkpoints", &O::keep_checkpoints, "newest checkpoints kept"),
        field("max_bad_steps", &O::max_bad_steps, "steps in a row that may give NaN before the run stops")};
  }
};

// Names and live tensors of what is trained. The loop replaces the tensors' contents, never the tensors.
using Parameters = std::vector<std::pair<std::string, Tensor>>;

class VGEN_API Task {
 public:
  virtual ~Task() = default;
  virtual Parameters parameters() = 0;
  // What has to be computed before the first step, data most of all. Called once, by train().
  virtual void prepare(const CancelToken& cancel, const OnProgress& progress) {}
  // Scalar loss of micro-batch `part` of `step`. Depends on (seed, step, part) and the parameters alone.
  virtual Tensor loss(std::uint64_t seed, long long step, int part) = 0;
  // Pictures of what the model does now (with averaged weights if there are any); extra scalars may be returned.
  virtual std::map<std::string, double> preview(long long step, const std::filesystem::path& folder, EventLog& log) {
    return {};
  }
  // Writes the model as a folder that from_pretrained reads; `weights` are float32 values in the order of parameters().
  virtual void save(const std::filesystem::path& folder, const Parameters& weights) = 0;
};

struct TrainResult {
  long long step = 0;  // finished steps
  double last_loss = 0;
  long long bad_steps = 0;
  bool finished = false;  // false: stopped by request after a checkpoint
};

// The way out of a run that must end before its step does: another thread has a child process write what the last step
// left, so that this process may end at once and no step is lost.
class VGEN_API Rescue {
 public:
  // The child's process id; 0 if nothing is unsaved, or if weights are changing and go on doing so for `patience`
  // seconds. After it the run goes no further: end the process with _exit().
  int save_in_child(double patience);
  long long step() const { return step_; }  // that it saves

 private:
  friend VGEN_API TrainResult train(Task&, const TrainerOptions&, const std::filesystem::path&, const std::string&,
                                    const CancelToken&, const OnProgress&, Rescue*);
  std::timed_mutex changing_;  // held while weights, moments and log are not those of a finished step
  std::function<void()> announce_;
  std::function<std::function<void()>()> gather_;  // what to write; the call of that writes it
  std::atomic<long long> step_{0}, saved_{0};
};

// Trains in `folder` (made if missing; locked, so that no other run writes there): log.jsonl, TensorBoard events,
// previews, checkpoints/step-N, LATEST, and model/ at the end. Continues from the newest complete checkpoint if there
// is one; a damaged one is skipped with a warning. `fingerprint` (the effective configuration) must equal that of the
// checkpoint, but for `steps`. On a cancelled token the step is finished, saved, and the result says so.
VGEN_API TrainResult train(Task& task, const TrainerOptions& options, const std::filesystem::path& folder,
                           const std::string& fingerprint, const CancelToken& cancel = {},
                           const OnProgress& progress = {}, Rescue* rescue = nullptr);

// Loads a part of a model folder as start values: float32 copies that require gradients. Parameters that the folder's
// model lacks (of a feature added since) keep their initial values, with a warning. WeightsError as load_part.
VGEN_API void start_from(const std::filesystem::path& folder, const std::string& part, nn::Module& module);

// Generator of one purpose of one micro-batch.
VGEN_API at::Generator step_generator(std::uint64_t seed, long long step, int part, int purpose = 0);

}  // namespace vgen::train
