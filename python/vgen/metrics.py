"""The judge of the shapes world, its evaluation, and the Frechet distance."""

from __future__ import annotations

from typing import Any

from vgen import _core, data
from vgen._core.metrics import *  # noqa: F403
from vgen._core.metrics import ShapesTable, judge, score


def evaluate_shapes(pipe: _core.pipelines.Pipeline, count: int = 500, seed: int = 0, **request: Any) -> dict[str, ShapesTable]:
    """Generates `count` evaluation prompts and lets the judge read the clips, as `vgen eval shapes` does.

    Prompt k has seed `seed + k`; other fields of pipelines.Request may be given by name (steps=10, sampler="dpmpp_2m").
    Returns the tables "seen", "unseen" (combinations that were never trained on) and "total".
    """
    tables = {name: ShapesTable() for name in ("seen", "unseen", "total")}
    for k, prompt in enumerate(data.eval_prompts(count, seed)):
        (clip,) = pipe.generate(_core.pipelines.Request(prompt=prompt.caption, seed=seed + k, **request))
        result = score(judge(clip.frames), prompt.attributes)
        tables["total"].add(result)
        tables["unseen" if prompt.unseen else "seen"].add(result)
    return tables
