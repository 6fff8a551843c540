"""Weight files: reading, auditing, loading, writing."""

from vgen._core.weights import *  # noqa: F403
