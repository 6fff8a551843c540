"""How clips and progress show themselves in terminals and notebooks. No algorithm lives here."""

from __future__ import annotations

import base64
import html as text
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vgen import _core

if TYPE_CHECKING:
    from vgen._core.pipelines import Clip

INLINE_BYTES = 2_000_000  # more is not put into a notebook
PLAYED_BY_BROWSERS = {"libx264", "libopenh264", "h264_nvenc", "libvpx-vp9", "libsvtav1"}


def html(clip: Clip) -> str:
    """An HTML element that plays the clip: inline MP4 where an encoder for browsers is there, else an animated PNG or GIF."""
    with tempfile.TemporaryDirectory(prefix="vgen-") as folder:
        kind, data = _encoded(clip, Path(folder))
    source = f"data:{kind};base64,{base64.b64encode(data).decode()}"
    _, height, width, _ = clip.frames.shape
    shown = max(width, 256)  # small clips are enlarged, with their pixels
    style = f'width="{shown}" height="{shown * height // width}" style="image-rendering: pixelated"'
    if kind.startswith("video/"):
        element = f'<video {style} autoplay loop muted controls playsinline src="{source}"></video>'
    else:
        element = f'<img {style} src="{source}">'
    prompt = str(clip.manifest.get("prompt", ""))
    return f"<figure>{element}<figcaption>{text.escape(prompt)} (seed {clip.seed})</figcaption></figure>"


def png(clip: Clip) -> bytes:
    """All frames side by side, at most eight in a row: for viewers that play no video, such as GitHub's."""
    with tempfile.TemporaryDirectory(prefix="vgen-") as folder:
        sheet = Path(folder) / "sheet.png"
        _core.video.write_image(sheet, _core.video.contact_sheet([clip.frames], columns=min(8, len(clip.frames))))
        return sheet.read_bytes()


def _encoded(clip: Clip, folder: Path) -> tuple[str, bytes]:
    try:
        report = clip.save(folder / "clip.mp4")
        if report.encoder in PLAYED_BY_BROWSERS and report.bytes <= INLINE_BYTES:
            return "video/mp4", (folder / "clip.mp4").read_bytes()
    except _core.Unavailable:
        pass
    for name, kind in (("clip.png", "image/png"), ("clip.gif", "image/gif")):
        if clip.save(folder / name).bytes <= INLINE_BYTES:
            return kind, (folder / name).read_bytes()
    return "image/png", _core.video.write_image(folder / "first.png", clip.frames, 0) and (folder / "first.png").read_bytes()


def in_notebook() -> bool:
    """True where IPython shows rich output: Jupyter, not a terminal."""
    shell = sys.modules.get("IPython")
    instance = shell.get_ipython() if shell else None
    return type(instance).__name__ == "ZMQInteractiveShell"


class Progress:
    """One line that is rewritten: "denoise 12/25  [######------]  3.4 s, 3.7 s left". Silent where nobody watches."""

    def __init__(self, enabled: bool | None = None) -> None:
        self._notebook = in_notebook()
        self._enabled = enabled if enabled is not None else self._notebook or sys.stderr.isatty()
        self._handle: Any = None
        self._last = 0.0
        self._open = False

    def __call__(self, stage: str, done: int, total: int, seconds: float) -> None:
        now = time.monotonic()
        if not self._enabled or (done < total and now - self._last < 0.1):
            return
        self._last = now
        bar = "#" * (20 * done // max(total, 1))
        left = f", {seconds / done * (total - done):.1f} s left" if 0 < done < total else ""
        self._show(f"{stage} {done}/{total}  [{bar:-<20}]  {seconds:.1f} s{left}")

    def _show(self, line: str) -> None:
        if self._notebook:
            from IPython.display import Pretty, display  # type: ignore[import-not-found, unused-ignore]

            if self._handle is None:
                self._handle = display(Pretty(line), display_id=True)
            else:
                self._handle.update(Pretty(line))
        else:
            sys.stderr.write(f"\r\x1b[K{line}")
            sys.stderr.flush()
            self._open = True

    def close(self) -> None:
        """Takes the line away."""
        if self._open:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._open = False
