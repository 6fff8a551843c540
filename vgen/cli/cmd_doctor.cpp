// vgen doctor: what is here, what is missing and what to do about it. Exit 0 unless something makes vgen unusable.
#include <ATen/Parallel.h>
#include <dlfcn.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "vgen/cli/backend.hpp"
#include "vgen/cli/system.hpp"
#include "vgen/version.hpp"
#include "vgen/video/backend.hpp"

namespace vgen::cli {
namespace fs = std::filesystem;
namespace {

template <class Function>
fs::path library_of(Function* function) {
  Dl_info info{};
  if (!dladdr(reinterpret_cast<const void*>(function), &info) || !info.dli_fname) return {};
  std::error_code ec;
  return fs::weakly_canonical(info.dli_fname, ec);
}

Finding torch() {
  const fs::path library = library_of(&at::get_num_threads);
  const std::string found = torch_version(library.parent_path().parent_path()), built = build_info().torch;
  Finding f{"torch", str(found.empty() ? "unknown version" : found, " (built for ", built, "), ", library.string())};
  if (!found.starts_with(built + "."))
    f.health = Health::bad, f.fix = str("pip install 'torch==", built, ".*', or rebuild vgen");
  return f;
}

Finding threads() {
  const int n = at::get_num_threads();
  std::string from;
  for (const char* name : {"OMP_NUM_THREADS", "MKL_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT"})
    if (const char* value = std::getenv(name)) from += str(from.empty() ? " (" : ", ", name, "=", printable(value, 40));
  return {"threads", str(n, from.empty() ? "" : from + ")")};
}

Finding ffmpeg() {
  const video::BackendStatus& status = video::backend_status();
  if (status.available) return {"ffmpeg", str(status.text, ", ", status.library.string())};
  const fs::path program = video::ffmpeg_program();
  if (!program.empty())
    return {"ffmpeg", str("writing through the program ", program.string(), "; ", status.text), Health::note,
            video::ffmpeg_advice()};
  return {"ffmpeg", status.text, Health::note, video::ffmpeg_advice()};
}

Finding cuda() {
  const bool kernels = fs::exists(library_of(&build_info).parent_path() / "libvgen_cuda.so");
  const bool device = fs::exists("/dev/nvidia0");
  if (device && !kernels)
    return {"cuda", "a GPU is here, but this build has no CUDA kernels", Health::note, "rebuild with -DVGEN_CUDA=ON"};
  return {"cuda", device    ? "GPU and kernels found"
                  : kernels ? "kernels found, no GPU: computing on the CPU"
                            : "no GPU, no kernels: computing on the CPU"};
}

}  // namespace

int cmd_doctor(Invocation& in) {
  const BuildInfo& build = build_info();
  std::vector<Finding> findings = {
      {"vgen", str(build.version, ", ", build.type, ", ", build.compiler, ", ", library_of(&build_info).string())}};
  for (Finding& f : machine()) findings.push_back(std::move(f));
  for (Finding f : {threads(), torch(), ffmpeg(), cuda()}) findings.push_back(std::move(f));
  const bool ok = std::ranges::none_of(findings, [](const Finding& f) { return f.health == Health::bad; });
  std::string text = to_text(findings);
  text.pop_back();
  in.console.print(text + (ok ? "\nvgen can run here." : "\nvgen cannot run here; see BAD."));
  in.console.result(to_node(findings));
  return static_cast<int>(ok ? Exit::ok : Exit::unavailable);
}

}  // namespace vgen::cli
