"""
AutoencoderKL: frames to latents and back
"""
from __future__ import annotations
import collections.abc
import torch
import typing
import vgen._core.nn
__all__: list[str] = ['AutoencoderKl', 'AutoencoderKlOptions', 'DiagonalGaussian']
class DiagonalGaussian:
    """
    N(mean, exp(logvar)) over all axes but the first. The log variance is clamped to [-30, 20] so that a badly trained
    encoder cannot overflow. A deterministic one has variance 0: every sample is the mean, and divergences are 0.
    """
    @staticmethod
    def from_moments(moments: torch.Tensor, deterministic: bool = False) -> DiagonalGaussian:
        """
        moments [N, 2C, ...]: mean, then log variance along axis 1.
        """
    def __repr__(self) -> str:
        ...
    def kl(self) -> torch.Tensor:
        """
        KL(this || N(0, 1)) [N]
        """
    def mode(self) -> torch.Tensor:
        """
        The mean: the likeliest sample.
        """
    def nll(self, x: torch.Tensor) -> torch.Tensor:
        """
        -log p(x) [N].
        """
    def sample(self, noise: torch.Generator | int | collections.abc.Callable[[torch.Tensor], torch.Tensor] | None) -> torch.Tensor:
        """
        mean + stddev * noise. Gradients flow to mean and logvar.
        """
    @property
    def logvar(self) -> torch.Tensor:
        """
        Log of the variance, [B, C, h, w].
        """
    @property
    def mean(self) -> torch.Tensor:
        """
        [B, C, h, w].
        """
class AutoencoderKlOptions:
    """
    AutoencoderKL: the convolutional autoencoder whose latents the video models work in (Rombach et al. 2022,
    "High-Resolution Image Synthesis with Latent Diffusion Models", section 3.1 and appendix G). Frames are independent
    of each other.

      AutoencoderKl vae({});                             // Stable Diffusion's: 248 tensors, 83,653,863 values
      Tensor latents = vae.encode_frames(video, noise);  // [B, 3, F, H, W] in [-1, 1] -> [B, 4, F, H/8, W/8], scaled
      Tensor frames = vae.decode_frames(latents, 4);     // the way back

    Fields:
        in_channels = 3: channels of a picture
        out_channels = 3: channels of a decoded picture
        latent_channels = 4: channels of a latent
        inner_channels = 4: channels between the trunks and the latent's 1x1 convolutions
        channels = 128: width of the first level
        multipliers = [1, 2, 4, 4]: width of each level as a multiple of channels
        blocks = 2: residual blocks a level (the decoder has one more)
        attention_resolutions = []: nominal sides at which levels have attention
        resolution = 256: nominal side of the first level
        norm_groups = 32: groups of the group norms
        dropout = 0.0: dropout in the residual blocks
        scale_factor = 0.18215: factor of latents
        latent_convolutions = True: 1x1 convolutions around the latent
    """
    kind: typing.ClassVar[str] = 'autoencoder_kl'
    @staticmethod
    def from_dict(values: dict) -> AutoencoderKlOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> AutoencoderKlOptions:
        ...
    def __deepcopy__(self, memo: dict) -> AutoencoderKlOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, in_channels: int = 3, out_channels: int = 3, latent_channels: int = 4, inner_channels: int = 4, channels: int = 128, multipliers: collections.abc.Sequence[int] = [1, 2, 4, 4], blocks: int = 2, attention_resolutions: collections.abc.Sequence[int] = [], resolution: int = 256, norm_groups: int = 32, dropout: float = 0.0, scale_factor: float = 0.18215, latent_convolutions: bool = True) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> AutoencoderKlOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def attention_resolutions(self) -> list[int]:
        """
        nominal sides at which levels have attention
        """
    @property
    def blocks(self) -> int:
        """
        residual blocks a level (the decoder has one more)
        """
    @property
    def channels(self) -> int:
        """
        width of the first level
        """
    @property
    def dropout(self) -> float:
        """
        dropout in the residual blocks
        """
    @property
    def in_channels(self) -> int:
        """
        channels of a picture
        """
    @property
    def inner_channels(self) -> int:
        """
        channels between the trunks and the latent's 1x1 convolutions
        """
    @property
    def latent_channels(self) -> int:
        """
        channels of a latent
        """
    @property
    def latent_convolutions(self) -> bool:
        """
        1x1 convolutions around the latent
        """
    @property
    def multipliers(self) -> list[int]:
        """
        width of each level as a multiple of channels
        """
    @property
    def norm_groups(self) -> int:
        """
        groups of the group norms
        """
    @property
    def out_channels(self) -> int:
        """
        channels of a decoded picture
        """
    @property
    def resolution(self) -> int:
        """
        nominal side of the first level
        """
    @property
    def scale_factor(self) -> float:
        """
        factor of latents
        """
class AutoencoderKl(vgen._core.nn.Module):
    """
    AutoencoderKL: the convolutional autoencoder whose latents the video models work in (Rombach et al. 2022,
    "High-Resolution Image Synthesis with Latent Diffusion Models", section 3.1 and appendix G). Frames are independent
    of each other.

      AutoencoderKl vae({});                             // Stable Diffusion's: 248 tensors, 83,653,863 values
      Tensor latents = vae.encode_frames(video, noise);  // [B, 3, F, H, W] in [-1, 1] -> [B, 4, F, H/8, W/8], scaled
      Tensor frames = vae.decode_frames(latents, 4);     // the way back
    """
    def __init__(self, options: AutoencoderKlOptions | None = None, **kwargs) -> None:
        ...
    def decode(self, z: torch.Tensor) -> torch.Tensor:
        """
        Pictures [N, out, h * downscale, w * downscale] of unscaled latents [N, latent, h, w]; about [-1, 1], not clamped.
        """
    def decode_frames(self, latents: torch.Tensor, at_once: typing.SupportsInt = 4) -> torch.Tensor:
        """
        Frames [B, out, F, H, W] in about [-1, 1] of scaled latents [B, latent, F, h, w], in pieces of about `at_once` frames.
        """
    def encode(self, x: torch.Tensor) -> DiagonalGaussian:
        """
        Posterior of pictures [N, in, H, W] in [-1, 1]: [N, latent, H / downscale, W / downscale], sizes rounded down.
        ShapeError if a side is shorter than downscale.
        """
    def encode_frames(self, video: torch.Tensor, noise: torch.Generator | int | collections.abc.Callable[[torch.Tensor], torch.Tensor] | None, at_once: typing.SupportsInt = 4) -> torch.Tensor:
        """
        The same for video [B, in, F, H, W] -> [B, latent, F, h, w], and back from scaled latents; in pieces of about
        `at_once` frames.
        """
    def encode_scaled(self, x: torch.Tensor, noise: torch.Generator | int | collections.abc.Callable[[torch.Tensor], torch.Tensor] | None) -> torch.Tensor:
        """
        A sample of the posterior times scale_factor. Always through the 1x1 convolution, even where encode leaves it out.
        """
    @property
    def options(self) -> AutoencoderKlOptions:
        """
        The AutoencoderKlOptions it was built from.
        """
