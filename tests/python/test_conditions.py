"""Encoders of conditions from Python: networks, pictures, motion, masks, drawn conditions."""

from pathlib import Path

import numpy as np
import pytest
import torch

import vgen
from vgen import conditioning, pipelines, video

FILES = Path(__file__).resolve().parents[1] / "golden" / "data" / "files"


def wheel(height=48, width=64):
    y, x = np.mgrid[:height, :width]
    grey = ((x * x + y * y) // 7 % 256).astype(np.uint8)
    return np.stack([grey, 255 - grey, grey // 2], -1)


def initialised(module):
    for value in module.parameters():
        torch.nn.init.normal_(value, std=0.1, generator=torch.Generator().manual_seed(value.numel()))
    return module


def test_networks_take_frames_and_give_maps():
    frames = torch.rand(3, 3, 32, 64)
    depth = initialised(conditioning.DptDepth(image_size=32, width=16, heads=2, layers=4, neck=[4, 4, 4, 4], fusion=4))
    assert depth.condition(frames).shape == (3, 1, 32, 64)
    edges = initialised(conditioning.PiDiNet(channels=4, dilation=2))
    assert edges.detect(frames, at_once=1).shape == (3, 1, 32, 64)
    with pytest.raises(vgen.ShapeError, match="multiples of 32"):
        depth.condition(torch.rand(1, 3, 48, 64))
    with pytest.raises(vgen.IoError, match="none.pth"):
        edges.load("none.pth")
    with pytest.raises(vgen.ConfigError, match="layers"):
        conditioning.DptDepth(layers=5)


def test_pictures():
    picture = torch.from_numpy(wheel())
    edges = conditioning.canny(picture)
    assert edges.shape == (48, 64, 1) and set(edges.unique().tolist()) <= {0, 1} and 0 < edges.sum() < 48 * 64
    assert torch.equal(edges, conditioning.canny(picture, conditioning.canny_thresholds(picture)))
    low, high = conditioning.canny_thresholds(picture, share=0.25)
    assert high == 2 * low
    palette = conditioning.Palette()
    assert len(palette) == 156 and palette.hex[0].startswith("#") and palette.rgb.shape == (156, 3)
    assert palette.histogram(picture, sigma=0).sum() == pytest.approx(1)
    assert palette.picture(palette.histogram(picture)).shape == (50, 200, 3)
    assert conditioning.resize_picture(picture, 96).shape == (128, 128, 3)


@pytest.mark.parametrize(
    "bad",
    [
        torch.zeros(3, 8, 9, dtype=torch.uint8),
        torch.zeros(4, 4, dtype=torch.int16),
        torch.full((4, 4, 3), 2.0),
        torch.zeros(0, 4, 3),
    ],
)
def test_pictures_that_are_none(bad):
    with pytest.raises((vgen.ShapeError, vgen.ConfigError), match="picture"):
        conditioning.canny(bad)


def test_motion_of_files_and_frames():
    clip = np.stack([np.roll(wheel(64, 96), (2 * f, 3 * f), (0, 1)) for f in range(4)])
    motion = conditioning.motion_vectors(clip, source="block_matching")
    assert motion.shape == (4, 2, 64, 96) and not motion[0].any()
    moved = motion[1:, :, 24::16, 24::16]
    assert (moved[:, 0] == 3).float().mean() > 0.5 and (moved[:, 1] == 2).float().mean() > 0.5
    assert conditioning.fit_condition(motion, 32, 32).shape == (4, 2, 32, 32)
    still = conditioning.motion_vectors(FILES / "00.png")
    assert still.shape[0] == 1 and not still.any()
    with pytest.raises(vgen.ConfigError, match="source"):
        conditioning.motion_vectors(clip, source="guess")


def test_masks_and_factors():
    mask = conditioning.random_mask("irregular", 64, 96, seed=4)
    assert mask.shape == (64, 96) and mask.any()
    track = conditioning.mask_track(mask, 2, 32, 48)
    masked = conditioning.masked_condition(torch.rand(2, 3, 32, 48), track)
    assert masked.shape == (2, 4, 32, 48)
    assert conditioning.motion_factors(32, 500).shape == (1, 31)
    assert conditioning.appearance_factors(32, 0.5)[0, 0, -1] == pytest.approx(0.5)


def test_drawn_conditions_and_their_overlays():
    path = conditioning.parse_motion_path("0.25,0.5 -> 0.75,0.5 @ 0..4 ~0.3")
    assert path == conditioning.MotionPath(points=[[0.25, 0.5], [0.75, 0.5]], first=0, last=4, radius=0.3)
    motion = conditioning.drawn_motion([path], 8, 64, 64)
    assert motion.shape == (8, 2, 64, 64) and not motion[0].any() and not motion[5:].any() and not motion[:, 1].any()
    assert motion[1:5, 0].amax((1, 2)).tolist() == [8, 8, 8, 8]  # 32 pixels in 4 steps
    mask = conditioning.drawn_mask(
        [
            conditioning.MaskKey(frame=0, corners=[[0, 0], [0.5, 0.5]]),
            conditioning.MaskKey(frame=4, corners=[[0.5, 0.5], [1, 1]]),
        ],
        5,
        32,
        32,
    )
    assert mask.sum((1, 2, 3)).tolist() == [256] * 5 and mask[2, 0, 16, 16] == 1 and mask[4, 0, 0, 0] == 0
    sketch = conditioning.drawn_sketch([conditioning.SketchStroke(points=[[0.1, 0.1], [0.9, 0.9]], first=1, last=2)], 4, 64, 64)
    assert sketch.sum((1, 2, 3)).gt(0).tolist() == [False, True, True, False]
    clip = np.stack([wheel(64, 64)] * 8)
    assert (conditioning.overlay(clip, motion, gain=2)[1] != clip[1]).any()
    for text, message in [
        ("0.1,0.2", "2 points"),
        ("0.1,0.2 -> 1.5,0", "1.5"),
        ("a,b -> 1,1", "'a'"),
        ("0,0 -> 1,1 @ 3", "first..last"),
    ]:
        with pytest.raises(vgen.ConfigError, match=message):
            conditioning.parse_motion_path(text)
    with pytest.raises(vgen.ConfigError, match="order the keys"):
        conditioning.drawn_mask([conditioning.MaskKey(frame=f, corners=[[0, 0], [1, 1]]) for f in (3, 1)], 5, 8, 8)


def test_compose_puts_any_subset_together():
    depth, motion = torch.rand(4, 1, 16, 24), torch.rand(4, 2, 16, 24)
    given = conditioning.compose(depth=depth, motion=motion, mask=None, image=torch.ones(8))
    assert {name: tuple(t.shape) for name, t in given.items()} == {
        "depth": (1, 1, 4, 16, 24),
        "motion": (1, 2, 4, 16, 24),
        "image": (1, 1, 8),
    }
    assert torch.equal(given["depth"][0, 0], depth[:, 0])
    assert conditioning.compose(local_image=torch.rand(1, 3, 16, 24), num_frames=4)["local_image"].shape == (1, 3, 4, 16, 24)
    with pytest.raises(vgen.ShapeError, match="'motion' has 3 frames, 'depth' says 4"):
        conditioning.compose(depth=depth, motion=motion[:3])
    with pytest.raises(vgen.ConfigError, match="go together"):
        conditioning.compose(mask=torch.ones(4, 1, 16, 24))


@pytest.fixture(scope="module")
def composer(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny") / "composer"
    pipelines.write_tiny_model("video_composer", folder, seed=3)
    return folder


@pytest.fixture
def clip_file(tmp_path):
    """clip.mp4: a wheel that slides, MPEG-4 with motion vectors."""
    path = tmp_path / "clip.mp4"
    clip = np.stack([np.roll(wheel(64, 64), (2 * f, 3 * f), (0, 1)) for f in range(4)])
    try:
        video.write_video(path, clip, fps=8, encoder="mpeg4")
    except vgen.Unavailable as error:
        pytest.skip(str(error))
    return path


def test_the_line_of_the_issue(composer, clip_file, monkeypatch):
    monkeypatch.chdir(clip_file.parent)
    (clip_file.parent / "models").symlink_to(composer)
    pipe = vgen.Pipeline.from_pretrained("models")
    frames, _ = video.read_video("clip.mp4")
    cond = conditioning.compose(text="a fox", depth=conditioning.depth(frames), motion=conditioning.motion_vectors("clip.mp4"), mask=None)  # fmt: skip
    assert set(cond) == {"text", "depth", "motion"}
    clip = pipe(conditions=cond, seed=1)
    assert clip.manifest["prompt"] == "a fox"
    *_, last = pipe.steps(conditions=cond, seed=1)
    assert torch.equal(last.latent, clip.latents)
    assert torch.equal(pipe("a fox", conditions={k: v for k, v in cond.items() if k != "text"}, seed=1).latents, clip.latents)
    other = pipe("a car", conditions=cond, seed=1)  # a prompt that is given counts
    assert other.manifest["prompt"] == "a car" and not torch.equal(other.latents, clip.latents)
    for name in ("depth", "motion"):
        less = pipe(conditions={k: v for k, v in cond.items() if k != name}, seed=1).latents
        assert not torch.equal(less, clip.latents), name
    with pytest.raises(TypeError, match=r"no prompt: .*compose\(text="):
        pipe(conditions={"depth": cond["depth"]})
    with pytest.raises(TypeError, match="no prompt"):
        pipe.steps()


def test_conditions_found_in_frames(composer, monkeypatch):
    """Each function gives what the network or the picture function gives for the same pixels."""
    frames = np.stack([np.roll(wheel(48, 64), 3 * f, 1) for f in range(3)])
    pixels = conditioning.to_frames(frames)
    found = conditioning.depth(frames, model=composer)
    assert found.shape == (3, 1, 48, 64) and found.dtype == torch.float32 and found.min() >= 0 and found.std() > 0
    assert torch.equal(found, conditioning.depth(pixels, composer))
    assert torch.allclose(found[1:2], conditioning.depth(frames[1], composer), atol=1e-5), "a picture is one frame"
    monkeypatch.setenv("VGEN_MODEL", str(composer))
    assert torch.equal(found, conditioning.depth(torch.from_numpy(frames)))
    lines = conditioning.sketch(frames)
    assert lines.shape == (3, 1, 48, 64) and lines.min() >= 0 and lines.max() <= 1 and lines.std() > 0
    edges = conditioning.canny(frames)
    assert edges.shape == (3, 1, 48, 64) and edges.dtype == torch.float32
    for f in range(3):
        assert torch.equal(edges[f, 0], conditioning.canny(frames[f])[:, :, 0].float())
    shares = conditioning.histogram(frames)
    assert shares.shape == (3, 156)
    expected = conditioning.Palette().histogram(torch.from_numpy(frames[2]))
    assert torch.allclose(shares[2].double(), expected, atol=1e-6)
    few = conditioning.Palette(hues=8, saturations=1, lights=1)
    assert conditioning.histogram(frames, few).shape == (3, len(few))
    given = conditioning.compose(depth=found, sketch=lines, canny=edges, single_sketch=lines[:1], histogram=shares, local_image=frames[:1])  # fmt: skip
    assert {name: tuple(t.shape) for name, t in given.items()} == {
        "depth": (1, 1, 3, 48, 64),
        "sketch": (1, 1, 3, 48, 64),
        "canny": (1, 1, 3, 48, 64),
        "single_sketch": (1, 1, 3, 48, 64),
        "local_image": (1, 3, 3, 48, 64),
        "histogram": (1, 3, 156),
    }
    assert torch.equal(given["local_image"][0, :, 2], pixels[0])


def test_depth_with_a_network_at_hand_and_a_file_of_weights(tmp_path):
    frames = torch.rand(2, 3, 40, 64)
    network = initialised(conditioning.DptDepth(image_size=32, width=16, heads=2, layers=4, neck=[4, 4, 4, 4], fusion=4))
    found = conditioning.depth(frames, network)
    assert found.shape == (2, 1, 40, 64)
    whole = torch.rand(2, 3, 64, 64)
    assert torch.equal(conditioning.depth(whole, network), network.condition(whole))
    torch.save({"init_block.weight": torch.zeros(1)}, tmp_path / "table5_pidinet.pth")
    with pytest.raises(vgen.WeightsError, match="looks like the edge detector PiDiNet"):
        conditioning.depth(frames, tmp_path / "table5_pidinet.pth")


def test_weights_of_annotators_that_are_missing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VGEN_MODEL", raising=False)
    frames = np.stack([wheel()] * 2)
    with pytest.raises(vgen.IoError, match=r"midas_v3_dpt_large\.pth .*folder models \(there is none\).*iic/tf-t2v.*VGEN_MODEL"):
        conditioning.depth(frames)
    (tmp_path / "mine").mkdir()
    with pytest.raises(vgen.IoError, match=r"neither table5_pidinet\.pth nor the part 'edges'.* folder mine;"):
        conditioning.sketch(frames, model="mine")
    monkeypatch.setenv("VGEN_MODEL", "mine")
    with pytest.raises(vgen.IoError, match=r"folder mine or models .there is none.;"):
        conditioning.depth(frames)


@pytest.mark.parametrize("find", [conditioning.depth, conditioning.sketch, conditioning.canny, conditioning.histogram])
def test_frames_that_are_none(find):
    for given, error, message in (
        ("clip.mp4", TypeError, "read the clip first"),
        (Path("clip.mp4"), TypeError, "read the clip first"),
        (np.zeros((2, 8, 8, 3), np.float32), (vgen.ShapeError, vgen.ConfigError), "uint8"),
        (torch.zeros(0, 3, 8, 8), vgen.ShapeError, "no frames"),
        (torch.full((1, 3, 8, 8), 255.0), vgen.ConfigError, "lie in \\[0, 1\\]"),
    ):
        with pytest.raises(error, match=message):
            find(given)


def test_arguments_of_compose_that_are_wrong():
    for arguments, message in (
        ({"dept": torch.ones(1)}, "unknown argument 'dept'; did you mean 'depth'"),
        ({"depthmap": torch.ones(1)}, "did you mean 'depth'"),
        ({"motion_vectors": torch.ones(1)}, "did you mean 'motion'"),
        ({"nothing_like_it": torch.ones(1)}, "unknown argument 'nothing_like_it' .valid: text, depth"),
        ({"depth": "clip.mp4"}, "'depth' must be a tensor, got str"),
        ({"text": 3}, "'text' must be one prompt"),
    ):
        with pytest.raises(TypeError, match=message):
            conditioning.compose(**arguments)
    with pytest.raises(vgen.ShapeError, match="depth must be .*got \\[4, 16, 24\\]"):
        conditioning.compose(depth=torch.rand(4, 16, 24))
    assert conditioning.compose() == {} and conditioning.compose(text="a fox") == {"text": "a fox"}
    mask = np.zeros((1, 1, 16, 24), bool)
    masked = conditioning.compose(frames=wheel(16, 24)[None], mask=mask)["masked"]
    assert masked.shape == (1, 4, 1, 16, 24) and (masked[0, 3] == 1).all()
    assert torch.equal(conditioning.compose(frames=wheel(16, 24), mask=mask[0, 0])["masked"], masked)
