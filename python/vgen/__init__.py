"""vgen: video generation by diffusion.

    import vgen
    pipe = vgen.Pipeline.from_pretrained()                 # the shipped model; a folder otherwise
    clip = pipe("a red circle moving left on a black background", seed=7)
    clip.save("out.mp4")

The submodules are the folders of the C++ library, with its names: vgen.samplers.ddim is vgen::samplers::ddim.
"""

try:
    from vgen import _build_info
except ImportError:
    raise ImportError("vgen is not built in this checkout. Run scripts/setup.sh, or pip install --no-build-isolation .") from None

try:
    import torch
except ModuleNotFoundError:
    raise ImportError(f"vgen needs torch {_build_info.torch}: pip install 'torch=={_build_info.torch}.*'") from None

# A module built for another minor loads and then garbles torch's exceptions, or ends in an undefined symbol.
if ".".join(torch.__version__.split(".")[:2]) != _build_info.torch:
    raise ImportError(
        f"vgen {_build_info.version} is built for torch {_build_info.torch}, but torch {torch.__version__} is installed: "
        f"pip install 'torch=={_build_info.torch}.*', or rebuild vgen with this torch."
    )

from vgen import (
    adapters,
    conditioning,
    data,
    diffusion,
    metrics,
    nn,
    parity,
    pipelines,
    samplers,
    schedulers,
    text,
    train,
    unet,
    vae,
    video,
    weights,
)
from vgen._core import (
    CheckpointError,
    ConfigError,
    Error,
    FormatError,
    Interrupted,
    IoError,
    MediaError,
    NumericsError,
    PathError,
    ShapeError,
    Unavailable,
    UnsafePickleError,
    UnsupportedError,
    WeightsError,
    __version__,
)
from vgen.pipelines import Clip, Pipeline, convert

__all__ = [
    "CheckpointError",
    "Clip",
    "ConfigError",
    "Error",
    "FormatError",
    "Interrupted",
    "IoError",
    "MediaError",
    "NumericsError",
    "PathError",
    "Pipeline",
    "ShapeError",
    "Unavailable",
    "UnsafePickleError",
    "UnsupportedError",
    "WeightsError",
    "__version__",
    "adapters",
    "conditioning",
    "convert",
    "data",
    "diffusion",
    "metrics",
    "nn",
    "parity",
    "pipelines",
    "samplers",
    "schedulers",
    "text",
    "train",
    "unet",
    "vae",
    "video",
    "weights",
]
