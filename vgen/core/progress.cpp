#include "vgen/core/progress.hpp"

namespace vgen {

void CancelToken::check(std::string_view who) const {
  const int signal = flag_->load(std::memory_order_relaxed);
  if (signal == 0) return;
  throw Interrupted(str(who, ": stopped on request; nothing was left half-written"),
                    signal == 15 ? Exit::terminated : Exit::interrupted);
}

}  // namespace vgen
