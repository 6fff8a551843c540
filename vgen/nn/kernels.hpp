// CPU kernels of the network primitives on raw pointers: one table of functions per storage type and instruction set.
// Arithmetic is float32 whatever the storage; sums run in a fixed order, so results do not depend on the number of
// threads. Internal to nn.
#pragma once
#include <cstdint>

namespace vgen::nn::kernels {

enum class Type { f32, bf16 };

// Per-channel arrays have `padded(c)` floats, so that kernels may read whole vectors.
constexpr std::int64_t padded(std::int64_t c) { return (c + 15) / 16 * 16; }

// A [outer, inner, L, heads*d] tensor by element strides; the last axis is contiguous.
struct View {
  void* data = nullptr;
  std::int64_t outer = 0, inner = 0, row = 0;
};

// softmax(scale q k^T) v for each of outer * inner * heads sequences. `causal` hides keys after the query's own index.
struct AttentionShape {
  std::int64_t outer, inner, heads, d, lq, lk;
  float scale;
  bool causal;
};
constexpr std::int64_t kAttentionRows = 32;    // queries per block
constexpr std::int64_t kAttentionChunk = 256;  // queries per forward task, a multiple of kAttentionRows

struct Table {
  // Group norm, channels innermost. Sums of (x - shift) and its square over `rows` rows, added to sum, square
  // (doubles).
  void (*norm_sums)(const void* x, std::int64_t rows, std::int64_t c, const float* shift, double* sum, double* square);
  // y = x*a + b, then SiLU.
  void (*norm_apply)(const void* x, std::int64_t rows, std::int64_t c, const float* a, const float* b, bool silu,
                     void* y);
  // With dz = dy * act'(x*a + b): adds dz to sum and dz*(x - mean) to product.
  void (*norm_grad_sums)(const void* x, const void* dy, std::int64_t rows, std::int64_t c, const float* a,
                         const float* b, const float* mean, bool silu, double* sum, double* product);
  // dx = dz*a + (x - mean)*q + r.
  void (*norm_grad_apply)(const void* x, const void* dy, std::int64_t rows, std::int64_t c, const float* a,
                          const float* b, const float* mean, const float* q, const float* r, bool silu, void* dx);

  // Layer norm over rows of c; mean and rstd [rows] are written. The gradient adds dy*xhat to dw and dy to db (floats).
  void (*layer_norm)(const void* x, std::int64_t rows, std::int64_t c, const float* w, const float* b, float eps,
                     void* y, float* mean, float* rstd);
  void (*layer_norm_grad)(const void* x, const void* dy, std::int64_t rows, std::int64_t c, const float* w,
                          const float* mean, const float* rstd, void* dx, float* dw, float* db);

  // y [rows, m] = x[:, :m] * gelu(x[:, m:]) and its gradient dx [rows, 2m].
  void (*geglu)(const void* x, std::int64_t rows, std::int64_t m, void* y);
  void (*geglu_grad)(const void* x, const void* dy, std::int64_t rows, std::int64_t m, void* dx);

  // Tasks [begin, end) of outer * inner * heads * ceil(lq / kAttentionChunk).
  void (*attention)(const AttentionShape& s, const View& q, const View& k, const View& v, const View& y,
                    std::int64_t begin, std::int64_t end);
  // Tasks [begin, end) of outer * inner * heads; probabilities are computed again.
  void (*attention_grad)(const AttentionShape& s, const View& q, const View& k, const View& v, const View& dy,
                         const View& dq, const View& dk, const View& dv, std::int64_t begin, std::int64_t end);
};

// Matrix products in float32. All widths are multiples of kWidth; a panel holds up to kPanel columns of the right-hand
// matrix, row after row.
constexpr std::int64_t kWidth = 16, kPanel = 64;
struct Products {
  // Panel of the matrix B(k, j) = w[k * row + j * column], k < depth, j < width: to[k * kPanel + j].
  void (*pack)(const float* w, std::int64_t row, std::int64_t column, std::int64_t depth, std::int64_t width,
               float* to);
  // Rows of y start as bias (null: zero) plus the rows of `residual` (null: zero), which has the rows of y.
  void (*start)(std::int64_t rows, std::int64_t width, const float* bias, const float* residual, float* y,
                std::int64_t ldy);
  // y [rows, width] += a [rows, depth] * panel; ldb is the distance of the panel's rows.
  void (*multiply)(std::int64_t rows, std::int64_t width, std::int64_t depth, const float* a, std::int64_t lda,
                   const float* panel, std::int64_t ldb, float* y, std::int64_t ldy);
  // c [m, width] += a^T b over `rows` rows of a [rows, m] and b [rows, width].
  void (*multiply_rows)(std::int64_t rows, std::int64_t m, std::int64_t width, const float* a, std::int64_t lda,
                        const float* b, std::int64_t ldb, float* c, std::int64_t ldc);
  // Adds the rows of x [rows, c] to `sums`.
  void (*sum_rows)(std::int64_t rows, std::int64_t c, const float* x, float* sums);

  // Winograd's form of the 3x3 convolution (winograd.cpp); part i of 16 stands i * `part` floats after the first.
  // Panels of the weights w[j * out + k * 9 + tap], k < depth, j < width: to[k * kPanel + j].
  void (*winograd_weights)(const float* w, std::int64_t out, std::int64_t depth, std::int64_t width, float* to,
                           std::int64_t part);
  // The 4x4 pixels `from` [16][c] of a tile.
  void (*winograd_input)(const float* const* from, std::int64_t c, float* to, std::int64_t part);
  // The 2x2 pixels `to` [4][c] of a tile, plus bias and the pixels `residual` (null: zero).
  void (*winograd_output)(const float* from, std::int64_t part, std::int64_t c, const float* bias,
                          const float* const* residual, float* const* to);
};
const Products& products();

enum class Level { generic, avx2, avx512 };
Level level();  // best one of this processor, or environment variable VGEN_CPU = generic | avx2 | avx512 if it is
                // supported
bool supported(Level level);
void set_level(Level level);  // for tests
const Table& table(Type type);

namespace generic {
const Table& table(Type type);
const Products& products();
}  // namespace generic
namespace avx2 {
const Table& table(Type type);
const Products& products();
}  // namespace avx2
namespace avx512 {
const Table& table(Type type);
const Products& products();
}  // namespace avx512

}  // namespace vgen::nn::kernels
