"""The shapes world, its judge and its evaluation from Python."""

import numpy as np
import pytest

import vgen
from vgen import data, metrics


def test_clips_are_functions_of_seed_and_index():
    a, b = data.shapes_clip(3, 17), data.shapes_clip(3, 17)
    assert np.array_equal(a.frames, b.frames) and a.caption == b.caption == data.shapes_caption(3, 17)
    assert a.frames.shape == (16, 64, 64, 3) and a.frames.dtype == np.uint8
    assert not np.array_equal(a.frames, data.shapes_clip(3, 18).frames)
    assert data.shapes_attributes(3, 17)[0] == a.attributes == a.objects[0].attributes
    assert data.split_of(data.shapes_clip(3, 17, "unseen").attributes) == "unseen"


def test_captions():
    red = data.ShapesAttributes(colour="red", shape="circle", motion="moving left", background="black")
    assert str(red) == "a red circle moving left on a black background" == data.canonical_caption(red)
    assert data.parse_caption(str(red)) == red
    with pytest.raises(vgen.ConfigError, match="dog"):
        data.parse_caption("a red dog moving left on a black background")
    wordings = {data.paraphrase([red], draw) for draw in range(20)}
    assert len(wordings) > 3 and all("red" in w and "black" in w for w in wordings)


def test_ground_truth():
    attributes = data.ShapesAttributes(colour="green", shape="square", motion="moving right", background="black")
    clip = data.shapes_clip(attributes, 5, data.ShapesOptions(size=32, frames=8, antialias=1))
    mask = clip.mask()
    assert mask.shape == (8, 32, 32) and set(np.unique(mask)) <= {0, 255}
    assert np.array_equal(mask == 255, clip.frames[..., 1] > 100)
    assert clip.depth().shape == (8, 32, 32) and clip.edges().shape == (8, 32, 32) and clip.depth().max() <= 1
    motion = clip.motion()
    assert motion.shape == (8, 32, 32, 2) and (motion[1:][mask[1:] == 255][:, 0] > 0).all()
    xs = [pose.x for pose in clip.objects[0].poses]
    assert xs == sorted(xs) and len(xs) == 8


def test_the_judge_reads_clips_back():
    table = metrics.ShapesTable()
    for k, prompt in enumerate(data.eval_prompts(40, 7)):
        clip = data.shapes_clip(prompt.attributes, k)
        verdict = metrics.judge(clip.frames)
        table.add(metrics.score(verdict, prompt.attributes))
    assert table.clips == 40 and table.share("all") >= 0.97, table
    assert verdict.colour == prompt.attributes.colour and verdict.confidence["colour"] > 0.5 and verdict.failures == []
    assert len(verdict.track) == 16 and 0.9 < verdict.quality.presence <= 1
    nothing = metrics.judge(np.zeros((16, 64, 64, 3), np.uint8))
    assert not nothing.object and nothing.shape is None and "no object" in nothing.failures
    assert not metrics.score(nothing, prompt.attributes).all


def test_evaluation_of_a_pipeline(pipe):
    tables = metrics.evaluate_shapes(pipe, 4, seed=1, steps=1, frames=16, height=32, width=32)
    assert tables["total"].clips == 4 == tables["seen"].clips + tables["unseen"].clips and tables["unseen"].clips == 2
    assert tables["total"].share("all") < 0.5, "random weights draw no shapes"


def test_frechet_distance():
    rng = np.random.default_rng(0)
    a = metrics.fit_gaussian(rng.normal(0, 1, (4000, 3)))
    b = metrics.fit_gaussian(rng.normal(2, 3, (4000, 3)))
    assert metrics.frechet_distance(a, a) == pytest.approx(0, abs=1e-9)
    assert metrics.frechet_distance(a, b) == pytest.approx(3 * (2**2 + (3 - 1) ** 2), rel=0.1)
    assert a.mean.shape == (3,) and a.covariance.shape == (3, 3)
    with pytest.raises(vgen.NumericsError):
        metrics.fit_gaussian(np.full((3, 3), np.nan))
