"""Every system of the family from Python, on tiny models with random weights."""

import subprocess

import numpy as np
import pytest
import torch

import vgen
from vgen import pipelines, text, unet, video

SYSTEMS = ["t2v", "i2vgen_xl", "higen", "sr600", "tf_t2v", "video_composer", "video_lcm", "dream_video", "instruct_video"]


def picture(height=40, width=56):
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 4, y * 6, x + y], -1).astype(np.uint8)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder, pipes = tmp_path_factory.mktemp("tiny"), {}

    def opened(name):
        if name not in pipes:
            pipelines.write_tiny_model(name, folder / name, seed=3)
            pipes[name] = vgen.Pipeline.from_pretrained(folder / name)
        return pipes[name]

    return opened


def given(pipe):
    system = pipelines.system_named(pipe.index.system)
    inputs = {}
    if system.needs_image:
        inputs["image"] = picture()
    if system.needs_video:
        inputs["video"] = np.stack([np.roll(picture(36, 32), k, axis=1) for k in range(4)])
    return inputs


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_clip_and_its_steps(tiny, name):
    pipe = tiny(name)
    inputs = given(pipe)
    clip = pipe("a fox", seed=5, **inputs)
    assert clip.frames.shape[0] == 4 and clip.frames.shape[2] == 64 and clip.frames.dtype == np.uint8
    assert clip.manifest["system"] == name
    last = None
    for step in pipe.steps("a fox", seed=5, **inputs):
        last = step
    assert torch.equal(last.latent, clip.latents)


def test_the_system_is_read_from_the_keys_of_checkpoints(tiny, tmp_path):
    for name in ("t2v", "i2vgen_xl", "higen", "video_composer"):
        bare = tmp_path / name
        vgen.convert(tiny(name).components.folder, bare, to="reference")
        for file in ("model_index.json", "configuration.json"):
            (bare / file).unlink()
        pipe = vgen.Pipeline.from_pretrained(bare)
        assert pipe.index.system == name
        assert pipe.unet.declared == tiny(name).unet.declared


def test_the_table_of_systems():
    assert [s.name for s in pipelines.systems()] == SYSTEMS
    xl = pipelines.system_named("i2vgen_xl")
    assert xl.needs_image and not xl.needs_video and "arXiv" in xl.paper
    assert xl.unet == unet.i2vgen_xl()
    assert xl.index.defaults.width == 1280
    with pytest.raises(vgen.ConfigError, match="did you mean 'sr600'"):
        pipelines.system_named("sr60")


def test_pictures_in_every_form(tiny, tmp_path):
    pipe = tiny("i2vgen_xl")
    wanted = pipe("a fox", image=picture(), seed=1).latents
    path = tmp_path / "fox.png"
    video.write_image(path, picture()[None])
    assert torch.equal(pipe("a fox", image=path, seed=1).latents, wanted)
    assert torch.equal(pipe("a fox", image=torch.from_numpy(picture()), seed=1).latents, wanted)
    image = pytest.importorskip("PIL.Image")
    assert torch.equal(pipe("a fox", image=image.fromarray(picture()), seed=1).latents, wanted)
    other = pipe("a fox", image=255 - picture(), seed=1).latents
    assert not torch.equal(other, wanted)
    grey = pipe("a fox", image=picture()[:, :, 0], seed=1).latents
    assert torch.equal(grey, pipe("a fox", image=np.repeat(picture()[:, :, :1], 3, -1), seed=1).latents)


def test_knobs_and_conditions_act(tiny):
    higen = tiny("higen")
    assert not torch.equal(higen("x", motion=100, seed=1).latents, higen("x", motion=900, seed=1).latents)
    assert not torch.equal(higen("x", appearance=0.2, seed=1).latents, higen("x", appearance=1, seed=1).latents)
    composer = tiny("video_composer")
    plain = composer("x", seed=1).latents
    depth = torch.full((1, 1, 4, 64, 64), 0.5)
    assert not torch.equal(composer("x", seed=1, conditions={"depth": depth}).latents, plain)


def test_a_learned_word_acts(tmp_path):
    pipelines.write_tiny_model("t2v", tmp_path / "t2v", seed=3)
    pipe = vgen.Pipeline.from_pretrained(tmp_path / "t2v")
    plain, beside = pipe("a * on the grass", seed=1).latents, pipe("a fox", seed=1).latents
    token = text.Tokenizer.clip().encode("*")[0]
    vectors = torch.full((1, 32), 3.0)
    torch.save({"string_to_token": {"*": torch.tensor(token)}, "string_to_param": {"*": vectors}}, tmp_path / "dog.pth")
    pipe.load_textual_inversion(tmp_path / "dog.pth")
    assert not torch.equal(pipe("a * on the grass", seed=1).latents, plain)
    assert torch.equal(pipe("a fox", seed=1).latents, beside)
    with pytest.raises(vgen.Error):
        pipe.load_textual_inversion(tmp_path / "t2v" / "unet" / "model.safetensors")


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("i2vgen_xl", {}, "needs a picture"),
        ("sr600", {}, "needs a clip"),
        ("t2v", {"image": picture()}, "takes no picture"),
        ("t2v", {"video": picture()[None]}, "takes no clip"),
        ("video_composer", {"conditions": {"dept": torch.zeros(1, 1, 4, 64, 64)}}, "takes no condition 'dept'"),
        ("video_composer", {"conditions": {"depth": torch.zeros(1, 1, 3, 64, 64)}}, "'depth' has 3 frames, the clip to make 4"),
        (
            "video_composer",
            {"conditions": {"depth": torch.zeros(1, 1, 4, 32, 48)}},
            "'depth' is 48x32, .* 64x64; .*fit_condition",
        ),
        ("video_composer", {"conditions": {"depth": torch.zeros(1, 3, 4, 64, 64)}}, "depth must be"),
        ("i2vgen_xl", {"image": picture().astype(np.float32)}, "uint8"),
    ],
)
def test_what_a_system_cannot_use_is_refused(tiny, name, arguments, message):
    with pytest.raises(vgen.Error, match=message):
        tiny(name)("a fox", **arguments)


def test_the_program_makes_the_same_clip(tiny, program, tmp_path):
    pipe = tiny("i2vgen_xl")
    path, out = tmp_path / "fox.png", tmp_path / "out.png"
    video.write_image(path, picture()[None])
    command = [program, "gen", "-m", pipe.components.folder, "--image", path, "a fox", "--seed", "1", "-o", out]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    frames, _ = video.read_video(out)
    assert np.array_equal(frames, pipe("a fox", image=path, seed=1).frames)
