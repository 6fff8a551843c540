"""
Encoders of conditions: CLIP towers, textual inversion, depth, edges, sketch, palette, motion, masks
"""
from __future__ import annotations
import collections.abc
import numpy
import numpy.typing
import os
import torch
import typing
import vgen._core.nn
import vgen._core.video
__all__: list[str] = ['ClipText', 'ClipTextEncoder', 'ClipTextOptions', 'ClipTextOutput', 'ClipVision', 'ClipVisionOptions', 'DptDepth', 'DptDepthOptions', 'Encoder', 'MaskKey', 'MotionPath', 'Palette', 'PaletteOptions', 'PiDiNet', 'PiDiNetOptions', 'SketchSimplification', 'SketchStroke', 'TextEmbedding', 'appearance_factors', 'canny', 'canny_thresholds', 'clip_normalise', 'compose', 'depth', 'depth_condition', 'drawn_mask', 'drawn_motion', 'drawn_sketch', 'fit_condition', 'histogram', 'imagenet_normalise', 'low_resolution_input', 'mask_track', 'masked_condition', 'motion_factors', 'motion_vectors', 'overlay', 'parse_motion_path', 'random_mask', 'resize_picture', 'sketch', 'to_frames', 'to_rgb']
class TextEmbedding:
    """
    What an encoder makes of n texts.
    """
    def __init__(self, words: torch.Tensor, pooled: torch.Tensor | None = None, dropped_words: collections.abc.Sequence[collections.abc.Sequence[str]] = []) -> None:
        ...
    def __repr__(self) -> str:
        ...
    @property
    def dropped_words(self) -> list[list[str]]:
        """
        [n] words that did not fit into the window; may be empty
        """
    @property
    def pooled(self) -> torch.Tensor | None:
        """
        [n, E], one vector a text; None if the encoder has none
        """
    @property
    def words(self) -> torch.Tensor:
        """
        [n, L, D], one vector a token: the context of cross-attention
        """
class Encoder:
    """
    Encoder: turns prompts into tensors that a network is conditioned on. The seam for a user's own text encoder: derive,
    return words.
    """
    def __init__(self) -> None:
        ...
    def encode(self, texts: collections.abc.Sequence[str]) -> TextEmbedding:
        """
        Gradients flow to the encoder's parameters where they require them.
        """
class ClipTextOptions:
    """
    CLIP's text tower (Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision",
    section 2.4), as the video models use it: the stream after the last block but one, normalised by the final norm.

      ClipText tower({});                                           // OpenCLIP ViT-H-14's: width 1024, 24 layers
      ClipTextEncoder encoder(tower);
      Tensor context = encoder.encode(prompts).words;               // [n, 77, 1024]

    Fields:
        width = 1024: channels of a token
        heads = 16: attention heads
        layers = 24: transformer blocks
        mlp = 4096: hidden channels of the feed-forward part
        context_length = 77: tokens a text, start and end included
        vocab = 49408: number of token ids
        embed = 1024: channels of the pooled vector; 0 = no projection
        quick_gelu = False: x sigmoid(1.702 x) instead of GELU
        layer = 'penultimate': block whose output is taken
    """
    kind: typing.ClassVar[str] = 'clip_text'
    @staticmethod
    def from_dict(values: dict) -> ClipTextOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> ClipTextOptions:
        ...
    def __deepcopy__(self, memo: dict) -> ClipTextOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, width: int = 1024, heads: int = 16, layers: int = 24, mlp: int = 4096, context_length: int = 77, vocab: int = 49408, embed: int = 1024, quick_gelu: bool = False, layer: typing.Literal['last', 'penultimate'] = 'penultimate') -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> ClipTextOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def context_length(self) -> int:
        """
        tokens a text, start and end included
        """
    @property
    def embed(self) -> int:
        """
        channels of the pooled vector; 0 = no projection
        """
    @property
    def heads(self) -> int:
        """
        attention heads
        """
    @property
    def layer(self) -> typing.Literal['last', 'penultimate']:
        """
        block whose output is taken
        """
    @property
    def layers(self) -> int:
        """
        transformer blocks
        """
    @property
    def mlp(self) -> int:
        """
        hidden channels of the feed-forward part
        """
    @property
    def quick_gelu(self) -> bool:
        """
        x sigmoid(1.702 x) instead of GELU
        """
    @property
    def vocab(self) -> int:
        """
        number of token ids
        """
    @property
    def width(self) -> int:
        """
        channels of a token
        """
class ClipTextOutput:
    """
    What the text tower gives.
    """
    @property
    def pooled(self) -> torch.Tensor:
        """
        [n, embed]: the word at the largest id (the end token), projected; not normalised
        """
    @property
    def words(self) -> torch.Tensor:
        """
        [n, L, width] after the final norm
        """
class ClipText(vgen._core.nn.Module):
    """
    CLIP's text tower (Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision",
    section 2.4), as the video models use it: the stream after the last block but one, normalised by the final norm.

      ClipText tower({});                                           // OpenCLIP ViT-H-14's: width 1024, 24 layers
      ClipTextEncoder encoder(tower);
      Tensor context = encoder.encode(prompts).words;               // [n, 77, 1024]
    """
    def __call__(self, ids: torch.Tensor) -> ClipTextOutput:
        """
        The same as forward.
        """
    def __init__(self, options: ClipTextOptions | None = None, **kwargs) -> None:
        ...
    def forward(self, ids: torch.Tensor) -> ClipTextOutput:
        """
        ids int64 or int32 [n, L], L <= context_length, each in [0, vocab). ConfigError, ShapeError.
        """
    def initialise(self, seed: typing.SupportsInt = 0) -> None:
        """
        Start values for training from scratch: normal, std 0.02 (tokens), 0.01 (positions), width^-1/2 (attention,
        projection), scaled down by depth where a residual ends, as in the paper's code.
        """
    @property
    def options(self) -> ClipTextOptions:
        """
        The ClipTextOptions it was built from.
        """
class ClipTextEncoder(Encoder):
    """
    Tokenizer and tower as one Encoder.
    """
    def __init__(self, tower: ClipText) -> None:
        ...
class ClipVisionOptions:
    """
    CLIP's image tower, a vision transformer (Radford et al. 2021, section 2.4; Dosovitskiy et al. 2021), and the input
    it expects.

    Fields:
        image_size = 224: side of the picture
        patch = 14: side of a patch
        width = 1280: channels of a patch token
        heads = 16: attention heads
        layers = 32: transformer blocks
        mlp = 5120: hidden channels of the feed-forward part
        embed = 1024: channels of the result
        quick_gelu = False: x sigmoid(1.702 x) instead of GELU
    """
    kind: typing.ClassVar[str] = 'clip_vision'
    @staticmethod
    def from_dict(values: dict) -> ClipVisionOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> ClipVisionOptions:
        ...
    def __deepcopy__(self, memo: dict) -> ClipVisionOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, image_size: int = 224, patch: int = 14, width: int = 1280, heads: int = 16, layers: int = 32, mlp: int = 5120, embed: int = 1024, quick_gelu: bool = False) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> ClipVisionOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def embed(self) -> int:
        """
        channels of the result
        """
    @property
    def heads(self) -> int:
        """
        attention heads
        """
    @property
    def image_size(self) -> int:
        """
        side of the picture
        """
    @property
    def layers(self) -> int:
        """
        transformer blocks
        """
    @property
    def mlp(self) -> int:
        """
        hidden channels of the feed-forward part
        """
    @property
    def patch(self) -> int:
        """
        side of a patch
        """
    @property
    def quick_gelu(self) -> bool:
        """
        x sigmoid(1.702 x) instead of GELU
        """
    @property
    def width(self) -> int:
        """
        channels of a patch token
        """
class ClipVision(vgen._core.nn.Module):
    """
    CLIP's image tower, a vision transformer (Radford et al. 2021, section 2.4; Dosovitskiy et al. 2021), and the input
    it expects.
    """
    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        """
        The same as forward.
        """
    def __init__(self, options: ClipVisionOptions | None = None, **kwargs) -> None:
        ...
    def forward(self, image: torch.Tensor) -> torch.Tensor:
        """
        Normalised pictures [n, 3, image_size, image_size] -> [n, embed], not normalised to unit length. ShapeError.
        """
    @property
    def options(self) -> ClipVisionOptions:
        """
        The ClipVisionOptions it was built from.
        """
class DptDepthOptions:
    """
    Fields:
        image_size = 384: side of the picture that the positions were learned for
        patch = 16: side of a patch; 16
        width = 1024: channels of a patch token
        heads = 16: attention heads
        layers = 24: transformer blocks, a multiple of 4
        neck = [256, 512, 1024, 1024]: channels of the four taps
        fusion = 256: channels of the fused maps, even
    """
    kind: typing.ClassVar[str] = 'dpt_depth'
    @staticmethod
    def from_dict(values: dict) -> DptDepthOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> DptDepthOptions:
        ...
    def __deepcopy__(self, memo: dict) -> DptDepthOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, image_size: int = 384, patch: int = 16, width: int = 1024, heads: int = 16, layers: int = 24, neck: collections.abc.Sequence[int] = [256, 512, 1024, 1024], fusion: int = 256) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> DptDepthOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def fusion(self) -> int:
        """
        channels of the fused maps, even
        """
    @property
    def heads(self) -> int:
        """
        attention heads
        """
    @property
    def image_size(self) -> int:
        """
        side of the picture that the positions were learned for
        """
    @property
    def layers(self) -> int:
        """
        transformer blocks, a multiple of 4
        """
    @property
    def neck(self) -> list[int]:
        """
        channels of the four taps
        """
    @property
    def patch(self) -> int:
        """
        side of a patch; 16
        """
    @property
    def width(self) -> int:
        """
        channels of a patch token
        """
class DptDepth(vgen._core.nn.Module):
    """
    The network with the weights of midas_v3_dpt_large.pth: inverse depth of frames.
    """
    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """
        The same as forward.
        """
    def __init__(self, options: DptDepthOptions | None = None, **kwargs) -> None:
        ...
    def condition(self, frames: torch.Tensor, at_once: typing.SupportsInt = 2) -> torch.Tensor:
        """
        The depth condition of frames [F, 3, H, W] in [0, 1]: [F, 1, H, W] in [0, 10]. `at_once` frames a pass.
        """
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """
        The network alone, on a prepared batch [n, 3, H, W].
        """
    def load(self, path: os.PathLike | str | bytes) -> None:
        """
        From the released checkpoint; nothing is changed if it does not fit.
        """
    @property
    def options(self) -> DptDepthOptions:
        """
        The options it was built from.
        """
class PiDiNetOptions:
    """
    Fields:
        channels = 60: channels of the first stage; then 2, 4, 4 times as many
        dilation = 24: channels of the dilated convolutions; 0 = none
        attention = True: spatial attention on every stage's map
    """
    kind: typing.ClassVar[str] = 'pidinet'
    @staticmethod
    def from_dict(values: dict) -> PiDiNetOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> PiDiNetOptions:
        ...
    def __deepcopy__(self, memo: dict) -> PiDiNetOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, channels: int = 60, dilation: int = 24, attention: bool = True) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> PiDiNetOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def attention(self) -> bool:
        """
        spatial attention on every stage's map
        """
    @property
    def channels(self) -> int:
        """
        channels of the first stage; then 2, 4, 4 times as many
        """
    @property
    def dilation(self) -> int:
        """
        channels of the dilated convolutions; 0 = none
        """
class PiDiNet(vgen._core.nn.Module):
    """
    The network in its plain form: edges of frames.
    """
    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """
        The same as forward.
        """
    def __init__(self, options: PiDiNetOptions | None = None, **kwargs) -> None:
        ...
    def detect(self, frames: torch.Tensor, at_once: typing.SupportsInt = 2) -> torch.Tensor:
        """
        Frames [F, 3, H, W] in [0, 1] -> [F, 1, H, W]; `at_once` frames a pass.
        """
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """
        The network alone, on a prepared batch [n, 3, H, W].
        """
    def load(self, path: os.PathLike | str | bytes) -> None:
        """
        From the released checkpoint; nothing is changed if it does not fit.
        """
    @property
    def options(self) -> PiDiNetOptions:
        """
        The options it was built from.
        """
class SketchSimplification(vgen._core.nn.Module):
    """
    The network: a rough line drawing to a clean one.
    """
    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """
        The same as forward.
        """
    def __init__(self, model: str = 'gan') -> None:
        ...
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """
        Dark lines on white [n, 1, H, W] in [0, 1] -> the same, cleaned; sides are rounded up to multiples of 8.
        ShapeError.
        """
    def load(self, path: os.PathLike | str | bytes) -> None:
        """
        From sketch_simplification_gan.pth, whose names are ours ("layers.0.weight", ...). IoError, FormatError,
        WeightsError (nothing changed).
        """
class PaletteOptions:
    """
    Palette histograms: how much of each of a fixed set of colours a picture has, compared in CIELAB (Karayev's Rayleigh
    palette, as Composer uses it: Huang et al. 2023, section 3.2).

      Palette palette({});                                  // 156 colours
      Tensor h = palette.histogram(picture, 10);            // float64 [156], sums to about 1

    Fields:
        hues = 11: hues; 8 to 11 are placed as the eye tells them apart
        saturations = 5: paler versions of every hue
        lights = 4: darker versions of every hue
    """
    kind: typing.ClassVar[str] = 'palette'
    @staticmethod
    def from_dict(values: dict) -> PaletteOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> PaletteOptions:
        ...
    def __deepcopy__(self, memo: dict) -> PaletteOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, hues: int = 11, saturations: int = 5, lights: int = 4) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> PaletteOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def hues(self) -> int:
        """
        hues; 8 to 11 are placed as the eye tells them apart
        """
    @property
    def lights(self) -> int:
        """
        darker versions of every hue
        """
    @property
    def saturations(self) -> int:
        """
        paler versions of every hue
        """
class Palette:
    """
    Palette histograms: how much of each of a fixed set of colours a picture has, compared in CIELAB (Karayev's Rayleigh
    palette, as Composer uses it: Huang et al. 2023, section 3.2).

      Palette palette({});                                  // 156 colours
      Tensor h = palette.histogram(picture, 10);            // float64 [156], sums to about 1
    """
    def __init__(self, options: PaletteOptions | None = None, **kwargs) -> None:
        ...
    def __len__(self) -> int:
        ...
    def histogram(self, picture: torch.Tensor, sigma: typing.SupportsFloat = 10) -> torch.Tensor:
        """
        Shares of the nearest colours, float64 [n]. With sigma > 0 each colour also gets a part of its neighbours' share,
        exp(-d^2 / (2 sigma^2)) of the Lab distance d, weights summing to 1; less than 1e-5 becomes 0.
        """
    def nearest(self, picture: torch.Tensor) -> torch.Tensor:
        """
        The colour nearest to each pixel, int64 [H, W]; of equals the first. Pictures as in picture.hpp, 3 channels.
        """
    def picture(self, histogram: torch.Tensor, height: typing.SupportsInt = 50, width: typing.SupportsInt = 200) -> torch.Tensor:
        """
        A picture of a histogram's strongest colours (above its 90th percentile), float64 [height, width, 3]: bands from
        left to right by share, in whole pixels; what is left over is black. ShapeError.
        """
    def quantise(self, picture: torch.Tensor) -> torch.Tensor:
        """
        The picture in these colours, float64 [H, W, 3].
        """
    @property
    def hex(self) -> list[str]:
        """
        "#rrggbb" of each colour
        """
    @property
    def lab(self) -> torch.Tensor:
        """
        float64 [n, 3], CIELAB under D65
        """
    @property
    def rgb(self) -> torch.Tensor:
        """
        float64 [n, 3] in [0, 1]
        """
class MotionPath:
    """
    Something that moves along a polyline, at an even pace, from frame `first` to frame `last`.

    Fields:
        points = []: (x, y) of each corner, shares of width and height
        first = 0: frame in which the motion begins
        last = -1: frame in which it ends; -1 = the last one
        radius = 0.15: of the disc that moves, share of the shorter side
    """
    kind: typing.ClassVar[str] = 'motion_path'
    @staticmethod
    def from_dict(values: dict) -> MotionPath:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> MotionPath:
        ...
    def __deepcopy__(self, memo: dict) -> MotionPath:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, points: collections.abc.Sequence[collections.abc.Sequence[float]] = [], first: int = 0, last: int = -1, radius: float = 0.15) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> MotionPath:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def first(self) -> int:
        """
        frame in which the motion begins
        """
    @property
    def last(self) -> int:
        """
        frame in which it ends; -1 = the last one
        """
    @property
    def points(self) -> list[list[float]]:
        """
        (x, y) of each corner, shares of width and height
        """
    @property
    def radius(self) -> float:
        """
        of the disc that moves, share of the shorter side
        """
class MaskKey:
    """
    A polygon at one frame. Two corners are a box from corner to corner.

    Fields:
        frame = 0: frame of the clip
        corners = []: (x, y) of each corner; two are a box
    """
    kind: typing.ClassVar[str] = 'mask_key'
    @staticmethod
    def from_dict(values: dict) -> MaskKey:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> MaskKey:
        ...
    def __deepcopy__(self, memo: dict) -> MaskKey:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, frame: int = 0, corners: collections.abc.Sequence[collections.abc.Sequence[float]] = []) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> MaskKey:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def corners(self) -> list[list[float]]:
        """
        (x, y) of each corner; two are a box
        """
    @property
    def frame(self) -> int:
        """
        frame of the clip
        """
class SketchStroke:
    """
    A line that is seen from frame `first` to `last`.

    Fields:
        points = []: (x, y) of each corner, shares of width and height
        first = 0: first frame that shows it
        last = -1: last frame; -1 = the clip's last
        thickness = 0.01: share of the shorter side
    """
    kind: typing.ClassVar[str] = 'sketch_stroke'
    @staticmethod
    def from_dict(values: dict) -> SketchStroke:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> SketchStroke:
        ...
    def __deepcopy__(self, memo: dict) -> SketchStroke:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, points: collections.abc.Sequence[collections.abc.Sequence[float]] = [], first: int = 0, last: int = -1, thickness: float = 0.01) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> SketchStroke:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def first(self) -> int:
        """
        first frame that shows it
        """
    @property
    def last(self) -> int:
        """
        last frame; -1 = the clip's last
        """
    @property
    def points(self) -> list[list[float]]:
        """
        (x, y) of each corner, shares of width and height
        """
    @property
    def thickness(self) -> float:
        """
        share of the shorter side
        """
def appearance_factors(frames: typing.SupportsInt, appearance: typing.SupportsFloat) -> torch.Tensor:
    """
    float32 [1, frames, frames]: 1 - appearance |r - j| / (frames - 1), the wanted likeness of frames r and j; appearance
    in [0, 1]. ConfigError.
    """
def canny(picture: torch.Tensor | numpy.typing.ArrayLike, thresholds: tuple[typing.SupportsFloat, typing.SupportsFloat] | None = None) -> torch.Tensor:
    """
    Canny's edges (Canny 1986, "A Computational Approach to Edge Detection"), to the bit as OpenCV finds them: Sobel 3x3,
    |dx| + |dy|, the channel with the strongest gradient decides.

    0 or 1, uint8 [H, W, 1]. Gradients above `high` are edges, those above `low` are where they touch one. Thresholds are
    rounded down and ordered. ConfigError if one is not finite or negative.

    The canny condition of frames [F, 3, H, W] in [0, 1]: float32 [F, 1, H, W], each frame by its own median.
    """
def canny_thresholds(picture: torch.Tensor, share: typing.SupportsFloat | None = None) -> tuple[float, float]:
    """
    (low, high) from the median m of a picture: 0.67 m and 1.33 m, or (1 - share) m and twice that.
    """
def clip_normalise(x: torch.Tensor) -> torch.Tensor:
    """
    (x - mean) / std of CLIP's training pictures, per channel; x [n, 3, h, w] in [0, 1].
    """
def compose(*, depth: torch.Tensor | None = None, sketch: torch.Tensor | None = None, canny: torch.Tensor | None = None, single_sketch: torch.Tensor | None = None, local_image: torch.Tensor | None = None, motion: torch.Tensor | None = None, frames: torch.Tensor | None = None, mask: torch.Tensor | None = None, image: torch.Tensor | None = None, histogram: torch.Tensor | None = None, num_frames: typing.SupportsInt = 0) -> dict[str, torch.Tensor]:
    """
    VideoComposer's conditions (Wang et al. 2023, section 3.2) put together from any subset of them, checked against each
    other.

      auto given = compose({.depth = depth.condition(frames), .motion = motion_vectors("clip.mp4")});

    The conditions [1, C, F, H, W], [1, 1, D] and [1, F, bins] under the names that the network declares; frames and mask
    become "masked" (masked_condition). `frames` is F where no map says it; 0 = one. ShapeError naming the condition that
    has another shape than its kind, or other frames than the rest, with the fix; ConfigError for a mask without frames.
    """
@typing.overload
def depth(frames: torch.Tensor | numpy.typing.ArrayLike, model: DptDepth) -> torch.Tensor:
    """
    The depth condition of frames [F, 3, H, W] in [0, 1] of any size: float32 [F, 1, H, W] in [0, 10], near is large. The
    network sees them enlarged to the next multiples of 32. Interrupted between frames.

    With the network of a model folder (Annotators), or of a file with its weights; loaded for this call. To annotate
    many clips, load it once and give it. IoError, FormatError, WeightsError.
    """
@typing.overload
def depth(frames: torch.Tensor | numpy.typing.ArrayLike, model: os.PathLike | str | bytes | None = None) -> torch.Tensor:
    """
    The same with the network of a model folder or of a file.
    """
def depth_condition(depth: torch.Tensor) -> torch.Tensor:
    """
    Inverse depth in the range that the networks were trained on: depth / 20, at most 10.
    """
def drawn_mask(keys: collections.abc.Sequence[MaskKey], frames: typing.SupportsInt, height: typing.SupportsInt, width: typing.SupportsInt) -> torch.Tensor:
    """
    [frames, 1, height, width] float32, 1 inside. Corners move evenly from key to key; before the first and after the
    last one the mask stands still. ConfigError naming the key: order, frame outside of the clip, other numbers of
    corners, corner outside of the picture.
    """
def drawn_motion(paths: collections.abc.Sequence[MotionPath], frames: typing.SupportsInt, height: typing.SupportsInt, width: typing.SupportsInt, block: typing.SupportsInt = 16) -> torch.Tensor:
    """
    The motion condition, float32 [frames, 2, height, width], as motion_vectors gives it: at the centre of each block of
    `block` pixels that the disc covers in frame f, the shift in pixels since frame f - 1; 0 elsewhere. Later paths
    replace earlier ones. ConfigError naming the path: fewer than two points, a point outside of the picture, frames
    out of order or outside of the clip.
    """
def drawn_sketch(strokes: collections.abc.Sequence[SketchStroke], frames: typing.SupportsInt, height: typing.SupportsInt, width: typing.SupportsInt) -> torch.Tensor:
    """
    [frames, 1, height, width] float32: 1 on lines, 0 elsewhere, as `sketch` gives it. ConfigError as drawn_motion.
    """
def fit_condition(x: torch.Tensor, height: typing.SupportsInt, width: typing.SupportsInt) -> torch.Tensor:
    """
    A condition [F, C, H, W] for another size: enlarged or reduced until it covers height x width (bilinear, no
    antialiasing, values not rescaled, as VideoComposer does), then the middle. ShapeError.
    """
def histogram(frames: torch.Tensor | numpy.typing.ArrayLike, palette: Palette | None = None) -> torch.Tensor:
    """
    The histogram condition of frames [F, 3, H, W] in [0, 1]: float32 [F, bins], Palette::histogram of each.
    """
def imagenet_normalise(x: torch.Tensor) -> torch.Tensor:
    """
    (x - mean) / std of ImageNet's pictures, per channel; x [n, 3, h, w] in [0, 1].
    """
def low_resolution_input(frames: torch.Tensor, twice: bool = False, height: typing.SupportsInt = 720, width: typing.SupportsInt = 1280) -> torch.Tensor:
    """
    Frames [F, 3, h, w] in [0, 1] -> [F, 3, height, width] in [-1, 1], bilinear without antialiasing. `twice`: each frame
    two times in a row, for a model of 32 frames fed with 16. ShapeError.
    """
def mask_track(mask: torch.Tensor, frames: typing.SupportsInt, height: typing.SupportsInt, width: typing.SupportsInt) -> torch.Tensor:
    """
    [F, 1, H, W] float32 of a mask [H, W] (values 0 and 1) for frames of height x width: nearest pixel, copied to all
    frames.
    """
def masked_condition(frames: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
    """
    The condition "masked": [F, 4, H, W] of frames [F, 3, H, W] in [0, 1] and masks [F, 1, H, W] (or [1, 1, H, W] for
    all): pixels in [-1, 1], 0 where they are to be filled, and 1 - mask. ShapeError; ConfigError for other mask values.
    """
def motion_factors(frames: typing.SupportsInt, motion: typing.SupportsInt) -> torch.Tensor:
    """
    int64 [1, frames - 1], every value `motion` in [0, 999]; for a single frame [1], 0. ConfigError.
    """
@typing.overload
def motion_vectors(path: os.PathLike | str | bytes, source: str = 'automatic', options: vgen._core.video.ReadOptions | None = None, **kwargs) -> torch.Tensor:
    """
    The field of each frame of a request, float32 [F, 2, H, W]: how far the content moved (dx, dy), in pixels, written at
    the centre of its block, 0 elsewhere and in intra frames. Errors as of video::VideoReader; with `codec` MediaError if
    the file has several frames and no vectors; with `reencode` Unavailable without FFmpeg.

    The same of decoded frames (already at the rate of the model): re-encoded, else by block matching. ConfigError for
    `codec`.
    """
@typing.overload
def motion_vectors(frames: numpy.typing.ArrayLike, source: str = 'automatic') -> torch.Tensor:
    """
    The same of decoded frames, uint8 [F, H, W, C].
    """
def overlay(frames: numpy.typing.ArrayLike, condition: torch.Tensor, gain: typing.SupportsFloat = 1) -> numpy.typing.NDArray[numpy.uint8]:
    """
    The clip with a condition drawn over it, uint8 [F, H, W, 3]: arrows for motion [F, 2, H, W] (`gain` times as long),
    red for masks or sketches [F, 1, H, W]. ShapeError unless sizes agree.
    """
def parse_motion_path(text: str) -> MotionPath:
    """
    "0.2,0.5 -> 0.8,0.5 @ 0..16", with any number of points; "~0.1" at the end sets the radius; without "@" the whole
    clip. ConfigError showing what could not be read, also for points outside of the picture.
    """
def random_mask(kind: str, height: typing.SupportsInt, width: typing.SupportsInt, seed: typing.SupportsInt = 0) -> torch.Tensor:
    """
    uint8 [height, width], 0 or 1. irregular: 1 to 5 strokes of 1 to 5 thick lines. rectangle: 1 to 4 boxes of 30 to 149
    pixels a side, 10 pixels from the border. uncrop: one half. ConfigError if the picture is too small (169 pixels a
    side for boxes) or larger than 16384.

    Of the kind that the reference draws: 70 % irregular, 20 % rectangles, 10 % halves. `kinds` is its Python generator,
    `random` its numpy generator.
    """
def resize_picture(picture: torch.Tensor, short_side: typing.SupportsInt) -> torch.Tensor:
    """
    uint8 [H', W', C]: the shorter side becomes `short_side`, then both are rounded to the nearest multiple of 64 (ties
    to the even multiple). Enlarged by Lanczos over 8 pixels, reduced by the mean over the covered area, to the bit as
    OpenCV does (INTER_LANCZOS4, INTER_AREA). ConfigError if a side would become 0.
    """
@typing.overload
def sketch(edges: PiDiNet, simplifier: SketchSimplification, frames: torch.Tensor | numpy.typing.ArrayLike, at_once: typing.SupportsInt = 2) -> torch.Tensor:
    """
    The sketch condition of frames [F, 3, H, W] in [0, 1], with the networks of a model folder: float32 [F, 1, H, W],
    lines are 1. Of one frame it is a single_sketch. Errors as of depth; ShapeError unless H and W are multiples of 8.

    Sketches: lines of a picture, cleaned by the fully convolutional network of Simo-Serra et al. 2018, "Mastering
    Sketching: Adversarial Augmentation for Structured Prediction" (model GAN).

      Tensor lines = sketch(edges, simplifier, frames);    // [F, 3, H, W] in [0, 1] -> [F, 1, H, W], bright on dark

    The sketch condition of frames [F, 3, H, W] in [0, 1]: edges e, then 1 - simplified(1 - e), [F, 1, H, W].
    ShapeError unless H and W are multiples of 8.
    """
@typing.overload
def sketch(frames: torch.Tensor | numpy.typing.ArrayLike, model: os.PathLike | str | bytes | None = None) -> torch.Tensor:
    """
    The same with the networks of a model folder.
    """
def to_frames(frames: numpy.typing.ArrayLike) -> torch.Tensor:
    """
    [F, 3, H, W] float32 in [0, 1] from uint8 frames of 1, 3 or 4 channels (grey is copied, alpha dropped).
    """
def to_rgb(picture: torch.Tensor) -> torch.Tensor:
    """
    uint8 [H, W, 3]: grey is copied, transparent pixels lie over white (rounded down).
    """
