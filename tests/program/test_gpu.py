"""What runs on a CUDA device, where there is one (run on an H200, 2026-11-26; skipped elsewhere)."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SHAPES = ROOT / "models/shapes"
gpu = pytest.mark.skipif(not Path("/dev/nvidia0").exists(), reason="no GPU here")
PROMPT = "a red circle moving left on a black background"


@gpu
@pytest.mark.parametrize("area", ["unets", "vae", "clip", "pipelines"])
def test_goldens_hold_on_the_device(vgen, area):
    vgen("parity", ROOT / "tests/golden" / area, "--device", "cuda", "--failed")


@gpu
def test_the_judge_reads_the_same_in_every_number_type(vgen):
    for dtype in ("fp32", "bf16", "fp16"):
        done = vgen("eval", "shapes", "-m", SHAPES, "--prompts", "8", "--device", "cuda", "--dtype", dtype, "--json")
        assert done.document["total"]["all"] >= 0.75, dtype


@gpu
def test_training_stops_goes_on_and_loads_on_the_cpu(vgen):
    words = ["train", "-c", ROOT / "examples/configs/shapes_text.yaml", "--out", "run", "--device", "cuda", "--set",
             "trainer.log_every=1", "--set", "trainer.sample_every=0", "--set", "trainer.checkpoint_every=5"]  # fmt: skip
    vgen(*words, "--set", "trainer.steps=5")
    vgen(*words, "--set", "trainer.steps=10")
    losses = [json.loads(line)["loss"] for line in (vgen.folder / "run/log.jsonl").read_text().splitlines()]
    assert len(losses) == 10 and losses[-1] < losses[0]
    vgen("inspect", "run/model/text_encoder/model.safetensors")


@pytest.mark.parametrize("command", [["train", "-c", ROOT / "examples/configs/shapes_text.yaml"], ["eval", "shapes"], ["gen", PROMPT],
                                     ["parity", ROOT / "tests/golden/vae"]], ids=lambda c: c[0])  # fmt: skip
def test_a_device_that_is_not_there_is_refused_by_name(vgen, command):
    wrong = vgen(*command, "--device", "gpu", code=3)
    assert "device: expected cpu, cuda or cuda:N, got 'gpu'" in wrong.err
    if not Path("/dev/nvidia0").exists():
        missing = vgen(*command, "--device", "cuda", code=None)
        assert missing.code != 0 and "no CUDA device" in missing.err and "--device cpu" in missing.err
        assert not list(vgen.folder.glob("**/*.part"))
