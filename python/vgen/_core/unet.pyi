"""
The one video UNet, its conditions and features
"""
from __future__ import annotations
import collections.abc
import torch
import typing
import vgen._core.nn
__all__: list[str] = ['Appearance', 'ConditionDropout', 'DenseMap', 'DenseMaps', 'Fps', 'FramePosition', 'FrameText', 'FreeU', 'Histogram', 'ImageLatents', 'ImageTokens', 'Level', 'LocalImageTokens', 'Motion', 'SpatialPrior', 'Text', 'TextResampler', 'UNet', 'UNetOptions', 'diffusers_keys', 'higen', 'i2vgen_xl', 'initialise', 'reference_keys', 'sr600', 'tf_t2v', 'validate', 'video_composer', 'video_lcm']
class FramePosition:
    """
    The place of each frame in the clip as `channels` sines and cosines, constant over the picture. The released systems
    have none (their only sense of the order of time is the padding of the temporal convolutions); a small model learns
    motion sooner with it.

    Fields:
        channels = 4: number of channels, even
    """
    kind: typing.ClassVar[str] = 'frame_position'
    @staticmethod
    def from_dict(values: dict) -> FramePosition:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> FramePosition:
        ...
    def __deepcopy__(self, memo: dict) -> FramePosition:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, channels: int = 4) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> FramePosition:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def channels(self) -> int:
        """
        number of channels, even
        """
class Fps:
    """
    Adds the frame rate to the time embedding.
    """
    kind: typing.ClassVar[str] = 'fps'
    @staticmethod
    def from_dict(values: dict) -> Fps:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> Fps:
        ...
    def __deepcopy__(self, memo: dict) -> Fps:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> Fps:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
class FrameText:
    """
    What the caption as a whole says about each frame: the mean of the text tokens, beside the place of the frame in the
    clip, through an MLP. The released systems have nothing of the kind: their caption reaches single frames only, by
    cross-attention. With it a small model learns the words that describe motion.

    Fields:
        channels = 8: number of channels of the place, even
    """
    kind: typing.ClassVar[str] = 'frame_text'
    @staticmethod
    def from_dict(values: dict) -> FrameText:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> FrameText:
        ...
    def __deepcopy__(self, memo: dict) -> FrameText:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, channels: int = 8) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> FrameText:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def channels(self) -> int:
        """
        number of channels of the place, even
        """
class DenseMap:
    """
    A condition given as pictures at pixel resolution, one a frame.

    Fields:
        name = '': of the condition, e.g. depth
        channels = 1: of its pictures
    """
    kind: typing.ClassVar[str] = 'dense_map'
    @staticmethod
    def from_dict(values: dict) -> DenseMap:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> DenseMap:
        ...
    def __deepcopy__(self, memo: dict) -> DenseMap:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, name: str = '', channels: int = 1) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> DenseMap:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def channels(self) -> int:
        """
        of its pictures
        """
    @property
    def name(self) -> str:
        """
        of the condition, e.g. depth
        """
class DenseMaps:
    """
    Pictures reduced to the size of the latent, mixed over the frames, and summed (VideoComposer, Wang et al. 2023,
    section 3.2: the spatio-temporal condition encoder). A condition that is not given adds nothing.

    Fields:
        maps = []: the conditions, in the order of their summation
        channels = 8: concatenated to the latent
        width = 448: pixels that every map is pooled from; the latent's width times 8
        height = 256: pixels; the latent's height times 8
    """
    kind: typing.ClassVar[str] = 'dense_maps'
    @staticmethod
    def from_dict(values: dict) -> DenseMaps:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> DenseMaps:
        ...
    def __deepcopy__(self, memo: dict) -> DenseMaps:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, maps: collections.abc.Sequence[DenseMap | dict[str, typing.Any]] = [], channels: int = 8, width: int = 448, height: int = 256) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> DenseMaps:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def channels(self) -> int:
        """
        concatenated to the latent
        """
    @property
    def height(self) -> int:
        """
        pixels; the latent's height times 8
        """
    @property
    def maps(self) -> list[DenseMap]:
        """
        the conditions, in the order of their summation
        """
    @property
    def width(self) -> int:
        """
        pixels that every map is pooled from; the latent's width times 8
        """
class ImageLatents:
    """
    The latent of the first frame, followed by frames that only count the time, mixed over the frames (I2VGen-XL, Zhang
    et al. 2023, section 3.1). Condition `local_image`.

    Fields:
        gain = 2.0: factor of the result; the released model was trained with 2
    """
    kind: typing.ClassVar[str] = 'image_latents'
    @staticmethod
    def from_dict(values: dict) -> ImageLatents:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> ImageLatents:
        ...
    def __deepcopy__(self, memo: dict) -> ImageLatents:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, gain: float = 2.0) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> ImageLatents:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def gain(self) -> float:
        """
        factor of the result; the released model was trained with 2
        """
class SpatialPrior:
    """
    A picture's latent that the first convolution's result is shifted by in every frame (HiGen, Qing et al. 2023, section
    3.2). Condition `spatial_prior`.
    """
    kind: typing.ClassVar[str] = 'spatial_prior'
    @staticmethod
    def from_dict(values: dict) -> SpatialPrior:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> SpatialPrior:
        ...
    def __deepcopy__(self, memo: dict) -> SpatialPrior:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> SpatialPrior:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
class Motion:
    """
    How much moves between neighbouring frames (HiGen, section 3.3). Condition `motion`: [B, F - 1] or [B, F].
    """
    kind: typing.ClassVar[str] = 'motion'
    @staticmethod
    def from_dict(values: dict) -> Motion:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> Motion:
        ...
    def __deepcopy__(self, memo: dict) -> Motion:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> Motion:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
class Appearance:
    """
    How much each frame looks like each other (HiGen, section 3.3). Condition `appearance`: [B, F, frames].

    Fields:
        frames = 32: frames compared with; the longest clip
    """
    kind: typing.ClassVar[str] = 'appearance'
    @staticmethod
    def from_dict(values: dict) -> Appearance:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> Appearance:
        ...
    def __deepcopy__(self, memo: dict) -> Appearance:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, frames: int = 32) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> Appearance:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def frames(self) -> int:
        """
        frames compared with; the longest clip
        """
class ImageTokens:
    """
    Tokens made of a CLIP image embedding. Condition `image`.

    Fields:
        count = 4: number of tokens
        channels = 1024: width of the embedding
        hidden = 1024: width between the two layers
    """
    kind: typing.ClassVar[str] = 'image_tokens'
    @staticmethod
    def from_dict(values: dict) -> ImageTokens:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> ImageTokens:
        ...
    def __deepcopy__(self, memo: dict) -> ImageTokens:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, count: int = 4, channels: int = 1024, hidden: int = 1024) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> ImageTokens:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def channels(self) -> int:
        """
        width of the embedding
        """
    @property
    def count(self) -> int:
        """
        number of tokens
        """
    @property
    def hidden(self) -> int:
        """
        width between the two layers
        """
class LocalImageTokens:
    """
    An 8x8 grid of tokens made of the latent of the first frame (I2VGen-XL). Condition `local_image`.
    """
    kind: typing.ClassVar[str] = 'local_image_tokens'
    @staticmethod
    def from_dict(values: dict) -> LocalImageTokens:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> LocalImageTokens:
        ...
    def __deepcopy__(self, memo: dict) -> LocalImageTokens:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> LocalImageTokens:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
class Histogram:
    """
    A token a frame made of a colour histogram (VideoComposer). Condition `histogram`: [B, F, bins].

    Fields:
        bins = 156: length of the histogram
    """
    kind: typing.ClassVar[str] = 'histogram'
    @staticmethod
    def from_dict(values: dict) -> Histogram:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> Histogram:
        ...
    def __deepcopy__(self, memo: dict) -> Histogram:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, bins: int = 156) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> Histogram:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def bins(self) -> int:
        """
        length of the histogram
        """
class TextResampler:
    """
    Learned queries that read the text in place of the text itself (HiGen; the resampler of Alayrac et al. 2022).

    Fields:
        count = 16: number of tokens
        layers = 2: transformer blocks
        heads = 8: attention heads
    """
    kind: typing.ClassVar[str] = 'text_resampler'
    @staticmethod
    def from_dict(values: dict) -> TextResampler:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> TextResampler:
        ...
    def __deepcopy__(self, memo: dict) -> TextResampler:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, count: int = 16, layers: int = 2, heads: int = 8) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> TextResampler:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def count(self) -> int:
        """
        number of tokens
        """
    @property
    def heads(self) -> int:
        """
        attention heads
        """
    @property
    def layers(self) -> int:
        """
        transformer blocks
        """
class FreeU:
    """
    One stage of the way up: the first half of its channels times `backbone`; what the skip connection brings has its
    four lowest frequencies times `skip` (FreeU, Si et al. 2023, eq. 3 and 4).

    Fields:
        backbone = 1.0: factor of the first half of the channels
        skip = 1.0: factor of the low frequencies of the skip connection
    """
    kind: typing.ClassVar[str] = 'free_u'
    @staticmethod
    def from_dict(values: dict) -> FreeU:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> FreeU:
        ...
    def __deepcopy__(self, memo: dict) -> FreeU:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, backbone: float = 1.0, skip: float = 1.0) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> FreeU:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def backbone(self) -> float:
        """
        factor of the first half of the channels
        """
    @property
    def skip(self) -> float:
        """
        factor of the low frequencies of the skip connection
        """
class ConditionDropout:
    """
    See condition_dropout.hpp.

    Fields:
        p = 0.5: share of the samples that lose a condition, drawn for each
        all_zero = 0.1: share that lose every condition
        all_keep = 0.1: share that lose none
        conditions = ['depth', 'local_image', 'motion', 'canny', 'sketch', 'single_sketch', 'masked', 'text', 'image', 'histogram']: what may be lost, in the order of the draws
    """
    kind: typing.ClassVar[str] = 'condition_dropout'
    @staticmethod
    def from_dict(values: dict) -> ConditionDropout:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> ConditionDropout:
        ...
    def __deepcopy__(self, memo: dict) -> ConditionDropout:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, p: float = 0.5, all_zero: float = 0.1, all_keep: float = 0.1, conditions: collections.abc.Sequence[str] = ['depth', 'local_image', 'motion', 'canny', 'sketch', 'single_sketch', 'masked', 'text', 'image', 'histogram']) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> ConditionDropout:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def all_keep(self) -> float:
        """
        share that lose none
        """
    @property
    def all_zero(self) -> float:
        """
        share that lose every condition
        """
    @property
    def conditions(self) -> list[str]:
        """
        what may be lost, in the order of the draws
        """
    @property
    def p(self) -> float:
        """
        share of the samples that lose a condition, drawn for each
        """
class Text:
    """
    The words of the prompt as context of the cross-attention.
    """
    kind: typing.ClassVar[str] = 'text'
    @staticmethod
    def from_dict(values: dict) -> Text:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> Text:
        ...
    def __deepcopy__(self, memo: dict) -> Text:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> Text:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
class Level:
    """
    One resolution of the UNet.

    Fields:
        multiplier = 1: width of the level in units of `channels`
        attention = True: spatial and temporal transformers after its residual blocks
    """
    kind: typing.ClassVar[str] = 'level'
    @staticmethod
    def from_dict(values: dict) -> Level:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> Level:
        ...
    def __deepcopy__(self, memo: dict) -> Level:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, multiplier: int = 1, attention: bool = True) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> Level:
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
        spatial and temporal transformers after its residual blocks
        """
    @property
    def multiplier(self) -> int:
        """
        width of the level in units of `channels`
        """
class UNetOptions:
    """
    Defaults are ModelScopeT2V: 1,411,233,860 parameters.

    Fields:
        in_channels = 4: channels of the latent
        out_channels = 4: channels of the prediction
        channels = 320: width of the first level
        context_channels = 1024: width of the context tokens
        levels = [Level(multiplier=1, attention=True), Level(multiplier=2, attention=True), Level(multiplier=4, attention=True), Level(multiplier=4, attention=False)]: resolutions, each half of the one before
        blocks_per_level = 2: residual blocks a level (the way up has one more)
        head_channels = 64: width of an attention head
        first_heads = 8: heads of the temporal transformer after the first convolution
        norm_groups = 32: groups of every group norm; narrow models need fewer than 32
        dropout = 0.1: in residual blocks, training only
        temporal_dropout = 0.1: in temporal convolutions, training only
        stem = []: channels concatenated to the latent
        embeddings = []: terms added to the time embedding
        context = [Text()]: token sources of the cross-attention
        bypass = 'never': which clips pass by the temporal layers: never, single_frame, always
        row_padding = 1: rows added above and below before a resolution is halved, less one cut off again where it is doubled; 1, or 2 for latents of 90 rows
        free_u = []: factors for the first stages of the way up
        condition_dropout = None: in training only; none = no dropout
    """
    kind: typing.ClassVar[str] = 'unet'
    @staticmethod
    def from_dict(values: dict) -> UNetOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> UNetOptions:
        ...
    def __deepcopy__(self, memo: dict) -> UNetOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, in_channels: int = 4, out_channels: int = 4, channels: int = 320, context_channels: int = 1024, levels: collections.abc.Sequence[Level | dict[str, typing.Any]] = ..., blocks_per_level: int = 2, head_channels: int = 64, first_heads: int = 8, norm_groups: int = 32, dropout: float = 0.1, temporal_dropout: float = 0.1, stem: collections.abc.Sequence[FramePosition | DenseMaps | ImageLatents | SpatialPrior | str | dict[str, typing.Any]] = [], embeddings: collections.abc.Sequence[Fps | FrameText | Motion | Appearance | str | dict[str, typing.Any]] = [], context: collections.abc.Sequence[Text | ImageTokens | LocalImageTokens | Histogram | TextResampler | str | dict[str, typing.Any]] = ..., bypass: typing.Literal['never', 'single_frame', 'always'] = 'never', row_padding: int = 1, free_u: collections.abc.Sequence[FreeU | dict[str, typing.Any]] = [], condition_dropout: ConditionDropout | dict[str, typing.Any] | None = None) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> UNetOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def blocks_per_level(self) -> int:
        """
        residual blocks a level (the way up has one more)
        """
    @property
    def bypass(self) -> typing.Literal['never', 'single_frame', 'always']:
        """
        which clips pass by the temporal layers: never, single_frame, always
        """
    @property
    def channels(self) -> int:
        """
        width of the first level
        """
    @property
    def condition_dropout(self) -> ConditionDropout | None:
        """
        in training only; none = no dropout
        """
    @property
    def context(self) -> list[Text | ImageTokens | LocalImageTokens | Histogram | TextResampler]:
        """
        token sources of the cross-attention
        """
    @property
    def context_channels(self) -> int:
        """
        width of the context tokens
        """
    @property
    def dropout(self) -> float:
        """
        in residual blocks, training only
        """
    @property
    def embeddings(self) -> list[Fps | FrameText | Motion | Appearance]:
        """
        terms added to the time embedding
        """
    @property
    def first_heads(self) -> int:
        """
        heads of the temporal transformer after the first convolution
        """
    @property
    def free_u(self) -> list[FreeU]:
        """
        factors for the first stages of the way up
        """
    @property
    def head_channels(self) -> int:
        """
        width of an attention head
        """
    @property
    def in_channels(self) -> int:
        """
        channels of the latent
        """
    @property
    def levels(self) -> list[Level]:
        """
        resolutions, each half of the one before
        """
    @property
    def norm_groups(self) -> int:
        """
        groups of every group norm; narrow models need fewer than 32
        """
    @property
    def out_channels(self) -> int:
        """
        channels of the prediction
        """
    @property
    def row_padding(self) -> int:
        """
        rows added above and below before a resolution is halved, less one cut off again where it is doubled; 1, or 2 for latents of 90 rows
        """
    @property
    def stem(self) -> list[FramePosition | DenseMaps | ImageLatents | SpatialPrior]:
        """
        channels concatenated to the latent
        """
    @property
    def temporal_dropout(self) -> float:
        """
        in temporal convolutions, training only
        """
class UNet(vgen._core.nn.Module):
    """
    The video UNet of the VGen family (ModelScopeT2V, Wang et al. 2023, section 3): an SD-like UNet whose residual blocks
    end in temporal convolutions and whose spatial transformers are followed by temporal ones. One class; systems differ
    by options.
    """
    def __call__(self, x: torch.Tensor, t: torch.Tensor, conditions: collections.abc.Mapping[str, torch.Tensor]) -> torch.Tensor:
        """
        The same as forward.
        """
    def __init__(self, options: UNetOptions | None = None, **kwargs) -> None:
        ...
    def bind(self, conditions: collections.abc.Mapping[str, torch.Tensor]) -> typing.Any:
        """
        The network with its conditions bound: a diffusion.Model, for diffusion.denoiser and guidance.
        """
    def forward(self, x: torch.Tensor, t: torch.Tensor, conditions: collections.abc.Mapping[str, torch.Tensor]) -> torch.Tensor:
        """
        x [B, C, F, H, W], t [B] (integer or float), conditions as declared() -> prediction [B, out, F, H, W].
        H and W must be divisible by 2^(levels - 1); with row_padding 2, H must be 2 more than such a number. ShapeError,
        ConfigError.
        """
    def recompute(self, on: bool) -> None:
        """
        Drops activations of each block and computes them again on the way back: less memory, about a third more time.
        """
    @property
    def declared(self) -> list[str]:
        """
        names of the conditions it reads
        """
    @property
    def options(self) -> UNetOptions:
        """
        The UNetOptions it was built from.
        """
def diffusers_keys(unet: UNet) -> list[tuple[str, str]]:
    """
    (our name, the name in diffusers' UNet3DConditionModel) of every parameter.
    """
def higen(base: UNetOptions = ...) -> UNetOptions:
    """
    HiGen (Qing et al. 2023): a single frame first, then a clip around it with chosen motion and appearance change.
    """
def i2vgen_xl(base: UNetOptions = ...) -> UNetOptions:
    """
    I2VGen-XL (Zhang et al. 2023): the first frame as latent channels, as tokens and as a CLIP embedding; frame rate.
    """
def initialise(unet: UNet, seed: typing.SupportsInt = 0) -> None:
    """
    PyTorch's defaults, but zero where a branch ends (second convolutions, last temporal convolutions, transformer
    outputs, the head's weight, the last layer of added embeddings), so that the network starts as the identity of its
    skips.
    """
def reference_keys(unet: UNet) -> list[tuple[str, str]]:
    """
    (our name, the reference's name) of every parameter.
    """
def sr600(base: UNetOptions = ...) -> UNetOptions:
    """
    SR600: latents of 90 rows, which cannot be halved three times, and FreeU in the two deepest stages.
    """
def tf_t2v(base: UNetOptions = ...) -> UNetOptions:
    """
    The released checkpoints of TF-T2V, VideoComposer and VideoLCM.
    """
def validate(options: UNetOptions) -> None:
    """
    ConfigError naming field and nearest valid value.
    """
def video_composer(conditions: collections.abc.Sequence[str] = ['text', 'masked', 'depth', 'sketch', 'motion', 'image', 'local_image', 'single_sketch'], base: UNetOptions = ...) -> UNetOptions:
    """
    TF-T2V (Wang et al. 2023) with any of VideoComposer's conditions, by the condition's name: text, image, histogram and
    the maps. ConfigError for another one.
    """
def video_lcm(of: UNetOptions) -> UNetOptions:
    """
    VideoLCM (Wang et al. 2023): text is never dropped, for the teacher has seen that.
    """
