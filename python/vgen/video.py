"""Reading and writing videos and pictures; transforms of frames (NumPy arrays uint8 [F, H, W, C])."""

from vgen._core.video import *  # noqa: F403
