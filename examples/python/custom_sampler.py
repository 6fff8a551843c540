"""A sampler of one's own, first tried on a problem with a known answer, then run by a pipeline.

python examples/python/custom_sampler.py [MODEL]
"""

import functools
import math
import sys

import torch

import vgen
from vgen import schedulers


def dpm_solver_2(denoiser, schedule, noise, source=None, on_step=None, steps=12, options=None):
    """DPM-Solver-2 (Lu et al. 2022, algorithm 1): two evaluations a step, the second half way in log(sigma / alpha)."""
    grid = schedulers.euler_grid(schedule, steps, options or schedulers.GridOptions())
    x = noise
    for i in range(steps):
        start, end = grid.state[i], grid.state[i + 1]
        x0, eps = denoiser(x, grid.network[i])
        if start.alpha > 0 and end.sigma > 0:
            middle = math.sqrt(start.ve_sigma * end.ve_sigma)
            half = schedulers.NoiseLevel.from_ve(schedule.time_of(middle), middle, True)
            _, eps = denoiser(half.alpha * x0 + half.sigma * eps, half)
            x0 = (x - start.sigma * eps) / start.alpha  # the line through x in the direction seen half way
        x = end.alpha * x0 + end.sigma * eps
        if on_step:
            go_on, x = on_step(i, steps, start, end, x, x0)
            if not go_on:
                break
    return x


def normal_data(x, at):
    """The best denoiser for normal data of mean 0.7 and deviation 0.4."""
    variance = at.alpha**2 * 0.16 + at.sigma**2
    x0 = 0.7 + at.alpha * 0.16 / variance * (x - at.alpha * 0.7)
    return x0, (x - at.alpha * x0) / at.sigma


def error(steps):
    """Distance from the exact solution of the ODE at the last level that is not clean."""
    karras = schedulers.GridOptions(sigmas="karras")
    levels = schedulers.euler_grid(schedule, steps, karras).state
    first, last = levels[0], levels[-2]
    reached = []

    def on_step(index, total, start, end, latent, x0):
        reached.append(latent)
        return True, latent

    x = torch.randn(64, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    dpm_solver_2(normal_data, schedule, x, on_step=on_step, steps=steps, options=karras)
    deviation = [math.sqrt(at.alpha**2 * 0.16 + at.sigma**2) for at in (first, last)]
    exact = last.alpha * 0.7 + deviation[1] / deviation[0] * (x - first.alpha * 0.7)
    return (reached[-2] - exact).abs().max().item()


schedule = schedulers.make_schedule()
order = math.log2(error(20) / error(40))
print(f"error with 20 steps {error(20):.1e}, with 40 steps {error(40):.1e}: order {order:.1f}")
assert order > 1.7

pipe = vgen.Pipeline.from_pretrained(sys.argv[1] if len(sys.argv) > 1 else None)
clip = pipe("a red circle moving left on a black background", seed=7, sampler=functools.partial(dpm_solver_2, steps=8))
print(clip.save("custom_sampler.gif"))
