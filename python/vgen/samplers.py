"""One function a sampling algorithm, each with its options; a denoiser is a C++ object or any callable (x, level) -> x0."""

from vgen._core.samplers import *  # noqa: F403
