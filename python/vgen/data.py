"""The shapes world: endless captioned clips with ground truth."""

from vgen._core.data import *  # noqa: F403
