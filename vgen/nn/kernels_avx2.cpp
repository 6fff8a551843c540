// Kernels for AVX2 (compile flags: kernels.cmake).
#if defined(__x86_64__)
#define VGEN_LEVEL avx2
#define VGEN_LANES 8
#define VGEN_TILE 12  // accumulators of a matrix tile
#include "vgen/nn/kernels.inc"
#endif
