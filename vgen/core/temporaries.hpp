// The files that this process is writing and has not committed (core/atomic_file.hpp).
#pragma once
#include "vgen/core/export.hpp"

namespace vgen {

// For a process that must end at once, with _exit(), whatever its threads are doing: removes them, and lets nothing be
// committed any more (a thread that tries waits for ever).
VGEN_API void discard_temporaries() noexcept;

}  // namespace vgen
