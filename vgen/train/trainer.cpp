#include "vgen/train/trainer.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <csignal>

#include "vgen/core/atomic_file.hpp"
#include "vgen/core/folder_lock.hpp"
#include "vgen/core/log.hpp"
#include "vgen/pipelines/model_part.hpp"
#include "vgen/train/checkpoint.hpp"

namespace vgen::train {
namespace fs = std::filesystem;

at::Generator step_generator(std::uint64_t seed, long long step, int part, int purpose) {
  std::uint64_t z = seed;
  for (const std::uint64_t word :
       {static_cast<std::uint64_t>(step), static_cast<std::uint64_t>(part), static_cast<std::uint64_t>(purpose)}) {
    z += 0x9E3779B97F4A7C15ull + word;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    z ^= z >> 31;
  }
  return make_generator(z);
}

void start_from(const fs::path& folder, const std::string& part, nn::Module& module) {
  const weights::AuditReport report =
      pipelines::load_part(folder, part, module, {.dtype = at::kFloat, .ignore_missing = true});
  if (!report.missing.empty())
    log::warn("start: ", report.missing.size(), " parameters of the ", part, " are not in ",
              printable(folder.string(), 400), " and keep their initial values; first: ", report.missing.front());
  module.each_parameter([](const std::string&, Tensor& t) { t = t.detach().clone().requires_grad_(true); });
}

int Rescue::save_in_child(double patience) {
  if (!changing_.try_lock_for(std::chrono::duration<double>(patience))) return 0;  // and never unlocked
  if (!gather_ || step_ == saved_) return 0;
  announce_();
  const std::function<void()> save = gather_();  // here: no device can be asked after a fork
  const pid_t child = fork();
  if (child != 0) return child > 0 ? child : 0;
  // Only this thread lives on here: no torch arithmetic, nothing but files. Whoever waits for the parent's output or
  // its terminal must not wait for us.
  setsid();
  alarm(600);
  const int null = open("/dev/null", O_RDONLY);
  for (const int standard : {0, 1, 2}) dup2(null, standard);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) std::signal(signal, SIG_IGN);
  try {
    save();
    _exit(0);
  } catch (...) { _exit(static_cast<int>(Exit::io)); }
}

namespace {

// What a killed run has left half-written. Only called under the folder's lock.
void remove_leftovers(const fs::path& folder) {
  std::error_code ec;
  for (const fs::path& place : {folder, folder / "checkpoints"})
    for (fs::directory_iterator it(place, ec), end; !ec && it != end; it.increment(ec))
      if (it->path().extension() == ".part") fs::remove_all(it->path(), ec);
}

void validate(const TrainerOptions& o) {
  VGEN_CHECK(o.steps >= 1, ConfigError, "trainer: steps must be >= 1, got ", o.steps);
  VGEN_CHECK(o.accumulate >= 1, ConfigError, "trainer: accumulate must be >= 1, got ", o.accumulate);
  VGEN_CHECK(o.ema_decay >= 0 && o.ema_decay < 1, ConfigError, "trainer: ema_decay must be in [0, 1), got ",
             o.ema_decay);
  VGEN_CHECK(o.log_every >= 1 && o.checkpoint_every >= 1 && o.keep_checkpoints >= 1, ConfigError,
             "trainer: log_every, checkpoint_every and keep_checkpoints must be >= 1");
}

// The weights in their three forms. `live` are the task's tensors; `master` the float32 ones that the optimiser moves
// (the same tensors in fp32); `average` the EMA.
struct Weights {
  Parameters live;
  std::vector<Tensor> master, average;

  void publish() {  // master -> live
    if (shared()) return;
    for (std::size_t i = 0; i < live.size(); ++i) live[i].second.detach().copy_(master[i]);
  }
  bool shared() const { return !live.empty() && master[0].is_same(live[0].second); }
  // Runs f with `values` in the live tensors; what belongs there is in `displaced` meanwhile. The changes are made
  // under `lock`, f runs without it.
  std::vector<Tensor> displaced;
  template <class Lock, class F>
  auto with(const std::vector<Tensor>& values, Lock& lock, F&& f) {
    const at::NoGradGuard off;
    lock.lock();
    for (std::size_t i = 0; i < live.size(); ++i) {
      displaced.push_back(live[i].second.detach().clone());
      live[i].second.detach().copy_(values[i]);
    }
    lock.unlock();
    const auto restore = [&] {
      lock.lock();
      for (std::size_t i = 0; i < live.size(); ++i) live[i].second.detach().copy_(displaced[i]);
      displaced.clear();
      lock.unlock();
    };
    try {
      auto result = f();
      restore();
      return result;
    } catch (...) {
      restore();
      throw;
    }
  }
};

// AdamW for all parameters, or Muon for the matrices and AdamW for the rest; places in Weights::live say which.
struct Optimizers {
  std::vector<std::size_t> by_adamw, by_muon;
  AdamW adamw;
  std::optional<Muon> muon;

  Optimizers(const Weights& w, const TrainerOptions& o)
      : by_adamw(places(w, o, false)), by_muon(places(w, o, true)), adamw(chosen(w, by_adamw), o.adamw) {
    if (o.muon) muon.emplace(chosen(w, by_muon), *o.muon);
  }
  void step(double rate) {
    adamw.step(rate);
    if (muon) muon->step(rate);
  }

 private:
  static std::vector<std::size_t> places(const Weights& w, const TrainerOptions& o, bool of_muon) {
    std::vector<std::size_t> out;
    for (std::size_t i = 0; i < w.live.size(); ++i)
      if ((o.muon && moved_by_muon(w.live[i].first, w.live[i].second, *o.muon)) == of_muon) out.push_back(i);
    return out;
  }
  static std::vector<Tensor> chosen(const Weights& w, const std::vector<std::size_t>& at) {
    std::vector<Tensor> out;
    for (const std::size_t i : at) out.push_back(w.master[i]);
    return out;
  }
};

// Every tensor of a checkpoint by name.
template <class F>
void each_saved(const Weights& w, Optimizers& o, const F& f) {
  const auto all = [&](const char* prefix, const std::vector<Tensor>& tensors, const std::vector<std::size_t>* at) {
    for (std::size_t i = 0; i < tensors.size(); ++i) f(prefix + w.live[at ? (*at)[i] : i].first, tensors[i]);
  };
  all("model/", w.shared() && !w.displaced.empty() ? w.displaced : w.master, nullptr);
  all("ema/", w.average, nullptr);
  all("adam1/", o.adamw.first_moments(), &o.by_adamw);
  all("adam2/", o.adamw.second_moments(), &o.by_adamw);
  if (o.muon) all("muon/", o.muon->momenta(), &o.by_muon);
}

}  // namespace

TrainResult train(Task& task, const TrainerOptions& o, const fs::path& folder, const std::string& fingerprint,
                  const CancelToken& cancel, const OnProgress& progress, Rescue* rescue) {
  validate(o);
  std::error_code ec;
  fs::create_directories(folder, ec);
  VGEN_CHECK(!ec, IoError, "trainer: cannot make folder ", folder.string(), ": ", ec.message());
  FolderLock lock(folder);
  remove_leftovers(folder);

  Weights w;
  w.live = task.parameters();
  std::size_t bytes = 0;
  for (auto& [name, tensor] : w.live) {
    const bool half = tensor.scalar_type() != at::kFloat;
    w.master.push_back(half ? tensor.detach().to(at::kFloat) : tensor);
    tensor.requires_grad_(true);
    bytes += static_cast<std::size_t>(tensor.numel()) * 4;
  }
  if (o.ema_decay > 0)
    for (const Tensor& t : w.master) w.average.push_back(t.detach().clone());
  const std::size_t need = bytes * (3 + (o.ema_decay > 0));
  expect_writable(folder, need + need / 5);

  Optimizers optimizer(w, o);
  TrainResult result;
  const fs::path checkpoints = folder / "checkpoints";

  // ---- resume ----
  if (auto c = read_newest_checkpoint(checkpoints)) {
    const std::string& theirs = c->state.at("fingerprint").as_string();
    VGEN_CHECK(theirs == fingerprint, ConfigError, "trainer: ", checkpoints.string(),
               " holds a run with another configuration (", theirs, ", now ", fingerprint,
               "); use another --out, or the configuration it was started with");
    std::map<std::string, Tensor> by_name(c->tensors.begin(), c->tensors.end());
    const at::NoGradGuard off;
    each_saved(w, optimizer, [&](const std::string& name, const Tensor& into) {
      const auto found = by_name.find(name);
      VGEN_CHECK(found != by_name.end() && found->second.sizes() == into.sizes(), CheckpointError,
                 "trainer: checkpoint of step ", c->step, " lacks ", name);
      into.detach().copy_(found->second);
    });
    w.publish();
    result.step = c->step;
    result.bad_steps = c->state.at("bad_steps").as_int();
    optimizer.adamw.set_steps(c->state.at("optimizer_steps").as_int());
    log::info("trainer: continuing after step ", c->step);
  }
  if (result.step < o.steps) task.prepare(cancel, progress);

  EventLog events(folder, result.step);
  const auto checkpoint = [&] {
    Checkpoint c;
    c.step = result.step;
    c.state = Node::map({{"fingerprint", Node(fingerprint)},
                         {"seed", Node(str(o.seed))},
                         {"bad_steps", Node(static_cast<std::int64_t>(result.bad_steps))},
                         {"optimizer_steps", Node(static_cast<std::int64_t>(optimizer.adamw.steps()))}});
    each_saved(w, optimizer, [&](const std::string& name, const Tensor& tensor) {
      c.tensors.emplace_back(name, tensor.detach().cpu());
    });
    return c;
  };
  const auto save = [&](const Checkpoint& c) {
    write_checkpoint(checkpoints, c, o.keep_checkpoints);
    if (rescue) rescue->saved_ = c.step;
  };
  const std::vector<Tensor>& best = w.average.empty() ? w.master : w.average;

  // ---- steps ----
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
  const long long first = result.step;
  Rescue unused;
  Rescue& way_out = rescue ? *rescue : unused;
  way_out.step_ = way_out.saved_ = result.step;
  way_out.announce_ = [&] { lock.finishing(); };
  way_out.gather_ = [&] { return [&, c = checkpoint()] { save(c); }; };
  struct Closed {  // what it refers to ends with this function
    Rescue& it;
    ~Closed() {
      const std::scoped_lock lock(it.changing_);
      it.gather_ = nullptr;
    }
  } closed{way_out};
  if (progress) progress({"train", first, o.steps, 0});
  int bad_in_a_row = 0;
  while (result.step < o.steps && !cancel.cancelled()) {
    const long long step = result.step + 1;
    double loss_sum = 0;
    for (int part = 0; part < o.accumulate; ++part) {
      const at::AutoGradMode on(true);
      Tensor loss = task.loss(o.seed, step, part) / o.accumulate;
      loss.backward();
      loss_sum += loss.item<double>();  // only now: a device is waited for once
    }
    double norm = 0;
    {
      const at::NoGradGuard off;
      if (!w.shared()) {
        for (std::size_t i = 0; i < w.live.size(); ++i) {
          Tensor& gradient = w.live[i].second.mutable_grad();
          if (gradient.defined()) w.master[i].mutable_grad() = gradient.to(at::kFloat);
          gradient.reset();
        }
      }
      norm = clip_gradients(w.master, o.clip_norm);
    }
    const double rate = learning_rate(o.learning_rate, step - 1);
    std::unique_lock changing(way_out.changing_);
    if (std::isfinite(loss_sum) && std::isfinite(norm)) {
      optimizer.step(rate);
      w.publish();
      if (!w.average.empty()) {
        const double n = static_cast<double>(step);
        update_average(w.average, w.master, o.ema_warmup ? std::min(o.ema_decay, (1 + n) / (10 + n)) : o.ema_decay);
      }
      bad_in_a_row = 0;
    } else {
      ++result.bad_steps;
      log::warn("trainer: step ", step, " gave loss ", loss_sum, ", gradient norm ", norm, "; skipped");
      VGEN_CHECK(++bad_in_a_row < o.max_bad_steps, NumericsError, "trainer: ", bad_in_a_row,
                 " steps in a row up to step ", step, " gave NaN or Inf; the last good checkpoint is in ",
                 checkpoints.string(), "; lower the learning rate or set clip_norm");
    }
    for (const Tensor& p : w.master) p.mutable_grad().reset();
    result.step = way_out.step_ = step;
    result.last_loss = loss_sum;
    const bool last = step == o.steps;
    if (step % o.log_every == 0 || last)
      events.scalars(step, {{"loss", loss_sum},
                            {"lr", rate},
                            {"gradient_norm", norm},
                            {"seconds_per_step", elapsed() / static_cast<double>(step - first)}});
    changing.unlock();  // only now may a signal save this step: the run that goes on would never log it

    if (o.sample_every > 0 && (step % o.sample_every == 0 || last)) {
      const auto scores = w.with(best, changing, [&] { return task.preview(step, folder, events); });
      if (!scores.empty()) events.scalars(step, scores);
    }
    if (step % o.checkpoint_every == 0 || last) save(checkpoint());
    if (progress) progress({"train", step, o.steps, elapsed()});
  }

  result.finished = result.step >= o.steps;
  if (!result.finished && result.step > first && result.step % o.checkpoint_every != 0) save(checkpoint());
  if (result.finished) {
    Parameters weights;
    for (std::size_t i = 0; i < best.size(); ++i) weights.emplace_back(w.live[i].first, best[i].detach().cpu());
    task.save(folder / "model", weights);
  }
  return result;
}

}  // namespace vgen::train
