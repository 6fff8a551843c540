#include "vgen/nn/memory.hpp"

#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <vector>

namespace vgen::nn {
namespace {

constexpr std::size_t kLarge = std::size_t(1) << 16, kHeader = 64, kHugePage = std::size_t(1) << 21;

// Precedes every block, so that a block can be freed by its address alone. `capacity` 0: too small to cache.
struct Header {
  std::size_t capacity;
  void* base;
};
Header* header_of(void* data) { return reinterpret_cast<Header*>(static_cast<char*>(data) - kHeader); }

void* fresh(std::size_t capacity, bool large) {
  const std::size_t total = capacity + kHeader;
  void* base = nullptr;
  const bool huge = total >= 2 * kHugePage;
  if (posix_memalign(&base, huge ? kHugePage : kHeader, total) != 0) return nullptr;
  if (huge) madvise(base, total, MADV_HUGEPAGE);
  void* data = static_cast<char*>(base) + kHeader;
  *header_of(data) = {large ? capacity : 0, base};
  return data;
}

class Cache final : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t n) override {
    void* data = n ? take(n) : nullptr;
    return {data, data, &give, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &give; }
  void copy_data(void* to, const void* from, std::size_t n) const override { std::memcpy(to, from, n); }

  void keep(bool on) {
    const std::lock_guard lock(mutex_);
    keep_ = on;
    if (!on) shrink(0);
  }
  void release() {
    const std::lock_guard lock(mutex_);
    shrink(0);
  }
  MemoryUse use() {
    const std::lock_guard lock(mutex_);
    return {static_cast<std::int64_t>(used_), static_cast<std::int64_t>(cached_)};
  }
  static Cache& instance() {
    static Cache* cache = new Cache;  // never destroyed: tensors may outlive static objects
    return *cache;
  }

 private:
  // Eighths of powers of two: at most 12.5 % of a block is unused.
  static std::size_t round_up(std::size_t n) {
    std::size_t step = kLarge / 8;
    while (step * 16 <= n) step *= 2;
    return (n + step - 1) / step * step;
  }

  void* take(std::size_t n) {
    void* data = nullptr;
    if (n < kLarge) {
      data = fresh(n, false);
    } else {
      const std::size_t capacity = round_up(n);
      const std::lock_guard lock(mutex_);
      used_ += capacity;
      peak_ = std::max(peak_, used_);
      if (auto found = free_.find(capacity); found != free_.end() && !found->second.empty()) {
        data = found->second.back();
        found->second.pop_back();
        cached_ -= capacity;
        return data;
      }
      const std::size_t allowed = peak_ + peak_ / 4;
      shrink(allowed > used_ ? allowed - used_ : 0);
      data = fresh(capacity, true);
      if (!data) {
        shrink(0);
        data = fresh(capacity, true);
      }
      if (!data) used_ -= capacity;
    }
    VGEN_CHECK(data, Error, "memory: cannot allocate ", n, " bytes");
    return data;
  }

  static void give(void* data) {
    if (!data) return;
    const Header h = *header_of(data);
    if (h.capacity) return instance().put_back(data, h);
    std::free(h.base);
  }
  void put_back(void* data, const Header& h) {
    const std::lock_guard lock(mutex_);
    used_ -= h.capacity;
    if (!keep_) return std::free(h.base);
    free_[h.capacity].push_back(data);
    cached_ += h.capacity;
  }
  // Frees cached blocks, the largest first, until at most `limit` bytes are cached.
  void shrink(std::size_t limit) {
    for (auto size = free_.rbegin(); size != free_.rend() && cached_ > limit; ++size)
      while (!size->second.empty() && cached_ > limit) {
        std::free(header_of(size->second.back())->base);
        size->second.pop_back();
        cached_ -= size->first;
      }
  }

  std::mutex mutex_;
  std::map<std::size_t, std::vector<void*>> free_;
  std::size_t used_ = 0, cached_ = 0, peak_ = 0;
  bool keep_ = true;
};

std::mutex switching;
c10::Allocator* replaced = nullptr;

}  // namespace

void cache_memory(bool on) {
  const std::lock_guard lock(switching);
  Cache& cache = Cache::instance();
  cache.keep(on);
  if (on && !replaced) {
    replaced = c10::GetCPUAllocator();
    c10::SetCPUAllocator(&cache);
  } else if (!on && replaced) {
    c10::SetCPUAllocator(replaced);
    replaced = nullptr;
  }
}
void release_cached_memory() { Cache::instance().release(); }
MemoryUse memory_use() { return Cache::instance().use(); }

}  // namespace vgen::nn
