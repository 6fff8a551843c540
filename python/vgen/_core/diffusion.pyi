"""
What a network predicts: conversions, guidance, the denoiser, losses
"""
from __future__ import annotations
import collections.abc
import torch
import typing
import vgen._core.schedulers
__all__: list[str] = ['Denoised', 'Denoiser', 'DenoiserOptions', 'GuidanceOptions', 'LimitOptions', 'LossOptions', 'Model', 'NoiseSource', 'add_noise', 'denoiser', 'draw_noise', 'guide', 'guided', 'guided_in_one_batch', 'rescale_guided', 'target', 'training_loss']
class LimitOptions:
    """
    Fields:
        clamp = None: keep x0 in [-clamp, clamp]
        percentile = None: dynamic thresholding at this quantile of |x0|, in (0, 1]; wins over clamp
    """
    kind: typing.ClassVar[str] = 'limit'
    @staticmethod
    def from_dict(values: dict) -> LimitOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> LimitOptions:
        ...
    def __deepcopy__(self, memo: dict) -> LimitOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, clamp: float | None = None, percentile: float | None = None) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> LimitOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def clamp(self) -> float | None:
        """
        keep x0 in [-clamp, clamp]
        """
    @property
    def percentile(self) -> float | None:
        """
        dynamic thresholding at this quantile of |x0|, in (0, 1]; wins over clamp
        """
class DenoiserOptions:
    """
    Denoiser: all that a sampler knows of a model. Given a noisy sample and its noise level, the clean sample and the
    noise in it.

    Fields:
        prediction = 'v': what the network predicts: epsilon, v, x0, previous
        variance = 'fixed_small': learned kinds: the network has 2 C channels, the second half is variance
        limit: keeps x0 in range; eps is then derived from the limited x0
    """
    kind: typing.ClassVar[str] = 'denoiser'
    @staticmethod
    def from_dict(values: dict) -> DenoiserOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> DenoiserOptions:
        ...
    def __deepcopy__(self, memo: dict) -> DenoiserOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, prediction: typing.Literal['epsilon', 'eps', 'v', 'v_prediction', 'x0', 'sample', 'previous', 'x_{t-1}'] = 'v', variance: typing.Literal['learned', 'learned_range', 'fixed_large', 'fixed_small'] = 'fixed_small', limit: LimitOptions | dict[str, typing.Any] = ...) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> DenoiserOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def limit(self) -> LimitOptions:
        """
        keeps x0 in range; eps is then derived from the limited x0
        """
    @property
    def prediction(self) -> typing.Literal['epsilon', 'v', 'x0', 'previous']:
        """
        what the network predicts: epsilon, v, x0, previous
        """
    @property
    def variance(self) -> typing.Literal['learned', 'learned_range', 'fixed_large', 'fixed_small']:
        """
        learned kinds: the network has 2 C channels, the second half is variance
        """
class GuidanceOptions:
    """
    Classifier-free guidance (Ho & Salimans 2022, eq. 6) on network outputs, with rescaling (Lin et al. 2023) and several
    conditions (Liu et al. 2022).

    Fields:
        scale = 9.0: 1 = the condition alone (half the cost), higher follows it more
        rescale = 0.0: in [0, 1]: share of the standard deviation of the conditional output that is restored
        variance = 'fixed_small': learned kinds: the second half of the channels is not guided but taken from the condition
    """
    kind: typing.ClassVar[str] = 'guidance'
    @staticmethod
    def from_dict(values: dict) -> GuidanceOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> GuidanceOptions:
        ...
    def __deepcopy__(self, memo: dict) -> GuidanceOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, scale: float = 9.0, rescale: float = 0.0, variance: typing.Literal['learned', 'learned_range', 'fixed_large', 'fixed_small'] = 'fixed_small') -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> GuidanceOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def rescale(self) -> float:
        """
        in [0, 1]: share of the standard deviation of the conditional output that is restored
        """
    @property
    def scale(self) -> float:
        """
        1 = the condition alone (half the cost), higher follows it more
        """
    @property
    def variance(self) -> typing.Literal['learned', 'learned_range', 'fixed_large', 'fixed_small']:
        """
        learned kinds: the second half of the channels is not guided but taken from the condition
        """
class LossOptions:
    """
    Training losses on one denoising step (Ho et al. 2020; hybrid and variational losses: Nichol & Dhariwal 2021). Each
    returns one value a sample, [B].

    Fields:
        loss = 'mse': mse, l1, charbonnier, kl; rescaled_mse, rescaled_l1, rescaled_kl
        prediction = 'v': what the network predicts: epsilon, v, x0, previous
        variance = 'fixed_small': learned kinds add the variational bound for the variance channels
        epsilon = 1e-12: inside the root of the charbonnier loss
        frame_diversity = False: epsilon models: adds 0.001 / (deviation of x0 over the frames)
    """
    kind: typing.ClassVar[str] = 'loss'
    @staticmethod
    def from_dict(values: dict) -> LossOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> LossOptions:
        ...
    def __deepcopy__(self, memo: dict) -> LossOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, loss: typing.Literal['mse', 'rescaled_mse', 'l1', 'rescaled_l1', 'charbonnier', 'kl', 'rescaled_kl'] = 'mse', prediction: typing.Literal['epsilon', 'eps', 'v', 'v_prediction', 'x0', 'sample', 'previous', 'x_{t-1}'] = 'v', variance: typing.Literal['learned', 'learned_range', 'fixed_large', 'fixed_small'] = 'fixed_small', epsilon: float = 1e-12, frame_diversity: bool = False) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> LossOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def epsilon(self) -> float:
        """
        inside the root of the charbonnier loss
        """
    @property
    def frame_diversity(self) -> bool:
        """
        epsilon models: adds 0.001 / (deviation of x0 over the frames)
        """
    @property
    def loss(self) -> typing.Literal['mse', 'rescaled_mse', 'l1', 'rescaled_l1', 'charbonnier', 'kl', 'rescaled_kl']:
        """
        mse, l1, charbonnier, kl; rescaled_mse, rescaled_l1, rescaled_kl
        """
    @property
    def prediction(self) -> typing.Literal['epsilon', 'v', 'x0', 'previous']:
        """
        what the network predicts: epsilon, v, x0, previous
        """
    @property
    def variance(self) -> typing.Literal['learned', 'learned_range', 'fixed_large', 'fixed_small']:
        """
        learned kinds add the variational bound for the variance channels
        """
class Denoised:
    """
    The clean sample and the noise that a sample is made of, as the network sees it.
    """
    def __init__(self, x0: torch.Tensor, eps: torch.Tensor) -> None:
        ...
    def __iter__(self) -> collections.abc.Iterator:
        ...
    def __repr__(self) -> str:
        ...
    @property
    def eps(self) -> torch.Tensor:
        """
        the noise in it
        """
    @property
    def x0(self) -> torch.Tensor:
        """
        the clean sample
        """
class Model:
    """
    A network with its conditions bound: (x [B, C, ...], t [B]) -> output of x's shape (2 C channels where the variance
    is learned). t is int64 where it is whole, float32 where it is fractional or the sampler says so.
    """
    def __call__(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        ...
class Denoiser:
    """
    Denoiser: all that a sampler knows of a model. Given a noisy sample and its noise level, the clean sample and the
    noise in it.
    """
    def __call__(self, x: torch.Tensor, at: vgen._core.schedulers.NoiseLevel) -> Denoised:
        ...
class NoiseSource:
    """
    Standard normal noise with the shape, dtype and device of `like`, drawn on the CPU so that devices agree.
    """
    def __call__(self, like: torch.Tensor) -> torch.Tensor:
        ...
@typing.overload
def add_noise(schedule: vgen._core.schedulers.NoiseSchedule, x0: torch.Tensor, eps: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
    """
    x_t = alpha_t x0 + sigma_t eps with a time for each sample: t int64 [B].

    The same at one level for the whole batch.
    """
@typing.overload
def add_noise(x0: torch.Tensor, eps: torch.Tensor, at: vgen._core.schedulers.NoiseLevel) -> torch.Tensor:
    ...
def denoiser(model: Model | collections.abc.Callable[[torch.Tensor, torch.Tensor], torch.Tensor], schedule: vgen._core.schedulers.NoiseSchedule, options: DenoiserOptions | None = None, **kwargs) -> typing.Any:
    """
    Denoiser: all that a sampler knows of a model. Given a noisy sample and its noise level, the clean sample and the
    noise in it.

    A model with a known schedule and prediction kind becomes a denoiser. The level that the sampler passes decides alpha
    and sigma, the schedule only those of `previous` models.
    """
def draw_noise(like: torch.Tensor, offset_strength: typing.SupportsFloat, source: torch.Generator | int | collections.abc.Callable[[torch.Tensor], torch.Tensor] | None) -> torch.Tensor:
    """
    White noise, then its offset: the order in which the reference draws.
    """
def guide(cond: torch.Tensor, uncond: torch.Tensor, options: GuidanceOptions = ...) -> torch.Tensor:
    """
    uncond + scale (cond - uncond), in the dtype of the outputs.
    """
def guided(cond: Model | collections.abc.Callable[[torch.Tensor, torch.Tensor], torch.Tensor], uncond: Model | collections.abc.Callable[[torch.Tensor, torch.Tensor], torch.Tensor], options: GuidanceOptions = ...) -> typing.Any:
    """
    Two calls, the condition first. scale 1 leaves the second out.

    uncond + sum of scale_i (cond_i - uncond): several conditions, each with its own scale. Rescaled towards the first.
    """
def guided_in_one_batch(both: Model | collections.abc.Callable[[torch.Tensor, torch.Tensor], torch.Tensor], options: GuidanceOptions = ...) -> typing.Any:
    """
    One call: `both` is given the batch twice, conditional half first, and holds the conditions stacked the same way.
    """
def rescale_guided(guided: torch.Tensor, cond: torch.Tensor, phi: typing.SupportsFloat) -> torch.Tensor:
    """
    Scales `guided` so that its deviation over each sample goes a share `phi` of the way back to that of `cond`.
    """
def target(prediction: str, schedule: vgen._core.schedulers.NoiseSchedule, x0: torch.Tensor, eps: torch.Tensor, t: torch.Tensor, x_t: torch.Tensor) -> torch.Tensor:
    """
    What a network of this kind should have said: training targets, with a time for each sample. x_t is read for
    `previous` only.
    """
def training_loss(schedule: vgen._core.schedulers.NoiseSchedule, out: torch.Tensor, x0: torch.Tensor, eps: torch.Tensor, x_t: torch.Tensor, t: torch.Tensor, options: LossOptions | None = None, *, weight: torch.Tensor | None = None, mask: torch.Tensor | None = None, **kwargs) -> torch.Tensor:
    """
    Loss of the network output `out` at (x_t, t), where x_t = add_noise(schedule, x0, eps, t). x0, eps, x_t [B, C, F, H,
    W]; t int64 [B]. -> [B]
    """
