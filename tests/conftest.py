"""What the tests of docs and examples need: the program, and a model folder that it made."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# Every part is there; nothing is learnt, so that it takes seconds.
TINY_VAE = """
task:
  type: autoencoder
  model: {channels: 8, multipliers: [1, 1, 1, 1], blocks: 1, norm_groups: 4, resolution: 32, scale_factor: 1.0}
  world: {size: 32, frames: 4}
  batch: 2
trainer: {steps: 1}
"""
TINY_T2V = """
task:
  type: text_to_video
  autoencoder: vae/model
  text: {width: 32, heads: 2, layers: 2, mlp: 64, context_length: 32, embed: 0}
  unet:
    channels: 16
    levels: [{multiplier: 1, attention: true}, {multiplier: 1, attention: true}]
    blocks_per_level: 1
    head_channels: 16
    first_heads: 1
    norm_groups: 4
    context_channels: 32
  index:
    defaults: {frames: 4, height: 32, width: 32, guidance: 3, sampler: {type: ddim, steps: 4}}
  world: {size: 32, frames: 4}
  clips: 4
  batch: 2
trainer: {steps: 1}
"""


@pytest.fixture(scope="session")
def program() -> Path:
    """VGEN_PROGRAM, else the one of this environment, else the newest build."""
    places = [Path(os.environ["VGEN_PROGRAM"])] if "VGEN_PROGRAM" in os.environ else []
    places += [Path(sys.executable).parent / "vgen"]
    places += sorted(ROOT.glob("build/*/bin/vgen"), key=lambda p: p.stat().st_mtime, reverse=True)
    for place in places:
        if place.exists():
            return place
    raise FileNotFoundError("no program vgen: build it (ninja vgen_program) or set VGEN_PROGRAM")


@pytest.fixture(scope="session")
def tiny_model(program, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tiny")
    for name, text in (("vae", TINY_VAE), ("t2v", TINY_T2V)):
        (folder / f"{name}.yaml").write_text(text)
        command = [program, "train", "-c", f"{name}.yaml", "--out", name, "-q"]
        subprocess.run(command, cwd=folder, check=True, timeout=300, stdin=subprocess.DEVNULL)
    return folder / "t2v/model"
