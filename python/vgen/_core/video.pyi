"""
Frames, and reading and writing them: mp4, GIF, PNG, Y4M and folders
"""
from __future__ import annotations
import collections.abc
import numpy
import numpy.typing
import os
import pathlib
import typing
__all__: list[str] = ['ReadOptions', 'VideoInfo', 'WriteOptions', 'WriteReport', 'center_crop', 'contact_sheet', 'expect_video_path', 'flip_horizontal', 'probe', 'read_image', 'read_video', 'resize', 'write_image', 'write_video']
class ReadOptions:
    """
    Fields:
        start = 0: first frame
        stride = 1: every n-th frame
        frames = 0: at most so many; 0 = to the end
        pixels = 8294400: limit of a picture; may be lowered
        bytes = 2147483648: limit of all decoded pixels
        timeout = 30.0: seconds a frame
        threads = 0: 0 = automatic
        background = None: colour under transparent pixels; none drops alpha
    """
    kind: typing.ClassVar[str] = 'read_video'
    @staticmethod
    def from_dict(values: dict) -> ReadOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> ReadOptions:
        ...
    def __deepcopy__(self, memo: dict) -> ReadOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, start: int = 0, stride: int = 1, frames: int = 0, pixels: int = 8294400, bytes: int = 2147483648, timeout: float = 30.0, threads: int = 0, background: collections.abc.Sequence[int] | None = None) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> ReadOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def background(self) -> list[int] | None:
        """
        colour under transparent pixels; none drops alpha
        """
    @property
    def bytes(self) -> int:
        """
        limit of all decoded pixels
        """
    @property
    def frames(self) -> int:
        """
        at most so many; 0 = to the end
        """
    @property
    def pixels(self) -> int:
        """
        limit of a picture; may be lowered
        """
    @property
    def start(self) -> int:
        """
        first frame
        """
    @property
    def stride(self) -> int:
        """
        every n-th frame
        """
    @property
    def threads(self) -> int:
        """
        0 = automatic
        """
    @property
    def timeout(self) -> float:
        """
        seconds a frame
        """
class WriteOptions:
    """
    Fields:
        fps = 0.0: frames a second; 0 = the clip's own
        quality = 10: 0 best .. 51, x264's CRF scale
        encoder = 'auto': auto or FFmpeg's name of one
        loop = 0: gif, apng: 0 = forever
        palette = 'clip': gif: one palette for the clip or each frame
        dither = True: gif: ordered dithering where colours are not exact
        threads = 0: 0 = automatic
        metadata = {}: text kept in the file
    """
    kind: typing.ClassVar[str] = 'write_video'
    @staticmethod
    def from_dict(values: dict) -> WriteOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> WriteOptions:
        ...
    def __deepcopy__(self, memo: dict) -> WriteOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, fps: float = 0.0, quality: int = 10, encoder: str = 'auto', loop: int = 0, palette: typing.Literal['clip', 'frame'] = 'clip', dither: bool = True, threads: int = 0, metadata: dict[str, str] = {}) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> WriteOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def dither(self) -> bool:
        """
        gif: ordered dithering where colours are not exact
        """
    @property
    def encoder(self) -> str:
        """
        auto or FFmpeg's name of one
        """
    @property
    def fps(self) -> float:
        """
        frames a second; 0 = the clip's own
        """
    @property
    def loop(self) -> int:
        """
        gif, apng: 0 = forever
        """
    @property
    def metadata(self) -> dict[str, str]:
        """
        text kept in the file
        """
    @property
    def palette(self) -> typing.Literal['clip', 'frame']:
        """
        gif: one palette for the clip or each frame
        """
    @property
    def quality(self) -> int:
        """
        0 best .. 51, x264's CRF scale
        """
    @property
    def threads(self) -> int:
        """
        0 = automatic
        """
class VideoInfo:
    """
    What a video file says about itself.
    """
    def __repr__(self) -> str:
        ...
    @property
    def alpha(self) -> bool:
        """
        True if the pixels have transparency.
        """
    @property
    def codec(self) -> str:
        """
        FFmpeg's name of the codec.
        """
    @property
    def comment(self) -> str:
        """
        vgen's own files: the run manifest (JSON)
        """
    @property
    def container(self) -> str:
        """
        FFmpeg's name of the format.
        """
    @property
    def duration(self) -> float:
        """
        seconds
        """
    @property
    def fps(self) -> float:
        """
        0 for single pictures
        """
    @property
    def frames(self) -> int:
        """
        as declared, -1 unknown; after reading: as decoded
        """
    @property
    def height(self) -> int:
        """
        as shown, after rotation
        """
    @property
    def pixel_format(self) -> str:
        """
        FFmpeg's name of the pixel format.
        """
    @property
    def rotation(self) -> int:
        """
        degrees clockwise, applied on reading
        """
    @property
    def truncated(self) -> bool:
        """
        the file ends early or is damaged; what came before the fault was delivered
        """
    @property
    def width(self) -> int:
        """
        In pixels.
        """
class WriteReport:
    """
    What was written.
    """
    def __fspath__(self) -> str:
        ...
    def __repr__(self) -> str:
        ...
    @property
    def bytes(self) -> int:
        """
        Size of the file.
        """
    @property
    def encoder(self) -> str:
        """
        "libx264", "gif", "png", ...
        """
    @property
    def frames(self) -> int:
        """
        Number of frames.
        """
    @property
    def path(self) -> pathlib.Path:
        """
        File or folder that was written.
        """
def center_crop(frames: numpy.typing.ArrayLike, height: typing.SupportsInt, width: typing.SupportsInt) -> numpy.typing.NDArray[numpy.uint8]:
    """
    The middle height x width of each frame; a margin that cannot be halved is larger at the right and bottom.
    """
def contact_sheet(clips: collections.abc.Sequence[numpy.typing.ArrayLike], columns: typing.SupportsInt = 0, gap: typing.SupportsInt = 2) -> numpy.typing.NDArray[numpy.uint8]:
    """
    One picture [1, H', W', 3] of a list of clips: of one clip every frame, of several a row each.
    """
def expect_video_path(path: os.PathLike | str | bytes, fps: typing.SupportsFloat = 8, options: WriteOptions = ...) -> None:
    """
    ConfigError or Unavailable now instead of after an hour of sampling: name, rate and a usable encoder. Writes nothing.
    """
def flip_horizontal(frames: numpy.typing.ArrayLike) -> numpy.typing.NDArray[numpy.uint8]:
    """
    Left and right exchanged: uint8 [F, H, W, C] of the same shape.
    """
def probe(path: os.PathLike | str | bytes) -> VideoInfo:
    """
    What the header says. Decodes a few frames at most.
    """
def read_image(path: os.PathLike | str | bytes) -> numpy.typing.NDArray[numpy.uint8]:
    """
    The first picture, [1, H, W, 3].
    """
def read_video(path: os.PathLike | str | bytes, options: ReadOptions | None = None, *, progress: typing.Any = None, **kwargs) -> tuple[numpy.typing.NDArray[numpy.uint8], VideoInfo]:
    """
    (frames uint8 [F, H, W, 3], VideoInfo) of a video or picture. Fields of ReadOptions may be given by name. A file that ends early gives the frames before the fault, and info.truncated.
    """
def resize(frames: numpy.typing.ArrayLike, height: typing.SupportsInt, width: typing.SupportsInt, filter: str = 'bilinear') -> numpy.typing.NDArray[numpy.uint8]:
    """
    bilinear: pixel centres aligned (align_corners=False), no antialiasing. area: mean over the covered source area,
    fractions weighted; equal to bilinear's intent when enlarging (nearest). bicubic: Keys' kernel (a = -1/2), widened
    when reducing (antialiasing), 8-bit values between columns and rows: what Pillow 13 gives, bit for bit, and so what
    image towers were trained with. triangle, box: Pillow's BILINEAR and BOX in the same way. nearest: the pixel under
    each centre. Values are rounded to nearest.
    """
def write_image(path: os.PathLike | str | bytes, frames: numpy.typing.ArrayLike, frame: typing.SupportsInt = 0, metadata: collections.abc.Mapping[str, str] = {}) -> WriteReport:
    """
    One frame as PNG.
    """
def write_video(path: os.PathLike | str | bytes, frames: numpy.typing.ArrayLike, fps: typing.SupportsFloat = 8, options: WriteOptions | None = None, *, progress: typing.Any = None, **kwargs) -> WriteReport:
    """
    Writes frames uint8 [F, H, W, C]; the name decides the format (.mp4, .webm, .gif, .png, ...). Fields of WriteOptions may be given by name. The file appears complete or not at all.
    """
