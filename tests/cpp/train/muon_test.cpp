#include "vgen/train/muon.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_svd.h>
#include <ATen/ops/linalg_svdvals.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "vgen/tensor/random.hpp"

namespace vgen::train {
namespace {

Tensor random(at::IntArrayRef shape, std::uint64_t seed) { return at::randn(shape, make_generator(seed)); }

TEST(Muon, MakesSingularValuesNearlyEqualAndKeepsDirections) {
  for (const auto& shape : {std::vector<std::int64_t>{24, 48}, {16, 80}, {80, 16}}) {
    const Tensor m = random(shape, 3), o = orthogonalised(m.unsqueeze(0))[0];
    EXPECT_EQ(o.sizes(), m.sizes());
    const Tensor s = at::linalg_svdvals(o);
    EXPECT_GT(s.min().item<double>(), 0.3) << shape[0];
    EXPECT_LT(s.max().item<double>(), 1.3) << shape[0];
    // U and V stay: U^T O V is diagonal.
    const auto [u, values, vh] = at::linalg_svd(m, /*full_matrices=*/false);
    const Tensor inner = u.t().mm(o).mm(vh.t());
    EXPECT_LT((inner - inner.diag().diag()).abs().max().item<double>(), 1e-4) << shape[0];
  }
}

TEST(Muon, ZeroStaysZero) { EXPECT_EQ(orthogonalised(at::zeros({2, 4, 6})).abs().max().item<double>(), 0); }

TEST(Muon, StepHasTheRootMeanSquareOfTheRate) {
  Tensor p = at::zeros({32, 8, 3, 3}).requires_grad_(true);
  p.mutable_grad() = random({32, 8, 3, 3}, 5);
  Muon muon({p});
  muon.step(0.01);
  // 0.2 sqrt(72) 0.01 times a semi-orthogonal [32, 72], whose entries have root mean square 1 / sqrt(72).
  EXPECT_NEAR(p.detach().square().mean().sqrt().item<double>(), 0.2 * 0.01, 0.2 * 0.01 * 0.3);
}

TEST(Muon, MinimisesALeastSquaresProblem) {
  const Tensor target = random({12, 20}, 7);
  Tensor p = at::zeros({12, 20}).requires_grad_(true);
  Muon muon({p});
  for (int i = 0; i < 400; ++i) {
    p.mutable_grad() = p.detach() - target;
    muon.step(0.05 * (1 - i / 400.0));
  }
  EXPECT_LT((p.detach() - target).norm().item<double>() / target.norm().item<double>(), 0.01);
}

TEST(Muon, LeavesTablesAndVectorsToAdamW) {
  const MuonOptions o;
  const Tensor matrix = at::zeros({2, 3}), vector = at::zeros({3});
  EXPECT_TRUE(moved_by_muon("unet.down.1.res.conv1.weight", matrix, o));
  EXPECT_FALSE(moved_by_muon("unet.down.1.res.conv1.bias", vector, o));
  EXPECT_FALSE(moved_by_muon("text_encoder.token_embedding", matrix, o));
  EXPECT_FALSE(moved_by_muon("text_encoder.positions", matrix, o));
  EXPECT_FALSE(moved_by_muon("unet.down.0.conv.weight", matrix, o));
}

}  // namespace
}  // namespace vgen::train
