"""Encoders of conditions from Python: networks, pictures, motion, masks, drawn conditions."""

from pathlib import Path

import numpy as np
import pytest
import torch

import vgen
from vgen import conditioning

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
