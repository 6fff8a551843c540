"""Predictions, denoisers, guidance, noise and losses."""

from vgen._core.diffusion import *  # noqa: F403
