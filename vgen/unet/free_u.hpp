// FreeU (Si et al. 2023, "FreeU: Free Lunch in Diffusion U-Net"): scales a stage's backbone features and the low
// frequencies of its skip connection.
#pragma once
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/tensor.h>

#include <cmath>
#include <vector>

#include "vgen/tensor/tensor.hpp"

namespace vgen::unet {

// x [.., C] with its first C/2 channels times `factor`.
inline Tensor scale_first_half(const Tensor& x, double factor) {
  const std::int64_t half = x.size(-1) / 2;
  return at::cat({x.narrow(-1, 0, half) * factor, x.narrow(-1, half, x.size(-1) - half)}, -1);
}

// x [N, H, W, C] with the four lowest bins of its 2-D spectrum (frequencies -1 and 0 in both directions) times
// `factor`; the real part, for the four are not symmetric. x + (factor - 1) low(x), and low is a projection on four
// waves: two small products in place of two Fourier transforms. float32 inside.
inline Tensor scale_low_frequencies(const Tensor& x, double factor) {
  const std::int64_t h = x.size(1), w = x.size(2);
  std::vector<double> waves;  // [cosine, sine of each wave][H W]
  std::int64_t rows = 0;
  for (const int u : {-1, 0})
    for (const int v : {-1, 0}) {
      if ((h == 1 && u) || (w == 1 && v)) continue;  // the same bin as 0
      for (const bool sine : {false, true}) {
        ++rows;
        for (std::int64_t y = 0; y < h; ++y)
          for (std::int64_t z = 0; z < w; ++z) {
            const double phase = 2 * M_PI *
                                 (u * static_cast<double>(y) / static_cast<double>(h) +
                                  v * static_cast<double>(z) / static_cast<double>(w));
            waves.push_back(sine ? std::sin(phase) : std::cos(phase));
          }
      }
    }
  const Tensor basis = at::tensor(waves, at::kDouble).view({rows, h * w}).to(x.device(), at::kFloat);
  const Tensor flat = x.to(at::kFloat).view({x.size(0), h * w, x.size(3)});
  const Tensor low = at::matmul(basis.t(), at::matmul(basis, flat)) / static_cast<double>(h * w);
  return (flat + low * (factor - 1)).view(x.sizes()).to(x.scalar_type());
}

}  // namespace vgen::unet
