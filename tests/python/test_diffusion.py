"""Predictions, guidance, noise and losses from Python."""

import pytest
import torch

import vgen
from vgen import diffusion, schedulers

SCHEDULE = schedulers.make_schedule()
G = torch.Generator().manual_seed(0)
X0, EPS = torch.randn(3, 4, 2, 4, 4, generator=G), torch.randn(3, 4, 2, 4, 4, generator=G)
T = torch.tensor([10, 500, 900])


def test_add_noise_and_targets():
    alpha = torch.tensor(SCHEDULE.alphas[T.numpy()]).float().view(3, 1, 1, 1, 1)
    sigma = torch.tensor(SCHEDULE.sigmas[T.numpy()]).float().view(3, 1, 1, 1, 1)
    x = diffusion.add_noise(SCHEDULE, X0, EPS, T)
    assert torch.allclose(x, alpha * X0 + sigma * EPS, atol=1e-6)
    level = SCHEDULE.level(500)
    assert torch.allclose(diffusion.add_noise(X0, EPS, level)[1], x[1], atol=1e-6)
    assert torch.equal(diffusion.target("epsilon", SCHEDULE, X0, EPS, T, x), EPS)
    assert torch.allclose(diffusion.target("v", SCHEDULE, X0, EPS, T, x), alpha * EPS - sigma * X0, atol=1e-6)
    with pytest.raises(vgen.ConfigError, match="did you mean 'epsilon'"):
        diffusion.target("epsilom", SCHEDULE, X0, EPS, T, x)


@pytest.mark.parametrize("prediction", ["epsilon", "v", "x0"])
def test_a_perfect_model_has_no_loss_and_gives_x0(prediction):
    x = diffusion.add_noise(SCHEDULE, X0, EPS, T)
    perfect = diffusion.target(prediction, SCHEDULE, X0, EPS, T, x).clone().requires_grad_()
    loss = diffusion.training_loss(SCHEDULE, perfect, X0, EPS, x, T, prediction=prediction)
    assert loss.shape == (3,) and loss.abs().max() < 1e-6
    wrong = diffusion.training_loss(
        SCHEDULE, perfect + 1, X0, EPS, x, T, diffusion.LossOptions(prediction=prediction), weight=torch.tensor([0.0, 1, 2])
    )
    assert torch.allclose(wrong, torch.tensor([0.0, 1, 2]), atol=1e-5)
    wrong.sum().backward()
    assert perfect.grad[0].abs().max() == 0 and perfect.grad[2].abs().max() > 0
    one = slice(1, 2)
    denoiser = diffusion.denoiser(lambda x, t: perfect[one].detach(), SCHEDULE, prediction=prediction)
    x0, eps = denoiser(x[one], SCHEDULE.level(500))
    assert torch.allclose(x0, X0[one], atol=1e-4) and torch.allclose(eps, EPS[one], atol=1e-4)


def test_guidance():
    cond, uncond = (lambda x, t: x + 1), (lambda x, t: x)
    x = torch.zeros(2, 3)
    assert torch.equal(diffusion.guided(cond, uncond, diffusion.GuidanceOptions(scale=3))(x, T[:2]), torch.full((2, 3), 3.0))
    calls = []

    def both(x, t):
        calls.append(len(x))
        return x + torch.tensor([1.0, 1, 0, 0]).view(4, 1)

    assert torch.equal(diffusion.guided_in_one_batch(both, diffusion.GuidanceOptions(scale=3))(x, T[:2]), torch.full((2, 3), 3.0))
    assert calls == [4]
    with pytest.raises(vgen.ConfigError, match=r"rescale must be in \[0, 1\]"):
        diffusion.guided(cond, uncond, diffusion.GuidanceOptions(rescale=2))


def test_offset_noise():
    noise = diffusion.draw_noise(torch.zeros(4, 4, 2, 8, 8), 0.5, torch.Generator().manual_seed(1))
    again = torch.Generator().manual_seed(1)
    want = torch.randn(4, 4, 2, 8, 8, generator=again) + 0.5 * torch.randn(4, 4, 2, 1, 1, generator=again)
    assert torch.equal(noise, want)
