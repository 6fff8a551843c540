// profile CONFIG [STEPS]: time of the steps of a training run and, for each ATen operator and autograd node, its own
// share.
#include <ATen/record_function.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "vgen/formats/yaml.hpp"
#include "vgen/train/config.hpp"

namespace {

using Clock = std::chrono::steady_clock;
struct Row {
  double own = 0;
  long long calls = 0;
};
std::map<std::string, Row> table;
thread_local std::vector<double> inner;  // time of the operators inside, one entry per nesting level

struct Entry : at::ObserverContext {
  Clock::time_point start = Clock::now();
};

std::unique_ptr<at::ObserverContext> enter(const at::RecordFunction&) {
  inner.push_back(0);
  return std::make_unique<Entry>();
}
void leave(const at::RecordFunction& f, at::ObserverContext* context) {
  const double whole = std::chrono::duration<double>(Clock::now() - static_cast<Entry*>(context)->start).count();
  const double within = inner.back();
  inner.pop_back();
  if (!inner.empty()) inner.back() += whole;
  Row& row = table[f.name()];
  row.own += whole - within;
  ++row.calls;
}

}  // namespace

int main(int count, char** arguments) {
  using namespace vgen;
  if (count < 2) {
    std::fprintf(stderr, "usage: profile CONFIG [STEPS]\n");
    return 2;
  }
  const std::string path = arguments[1];
  const long long steps = count > 2 ? std::atoll(arguments[2]) : 5;
  auto config = read<train::TrainConfig>(formats::read_config_file(path), {path, ""});
  if (auto* t2v = std::get_if<train::TextToVideoTaskOptions>(&config.task)) {
    t2v->clips = std::max(64, t2v->batch);
    if (const char* vae = std::getenv("VAE")) t2v->autoencoder = vae;
  }
  config.trainer.steps = steps + 3;
  config.trainer.log_every = config.trainer.checkpoint_every = 1 << 20;
  config.trainer.sample_every = 0;
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / "vgen_profile";
  std::filesystem::remove_all(folder);

  std::vector<double> times;
  double last = 0;
  at::CallbackHandle handle = 0;
  train::run(config, folder, {}, [&](const ProgressEvent& p) {
    times.push_back(p.seconds - last);
    last = p.seconds;
    if (times.size() == 3)  // the first steps fill caches
      handle = at::addGlobalCallback(
          at::RecordFunctionCallback(enter, leave)
              .scopes({at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION, at::RecordScope::USER_SCOPE}));
  });
  at::removeCallback(handle);
  std::filesystem::remove_all(folder);
  std::vector<std::pair<double, std::string>> rows;
  for (const auto& [name, row] : table) rows.emplace_back(row.own, name);
  std::sort(rows.rbegin(), rows.rend());
  std::sort(times.begin() + 3, times.end());
  std::printf("step: least %.1f ms, median %.1f ms\n%9s %9s  own time a step\n", times[3] * 1e3,
              times[3 + times.size() / 2 - 2] * 1e3, "ms", "calls");
  double sum = 0;
  for (const auto& [own, name] : rows) {
    sum += own;
    if (own > rows[0].first / 100)
      std::printf("%9.2f %9.1f  %s\n", own * 1e3 / double(steps), double(table[name].calls) / double(steps),
                  name.c_str());
  }
  std::printf("%9.2f            all\n", sum * 1e3 / double(steps));
}
