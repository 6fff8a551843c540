#include "vgen/text/clip_merges.hpp"

// The assembler finds the file through the compiler's -I of the source root, as #include does.
asm(R"(
  .section .rodata
  .balign 16
  .type vgen_clip_merges, @object
vgen_clip_merges:
  .incbin "vgen/text/data/clip_bpe.bin"
vgen_clip_merges_end:
  .size vgen_clip_merges, . - vgen_clip_merges
  .text
)");
extern "C" {
extern const unsigned char vgen_clip_merges[] __attribute__((visibility("hidden")));
extern const unsigned char vgen_clip_merges_end[] __attribute__((visibility("hidden")));
}

namespace vgen::text {
std::span<const unsigned char> clip_merges() { return {vgen_clip_merges, vgen_clip_merges_end}; }
}  // namespace vgen::text
