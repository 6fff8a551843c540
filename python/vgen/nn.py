"""Building blocks of the networks and their primitives."""

from vgen._core.nn import *  # noqa: F403
