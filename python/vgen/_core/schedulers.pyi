"""
Noise schedules, training times and grids of noise levels
"""
from __future__ import annotations
import collections.abc
import numpy
import numpy.typing
import typing
__all__: list[str] = ['GridOptions', 'NoiseLevel', 'NoiseSchedule', 'RangeOptions', 'SamplingGrid', 'ScheduleOptions', 'euler_grid', 'exponential_sigmas', 'karras_sigmas', 'make_schedule', 'multistep_grid', 'spaced_times']
class NoiseLevel:
    """
    A point between clean (alpha 1, sigma 0) and noise (alpha 0, sigma 1).
    """
    __hash__: typing.ClassVar[None] = None
    @staticmethod
    def from_ve(t: typing.SupportsFloat, ve_sigma: typing.SupportsFloat, real_time: bool = False) -> NoiseLevel:
        """
        The level whose sigma / alpha is ve_sigma.
        """
    def __eq__(self, other: NoiseLevel) -> bool:
        ...
    def __init__(self, t: typing.SupportsFloat, alpha: typing.SupportsFloat, sigma: typing.SupportsFloat, real_time: bool = False) -> None:
        ...
    def __repr__(self) -> str:
        ...
    @property
    def alpha(self) -> float:
        """
        share of the clean sample
        """
    @property
    def lambda_(self) -> float:
        """
        +inf when clean, -inf for pure noise
        """
    @property
    def real_time(self) -> bool:
        """
        t reaches the network as float32 even where it is whole (LCM, Euler); else int64 where whole
        """
    @property
    def sigma(self) -> float:
        """
        share of the noise
        """
    @property
    def t(self) -> float:
        """
        what the network is told; may be fractional
        """
    @property
    def ve_sigma(self) -> float:
        """
        sigma / alpha
        """
class NoiseSchedule:
    """
    NoiseSchedule: how much signal and noise a sample holds at each of T times. Everything that samplers and losses ask
    of a schedule is here, in float64: x_t = alpha_t x0 + sigma_t eps with alpha^2 + sigma^2 = 1 (variance preserving, Ho
    et al. 2020). Three views of one level: (alpha, sigma); sigma / alpha, the "sigma" of k-diffusion (Karras et al.
    2022); lambda = log(alpha / sigma), half the log-SNR, the time of DPM-Solver (Lu et al. 2022).

    A cheap value: copies share the immutable tables.
    """
    @staticmethod
    def from_alphas_cumprod(alphas_cumprod: collections.abc.Sequence[typing.SupportsFloat]) -> NoiseSchedule:
        """
        Decreasing values in [0, 1).
        """
    @staticmethod
    def from_betas(betas: collections.abc.Sequence[typing.SupportsFloat]) -> NoiseSchedule:
        """
        Betas in (0, 1], length >= 2; ConfigError otherwise.
        """
    def __len__(self) -> int:
        ...
    def __repr__(self) -> str:
        ...
    def level(self, t: typing.SupportsInt) -> NoiseLevel:
        """
        The level at a whole time; t = -1 is clean.
        """
    def rounded_to_float32(self) -> NoiseSchedule:
        """
        Tables as a float32 program holds them: sigma and alpha rounded once, log(sigma / alpha) from the rounded sigma,
        hence inf where sigma is 1 in float32. VGen's super-resolution model was sampled with such tables; near pure noise
        they differ from the float64 ones.
        """
    def time_of(self, ve_sigma: typing.SupportsFloat) -> float:
        """
        The time whose sigma / alpha is `ve_sigma`, log-linear, clamped to [0, T - 1].
        """
    def ve_sigma_linear(self, t: typing.SupportsFloat) -> float:
        """
        sigma / alpha at a fractional time t, linear between whole ones.
        """
    def ve_sigma_log_linear(self, t: typing.SupportsFloat) -> float:
        """
        Between whole times sigma / alpha is interpolated: in its logarithm (k-diffusion, VGen) or directly (diffusers).
        """
    @property
    def alphas(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        float64 [T]. sqrt(alphas_cumprod), sqrt(1 - alphas_cumprod)
        """
    @property
    def alphas_cumprod(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        float64 [T].
        """
    @property
    def betas(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        float64 [T].
        """
    @property
    def log_ve_sigmas(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        float64 [T]. log(sigma / alpha), increasing
        """
    @property
    def posterior_log_variance(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        float64 [T]. log: clipped at 1e-20
        """
    @property
    def posterior_mean_x0(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        float64 [T]. log: clipped at 1e-20
        """
    @property
    def posterior_mean_xt(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        float64 [T]. log: clipped at 1e-20
        """
    @property
    def posterior_variance(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        float64 [T]. log: clipped at 1e-20
        """
    @property
    def sigmas(self) -> numpy.typing.NDArray[numpy.float64]:
        """
        float64 [T]. sqrt(alphas_cumprod), sqrt(1 - alphas_cumprod)
        """
    @property
    def steps(self) -> int:
        """
        training steps T
        """
class ScheduleOptions:
    """
    The noise schedule as an option: what a configuration says, and the NoiseSchedule made from it.

    Fields:
        schedule = 'scaled_linear': linear, scaled_linear (= linear_sd), quadratic, cosine (= squaredcos_cap_v2), logsnr_cosine_interp
        steps = 1000: training steps T
        beta_start = None: first beta; default linear 0.1 / T, scaled_linear 0.00085, quadratic 0.0015
        beta_end = None: last beta; default linear 20 / T, scaled_linear 0.012, quadratic 0.0195
        cosine_s = 0.008: offset of the cosine schedule
        zero_terminal_snr = False: rescale so that the last step is pure noise
        alpha_floor = 0.0: last alphas_cumprod of a zero-SNR schedule, e.g. 2^-24 for samplers that need a finite sigma; 0 = pure noise
        precision = 'float64': float64, or float32: tables rounded as diffusers' are; logsnr_cosine_interp is always float32
        log_snr_min = -15.0: logsnr_cosine_interp: log SNR of the noisy end before the shift
        log_snr_max = 15.0: logsnr_cosine_interp: log SNR of the clean end before the shift
        scale_min = 2.0: logsnr_cosine_interp: resolution factor at the clean end
        scale_max = 4.0: logsnr_cosine_interp: resolution factor at the noisy end
    """
    kind: typing.ClassVar[str] = 'schedule'
    @staticmethod
    def from_dict(values: dict) -> ScheduleOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> ScheduleOptions:
        ...
    def __deepcopy__(self, memo: dict) -> ScheduleOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, schedule: typing.Literal['linear', 'scaled_linear', 'linear_sd', 'quadratic', 'cosine', 'squaredcos_cap_v2', 'logsnr_cosine_interp'] = 'scaled_linear', steps: int = 1000, beta_start: float | None = None, beta_end: float | None = None, cosine_s: float = 0.008, zero_terminal_snr: bool = False, alpha_floor: float = 0.0, precision: typing.Literal['float64', 'float32'] = 'float64', log_snr_min: float = -15.0, log_snr_max: float = 15.0, scale_min: float = 2.0, scale_max: float = 4.0) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> ScheduleOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def alpha_floor(self) -> float:
        """
        last alphas_cumprod of a zero-SNR schedule, e.g. 2^-24 for samplers that need a finite sigma; 0 = pure noise
        """
    @property
    def beta_end(self) -> float | None:
        """
        last beta; default linear 20 / T, scaled_linear 0.012, quadratic 0.0195
        """
    @property
    def beta_start(self) -> float | None:
        """
        first beta; default linear 0.1 / T, scaled_linear 0.00085, quadratic 0.0015
        """
    @property
    def cosine_s(self) -> float:
        """
        offset of the cosine schedule
        """
    @property
    def log_snr_max(self) -> float:
        """
        logsnr_cosine_interp: log SNR of the clean end before the shift
        """
    @property
    def log_snr_min(self) -> float:
        """
        logsnr_cosine_interp: log SNR of the noisy end before the shift
        """
    @property
    def precision(self) -> typing.Literal['float64', 'float32']:
        """
        float64, or float32: tables rounded as diffusers' are; logsnr_cosine_interp is always float32
        """
    @property
    def scale_max(self) -> float:
        """
        logsnr_cosine_interp: resolution factor at the noisy end
        """
    @property
    def scale_min(self) -> float:
        """
        logsnr_cosine_interp: resolution factor at the clean end
        """
    @property
    def schedule(self) -> typing.Literal['linear', 'scaled_linear', 'quadratic', 'cosine', 'logsnr_cosine_interp']:
        """
        linear, scaled_linear (= linear_sd), quadratic, cosine (= squaredcos_cap_v2), logsnr_cosine_interp
        """
    @property
    def steps(self) -> int:
        """
        training steps T
        """
    @property
    def zero_terminal_snr(self) -> bool:
        """
        rescale so that the last step is pure noise
        """
class GridOptions:
    """
    SamplingGrid: the noise levels a sampler steps through, and what the network is told at each. Samplers in sigma take
    a grid and do not know how it was made; the differences between libraries (spacing, Karras sigmas, rounding, what the
    last sigma is) all live here.

    Fields:
        spacing = 'linspace': leading, trailing, linspace or vgen: which training times are visited
        offset = 0: added to leading times (diffusers: steps_offset)
        sigmas = 'schedule': schedule: sigmas of the visited times; karras, exponential: spread between largest and smallest
        final_sigma = 'zero': zero, or the smallest sigma of the schedule
        times = []: visited times given one by one, falling; replaces steps and spacing
    """
    kind: typing.ClassVar[str] = 'grid'
    @staticmethod
    def from_dict(values: dict) -> GridOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> GridOptions:
        ...
    def __deepcopy__(self, memo: dict) -> GridOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, spacing: typing.Literal['vgen', 'leading', 'trailing', 'linspace'] = 'linspace', offset: int = 0, sigmas: typing.Literal['schedule', 'karras', 'exponential'] = 'schedule', final_sigma: typing.Literal['zero', 'smallest'] = 'zero', times: collections.abc.Sequence[float] = []) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> GridOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def final_sigma(self) -> typing.Literal['zero', 'smallest']:
        """
        zero, or the smallest sigma of the schedule
        """
    @property
    def offset(self) -> int:
        """
        added to leading times (diffusers: steps_offset)
        """
    @property
    def sigmas(self) -> typing.Literal['schedule', 'karras', 'exponential']:
        """
        schedule: sigmas of the visited times; karras, exponential: spread between largest and smallest
        """
    @property
    def spacing(self) -> typing.Literal['vgen', 'leading', 'trailing', 'linspace']:
        """
        leading, trailing, linspace or vgen: which training times are visited
        """
    @property
    def times(self) -> list[float]:
        """
        visited times given one by one, falling; replaces steps and spacing
        """
class RangeOptions:
    """
    Part of a schedule, as VGen's super-resolution sampler walks it: fractional times in [t_min, t_max], the state at the
    exact sigma, the network at the nearest whole time with that time's tables.

    Fields:
        t_max = 999: first time
        t_min = 0: last time
        spacing = 'linspace': leading, trailing or linspace
        drop_penultimate = True: plan one step more and leave out the one before the end
        times = []: visited times given one by one, falling; replaces steps and spacing
    """
    kind: typing.ClassVar[str] = 'range'
    @staticmethod
    def from_dict(values: dict) -> RangeOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> RangeOptions:
        ...
    def __deepcopy__(self, memo: dict) -> RangeOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, t_max: int = 999, t_min: int = 0, spacing: typing.Literal['vgen', 'leading', 'trailing', 'linspace'] = 'linspace', drop_penultimate: bool = True, times: collections.abc.Sequence[float] = []) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> RangeOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def drop_penultimate(self) -> bool:
        """
        plan one step more and leave out the one before the end
        """
    @property
    def spacing(self) -> typing.Literal['vgen', 'leading', 'trailing', 'linspace']:
        """
        leading, trailing or linspace
        """
    @property
    def t_max(self) -> int:
        """
        first time
        """
    @property
    def t_min(self) -> int:
        """
        last time
        """
    @property
    def times(self) -> list[float]:
        """
        visited times given one by one, falling; replaces steps and spacing
        """
class SamplingGrid:
    """
    The noise levels a sampler steps through, and what the network is told at each.
    """
    def __repr__(self) -> str:
        ...
    @property
    def network(self) -> list[NoiseLevel]:
        """
        n levels at which the network is asked and its output read
        """
    @property
    def state(self) -> list[NoiseLevel]:
        """
        n + 1 levels of the sample; the last is where it ends (clean, or the smallest sigma)
        """
    @property
    def steps(self) -> int:
        """
        Number of steps: one less than state has levels.
        """
def euler_grid(schedule: NoiseSchedule, steps: typing.SupportsInt, options: GridOptions = ...) -> SamplingGrid:
    """
    For Euler and Heun (k-diffusion, diffusers): n points, fractional times, Karras sigmas between the grid's own ends.
    """
def exponential_sigmas(n: typing.SupportsInt, smallest: typing.SupportsFloat, largest: typing.SupportsFloat) -> list[float]:
    """
    Evenly spaced in the logarithm.
    """
def karras_sigmas(n: typing.SupportsInt, smallest: typing.SupportsFloat, largest: typing.SupportsFloat, rho: typing.SupportsFloat = 7) -> list[float]:
    """
    n values of sigma / alpha from largest to smallest, evenly spaced in their rho-th root.
    """
def make_schedule(options: ScheduleOptions | None = None, **kwargs) -> NoiseSchedule:
    """
    ConfigError for values that make no schedule. logsnr_cosine_interp ends in pure noise already: zero_terminal_snr
    changes nothing there.
    """
def multistep_grid(schedule: NoiseSchedule, steps: typing.SupportsInt, options: GridOptions = ...) -> SamplingGrid:
    """
    For multistep solvers (DPM-Solver++, UniPC): n points of n + 1, whole times, Karras sigmas between the schedule's
    ends.
    """
def spaced_times(spacing: str, total: typing.SupportsInt, n: typing.SupportsInt, offset: typing.SupportsInt = 0, drop_end: bool = False) -> list[float]:
    """
    Visited times. linspace times are fractional; the others are whole. With `drop_end` the grid has one point more and
    its last is left out: multistep solvers (DPM-Solver++, UniPC) step to sigma = 0 from t > 0, and count that end as a
    point of the grid.
    """
