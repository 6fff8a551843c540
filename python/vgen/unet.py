"""The video UNet."""

from vgen._core.unet import *  # noqa: F403
