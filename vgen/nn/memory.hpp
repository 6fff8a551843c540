// Reuse of large CPU blocks. The system's allocator gives every activation fresh pages, which the kernel must clear: a
// quarter of the time of a training step. With the cache on, freed blocks of 64 KiB and more are kept and given out
// again.
#pragma once
#include <cstdint>

#include "vgen/core/error.hpp"

namespace vgen::nn {

// Turns the cache on or off for the whole process (it becomes the allocator of ATen's CPU tensors). Turning off frees
// what is cached; tensors made before stay valid. Memory in use and cached together stay below 1.25 times the peak in
// use.
VGEN_API void cache_memory(bool on);
VGEN_API void release_cached_memory();

struct MemoryUse {
  std::int64_t used = 0, cached = 0;  // bytes in blocks of 64 KiB and more, made with the cache on
};
VGEN_API MemoryUse memory_use();

}  // namespace vgen::nn
