"""Golden cases of the reference, rebuilt with vgen's parts and compared."""

from vgen._core.parity import *  # noqa: F403
