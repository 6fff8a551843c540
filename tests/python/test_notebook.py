"""How clips show themselves, and that progress does not disturb."""

import base64
import re

import pytest

from vgen import notebook, video


def test_a_clip_shows_itself(pipe):
    clip = pipe("a <red> circle", num_inference_steps=1)
    page = clip._repr_html_()
    kind, data = re.search(r'src="data:([\w/]+);base64,([^"]+)"', page).groups()
    content = base64.b64decode(data)
    assert kind in ("video/mp4", "image/png", "image/gif")
    assert content[4:8] == b"ftyp" if kind == "video/mp4" else content[:4] in (b"\x89PNG", b"GIF8")
    assert "a &lt;red&gt; circle" in page and len(page) < 2_700_000


def test_a_clip_shows_its_frames_where_no_video_plays(pipe, tmp_path):
    clip = pipe("x", num_inference_steps=1)
    (tmp_path / "sheet.png").write_bytes(clip._repr_png_())
    sheet = video.read_image(tmp_path / "sheet.png")[0]
    height, width = clip.frames.shape[1:3]
    first = [(y, x) for y in range(3) for x in range(3) if (sheet[y : y + height, x : x + width] == clip.frames[0]).all()]
    assert len(first) == 1 and sheet.shape[1] >= 4 * width


def test_progress_is_silent_without_a_terminal(pipe, capfd):
    pipe("x", num_inference_steps=2)
    assert capfd.readouterr() == ("", "")


def test_progress_in_a_terminal(pipe, capfd):
    pipe.set_progress_bar_config(disable=False)
    pipe("x", num_inference_steps=2)
    err = capfd.readouterr().err
    assert "denoise" in err and "decode" in err and err.endswith("\r\x1b[K")
    pipe.set_progress_bar_config(disable=True)
    pipe("x", num_inference_steps=2)
    assert capfd.readouterr().err == ""


def test_progress_in_a_notebook(monkeypatch):
    pytest.importorskip("IPython")
    shown = []

    class Handle:
        def update(self, value):
            shown.append(value.data)

    monkeypatch.setattr(notebook, "in_notebook", lambda: True)
    monkeypatch.setattr("IPython.display.display", lambda value, display_id: (shown.append(value.data), Handle())[1])
    progress = notebook.Progress()
    progress("denoise", 1, 4, 0.5)
    progress("denoise", 4, 4, 2.0)
    progress.close()
    assert shown == ["denoise 1/4  [#####---------------]  0.5 s, 1.5 s left", "denoise 4/4  [####################]  2.0 s"]
