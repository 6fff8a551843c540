"""Encoders of prompts and pictures; derive from Encoder to bring your own. Conditions of clips: found, drawn, put together."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy.typing as npt
import torch

from vgen import _core
from vgen._arguments import refuse
from vgen._core.conditioning import *  # noqa: F403

Maps: TypeAlias = torch.Tensor | npt.ArrayLike

# What other programs, and the reference, call the arguments of compose.
_OTHER_NAMES = {
    "depthmap": "depth",
    "motion_vectors": "motion",
    "palette": "histogram",
    "prompt": "text",
    "video": "frames",
    "masked": "mask",
}


def compose(
    *,
    text: str | None = None,
    depth: Maps | None = None,
    sketch: Maps | None = None,
    canny: Maps | None = None,
    single_sketch: Maps | None = None,
    local_image: Maps | None = None,
    motion: Maps | None = None,
    frames: Maps | None = None,
    mask: Maps | None = None,
    image: Maps | None = None,
    histogram: Maps | None = None,
    num_frames: int = 0,
    **unknown: Any,
) -> dict[str, Any]:
    """VideoComposer's conditions (Wang et al. 2023, section 3.2) put together from any subset of them, checked against each other.

    pipe(conditions=compose(text="a fox", depth=depth(frames), motion=motion_vectors("clip.mp4"), mask=None))

    text: the prompt of a pipeline that is given no other.
    depth, sketch, canny: [F, 1, H, W]. motion: [F, 2, H, W]. single_sketch, local_image: [1 or F, C, H, W], one picture for all.
    frames, mask: [1 or F, 3, H, W] and [1 or F, 1, H, W] or [H, W], 1 = to be filled; they become "masked".
    image: [D], a picture's embedding by CLIP, for the style. histogram: [bins] or [F, bins].
    num_frames: F where no map says it; 0 = one. None is left out.
    The conditions [1, C, F, H, W], [1, 1, D] and [1, F, bins] under the names that the network declares. ShapeError naming the
    condition that has another shape than its kind, or other frames than the rest, with the fix; ConfigError for a mask without
    frames; TypeError naming the nearest of an unknown name.
    """
    if unknown:
        refuse(unknown, compose, _OTHER_NAMES)
    if text is not None and not isinstance(text, str):
        raise TypeError(f"compose: 'text' must be one prompt, a str, got {type(text).__name__}")
    given = {
        "depth": depth,
        "sketch": sketch,
        "canny": canny,
        "single_sketch": single_sketch,
        "local_image": local_image,
        "motion": motion,
        "frames": frames,
        "mask": mask,
        "image": image,
        "histogram": histogram,
    }
    maps = {name: _map(name, value) for name, value in given.items() if value is not None}
    conditions: dict[str, Any] = _core.conditioning.compose(**maps, num_frames=num_frames)
    return conditions if text is None else {"text": text, **conditions}


def _map(name: str, value: Any) -> torch.Tensor:
    """A tensor; pixels of frames and of a local_image, uint8 [F, H, W, C] or [H, W, C], become [F, 3, H, W] in [0, 1]."""
    try:
        tensor = torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(
            f"compose: '{name}' must be a tensor, got {type(value).__name__}; conditioning.depth, sketch, canny, motion_vectors, "
            "histogram, drawn_motion and drawn_mask make them"
        ) from None
    if name in ("frames", "local_image") and tensor.dtype == torch.uint8:
        return _core.conditioning.to_frames(tensor if tensor.ndim == 4 else tensor[None])
    if name == "mask" and tensor.ndim == 2:
        tensor = tensor[None, None]
    return tensor if tensor.is_floating_point() else tensor.float()
