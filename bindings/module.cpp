// vgen._core: one submodule a folder. Names, defaults and texts come from the headers; nothing here computes.
#include <algorithm>
#include <atomic>
#include <csignal>
#include <iterator>

#include "bindings/common.hpp"

// torch's own pybind11 must be the one in use: with another, exceptions and tensors of torch are not understood
// (packaging.md).
static_assert(PYBIND11_INTERNALS_VERSION >= 11, "build against the pybind11 headers that torch bundles");

namespace vgen::bindings {

const char* doc(std::string_view name) {
  static constexpr std::pair<std::string_view, const char*> table[] = {
#include "docstrings.inc"
  };
  const auto found = std::ranges::lower_bound(table, name, {}, [](const auto& each) { return each.first; });
  if (found == std::end(table) || found->first != name)
    throw std::logic_error(str("bindings: no header declares ", name));
  return found->second;
}

// ---- Ctrl-C ----
namespace {
// Tokens of the calls that run on the main thread, outermost first. A token stays here until another takes its place,
// so that its flag lives as long as a signal handler may hold it.
constexpr int kDepth = 8;
CancelToken tokens[kDepth];
std::atomic<std::atomic<int>*> flags[kDepth];
std::atomic<int> depth{0};
struct sigaction before;  // Python's own action

extern "C" void on_sigint(int signal, siginfo_t* info, void* context) {
  for (int i = 0, n = std::min(depth.load(), kDepth); i < n; ++i)
    if (std::atomic<int>* flag = flags[i].load()) flag->store(signal);
  if (before.sa_flags & SA_SIGINFO) {
    before.sa_sigaction(signal, info, context);
  } else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
    before.sa_handler(signal);
  }
}

bool on_main_thread_with_default_handler() {
  static const py::handle signal = py::module_::import("signal").release();
  static const py::handle threading = py::module_::import("threading").release();
  return threading.attr("current_thread")().is(threading.attr("main_thread")()) &&
         signal.attr("getsignal")(SIGINT).is(signal.attr("default_int_handler"));
}
}  // namespace

Interruption::Interruption(CancelToken token) : token_(std::move(token)) {
  if (!on_main_thread_with_default_handler()) return;
  watched_ = true;
  const int level = depth.load();
  if (level < kDepth) {
    tokens[level] = token_;
    flags[level] = token_.raw();
  }
  depth = level + 1;
  if (level > 0) return;
  struct sigaction ours {};
  ours.sa_sigaction = on_sigint;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&ours.sa_mask);
  sigaction(SIGINT, &ours, &before);
}

Interruption::~Interruption() {
  if (!watched_) return;
  const int level = depth.load() - 1;
  depth = level;
  if (level > 0) return;
  struct sigaction now {};
  sigaction(SIGINT, nullptr, &now);
  if ((now.sa_flags & SA_SIGINFO) && now.sa_sigaction == on_sigint) sigaction(SIGINT, &before, nullptr);
}

void Interruption::raise_if_signalled() const {
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
  if (!watched_ || !token_.cancelled()) return;
  PyErr_SetNone(PyExc_KeyboardInterrupt);
  throw py::error_already_set();
}

bool Interruption::signalled() {
  for (int i = 0, n = std::min(depth.load(), kDepth); i < n; ++i)
    if (const std::atomic<int>* flag = flags[i].load(); flag && *flag) return true;
  return false;
}

void bind_annotators(py::module_& m);  // the second half of the folder conditioning

}  // namespace vgen::bindings

PYBIND11_MODULE(_core, m) {
  using namespace vgen::bindings;
  m.doc() = "The C++ library of vgen: one submodule a folder. Use it through vgen.samplers, vgen.unet, ...";
  bind_core(m);
  const auto folder = [&](const char* name, void (*bind)(py::module_&)) {
    py::module_ sub = m.def_submodule(name, doc(name));
    bind(sub);
    return sub;
  };
  folder("schedulers", bind_schedulers);
  folder("text", bind_text);
  folder("video", bind_video);
  folder("data", bind_data);
  folder("metrics", bind_metrics);
  folder("diffusion", bind_diffusion);
  folder("samplers", bind_samplers);
  folder("nn", bind_nn);
  folder("unet", bind_unet);
  folder("vae", bind_vae);
  folder("adapters", bind_adapters);
  py::module_ conditioning = folder("conditioning", bind_conditioning);
  bind_annotators(conditioning);
  folder("weights", bind_weights);
  folder("pipelines", bind_pipelines);
  folder("train", bind_train);
  folder("parity", bind_parity);
}
