"""
Encoders of conditions: CLIP towers, textual inversion, depth, edges, sketch, palette, motion, masks
"""
from __future__ import annotations
import collections.abc
import torch
import typing
import vgen._core.nn
__all__: list[str] = ['ClipText', 'ClipTextEncoder', 'ClipTextOptions', 'ClipTextOutput', 'ClipVision', 'ClipVisionOptions', 'Encoder', 'TextEmbedding', 'clip_normalise']
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
        ...
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
        ...
def clip_normalise(x: torch.Tensor) -> torch.Tensor:
    """
    (x - mean) / std of CLIP's training pictures, per channel; x [n, 3, h, w] in [0, 1].
    """
