#include "vgen/unet/declared.hpp"

#include <algorithm>

#include "vgen/unet/feature.hpp"

namespace vgen::unet {

std::vector<std::string> declared_conditions(const UNetOptions& options) {
  validate(options);
  std::vector<std::string> names;
  const auto add = [&](const auto& features) {
    for (const auto& each : features)
      for (const std::string& name : make_feature(each, options)->conditions())
        if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  };
  add(options.embeddings);
  add(options.context);
  add(options.stem);
  return names;
}

}  // namespace vgen::unet
