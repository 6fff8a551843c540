#include "vgen/core/log.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <cstdlib>
#include <mutex>

namespace vgen::log {
namespace {

Level level_from_environment() {
  const char* text = std::getenv("VGEN_LOG");
  const std::string_view name = text ? text : "";
  return name == "debug"   ? Level::debug
         : name == "info"  ? Level::info
         : name == "error" ? Level::error
         : name == "off"   ? Level::off
                           : Level::warn;
}
std::atomic<Level>& threshold() {
  static std::atomic<Level> level{level_from_environment()};
  return level;
}
std::mutex& sink_mutex() {
  static std::mutex m;
  return m;
}
std::function<void(Level, std::string_view)>& custom_sink() {
  static std::function<void(Level, std::string_view)> sink;
  return sink;
}
spdlog::logger& logger() {
  static auto instance = [] {
    auto l = std::make_shared<spdlog::logger>("vgen", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    l->set_pattern("[%H:%M:%S] %^%l%$ %v");
    l->set_level(spdlog::level::trace);
    return l;
  }();
  return *instance;
}

}  // namespace

bool enabled(Level level) { return level >= threshold().load(std::memory_order_relaxed) && level != Level::off; }
void set_level(Level level) { threshold() = level; }
void set_sink(std::function<void(Level, std::string_view)> sink) {
  const std::scoped_lock lock(sink_mutex());
  custom_sink() = std::move(sink);
}

void write(Level level, std::string_view message) {
  if (!enabled(level)) return;
  std::function<void(Level, std::string_view)> sink;
  {
    const std::scoped_lock lock(sink_mutex());
    sink = custom_sink();
  }
  if (sink) return sink(level, message);  // without the lock: a sink may wait for a lock of its own (Python's)
  static constexpr spdlog::level::level_enum map[] = {spdlog::level::debug, spdlog::level::info, spdlog::level::warn,
                                                      spdlog::level::err, spdlog::level::off};
  logger().log(map[static_cast<int>(level)], spdlog::string_view_t(message.data(), message.size()));
}

}  // namespace vgen::log
