// Kernels for any processor: 4 lanes are what SSE2 and NEON have.
#define VGEN_LEVEL generic
#define VGEN_LANES 4
#define VGEN_TILE 12  // accumulators of a matrix tile
#include "vgen/nn/kernels.inc"
