// Numbers for people.
#pragma once
#include <string>

#include "vgen/core/error.hpp"

namespace vgen::cli {

// 1411233860 -> "1,411,233,860"
inline std::string grouped(long long value) {
  const std::string digits = str(value);
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out;
}

}  // namespace vgen::cli
