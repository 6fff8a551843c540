"""What Python tests, docs and examples need: a tiny model and the program, both of the build that the module comes from."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "python"))  # tiny_model.py


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory):
    from tiny_model import write_tiny_model

    return write_tiny_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture
def pipe(tiny_model):
    import vgen

    return vgen.Pipeline.from_pretrained(tiny_model)


@pytest.fixture(scope="session")
def program():
    """The vgen program of the build that the module comes from."""
    from vgen import _core

    built = Path(_core.__file__).resolve().parents[1] / "bin" / "vgen"
    path = built if built.exists() else Path(sys.executable).parent / "vgen"
    assert path.exists(), "the program vgen is not built"
    return path
