"""
The training loop, optimiser, checkpoints, and the two tasks of the shapes model
"""
from __future__ import annotations
import collections.abc
import os
import typing
import vgen._core.conditioning
import vgen._core.data
import vgen._core.pipelines
import vgen._core.unet
import vgen._core.vae
__all__: list[str] = ['AdamWOptions', 'AutoencoderTaskOptions', 'LearningRateOptions', 'MuonOptions', 'StageOptions', 'TextEncoderTaskOptions', 'TextToVideoTaskOptions', 'TrainConfig', 'TrainResult', 'TrainerOptions', 'learning_rate', 'read_config', 'run']
class LearningRateOptions:
    """
    Learning rate of the optimiser step that follows `count` finished steps: linear warm-up from 0, then decay. As the
    reference's AnnealingLR, the first step of a warm-up has rate 0.

    Fields:
        base = 0.0001: highest rate
        warmup_steps = 10: steps of linear growth from 0
        total_steps = 1000: step at which the decay ends
        decay = 'cosine': none, linear or cosine
        minimum = 0.0: lower bound
    """
    kind: typing.ClassVar[str] = 'learning_rate'
    @staticmethod
    def from_dict(values: dict) -> LearningRateOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> LearningRateOptions:
        ...
    def __deepcopy__(self, memo: dict) -> LearningRateOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, base: float = 0.0001, warmup_steps: int = 10, total_steps: int = 1000, decay: typing.Literal['none', 'linear', 'cosine'] = 'cosine', minimum: float = 0.0) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> LearningRateOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def base(self) -> float:
        """
        highest rate
        """
    @property
    def decay(self) -> typing.Literal['none', 'linear', 'cosine']:
        """
        none, linear or cosine
        """
    @property
    def minimum(self) -> float:
        """
        lower bound
        """
    @property
    def total_steps(self) -> int:
        """
        step at which the decay ends
        """
    @property
    def warmup_steps(self) -> int:
        """
        steps of linear growth from 0
        """
class AdamWOptions:
    """
    Fields:
        beta1 = 0.9: decay of the first moment
        beta2 = 0.999: decay of the second moment
        eps = 1e-08: added to the root of the second moment
        weight_decay = 0.0: decoupled
    """
    kind: typing.ClassVar[str] = 'adamw'
    @staticmethod
    def from_dict(values: dict) -> AdamWOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> AdamWOptions:
        ...
    def __deepcopy__(self, memo: dict) -> AdamWOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-08, weight_decay: float = 0.0) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> AdamWOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def beta1(self) -> float:
        """
        decay of the first moment
        """
    @property
    def beta2(self) -> float:
        """
        decay of the second moment
        """
    @property
    def eps(self) -> float:
        """
        added to the root of the second moment
        """
    @property
    def weight_decay(self) -> float:
        """
        decoupled
        """
class MuonOptions:
    """
    Muon (Jordan et al. 2024, "Muon: An optimizer for hidden layers in neural networks"): momentum whose matrix is made
    orthogonal by a few Newton-Schulz iterations before it is applied. Steps are scaled so that their root mean square is
    that of AdamW's (Liu et al. 2025, "Muon is scalable for LLM training", equation 4), so both share one learning rate.

    Fields:
        momentum = 0.95: of the gradient (Nesterov's form)
        weight_decay = 0.0: decoupled
        iterations = 5: Newton-Schulz iterations a step
        exclude = ['*embedding*', '*positions*', '*.down.0.conv.*', '*.head.conv.*']: globs of parameter names that AdamW moves all the same
    """
    kind: typing.ClassVar[str] = 'muon'
    @staticmethod
    def from_dict(values: dict) -> MuonOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> MuonOptions:
        ...
    def __deepcopy__(self, memo: dict) -> MuonOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, momentum: float = 0.95, weight_decay: float = 0.0, iterations: int = 5, exclude: collections.abc.Sequence[str] = ['*embedding*', '*positions*', '*.down.0.conv.*', '*.head.conv.*']) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> MuonOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def exclude(self) -> list[str]:
        """
        globs of parameter names that AdamW moves all the same
        """
    @property
    def iterations(self) -> int:
        """
        Newton-Schulz iterations a step
        """
    @property
    def momentum(self) -> float:
        """
        of the gradient (Nesterov's form)
        """
    @property
    def weight_decay(self) -> float:
        """
        decoupled
        """
class TrainerOptions:
    """
    The training loop: gradient accumulation, mixed precision with float32 masters, EMA, clipping, logs, previews, atomic
    checkpoints and a resume that is equal to an unbroken run to the bit. What is trained is a Task; the loop knows no
    model.

    Fields:
        steps = 1000: optimiser steps of the whole run
        accumulate = 1: micro-batches a step
        seed = 1: of every random number; step s of a seed is the same wherever it runs
        precision = 'fp32': fp32, or bf16 with float32 master weights
        learning_rate: warm-up and decay
        adamw: optimiser
        muon = None: if given, matrices are moved by Muon and only the rest by AdamW
        clip_norm = 0.0: largest gradient norm; 0 = no clipping
        ema_decay = 0.0: of the averaged weights that are shipped; 0 = none
        ema_warmup = True: decay at step n is at most (1 + n) / (10 + n)
        log_every = 10: steps between records
        sample_every = 0: steps between previews; 0 = none
        checkpoint_every = 500: steps between checkpoints
        keep_checkpoints = 2: newest checkpoints kept
        max_bad_steps = 10: steps in a row that may give NaN before the run stops
    """
    kind: typing.ClassVar[str] = 'trainer'
    @staticmethod
    def from_dict(values: dict) -> TrainerOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> TrainerOptions:
        ...
    def __deepcopy__(self, memo: dict) -> TrainerOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, steps: int = 1000, accumulate: int = 1, seed: int = 1, precision: typing.Literal['fp32', 'bf16'] = 'fp32', learning_rate: LearningRateOptions | dict[str, typing.Any] = ..., adamw: AdamWOptions | dict[str, typing.Any] = ..., muon: MuonOptions | dict[str, typing.Any] | None = None, clip_norm: float = 0.0, ema_decay: float = 0.0, ema_warmup: bool = True, log_every: int = 10, sample_every: int = 0, checkpoint_every: int = 500, keep_checkpoints: int = 2, max_bad_steps: int = 10) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> TrainerOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def accumulate(self) -> int:
        """
        micro-batches a step
        """
    @property
    def adamw(self) -> AdamWOptions:
        """
        optimiser
        """
    @property
    def checkpoint_every(self) -> int:
        """
        steps between checkpoints
        """
    @property
    def clip_norm(self) -> float:
        """
        largest gradient norm; 0 = no clipping
        """
    @property
    def ema_decay(self) -> float:
        """
        of the averaged weights that are shipped; 0 = none
        """
    @property
    def ema_warmup(self) -> bool:
        """
        decay at step n is at most (1 + n) / (10 + n)
        """
    @property
    def keep_checkpoints(self) -> int:
        """
        newest checkpoints kept
        """
    @property
    def learning_rate(self) -> LearningRateOptions:
        """
        warm-up and decay
        """
    @property
    def log_every(self) -> int:
        """
        steps between records
        """
    @property
    def max_bad_steps(self) -> int:
        """
        steps in a row that may give NaN before the run stops
        """
    @property
    def muon(self) -> MuonOptions | None:
        """
        if given, matrices are moved by Muon and only the rest by AdamW
        """
    @property
    def precision(self) -> typing.Literal['fp32', 'bf16']:
        """
        fp32, or bf16 with float32 master weights
        """
    @property
    def sample_every(self) -> int:
        """
        steps between previews; 0 = none
        """
    @property
    def seed(self) -> int:
        """
        of every random number; step s of a seed is the same wherever it runs
        """
    @property
    def steps(self) -> int:
        """
        optimiser steps of the whole run
        """
class AutoencoderTaskOptions:
    """
    Fields:
        model: the autoencoder
        world: the data
        data_seed = 1: seed of the data
        batch = 32: frames a micro-batch, each of another clip
        l1 = 1.0: weight of the mean absolute error
        l2 = 1.0: weight of the mean squared error
        kl = 0.001: weight of the KL divergence a pixel value
        object_weight = 1.0: weight of a pixel of an object; background has 1
        start = '': model folder whose weights the run begins with; empty = random ones
    """
    kind: typing.ClassVar[str] = 'autoencoder'
    @staticmethod
    def from_dict(values: dict) -> AutoencoderTaskOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> AutoencoderTaskOptions:
        ...
    def __deepcopy__(self, memo: dict) -> AutoencoderTaskOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, model: vgen._core.vae.AutoencoderKlOptions | dict[str, typing.Any] = ..., world: vgen._core.data.ShapesOptions | dict[str, typing.Any] = ..., data_seed: int = 1, batch: int = 32, l1: float = 1.0, l2: float = 1.0, kl: float = 0.001, object_weight: float = 1.0, start: str = '') -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> AutoencoderTaskOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def batch(self) -> int:
        """
        frames a micro-batch, each of another clip
        """
    @property
    def data_seed(self) -> int:
        """
        seed of the data
        """
    @property
    def kl(self) -> float:
        """
        weight of the KL divergence a pixel value
        """
    @property
    def l1(self) -> float:
        """
        weight of the mean absolute error
        """
    @property
    def l2(self) -> float:
        """
        weight of the mean squared error
        """
    @property
    def model(self) -> vgen._core.vae.AutoencoderKlOptions:
        """
        the autoencoder
        """
    @property
    def object_weight(self) -> float:
        """
        weight of a pixel of an object; background has 1
        """
    @property
    def start(self) -> str:
        """
        model folder whose weights the run begins with; empty = random ones
        """
    @property
    def world(self) -> vgen._core.data.ShapesOptions:
        """
        the data
        """
class TextEncoderTaskOptions:
    """
    Fields:
        model: the text tower
        world: the data, of one object
        data_seed = 1: seed of the data
        batch = 64: captions a micro-batch, each new
        start = '': model folder whose weights the run begins with; empty = random ones
    """
    kind: typing.ClassVar[str] = 'text_encoder'
    @staticmethod
    def from_dict(values: dict) -> TextEncoderTaskOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> TextEncoderTaskOptions:
        ...
    def __deepcopy__(self, memo: dict) -> TextEncoderTaskOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, model: vgen._core.conditioning.ClipTextOptions | dict[str, typing.Any] = ..., world: vgen._core.data.ShapesOptions | dict[str, typing.Any] = ..., data_seed: int = 1, batch: int = 64, start: str = '') -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> TextEncoderTaskOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def batch(self) -> int:
        """
        captions a micro-batch, each new
        """
    @property
    def data_seed(self) -> int:
        """
        seed of the data
        """
    @property
    def model(self) -> vgen._core.conditioning.ClipTextOptions:
        """
        the text tower
        """
    @property
    def start(self) -> str:
        """
        model folder whose weights the run begins with; empty = random ones
        """
    @property
    def world(self) -> vgen._core.data.ShapesOptions:
        """
        the data, of one object
        """
class StageOptions:
    """
    A part of a run on fewer frames: what a scene looks like is learned from pictures and short clips at a fraction of
    the cost, what it does from whole ones.

    Fields:
        until = 0: last step of the stage
        frames = 16: evenly spaced frames taken of each clip
        batch = 16: clips a micro-batch
    """
    kind: typing.ClassVar[str] = 'stage'
    @staticmethod
    def from_dict(values: dict) -> StageOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> StageOptions:
        ...
    def __deepcopy__(self, memo: dict) -> StageOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, until: int = 0, frames: int = 16, batch: int = 16) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> StageOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def batch(self) -> int:
        """
        clips a micro-batch
        """
    @property
    def frames(self) -> int:
        """
        evenly spaced frames taken of each clip
        """
    @property
    def until(self) -> int:
        """
        last step of the stage
        """
class TextToVideoTaskOptions:
    """
    Fields:
        autoencoder = '': model folder whose vae makes the latents
        text_encoder = '': model folder whose text tower is used as it is; empty = `text` is trained with the UNet
        text: the text tower, where it is trained with the UNet
        unet: the UNet
        index: schedule, prediction, defaults of generation
        world: the data
        data_seed = 1: seed of the data
        clips = 20000: different clips; their latents are computed once and kept in memory
        batch = 16: clips a micro-batch
        stages = []: earlier parts of the run on fewer frames; after the last one: whole clips
        latent_cache = '': file that keeps the latents for the next start; empty = none
        start = '': model folder whose weights the run begins with; empty = random ones
        caption_dropout = 0.1: share of captions replaced by the negative prompt
        offset_noise = 0.0: strength of the noise shared by all positions of a frame
        time_power = 1.0: 1 = times uniform; above 1: more of them noisy, t = T u^(1/power)
        preview_prompts = 8: prompts sampled and judged at a preview
    """
    kind: typing.ClassVar[str] = 'text_to_video'
    @staticmethod
    def from_dict(values: dict) -> TextToVideoTaskOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> TextToVideoTaskOptions:
        ...
    def __deepcopy__(self, memo: dict) -> TextToVideoTaskOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, autoencoder: str = '', text_encoder: str = '', text: vgen._core.conditioning.ClipTextOptions | dict[str, typing.Any] = ..., unet: vgen._core.unet.UNetOptions | dict[str, typing.Any] = ..., index: vgen._core.pipelines.ModelIndex | dict[str, typing.Any] = ..., world: vgen._core.data.ShapesOptions | dict[str, typing.Any] = ..., data_seed: int = 1, clips: int = 20000, batch: int = 16, stages: collections.abc.Sequence[StageOptions | dict[str, typing.Any]] = [], latent_cache: str = '', start: str = '', caption_dropout: float = 0.1, offset_noise: float = 0.0, time_power: float = 1.0, preview_prompts: int = 8) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> TextToVideoTaskOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def autoencoder(self) -> str:
        """
        model folder whose vae makes the latents
        """
    @property
    def batch(self) -> int:
        """
        clips a micro-batch
        """
    @property
    def caption_dropout(self) -> float:
        """
        share of captions replaced by the negative prompt
        """
    @property
    def clips(self) -> int:
        """
        different clips; their latents are computed once and kept in memory
        """
    @property
    def data_seed(self) -> int:
        """
        seed of the data
        """
    @property
    def index(self) -> vgen._core.pipelines.ModelIndex:
        """
        schedule, prediction, defaults of generation
        """
    @property
    def latent_cache(self) -> str:
        """
        file that keeps the latents for the next start; empty = none
        """
    @property
    def offset_noise(self) -> float:
        """
        strength of the noise shared by all positions of a frame
        """
    @property
    def preview_prompts(self) -> int:
        """
        prompts sampled and judged at a preview
        """
    @property
    def stages(self) -> list[StageOptions]:
        """
        earlier parts of the run on fewer frames; after the last one: whole clips
        """
    @property
    def start(self) -> str:
        """
        model folder whose weights the run begins with; empty = random ones
        """
    @property
    def text(self) -> vgen._core.conditioning.ClipTextOptions:
        """
        the text tower, where it is trained with the UNet
        """
    @property
    def text_encoder(self) -> str:
        """
        model folder whose text tower is used as it is; empty = `text` is trained with the UNet
        """
    @property
    def time_power(self) -> float:
        """
        1 = times uniform; above 1: more of them noisy, t = T u^(1/power)
        """
    @property
    def unet(self) -> vgen._core.unet.UNetOptions:
        """
        the UNet
        """
    @property
    def world(self) -> vgen._core.data.ShapesOptions:
        """
        the data
        """
class TrainConfig:
    """
    What is trained and how; what a configuration file holds.

    Fields:
        task: what is trained, on what, with which loss
        trainer: how: steps, rates, precision, logs, checkpoints
    """
    kind: typing.ClassVar[str] = 'train_config'
    @staticmethod
    def from_dict(values: dict) -> TrainConfig:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> TrainConfig:
        ...
    def __deepcopy__(self, memo: dict) -> TrainConfig:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, task: AutoencoderTaskOptions | TextEncoderTaskOptions | TextToVideoTaskOptions | str | dict[str, typing.Any] = ..., trainer: TrainerOptions | dict[str, typing.Any] = ...) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> TrainConfig:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def task(self) -> AutoencoderTaskOptions | TextEncoderTaskOptions | TextToVideoTaskOptions:
        """
        what is trained, on what, with which loss
        """
    @property
    def trainer(self) -> TrainerOptions:
        """
        how: steps, rates, precision, logs, checkpoints
        """
class TrainResult:
    """
    How a training run ended.
    """
    def __repr__(self) -> str:
        ...
    @property
    def bad_steps(self) -> int:
        """
        Steps that gave NaN or infinity and were skipped.
        """
    @property
    def finished(self) -> bool:
        """
        false: stopped by request after a checkpoint
        """
    @property
    def last_loss(self) -> float:
        """
        Loss of the last step.
        """
    @property
    def step(self) -> int:
        """
        finished steps
        """
def learning_rate(options: LearningRateOptions, count: typing.SupportsInt) -> float:
    """
    Learning rate of the optimiser step that follows `count` finished steps: linear warm-up from 0, then decay. As the
    reference's AnnealingLR, the first step of a warm-up has rate 0.
    """
def read_config(path: os.PathLike | str | bytes, changes: collections.abc.Mapping[str, typing.Any] = {}) -> TrainConfig:
    """
    The configuration in a YAML or JSON file; `changes` as --set of the command line: {"trainer.steps": 100}.
    """
def run(config: TrainConfig, folder: os.PathLike | str | bytes, *, progress: typing.Any = None, device: str = 'cpu') -> TrainResult:
    """
    Trains what the configuration describes in `folder` and goes on where an earlier run of the same folder stopped. Ctrl-C finishes the step and writes a checkpoint before KeyboardInterrupt. The model is in folder/model at the end.
    """
