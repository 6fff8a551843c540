"""The build backend: scikit-build-core, after a look whether torch is here. Without it `pip install .` would fetch 2.7 GB and then fail,
because an isolated build does not see the torch that vgen must be compiled against."""

import re
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from scikit_build_core import build as backend
from scikit_build_core.build import build_sdist, get_requires_for_build_sdist  # noqa: F401  (hooks passed on)

PINNED = re.search(r'"torch>=([\d.]+)', (Path(__file__).parents[1] / "pyproject.toml").read_text()).group(1)


def expect_torch() -> None:
    fix = f"pip install 'torch=={PINNED}.*' 'scikit-build-core>=1.0' cmake ninja && pip install --no-build-isolation ."
    try:
        found = version("torch")
    except PackageNotFoundError:
        sys.exit(f"vgen: no torch for this build; vgen is compiled against the torch that it will run with, so run:  {fix}")
    if ".".join(found.split(".")[:2]) != PINNED:
        sys.exit(f"vgen: needs torch {PINNED}, found torch {found}; run:  {fix}")


def get_requires_for_build_wheel(config_settings=None):
    expect_torch()
    return backend.get_requires_for_build_wheel(config_settings)


def get_requires_for_build_editable(config_settings=None):
    expect_torch()
    return backend.get_requires_for_build_editable(config_settings)


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    expect_torch()
    return backend.prepare_metadata_for_build_wheel(metadata_directory, config_settings)


def prepare_metadata_for_build_editable(metadata_directory, config_settings=None):
    expect_torch()
    return backend.prepare_metadata_for_build_editable(metadata_directory, config_settings)


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    expect_torch()
    return backend.build_wheel(wheel_directory, config_settings, metadata_directory)


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    expect_torch()
    return backend.build_editable(wheel_directory, config_settings, metadata_directory)
