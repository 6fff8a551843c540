"""
From noise to a sample: DDIM, DPM-Solver++, Euler, UniPC, LCM and others
"""
from __future__ import annotations
import collections.abc
import torch
import typing
import vgen._core.diffusion
import vgen._core.schedulers
__all__: list[str] = ['DdimInversionOptions', 'DdimOptions', 'DdpmOptions', 'Dpmpp2mOptions', 'Dpmpp2mSdeOptions', 'Dpmpp3mOptions', 'DpmppSdeOptions', 'EulerAncestralOptions', 'EulerOptions', 'HeunOptions', 'LcmOptions', 'OnStep', 'PartialChainOptions', 'PlmsOptions', 'SamplerFunction', 'Step', 'TcdOptions', 'UniPcOptions', 'ddim', 'ddim_inversion', 'ddpm', 'dpmpp_2m', 'dpmpp_2m_sde', 'dpmpp_3m', 'dpmpp_sde', 'euler', 'euler_ancestral', 'heun', 'is_stochastic', 'lcm', 'partial_chain', 'plms', 'sample', 'sampler_function', 'sampler_named', 'sampler_names', 'steps_of', 'tcd', 'unipc', 'validate', 'with_steps']
class Step:
    """
    What a callback is told after each step.
    """
    def __repr__(self) -> str:
        ...
    @property
    def index(self) -> int:
        """
        0-based; total steps of this run
        """
    @property
    def latent(self) -> torch.Tensor:
        """
        the sample after the step; the callback may put another of the same shape in its place
        """
    @latent.setter
    def latent(self, arg0: torch.Tensor) -> None:
        ...
    @property
    def level_after(self) -> vgen._core.schedulers.NoiseLevel:
        """
        NoiseLevel of the latent after the step.
        """
    @property
    def level_before(self) -> vgen._core.schedulers.NoiseLevel:
        """
        NoiseLevel of the latent before the step.
        """
    @property
    def t(self) -> float:
        """
        the time that the network was asked at
        """
    @property
    def total(self) -> int:
        """
        steps of this run
        """
    @property
    def x0(self) -> torch.Tensor:
        """
        the clean sample that the model saw in it
        """
class OnStep:
    """
    Called after each step. false stops: the sampler returns the latent it has. Exceptions pass through.
    """
    def __call__(self, index: typing.SupportsInt, total: typing.SupportsInt, level_before: vgen._core.schedulers.NoiseLevel, level_after: vgen._core.schedulers.NoiseLevel, latent: torch.Tensor, x0: torch.Tensor) -> tuple[bool, torch.Tensor]:
        """
        Reports a step of a sampler of your own; returns (go_on, latent): stop if go_on is false, continue from latent.
        """
class SamplerFunction:
    """
    Anything with this signature is a sampler to a pipeline: one of the above bound to its options, or a function of the
    user's own.
    """
    def __call__(self, denoiser: vgen._core.diffusion.Denoiser | collections.abc.Callable[[torch.Tensor, vgen._core.schedulers.NoiseLevel], typing.Any], schedule: vgen._core.schedulers.NoiseSchedule, noise: torch.Tensor, source: torch.Generator | int | collections.abc.Callable[[torch.Tensor], torch.Tensor] | None = None, on_step: OnStep | collections.abc.Callable[[Step], bool | None] | None = None) -> torch.Tensor:
        ...
class DdimOptions:
    """
    DDIM (Song et al. 2021, eq. 12 and 16): eta = 0 follows the probability-flow ODE, eta = 1 is as random as DDPM.
    VGen's main sampler.

    The default grid and end are VGen's: t = 1 + k stride, and the last step ends at alphas_cumprod[0], not at 1.

    Fields:
        steps = 50: denoising steps; the vgen grid takes a few more where steps does not divide T
        eta = 0.0: 0 = deterministic, 1 = as much fresh noise as DDPM
        spacing = 'vgen': vgen, leading, trailing or linspace
        offset = 1: added to leading times (diffusers: steps_offset)
        end_clean = False: end at alpha 1 instead of alphas_cumprod[0] (diffusers: set_alpha_to_one)
    """
    kind: typing.ClassVar[str] = 'ddim'
    @staticmethod
    def from_dict(values: dict) -> DdimOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> DdimOptions:
        ...
    def __deepcopy__(self, memo: dict) -> DdimOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, steps: int = 50, eta: float = 0.0, spacing: typing.Literal['vgen', 'leading', 'trailing', 'linspace'] = 'vgen', offset: int = 1, end_clean: bool = False) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> DdimOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def end_clean(self) -> bool:
        """
        end at alpha 1 instead of alphas_cumprod[0] (diffusers: set_alpha_to_one)
        """
    @property
    def eta(self) -> float:
        """
        0 = deterministic, 1 = as much fresh noise as DDPM
        """
    @property
    def offset(self) -> int:
        """
        added to leading times (diffusers: steps_offset)
        """
    @property
    def spacing(self) -> typing.Literal['vgen', 'leading', 'trailing', 'linspace']:
        """
        vgen, leading, trailing or linspace
        """
    @property
    def steps(self) -> int:
        """
        denoising steps; the vgen grid takes a few more where steps does not divide T
        """
class DdpmOptions:
    """
    DDPM ancestral sampling (Ho et al. 2020, algorithm 2), on all T steps or on fewer (posterior of the strided chain).

    Fields:
        steps = None: denoising steps; default: every training step
        variance = 'fixed_small': fixed_small: posterior; fixed_large: beta; learned, learned_range: the network says
        spacing = 'leading': vgen, leading, trailing or linspace
        offset = 0: added to leading times
    """
    kind: typing.ClassVar[str] = 'ddpm'
    @staticmethod
    def from_dict(values: dict) -> DdpmOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> DdpmOptions:
        ...
    def __deepcopy__(self, memo: dict) -> DdpmOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, steps: int | None = None, variance: typing.Literal['learned', 'learned_range', 'fixed_large', 'fixed_small'] = 'fixed_small', spacing: typing.Literal['vgen', 'leading', 'trailing', 'linspace'] = 'leading', offset: int = 0) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> DdpmOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def offset(self) -> int:
        """
        added to leading times
        """
    @property
    def spacing(self) -> typing.Literal['vgen', 'leading', 'trailing', 'linspace']:
        """
        vgen, leading, trailing or linspace
        """
    @property
    def steps(self) -> int | None:
        """
        denoising steps; default: every training step
        """
    @property
    def variance(self) -> typing.Literal['learned', 'learned_range', 'fixed_large', 'fixed_small']:
        """
        fixed_small: posterior; fixed_large: beta; learned, learned_range: the network says
        """
class Dpmpp2mOptions:
    """
    Fields:
        steps = 25: denoising steps = network evaluations
        solver = 'midpoint': midpoint or heun
        grid: spacing, Karras sigmas, last sigma
        lower_order_final = True: below 15 steps the last is first order (it always is when it ends clean)
    """
    kind: typing.ClassVar[str] = 'dpmpp_2m'
    @staticmethod
    def from_dict(values: dict) -> Dpmpp2mOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> Dpmpp2mOptions:
        ...
    def __deepcopy__(self, memo: dict) -> Dpmpp2mOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, steps: int = 25, solver: typing.Literal['midpoint', 'heun'] = 'midpoint', grid: vgen._core.schedulers.GridOptions | dict[str, typing.Any] = ..., lower_order_final: bool = True) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> Dpmpp2mOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def grid(self) -> vgen._core.schedulers.GridOptions:
        """
        spacing, Karras sigmas, last sigma
        """
    @property
    def lower_order_final(self) -> bool:
        """
        below 15 steps the last is first order (it always is when it ends clean)
        """
    @property
    def solver(self) -> typing.Literal['midpoint', 'heun']:
        """
        midpoint or heun
        """
    @property
    def steps(self) -> int:
        """
        denoising steps = network evaluations
        """
class Dpmpp2mSdeOptions:
    """
    Fields:
        steps = 25: denoising steps = network evaluations
        eta = 1.0: 0 = dpmpp_2m, 1 = the reverse SDE
        s_noise = 1.0: factor on the added noise
        solver = 'midpoint': midpoint or heun
        grid: spacing, Karras sigmas, last sigma
        range = None: walk a part of the schedule as VGen's super-resolution does; replaces grid
        start = 'unit': unit: the start as it is; sigma: times the first sigma
        lower_order_final = True: below 15 steps the last is first order
        brownian_seed = None: noise from the Brownian tree that torchsde makes after torch.manual_seed(seed)
    """
    kind: typing.ClassVar[str] = 'dpmpp_2m_sde'
    @staticmethod
    def from_dict(values: dict) -> Dpmpp2mSdeOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> Dpmpp2mSdeOptions:
        ...
    def __deepcopy__(self, memo: dict) -> Dpmpp2mSdeOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, steps: int = 25, eta: float = 1.0, s_noise: float = 1.0, solver: typing.Literal['midpoint', 'heun'] = 'midpoint', grid: vgen._core.schedulers.GridOptions | dict[str, typing.Any] = ..., range: vgen._core.schedulers.RangeOptions | dict[str, typing.Any] | None = None, start: typing.Literal['automatic', 'unit', 'sigma'] = 'unit', lower_order_final: bool = True, brownian_seed: int | None = None) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> Dpmpp2mSdeOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def brownian_seed(self) -> int | None:
        """
        noise from the Brownian tree that torchsde makes after torch.manual_seed(seed)
        """
    @property
    def eta(self) -> float:
        """
        0 = dpmpp_2m, 1 = the reverse SDE
        """
    @property
    def grid(self) -> vgen._core.schedulers.GridOptions:
        """
        spacing, Karras sigmas, last sigma
        """
    @property
    def lower_order_final(self) -> bool:
        """
        below 15 steps the last is first order
        """
    @property
    def range(self) -> vgen._core.schedulers.RangeOptions | None:
        """
        walk a part of the schedule as VGen's super-resolution does; replaces grid
        """
    @property
    def s_noise(self) -> float:
        """
        factor on the added noise
        """
    @property
    def solver(self) -> typing.Literal['midpoint', 'heun']:
        """
        midpoint or heun
        """
    @property
    def start(self) -> typing.Literal['automatic', 'unit', 'sigma']:
        """
        unit: the start as it is; sigma: times the first sigma
        """
    @property
    def steps(self) -> int:
        """
        denoising steps = network evaluations
        """
class Dpmpp3mOptions:
    """
    Fields:
        steps = 25: denoising steps = network evaluations
        solver = 'midpoint': of the second-order steps: midpoint or heun
        grid: spacing, Karras sigmas, last sigma
        lower_order_final = True: below 15 steps the last two are of order 2 and 1
    """
    kind: typing.ClassVar[str] = 'dpmpp_3m'
    @staticmethod
    def from_dict(values: dict) -> Dpmpp3mOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> Dpmpp3mOptions:
        ...
    def __deepcopy__(self, memo: dict) -> Dpmpp3mOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, steps: int = 25, solver: typing.Literal['midpoint', 'heun'] = 'midpoint', grid: vgen._core.schedulers.GridOptions | dict[str, typing.Any] = ..., lower_order_final: bool = True) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> Dpmpp3mOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def grid(self) -> vgen._core.schedulers.GridOptions:
        """
        spacing, Karras sigmas, last sigma
        """
    @property
    def lower_order_final(self) -> bool:
        """
        below 15 steps the last two are of order 2 and 1
        """
    @property
    def solver(self) -> typing.Literal['midpoint', 'heun']:
        """
        of the second-order steps: midpoint or heun
        """
    @property
    def steps(self) -> int:
        """
        denoising steps = network evaluations
        """
class DpmppSdeOptions:
    """
    DPM-Solver++ SDE, single step (Lu et al. 2022b; k-diffusion's "DPM++ SDE"): two evaluations a step, the second
    halfway in lambda.

    Fields:
        steps = 15: steps; the network is evaluated 2 steps - 1 times
        eta = 1.0: 0 = the ODE, 1 = the reverse SDE
        s_noise = 1.0: factor on the added noise
        grid: spacing, Karras sigmas, last sigma
        start = 'automatic': unit: the start as it is; sigma: times the first sigma; automatic: by spacing
        brownian_seed = None: noise from the Brownian tree of torch.manual_seed(seed)
    """
    kind: typing.ClassVar[str] = 'dpmpp_sde'
    @staticmethod
    def from_dict(values: dict) -> DpmppSdeOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> DpmppSdeOptions:
        ...
    def __deepcopy__(self, memo: dict) -> DpmppSdeOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, steps: int = 15, eta: float = 1.0, s_noise: float = 1.0, grid: vgen._core.schedulers.GridOptions | dict[str, typing.Any] = ..., start: typing.Literal['automatic', 'unit', 'sigma'] = 'automatic', brownian_seed: int | None = None) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> DpmppSdeOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def brownian_seed(self) -> int | None:
        """
        noise from the Brownian tree of torch.manual_seed(seed)
        """
    @property
    def eta(self) -> float:
        """
        0 = the ODE, 1 = the reverse SDE
        """
    @property
    def grid(self) -> vgen._core.schedulers.GridOptions:
        """
        spacing, Karras sigmas, last sigma
        """
    @property
    def s_noise(self) -> float:
        """
        factor on the added noise
        """
    @property
    def start(self) -> typing.Literal['automatic', 'unit', 'sigma']:
        """
        unit: the start as it is; sigma: times the first sigma; automatic: by spacing
        """
    @property
    def steps(self) -> int:
        """
        steps; the network is evaluated 2 steps - 1 times
        """
class EulerOptions:
    """
    Euler's method on the probability-flow ODE in sigma (Karras et al. 2022, without churn). The same step as DDIM's; the
    grid differs.

    Fields:
        steps = 30: denoising steps = network evaluations
        grid: spacing, Karras sigmas, last sigma
        start = 'automatic': unit: the start as it is; sigma: times the first sigma; automatic: by spacing, as diffusers
    """
    kind: typing.ClassVar[str] = 'euler'
    @staticmethod
    def from_dict(values: dict) -> EulerOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> EulerOptions:
        ...
    def __deepcopy__(self, memo: dict) -> EulerOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, steps: int = 30, grid: vgen._core.schedulers.GridOptions | dict[str, typing.Any] = ..., start: typing.Literal['automatic', 'unit', 'sigma'] = 'automatic') -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> EulerOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def grid(self) -> vgen._core.schedulers.GridOptions:
        """
        spacing, Karras sigmas, last sigma
        """
    @property
    def start(self) -> typing.Literal['automatic', 'unit', 'sigma']:
        """
        unit: the start as it is; sigma: times the first sigma; automatic: by spacing, as diffusers
        """
    @property
    def steps(self) -> int:
        """
        denoising steps = network evaluations
        """
class EulerAncestralOptions:
    """
    Euler with ancestral noise ("Euler a"; k-diffusion): each step goes below its sigma and fresh noise brings it back
    up.

    Fields:
        steps = 30: denoising steps = network evaluations
        eta = 1.0: 0 = euler, 1 = as much fresh noise as the process itself
        grid: spacing, Karras sigmas, last sigma
        start = 'automatic': unit: the start as it is; sigma: times the first sigma; automatic: by spacing, as diffusers
    """
    kind: typing.ClassVar[str] = 'euler_ancestral'
    @staticmethod
    def from_dict(values: dict) -> EulerAncestralOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> EulerAncestralOptions:
        ...
    def __deepcopy__(self, memo: dict) -> EulerAncestralOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, steps: int = 30, eta: float = 1.0, grid: vgen._core.schedulers.GridOptions | dict[str, typing.Any] = ..., start: typing.Literal['automatic', 'unit', 'sigma'] = 'automatic') -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> EulerAncestralOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def eta(self) -> float:
        """
        0 = euler, 1 = as much fresh noise as the process itself
        """
    @property
    def grid(self) -> vgen._core.schedulers.GridOptions:
        """
        spacing, Karras sigmas, last sigma
        """
    @property
    def start(self) -> typing.Literal['automatic', 'unit', 'sigma']:
        """
        unit: the start as it is; sigma: times the first sigma; automatic: by spacing, as diffusers
        """
    @property
    def steps(self) -> int:
        """
        denoising steps = network evaluations
        """
class HeunOptions:
    """
    Heun's method on the probability-flow ODE in sigma (Karras et al. 2022, algorithm 1 without churn): second order, two
    evaluations a step.

    Fields:
        steps = 20: steps; the network is evaluated 2 steps - 1 times
        grid: spacing, Karras sigmas, last sigma
        start = 'automatic': unit: the start as it is; sigma: times the first sigma; automatic: by spacing, as diffusers
    """
    kind: typing.ClassVar[str] = 'heun'
    @staticmethod
    def from_dict(values: dict) -> HeunOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> HeunOptions:
        ...
    def __deepcopy__(self, memo: dict) -> HeunOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, steps: int = 20, grid: vgen._core.schedulers.GridOptions | dict[str, typing.Any] = ..., start: typing.Literal['automatic', 'unit', 'sigma'] = 'automatic') -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> HeunOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def grid(self) -> vgen._core.schedulers.GridOptions:
        """
        spacing, Karras sigmas, last sigma
        """
    @property
    def start(self) -> typing.Literal['automatic', 'unit', 'sigma']:
        """
        unit: the start as it is; sigma: times the first sigma; automatic: by spacing, as diffusers
        """
    @property
    def steps(self) -> int:
        """
        steps; the network is evaluated 2 steps - 1 times
        """
class UniPcOptions:
    """
    Fields:
        steps = 20: denoising steps = network evaluations
        order = 2: of the predictor, 1 to 4; the corrector adds one. 2 with guidance, 3 without
        solver = 'bh2': bh1 or bh2
        grid: spacing, Karras sigmas, last sigma
        lower_order_final = True: the order falls to 1 at the end
    """
    kind: typing.ClassVar[str] = 'unipc'
    @staticmethod
    def from_dict(values: dict) -> UniPcOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> UniPcOptions:
        ...
    def __deepcopy__(self, memo: dict) -> UniPcOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, steps: int = 20, order: int = 2, solver: typing.Literal['bh1', 'bh2'] = 'bh2', grid: vgen._core.schedulers.GridOptions | dict[str, typing.Any] = ..., lower_order_final: bool = True) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> UniPcOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def grid(self) -> vgen._core.schedulers.GridOptions:
        """
        spacing, Karras sigmas, last sigma
        """
    @property
    def lower_order_final(self) -> bool:
        """
        the order falls to 1 at the end
        """
    @property
    def order(self) -> int:
        """
        of the predictor, 1 to 4; the corrector adds one. 2 with guidance, 3 without
        """
    @property
    def solver(self) -> typing.Literal['bh1', 'bh2']:
        """
        bh1 or bh2
        """
    @property
    def steps(self) -> int:
        """
        denoising steps = network evaluations
        """
class LcmOptions:
    """
    Latent consistency sampling (Luo et al. 2023): each step jumps to the clean sample and adds noise of the next level.
    1 to 8 steps, no guidance.

    Fields:
        steps = 4: denoising steps = network evaluations
        original_steps = 50: length of the grid the model was distilled on; steps are taken from it
        timestep_scaling = 10.0: of t in the boundary condition
    """
    kind: typing.ClassVar[str] = 'lcm'
    @staticmethod
    def from_dict(values: dict) -> LcmOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> LcmOptions:
        ...
    def __deepcopy__(self, memo: dict) -> LcmOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, steps: int = 4, original_steps: int = 50, timestep_scaling: float = 10.0) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> LcmOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def original_steps(self) -> int:
        """
        length of the grid the model was distilled on; steps are taken from it
        """
    @property
    def steps(self) -> int:
        """
        denoising steps = network evaluations
        """
    @property
    def timestep_scaling(self) -> float:
        """
        of t in the boundary condition
        """
class TcdOptions:
    """
    Trajectory consistency distillation (Zheng et al. 2024): jumps past the next time to s = (1 - eta) t_next and adds
    noise up to it.

    Fields:
        steps = 4: denoising steps = network evaluations
        original_steps = 50: length of the grid the model was distilled on; steps are taken from it
        eta = 0.3: the paper's gamma: 0 = deterministic, 1 = fully stochastic
    """
    kind: typing.ClassVar[str] = 'tcd'
    @staticmethod
    def from_dict(values: dict) -> TcdOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> TcdOptions:
        ...
    def __deepcopy__(self, memo: dict) -> TcdOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, steps: int = 4, original_steps: int = 50, eta: float = 0.3) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> TcdOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def eta(self) -> float:
        """
        the paper's gamma: 0 = deterministic, 1 = fully stochastic
        """
    @property
    def original_steps(self) -> int:
        """
        length of the grid the model was distilled on; steps are taken from it
        """
    @property
    def steps(self) -> int:
        """
        denoising steps = network evaluations
        """
class PlmsOptions:
    """
    PLMS (Liu et al. 2022, "Pseudo Numerical Methods for Diffusion Models on Manifolds"): DDIM steps along an
    Adams-Bashforth mean of the last four noises. steps + 1 evaluations. The reference has it too, but broken; this is
    what it meant.

    Fields:
        steps = 50: denoising steps
        spacing = 'vgen': vgen, leading, trailing or linspace
        offset = 1: added to leading times
    """
    kind: typing.ClassVar[str] = 'plms'
    @staticmethod
    def from_dict(values: dict) -> PlmsOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> PlmsOptions:
        ...
    def __deepcopy__(self, memo: dict) -> PlmsOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, steps: int = 50, spacing: typing.Literal['vgen', 'leading', 'trailing', 'linspace'] = 'vgen', offset: int = 1) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> PlmsOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def offset(self) -> int:
        """
        added to leading times
        """
    @property
    def spacing(self) -> typing.Literal['vgen', 'leading', 'trailing', 'linspace']:
        """
        vgen, leading, trailing or linspace
        """
    @property
    def steps(self) -> int:
        """
        denoising steps
        """
class DdimInversionOptions:
    """
    DDIM run backwards: from a clean sample to the noise that DDIM would turn into it (Song et al. 2021). Approximate:
    the network is asked at the level that is left, not at the one that is reached.

    Fields:
        steps = 50: steps; a few more are taken where steps does not divide the range
        until = None: stop at this time - 1 (VGen's super-resolution: 700); default: all the way to pure noise
    """
    kind: typing.ClassVar[str] = 'ddim_inversion'
    @staticmethod
    def from_dict(values: dict) -> DdimInversionOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> DdimInversionOptions:
        ...
    def __deepcopy__(self, memo: dict) -> DdimInversionOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, steps: int = 50, until: int | None = None) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> DdimInversionOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def steps(self) -> int:
        """
        steps; a few more are taken where steps does not divide the range
        """
    @property
    def until(self) -> int | None:
        """
        stop at this time - 1 (VGen's super-resolution: 700); default: all the way to pure noise
        """
class PartialChainOptions:
    """
    The last part of a DDIM chain with gradient through its last steps only: how InstructVideo tunes a model on a reward
    (Yuan et al. 2023; truncated as in DRaFT, Clark et al. 2023). The one place in samplers/ that switches gradients off,
    because that is its purpose.

    Fields:
        steps = 20: steps of the whole DDIM chain
        start = 0.6: share of the chain that is run, counted from its end, in (0, 1]
        gradient_steps = 1: last steps that keep gradient; 0 = none
        eta = 0.0: as in ddim
    """
    kind: typing.ClassVar[str] = 'partial_chain'
    @staticmethod
    def from_dict(values: dict) -> PartialChainOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> PartialChainOptions:
        ...
    def __deepcopy__(self, memo: dict) -> PartialChainOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, steps: int = 20, start: float = 0.6, gradient_steps: int = 1, eta: float = 0.0) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> PartialChainOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def eta(self) -> float:
        """
        as in ddim
        """
    @property
    def gradient_steps(self) -> int:
        """
        last steps that keep gradient; 0 = none
        """
    @property
    def start(self) -> float:
        """
        share of the chain that is run, counted from its end, in (0, 1]
        """
    @property
    def steps(self) -> int:
        """
        steps of the whole DDIM chain
        """
def ddim(denoiser: vgen._core.diffusion.Denoiser | collections.abc.Callable[[torch.Tensor, vgen._core.schedulers.NoiseLevel], typing.Any], schedule: vgen._core.schedulers.NoiseSchedule, noise: torch.Tensor, options: DdimOptions = ..., *, source: torch.Generator | int | collections.abc.Callable[[torch.Tensor], torch.Tensor] | None = None, on_step: OnStep | collections.abc.Callable[[Step], bool | None] | None = None) -> torch.Tensor:
    """
    DDIM (Song et al. 2021, eq. 12 and 16): eta = 0 follows the probability-flow ODE, eta = 1 is as random as DDPM.
    VGen's main sampler.

    The default grid and end are VGen's: t = 1 + k stride, and the last step ends at alphas_cumprod[0], not at 1.

    noise: the start, unit normal, any shape [B, ...]. -> the sample. eta > 0 needs the overload with a noise source.
    """
def ddim_inversion(denoiser: vgen._core.diffusion.Denoiser | collections.abc.Callable[[torch.Tensor, vgen._core.schedulers.NoiseLevel], typing.Any], schedule: vgen._core.schedulers.NoiseSchedule, x0: torch.Tensor, options: DdimInversionOptions = ..., *, source: torch.Generator | int | collections.abc.Callable[[torch.Tensor], torch.Tensor] | None = None, on_step: OnStep | collections.abc.Callable[[Step], bool | None] | None = None) -> torch.Tensor:
    """
    DDIM run backwards: from a clean sample to the noise that DDIM would turn into it (Song et al. 2021). Approximate:
    the network is asked at the level that is left, not at the one that is reached.

    x0 [B, ...] -> its noise.
    """
def ddpm(denoiser: vgen._core.diffusion.Denoiser | collections.abc.Callable[[torch.Tensor, vgen._core.schedulers.NoiseLevel], typing.Any], schedule: vgen._core.schedulers.NoiseSchedule, noise: torch.Tensor, options: DdpmOptions = ..., *, source: torch.Generator | int | collections.abc.Callable[[torch.Tensor], torch.Tensor] | None = None, on_step: OnStep | collections.abc.Callable[[Step], bool | None] | None = None) -> torch.Tensor:
    """
    DDPM ancestral sampling (Ho et al. 2020, algorithm 2), on all T steps or on fewer (posterior of the strided chain).
    """
def dpmpp_2m(denoiser: vgen._core.diffusion.Denoiser | collections.abc.Callable[[torch.Tensor, vgen._core.schedulers.NoiseLevel], typing.Any], schedule: vgen._core.schedulers.NoiseSchedule, noise: torch.Tensor, options: Dpmpp2mOptions = ..., *, source: torch.Generator | int | collections.abc.Callable[[torch.Tensor], torch.Tensor] | None = None, on_step: OnStep | collections.abc.Callable[[Step], bool | None] | None = None) -> torch.Tensor:
    """
    DPM-Solver++(2M) (Lu et al. 2022b): second-order multistep solver in lambda = log(alpha / sigma), one evaluation a
    step. Usual choice at 15-30 steps.
    """
def dpmpp_2m_sde(denoiser: vgen._core.diffusion.Denoiser | collections.abc.Callable[[torch.Tensor, vgen._core.schedulers.NoiseLevel], typing.Any], schedule: vgen._core.schedulers.NoiseSchedule, noise: torch.Tensor, options: Dpmpp2mSdeOptions = ..., *, source: torch.Generator | int | collections.abc.Callable[[torch.Tensor], torch.Tensor] | None = None, on_step: OnStep | collections.abc.Callable[[Step], bool | None] | None = None) -> torch.Tensor:
    """
    DPM-Solver++(2M) SDE (Lu et al. 2022b; Crowson's k-diffusion): 2M with fresh noise in each step. With `range` it is
    VGen's super-resolution sampler.
    """
def dpmpp_3m(denoiser: vgen._core.diffusion.Denoiser | collections.abc.Callable[[torch.Tensor, vgen._core.schedulers.NoiseLevel], typing.Any], schedule: vgen._core.schedulers.NoiseSchedule, noise: torch.Tensor, options: Dpmpp3mOptions = ..., *, source: torch.Generator | int | collections.abc.Callable[[torch.Tensor], torch.Tensor] | None = None, on_step: OnStep | collections.abc.Callable[[Step], bool | None] | None = None) -> torch.Tensor:
    """
    DPM-Solver++(3M) (Lu et al. 2022b): third-order multistep; first and second order while it has no history and, below
    15 steps, at the end.
    """
def dpmpp_sde(denoiser: vgen._core.diffusion.Denoiser | collections.abc.Callable[[torch.Tensor, vgen._core.schedulers.NoiseLevel], typing.Any], schedule: vgen._core.schedulers.NoiseSchedule, noise: torch.Tensor, options: DpmppSdeOptions = ..., *, source: torch.Generator | int | collections.abc.Callable[[torch.Tensor], torch.Tensor] | None = None, on_step: OnStep | collections.abc.Callable[[Step], bool | None] | None = None) -> torch.Tensor:
    """
    DPM-Solver++ SDE, single step (Lu et al. 2022b; k-diffusion's "DPM++ SDE"): two evaluations a step, the second
    halfway in lambda.

    Both noises of a step come from one path: the interval to the midpoint is part of the whole.

    With independent draws the path is built as it is walked: one draw to the midpoint, one from there to the end.
    """
def euler(denoiser: vgen._core.diffusion.Denoiser | collections.abc.Callable[[torch.Tensor, vgen._core.schedulers.NoiseLevel], typing.Any], schedule: vgen._core.schedulers.NoiseSchedule, noise: torch.Tensor, options: EulerOptions = ..., *, source: torch.Generator | int | collections.abc.Callable[[torch.Tensor], torch.Tensor] | None = None, on_step: OnStep | collections.abc.Callable[[Step], bool | None] | None = None) -> torch.Tensor:
    """
    Euler's method on the probability-flow ODE in sigma (Karras et al. 2022, without churn). The same step as DDIM's; the
    grid differs.
    """
def euler_ancestral(denoiser: vgen._core.diffusion.Denoiser | collections.abc.Callable[[torch.Tensor, vgen._core.schedulers.NoiseLevel], typing.Any], schedule: vgen._core.schedulers.NoiseSchedule, noise: torch.Tensor, options: EulerAncestralOptions = ..., *, source: torch.Generator | int | collections.abc.Callable[[torch.Tensor], torch.Tensor] | None = None, on_step: OnStep | collections.abc.Callable[[Step], bool | None] | None = None) -> torch.Tensor:
    """
    Euler with ancestral noise ("Euler a"; k-diffusion): each step goes below its sigma and fresh noise brings it back
    up.
    """
def heun(denoiser: vgen._core.diffusion.Denoiser | collections.abc.Callable[[torch.Tensor, vgen._core.schedulers.NoiseLevel], typing.Any], schedule: vgen._core.schedulers.NoiseSchedule, noise: torch.Tensor, options: HeunOptions = ..., *, source: torch.Generator | int | collections.abc.Callable[[torch.Tensor], torch.Tensor] | None = None, on_step: OnStep | collections.abc.Callable[[Step], bool | None] | None = None) -> torch.Tensor:
    """
    Heun's method on the probability-flow ODE in sigma (Karras et al. 2022, algorithm 1 without churn): second order, two
    evaluations a step.
    """
def is_stochastic(sampler: DdimOptions | DdpmOptions | Dpmpp2mOptions | Dpmpp2mSdeOptions | Dpmpp3mOptions | DpmppSdeOptions | EulerOptions | EulerAncestralOptions | HeunOptions | UniPcOptions | LcmOptions | TcdOptions | PlmsOptions) -> bool:
    """
    Whether runs differ with the noise source.
    """
def lcm(denoiser: vgen._core.diffusion.Denoiser | collections.abc.Callable[[torch.Tensor, vgen._core.schedulers.NoiseLevel], typing.Any], schedule: vgen._core.schedulers.NoiseSchedule, noise: torch.Tensor, options: LcmOptions = ..., *, source: torch.Generator | int | collections.abc.Callable[[torch.Tensor], torch.Tensor] | None = None, on_step: OnStep | collections.abc.Callable[[Step], bool | None] | None = None) -> torch.Tensor:
    """
    Latent consistency sampling (Luo et al. 2023): each step jumps to the clean sample and adds noise of the next level.
    1 to 8 steps, no guidance.

    The network's t is float32.
    """
def partial_chain(denoiser: vgen._core.diffusion.Denoiser | collections.abc.Callable[[torch.Tensor, vgen._core.schedulers.NoiseLevel], typing.Any], schedule: vgen._core.schedulers.NoiseSchedule, x: torch.Tensor, options: PartialChainOptions = ..., *, source: torch.Generator | int | collections.abc.Callable[[torch.Tensor], torch.Tensor] | None = None, on_step: OnStep | collections.abc.Callable[[Step], bool | None] | None = None) -> torch.Tensor:
    """
    The last part of a DDIM chain with gradient through its last steps only: how InstructVideo tunes a model on a reward
    (Yuan et al. 2023; truncated as in DRaFT, Clark et al. 2023). The one place in samplers/ that switches gradients off,
    because that is its purpose.

    x: a sample at the level of the first step, partial_chain_grid(...).from[0]. Recomputation of activations is the
    model's matter.
    """
def plms(denoiser: vgen._core.diffusion.Denoiser | collections.abc.Callable[[torch.Tensor, vgen._core.schedulers.NoiseLevel], typing.Any], schedule: vgen._core.schedulers.NoiseSchedule, noise: torch.Tensor, options: PlmsOptions = ..., *, source: torch.Generator | int | collections.abc.Callable[[torch.Tensor], torch.Tensor] | None = None, on_step: OnStep | collections.abc.Callable[[Step], bool | None] | None = None) -> torch.Tensor:
    """
    PLMS (Liu et al. 2022, "Pseudo Numerical Methods for Diffusion Models on Manifolds"): DDIM steps along an
    Adams-Bashforth mean of the last four noises. steps + 1 evaluations. The reference has it too, but broken; this is
    what it meant.
    """
def sample(denoiser: vgen._core.diffusion.Denoiser | collections.abc.Callable[[torch.Tensor, vgen._core.schedulers.NoiseLevel], typing.Any], schedule: vgen._core.schedulers.NoiseSchedule, noise: torch.Tensor, sampler: DdimOptions | DdpmOptions | Dpmpp2mOptions | Dpmpp2mSdeOptions | Dpmpp3mOptions | DpmppSdeOptions | EulerOptions | EulerAncestralOptions | HeunOptions | UniPcOptions | LcmOptions | TcdOptions | PlmsOptions, *, source: torch.Generator | int | collections.abc.Callable[[torch.Tensor], torch.Tensor] | None = None, on_step: OnStep | collections.abc.Callable[[Step], bool | None] | None = None) -> torch.Tensor:
    """
    Runs the sampler that `sampler` holds. Deterministic ones do not touch `source`.
    """
def sampler_function(sampler: DdimOptions | DdpmOptions | Dpmpp2mOptions | Dpmpp2mSdeOptions | Dpmpp3mOptions | DpmppSdeOptions | EulerOptions | EulerAncestralOptions | HeunOptions | UniPcOptions | LcmOptions | TcdOptions | PlmsOptions) -> typing.Any:
    """
    A sampler with its options bound, as a function.
    """
def sampler_named(name: str) -> DdimOptions | DdpmOptions | Dpmpp2mOptions | Dpmpp2mSdeOptions | Dpmpp3mOptions | DpmppSdeOptions | EulerOptions | EulerAncestralOptions | HeunOptions | UniPcOptions | LcmOptions | TcdOptions | PlmsOptions:
    """
    A sampler of this name with its defaults. Spellings of other libraries are read too ("dpm++ 2m",
    "DPMSolverMultistepScheduler", "euler_a"). ConfigError naming the nearest one.
    """
def sampler_names() -> list[str]:
    """
    "ddim", "ddpm", "dpmpp_2m", ...: the kinds, in the order of the variant.
    """
def steps_of(sampler: DdimOptions | DdpmOptions | Dpmpp2mOptions | Dpmpp2mSdeOptions | Dpmpp3mOptions | DpmppSdeOptions | EulerOptions | EulerAncestralOptions | HeunOptions | UniPcOptions | LcmOptions | TcdOptions | PlmsOptions) -> int:
    """
    Number of steps asked for; ddpm without steps runs all of the schedule's: 0.
    """
def tcd(denoiser: vgen._core.diffusion.Denoiser | collections.abc.Callable[[torch.Tensor, vgen._core.schedulers.NoiseLevel], typing.Any], schedule: vgen._core.schedulers.NoiseSchedule, noise: torch.Tensor, options: TcdOptions = ..., *, source: torch.Generator | int | collections.abc.Callable[[torch.Tensor], torch.Tensor] | None = None, on_step: OnStep | collections.abc.Callable[[Step], bool | None] | None = None) -> torch.Tensor:
    """
    Trajectory consistency distillation (Zheng et al. 2024): jumps past the next time to s = (1 - eta) t_next and adds
    noise up to it.
    """
def unipc(denoiser: vgen._core.diffusion.Denoiser | collections.abc.Callable[[torch.Tensor, vgen._core.schedulers.NoiseLevel], typing.Any], schedule: vgen._core.schedulers.NoiseSchedule, noise: torch.Tensor, options: UniPcOptions = ..., *, source: torch.Generator | int | collections.abc.Callable[[torch.Tensor], torch.Tensor] | None = None, on_step: OnStep | collections.abc.Callable[[Step], bool | None] | None = None) -> torch.Tensor:
    """
    UniPC (Zhao et al. 2023), data prediction: a multistep predictor in lambda whose result is corrected once the next
    network output is there. One evaluation a step; good from 5 steps.
    """
def validate(sampler: DdimOptions | DdpmOptions | Dpmpp2mOptions | Dpmpp2mSdeOptions | Dpmpp3mOptions | DpmppSdeOptions | EulerOptions | EulerAncestralOptions | HeunOptions | UniPcOptions | LcmOptions | TcdOptions | PlmsOptions, schedule: vgen._core.schedulers.NoiseSchedule) -> None:
    """
    ConfigError now instead of at the first step: steps out of range, eta, order, ... Costs microseconds.
    """
def with_steps(sampler: DdimOptions | DdpmOptions | Dpmpp2mOptions | Dpmpp2mSdeOptions | Dpmpp3mOptions | DpmppSdeOptions | EulerOptions | EulerAncestralOptions | HeunOptions | UniPcOptions | LcmOptions | TcdOptions | PlmsOptions, steps: typing.SupportsInt) -> DdimOptions | DdpmOptions | Dpmpp2mOptions | Dpmpp2mSdeOptions | Dpmpp3mOptions | DpmppSdeOptions | EulerOptions | EulerAncestralOptions | HeunOptions | UniPcOptions | LcmOptions | TcdOptions | PlmsOptions:
    """
    The same sampler with another number of steps.
    """
