#include "vgen/nn/ops.hpp"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/group_norm.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/silu.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "vgen/nn/cuda_ops.hpp"
#include "vgen/nn/kernels.hpp"
#include "vgen/nn/winograd.hpp"

namespace vgen::nn {
namespace {

using kernels::Type;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// ---- which path ----

// A tensor elsewhere than x is left to ATen, which says so.
template <class... T>
bool has_kernels(const Tensor& x, const T&... others) {
  return x.device().is_cpu() && (... && (!others.defined() || others.is_cpu())) &&
         (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16) && x.numel() > 0;
}
Type type_of(const Tensor& x) { return x.scalar_type() == at::kFloat ? Type::f32 : Type::bf16; }
const kernels::Table& table_of(const Tensor& x) { return kernels::table(type_of(x)); }

template <class... T>
bool records(const T&... tensors) {
  return at::GradMode::is_enabled() && (... || tensors.requires_grad());
}
// Gradients that shall themselves be differentiable come from the ATen formulation f. Its inputs are aliases: one input
// may depend on another (attention of x to x), and the gradient for one must not pass through the other.
template <class F>
variable_list differentiable_grad(const F& f, const variable_list& inputs, const Tensor& dy) {
  variable_list aliases, wanted;
  for (const Tensor& x : inputs) {
    aliases.push_back(x.view_as(x));
    if (x.requires_grad()) wanted.push_back(aliases.back());
  }
  const variable_list found =
      torch::autograd::grad({f(aliases)}, wanted, {dy}, /*retain_graph=*/true, /*create_graph=*/true);
  variable_list result;
  std::size_t next = 0;
  for (const Tensor& x : inputs) result.push_back(x.requires_grad() ? found[next++] : Tensor());
  return result;
}

Tensor scratch(at::IntArrayRef shape, at::ScalarType dtype = at::kFloat) {
  return at::empty(shape, at::TensorOptions().dtype(dtype));
}

// A vector of channels as floats, zero-padded for the kernels.
Tensor channel_floats(const Tensor& x) {
  const std::int64_t c = x.numel();
  Tensor y = scratch({kernels::padded(c)}).zero_();
  y.narrow(0, 0, c).copy_(x);
  return y;
}

// ---- group norm ----

Tensor aten_group_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, std::int64_t groups, double eps,
                       bool silu) {
  const std::int64_t n = x.size(0), c = x.size(-1);
  const Tensor image = x.reshape({n, -1, 1, c}).permute({0, 3, 1, 2});
  Tensor y = at::group_norm(image, groups, weight, bias, eps, /*cudnn_enabled=*/false);
  if (silu) y = at::silu(y);
  return y.permute({0, 2, 3, 1}).reshape(x.sizes());
}

// Rows are summed in chunks that depend on the shape alone, so any number of threads adds in the same order.
struct Chunks {
  std::int64_t n, s, c, padded, rows, per_sample;
  explicit Chunks(const Tensor& x) : n(x.size(0)), c(x.size(-1)), padded(kernels::padded(c)) {
    s = x.numel() / (n * c);
    constexpr std::int64_t kElements = 1 << 16, kTasks = 32, kRows = 64;
    rows = std::max(kRows, std::min(kElements / c, (n * s + kTasks - 1) / kTasks));
    rows = (rows + kRows - 1) / kRows * kRows;
    per_sample = (s + rows - 1) / rows;
  }
  // sums(task), finish(sample), apply(task); a sample of one chunk runs through all three while it is in the cache.
  template <class A, class B, class C>
  void run(const A& sums, const B& finish, const C& apply) const {
    if (per_sample == 1) {
      at::parallel_for(0, n, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) sums(i), finish(i), apply(i);
      });
      return;
    }
    const auto each = [](std::int64_t count, const auto& f) {
      at::parallel_for(0, count, 1, [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t i = begin; i < end; ++i) f(i);
      });
    };
    each(n * per_sample, sums);
    each(n, finish);
    each(n * per_sample, apply);
  }
  std::int64_t first(std::int64_t task) const { return task / per_sample * s + task % per_sample * rows; }  // row of x
  std::int64_t count(std::int64_t task) const { return std::min(rows, s - task % per_sample * rows); }
};

const void* offset(const Tensor& x, std::int64_t elements) {
  return static_cast<const char*>(x.const_data_ptr()) + elements * static_cast<std::int64_t>(x.element_size());
}
void* mutable_offset(const Tensor& x, std::int64_t elements) { return const_cast<void*>(offset(x, elements)); }

// The statistics [N, groups] are written to mean and rstd. `added` [N, C] is added to every row of a sample on the way.
Tensor run_group_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, std::int64_t groups, double eps,
                      bool silu, Tensor& mean, Tensor& rstd, const Tensor& added = {}) {
  const Chunks k(x);
  const kernels::Table& table = table_of(x);
  Tensor y = at::empty_like(x);
  mean = scratch({k.n, groups});
  rstd = scratch({k.n, groups});
  const Tensor w = channel_floats(weight), b = channel_floats(bias),
               sums = scratch({k.n * k.per_sample, 2, k.padded}, at::kDouble), scales = scratch({k.n, 3, k.padded});
  const float *pw = w.const_data_ptr<float>(), *pb = b.const_data_ptr<float>();
  float *pmean = mean.mutable_data_ptr<float>(), *prstd = rstd.mutable_data_ptr<float>(),
        *pscales = scales.mutable_data_ptr<float>();
  double* psums = sums.mutable_data_ptr<double>();
  const bool floats = x.scalar_type() == at::kFloat;
  const Tensor extra = added.defined() ? added.to(at::kFloat).contiguous() : added;
  const float* pextra = added.defined() ? extra.const_data_ptr<float>() : nullptr;
  // Sums are taken of x minus the sample's first row: no cancellation when the mean is far from zero.
  const auto shift = [&](std::int64_t sample, std::int64_t channel) {
    const std::int64_t i = sample * k.s * k.c + channel;
    return floats ? x.const_data_ptr<float>()[i] : static_cast<float>(x.const_data_ptr<at::BFloat16>()[i]);
  };
  k.run(
      [&](std::int64_t task) {
        double* to = psums + task * 2 * k.padded;
        std::fill_n(to, 2 * k.padded, 0.0);
        std::vector<float> shifts(static_cast<std::size_t>(k.padded));
        for (std::int64_t j = 0; j < k.c; ++j) shifts[static_cast<std::size_t>(j)] = shift(task / k.per_sample, j);
        table.norm_sums(offset(x, k.first(task) * k.c), k.count(task), k.c, shifts.data(), to, to + k.padded);
      },
      [&](std::int64_t n) {
        const std::int64_t width = k.c / groups;
        double* total = psums + n * k.per_sample * 2 * k.padded;
        for (std::int64_t i = 1; i < k.per_sample; ++i)
          for (std::int64_t j = 0; j < 2 * k.padded; ++j) total[j] += total[i * 2 * k.padded + j];
        float *a = pscales + n * 3 * k.padded, *c = a + k.padded;
        std::fill_n(a, 2 * k.padded, 0.0f);
        const double rows = static_cast<double>(k.s);
        const auto plus = [&](std::int64_t j) { return pextra ? static_cast<double>(pextra[n * k.c + j]) : 0; };
        for (std::int64_t g = 0; g < groups; ++g) {
          double m = 0, variance = 0;
          for (std::int64_t j = g * width; j < (g + 1) * width; ++j) m += shift(n, j) + plus(j) + total[j] / rows;
          m /= static_cast<double>(width);
          for (std::int64_t j = g * width; j < (g + 1) * width; ++j) {
            const double d = total[j] / rows, away = shift(n, j) + plus(j) + d - m;
            variance += total[k.padded + j] / rows - d * d + away * away;
          }
          const double r = 1 / std::sqrt(std::max(variance / static_cast<double>(width), 0.0) + eps);
          pmean[n * groups + g] = static_cast<float>(m);
          prstd[n * groups + g] = static_cast<float>(r);
          for (std::int64_t j = g * width; j < (g + 1) * width; ++j) {
            a[j] = static_cast<float>(pw[j] * r);
            c[j] = static_cast<float>(pb[j] + (plus(j) - m) * pw[j] * r);
          }
        }
      },
      [&](std::int64_t task) {
        const float* a = pscales + task / k.per_sample * 3 * k.padded;
        const std::int64_t at = k.first(task) * k.c;
        table.norm_apply(offset(x, at), k.count(task), k.c, a, a + k.padded, silu, mutable_offset(y, at));
      });
  return y;
}

// Gradients for x, weight, bias.
variable_list run_group_norm_grad(const Tensor& x, const Tensor& dy, const Tensor& weight, const Tensor& bias,
                                  const Tensor& mean, const Tensor& rstd, std::int64_t groups, bool silu) {
  const Chunks k(x);
  const kernels::Table& table = table_of(x);
  Tensor dx = at::empty_like(x);
  const Tensor w = channel_floats(weight), b = channel_floats(bias),
               sums = scratch({k.n * k.per_sample, 2, k.padded}, at::kDouble), scales = scratch({k.n, 5, k.padded});
  const float *pw = w.const_data_ptr<float>(), *pb = b.const_data_ptr<float>(), *pmean = mean.const_data_ptr<float>(),
              *prstd = rstd.const_data_ptr<float>();
  float* pscales = scales.mutable_data_ptr<float>();
  double* psums = sums.mutable_data_ptr<double>();
  const std::int64_t width = k.c / groups;
  at::parallel_for(0, k.n, 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      float *a = pscales + n * 5 * k.padded, *c = a + k.padded, *m = c + k.padded;
      std::fill_n(a, 5 * k.padded, 0.0f);
      for (std::int64_t j = 0; j < k.c; ++j) {
        const std::int64_t g = n * groups + j / width;
        a[j] = pw[j] * prstd[g];
        m[j] = pmean[g];
        c[j] = pb[j] - m[j] * a[j];
      }
    }
  });
  k.run(
      [&](std::int64_t task) {
        double* to = psums + task * 2 * k.padded;
        std::fill_n(to, 2 * k.padded, 0.0);
        const float* a = pscales + task / k.per_sample * 5 * k.padded;
        const std::int64_t at = k.first(task) * k.c;
        table.norm_grad_sums(offset(x, at), offset(dy, at), k.count(task), k.c, a, a + k.padded, a + 2 * k.padded, silu,
                             to, to + k.padded);
      },
      [&](std::int64_t n) {
        double *dz = psums + n * k.per_sample * 2 * k.padded, *product = dz + k.padded;
        for (std::int64_t i = 1; i < k.per_sample; ++i)
          for (std::int64_t j = 0; j < 2 * k.padded; ++j) dz[j] += dz[i * 2 * k.padded + j];
        float *q = pscales + (n * 5 + 3) * k.padded, *r = q + k.padded;
        const double inverse = 1.0 / static_cast<double>(width * k.s);
        for (std::int64_t g = 0; g < groups; ++g) {
          const double s = prstd[n * groups + g];
          double m1 = 0, m2 = 0;
          for (std::int64_t j = g * width; j < (g + 1) * width; ++j) {
            product[j] *= s;  // from here the gradient of weight
            m1 += pw[j] * dz[j];
            m2 += pw[j] * product[j];
          }
          for (std::int64_t j = g * width; j < (g + 1) * width; ++j) {
            q[j] = static_cast<float>(-s * s * m2 * inverse);
            r[j] = static_cast<float>(-s * m1 * inverse);
          }
        }
      },
      [&](std::int64_t task) {
        const float* a = pscales + task / k.per_sample * 5 * k.padded;
        const std::int64_t at = k.first(task) * k.c;
        table.norm_grad_apply(offset(x, at), offset(dy, at), k.count(task), k.c, a, a + k.padded, a + 2 * k.padded,
                              a + 3 * k.padded, a + 4 * k.padded, silu, mutable_offset(dx, at));
      });
  const Tensor dw = scratch({k.c}), db = scratch({k.c});
  float *pdw = dw.mutable_data_ptr<float>(), *pdb = db.mutable_data_ptr<float>();
  at::parallel_for(0, k.c, std::max<std::int64_t>(16, (1 << 15) / k.n), [&](std::int64_t begin, std::int64_t end) {
    std::vector<double> total(static_cast<std::size_t>(2 * (end - begin)));
    double *tb = total.data(), *tw = tb + (end - begin);
    for (std::int64_t n = 0; n < k.n; ++n) {
      const double* from = psums + n * k.per_sample * 2 * k.padded;
      for (std::int64_t j = begin; j < end; ++j) tb[j - begin] += from[j], tw[j - begin] += from[k.padded + j];
    }
    for (std::int64_t j = begin; j < end; ++j)
      pdb[j] = static_cast<float>(tb[j - begin]), pdw[j] = static_cast<float>(tw[j - begin]);
  });
  return {dx, dw.to(weight.scalar_type()), db.to(bias.scalar_type())};
}

struct GroupNormFunction : torch::autograd::Function<GroupNormFunction> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const Tensor& weight, const Tensor& bias,
                        std::int64_t groups, double eps, bool silu) {
    Tensor mean, rstd;
    const Tensor y = run_group_norm(x, weight, bias, groups, eps, silu, mean, rstd);
    ctx->save_for_backward({x, weight, bias, mean, rstd});
    ctx->saved_data["groups"] = groups;
    ctx->saved_data["eps"] = eps;
    ctx->saved_data["silu"] = silu;
    return y;
  }
  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const auto s = ctx->get_saved_variables();
    const std::int64_t groups = ctx->saved_data["groups"].toInt();
    const bool silu = ctx->saved_data["silu"].toBool();
    variable_list d =
        at::GradMode::is_enabled()
            ? differentiable_grad(
                  [&](const variable_list& t) {
                    return aten_group_norm(t[0], t[1], t[2], groups, ctx->saved_data["eps"].toDouble(), silu);
                  },
                  {s[0], s[1], s[2]}, gradients[0])
            : run_group_norm_grad(s[0], gradients[0].contiguous(), s[1], s[2], s[3], s[4], groups, silu);
    d.resize(6);
    return d;
  }
};

// ---- layer norm ----

Tensor aten_layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps) {
  return at::layer_norm(x, {x.size(-1)}, weight, bias, eps);
}

constexpr std::int64_t kNormRows = 128;  // rows of a task

Tensor run_layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps, Tensor& mean,
                      Tensor& rstd) {
  const std::int64_t c = x.size(-1), rows = x.numel() / c;
  Tensor y = at::empty_like(x);
  mean = scratch({rows});
  rstd = scratch({rows});
  const Tensor w = channel_floats(weight), b = channel_floats(bias);
  const auto f = table_of(x).layer_norm;
  at::parallel_for(0, rows, kNormRows, [&](std::int64_t begin, std::int64_t end) {
    f(offset(x, begin * c), end - begin, c, w.const_data_ptr<float>(), b.const_data_ptr<float>(),
      static_cast<float>(eps), mutable_offset(y, begin * c), mean.mutable_data_ptr<float>() + begin,
      rstd.mutable_data_ptr<float>() + begin);
  });
  return y;
}

variable_list run_layer_norm_grad(const Tensor& x, const Tensor& dy, const Tensor& weight, const Tensor& mean,
                                  const Tensor& rstd, at::ScalarType bias_dtype) {
  const std::int64_t c = x.size(-1), rows = x.numel() / c, tasks = (rows + kNormRows - 1) / kNormRows,
                     padded = kernels::padded(c);
  Tensor dx = at::empty_like(x);
  const Tensor w = channel_floats(weight), partial = scratch({tasks, 2, padded}).zero_();
  float* sums = partial.mutable_data_ptr<float>();
  const auto f = table_of(x).layer_norm_grad;
  at::parallel_for(0, tasks, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = begin; t < end; ++t) {
      const std::int64_t first = t * kNormRows;
      f(offset(x, first * c), offset(dy, first * c), std::min(kNormRows, rows - first), c, w.const_data_ptr<float>(),
        mean.const_data_ptr<float>() + first, rstd.const_data_ptr<float>() + first, mutable_offset(dx, first * c),
        sums + t * 2 * padded, sums + (t * 2 + 1) * padded);
    }
  });
  const Tensor total = scratch({2, padded});
  float* to = total.mutable_data_ptr<float>();
  at::parallel_for(0, 2 * padded, std::max<std::int64_t>(16, (1 << 15) / tasks),
                   [&](std::int64_t begin, std::int64_t end) {
                     std::vector<double> t(static_cast<std::size_t>(end - begin));
                     for (std::int64_t i = 0; i < tasks; ++i)
                       for (std::int64_t j = begin; j < end; ++j)
                         t[static_cast<std::size_t>(j - begin)] += sums[i * 2 * padded + j];
                     for (std::int64_t j = begin; j < end; ++j)
                       to[j] = static_cast<float>(t[static_cast<std::size_t>(j - begin)]);
                   });
  return {dx, total.select(0, 0).narrow(0, 0, c).to(weight.scalar_type()),
          total.select(0, 1).narrow(0, 0, c).to(bias_dtype)};
}

struct LayerNormFunction : torch::autograd::Function<LayerNormFunction> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const Tensor& weight, const Tensor& bias, double eps) {
    Tensor mean, rstd;
    const Tensor y = run_layer_norm(x, weight, bias, eps, mean, rstd);
    ctx->save_for_backward({x, weight, bias, mean, rstd});
    ctx->saved_data["eps"] = eps;
    return y;
  }
  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const auto s = ctx->get_saved_variables();
    variable_list d = at::GradMode::is_enabled()
                          ? differentiable_grad(
                                [&](const variable_list& t) {
                                  return aten_layer_norm(t[0], t[1], t[2], ctx->saved_data["eps"].toDouble());
                                },
                                {s[0], s[1], s[2]}, gradients[0])
                          : run_layer_norm_grad(s[0], gradients[0].contiguous(), s[1], s[3], s[4], s[2].scalar_type());
    d.resize(4);
    return d;
  }
};

// ---- geglu ----

Tensor aten_geglu(const Tensor& x) {
  const auto parts = x.chunk(2, -1);
  return parts[0] * at::gelu(parts[1]);
}

template <class F>
void over_rows(std::int64_t rows, std::int64_t width, const F& f) {
  at::parallel_for(0, rows, std::max<std::int64_t>(1, (1 << 13) / width), f);
}

Tensor run_geglu(const Tensor& x) {
  const std::int64_t m = x.size(-1) / 2, rows = x.numel() / (2 * m);
  auto shape = x.sizes().vec();
  shape.back() = m;
  Tensor y = at::empty(shape, x.options());
  const auto f = table_of(x).geglu;
  over_rows(rows, m, [&](std::int64_t begin, std::int64_t end) {
    f(offset(x, begin * 2 * m), end - begin, m, mutable_offset(y, begin * m));
  });
  return y;
}

struct GegluFunction : torch::autograd::Function<GegluFunction> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x) {
    ctx->save_for_backward({x});
    return run_geglu(x);
  }
  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const Tensor x = ctx->get_saved_variables()[0];
    if (at::GradMode::is_enabled())
      return differentiable_grad([](const variable_list& t) { return aten_geglu(t[0]); }, {x}, gradients[0]);
    const Tensor dy = gradients[0].contiguous(), dx = at::empty_like(x);
    const std::int64_t m = dy.size(-1), rows = dy.numel() / m;
    const auto f = table_of(x).geglu_grad;
    over_rows(rows, m, [&](std::int64_t begin, std::int64_t end) {
      f(offset(x, begin * 2 * m), offset(dy, begin * m), end - begin, m, mutable_offset(dx, begin * 2 * m));
    });
    return {dx};
  }
};

// ---- attention ----

Tensor split_heads(const Tensor& x, std::int64_t heads) {
  return x.unflatten(-1, {heads, x.size(-1) / heads}).transpose(-2, -3);
}

// q, k, v [N, L, heads*d], or [B, F, S, heads*d] to attend over F.
Tensor aten_attention(const Tensor& q, const Tensor& k, const Tensor& v, std::int64_t heads, bool causal) {
  if (q.dim() == 3) {
    const Tensor y = at::scaled_dot_product_attention(split_heads(q, heads), split_heads(k, heads),
                                                      split_heads(v, heads), {}, 0.0, causal);
    return y.transpose(1, 2).reshape(q.sizes());
  }
  const std::int64_t b = q.size(0), f = q.size(1), s = q.size(2), c = q.size(3);
  const auto fold = [&](const Tensor& x) { return x.transpose(1, 2).reshape({b * s, f, c}); };
  return aten_attention(fold(q), fold(k), fold(v), heads, causal).view({b, s, f, c}).transpose(1, 2).contiguous();
}

// In operations that can be differentiated twice, as flash attention cannot.
Tensor plain_attention(const Tensor& q, const Tensor& k, const Tensor& v, std::int64_t heads, bool causal) {
  const bool frames = q.dim() == 4;  // [B, F, S, C]
  const auto heads_of = [&](const Tensor& x) { return split_heads(frames ? x.transpose(1, 2) : x, heads); };
  Tensor s =
      at::matmul(heads_of(q), heads_of(k).transpose(-1, -2)) / std::sqrt(static_cast<double>(q.size(-1) / heads));
  if (causal)
    s = s.masked_fill(at::ones({q.size(1), k.size(1)}, s.options().dtype(at::kBool)).triu(1),
                      -std::numeric_limits<double>::infinity());
  const Tensor y = at::matmul(s.softmax(-1), heads_of(v)).transpose(-2, -3).flatten(-2);
  return frames ? y.transpose(1, 2) : y;
}

kernels::View view_of(const Tensor& x) {
  void* data = const_cast<void*>(x.const_data_ptr());
  return x.dim() == 3 ? kernels::View{data, x.stride(0), 0, x.stride(1)}
                      : kernels::View{data, x.stride(0), x.stride(2), x.stride(1)};
}
kernels::AttentionShape attention_shape(const Tensor& q, const Tensor& k, std::int64_t heads, bool causal) {
  const std::int64_t d = q.size(-1) / heads;
  return {
      q.size(0), q.dim() == 3 ? 1 : q.size(2), heads, d, q.size(1), k.size(1), 1.0f / std::sqrt(static_cast<float>(d)),
      causal};
}
Tensor rows_contiguous(const Tensor& x) { return x.stride(-1) == 1 || x.size(-1) == 1 ? x : x.contiguous(); }

Tensor run_attention(const Tensor& q, const Tensor& k, const Tensor& v, std::int64_t heads, bool causal) {
  Tensor y = at::empty(q.sizes(), q.options());
  const auto s = attention_shape(q, k, heads, causal);
  const auto f = table_of(q).attention;
  const std::int64_t chunks = (s.lq + kernels::kAttentionChunk - 1) / kernels::kAttentionChunk;
  at::parallel_for(0, s.outer * s.inner * s.heads * chunks, 1, [&](std::int64_t begin, std::int64_t end) {
    f(s, view_of(q), view_of(k), view_of(v), view_of(y), begin, end);
  });
  return y;
}

struct AttentionFunction : torch::autograd::Function<AttentionFunction> {
  static Tensor forward(AutogradContext* ctx, const Tensor& q, const Tensor& k, const Tensor& v, std::int64_t heads,
                        bool causal) {
    ctx->save_for_backward({q, k, v});
    ctx->saved_data["heads"] = heads;
    ctx->saved_data["causal"] = causal;
    return run_attention(q, k, v, heads, causal);
  }
  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const auto x = ctx->get_saved_variables();
    const std::int64_t heads = ctx->saved_data["heads"].toInt();
    const bool causal = ctx->saved_data["causal"].toBool();
    variable_list d;
    if (at::GradMode::is_enabled()) {
      d = differentiable_grad([&](const variable_list& t) { return plain_attention(t[0], t[1], t[2], heads, causal); },
                              x, gradients[0]);
    } else {
      for (const Tensor& t : x) d.push_back(at::empty(t.sizes(), t.options()));
      const Tensor dy = rows_contiguous(gradients[0]);
      const auto s = attention_shape(x[0], x[1], heads, causal);
      const auto f = table_of(x[0]).attention_grad;
      at::parallel_for(0, s.outer * s.inner * s.heads, 1, [&](std::int64_t begin, std::int64_t end) {
        f(s, view_of(x[0]), view_of(x[1]), view_of(x[2]), view_of(dy), view_of(d[0]), view_of(d[1]), view_of(d[2]),
          begin, end);
      });
    }
    d.resize(5);
    return d;
  }
};

constexpr std::int64_t kShort = 256;  // keys up to which the kernels are faster than ATen's flash attention

Tensor attention(const Tensor& q, const Tensor& k, const Tensor& v, std::int64_t heads, bool causal) {
  const bool short_keys = has_kernels(q, k, v) && k.size(1) >= 1 && k.size(1) <= kShort &&
                          q.size(-1) / heads <= kShort && k.scalar_type() == q.scalar_type() &&
                          v.scalar_type() == q.scalar_type();
  if (!short_keys) return aten_attention(q, k, v, heads, causal);
  const Tensor rq = rows_contiguous(q), rk = rows_contiguous(k), rv = rows_contiguous(v);
  return records(q, k, v) ? AttentionFunction::apply(rq, rk, rv, heads, causal)
                          : run_attention(rq, rk, rv, heads, causal);
}

// ---- products: linear layers and convolutions over frames in float32 ----

// Rows [clips * clip_rows, width] whose taps look `shift` rows up and down inside a clip: a linear layer has one tap; a
// convolution over frames has three, a frame apart.
struct Rows {
  std::int64_t total, clip, taps = 1, shift = 0;
  std::int64_t clips() const { return (total + clip - 1) / clip; }
  std::int64_t first(std::int64_t c) const { return c * clip; }
  std::int64_t count(std::int64_t c) const { return std::min(clip, total - first(c)); }
  std::int64_t offset(std::int64_t tap) const { return (tap - taps / 2) * shift; }
};

// Panels of the right-hand matrices of all taps; row k of tap t of a panel begins at k * ld + t * tap.
struct Packed {
  Tensor data;
  std::int64_t depth, cols, taps, ld, tap;
  std::int64_t panels() const { return (cols + kernels::kPanel - 1) / kernels::kPanel; }
  std::int64_t width(std::int64_t p) const { return std::min(kernels::kPanel, cols - p * kernels::kPanel); }
  float* panel(std::int64_t p) const { return data.mutable_data_ptr<float>() + p * depth * taps * kernels::kPanel; }
};

constexpr std::int64_t kRowBlock = 96;
constexpr std::int64_t kGrain = 1 << 18;  // multiplications that are worth a thread

// weight [out, in, taps], for x [.., in] * weight^T, or with `back` for dy [.., out] * weight.
Packed pack(const Tensor& weight, std::int64_t taps, bool back) {
  const std::int64_t out = weight.size(0), in = weight.size(1);
  Packed b{{}, back ? out : in, back ? in : out, taps, kernels::kPanel, 0};
  b.data = scratch({b.panels() * b.depth * taps * kernels::kPanel});
  b.tap = b.depth * kernels::kPanel;
  const float* w = weight.const_data_ptr<float>();
  const auto f = kernels::products().pack;
  if (!back) {  // all taps of a panel at once: they alternate in memory
    b.ld = taps * kernels::kPanel;
    b.tap = kernels::kPanel;
  }
  at::parallel_for(0, b.panels(), std::max<std::int64_t>(1, kGrain / (b.depth * taps * kernels::kPanel)),
                   [&](std::int64_t begin, std::int64_t end) {
                     for (std::int64_t p = begin; p < end; ++p) {
                       const std::int64_t j = p * kernels::kPanel;
                       if (!back) {
                         f(w + j * in * taps, 1, in * taps, in * taps, b.width(p), b.panel(p));
                         continue;
                       }
                       for (std::int64_t t = 0; t < taps; ++t)
                         f(w + j * taps + t, in * taps, taps, out, b.width(p), b.panel(p) + t * b.tap);
                     }
                   });
  return b;
}

// f(clip, first row of the clip's, rows, panel) for all blocks of rows and panels, in parallel.
template <class F>
void over_blocks(const Rows& r, const Packed& b, const F& f) {
  const auto blocks = [](std::int64_t rows) { return (rows + kRowBlock - 1) / kRowBlock; };
  const std::int64_t per_clip = blocks(r.clip), panels = b.panels(), last = r.clips() - 1;
  const std::int64_t grain = std::max<std::int64_t>(
      1, kGrain / (std::min(kRowBlock, r.clip) * b.depth * r.taps * std::min(b.cols, kernels::kPanel)));
  at::parallel_for(0, (last * per_clip + blocks(r.count(last))) * panels, grain,
                   [&](std::int64_t begin, std::int64_t end) {
                     for (std::int64_t i = begin; i < end; ++i) {
                       const std::int64_t clip = i / panels / per_clip, first = i / panels % per_clip * kRowBlock;
                       f(clip, first, std::min(kRowBlock, r.count(clip) - first), i % panels);
                     }
                   });
}

// y += the taps of x times panel p, for `rows` rows of a clip from `first`.
void multiply_taps(const Rows& r, const Packed& b, const float* x, std::int64_t clip, std::int64_t first,
                   std::int64_t rows, std::int64_t p, float* y, std::int64_t ldy, bool mirrored) {
  const auto f = kernels::products().multiply;
  for (std::int64_t t = 0; t < r.taps; ++t) {
    const std::int64_t offset = mirrored ? -r.offset(t) : r.offset(t), begin = std::max(first, -offset),
                       end = std::min(first + rows, r.count(clip) - offset);
    if (begin < end)
      f(end - begin, b.width(p), b.depth, x + (r.first(clip) + begin + offset) * b.depth, b.depth,
        b.panel(p) + t * b.tap, b.ld, y + (begin - first) * ldy, ldy);
  }
}

// y = sum over taps of x (shifted) times b, plus bias and residual where given.
void run_product(const Rows& r, const Packed& b, const Tensor& x, const Tensor& bias, const Tensor& residual,
                 const Tensor& y, bool mirrored = false) {
  const float *px = x.const_data_ptr<float>(), *pb = bias.defined() ? bias.const_data_ptr<float>() : nullptr,
              *pr = residual.defined() ? residual.const_data_ptr<float>() : nullptr;
  float* py = y.mutable_data_ptr<float>();
  const auto start = kernels::products().start;
  over_blocks(r, b, [&](std::int64_t clip, std::int64_t first, std::int64_t rows, std::int64_t p) {
    const std::int64_t at = (r.first(clip) + first) * b.cols + p * kernels::kPanel;
    start(rows, b.width(p), pb ? pb + p * kernels::kPanel : nullptr, pr ? pr + at : nullptr, py + at, b.cols);
    multiply_taps(r, b, px, clip, first, rows, p, py + at, b.cols, mirrored);
  });
}

// Gradients of weight [out, in, taps] and bias [out]. Rows are summed in chunks that depend on the shape alone.
std::pair<Tensor, Tensor> run_weight_grad(const Rows& r, const Tensor& x, const Tensor& dy, const Tensor& weight,
                                          bool with_bias) {
  const std::int64_t out = weight.size(0), in = weight.size(1), panels = (in + kernels::kPanel - 1) / kernels::kPanel;
  constexpr std::int64_t kChunks = 8, kElements = 1 << 20;
  const std::int64_t chunks =
      std::clamp<std::int64_t>(kElements / (out * in * r.taps), 1, std::min(kChunks, r.clips()));
  const Tensor parts = scratch({chunks, r.taps, out, in}).zero_(), sums = scratch({chunks, out}).zero_();
  const float *px = x.const_data_ptr<float>(), *pdy = dy.const_data_ptr<float>();
  float *pparts = parts.mutable_data_ptr<float>(), *psums = sums.mutable_data_ptr<float>();
  const kernels::Products& k = kernels::products();
  at::parallel_for(0, chunks * r.taps * panels, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t p = i % panels, t = i / panels % r.taps, chunk = i / panels / r.taps, j = p * kernels::kPanel;
      for (std::int64_t c = chunk * r.clips() / chunks; c < (chunk + 1) * r.clips() / chunks; ++c) {
        const std::int64_t offset = r.offset(t), first = std::max<std::int64_t>(0, -offset),
                           last = std::min(r.count(c), r.count(c) - offset);
        if (first < last)
          k.multiply_rows(last - first, out, std::min(kernels::kPanel, in - j), pdy + (r.first(c) + first) * out, out,
                          px + (r.first(c) + first + offset) * in + j, in,
                          pparts + ((chunk * r.taps + t) * out) * in + j, in);
        if (with_bias && p == 0 && t == 0) k.sum_rows(r.count(c), out, pdy + r.first(c) * out, psums + chunk * out);
      }
    }
  });
  const auto total = [](const Tensor& t) { return t.size(0) == 1 ? t.select(0, 0) : t.sum(0); };
  const Tensor dw = total(parts);
  return {(r.taps == 1 ? dw : dw.permute({1, 2, 0}).contiguous()).view(weight.sizes()),
          with_bias ? total(sums) : Tensor()};
}

Tensor aten_product(const Rows& r, const Tensor& x, const Tensor& weight, const Tensor& bias) {
  if (r.taps == 1) return at::linear(x, weight, bias);
  const Tensor image = x.permute({0, 3, 1, 2});
  return at::conv2d(image, weight, bias, 1, {r.taps / 2, 0}).permute({0, 2, 3, 1}).contiguous();
}

Tensor product(const Rows& r, const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& residual) {
  auto shape = x.sizes().vec();
  shape.back() = weight.size(0);
  const Tensor y = at::empty(shape, x.options());
  run_product(r, pack(weight, r.taps, false), x, bias, residual, y);
  return y;
}

struct ProductFunction : torch::autograd::Function<ProductFunction> {
  static Tensor forward(AutogradContext* ctx, const Tensor& x, const Tensor& weight,
                        const std::optional<Tensor>& given_bias, std::int64_t clip, std::int64_t taps,
                        std::int64_t shift) {
    const Tensor bias = given_bias.value_or(Tensor());
    ctx->save_for_backward({x, weight, bias});
    ctx->saved_data["clip"] = clip;
    ctx->saved_data["taps"] = taps;
    ctx->saved_data["shift"] = shift;
    return product({x.numel() / x.size(-1), clip, taps, shift}, x, weight, bias, {});
  }
  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const auto s = ctx->get_saved_variables();
    const Tensor &x = s[0], &weight = s[1], &bias = s[2];
    const Rows r{x.numel() / x.size(-1), ctx->saved_data["clip"].toInt(), ctx->saved_data["taps"].toInt(),
                 ctx->saved_data["shift"].toInt()};
    variable_list d;
    if (at::GradMode::is_enabled()) {
      variable_list inputs{x, weight};
      if (bias.defined()) inputs.push_back(bias);
      d = differentiable_grad(
          [&](const variable_list& t) { return aten_product(r, t[0], t[1], t.size() > 2 ? t[2] : Tensor()); }, inputs,
          gradients[0]);
    } else {
      const Tensor dy = gradients[0].contiguous();
      Tensor dx;
      if (ctx->needs_input_grad(0)) {
        dx = at::empty_like(x);
        run_product(r, pack(weight, r.taps, true), dy, {}, {}, dx, /*mirrored=*/true);
      }
      auto [dw, db] = run_weight_grad(r, x, dy, weight, bias.defined());
      d = {dx, dw, db};
    }
    d.resize(6);
    return d;
  }
};

constexpr std::int64_t kLeastRows = 32;  // below, packing the weights costs more than it gains

// Is this a case for the kernels? Then x [.., in] as rows.
bool has_products(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  return has_kernels(x, weight, bias) && x.scalar_type() == at::kFloat && weight.scalar_type() == at::kFloat &&
         weight.size(0) % kernels::kWidth == 0 && weight.size(1) % kernels::kWidth == 0 && weight.is_contiguous() &&
         (!bias.defined() || (bias.scalar_type() == at::kFloat && bias.is_contiguous())) &&
         x.numel() / std::max<std::int64_t>(x.size(-1), 1) >= kLeastRows;
}

Tensor products(const Rows& r, const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& residual) {
  if (!records(x, weight) && !(bias.defined() && records(bias)) && !(residual.defined() && records(residual)))
    return product(r, x.contiguous(), weight, bias, residual.defined() ? residual.contiguous() : residual);
  const Tensor y = ProductFunction::apply(x.contiguous(), weight, bias.defined() ? std::optional(bias) : std::nullopt,
                                          r.clip, r.taps, r.shift);
  return residual.defined() ? residual + y : y;
}

Tensor plus_residual(const Tensor& y, const Tensor& residual) {
  if (!residual.defined()) return y;
  return at::GradMode::is_enabled() || y.scalar_type() != residual.scalar_type() ? residual + y
                                                                                 : y.add_(residual.view(y.sizes()));
}

constexpr std::int64_t kLinearRows = 20 * kRowBlock;  // of a chunk whose gradients are summed in one go

// x [.., in] through weight [2m, in], then a * gelu(g); the values between never leave the cache.
Tensor run_linear_geglu(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const std::int64_t in = weight.size(1), m = weight.size(0) / 2, half = kernels::kPanel / 2;
  const Rows r{x.numel() / in, kLinearRows};
  Packed b{{}, in, 2 * m, 1, kernels::kPanel, 0};
  b.data = scratch({b.panels() * in * kernels::kPanel});
  const float* w = weight.const_data_ptr<float>();
  const kernels::Products& k = kernels::products();
  at::parallel_for(0, b.panels(), std::max<std::int64_t>(1, kGrain / (in * kernels::kPanel)),
                   [&](std::int64_t begin, std::int64_t end) {
                     for (std::int64_t p = begin; p < end; ++p)
                       for (std::int64_t side = 0; side < 2; ++side)
                         k.pack(w + (side * m + p * half) * in, 1, in, in, half, b.panel(p) + side * half);
                   });
  auto shape = x.sizes().vec();
  shape.back() = m;
  const Tensor y = at::empty(shape, x.options());
  const float *px = x.const_data_ptr<float>(), *pb = bias.defined() ? bias.const_data_ptr<float>() : nullptr;
  float* py = y.mutable_data_ptr<float>();
  const auto geglu = kernels::table(Type::f32).geglu;
  over_blocks(r, b, [&](std::int64_t clip, std::int64_t first, std::int64_t rows, std::int64_t p) {
    alignas(64) float block[kRowBlock * kernels::kPanel];
    for (std::int64_t side = 0; side < 2; ++side)
      k.start(rows, half, pb ? pb + side * m + p * half : nullptr, nullptr, block + side * half, kernels::kPanel);
    multiply_taps(r, b, px, clip, first, rows, p, block, kernels::kPanel, false);
    for (std::int64_t i = 0; i < rows; ++i)
      geglu(block + i * kernels::kPanel, 1, half, py + (r.first(clip) + first + i) * m + p * half);
  });
  return y;
}

}  // namespace

Tensor group_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, std::int64_t groups, double eps, bool silu,
                  const Tensor& added) {
  const bool plain = !records(x, weight, bias) && !(added.defined() && records(added));
  const bool fused = plain && has_kernels(x, weight, bias, added);
  if (added.defined() && !fused) {
    std::vector<std::int64_t> shape(static_cast<std::size_t>(x.dim()), 1);
    shape.front() = x.size(0);
    shape.back() = x.size(-1);
    return group_norm(x + added.view(shape), weight, bias, groups, eps, silu);
  }
  if (x.is_cuda() && plain)
    if (Tensor y = cuda_group_norm(x, weight, bias, groups, eps, silu); y.defined()) return y;
  if (!has_kernels(x, weight, bias)) return aten_group_norm(x, weight, bias, groups, eps, silu);
  const Tensor input = x.contiguous();
  if (!fused) return GroupNormFunction::apply(input, weight, bias, groups, eps, silu);
  Tensor mean, rstd;
  return run_group_norm(input, weight, bias, groups, eps, silu, mean, rstd, added);
}

Tensor layer_norm(const Tensor& x, const Tensor& weight, const Tensor& bias, double eps) {
  if (x.is_cuda() && !records(x, weight, bias))
    if (Tensor y = cuda_layer_norm(x, weight, bias, eps); y.defined()) return y;
  if (!has_kernels(x, weight, bias)) return aten_layer_norm(x, weight, bias, eps);
  const Tensor input = x.contiguous();
  if (records(x, weight, bias)) return LayerNormFunction::apply(input, weight, bias, eps);
  Tensor mean, rstd;
  return run_layer_norm(input, weight, bias, eps, mean, rstd);
}

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& residual) {
  if (has_products(x, weight, bias)) return products({x.numel() / x.size(-1), kLinearRows}, x, weight, bias, residual);
  return plus_residual(at::linear(x, weight, bias), residual);
}

Tensor linear_geglu(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  if (!has_products(x, weight, bias) || weight.size(0) % kernels::kPanel != 0 || records(x, weight) ||
      (bias.defined() && records(bias)))
    return geglu(linear(x, weight, bias));
  return run_linear_geglu(x.contiguous(), weight, bias);
}

Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, std::int64_t stride, std::int64_t pad_h,
              std::int64_t pad_w, const Tensor& residual) {
  if (weight.size(2) == 3 && weight.size(3) == 1 && stride == 1 && pad_h == 1 && pad_w == 0 && x.numel() > 0 &&
      has_products(x, weight, bias))
    return products({x.size(0) * x.size(1) * x.size(2), x.size(1) * x.size(2), 3, x.size(2)}, x, weight, bias,
                    residual);
  if (stride == 1 && pad_h == 1 && pad_w == 1 && has_winograd(x, weight, bias) && !records(x, weight) &&
      !(bias.defined() && records(bias)) && !(residual.defined() && records(residual)))
    return winograd_conv2d(x.contiguous(), weight, bias, residual.defined() ? residual.contiguous() : residual);
  Tensor image = x.permute({0, 3, 1, 2});
  // ATen brings the weights into the image's layout at every call; where they are much the larger, turn the image.
  if (x.is_cpu() && x.scalar_type() == at::kFloat && weight.numel() > 4 * x.numel()) image = image.contiguous();
  const Tensor y = at::conv2d(image, weight, bias, {stride, stride}, {pad_h, pad_w});
  return plus_residual(y.permute({0, 2, 3, 1}).contiguous(), residual);
}

Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v, std::int64_t heads, bool causal) {
  return attention(q, k, v, heads, causal);
}

Tensor attend_frames(const Tensor& q, const Tensor& k, const Tensor& v, std::int64_t heads) {
  if (q.is_cuda() && !records(q, k, v))
    if (Tensor y = cuda_attend_frames(q, k, v, heads); y.defined()) return y;
  return attention(q, k, v, heads, false);
}

Tensor geglu(const Tensor& x) {
  if (x.is_cuda() && !records(x))
    if (Tensor y = cuda_geglu(x); y.defined()) return y;
  if (!has_kernels(x)) return aten_geglu(x);
  const Tensor input = x.contiguous();
  return records(x) ? GegluFunction::apply(input) : run_geglu(input);
}

Tensor upsample2x(const Tensor& x) {
  const std::int64_t n = x.size(0), h = x.size(1), w = x.size(2), c = x.size(3);
  return x.view({n, h, 1, w, 1, c}).expand({n, h, 2, w, 2, c}).reshape({n, 2 * h, 2 * w, c});
}

}  // namespace vgen::nn
