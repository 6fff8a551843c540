"""The stubs are those of the module; a user's program passes mypy --strict, and mistakes in it are found."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import torch
import vgen
from vgen import conditioning, diffusion, samplers, schedulers

def denoiser(x: torch.Tensor, at: schedulers.NoiseLevel) -> torch.Tensor:
    return x * at.alpha

class Mine(conditioning.Encoder):
    def encode(self, texts: list[str]) -> torch.Tensor:  # type: ignore[override]
        return torch.zeros(len(texts), 4, 32)

pipe = vgen.Pipeline.from_pretrained("models/shapes", device="cpu", dtype=torch.float32)
clip = pipe("a red circle", num_frames=16, num_inference_steps=25, guidance_scale=5.0, seed=7)
report = clip.save("out.mp4", quality=20)
print(clip.frames.shape, clip.seed + 1, report.encoder.upper(), clip.manifest["prompt"])
for other in pipe(["a", "b"], seed=[1, 2]):
    other.save("x.png")
for step in pipe.steps("a blue square growing", seed=1):
    print(step.index + 1, step.preview().shape)
options = samplers.DdimOptions(steps=50, spacing="trailing").replace(eta=0.5)
schedule = schedulers.make_schedule(schedule="cosine")
z = samplers.ddim(denoiser, schedule, torch.randn(1, 4), options, source=3)
model = diffusion.denoiser(pipe.components.unet.bind({}), schedule, prediction="v")
try:
    pipe("x", sampler="ddmi")
except vgen.ConfigError as error:
    print(error)
"""
WRONG = {
    "options.stpes": "samplers.DdimOptions().stpes",
    "keyword": "samplers.DdimOptions(stpes=3)",
    "choice": "samplers.DdimOptions(spacing='trailling')",
    "argument": "pipe('x', num_frame=3)",
    "kind of argument": "pipe('x', num_frames='many')",
    "attribute": "clip.frame",
    "diffusers' attribute": "pipe.to('cuda')",
    "diffusers' argument": "vgen.Pipeline.from_pretrained(variant='fp16')",
    "attribute of an error": "vgen.ConfigError('x').stpes",
}


def test_programs_are_checked(tmp_path):
    (tmp_path / "right.py").write_text(PROGRAM)
    (tmp_path / "wrong.py").write_text(PROGRAM + "\n".join(WRONG.values()) + "\n")
    # torch and numpy are not followed: checking their sources takes a minute and is not our matter
    (tmp_path / "mypy.ini").write_text(
        "[mypy]\nstrict = True\n[mypy-torch.*,numpy.*]\nfollow_imports = skip\n[mypy-vgen.*]\nignore_errors = True\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", "mypy.ini", "right.py", "wrong.py"],
        cwd=tmp_path,
        env=os.environ | {"MYPYPATH": str(ROOT / "python")},
        capture_output=True,
        text=True,
    )
    assert "right.py" not in done.stdout, done.stdout
    first = PROGRAM.count("\n") + 1
    for i, name in enumerate(WRONG):
        assert f"wrong.py:{first + i}: error" in done.stdout, (name, done.stdout + done.stderr)


def test_the_stubs_are_those_of_the_module():
    done = subprocess.run([sys.executable, ROOT / "scripts/stubs.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
