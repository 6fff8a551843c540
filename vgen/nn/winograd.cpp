#include "vgen/nn/winograd.hpp"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <vector>

#include "vgen/nn/kernels.hpp"

namespace vgen::nn {

namespace {
constexpr std::int64_t kParts = 16;
constexpr std::int64_t kGrain = 1 << 18, kTransformGrain = 1 << 13;  // multiplications, values that are worth a thread
constexpr std::int64_t kRows = 96;                                   // tiles of a task of the products
constexpr std::int64_t kElements = 1 << 21;  // of a chunk: its transformed pixels stay in the last-level cache
constexpr std::int64_t kLeastArea = 16, kLeastIn = 32, kLeastOut = 32;  // below, the transforms cost what they save
}  // namespace

bool has_winograd(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const auto floats = [](const Tensor& t) { return t.scalar_type() == at::kFloat && t.device().is_cpu(); };
  return floats(x) && floats(weight) && weight.size(2) == 3 && weight.size(3) == 3 && weight.is_contiguous() &&
         (!bias.defined() || (floats(bias) && bias.is_contiguous())) && weight.size(0) % kernels::kWidth == 0 &&
         weight.size(1) % kernels::kWidth == 0 && weight.size(0) >= kLeastOut && weight.size(1) >= kLeastIn &&
         x.size(0) > 0 && x.size(1) % 2 == 0 && x.size(2) % 2 == 0 && x.size(1) * x.size(2) >= kLeastArea;
}

Tensor winograd_conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& residual) {
  const kernels::Products& k = kernels::products();
  const std::int64_t n = x.size(0), h = x.size(1), w = x.size(2), in = x.size(3), out = weight.size(0), th = h / 2,
                     tw = w / 2, tiles = n * th * tw, panels = (out + kernels::kPanel - 1) / kernels::kPanel,
                     panel = in * kernels::kPanel, part = panels * panel;
  const auto floats = [](std::int64_t size) { return at::empty({size}, at::kFloat); };
  const Tensor y = at::empty({n, h, w, out}, x.options());
  const Tensor matrices = floats(kParts * part);
  const float *px = x.const_data_ptr<float>(), *pw = weight.const_data_ptr<float>(),
              *pb = bias.defined() ? bias.const_data_ptr<float>() : nullptr,
              *pr = residual.defined() ? residual.const_data_ptr<float>() : nullptr;
  float *py = y.mutable_data_ptr<float>(), *pm = matrices.mutable_data_ptr<float>();
  const auto width = [&](std::int64_t p) { return std::min(kernels::kPanel, out - p * kernels::kPanel); };
  at::parallel_for(
      0, panels, std::max<std::int64_t>(1, kTransformGrain / panel), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t p = begin; p < end; ++p)
          k.winograd_weights(pw + p * kernels::kPanel * in * 9, in * 9, in, width(p), pm + p * panel, part);
      });

  const std::int64_t chunk =
      std::min(tiles, std::max<std::int64_t>(1, kElements / (kParts * (in + out)) / kRows) * kRows);
  const Tensor before = floats(kParts * chunk * in), after = floats(kParts * chunk * out);
  float *pbefore = before.mutable_data_ptr<float>(), *pafter = after.mutable_data_ptr<float>();
  const std::vector<float> zeros(static_cast<std::size_t>(in));
  for (std::int64_t first = 0; first < tiles; first += chunk) {
    const std::int64_t count = std::min(chunk, tiles - first), blocks = (count + kRows - 1) / kRows;
    const auto pixel = [&](std::int64_t tile) {  // the upper left one of its four, counted over all images
      const std::int64_t t = first + tile;
      return (t / tw * 2) * w + t % tw * 2;
    };
    at::parallel_for(0, count, std::max<std::int64_t>(1, kTransformGrain / in),
                     [&](std::int64_t begin, std::int64_t end) {
                       for (std::int64_t t = begin; t < end; ++t) {
                         const std::int64_t row = (first + t) / tw % th * 2, column = (first + t) % tw * 2;
                         const float* from[kParts];
                         for (std::int64_t i = 0; i < kParts; ++i) {
                           const std::int64_t dy = i / 4 - 1, dx = i % 4 - 1;
                           const bool inside = row + dy >= 0 && row + dy < h && column + dx >= 0 && column + dx < w;
                           from[i] = inside ? px + (pixel(t) + dy * w + dx) * in : zeros.data();
                         }
                         k.winograd_input(from, in, pbefore + t * in, chunk * in);
                       }
                     });
    const std::int64_t product = std::min(kRows, count) * in * std::min(kernels::kPanel, out);
    at::parallel_for(0, kParts * blocks * panels, std::max<std::int64_t>(1, kGrain / product),
                     [&](std::int64_t begin, std::int64_t end) {
                       for (std::int64_t i = begin; i < end; ++i) {
                         const std::int64_t p = i % panels, block = i / panels % blocks * kRows,
                                            u = i / panels / blocks, rows = std::min(kRows, count - block);
                         float* to = pafter + (u * chunk + block) * out + p * kernels::kPanel;
                         k.start(rows, width(p), nullptr, nullptr, to, out);
                         k.multiply(rows, width(p), in, pbefore + (u * chunk + block) * in, in,
                                    pm + u * part + p * panel, kernels::kPanel, to, out);
                       }
                     });
    at::parallel_for(0, count, std::max<std::int64_t>(1, kTransformGrain / out),
                     [&](std::int64_t begin, std::int64_t end) {
                       for (std::int64_t t = begin; t < end; ++t) {
                         const float* added[4];
                         float* to[4];
                         for (std::int64_t i = 0; i < 4; ++i) {
                           const std::int64_t at = (pixel(t) + i / 2 * w + i % 2) * out;
                           to[i] = py + at;
                           added[i] = pr ? pr + at : nullptr;
                         }
                         k.winograd_output(pafter + t * out, chunk * out, out, pb, pr ? added : nullptr, to);
                       }
                     });
  }
  return y;
}

}  // namespace vgen::nn
