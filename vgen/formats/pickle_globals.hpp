// Which names a pickle may mention. Internal to formats.
#pragma once
#include <string_view>

namespace vgen::formats::detail {

// True for names that a checkpoint has no honest use for: everything in Python's standard library except a few plain
// data classes, and the parts of other packages that run, load or fetch things. Being outside this list does not make a
// name run: nothing ever runs.
bool dangerous_global(std::string_view module, std::string_view name);

}  // namespace vgen::formats::detail
