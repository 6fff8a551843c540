"""
The one video UNet, its conditions and features
"""
from __future__ import annotations
import collections.abc
import torch
import typing
import vgen._core.nn
__all__: list[str] = ['Fps', 'FramePosition', 'FrameText', 'Level', 'Text', 'UNet', 'UNetOptions', 'diffusers_keys', 'initialise', 'reference_keys', 'validate']
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
    Adds the pooled caption and the place of the frame to the time embedding.

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
    def __init__(self, *, in_channels: int = 4, out_channels: int = 4, channels: int = 320, context_channels: int = 1024, levels: collections.abc.Sequence[Level | dict[str, typing.Any]] = ..., blocks_per_level: int = 2, head_channels: int = 64, first_heads: int = 8, norm_groups: int = 32, dropout: float = 0.1, temporal_dropout: float = 0.1, stem: collections.abc.Sequence[FramePosition | str | dict[str, typing.Any]] = [], embeddings: collections.abc.Sequence[Fps | FrameText | str | dict[str, typing.Any]] = [], context: collections.abc.Sequence[Text | str | dict[str, typing.Any]] = ...) -> None:
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
    def channels(self) -> int:
        """
        width of the first level
        """
    @property
    def context(self) -> list[Text]:
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
    def embeddings(self) -> list[Fps | FrameText]:
        """
        terms added to the time embedding
        """
    @property
    def first_heads(self) -> int:
        """
        heads of the temporal transformer after the first convolution
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
    def stem(self) -> list[FramePosition]:
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
        H and W must be divisible by 2^(levels - 1). ShapeError, ConfigError.
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
        ...
def diffusers_keys(unet: UNet) -> list[tuple[str, str]]:
    """
    (our name, the name in diffusers' UNet3DConditionModel) of every parameter.
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
def validate(options: UNetOptions) -> None:
    """
    ConfigError naming field and nearest valid value.
    """
