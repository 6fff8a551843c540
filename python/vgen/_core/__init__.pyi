"""
The C++ library of vgen: one submodule a folder. Use it through vgen.samplers, vgen.unet, ...
"""
from __future__ import annotations
from . import schedulers
from . import text
from . import video
from . import data
from . import metrics
from . import diffusion
from . import samplers
from . import nn
from . import unet
from . import vae
from . import adapters
from . import conditioning
from . import weights
from . import pipelines
from . import train
from . import parity
__all__: list[str] = ['CheckpointError', 'ConfigError', 'Error', 'FormatError', 'Interrupted', 'IoError', 'MediaError', 'NumericsError', 'PathError', 'ShapeError', 'Unavailable', 'UnsafePickleError', 'UnsupportedError', 'WeightsError', 'adapters', 'conditioning', 'data', 'diffusion', 'metrics', 'nn', 'parity', 'pipelines', 'samplers', 'schedulers', 'text', 'train', 'unet', 'vae', 'video', 'weights']
__version__: str
class Error(Exception):
    """
    Errors that vgen throws. One tree; each leaf maps to one process exit code and one Python exception.

A message says who, what was expected, what came, and the way out: "ddim: steps must be in [1, 1000], got 0; try 1".
    """
class ConfigError(Error, ValueError):
    """
    A wrong option, key, name, size or value.
    """
class FormatError(Error, ValueError):
    """
    A malformed file.
    """
class Interrupted(Error, KeyboardInterrupt):
    """
    Stopped on request, but not by Ctrl-C.
    """
class IoError(Error, OSError):
    """
    A file or folder that is missing, unreadable, unwritable, or a full disk.
    """
class NumericsError(Error, ArithmeticError):
    """
    NaN or Inf, with the place where it arose.
    """
class Unavailable(Error, RuntimeError):
    """
    An optional part is missing: FFmpeg, CUDA, a shipped model.
    """
class CheckpointError(IoError):
    """
    A checkpoint that cannot be written or is damaged.
    """
class MediaError(FormatError):
    """
    A video or picture that cannot be decoded.
    """
class PathError(FormatError):
    """
    A file that names another file outside of its folder.
    """
class ShapeError(ConfigError):
    """
    A tensor or array of the wrong shape.
    """
class UnsafePickleError(FormatError):
    """
    A pickle that would run code; nothing was run.
    """
class UnsupportedError(FormatError):
    """
    A well-formed file of a kind that is not read.
    """
class WeightsError(FormatError):
    """
    Tensors that do not fit the model; nothing was loaded.
    """
