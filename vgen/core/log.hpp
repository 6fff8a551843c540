// Logging facade: five lines of interface, spdlog only in log.cpp. Off below `warn` unless VGEN_LOG or set_level says
// so.
#pragma once
#include <functional>
#include <string>
#include <string_view>

#include "vgen/core/error.hpp"

namespace vgen::log {

enum class Level { debug, info, warn, error, off };

VGEN_API void write(Level level, std::string_view message);
VGEN_API bool enabled(Level level);
VGEN_API void set_level(Level level);
// Sends records to `sink` instead of standard error (Python logging uses it); an empty function restores the default.
VGEN_API void set_sink(std::function<void(Level, std::string_view)> sink);

template <class... P>
void debug(const P&... p) {
  if (enabled(Level::debug)) write(Level::debug, str(p...));
}
template <class... P>
void info(const P&... p) {
  if (enabled(Level::info)) write(Level::info, str(p...));
}
template <class... P>
void warn(const P&... p) {
  if (enabled(Level::warn)) write(Level::warn, str(p...));
}
template <class... P>
void error(const P&... p) {
  if (enabled(Level::error)) write(Level::error, str(p...));
}

}  // namespace vgen::log
