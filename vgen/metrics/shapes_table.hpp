// Shares of right answers over many judged clips: what `vgen eval shapes` prints and a model card states.
#pragma once
#include <map>
#include <string>

#include "vgen/metrics/shapes_judge.hpp"

namespace vgen::metrics {

struct VGEN_API ShapesTable {
  int clips = 0;
  std::map<std::string, int> right;  // colour, shape, size, motion, speed, background, coherent, all, everything

  void add(const ShapesScore& s) {
    ++clips;
    for (const auto& [name, ok] : {std::pair{"colour", s.colour},
                                   {"shape", s.shape},
                                   {"size", s.size},
                                   {"motion", s.motion},
                                   {"speed", s.speed},
                                   {"background", s.background},
                                   {"coherent", s.coherent},
                                   {"all", s.all},
                                   {"everything", s.everything}})
      right[name] += ok;
  }
  double share(const std::string& name) const {
    const auto found = right.find(name);
    return clips && found != right.end() ? static_cast<double>(found->second) / clips : 0;
  }
};

}  // namespace vgen::metrics
