"""
A model folder made ready to turn a prompt into a clip
"""
from __future__ import annotations
import collections.abc
import numpy
import numpy.typing
import os
import pathlib
import torch
import typing
import vgen._core.adapters
import vgen._core.conditioning
import vgen._core.diffusion
import vgen._core.nn
import vgen._core.samplers
import vgen._core.schedulers
import vgen._core.unet
import vgen._core.vae
import vgen._core.video
import vgen._core.weights
__all__: list[str] = ['Clip', 'Components', 'ConvertReport', 'GenerationDefaults', 'Inputs', 'IteratedStep', 'ModelFolder', 'ModelIndex', 'PartFile', 'Pipeline', 'Plan', 'Request', 'StepIterator', 'System', 'convert', 'load_part', 'open_model_folder', 'open_part', 'shipped_model', 'system_named', 'systems', 'write_part', 'write_tiny_model']
class GenerationDefaults:
    """
    What a request leaves open.

    Fields:
        frames = 16: frames of a clip
        height = 256: pixels
        width = 448: pixels
        fps = 8.0: frames a second
        guidance = 9.0: guidance scale
        guidance_rescale = 0.0: share of the conditional deviation restored after guidance
        sampler: algorithm and its options
        negative_prompt = '': unconditional text
        positive_prompt = '': appended to every prompt
        offset_noise = 0.0: strength of the noise that all positions of a frame share
        motion = 500.0: higen: how much moves between frames, in [0, 999]
        appearance = 1.0: higen: how much the looks change over the clip, in [0, 1]
        noise_levels = 700: sr600: times of the schedule that a clip is noised over, in [1, 1000]
        inversion_steps = 30: sr600, dream_video: steps from a clip to its noise
        inversion_schedule: sr600: noise schedule on that way; the way back is on the model's own
    """
    kind: typing.ClassVar[str] = 'generation_defaults'
    @staticmethod
    def from_dict(values: dict) -> GenerationDefaults:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> GenerationDefaults:
        ...
    def __deepcopy__(self, memo: dict) -> GenerationDefaults:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, frames: int = 16, height: int = 256, width: int = 448, fps: float = 8.0, guidance: float = 9.0, guidance_rescale: float = 0.0, sampler: vgen._core.samplers.DdimOptions | vgen._core.samplers.DdpmOptions | vgen._core.samplers.Dpmpp2mOptions | vgen._core.samplers.Dpmpp2mSdeOptions | vgen._core.samplers.Dpmpp3mOptions | vgen._core.samplers.DpmppSdeOptions | vgen._core.samplers.EulerOptions | vgen._core.samplers.EulerAncestralOptions | vgen._core.samplers.HeunOptions | vgen._core.samplers.UniPcOptions | vgen._core.samplers.LcmOptions | vgen._core.samplers.TcdOptions | vgen._core.samplers.PlmsOptions | str | dict[str, typing.Any] = ..., negative_prompt: str = '', positive_prompt: str = '', offset_noise: float = 0.0, motion: float = 500.0, appearance: float = 1.0, noise_levels: int = 700, inversion_steps: int = 30, inversion_schedule: vgen._core.schedulers.ScheduleOptions | dict[str, typing.Any] = ...) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> GenerationDefaults:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def appearance(self) -> float:
        """
        higen: how much the looks change over the clip, in [0, 1]
        """
    @property
    def fps(self) -> float:
        """
        frames a second
        """
    @property
    def frames(self) -> int:
        """
        frames of a clip
        """
    @property
    def guidance(self) -> float:
        """
        guidance scale
        """
    @property
    def guidance_rescale(self) -> float:
        """
        share of the conditional deviation restored after guidance
        """
    @property
    def height(self) -> int:
        """
        pixels
        """
    @property
    def inversion_schedule(self) -> vgen._core.schedulers.ScheduleOptions:
        """
        sr600: noise schedule on that way; the way back is on the model's own
        """
    @property
    def inversion_steps(self) -> int:
        """
        sr600, dream_video: steps from a clip to its noise
        """
    @property
    def motion(self) -> float:
        """
        higen: how much moves between frames, in [0, 999]
        """
    @property
    def negative_prompt(self) -> str:
        """
        unconditional text
        """
    @property
    def noise_levels(self) -> int:
        """
        sr600: times of the schedule that a clip is noised over, in [1, 1000]
        """
    @property
    def offset_noise(self) -> float:
        """
        strength of the noise that all positions of a frame share
        """
    @property
    def positive_prompt(self) -> str:
        """
        appended to every prompt
        """
    @property
    def sampler(self) -> vgen._core.samplers.DdimOptions | vgen._core.samplers.DdpmOptions | vgen._core.samplers.Dpmpp2mOptions | vgen._core.samplers.Dpmpp2mSdeOptions | vgen._core.samplers.Dpmpp3mOptions | vgen._core.samplers.DpmppSdeOptions | vgen._core.samplers.EulerOptions | vgen._core.samplers.EulerAncestralOptions | vgen._core.samplers.HeunOptions | vgen._core.samplers.UniPcOptions | vgen._core.samplers.LcmOptions | vgen._core.samplers.TcdOptions | vgen._core.samplers.PlmsOptions:
        """
        algorithm and its options
        """
    @property
    def width(self) -> int:
        """
        pixels
        """
class ModelIndex:
    """
    model_index.json

    Fields:
        system = 't2v': which pipeline runs the parts
        schedule: noise schedule of the UNet
        prediction = 'v': what the UNet predicts
        defaults: of generation
    """
    kind: typing.ClassVar[str] = 'model_index'
    @staticmethod
    def from_dict(values: dict) -> ModelIndex:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> ModelIndex:
        ...
    def __deepcopy__(self, memo: dict) -> ModelIndex:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, system: str = 't2v', schedule: vgen._core.schedulers.ScheduleOptions | dict[str, typing.Any] = ..., prediction: typing.Literal['epsilon', 'eps', 'v', 'v_prediction', 'x0', 'sample', 'previous', 'x_{t-1}'] = 'v', defaults: GenerationDefaults | dict[str, typing.Any] = ...) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> ModelIndex:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def defaults(self) -> GenerationDefaults:
        """
        of generation
        """
    @property
    def prediction(self) -> typing.Literal['epsilon', 'v', 'x0', 'previous']:
        """
        what the UNet predicts
        """
    @property
    def schedule(self) -> vgen._core.schedulers.ScheduleOptions:
        """
        noise schedule of the UNet
        """
    @property
    def system(self) -> str:
        """
        which pipeline runs the parts
        """
class Request:
    """
    One request; what is not given comes from the model's defaults. What the model does not take is a ConfigError.

    Fields:
        prompt = '': what the clip shows
        negative_prompt = None: what it shall not show
        frames = None: frames of the clip
        height = None: pixels
        width = None: pixels
        steps = None: denoising steps
        fps = None: frames a second
        guidance = None: guidance scale; 1 = none, at half the cost
        guidance_rescale = None: in [0, 1]
        motion = None: higen: how much moves between frames, in [0, 999]
        appearance = None: higen: how much the looks change, in [0, 1]
        appearance_guidance = None: dream_video: how strongly the picture guides motion adapters, with the prompt and without
        inverse_noise = None: dream_video: share of the clip's own noise (DDIM inversion) in the start, in [0, 1]
        zero_image = None: i2vgen_xl: without the prompt the picture's embedding is zero (true) or left out
        double_frames = None: sr600: every frame twice in the model; by itself for clips half as long as it takes
        sampler = None: algorithm and its options
        seed = 0: equal seeds give equal clips
        count = 1: number of clips
        seeds = []: a seed for each clip
        decode_chunk = 0: frames decoded at once; 0 = by memory
        guidance_in_one_batch = None: with and without the prompt in one call, for twice the memory; none = by memory
    """
    kind: typing.ClassVar[str] = 'request'
    @staticmethod
    def from_dict(values: dict) -> Request:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> Request:
        ...
    def __deepcopy__(self, memo: dict) -> Request:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, prompt: str = '', negative_prompt: str | None = None, frames: int | None = None, height: int | None = None, width: int | None = None, steps: int | None = None, fps: float | None = None, guidance: float | None = None, guidance_rescale: float | None = None, motion: float | None = None, appearance: float | None = None, appearance_guidance: collections.abc.Sequence[float] | None = None, inverse_noise: float | None = None, zero_image: bool | None = None, double_frames: bool | None = None, sampler: vgen._core.samplers.DdimOptions | vgen._core.samplers.DdpmOptions | vgen._core.samplers.Dpmpp2mOptions | vgen._core.samplers.Dpmpp2mSdeOptions | vgen._core.samplers.Dpmpp3mOptions | vgen._core.samplers.DpmppSdeOptions | vgen._core.samplers.EulerOptions | vgen._core.samplers.EulerAncestralOptions | vgen._core.samplers.HeunOptions | vgen._core.samplers.UniPcOptions | vgen._core.samplers.LcmOptions | vgen._core.samplers.TcdOptions | vgen._core.samplers.PlmsOptions | str | dict[str, typing.Any] | None = None, seed: int = 0, count: int = 1, seeds: collections.abc.Sequence[int] = [], decode_chunk: int = 0, guidance_in_one_batch: bool | None = None) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> Request:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def appearance(self) -> float | None:
        """
        higen: how much the looks change, in [0, 1]
        """
    @property
    def appearance_guidance(self) -> list[float] | None:
        """
        dream_video: how strongly the picture guides motion adapters, with the prompt and without
        """
    @property
    def count(self) -> int:
        """
        number of clips
        """
    @property
    def decode_chunk(self) -> int:
        """
        frames decoded at once; 0 = by memory
        """
    @property
    def double_frames(self) -> bool | None:
        """
        sr600: every frame twice in the model; by itself for clips half as long as it takes
        """
    @property
    def fps(self) -> float | None:
        """
        frames a second
        """
    @property
    def frames(self) -> int | None:
        """
        frames of the clip
        """
    @property
    def guidance(self) -> float | None:
        """
        guidance scale; 1 = none, at half the cost
        """
    @property
    def guidance_in_one_batch(self) -> bool | None:
        """
        with and without the prompt in one call, for twice the memory; none = by memory
        """
    @property
    def guidance_rescale(self) -> float | None:
        """
        in [0, 1]
        """
    @property
    def height(self) -> int | None:
        """
        pixels
        """
    @property
    def inverse_noise(self) -> float | None:
        """
        dream_video: share of the clip's own noise (DDIM inversion) in the start, in [0, 1]
        """
    @property
    def motion(self) -> float | None:
        """
        higen: how much moves between frames, in [0, 999]
        """
    @property
    def negative_prompt(self) -> str | None:
        """
        what it shall not show
        """
    @property
    def prompt(self) -> str:
        """
        what the clip shows
        """
    @property
    def sampler(self) -> vgen._core.samplers.DdimOptions | vgen._core.samplers.DdpmOptions | vgen._core.samplers.Dpmpp2mOptions | vgen._core.samplers.Dpmpp2mSdeOptions | vgen._core.samplers.Dpmpp3mOptions | vgen._core.samplers.DpmppSdeOptions | vgen._core.samplers.EulerOptions | vgen._core.samplers.EulerAncestralOptions | vgen._core.samplers.HeunOptions | vgen._core.samplers.UniPcOptions | vgen._core.samplers.LcmOptions | vgen._core.samplers.TcdOptions | vgen._core.samplers.PlmsOptions | None:
        """
        algorithm and its options
        """
    @property
    def seed(self) -> int:
        """
        equal seeds give equal clips
        """
    @property
    def seeds(self) -> list[int]:
        """
        a seed for each clip
        """
    @property
    def steps(self) -> int | None:
        """
        denoising steps
        """
    @property
    def width(self) -> int | None:
        """
        pixels
        """
    @property
    def zero_image(self) -> bool | None:
        """
        i2vgen_xl: without the prompt the picture's embedding is zero (true) or left out
        """
class Components:
    """
    The parts, shared by whoever uses them; any may be replaced by the caller's own.
    """
    def __init__(self, text: vgen._core.conditioning.Encoder, unet: vgen._core.unet.UNet, vae: vgen._core.vae.AutoencoderKl, index: ModelIndex = ..., folder: str = '', image_encoder: vgen._core.conditioning.ClipVision = None) -> None:
        ...
    def __repr__(self) -> str:
        ...
    @property
    def adapters(self) -> list[vgen._core.adapters.Injection]:
        """
        on the UNet: told which step a run is in, named in manifests
        """
    @adapters.setter
    def adapters(self, arg0: collections.abc.Sequence[vgen._core.adapters.Injection]) -> None:
        ...
    @property
    def folder(self) -> str:
        """
        where they came from, for manifests
        """
    @property
    def image_encoder(self) -> vgen._core.conditioning.ClipVision:
        """
        where the UNet takes pictures
        """
    @image_encoder.setter
    def image_encoder(self, arg0: vgen._core.conditioning.ClipVision) -> None:
        ...
    @property
    def index(self) -> ModelIndex:
        """
        what the model folder says of itself: a ModelIndex
        """
    @index.setter
    def index(self, arg0: ModelIndex) -> None:
        ...
    @property
    def text(self) -> vgen._core.conditioning.Encoder:
        """
        turns prompts into context: a conditioning.Encoder
        """
    @text.setter
    def text(self, arg1: vgen._core.conditioning.Encoder) -> None:
        ...
    @property
    def unet(self) -> vgen._core.unet.UNet:
        """
        the network that removes the noise: a unet.UNet
        """
    @unet.setter
    def unet(self, arg1: vgen._core.unet.UNet) -> None:
        ...
    @property
    def vae(self) -> vgen._core.vae.AutoencoderKl:
        """
        frames to latents and back: a vae.AutoencoderKl
        """
    @vae.setter
    def vae(self, arg1: vgen._core.vae.AutoencoderKl) -> None:
        ...
class Inputs:
    """
    What a system takes beside the prompt. Pictures of any size: they are resized as the reference does.
    """
    def __init__(self, *, image: numpy.typing.ArrayLike | None = None, video: numpy.typing.ArrayLike | None = None, style: numpy.typing.ArrayLike | None = None, conditions: collections.abc.Mapping[str, torch.Tensor] = {}) -> None:
        ...
    @property
    def conditions(self) -> dict[str, torch.Tensor]:
        """
        ready-made tensors [1, ..] under the names that the UNet declares, for both branches
        """
    @conditions.setter
    def conditions(self, arg1: collections.abc.Mapping[str, torch.Tensor]) -> None:
        ...
    @property
    def image(self) -> typing.Any:
        """
        the first frame, or a picture of the subject
        """
    @image.setter
    def image(self, arg1: numpy.typing.ArrayLike | None) -> None:
        ...
    @property
    def style(self) -> typing.Any:
        """
        a picture that the clip shall look like
        """
    @style.setter
    def style(self, arg1: numpy.typing.ArrayLike | None) -> None:
        ...
    @property
    def video(self) -> typing.Any:
        """
        the clip to enlarge, or whose noise is taken
        """
    @video.setter
    def video(self, arg1: numpy.typing.ArrayLike | None) -> None:
        ...
class System:
    """
    System: one model family of VGen, as a value: its network, what it was trained with, what it takes beside a prompt,
    and the flow from noise to latents. The table is explicit; a program may run its own System with a Pipeline.
    """
    def __repr__(self) -> str:
        ...
    @property
    def index(self) -> ModelIndex:
        """
        schedule, prediction and defaults of the released checkpoint
        """
    @property
    def name(self) -> str:
        """
        "t2v", "i2vgen_xl", ...
        """
    @property
    def needs_image(self) -> bool:
        """
        True if image= is required.
        """
    @property
    def needs_video(self) -> bool:
        """
        True if video= is required.
        """
    @property
    def paper(self) -> str:
        """
        Where it is described.
        """
    @property
    def summary(self) -> str:
        """
        What it does, in a line.
        """
    @property
    def unet(self) -> vgen._core.unet.UNetOptions:
        """
        options of the released checkpoint's network
        """
class Clip:
    """
    A generated clip.
    """
    def __array__(self, dtype: typing.Any = None, copy: typing.Any = None) -> typing.Any:
        ...
    def __len__(self) -> int:
        ...
    def __repr__(self) -> str:
        ...
    def _repr_html_(self) -> str:
        ...
    def _repr_png_(self) -> bytes:
        ...
    def save(self, path: os.PathLike | str | bytes, options: vgen._core.video.WriteOptions | None = None, **kwargs) -> vgen._core.video.WriteReport:
        """
        Writes the clip; the name decides the format (.mp4, .webm, .gif, .png, ...). Fields of video.WriteOptions may be given by name. The file appears complete or not at all.
        """
    @property
    def dropped_words(self) -> list[str]:
        """
        words of the prompt that did not fit into the text encoder's window
        """
    @property
    def fps(self) -> float:
        """
        frames a second
        """
    @property
    def frames(self) -> numpy.typing.NDArray[numpy.uint8]:
        """
        uint8 [F, H, W, C], a NumPy view of the clip's own memory
        """
    @property
    def latents(self) -> torch.Tensor:
        """
        [1, C, F, h, w], scaled, float32
        """
    @property
    def manifest(self) -> typing.Any:
        """
        everything that made it, as a dict; it is also kept inside the saved file
        """
    @property
    def seed(self) -> int:
        """
        The seed it was made from.
        """
class Plan:
    """
    A request with every default filled in and checked. ConfigError names the option and the nearest valid value.
    """
    def __repr__(self) -> str:
        ...
    def to_dict(self) -> dict:
        """
        Everything, as vgen gen --dry-run --json prints it.
        """
    @property
    def decode_chunk(self) -> int:
        """
        Frames decoded at once.
        """
    @property
    def memory_bytes(self) -> float:
        """
        estimated peak, weights included
        """
    @property
    def request(self) -> Request:
        """
        all optionals set that the model takes
        """
    @property
    def sampler(self) -> vgen._core.samplers.DdimOptions | vgen._core.samplers.DdpmOptions | vgen._core.samplers.Dpmpp2mOptions | vgen._core.samplers.Dpmpp2mSdeOptions | vgen._core.samplers.Dpmpp3mOptions | vgen._core.samplers.DpmppSdeOptions | vgen._core.samplers.EulerOptions | vgen._core.samplers.EulerAncestralOptions | vgen._core.samplers.HeunOptions | vgen._core.samplers.UniPcOptions | vgen._core.samplers.LcmOptions | vgen._core.samplers.TcdOptions | vgen._core.samplers.PlmsOptions:
        """
        Options of the sampler, complete.
        """
    @property
    def seeds(self) -> list[int]:
        """
        One a clip.
        """
class IteratedStep(vgen._core.samplers.Step):
    """
    A step of pipe.steps(...).
    """
    def preview(self, fps: typing.SupportsFloat = 8) -> numpy.typing.NDArray[numpy.uint8]:
        """
        Frames uint8 [F, H, W, C] of the clean sample that the model sees in this step, decoded.
        """
class StepIterator:
    """
    Steps of one sampling run, one at a time: a run that is iterated, looked at, and stopped at will.
    """
    def __enter__(self) -> typing.Any:
        ...
    def __exit__(self, *args) -> None:
        ...
    def __iter__(self) -> typing.Any:
        ...
    def __next__(self) -> IteratedStep:
        ...
    def close(self) -> None:
        """
        Stops the run; leaving the loop does the same.
        """
class Pipeline:
    """
    Pipeline: a model folder made ready to turn prompts into clips.

      auto pipe = vgen::Pipeline::from_pretrained("models/shapes");
      pipe.generate({.prompt = "a red circle moving left on a black background", .seed = 7}).front().save("out.mp4");
    """
    @staticmethod
    def from_pretrained(folder: os.PathLike | str | bytes | None = None, *, device: str = 'cpu', dtype: typing.Any = 'fp32', system: str | None = None) -> Pipeline:
        """
        A model folder in any layout of model_folder.hpp: vgen's, diffusers', or the reference's files. Empty = the shipped
        model (VGEN_MODEL, else the one that was installed with the library). Weights are views of the files where number
        type and device agree. LoRA and adapters inside a UNet's checkpoint are attached. IoError, FormatError,
        WeightsError; nothing is half loaded.
        """
    @typing.overload
    def __init__(self, other: Pipeline) -> None:
        ...
    @typing.overload
    def __init__(self, components: Components) -> None:
        ...
    def decode(self, latents: torch.Tensor, fps: typing.SupportsFloat = 8, chunk: typing.SupportsInt = 4) -> numpy.typing.NDArray[numpy.uint8]:
        """
        Frames uint8 [F, H, W, C] of scaled latents [1, C, F, h, w].
        """
    def denoise(self, plan: Plan, seed: typing.SupportsInt, inputs: Inputs = ..., *, on_step: vgen._core.samplers.OnStep | collections.abc.Callable[[vgen._core.samplers.Step], bool | None] | None = None, sampler: collections.abc.Callable[[vgen._core.diffusion.Denoiser, vgen._core.schedulers.NoiseSchedule, torch.Tensor, typing.Any, typing.Any], torch.Tensor] | None = None) -> torch.Tensor:
        """
        Denoising alone: scaled latents [1, C, F, h, w] of one seed.
        """
    def generate(self, request: Request, inputs: Inputs = ..., *, on_step: vgen._core.samplers.OnStep | collections.abc.Callable[[vgen._core.samplers.Step], bool | None] | None = None, progress: typing.Any = None, on_latents: typing.Any = None, sampler: collections.abc.Callable[[vgen._core.diffusion.Denoiser, vgen._core.schedulers.NoiseSchedule, torch.Tensor, typing.Any, typing.Any], torch.Tensor] | None = None) -> list[Clip]:
        """
        One clip a seed of the request. on_step(step) is called after each step, False stops early; progress(stage, done, total, seconds); on_latents(clip) before decoding; sampler: a function of your own in place of the request's.
        """
    def iterate(self, request: Request, inputs: Inputs = ..., *, on_step: vgen._core.samplers.OnStep | collections.abc.Callable[[vgen._core.samplers.Step], bool | None] | None = None, sampler: collections.abc.Callable[[vgen._core.diffusion.Denoiser, vgen._core.schedulers.NoiseSchedule, torch.Tensor, typing.Any, typing.Any], torch.Tensor] | None = None) -> StepIterator:
        """
        Steps of one sampling run, one at a time: a run that is iterated, looked at, and stopped at will.
        """
    def load_textual_inversion(self, path: os.PathLike | str | bytes) -> None:
        """
        Words of prompts whose vectors were learned (textual inversion, as DreamVideo's subjects have), in addition to
        those of earlier files. IoError, FormatError; ConfigError: a width that is not the text encoder's, a word that is
        learned already, or a text encoder that is not the folder's own.
        """
    def plan(self, request: Request, inputs: Inputs = ...) -> Plan:
        """
        A request with every default filled in and checked, and its memory estimated.
        """
    @property
    def components(self) -> Components:
        """
        The parts, shared by whoever uses them; any may be replaced by the caller's own.
        """
    @property
    def index(self) -> ModelIndex:
        """
        what model_index.json says
        """
class PartFile:
    """
    One part: which file, how it is named there, and what it is.
    """
    def __repr__(self) -> str:
        ...
    @property
    def adapters(self) -> bool:
        """
        the file also holds LoRA or adapters of the network (adapters::load)
        """
    @property
    def file(self) -> pathlib.Path:
        """
        The weight file.
        """
    @property
    def layout(self) -> str:
        """
        Whose names its tensors have: "vgen", "reference" or "diffusers".
        """
    @property
    def options(self) -> vgen._core.conditioning.ClipTextOptions | vgen._core.unet.UNetOptions | vgen._core.vae.AutoencoderKlOptions | vgen._core.conditioning.ClipVisionOptions:
        """
        options of the part's network
        """
    @property
    def part(self) -> str:
        """
        "text_encoder", "unet", "vae" or "image_encoder".
        """
    @property
    def prefix(self) -> str:
        """
        of its names in the file, "first_stage_model."
        """
class ModelFolder:
    """
    ModelFolder: a model on disk, in any layout that vgen reads, opened without loading its weights.
      vgen         model_index.json with "system"; text_encoder/, unet/, vae/ with config.json and model.safetensors
      diffusers    model_index.json with "_class_name"; the same folders, tokenizer/ and scheduler/
      reference    weight files side by side, as VGen and ModelScope keep them: a UNet's .pth, an autoencoder's .pth or a
                   Stable Diffusion .ckpt, open_clip's .bin; which is which is read from their tensors' names
    An image encoder stands beside these where a system looks at pictures.
    """
    def __repr__(self) -> str:
        ...
    @property
    def image_encoder(self) -> PartFile | None:
        """
        PartFile of CLIP's image tower, or None.
        """
    @property
    def index(self) -> ModelIndex:
        """
        Its ModelIndex, read or concluded.
        """
    @property
    def layout(self) -> str:
        """
        "vgen", "reference" or "diffusers".
        """
    @property
    def notes(self) -> list[str]:
        """
        what was assumed
        """
    @property
    def path(self) -> pathlib.Path:
        """
        The folder.
        """
    @property
    def text_encoder(self) -> PartFile:
        """
        PartFile of the text encoder.
        """
    @property
    def unet(self) -> PartFile:
        """
        PartFile of the UNet.
        """
    @property
    def vae(self) -> PartFile:
        """
        PartFile of the autoencoder.
        """
class ConvertReport:
    """
    What convert wrote.
    """
    class Item:
        """
        One weight file.
        """
        def __repr__(self) -> str:
            ...
        @property
        def bytes(self) -> int:
            """
            Size of the result.
            """
        @property
        def parameters(self) -> int:
            """
            Number of values.
            """
        @property
        def path(self) -> pathlib.Path:
            """
            File that was written.
            """
        @property
        def source(self) -> pathlib.Path:
            """
            File that was read.
            """
        @property
        def tensors(self) -> int:
            """
            Number of tensors.
            """
        @property
        def what(self) -> str:
            """
            "unet in the reference's names".
            """
    def __repr__(self) -> str:
        ...
    def to_dict(self) -> dict:
        """
        Everything, as vgen convert --json prints it.
        """
    @property
    def items(self) -> list[ConvertReport.Item]:
        """
        One Item a part.
        """
    @property
    def notes(self) -> list[str]:
        """
        what the result lacks or assumes
        """
def convert(source: os.PathLike | str | bytes, target: os.PathLike | str | bytes, *, to: str | None = None, dtype: torch.dtype | None = None, part: str | None = None, system: str | None = None, dry_run: bool = False, progress: typing.Any = None) -> ConvertReport:
    """
    convert: weights rewritten under the names of another layout, in another number type, or in another container.

    File to file (the container by dst's extension) or model folder to model folder. Atomic: dst appears complete or not
    at all. Holds one copy of a part's weights at most. ConfigError: dst exists (a folder), is src, or has no weight
    file's extension; UnsupportedError: the layout has no place for something; WeightsError, IoError (too little space,
    found before writing).
    """
def load_part(part: PartFile, module: vgen._core.nn.Module, *, dtype: torch.dtype | None = None, check_finite: bool = False) -> vgen._core.weights.AuditReport:
    """
    Replaces the parameters of a module by the part's, in whichever layout its file is, all or none. WeightsError begins with the file.
    """
def open_model_folder(folder: os.PathLike | str | bytes, *, system: str | None = None) -> ModelFolder:
    """
    `system`: which one's model it is, where the folder leaves that open (shapes that fit several, several UNets side by
    side). IoError or WeightsError naming the missing part, who needs it and what was found instead, or what a UNet of
    another system looks like; FormatError, ConfigError.
    """
def open_part(path: os.PathLike | str | bytes, *, part: str | None = None, system: str | None = None) -> PartFile:
    """
    The one part that a weight file, or a folder such as <model>/unet, holds; options from the config.json beside it
    where there is one, else from the shapes. WeightsError saying what the file holds if that is none, several, or of
    another system; IoError.
    """
def shipped_model() -> pathlib.Path:
    """
    Folder of the shipped model; Unavailable if there is none.
    """
def system_named(name: str) -> System:
    """
    One of systems(). ConfigError naming the nearest.
    """
def systems() -> list[System]:
    """
    Every system of the family: its network, what it was trained with, what it takes.
    """
def write_part(folder: os.PathLike | str | bytes, part: str, config: typing.Any, module: vgen._core.nn.Module, dtype: torch.dtype = ...) -> None:
    """
    Writes <folder>/<part>/config.json and model.safetensors of a module, converted to dtype.
    """
def write_tiny_model(system: str, folder: os.PathLike | str | bytes, seed: typing.SupportsInt = 0) -> None:
    """
    Writes a model folder; ConfigError for an unknown system, IoError if the folder exists. Equal seeds give equal files.
    """
