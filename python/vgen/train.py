"""Training: run(config, folder) goes on where an earlier run of the folder stopped."""

from vgen._core.train import *  # noqa: F403
