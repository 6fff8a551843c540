"""Encoders of prompts and pictures; derive from Encoder to bring your own."""

from vgen._core.conditioning import *  # noqa: F403
