"""The built `vgen` program, and a tiny model that it trains itself in seconds."""

from __future__ import annotations

import functools
import json
import os
import shutil
import struct
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def find_program() -> str | None:
    """VGEN_PROGRAM, else the newest build of this tree that is no wheel's, else what is installed."""
    here = [p for p in ROOT.glob("build/*/bin/vgen") if not p.parents[1].name.startswith("cp3")]
    built = [*here, *Path(os.environ.get("VGEN_BUILD", "/nowhere")).glob("bin/vgen")]
    newest = max(built, key=lambda p: p.stat().st_mtime, default=None)
    return os.environ.get("VGEN_PROGRAM") or (str(newest) if newest else shutil.which("vgen"))


@dataclass
class Result:
    code: int
    out: str
    err: str
    seconds: float

    @property
    def document(self):
        return json.loads(self.out)


class Vgen:
    """Runs the program in a folder of its own, with two threads: the machine is shared."""

    def __init__(self, folder: Path, program: str):
        self.folder, self.program = folder, program
        self.environment = {**os.environ, "OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "0", "VGEN_LOG": "warn"}
        self.environment.pop("VGEN_MODEL", None)

    def __call__(self, *words, code: int | None = 0, input: bytes | None = None, **options) -> Result:
        began = time.monotonic()
        done = subprocess.run(
            [self.program, *map(str, words)] if not options.pop("raw", False) else [self.program, *words],
            cwd=self.folder,
            env={**self.environment, **options.pop("env", {})},
            input=b"" if input is None else input,
            capture_output=True,
            timeout=300,
            **options,
        )
        seconds = time.monotonic() - began
        result = Result(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"), seconds)
        if code is not None:
            assert result.code == code, f"exit {result.code}, expected {code}\n{result.out}\n{result.err}"
        return result

    def start(self, *words, **options) -> subprocess.Popen:
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        environment = {**self.environment, **options.pop("env", {})}
        return subprocess.Popen(
            [self.program, *map(str, words)], cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, **options
        )

    def fastest(self, *words, code: int = 0, times: int = 5) -> Result:
        """Best of several: the machine may be busy, the program is as fast as its fastest run."""
        return min((self(*words, code=code) for _ in range(times)), key=lambda r: r.seconds)

    def names(self, folder: str = ".") -> set[str]:
        return {str(p.relative_to(self.folder / folder)) for p in (self.folder / folder).rglob("*") if p.is_file()}


class TooSlow(AssertionError):
    """The only failure that the machine may have caused."""


def best_of_three(test):
    """Up to three attempts, each in a folder of its own, at what must be done in time: other work on the machine disturbs one of
    them, a program that is too slow fails all. Anything but TooSlow fails at once."""

    @functools.wraps(test)
    def attempts(vgen, **fixtures):
        for attempt in (1, 2, 3):
            folder = vgen.folder / f"attempt-{attempt}"
            folder.mkdir()
            try:
                return test(vgen=Vgen(folder, vgen.program), **fixtures)
            except TooSlow:
                if attempt == 3:
                    raise

    return attempts


def await_log(run: Path, lines: int = 1) -> None:
    """Until a training has logged that many steps."""
    log = run / "log.jsonl"
    until = time.monotonic() + 120
    while not (log.exists() and log.read_text().count("\n") >= lines):
        assert time.monotonic() < until, f"{log}: no {lines} steps within 120 s"
        time.sleep(0.01)


@pytest.fixture(scope="session")
def program() -> str:
    found = find_program()
    if not found:
        pytest.skip("no vgen program: build the target vgen_program, or set VGEN_PROGRAM")
    return found


@pytest.fixture
def vgen(tmp_path, program) -> Vgen:
    return Vgen(tmp_path, program)


AUTOENCODER = """\
task:
  type: autoencoder
  model: {channels: 8, multipliers: [1, 1, 1], blocks: 1, norm_groups: 4, resolution: 16, scale_factor: 1.0}
  world: {size: 16, frames: 4}
  batch: 2
trainer:
  steps: 6
  accumulate: 2
  learning_rate: {base: 0.001, warmup_steps: 2, total_steps: 6}
  clip_norm: 1.0
  ema_decay: 0.9
  log_every: 1
  checkpoint_every: 2
"""

TEXT_TO_VIDEO = """\
task:
  type: text_to_video
  autoencoder: ae/model
  text: {width: 32, heads: 2, layers: 1, mlp: 64, context_length: 16, embed: 0, layer: last}
  unet: {channels: 16, levels: [{multiplier: 1, attention: true}, {multiplier: 2, attention: false}], blocks_per_level: 1,
         head_channels: 8, first_heads: 2, norm_groups: 8, context_channels: 32}
  index:
    schedule: {schedule: cosine, zero_terminal_snr: true}
    prediction: v
    defaults: {frames: 4, height: 16, width: 16, fps: 8, guidance: 3, sampler: {type: ddim, steps: 4}}
  world: {size: 16, frames: 4}
  clips: 8
  batch: 2
trainer: {steps: 2, learning_rate: {base: 0.001, warmup_steps: 1, total_steps: 2}, checkpoint_every: 1}
"""


@pytest.fixture(scope="session")
def model(tmp_path_factory, program) -> Path:
    """A whole model folder: sides are multiples of 8."""
    folder = tmp_path_factory.mktemp("model")
    vgen = Vgen(folder, program)
    (folder / "ae.yaml").write_text(AUTOENCODER)
    (folder / "t2v.yaml").write_text(TEXT_TO_VIDEO)
    vgen("train", "-c", "ae.yaml", "--out", "ae", "--set", "trainer.steps=2")
    vgen("train", "-c", "t2v.yaml", "--out", "t2v")
    return folder / "t2v" / "model"


@pytest.fixture
def ffmpeg(vgen):
    """FFmpeg's libraries: videos are written and read."""
    findings = {f["name"]: f for f in vgen("doctor", "--json", code=None).document["findings"]}
    if findings["ffmpeg"]["health"] != "ok":
        pytest.skip(findings["ffmpeg"]["value"])


def with_header(model: Path, copy: Path, part: str, change) -> Path:
    """A copy of the model with another header in the weight file of `part`: change(header) alters it in place."""
    shutil.copytree(model, copy)
    path = copy / part / "model.safetensors"
    data = path.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    change(header)
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + size :])
    return copy


def damage(model: Path, copy: Path, part: str, name: str) -> Path:
    """A copy of the model with one NaN in the tensor `name` of `part` (stored as float16)."""
    shutil.copytree(model, copy)
    path = copy / part / "model.safetensors"
    data = bytearray(path.read_bytes())
    size = int.from_bytes(data[:8], "little")
    entry = json.loads(data[8 : 8 + size])[name]
    assert entry["dtype"] == "F16"
    at = 8 + size + entry["data_offsets"][0]
    data[at : at + 2] = b"\x00\x7e"
    path.write_bytes(data)
    return copy


def tensors(model: Path, part: str) -> dict:
    """Header of a part's weight file: name -> {dtype, shape, data_offsets}."""
    data = (model / part / "model.safetensors").read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    return {k: v for k, v in header.items() if k != "__metadata__"}


def write_safetensors(path: Path, shapes: dict[str, tuple[int, ...]]) -> None:
    """Tensors of these names and shapes, with any values."""
    header, data, value = {}, b"", 1
    for name, shape in shapes.items():
        count = 1
        for side in shape:
            count *= side
        values = []
        for _ in range(count):
            value = value * 1103515245 + 12345 & 0x7FFFFFFF
            values.append(value / 0x7FFFFFFF - 0.5)
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [len(data), len(data) + 4 * count]}
        data += struct.pack(f"<{count}f", *values)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory, program):
    """tiny("higen"): a model folder of that system with random weights, made once."""
    folder = tmp_path_factory.mktemp("tiny")

    def made(system):
        if not (folder / system).exists():
            Vgen(folder, program)("tiny", system, system, "--seed", 3)
        return folder / system

    return made
