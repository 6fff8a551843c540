"""kill -9 at random times, then the same command again: equal to the unbroken run, to the bit (Must show 7).

./check runs two kills of each kind; the full figure is   pytest -m slow tests/program/test_kill_resume.py   (20 and 20).
"""

import json
import random
import shutil
import subprocess
import time

import pytest
from harness import AUTOENCODER, TEXT_TO_VIDEO, Vgen

pytestmark = pytest.mark.long

PROMPT = "a red circle moving left on a black background"
STEPS = 40
NOT_ARITHMETIC = {"seconds_per_step"}


def losses(run) -> list[dict]:
    lines = (run / "log.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k not in NOT_ARITHMETIC} for line in lines]


def weights(run) -> dict[str, bytes]:
    files = [*run.glob("model/**/*.safetensors"), run / "checkpoints" / f"step-{STEPS}" / "state.safetensors"]
    return {str(p.relative_to(run)): p.read_bytes() for p in files}


def words(config: str, run: str) -> list[str]:
    return ["train", "-c", config, "--out", run, "--set", f"trainer.steps={STEPS}", "--set", "trainer.checkpoint_every=3"]


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory, program, model):
    """Unbroken runs of both tasks, with the time that each takes."""
    folder = tmp_path_factory.mktemp("kill")
    vgen = Vgen(folder, program)
    shutil.copytree(model.parents[1] / "ae" / "model", folder / "ae" / "model")
    (folder / "autoencoder.yaml").write_text(AUTOENCODER.replace("ema_decay: 0.9\n", "ema_decay: 0.9\n  sample_every: 16\n"))
    (folder / "text_to_video.yaml").write_text(TEXT_TO_VIDEO.replace("checkpoint_every: 1}", "log_every: 1}"))
    seconds = {}
    for task in ("autoencoder", "text_to_video"):
        seconds[task] = vgen(*words(f"{task}.yaml", f"{task}-whole")).seconds
    return vgen, seconds


def kill_until_done(vgen, task, seconds, kills, seed) -> int:
    """Kills runs of one folder at random times, `kills` times; then lets it finish. Returns how many kills hit a run."""
    generator = random.Random(seed)
    run, hits = vgen.folder / f"{task}-killed", 0
    shutil.rmtree(run, ignore_errors=True)
    while hits < kills:
        process = vgen.start(*words(f"{task}.yaml", run.name), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(generator.uniform(0.2, seconds))
        hits += process.poll() is None
        process.kill()
        process.wait()
        if (run / "model").exists():  # it was done: once more from the start, for the kills that are left
            check(vgen, task)
            shutil.rmtree(run)
    vgen(*words(f"{task}.yaml", run.name))
    return hits


def check(vgen, task):
    whole, killed = vgen.folder / f"{task}-whole", vgen.folder / f"{task}-killed"
    if (killed / "checkpoints" / f"step-{STEPS}").exists() and not (killed / "model" / "model_index.json").exists():
        vgen(*words(f"{task}.yaml", killed.name))  # killed while the model was being written: the command makes it whole
    assert losses(killed) == losses(whole)
    assert [r["step"] for r in losses(whole) if "loss" in r] == list(range(1, STEPS + 1))
    assert weights(killed) == weights(whole) and len(weights(whole)) >= 2
    assert [p for p in killed.rglob("*.part")] == []


@pytest.mark.parametrize("task", ["autoencoder", "text_to_video"])
@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_training(unbroken, task, kills):
    vgen, seconds = unbroken
    assert kill_until_done(vgen, task, seconds[task], kills, seed=kills) == kills
    check(vgen, task)


@pytest.mark.parametrize("name", ["out.mp4", "out.gif", "frames/"])
@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_writing_a_clip(vgen, model, ffmpeg, name, kills):
    """The file is the old one or the new one, never half of one."""
    command = ["gen", PROMPT, "-m", model, "--steps", 1, "--frames", 64, "--size", "128x128", "--guidance", 1, "-o", name]
    started = time.monotonic()
    process = vgen.start(*command, text=True)
    for line in process.stderr:
        if "write" in line:
            break
    before = time.monotonic() - started
    process.communicate()
    total = time.monotonic() - started

    def content():
        path = vgen.folder / name
        if not name.endswith("/"):
            return path.read_bytes()
        return {p.name: p.read_bytes() for p in path.iterdir()}

    whole, generator, hits = content(), random.Random(kills), 0
    while hits < kills:
        process = vgen.start(*command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(generator.uniform(before * 0.9, total))
        hits += process.poll() is None
        process.kill()
        process.wait()
        assert content() == whole
        for part in vgen.folder.glob("*.part"):
            shutil.rmtree(part) if part.is_dir() else part.unlink()
