#include "vgen/nn/kernels.hpp"

#include <atomic>
#include <cstdlib>
#include <string_view>

namespace vgen::nn::kernels {

bool supported(Level level) {
#if defined(__x86_64__)
  switch (level) {
    case Level::avx512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
    case Level::avx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case Level::generic:
      return true;
  }
#endif
  return level == Level::generic;
}

static Level best() {
  const char* wish = std::getenv("VGEN_CPU");
  const std::string_view name = wish ? wish : "";
  const Level limit = name == "generic" ? Level::generic : name == "avx2" ? Level::avx2 : Level::avx512;
  for (const Level l : {Level::avx512, Level::avx2})
    if (l <= limit && supported(l)) return l;
  return Level::generic;
}

static std::atomic<Level>& current() {
  static std::atomic<Level> level = best();
  return level;
}

Level level() { return current().load(std::memory_order_relaxed); }
void set_level(Level level) { current().store(supported(level) ? level : Level::generic, std::memory_order_relaxed); }

const Table& table(Type type) {
#if defined(__x86_64__)
  switch (level()) {
    case Level::avx512:
      return avx512::table(type);
    case Level::avx2:
      return avx2::table(type);
    case Level::generic:
      break;
  }
#endif
  return generic::table(type);
}

const Products& products() {
#if defined(__x86_64__)
  switch (level()) {
    case Level::avx512:
      return avx512::products();
    case Level::avx2:
      return avx2::products();
    case Level::generic:
      break;
  }
#endif
  return generic::products();
}

}  // namespace vgen::nn::kernels
