"""Noise schedules, grids of times and sigmas."""

from vgen._core.schedulers import *  # noqa: F403
