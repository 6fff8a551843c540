// Internal to pipelines/: the names and shapes of one part, without what stands before them in its file.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "vgen/core/error.hpp"
#include "vgen/pipelines/layout.hpp"

namespace vgen::pipelines {

class PartView {
 public:
  PartView(const Shapes& shapes, const FoundPart& found) : shapes_(shapes), found_(found) {}
  const std::vector<std::int64_t>* find(const std::string& name) const {
    const auto at = shapes_.find(found_.prefix + name);
    return at == shapes_.end() ? nullptr : &at->second;
  }
  bool has(const std::string& name) const { return find(name) != nullptr; }
  std::int64_t size(const std::string& name, std::size_t axis) const {
    const auto* shape = find(name);
    VGEN_CHECK(shape, WeightsError, name_of(found_.part), " in ", name_of(found_.layout), " names: no tensor '",
               printable(found_.prefix + name), "'");
    VGEN_CHECK(axis < shape->size() && (*shape)[axis] >= 1, WeightsError, name_of(found_.part), ": '",
               printable(found_.prefix + name), "' has ", shape->size(), " dimensions, expected more than ", axis);
    return (*shape)[axis];
  }
  // How many of first.0, first.1, ... + rest there are.
  std::int64_t count(const std::string& first, const std::string& rest) const {
    std::int64_t n = 0;
    while (n < 4096 && has(str(first, static_cast<long>(n), rest))) ++n;
    return n;
  }
  Layout layout() const { return found_.layout; }
  // The spelling of this file's layout.
  std::string pick(std::string vgen, std::string reference, std::string diffusers) const {
    switch (found_.layout) {
      case Layout::vgen:
        return vgen;
      case Layout::reference:
        return reference;
      case Layout::diffusers:
        break;
    }
    return diffusers;
  }

 private:
  const Shapes& shapes_;
  const FoundPart& found_;
};

}  // namespace vgen::pipelines
