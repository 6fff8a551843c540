"""Schedules and grids from Python."""

import math

import numpy as np
import pytest

import vgen
from vgen import schedulers


def test_the_schedule_of_stable_diffusion():
    s = schedulers.make_schedule(schedule="scaled_linear")
    betas = np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2
    assert len(s) == s.steps == 1000
    assert np.allclose(s.betas, betas, rtol=1e-12) and np.allclose(s.alphas_cumprod, np.cumprod(1 - betas), rtol=1e-9)
    assert np.allclose(s.alphas**2 + s.sigmas**2, 1) and s.betas.dtype == np.float64
    assert schedulers.make_schedule(schedulers.ScheduleOptions(schedule="linear_sd")).betas[5] == s.betas[5]
    assert "steps=1000" in repr(s)


def test_zero_terminal_snr():
    s = schedulers.make_schedule(schedule="cosine", zero_terminal_snr=True)
    assert s.alphas[-1] == 0 and s.sigmas[-1] == 1
    assert s.level(999).ve_sigma == math.inf


def test_levels():
    s = schedulers.make_schedule()
    level = s.level(500)
    assert level.t == 500 and level.alpha == s.alphas[500] and level.sigma == s.sigmas[500]
    assert level.lambda_ == pytest.approx(math.log(level.alpha / level.sigma))
    assert s.level(-1) == schedulers.NoiseLevel(t=-1, alpha=1, sigma=0)
    assert s.time_of(level.ve_sigma) == pytest.approx(500)
    with pytest.raises(vgen.ConfigError, match=r"\[-1, 999\]"):
        s.level(1000)


def test_a_schedule_of_ones_own():
    s = schedulers.NoiseSchedule.from_betas([0.1, 0.2, 0.3])
    assert s.alphas_cumprod.tolist() == pytest.approx([0.9, 0.72, 0.504])
    with pytest.raises(vgen.ConfigError, match="beta"):
        schedulers.NoiseSchedule.from_betas([0.1, 2.0])
    with pytest.raises(vgen.ConfigError, match="decrease"):
        schedulers.NoiseSchedule.from_alphas_cumprod([0.5, 0.6])


def test_grids():
    s = schedulers.make_schedule()
    assert schedulers.spaced_times("leading", 1000, 4, offset=1) == [751, 501, 251, 1]
    assert schedulers.spaced_times("trailing", 1000, 4) == [999, 749, 499, 249]
    with pytest.raises(vgen.ConfigError, match="did you mean 'linspace'"):
        schedulers.spaced_times("linspce", 1000, 4)
    grid = schedulers.euler_grid(s, 5, schedulers.GridOptions(sigmas="karras"))
    assert len(grid.state) == 6 and len(grid.network) == grid.steps == 5 and grid.state[-1].sigma == 0
    karras = schedulers.karras_sigmas(5, grid.state[4].ve_sigma, grid.state[0].ve_sigma)
    assert [level.ve_sigma for level in grid.state[:5]] == pytest.approx(karras)
