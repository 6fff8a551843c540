"""Samplers with denoisers in Python and C++, and a ninth sampler that the library does not know."""

import math

import numpy as np
import pytest
import torch

import vgen
from vgen import diffusion, samplers, schedulers

SCHEDULE = schedulers.make_schedule()
MEAN, DEVIATION = 0.7, 0.3  # of the data that the exact denoiser knows
ALL = samplers.sampler_names()


def exact(x, at):
    """E[x0 | x] of data N(MEAN, DEVIATION^2)."""
    gain = at.alpha * DEVIATION**2 / (at.alpha**2 * DEVIATION**2 + at.sigma**2)
    return MEAN + gain * (x - at.alpha * MEAN)


def noise(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def run(name, x, denoiser=exact, **fields):
    options = type(samplers.sampler_named(name))(**fields)
    return getattr(samplers, name)(denoiser, SCHEDULE, x, options, source=5)


@pytest.mark.parametrize("name", ALL)
def test_every_sampler_finds_the_distribution(name):
    fields = {} if name in ("lcm", "tcd") else {"steps": 100}
    out = run(name, noise(20000, 1), **fields)
    assert out.shape == (20000, 1) and out.dtype == torch.float32
    if name in ("lcm", "tcd"):  # they expect a consistency model; its mean holds for any
        assert abs(out.mean().item() - MEAN) < 0.05
    else:
        assert abs(out.mean().item() - MEAN) < 0.03 and abs(out.std().item() - DEVIATION) < 0.03


def test_ddim_is_the_algebra_of_its_paper():
    x = noise(2, 3)
    out = samplers.ddim(exact, SCHEDULE, x, samplers.DdimOptions(steps=10))
    abar = SCHEDULE.alphas_cumprod
    want = x.double()
    for t in range(901, 0, -100):
        before = abar[max(t - 100, 0)]
        x0 = exact(want, SCHEDULE.level(t))
        eps = (want - math.sqrt(abar[t]) * x0) / math.sqrt(1 - abar[t])
        want = math.sqrt(before) * x0 + math.sqrt(1 - before) * eps
    assert torch.allclose(out.double(), want, atol=1e-5)


def test_what_a_denoiser_may_return():
    x = noise(2, 3)

    def pair(x, at):
        x0 = exact(x, at)
        return x0, (x - at.alpha * x0) / at.sigma

    want = samplers.ddim(exact, SCHEDULE, x)
    assert torch.allclose(samplers.ddim(pair, SCHEDULE, x), want, atol=1e-5)
    assert torch.equal(
        samplers.ddim(lambda x, at: diffusion.Denoised(*pair(x, at)), SCHEDULE, x), samplers.ddim(pair, SCHEDULE, x)
    )


def test_a_model_and_its_prediction_make_a_denoiser():
    x = noise(2, 3)
    times = []

    def model(x, t):  # predicts the noise
        times.append(t)
        at = SCHEDULE.level(int(t[0]))
        return (x - at.alpha * exact(x, at)) / at.sigma

    denoiser = diffusion.denoiser(model, SCHEDULE, prediction="epsilon")
    assert isinstance(denoiser, diffusion.Denoiser)
    out = samplers.ddim(denoiser, SCHEDULE, x, samplers.DdimOptions(steps=5))
    assert torch.allclose(out, samplers.ddim(exact, SCHEDULE, x, samplers.DdimOptions(steps=5)), atol=1e-4)
    assert times[0].dtype == torch.int64 and times[0].shape == (2,) and int(times[0][0]) == 801
    d = denoiser(x, SCHEDULE.level(500))
    assert torch.allclose(SCHEDULE.level(500).alpha * d.x0 + SCHEDULE.level(500).sigma * d.eps, x, atol=1e-5)


def test_noise_sources():
    x = noise(4, 3)
    options = samplers.DdimOptions(steps=5, eta=1)
    by_seed = samplers.ddim(exact, SCHEDULE, x, options, source=3)
    generator = torch.Generator().manual_seed(3)
    assert torch.equal(samplers.ddim(exact, SCHEDULE, x, options, source=generator), by_seed)
    generator.manual_seed(3)
    assert torch.equal(
        samplers.ddim(exact, SCHEDULE, x, options, source=lambda like: torch.randn(like.shape, generator=generator)), by_seed
    )
    assert not torch.equal(samplers.ddim(exact, SCHEDULE, x, options, source=4), by_seed)
    with pytest.raises(vgen.ConfigError, match="noise source"):
        samplers.ddim(exact, SCHEDULE, x, options)


def test_steps_are_reported_changed_and_stopped():
    seen = []

    def on_step(step):
        seen.append((step.index, step.total, step.t, step.x0.shape))
        if step.index == 1:
            step.latent = torch.zeros_like(step.latent)
        return step.index < 2

    out = samplers.ddim(exact, SCHEDULE, noise(2, 3), samplers.DdimOptions(steps=10), on_step=on_step)
    assert [each[0] for each in seen] == [0, 1, 2] and seen[0][1:] == (10, 901.0, (2, 3))
    assert torch.equal(out[0, :1].expand(3), out[0]), "the sample was replaced by zeros after the second step"


def test_gradients_flow_through_a_sampler():
    x = noise(2, 3).requires_grad_()
    scale = torch.tensor(1.0, requires_grad=True)
    samplers.ddim(lambda x, at: scale * exact(x, at), SCHEDULE, x, samplers.DdimOptions(steps=3)).sum().backward()
    assert x.grad.abs().sum() > 0 and scale.grad.abs() > 0
    with torch.no_grad():
        assert not samplers.ddim(exact, SCHEDULE, x).requires_grad


def test_nan_is_found():
    with pytest.raises(vgen.NumericsError, match="step 1 of"):
        samplers.ddim(lambda x, at: x * float("nan"), SCHEDULE, noise(1, 2))


def test_inversion_comes_back():
    x0 = MEAN + DEVIATION * noise(4, 3)
    back = samplers.ddim_inversion(exact, SCHEDULE, x0, samplers.DdimInversionOptions(steps=500))
    again = samplers.ddim(exact, SCHEDULE, back, samplers.DdimOptions(steps=500))
    assert (again - x0).abs().max() < 0.05


def test_names_of_other_libraries():
    assert samplers.sampler_named("DPMSolverMultistepScheduler") == samplers.Dpmpp2mOptions()
    assert samplers.sampler_named("euler_a") == samplers.EulerAncestralOptions()
    with pytest.raises(vgen.ConfigError, match="did you mean"):
        samplers.sampler_named("eulr")
    assert samplers.with_steps(samplers.LcmOptions(), 2).steps == 2
    assert samplers.is_stochastic(samplers.LcmOptions()) and not samplers.is_stochastic(samplers.HeunOptions())


# ---- the ninth sampler: a plain function, no file of the library touched ----


def midpoint(denoiser, schedule, noise, source=None, on_step=None, steps=20):
    """The explicit midpoint method on the probability-flow ODE in sigma / alpha; plain Euler where a step starts in pure noise."""
    levels = [schedule.level(t) for t in range(len(schedule) - 1, -1, -(len(schedule) // steps))] + [schedule.level(-1)]
    x = noise
    for i, (a, b) in enumerate(zip(levels[:-1], levels[1:], strict=True)):
        x0, eps = denoiser(x, a)
        if a.alpha > 0:
            sigma = (a.ve_sigma + b.ve_sigma) / 2
            half = schedulers.NoiseLevel.from_ve(schedule.time_of(sigma), sigma)
            _, eps = denoiser(half.alpha * (x0 + sigma * eps), half)
            x0 = (x - a.sigma * eps) / a.alpha
        x = b.alpha * x0 + b.sigma * eps
        if on_step:
            go_on, x = on_step(i, steps, a, b, x, x0)
            if not go_on:
                break
    return x


def test_a_sampler_of_ones_own():
    def pair(x, at):
        x0 = exact(x, at)
        return diffusion.Denoised(x0, (x - at.alpha * x0) / at.sigma)

    out = midpoint(pair, SCHEDULE, noise(20000, 1), steps=50)
    assert abs(out.mean().item() - MEAN) < 0.03 and abs(out.std().item() - DEVIATION) < 0.03
    model = diffusion.denoiser(lambda x, t: exact(x, SCHEDULE.level(int(t[0]))), SCHEDULE, prediction="x0")
    few = midpoint(model, SCHEDULE, noise(20000, 1), steps=50)
    assert abs(few.mean().item() - MEAN) < 0.1, "a C++ denoiser is called in the same way"


def test_a_sampler_of_ones_own_in_a_pipeline(pipe):
    seen = []
    clip = pipe("x", seed=3, sampler=midpoint, callback_on_step_end=lambda p, i, t, k: seen.append(i))
    assert seen == list(range(20)) and clip.frames.shape == (4, 32, 48, 3)
    assert clip.manifest["sampler"] == "the caller's own"
    stopped = []

    def stop(pipe, index, t, given):
        stopped.append(index)
        pipe._interrupt = index == 2

    pipe("x", seed=3, sampler=midpoint, callback_on_step_end=stop)
    assert stopped == [0, 1, 2]
    steps = [step.index for step in pipe.steps("x", seed=3, sampler=midpoint)]
    assert steps == seen
    with pytest.raises(vgen.ConfigError, match="functools.partial"):
        pipe("x", sampler=midpoint, num_inference_steps=4)
    with pytest.raises(vgen.ShapeError, match="must return latents"):
        pipe("x", sampler=lambda d, s, x, source, on_step: x[:, :1])


def test_one_of_ours_as_a_function(pipe):
    options = samplers.DdimOptions(steps=4)
    want = pipe("x", seed=1, sampler=options).latents
    assert torch.equal(pipe("x", seed=1, sampler=samplers.sampler_function(options)).latents, want)
    by_hand = pipe("x", seed=1, sampler=lambda d, s, x, source, on_step: samplers.ddim(d, s, x, options)).latents
    assert torch.equal(by_hand, want)
    assert isinstance(want.numpy(), np.ndarray)
