"""Training from Python: a run, its progress, its resumption, its result in a pipeline."""

import json
import signal
import subprocess
import sys
import textwrap

import pytest
import torch
from tiny_model import TEXT, UNET

import vgen
from vgen import train

WORLD = {"size": 16, "frames": 2}
VAE_CONFIG = train.TrainConfig(
    task=train.AutoencoderTaskOptions(
        model={"channels": 8, "multipliers": [1, 1], "blocks": 1, "norm_groups": 4, "resolution": 16}, world=WORLD, batch=4
    ),
    trainer={"steps": 6, "checkpoint_every": 3, "log_every": 1, "learning_rate": {"base": 1e-3, "warmup_steps": 1}},
)


def losses(folder):
    return [json.loads(line)["loss"] for line in (folder / "log.jsonl").read_text().splitlines() if "loss" in line]


def test_a_run(tmp_path):
    events = []
    result = train.run(VAE_CONFIG, tmp_path / "run", progress=lambda *event: events.append(event))
    assert result.finished and result.step == 6 and result.bad_steps == 0
    assert events[-1][:3] == ("train", 6, 6)
    curve = losses(tmp_path / "run")
    assert len(curve) == 6 and curve[-1] < curve[0] and curve[-1] == pytest.approx(result.last_loss)

    # in two parts: the same to the bit
    first = VAE_CONFIG.replace(trainer={"steps": 3})
    assert train.run(first, tmp_path / "parts").step == 3
    assert train.run(VAE_CONFIG, tmp_path / "parts").step == 6
    assert losses(tmp_path / "parts") == curve
    one, two = (vgen.weights.read_state_dict(tmp_path / n / "model/vae/model.safetensors") for n in ("run", "parts"))
    assert one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def test_a_model_trained_in_python_runs(tmp_path):
    train.run(VAE_CONFIG, tmp_path / "vae")
    config = train.TrainConfig(
        task=train.TextToVideoTaskOptions(
            autoencoder=str(tmp_path / "vae" / "model"),
            text=TEXT,
            unet=UNET.replace(in_channels=4, out_channels=4),
            world=WORLD,
            clips=4,
            batch=2,
            index={"defaults": {"frames": 2, "height": 16, "width": 16, "sampler": {"type": "ddim", "steps": 2}}},
        ),
        trainer={"steps": 2, "checkpoint_every": 2},
    )
    assert train.run(config, tmp_path / "t2v").finished
    pipe = vgen.Pipeline.from_pretrained(tmp_path / "t2v" / "model")
    assert pipe("a red circle", seed=1).frames.shape == (2, 16, 16, 3)


def test_configuration_files(tmp_path):
    path = tmp_path / "vae.json"
    path.write_text(json.dumps({"task": {"type": "autoencoder", "batch": 3}, "trainer": {"steps": 5}}))
    assert train.read_config(path).task.batch == 3
    assert train.read_config(path, {"trainer.steps": 7}).trainer.steps == 7
    path.write_text(json.dumps({"task": {"type": "autoencoder", "bach": 3}}))
    with pytest.raises(vgen.ConfigError, match=r"vae\.json:1:.*unknown key 'bach'.*did you mean 'batch'"):
        train.read_config(path)
    with pytest.raises(OSError):
        train.read_config(tmp_path / "none.yaml")


@pytest.mark.long  # as in test_interrupt.py
def test_ctrl_c_leaves_a_run_that_goes_on(tmp_path):
    config = VAE_CONFIG.replace(trainer={"steps": 100_000, "checkpoint_every": 100_000})
    (tmp_path / "config.json").write_text(
        json.dumps(config.to_dict() | {"task": {"type": "autoencoder", **config.task.to_dict()}})
    )
    code = """
        import sys, vgen
        def said(stage, done, total, seconds):
            if done == 2: print("started", flush=True)
        try:
            vgen.train.run(vgen.train.read_config(sys.argv[1]), sys.argv[2], progress=said)
        except KeyboardInterrupt:
            print("interrupted", flush=True)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), tmp_path / "config.json", tmp_path / "run"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "started\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60)[0] == "interrupted\n" and process.returncode == 0
    steps = [int(p.name.removeprefix("step-")) for p in (tmp_path / "run").rglob("step-*")]
    assert steps and max(steps) >= 2
    again = train.run(config.replace(trainer={"steps": max(steps) + 1}), tmp_path / "run")
    assert again.finished and again.step == max(steps) + 1


def test_learning_rate():
    options = train.LearningRateOptions(base=1e-3, warmup_steps=10, total_steps=100, decay="linear")
    assert train.learning_rate(options, 5) == pytest.approx(5e-4) and train.learning_rate(options, 100) == 0
