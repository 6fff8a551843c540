"""LoRA, identity and motion adapters: attached to a network, scaled, merged, removed; and the verbs that a pipeline has for them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from vgen import _core
from vgen._core.adapters import *  # noqa: F403
from vgen._core.adapters import Adapter, Injection, inject, load

if TYPE_CHECKING:
    from vgen._core.pipelines import Components


class AdapterVerbs:
    """Adapters of a pipeline by name, with diffusers' words. Those that are loaded act in every clip that is made afterwards."""

    if TYPE_CHECKING:

        @property
        def components(self) -> Components: ...

    @property
    def adapters(self) -> dict[str, Injection]:
        """The handles by name, in the order of loading."""
        if "_adapters" not in self.__dict__:
            self._adapters: dict[str, Injection] = {}
            self._weights: dict[str, float] = {}
        return self._adapters

    def load_adapter(
        self,
        source: str | os.PathLike[str] | Mapping[str, torch.Tensor] | Adapter,
        adapter_name: str | None = None,
        *,
        scale: float = 1.0,
        steps: tuple[int, int] | None = None,
        weight_name: str | None = None,
        **options: Any,
    ) -> Injection:
        """Loads a LoRA, an identity or a motion adapter and attaches it; several add up.

        source: a file, a folder (with weight_name, or PEFT's), a state dict, or an adapters.Adapter.
        adapter_name: without one the file's name, such as "style" of style.safetensors; default_0, ... of a dict.
        scale: how strongly it acts; steps: the first and last denoising step in which it does, from 0.
        options: position, ignore, ignore_base, as adapters.inject takes them.
        WeightsError with one report if it does not fit; the network is then as it was.
        """
        name = self._free_name(source) if adapter_name is None else adapter_name
        if name in self.adapters:
            raise _core.ConfigError(
                f"adapter '{name}' is loaded already; delete_adapters('{name}') first, or give another adapter_name"
            )
        if isinstance(source, (str, os.PathLike)):
            adapter = load(Path(source) / weight_name if weight_name else Path(source))
        else:
            adapter = source if isinstance(source, Adapter) else Adapter(dict(source))
        handle = inject(self.components.unet, adapter, scale=scale, **options)
        if steps is not None:
            handle.steps = steps
        self.adapters[name] = handle
        self._weights[name] = scale
        self._tell_components()
        return handle

    def load_lora_weights(
        self,
        pretrained_model_name_or_path_or_dict: str | os.PathLike[str] | Mapping[str, torch.Tensor],
        adapter_name: str | None = None,
        **options: Any,
    ) -> None:
        """As in diffusers; load_adapter returns the handle and says what can be given."""
        self.load_adapter(pretrained_model_name_or_path_or_dict, adapter_name, **options)

    def set_adapters(self, adapter_names: str | Sequence[str], adapter_weights: float | Sequence[float] | None = None) -> None:
        """The adapters that act from now on, with their scales (1 if none are given); the other ones do not."""
        names = [adapter_names] if isinstance(adapter_names, str) else list(adapter_names)
        if adapter_weights is None:
            adapter_weights = 1.0
        weights = [float(adapter_weights)] * len(names) if isinstance(adapter_weights, (int, float)) else list(adapter_weights)
        self._expect(names)
        if len(weights) != len(names):
            raise _core.ConfigError(f"set_adapters: {len(names)} names but {len(weights)} weights; give one for each")
        given = dict(zip(names, weights, strict=True))
        for name, handle in self.adapters.items():
            handle.scale = given.get(name, 0.0)
            self._weights[name] = given.get(name, self._weights[name])

    def get_active_adapters(self) -> list[str]:
        """Names of the adapters whose scale is not 0."""
        return [name for name, handle in self.adapters.items() if handle.scale != 0]

    def get_list_adapters(self) -> dict[str, list[str]]:
        """{"unet": names of all that are loaded}, as in diffusers; empty without any."""
        return {"unet": list(self.adapters)} if self.adapters else {}

    def delete_adapters(self, adapter_names: str | Sequence[str]) -> None:
        """Detaches them; the network is bit for bit as if they had never been there."""
        names = [adapter_names] if isinstance(adapter_names, str) else list(adapter_names)
        self._expect(names)
        for name in names:
            self.adapters.pop(name).remove()
            del self._weights[name]
        self._tell_components()

    def unload_lora_weights(self) -> None:
        """Detaches all adapters; the network is bit for bit as it was before the first."""
        self.delete_adapters(list(self.adapters))

    def disable_lora(self) -> None:
        """All adapters at scale 0, also identity and motion adapters, until enable_lora."""
        for handle in self.adapters.values():
            handle.scale = 0.0

    def enable_lora(self) -> None:
        """With the scales from before disable_lora."""
        for name, handle in self.adapters.items():
            handle.scale = self._weights[name]

    def fuse_lora(self, *, lora_scale: float = 1.0, adapter_names: str | Sequence[str] | None = None) -> None:
        """Folds LoRA into the weights, so that it costs nothing per step; the originals are kept for unfuse_lora.

        ConfigError for identity and motion adapters, and for those that act in some steps only.
        """
        names = (
            list(self.adapters)
            if adapter_names is None
            else [adapter_names]
            if isinstance(adapter_names, str)
            else list(adapter_names)
        )
        self._expect(names)
        for name in names:
            self.adapters[name].scale = self._weights[name] * lora_scale
            self.adapters[name].merge()

    def unfuse_lora(self) -> None:
        """The weights as they were before fuse_lora, bit for bit; the adapters stay attached."""
        for name, handle in self.adapters.items():
            if handle.merged:
                handle.unmerge()
                handle.scale = self._weights[name]

    def _free_name(self, source: object) -> str:
        """The name of the file or folder, with a number if an adapter has it already."""
        name = f"default_{len(self.adapters)}"
        if isinstance(source, (str, os.PathLike)):
            path = Path(source)
            name = path.name if path.is_dir() else path.stem
        if name not in self.adapters:
            return name
        return next(free for n in range(1, len(self.adapters) + 1) if (free := f"{name}_{n}") not in self.adapters)

    def _expect(self, names: Sequence[str]) -> None:
        for name in names:
            if name not in self.adapters:
                loaded = ", ".join(self.adapters) or "none"
                raise _core.ConfigError(f"no adapter is named '{name}'; loaded: {loaded}")

    def _tell_components(self) -> None:
        """The pipeline says to those in which step a run is."""
        self.components.adapters = list(self.adapters.values())
