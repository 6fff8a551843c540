// How strongly an injection acts, and in which steps of a run: one value that all of its parts share.
#pragma once
#include <limits>

namespace vgen::adapters {

struct Strength {
  double scale = 1;
  int first = 0, last = std::numeric_limits<int>::max();  // steps of a sampling run, counted from 0, both included
  int step = 0;                                           // where the run is
  double now() const { return first <= step && step <= last ? scale : 0; }
  bool always() const { return first <= 0 && last == std::numeric_limits<int>::max(); }
};

}  // namespace vgen::adapters
