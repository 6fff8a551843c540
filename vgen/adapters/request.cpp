#include "vgen/adapters/request.hpp"

#include <charconv>
#include <cmath>
#include <optional>

#include "vgen/core/log.hpp"

namespace vgen::adapters {
namespace {

template <class T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return {};
  return value;
}

}  // namespace

AdapterRequest adapter_request(std::string_view text) {
  AdapterRequest r;
  const std::string all(text);
  if (const std::size_t at = text.rfind('@'); at != std::string_view::npos) {
    const std::string_view steps = text.substr(at + 1);
    if (const std::size_t dots = steps.find(".."); dots != std::string_view::npos) {
      const auto first = number<int>(steps.substr(0, dots)), last = number<int>(steps.substr(dots + 2));
      if (first && last) {
        VGEN_CHECK(*first >= 0 && *last >= *first, ConfigError, "adapter '", printable(all),
                   "': steps must be first..last with 0 <= first <= last, as in @0..30");
        r.first_step = *first;
        r.last_step = *last;
        text = text.substr(0, at);
      }
    }
  }
  if (const std::size_t at = text.rfind(':'); at != std::string_view::npos)
    if (const auto scale = number<double>(text.substr(at + 1))) {
      VGEN_CHECK(std::isfinite(*scale), ConfigError, "adapter '", printable(all), "': scale must be a finite number");
      r.scale = *scale;
      text = text.substr(0, at);
    }
  VGEN_CHECK(!text.empty(), ConfigError, "adapter '", printable(all),
             "': names no file; expected FILE[:scale][@first..last]");
  r.file = std::string(text);
  return r;
}

Injection inject(std::shared_ptr<unet::UNet> unet, const AdapterRequest& request, const InjectOptions& options) {
  InjectOptions with = options;
  with.scale = request.scale;
  Injection made = inject(std::move(unet), load(request.file), with);
  made.set_steps(request.first_step, request.last_step);
  log::info(printable(request.file, 400), ": ", made.report().text(0));
  return made;
}

}  // namespace vgen::adapters
