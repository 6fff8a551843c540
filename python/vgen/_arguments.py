"""What a function with keywords says about one that it does not have."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any


def refuse(unknown: Mapping[str, Any], function: Callable[..., Any], other_names: Mapping[str, str] | None = None) -> None:
    """TypeError naming the nearest; other_names: the argument by the name that other programs give it, or what to do instead."""
    valid = [name for name in function.__annotations__ if name not in ("unknown", "return")]
    name = next(iter(unknown))
    near = (other_names or {}).get(name) or next(iter(difflib.get_close_matches(name, valid, 1)), None)
    hint = f"; did you mean '{near}'?" if near in valid else f"; {near}" if near and " " in near else ""
    raise TypeError(f"{function.__qualname__}: unknown argument '{name}'{hint} (valid: {', '.join(valid)})")
