// Kernels for AVX-512 (compile flags: kernels.cmake).
#if defined(__x86_64__)
#define VGEN_LEVEL avx512
#define VGEN_LANES 16
#define VGEN_TILE 24  // accumulators of a matrix tile
#include "vgen/nn/kernels.inc"
#endif
