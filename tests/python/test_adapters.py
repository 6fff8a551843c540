"""Adapters from Python: attaching, diffusers' verbs of a pipeline, layouts of other programs, refusals."""

import json
import subprocess

import numpy as np
import pytest
import torch

import vgen
from vgen import adapters, pipelines, video, weights


@pytest.fixture
def pipe(tiny_model):
    return vgen.Pipeline.from_pretrained(tiny_model)


def lively(unet, seed=1, **fields):
    """A LoRA that does something: its up matrices are drawn too."""
    handle = adapters.inject(unet, adapters.LoraOptions(**fields), seed=seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for each in handle.parameters():
            each.normal_(0, 0.1, generator=generator)  # larger ones make the network chaotic: rounding grows to any size
    return handle


@pytest.fixture
def style(pipe, tmp_path):
    handle = lively(pipe.components.unet, rank=3, alpha=6)
    path = tmp_path / "style.safetensors"
    handle.save(path, "kohya")
    handle.remove()
    return path


def bits(pipe):
    return {name: t.clone() for name, t in pipe.components.unet.named_parameters()}


def clip(pipe):
    return pipe("a red circle", seed=3).latents.numpy()


def same(a, b):
    # the alignment of memory decides the last bit of some matrix products
    return np.abs(a - b).max() <= 1e-4 * np.abs(b).max()


def test_the_lines_of_the_issue(pipe, style):
    before, plain = bits(pipe), clip(pipe)
    handle = adapters.inject(pipe.unet, adapters.load(style))
    full = clip(pipe)
    handle.scale = 0.5
    half = clip(pipe)
    handle.remove()
    assert same(clip(pipe), plain)
    assert not same(full, plain) and not same(half, full)

    pipe.load_lora_weights(style)
    pipe.set_adapters(["style"], [0.5])
    assert same(clip(pipe), half)
    pipe.fuse_lora()
    assert same(clip(pipe), half)
    pipe.unfuse_lora()
    assert same(clip(pipe), half)
    pipe.unload_lora_weights()
    assert same(clip(pipe), plain)
    assert all(torch.equal(t, before[name]) for name, t in pipe.components.unet.named_parameters())


def test_names_and_weights(pipe, style):
    plain = clip(pipe)
    pipe.load_lora_weights(style)
    pipe.load_lora_weights(adapters.load(style).tensors, adapter_name="again")
    assert pipe.get_list_adapters() == {"unet": ["style", "again"]}
    twice = clip(pipe)
    pipe.set_adapters("again", 2.0)
    assert pipe.get_active_adapters() == ["again"]
    assert same(clip(pipe), twice)  # 1 + 1 = 0 + 2
    pipe.disable_lora()
    assert same(clip(pipe), plain)
    pipe.enable_lora()
    pipe.delete_adapters("again")
    assert pipe.get_list_adapters() == {"unet": ["style"]}
    for call, message in (
        (lambda: pipe.set_adapters("nothing"), "loaded: style"),
        (lambda: pipe.set_adapters(["style"], [1, 2]), "1 names but 2 weights"),
        (lambda: pipe.load_lora_weights(style, "style"), "loaded already"),
        (lambda: pipe.delete_adapters("nothing"), "no adapter is named"),
    ):
        with pytest.raises(vgen.ConfigError, match=message):
            call()
    pipe.load_lora_weights(style)  # the same file again, and one without a file
    pipe.load_lora_weights(adapters.load(style).tensors)
    assert pipe.get_list_adapters() == {"unet": ["style", "style_1", "default_2"]}


def test_steps(pipe, style):
    plain = clip(pipe)
    pipe.load_adapter(style, "late", steps=(1, 2))
    assert not same(clip(pipe), plain)
    pipe.adapters["late"].steps = (7, 9)  # the run has three
    assert same(clip(pipe), plain)
    pipe.adapters["late"].steps = (0, 0)
    first = clip(pipe)
    assert same(clip(pipe), first) and not same(first, plain)  # every run begins at 0
    with pytest.raises(vgen.ConfigError, match="acts in steps 0..0 only"):
        pipe.fuse_lora()


def test_bad_files_leave_the_pipeline_as_it_was(pipe, style, tmp_path):
    before, plain = bits(pipe), clip(pipe)
    tensors = adapters.load(style).tensors
    key = next(iter(tensors))
    wide = {**tensors, key: torch.zeros(3, 999)}
    nan = {**tensors, key: torch.full_like(tensors[key], float("nan"))}
    half = {("other." + name if i % 2 else name): t for i, (name, t) in enumerate(tensors.items())}
    for given, message in ((wide, "got \\[3, 999\\]"), (nan, "NaN or Inf"), (half, "unknown"), ({}, "is it an adapter")):
        with pytest.raises(vgen.WeightsError, match=message):
            pipe.load_lora_weights(given)
    with pytest.raises(vgen.IoError):
        pipe.load_lora_weights(tmp_path / "nothing.safetensors")
    assert pipe.get_list_adapters() == {}
    assert same(clip(pipe), plain)
    assert all(torch.equal(t, before[name]) for name, t in pipe.components.unet.named_parameters())
    report = adapters.audit(pipe.components.unet, adapters.Adapter(half))
    assert not report.fits and report.unknown and report.to_dict()["loras"] == report.loras


def test_training_a_motion_adapter(pipe):
    unet = pipe.components.unet
    unet.requires_grad_(False)
    options = adapters.motion_adapter().replace(condition_channels=8)
    handle = adapters.inject(unet, options, seed=5)
    assert {"image", "image_strength"} <= set(unet.declared)
    optimiser = torch.optim.SGD(handle.parameters(), lr=0.1)
    x, text = torch.randn(1, 4, 3, 4, 6), torch.randn(1, 5, 32)
    losses = []
    for _ in range(3):
        loss = unet(x, torch.tensor([300]), {"text": text, "image": torch.ones(1, 1, 8)}).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[2] < losses[0]
    assert all(t.grad is None for t in unet.parameters())
    with pytest.raises(vgen.ConfigError, match="bottleneck"):
        handle.merge()
    handle.remove()
    assert "image" not in unet.declared


def test_the_program_makes_the_same_clip(pipe, style, program, tiny_model, tmp_path):
    out = tmp_path / "out.png"
    command = [program, "gen", "a red circle", "-m", tiny_model, "--seed", "3", "--lora", f"{style}:0.5@0..1", "-o", out]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    frames, info = video.read_video(out)
    pipe.load_adapter(style, scale=0.5, steps=(0, 1))
    made = pipe("a red circle", seed=3)
    difference = np.abs(frames.astype(int) - made.frames)
    assert difference.max() <= 1 and (difference > 0).mean() < 1e-3
    wanted = [{"file": str(style), "scale": 0.5, "first_step": 0, "last_step": 1}]
    assert json.loads(info.comment)["adapters"] == wanted == made.manifest["adapters"]


@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        ("nothing.safetensors", 5, "does not exist"),
        ("{style}:inf", 3, "finite"),
        ("{style}@3..1", 3, "first <= last"),
        ("{wide}", 4, "another width"),
    ],
)
def test_the_program_refuses(style, program, tiny_model, tmp_path, given, code, message):
    wide = tmp_path / "wide.safetensors"
    tensors = adapters.load(style).tensors
    weights.save_state_dict(wide, {name: torch.zeros(3, 999) if "lora_down" in name else t for name, t in tensors.items()})
    text = given.format(style=style, wide=wide)
    out = tmp_path / "out.png"
    done = subprocess.run(
        [program, "gen", "x", "-m", tiny_model, "--lora", text, "-o", out], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == code and message in done.stderr and not out.exists()


def test_components_hold_handles(pipe, style):
    handle = adapters.inject(pipe.components.unet, adapters.load(style))
    pipe.components.adapters = [handle]
    assert isinstance(pipe.components, pipelines.Components)
    assert [each.scale for each in pipe.components.adapters] == [1.0]
    handle.remove()
