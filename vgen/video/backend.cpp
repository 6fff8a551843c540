#include "vgen/video/backend.hpp"

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "vgen/core/log.hpp"
#include "vgen/video/ffmpeg_api.hpp"

namespace vgen::video {
namespace {

struct Loaded {
  BackendStatus status;
  const ffmpeg_api::Api* api = nullptr;
};

std::vector<std::filesystem::path> candidates() {
  if (const char* only = std::getenv("VGEN_VIDEO_BACKEND"); only && *only) return {only};
  std::vector<std::filesystem::path> out;
  Dl_info here{};
  if (!dladdr(reinterpret_cast<const void*>(&backend_status), &here) || !here.dli_fname) return out;
  std::error_code ignored;
  // For the main program the name is argv[0], which may be relative to another folder.
  const std::filesystem::path binary = here.dli_fname[0] == '/' ? here.dli_fname : "/proc/self/exe";
  const auto folder = std::filesystem::canonical(binary, ignored).parent_path();
  if (folder.empty()) return out;
  // Beside the library (wheel), in ../lib (installed program), in the build tree (a program or test there).
  for (const char* where : {".", "../lib", "../vgen", "../../vgen"})
    for (int major = 8; major >= 4; --major) {
      auto path = (folder / where / str("libvgen_video_ffmpeg", major, ".so")).lexically_normal();
      if (std::filesystem::exists(path, ignored)) out.push_back(std::move(path));
    }
  return out;
}

Loaded load() {
  Loaded out;
  const auto files = candidates();
  if (files.empty()) out.status.text = "this build of vgen has no FFmpeg back end beside it";
  for (const auto& file : files) {
    // Local scope: its codec libraries must not interpose on others of the same name in the process.
    void* handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle) {
      const char* why = dlerror();
      out.status.text = printable(why ? why : "cannot be opened", 300);
      continue;
    }
    using Entry = const ffmpeg_api::Api* (*)();
    const auto entry = reinterpret_cast<Entry>(dlsym(handle, ffmpeg_api::entry_point));
    const auto* api = entry ? entry() : nullptr;
    if (api && api->version == ffmpeg_api::version) {
      out.status = {true, api->libraries, file};
      out.api = api;
      break;
    }
    out.status.text = file.string() + " belongs to another version of vgen";
    dlclose(handle);
  }
  log::debug("video: ", out.status.available ? "using " : "no FFmpeg library: ", out.status.text);
  return out;
}

const Loaded& loaded() {
  static const Loaded once = load();
  return once;
}

}  // namespace

const BackendStatus& backend_status() { return loaded().status; }

const ffmpeg_api::Api& backend(const std::string& what) {
  const Loaded& l = loaded();
  VGEN_CHECK(l.api, Unavailable, what, ": FFmpeg is needed and cannot be used (", l.status.text, "). ",
             ffmpeg_advice());
  return *l.api;
}

std::filesystem::path ffmpeg_program() {
  if (const char* given = std::getenv("VGEN_FFMPEG"); given && *given) return access(given, X_OK) == 0 ? given : "";
  const char* path = std::getenv("PATH");
  std::error_code ignored;
  for (std::string_view rest = path ? path : ""; !rest.empty();) {
    const auto folder = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(rest.size(), folder.size() + 1));
    if (folder.empty() || folder[0] != '/') continue;  // never a program from the working directory
    const auto file = std::filesystem::path(folder) / "ffmpeg";
    if (access(file.c_str(), X_OK) == 0 && std::filesystem::is_regular_file(file, ignored)) return file;
  }
  return {};
}

std::string ffmpeg_advice() {
  return "Install it: apt-get install ffmpeg (Debian, Ubuntu; reading and writing) or pip install imageio-ffmpeg and "
         "set VGEN_FFMPEG to its program "
         "(writing only). Without FFmpeg .gif, .png, .apng and .y4m still work";
}

}  // namespace vgen::video
