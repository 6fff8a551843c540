"""From a prompt to a clip."""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Never, NoReturn, Self, TypeAlias, overload

import numpy as np
import numpy.typing as npt
import torch

from vgen import _core, samplers, video
from vgen._arguments import refuse
from vgen._core.pipelines import (
    Clip,
    Components,
    ConvertReport,
    GenerationDefaults,
    Inputs,
    IteratedStep,
    ModelFolder,
    ModelIndex,
    PartFile,
    Plan,
    Request,
    StepIterator,
    System,
    convert,
    load_part,
    open_model_folder,
    open_part,
    shipped_model,
    system_named,
    systems,
    write_part,
    write_tiny_model,
)
from vgen._core.unet import UNet
from vgen._core.vae import AutoencoderKl
from vgen.adapters import AdapterVerbs
from vgen.notebook import Progress

__all__ = [
    "Clip",
    "Components",
    "ConvertReport",
    "GenerationDefaults",
    "Inputs",
    "IteratedStep",
    "ModelFolder",
    "ModelIndex",
    "PartFile",
    "Pipeline",
    "Plan",
    "Request",
    "StepIterator",
    "System",
    "convert",
    "load_part",
    "open_model_folder",
    "open_part",
    "shipped_model",
    "system_named",
    "systems",
    "write_part",
    "write_tiny_model",
]

StepEnd: TypeAlias = Callable[["Pipeline", int, float, dict[str, Any]], Mapping[str, Any] | None]
Seeds: TypeAlias = int | Sequence[int]
Generators: TypeAlias = torch.Generator | Sequence[torch.Generator]
# A file, a PIL picture, or pixels: uint8 [H, W, C], of a clip [F, H, W, C].
Pictures: TypeAlias = str | os.PathLike[str] | npt.ArrayLike

# What other programs call the arguments of Pipeline's functions.
_OTHER_NAMES = {
    "torch_dtype": "dtype",
    "pretrained_model_name_or_path": "path",
    "steps": "num_inference_steps",
    "frames": "num_frames",
    "guidance": "guidance_scale",
    "cfg": "guidance_scale",
    "count": "num_videos_per_prompt",
    "scheduler": "sampler",
    "callback": "callback_on_step_end",
}
# What diffusers has and this pipeline hasn't: arguments and attributes, and what to do.
_ELSEWHERE = {
    "output_type": "a clip has pixels and latents: clip.frames, clip.latents",
    "return_dict": "leave it out: the call gives a Clip, or a list of them",
    "latents": "give seed or generator; a sampler of your own may begin with any latents",
    "prompt_embeds": "put an encoder of your own into pipe.components.text",
    "variant": "leave it out: fp16 files are found by themselves",
    "use_safetensors": "leave it out: every format is read without running code",
    "safety_checker": "leave it out: there is none",
    "scheduler": "choose per call: pipe(..., sampler='dpmpp_2m'); the schedule is pipe.index.schedule",
    "tokenizer": "the text encoder takes texts: pipe.components.text; by itself it is vgen.text.Tokenizer",
    "config": "it is pipe.index",
    "to": "name device and number type when loading: Pipeline.from_pretrained(folder, device='cuda', dtype='bf16')",
    "save_pretrained": "vgen.pipelines.convert(folder, new_folder, to='diffusers') writes every layout",
    **dict.fromkeys(
        (
            "enable_attention_slicing",
            "enable_freeu",
            "enable_model_cpu_offload",
            "enable_sequential_cpu_offload",
            "enable_vae_slicing",
            "enable_vae_tiling",
            "enable_xformers_memory_efficient_attention",
        ),
        "leave it out: what does not fit into memory is split by itself (pipe.plan says how)",
    ),
}


class Pipeline(AdapterVerbs, _core.pipelines.Pipeline):
    __doc__ = _core.pipelines.Pipeline.__doc__

    _interrupt = False  # a callback may set it, as in diffusers: the run stops after the step
    _progress_bar: bool | None = None

    @classmethod
    def from_pretrained(  # type: ignore[override]
        cls,
        path: str | os.PathLike[str] | None = None,
        *,
        device: str | torch.device = "cpu",
        dtype: str | torch.dtype = "fp32",
        system: str | None = None,
        **unknown: Never,
    ) -> Self:
        """The model in a folder; without one the model that is shipped with vgen (or the folder VGEN_MODEL names).

        device: "cpu", "cuda", "cuda:1". dtype: torch.float32, bfloat16 or float16, or "fp32", "bf16", "fp16".
        system: "i2vgen_xl", ...: whose model it is, where the folder leaves that open (released checkpoints side by side, or of a
        shape that several systems share). IoError, FormatError or WeightsError say which part is missing or does not fit, and of
        a UNet of another system which one it looks like; nothing is half loaded.
        """
        if unknown:
            refuse(unknown, cls.from_pretrained, _ELSEWHERE | _OTHER_NAMES)
        return cls(_core.pipelines.Pipeline.from_pretrained(path, device=str(device), dtype=dtype, system=system))

    @property
    def unet(self) -> UNet:
        """The network, which adapters are attached to: components.unet."""
        return self.components.unet

    @property
    def vae(self) -> AutoencoderKl:
        """Frames to latents and back: components.vae."""
        return self.components.vae

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            hint = f"; {_ELSEWHERE[name]}" if name in _ELSEWHERE else ""
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}{hint}", name=name, obj=self)

    def set_progress_bar_config(self, *, disable: bool = False) -> None:
        """disable=True: no progress line; by default there is one in terminals and notebooks."""
        self._progress_bar = not disable

    @overload
    def __call__(
        self,
        prompt: str | None = ...,
        *,
        negative_prompt: str | None = ...,
        num_frames: int | None = ...,
        num_inference_steps: int | None = ...,
        guidance_scale: float | None = ...,
        guidance_rescale: float | None = ...,
        height: int | None = ...,
        width: int | None = ...,
        fps: float | None = ...,
        sampler: Any = ...,
        image: Pictures | None = ...,
        video: Pictures | None = ...,
        style: Pictures | None = ...,
        conditions: Mapping[str, torch.Tensor | str] | None = ...,
        motion: float | None = ...,
        appearance: float | None = ...,
        seed: int | None = ...,
        generator: torch.Generator | None = ...,
        num_videos_per_prompt: Literal[1] = ...,
        callback_on_step_end: StepEnd | None = ...,
        callback_on_step_end_tensor_inputs: Sequence[str] = ...,
        decode_chunk: int = ...,
    ) -> Clip: ...
    @overload
    def __call__(
        self,
        prompt: str | Sequence[str] | None = ...,
        *,
        negative_prompt: str | None = ...,
        num_frames: int | None = ...,
        num_inference_steps: int | None = ...,
        guidance_scale: float | None = ...,
        guidance_rescale: float | None = ...,
        height: int | None = ...,
        width: int | None = ...,
        fps: float | None = ...,
        sampler: Any = ...,
        image: Pictures | None = ...,
        video: Pictures | None = ...,
        style: Pictures | None = ...,
        conditions: Mapping[str, torch.Tensor | str] | None = ...,
        motion: float | None = ...,
        appearance: float | None = ...,
        seed: Seeds | None = ...,
        generator: Generators | None = ...,
        num_videos_per_prompt: int = ...,
        callback_on_step_end: StepEnd | None = ...,
        callback_on_step_end_tensor_inputs: Sequence[str] = ...,
        decode_chunk: int = ...,
    ) -> list[Clip]: ...
    def __call__(
        self,
        prompt: str | Sequence[str] | None = None,
        *,
        negative_prompt: str | None = None,
        num_frames: int | None = None,
        num_inference_steps: int | None = None,
        guidance_scale: float | None = None,
        guidance_rescale: float | None = None,
        height: int | None = None,
        width: int | None = None,
        fps: float | None = None,
        sampler: Any = None,
        image: Pictures | None = None,
        video: Pictures | None = None,
        style: Pictures | None = None,
        conditions: Mapping[str, torch.Tensor | str] | None = None,
        motion: float | None = None,
        appearance: float | None = None,
        seed: Seeds | None = None,
        generator: Generators | None = None,
        num_videos_per_prompt: int = 1,
        callback_on_step_end: StepEnd | None = None,
        callback_on_step_end_tensor_inputs: Sequence[str] = ("latents",),
        decode_chunk: int = 0,
        **unknown: Any,
    ) -> Clip | list[Clip]:
        """A clip of what the prompt says; a list of them for several prompts, seeds or num_videos_per_prompt > 1.

        What is None comes from the model's defaults (pipe.index.defaults).

        sampler: a name ("dpmpp_2m"), options (samplers.DdimOptions(eta=1)), or a function of your own
            (denoiser, schedule, noise, source, on_step) -> latents.
        image: the first frame (i2vgen_xl, video_composer), or what guides motion adapters. A path, a PIL picture, or uint8 [H, W, C].
        style: a picture that the clip shall look like (video_composer, tf_t2v).
        video: the clip to enlarge (sr600). A path, or uint8 [F, H, W, C].
        conditions: ready-made tensors [1, ..] under the names in pipe.components.unet.declared: depth, sketch, motion, ..., as
            conditioning.compose puts them together. Its text is the prompt where none is given.
        motion, appearance: how much moves between frames, 0 to 999, and how much the looks change, 0 to 1 (higen).
        seed: equal seeds give equal clips, in C++, Python and on the command line. Several clips get seed, seed + 1, ...; a list
            gives each its own.
        generator: torch.Generator on the CPU instead of a seed. A fresh one gives the noise of its seed; every use moves it on.
        callback_on_step_end: (pipe, index, t, {"latents": ...}) after each step, as in diffusers; a dict that it returns may put
            other latents in their place. Set pipe._interrupt = True in it to stop early.
        If decoding fails, the exception has the finished latents as its attribute `latents` (see decode).
        """
        if unknown:
            refuse(unknown, Pipeline.__call__, _ELSEWHERE | _OTHER_NAMES)
        prompt = _prompt(prompt, conditions, Pipeline.__call__)
        many = isinstance(prompt, (list, tuple))
        prompts = list(prompt) if many else [prompt]
        several = many or num_videos_per_prompt != 1 or isinstance(seed, Sequence) or isinstance(generator, Sequence)
        seeds = _seeds(seed, generator, len(prompts) * num_videos_per_prompt)
        options, function = self._sampler(sampler, num_inference_steps)
        request = _given(
            negative_prompt=negative_prompt,
            frames=num_frames,
            steps=None if function else num_inference_steps,
            guidance=guidance_scale,
            guidance_rescale=guidance_rescale,
            height=height,
            width=width,
            fps=fps,
            sampler=options,
            motion=motion,
            appearance=appearance,
        )
        inputs = _inputs(image, video, style, conditions)
        on_step = self._step_end(callback_on_step_end, callback_on_step_end_tensor_inputs)
        clips: list[Clip] = []
        for i, each in enumerate(prompts):
            own = seeds[i * num_videos_per_prompt : (i + 1) * num_videos_per_prompt]
            clips += self._run(Request(prompt=each, seeds=own, decode_chunk=decode_chunk, **request), inputs, on_step, function)
        return clips if several else clips[0]

    def steps(
        self,
        prompt: str | None = None,
        *,
        negative_prompt: str | None = None,
        num_frames: int | None = None,
        num_inference_steps: int | None = None,
        guidance_scale: float | None = None,
        guidance_rescale: float | None = None,
        height: int | None = None,
        width: int | None = None,
        sampler: Any = None,
        image: Pictures | None = None,
        video: Pictures | None = None,
        style: Pictures | None = None,
        conditions: Mapping[str, torch.Tensor | str] | None = None,
        motion: float | None = None,
        appearance: float | None = None,
        seed: int | None = None,
        generator: torch.Generator | None = None,
        **unknown: Any,
    ) -> StepIterator:
        """The steps of one run, one at a time: step.index, step.latent, step.x0, step.preview(). Leaving the loop stops the run.

        for step in pipe.steps("a blue square growing", seed=1):
            if step.index == 5: frames = step.preview()
        """
        if unknown:
            refuse(unknown, Pipeline.steps, _ELSEWHERE | _OTHER_NAMES)
        options, function = self._sampler(sampler, num_inference_steps)
        request = _given(
            negative_prompt=negative_prompt,
            frames=num_frames,
            steps=None if function else num_inference_steps,
            guidance=guidance_scale,
            guidance_rescale=guidance_rescale,
            height=height,
            width=width,
            sampler=options,
            motion=motion,
            appearance=appearance,
        )
        prompt = _prompt(prompt, conditions, Pipeline.steps)
        chosen = Request(prompt=prompt, seeds=_seeds(seed, generator, 1), **request)
        return self.iterate(chosen, _inputs(image, video, style, conditions), sampler=function)

    def _run(self, request: Request, inputs: Inputs, on_step: Any, function: Any) -> list[Clip]:
        latents: list[torch.Tensor] = []
        progress = Progress(self._progress_bar)
        try:
            return self.generate(
                request,
                inputs,
                on_step=on_step,
                progress=progress,
                on_latents=lambda clip: latents.append(clip.latents),
                sampler=function,
            )
        except Exception as error:
            if latents:
                error.latents = latents[-1]  # type: ignore[attr-defined]
                error.add_note("The latents are finished and kept: pipe.decode(error.latents) goes on from them.")
            raise
        finally:
            progress.close()

    def _sampler(self, given: Any, steps: int | None) -> tuple[Any, Any]:
        """(options, None) of one of our samplers, or (None, function)."""
        if given is None:
            return None, None
        if isinstance(given, str):
            return samplers.sampler_named(given), None
        if not callable(given):
            return given, None
        if steps is not None:
            raise _core.ConfigError(
                "sampler: a function knows its own number of steps, so num_inference_steps has no effect; "
                "leave it out, or bind it: functools.partial(function, steps=30)"
            )
        return None, given

    def _step_end(self, callback: StepEnd | None, names: Sequence[str]) -> Any:
        if callback is None:
            return None
        for name in names:
            if name != "latents":
                raise _core.ConfigError(f"callback_on_step_end_tensor_inputs: only 'latents' can be given, got '{name}'")
        self._interrupt = False

        def on_step(step: samplers.Step) -> bool:
            answer = callback(self, step.index, step.t, {"latents": step.latent} if names else {})
            if answer is not None and "latents" in answer:
                step.latent = answer["latents"]
            return not self._interrupt

        return on_step

    def __repr__(self) -> str:
        parts: Components = self.components
        return f"Pipeline({parts.folder!r}, unet={parts.unet!r}, vae={parts.vae!r}, text={type(parts.text).__name__})"


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _pixels(given: Pictures, name: str) -> npt.NDArray[np.uint8]:
    """uint8 [F, H, W, C]; ConfigError, MediaError or ShapeError say what was given."""
    if isinstance(given, (str, os.PathLike)):
        return video.read_image(given) if name != "video" else video.read_video(given)[0]
    pixels = np.asarray(given)
    if pixels.ndim == 2 and pixels.dtype == np.uint8:
        pixels = np.repeat(pixels[:, :, None], 3, axis=2)
    return pixels[None] if pixels.ndim == 3 and name != "video" else pixels


def _inputs(
    image: Pictures | None, clip: Pictures | None, style: Pictures | None, conditions: Mapping[str, Any] | None
) -> Inputs:
    return Inputs(
        image=None if image is None else _pixels(image, "image"),
        video=None if clip is None else _pixels(clip, "video"),
        style=None if style is None else _pixels(style, "style"),
        conditions={name: value for name, value in (conditions or {}).items() if name != "text"},
    )


def _prompt(given: str | Sequence[str] | None, conditions: Mapping[str, Any] | None, function: Callable[..., Any]) -> Any:
    """The prompt, else the text of conditioning.compose."""
    if given is None:
        given = (conditions or {}).get("text")
    if given is None:
        raise TypeError(
            f"{function.__qualname__}: no prompt: give one, or conditions with a text (conditioning.compose(text=...))"
        )
    return given


def _seeds(seed: Seeds | None, generator: Generators | None, count: int) -> list[int]:
    if seed is not None and generator is not None:
        raise _core.ConfigError("seed and generator exclude each other; give one of them")
    if count < 1:
        raise _core.ConfigError(f"num_videos_per_prompt: must be at least 1 for at least one prompt, got {count} clips")
    many: list[int]
    if isinstance(generator, torch.Generator):
        many = [_seed_of(generator) for _ in range(count)]
    elif generator is not None:
        many = [_seed_of(each) for each in _listed("generator", "a torch.Generator", generator)]
    elif isinstance(seed, Sequence):
        many = [_seed(each) for each in _listed("seed", "an integer", seed)]
    else:
        first = _seed(0 if seed is None else seed)
        many = [first + i for i in range(count)]
    if len(many) != count:
        raise _core.ConfigError(f"expected {count} seeds or generators, one a clip, got {len(many)}")
    return many


def _listed(name: str, kind: str, given: Any) -> Sequence[Any]:
    if isinstance(given, Sequence) and not isinstance(given, (str, bytes)):
        return given
    raise _core.ConfigError(f"{name}: expected {kind} or a list of them, got {given!r}")


def _seed(given: Any) -> int:
    try:
        seed = operator.index(given)
    except TypeError:
        raise _core.ConfigError(f"seed: expected an integer or a list of them, got {given!r}") from None
    if not 0 <= seed < 2**64:
        raise _core.ConfigError(f"seed: out of range: must be at least 0 and fit into 64 bits, got {seed}")
    return seed


def _seed_of(generator: torch.Generator) -> int:
    """The generator's own seed while it is fresh, else a draw from it; either way it moves on."""
    if not isinstance(generator, torch.Generator):
        raise _core.ConfigError(f"generator: expected a torch.Generator or a list of them, got {generator!r}")
    if generator.device.type != "cpu":
        raise _core.ConfigError("generator: must be on the CPU, so that a seed gives the same clip on every device")
    fresh = torch.Generator().manual_seed(generator.initial_seed())
    first = bool(torch.equal(generator.get_state(), fresh.get_state()))
    drawn = int(torch.randint(0, 2**63 - 1, (), generator=generator))
    return generator.initial_seed() if first else drawn
