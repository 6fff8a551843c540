"""
The C++ library of vgen: one submodule a folder. Use it through vgen.samplers, vgen.unet, ...
"""
from __future__ import annotations
from vgen import CheckpointError
from vgen import ConfigError
from vgen import Error
from vgen import FormatError
from vgen import Interrupted
from vgen import IoError
from vgen import MediaError
from vgen import NumericsError
from vgen import PathError
from vgen import ShapeError
from vgen import Unavailable
from vgen import UnsafePickleError
from vgen import UnsupportedError
from vgen import WeightsError
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
