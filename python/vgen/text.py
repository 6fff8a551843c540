"""CLIP's tokenizer and what it does to text before."""

from vgen._core.text import *  # noqa: F403
