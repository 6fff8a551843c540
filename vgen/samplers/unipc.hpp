// UniPC (Zhao et al. 2023), data prediction: a multistep predictor in lambda whose result is corrected once the next
// network output is there. One evaluation a step; good from 5 steps.
#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "vgen/samplers/step.hpp"

namespace vgen::samplers {

// The B(h) of the paper: bh1 = h, bh2 = e^h - 1.
enum class UniPcKind { bh1, bh2 };
constexpr auto enum_names(UniPcKind) {
  return std::array{std::pair{UniPcKind::bh1, "bh1"}, std::pair{UniPcKind::bh2, "bh2"}};
}

struct UniPcOptions {
  static constexpr std::string_view kind = "unipc";
  int steps = 20, order = 2;
  UniPcKind solver = UniPcKind::bh2;
  GridOptions grid = {};
  bool lower_order_final = true;
  bool operator==(const UniPcOptions&) const = default;
  static constexpr auto fields() {
    return std::tuple{field("steps", &UniPcOptions::steps, "denoising steps = network evaluations"),
                      field("order", &UniPcOptions::order,
                            "of the predictor, 1 to 4; the corrector adds one. 2 with guidance, 3 without"),
                      field("solver", &UniPcOptions::solver, "bh1 or bh2"),
                      field("grid", &UniPcOptions::grid, "spacing, Karras sigmas, last sigma"),
                      field("lower_order_final", &UniPcOptions::lower_order_final, "the order falls to 1 at the end")};
  }
};

namespace detail {
// Solves the small system R p = b (columns of R are powers of the ratios r) by elimination with pivoting.
inline std::vector<double> solve_powers(const std::vector<double>& r, const std::vector<double>& b, int n) {
  std::vector<std::vector<double>> m(n, std::vector<double>(n + 1));
  for (int i = 0; i < n; ++i) {
    for (int j = 0; j < n; ++j) m[i][j] = std::pow(r[j], i);
    m[i][n] = b[i];
  }
  for (int c = 0; c < n; ++c) {
    int pivot = c;
    for (int i = c + 1; i < n; ++i)
      if (std::abs(m[i][c]) > std::abs(m[pivot][c])) pivot = i;
    std::swap(m[c], m[pivot]);
    for (int i = 0; i < n; ++i) {
      if (i == c) continue;
      const double f = m[i][c] / m[c][c];
      for (int j = c; j <= n; ++j) m[i][j] -= f * m[c][j];
    }
  }
  std::vector<double> p(n);
  for (int i = 0; i < n; ++i) p[i] = m[i][n] / m[i][i];
  return p;
}
}  // namespace detail

inline Tensor unipc(const Denoiser& denoiser, const NoiseSchedule& schedule, Tensor noise,
                    const UniPcOptions& options = {}, const OnStep& on_step = {}) {
  VGEN_CHECK(options.order >= 1 && options.order <= 4, ConfigError, "unipc: order must be in [1, 4], got ",
             options.order, "; try ", std::clamp(options.order, 1, 4));
  const SamplingGrid grid = schedulers::multistep_grid("unipc", schedule, options.steps, options.grid);
  const int n = grid.steps();

  struct Past {
    Tensor x0;
    double lambda;
  };
  std::vector<Past> past;  // latest first; only points with a finite lambda
  // From `x` at grid point i to i + 1 with `order` outputs; with `newest` (the output at i + 1) the corrector, else the
  // predictor.
  const auto move = [&](const Tensor& x, const Tensor& x0, int i, int order, const Tensor& newest) {
    const NoiseLevel &from = grid.state[i], &to = grid.state[i + 1];
    const double h = to.lambda() - from.lambda(), hh = -h;
    if (h == 0) return x;  // a grid may end with its smallest sigma twice
    std::vector<double> r, b;
    std::vector<Tensor> slopes;
    for (int k = 1; k < order; ++k) {
      r.push_back((past[k].lambda - from.lambda()) / h);
      slopes.push_back((past[k].x0 - x0) / r.back());
    }
    r.push_back(1.0);
    const double phi1 = std::expm1(hh), B = options.solver == UniPcKind::bh1 && std::isfinite(h) ? hh : std::expm1(hh);
    double phi = phi1 / hh - 1, factorial = 1;
    for (int k = 1; k <= order; ++k) {
      b.push_back(phi * factorial / B);
      factorial *= k + 1;
      phi = phi / hh - 1 / factorial;
    }
    Tensor out = (to.sigma / from.sigma) * x - (to.alpha * phi1) * x0, change;
    std::vector<double> weights;
    if (newest.defined()) {
      weights = order == 1 ? std::vector<double>{0.5} : detail::solve_powers(r, b, order);
      change = weights.back() * (newest - x0);
    } else {
      weights = order == 2 ? std::vector<double>{0.5} : detail::solve_powers(r, b, order - 1);
    }
    for (std::size_t k = 0; k < slopes.size(); ++k) {
      const Tensor term = weights[k] * slopes[k];
      change = change.defined() ? change + term : term;
    }
    return change.defined() ? out - (to.alpha * B) * change : out;
  };

  Tensor x = std::move(noise), before, x0_before;
  int order = 0;
  for (int i = 0; i < n; ++i) {
    const Denoised d = denoiser(x, grid.network[i]);
    if (i > 0) x = move(before, x0_before, i - 1, order, d.x0);
    const NoiseLevel &from = grid.state[i], &to = grid.state[i + 1];
    const bool finite = from.alpha > 0;
    if (finite) past.insert(past.begin(), Past{d.x0, from.lambda()});
    if (static_cast<int>(past.size()) > options.order) past.pop_back();
    order = std::max(1, std::min({options.order, i + 1, static_cast<int>(past.size())}));
    if (options.lower_order_final) order = std::min(order, n - i);
    if (to.sigma == 0) order = 1;
    before = x;
    x0_before = d.x0;
    x = move(x, d.x0, i, order, {});
    if (!detail::report("unipc", on_step, i, n, grid.network[i], to, x, d.x0)) break;
  }
  return x;
}

}  // namespace vgen::samplers
