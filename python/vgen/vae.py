"""The autoencoder of frames."""

from vgen._core.vae import *  # noqa: F403
