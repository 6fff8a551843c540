"""
The shapes world: endless captioned clips with ground truth; lists of prompts, pictures and clips
"""
from __future__ import annotations
import collections.abc
import numpy
import numpy.typing
import typing
__all__: list[str] = ['ShapesAttributes', 'ShapesClip', 'ShapesObject', 'ShapesOptions', 'ShapesPose', 'ShapesPrompt', 'canonical_caption', 'eval_prompts', 'paraphrase', 'parse_caption', 'shapes_attributes', 'shapes_caption', 'shapes_clip', 'split_of']
class ShapesAttributes:
    """
    Fields:
        colour = 'red': colour of the object
        shape = 'circle': shape of the object
        size = 'medium': radius 0.10, 0.15 or 0.21 of the frame, +-10 %
        motion = 'moving left': what the object does
        speed = 'normal': travel 0.20, 0.42 or 0.64 of the frame, +-10 %; with a direction only
        background = 'black': colour of the background
    """
    kind: typing.ClassVar[str] = 'shapes_attributes'
    @staticmethod
    def from_dict(values: dict) -> ShapesAttributes:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> ShapesAttributes:
        ...
    def __deepcopy__(self, memo: dict) -> ShapesAttributes:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, colour: typing.Literal['red', 'green', 'blue', 'yellow', 'magenta', 'cyan', 'orange', 'purple'] = 'red', shape: typing.Literal['circle', 'square', 'triangle', 'star', 'ring', 'cross'] = 'circle', size: typing.Literal['small', 'medium', 'large'] = 'medium', motion: typing.Literal['moving left', 'moving right', 'moving up', 'moving down', 'standing still', 'growing', 'shrinking', 'circling', 'zigzagging'] = 'moving left', speed: typing.Literal['slowly', 'normal', 'quickly'] = 'normal', background: typing.Literal['black', 'gray', 'white'] = 'black') -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def __str__(self) -> str:
        ...
    def replace(self, **changes: typing.Any) -> ShapesAttributes:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def background(self) -> typing.Literal['black', 'gray', 'white']:
        """
        colour of the background
        """
    @property
    def colour(self) -> typing.Literal['red', 'green', 'blue', 'yellow', 'magenta', 'cyan', 'orange', 'purple']:
        """
        colour of the object
        """
    @property
    def motion(self) -> typing.Literal['moving left', 'moving right', 'moving up', 'moving down', 'standing still', 'growing', 'shrinking', 'circling', 'zigzagging']:
        """
        what the object does
        """
    @property
    def shape(self) -> typing.Literal['circle', 'square', 'triangle', 'star', 'ring', 'cross']:
        """
        shape of the object
        """
    @property
    def size(self) -> typing.Literal['small', 'medium', 'large']:
        """
        radius 0.10, 0.15 or 0.21 of the frame, +-10 %
        """
    @property
    def speed(self) -> typing.Literal['slowly', 'normal', 'quickly']:
        """
        travel 0.20, 0.42 or 0.64 of the frame, +-10 %; with a direction only
        """
class ShapesOptions:
    """
    Fields:
        size = 64: height and width in pixels, 16 to 1024
        frames = 16: frames a clip, 1 to 256
        fps = 8.0: frames a second written into the clip
        objects = 1: objects in a clip, 1 or 2
        antialias = 4: samples a pixel along each axis, 1 to 8
        canonical = 0.5: share of canonical captions, 0 to 1; the others are paraphrases
    """
    kind: typing.ClassVar[str] = 'shapes'
    @staticmethod
    def from_dict(values: dict) -> ShapesOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> ShapesOptions:
        ...
    def __deepcopy__(self, memo: dict) -> ShapesOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, size: int = 64, frames: int = 16, fps: float = 8.0, objects: int = 1, antialias: int = 4, canonical: float = 0.5) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> ShapesOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def antialias(self) -> int:
        """
        samples a pixel along each axis, 1 to 8
        """
    @property
    def canonical(self) -> float:
        """
        share of canonical captions, 0 to 1; the others are paraphrases
        """
    @property
    def fps(self) -> float:
        """
        frames a second written into the clip
        """
    @property
    def frames(self) -> int:
        """
        frames a clip, 1 to 256
        """
    @property
    def objects(self) -> int:
        """
        objects in a clip, 1 or 2
        """
    @property
    def size(self) -> int:
        """
        height and width in pixels, 16 to 1024
        """
class ShapesPose:
    """
    Where an object is in one frame, in pixels; (0, 0) is the upper left corner of the frame, y points down.
    """
    def __repr__(self) -> str:
        ...
    @property
    def radius(self) -> float:
        """
        As a share of the frame.
        """
    @property
    def x(self) -> float:
        """
        Of the centroid, as a share of the frame, from the left.
        """
    @property
    def y(self) -> float:
        """
        Of the centroid, as a share of the frame, from the top.
        """
class ShapesObject:
    """
    One object of a clip.
    """
    def __repr__(self) -> str:
        ...
    @property
    def attributes(self) -> ShapesAttributes:
        """
        What its caption says.
        """
    @property
    def poses(self) -> list[ShapesPose]:
        """
        one a frame
        """
class ShapesClip:
    """
    A clip of the shapes world with its ground truth.
    """
    def __repr__(self) -> str:
        ...
    def depth(self) -> numpy.typing.NDArray[numpy.float32]:
        """
        float32 [F, S, S] height in [0, 1]: 0 = background; the object rises like a dome to 1 at its centre
        """
    def edges(self) -> numpy.typing.NDArray[numpy.uint8]:
        """
        [F, S, S] 255 on the outermost pixels of an object, else 0
        """
    def mask(self, object: typing.SupportsInt = 0) -> numpy.typing.NDArray[numpy.uint8]:
        """
        Ground truth, computed when asked for; row-major.
        [F, S, S] visible share of each pixel, 0 to 255
        """
    def motion(self) -> numpy.typing.NDArray[numpy.float32]:
        """
        float32 [F, S, S, 2] (dx, dy) pixels that what is seen here moved since the frame before
        """
    @property
    def attributes(self) -> ShapesAttributes:
        """
        of the first object
        """
    @property
    def caption(self) -> str:
        """
        What the clip shows; in training half of them are paraphrases.
        """
    @property
    def fps(self) -> float:
        """
        frames a second
        """
    @property
    def frames(self) -> numpy.typing.NDArray[numpy.uint8]:
        """
        uint8 [F, S, S, 3]
        """
    @property
    def objects(self) -> list[ShapesObject]:
        """
        later ones lie in front of earlier ones
        """
class ShapesPrompt:
    """
    The prompts of `vgen eval shapes`: prompt k of a seed, `unseen` of them (rounded down, evenly spread) of combinations
    never trained on.
    """
    def __repr__(self) -> str:
        ...
    @property
    def attributes(self) -> ShapesAttributes:
        """
        What a clip must show to be right.
        """
    @property
    def caption(self) -> str:
        """
        The canonical caption.
        """
    @property
    def unseen(self) -> bool:
        """
        True if training never saw this combination.
        """
@typing.overload
def canonical_caption(attributes: ShapesAttributes) -> str:
    """
    "a [small|large] <colour> <shape> <motion> [slowly|quickly] on a <background> background" ("an orange ...");
    two objects: "a ... and a ... on a <background> background".
    """
@typing.overload
def canonical_caption(objects: collections.abc.Sequence[ShapesAttributes]) -> str:
    ...
def eval_prompts(count: typing.SupportsInt, seed: typing.SupportsInt = 0, unseen: typing.SupportsFloat = 0.5) -> list[ShapesPrompt]:
    """
    ShapesPrompts to score a model with: canonical captions drawn from the seed; unseen is the share of combinations that training never saw.
    """
def paraphrase(objects: collections.abc.Sequence[ShapesAttributes], draw: typing.SupportsInt) -> str:
    """
    Another wording of the same attributes; `draw` chooses it. Colour, shape, motion and background are always said, size
    and speed where the canonical caption says them.
    """
def parse_caption(caption: str) -> ShapesAttributes:
    """
    The inverse of canonical_caption for one object. ConfigError names the first word that does not fit.
    """
def shapes_attributes(seed: typing.SupportsInt, index: typing.SupportsInt, split: str = 'train', objects: typing.SupportsInt = 1) -> list[ShapesAttributes]:
    """
    Only what a text tower needs: attributes and caption of sample (seed, index), without rendering.
    """
def shapes_caption(seed: typing.SupportsInt, index: typing.SupportsInt, split: str = 'train', options: ShapesOptions = ...) -> str:
    """
    The caption of sample (seed, index), without rendering it.
    """
@typing.overload
def shapes_clip(seed: typing.SupportsInt, index: typing.SupportsInt, split: str = 'train', options: ShapesOptions = ...) -> ShapesClip:
    """
    Sample `index` of the endless data set `seed`. ConfigError if an option is out of range.

    A clip with these attributes and its canonical caption; `seed` chooses position, exact size and travel.
    ConfigError if a speed is given to a motion without direction.

    The same for one or two objects; they share the first one's background.
    """
@typing.overload
def shapes_clip(attributes: ShapesAttributes, seed: typing.SupportsInt = 0, options: ShapesOptions = ...) -> ShapesClip:
    ...
@typing.overload
def shapes_clip(objects: collections.abc.Sequence[ShapesAttributes], seed: typing.SupportsInt = 0, options: ShapesOptions = ...) -> ShapesClip:
    ...
def split_of(attributes: ShapesAttributes) -> str:
    """
    "train", "unseen" or "custom": which samples may have these attributes.
    """
