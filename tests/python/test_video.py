"""Videos, pictures and transforms of frames from Python."""

import numpy as np
import pytest
import torch

import vgen
from vgen import video


@pytest.fixture
def frames():
    return np.random.default_rng(0).integers(0, 255, (3, 16, 24, 3), np.uint8)


@pytest.mark.parametrize("name", ["x.png", "x.y4m", "folder/"])
def test_files(tmp_path, frames, name):
    report = video.write_video(f"{tmp_path}/{name}", frames, fps=12)
    assert report.frames == 3
    if name == "x.png":
        read, info = video.read_video(tmp_path / name)
        assert np.array_equal(read, frames) and info.fps == 12 and info.frames == 3 and not info.truncated
        assert np.array_equal(video.read_video(tmp_path / name, start=1, frames=1)[0], frames[1:2])
        assert video.probe(tmp_path / name).width == 24
        assert np.array_equal(video.read_image(tmp_path / name), frames[:1])


def test_torch_and_strided_frames(tmp_path, frames):
    video.write_video(tmp_path / "a.png", torch.from_numpy(frames))
    video.write_video(tmp_path / "b.png", frames[:, ::-1][:, ::-1])
    for name in "ab":
        assert np.array_equal(video.read_video(tmp_path / f"{name}.png")[0], frames)


def test_progress_and_options(tmp_path, frames):
    seen = []
    video.write_video(tmp_path / "x.png", frames, progress=lambda *event: seen.append(event), metadata={"comment": "hello"})
    assert seen and seen[-1][:3] == ("write", 3, 3) and video.probe(tmp_path / "x.png").comment == "hello"
    with pytest.raises(vgen.ConfigError, match="did you mean 'loop'"):
        video.write_video(tmp_path / "y.gif", frames, lop=1)
    with pytest.raises(TypeError):
        video.write_video(tmp_path / "y.gif", frames, progress=3)
    with pytest.raises(RuntimeError, match="from the callback"):

        def stop(*event):
            raise RuntimeError("from the callback")

        video.write_video(tmp_path / "z.png", frames, progress=stop)
    assert not (tmp_path / "z.png").exists()


def test_transforms(frames):
    assert video.center_crop(frames, 8, 8).shape == (3, 8, 8, 3)
    assert np.array_equal(video.flip_horizontal(frames), frames[:, :, ::-1])
    assert video.resize(frames, 32, 48, "area").shape == (3, 32, 48, 3)
    with pytest.raises(vgen.ConfigError, match="did you mean 'area'"):
        video.resize(frames, 32, 48, "aera")
    with pytest.raises(vgen.ShapeError):
        video.center_crop(frames, 100, 8)
    assert video.contact_sheet([frames]).shape[0] == 1
    assert video.contact_sheet([frames, frames], columns=2, gap=1).shape == (1, 16 * 2 + 3, 24 * 2 + 3, 3)
