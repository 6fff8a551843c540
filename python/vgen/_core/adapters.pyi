"""
LoRA, identity and motion adapters: attached to a network, scaled, merged, removed
"""
from __future__ import annotations
import collections.abc
import os
import torch
import typing
import vgen._core.unet
__all__: list[str] = ['Adapter', 'AdapterRequest', 'BottleneckOptions', 'Injection', 'LoadReport', 'LoraOptions', 'adapter_request', 'audit', 'identity_adapter', 'inject', 'load', 'motion_adapter']
class LoraOptions:
    """
    A LoRA to be trained: A is drawn from N(0, 1 / rank^2), B is zero, so that it changes nothing at first.

    Fields:
        rank = 4: width of the bottleneck
        alpha = None: the change is multiplied by alpha / rank; none: by 1
        match = '*.block.attn{1,2}.to_{q,k,v,out}': names of the linear layers: a glob with {a,b} for alternatives, * also matches dots
    """
    kind: typing.ClassVar[str] = 'lora'
    @staticmethod
    def from_dict(values: dict) -> LoraOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> LoraOptions:
        ...
    def __deepcopy__(self, memo: dict) -> LoraOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, rank: int = 4, alpha: float | None = None, match: str = '*.block.attn{1,2}.to_{q,k,v,out}') -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> LoraOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def alpha(self) -> float | None:
        """
        the change is multiplied by alpha / rank; none: by 1
        """
    @property
    def match(self) -> str:
        """
        names of the linear layers: a glob with {a,b} for alternatives, * also matches dots
        """
    @property
    def rank(self) -> int:
        """
        width of the bottleneck
        """
class BottleneckOptions:
    """
    Adapters to be trained: `up` is zero, so that they change nothing at first.

    Fields:
        match = '*.spatial.block': names of the transformer blocks, a glob as LoRA's
        after_attn1 = 'none': behind the first attention: none, parallel, serial
        after_attn2 = 'parallel': behind the second attention
        after_ff = 'none': behind the feed-forward
        hidden = 0: width between the two layers; 0: half of the block's
        condition_channels = 0: width of the condition `image` that shifts what is read; 0: there is none
    """
    kind: typing.ClassVar[str] = 'bottleneck'
    @staticmethod
    def from_dict(values: dict) -> BottleneckOptions:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> BottleneckOptions:
        ...
    def __deepcopy__(self, memo: dict) -> BottleneckOptions:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, match: str = '*.spatial.block', after_attn1: typing.Literal['none', 'parallel', 'serial'] = 'none', after_attn2: typing.Literal['none', 'parallel', 'serial'] = 'parallel', after_ff: typing.Literal['none', 'parallel', 'serial'] = 'none', hidden: int = 0, condition_channels: int = 0) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> BottleneckOptions:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def after_attn1(self) -> typing.Literal['none', 'parallel', 'serial']:
        """
        behind the first attention: none, parallel, serial
        """
    @property
    def after_attn2(self) -> typing.Literal['none', 'parallel', 'serial']:
        """
        behind the second attention
        """
    @property
    def after_ff(self) -> typing.Literal['none', 'parallel', 'serial']:
        """
        behind the feed-forward
        """
    @property
    def condition_channels(self) -> int:
        """
        width of the condition `image` that shifts what is read; 0: there is none
        """
    @property
    def hidden(self) -> int:
        """
        width between the two layers; 0: half of the block's
        """
    @property
    def match(self) -> str:
        """
        names of the transformer blocks, a glob as LoRA's
        """
class AdapterRequest:
    """
    Fields:
        file = '': path of the adapter
        scale = 1.0: how strongly it acts
        first_step = 0: of the denoising steps, from 0, in which it acts
        last_step = 2147483647: the last of them
    """
    kind: typing.ClassVar[str] = 'adapter'
    @staticmethod
    def from_dict(values: dict) -> AdapterRequest:
        """
        The inverse of to_dict; ConfigError naming what does not fit.
        """
    def __copy__(self) -> AdapterRequest:
        ...
    def __deepcopy__(self, memo: dict) -> AdapterRequest:
        ...
    def __eq__(self, other: typing.Any) -> typing.Any:
        ...
    def __getstate__(self) -> typing.Any:
        ...
    def __hash__(self) -> int:
        ...
    def __init__(self, *, file: str = '', scale: float = 1.0, first_step: int = 0, last_step: int = 2147483647) -> None:
        ...
    def __repr__(self) -> str:
        ...
    def __setstate__(self, arg0: typing.Any) -> None:
        ...
    def replace(self, **changes: typing.Any) -> AdapterRequest:
        """
        A copy with other values of some fields; a dict changes only what it names.
        """
    def to_dict(self) -> dict:
        """
        The fields as plain values, as a configuration file holds them.
        """
    @property
    def file(self) -> str:
        """
        path of the adapter
        """
    @property
    def first_step(self) -> int:
        """
        of the denoising steps, from 0, in which it acts
        """
    @property
    def last_step(self) -> int:
        """
        the last of them
        """
    @property
    def scale(self) -> float:
        """
        how strongly it acts
        """
class Adapter:
    """
    Adapter: the content of an adapter's file, not yet tied to a network. LoRA in the layouts of the reference
    (`..to_q_lora.down_linear.weight`), diffusers and PEFT (`unet.*.lora_A.weight`, `.lora.down.weight`, `processor.*`)
    and kohya (`lora_unet_*.lora_down.weight` with `alpha`); bottleneck adapters as the reference keeps them
    (`..cross_attn_adapter.down_linear.weight`); and vgen's own names.
    """
    def __init__(self, tensors: collections.abc.Mapping[str, torch.Tensor], *, source: str = 'state dict', alpha: typing.SupportsFloat | None = None) -> None:
        ...
    def __repr__(self) -> str:
        ...
    @property
    def alpha(self) -> float | None:
        """
        of every LoRA in it, where the file says so beside its tensors (PEFT)
        """
    @property
    def metadata(self) -> dict[str, str]:
        """
        Texts of the file's header.
        """
    @property
    def source(self) -> str:
        """
        Path of the file, for messages.
        """
    @property
    def tensors(self) -> dict[str, torch.Tensor]:
        """
        Tensors by the names of the file.
        """
class LoadReport:
    """
    How an adapter's file fits a network.
    """
    def __repr__(self) -> str:
        ...
    def __str__(self) -> str:
        ...
    def to_dict(self) -> dict:
        """
        Everything, as vgen gen --json prints it.
        """
    @property
    def base(self) -> list[str]:
        """
        Tensors of a base network in the same file.
        """
    @property
    def branches(self) -> int:
        """
        Identity and motion branches that were attached.
        """
    @property
    def fits(self) -> bool:
        """
        True if all of it fits and there is something to attach.
        """
    @property
    def ignored(self) -> list[str]:
        """
        Names that the caller asked to leave out.
        """
    @property
    def incomplete(self) -> list[str]:
        """
        Places of which a tensor is missing.
        """
    @property
    def layouts(self) -> list[str]:
        """
        seen in the file
        """
    @property
    def loras(self) -> int:
        """
        layers and ports with something to attach
        """
    @property
    def misshaped(self) -> list[str]:
        """
        "name: expected [..], got [..]".
        """
    @property
    def not_finite(self) -> list[str]:
        """
        Tensors that hold NaN or infinity.
        """
    @property
    def unknown(self) -> list[str]:
        """
        Names that belong to no place of the network.
        """
class Injection:
    """
    Injection: adapters attached to a network that knows nothing of them, and their handle. Several may be attached at
    once, to the same layers too, and come and go in any order; the network's own parameters are never written to.

      auto style = adapters::inject(unet, adapters::load("style.safetensors"), {.scale = 0.6});
      style.set_scale(0.3);
      style.remove();                                               // bit for bit as before

    A handle that goes away leaves its adapters attached. Changes are not for the middle of a forward pass.
    """
    def __repr__(self) -> str:
        ...
    def at_step(self, step: typing.SupportsInt) -> None:
        """
        Says where the run is, for adapters that act in some steps only.
        """
    def merge(self) -> None:
        """
        Folds the LoRA into the weights: nothing to compute at run time. The originals are kept, so that unmerge restores
        them bit for bit, in whatever order several injections are merged and unmerged. Needs room for one more copy of
        those weights. ConfigError if it holds bottleneck adapters, which no weight can express, or acts in some steps
        only.
        """
    def named_parameters(self) -> list[tuple[str, torch.Tensor]]:
        """
        "down.1.spatial.block.attn1.to_q.lora_down.weight", "down.1.spatial.block.after_attn2.up.bias": leaves that an
        optimiser can hold.
        """
    def parameters(self) -> list[torch.Tensor]:
        """
        Leaves that an optimiser can hold.
        """
    def remove(self) -> None:
        """
        detaches everything; the second call does nothing
        """
    def requires_grad_(self, requires_grad: bool = True) -> None:
        """
        Whether its parameters gather gradients.
        """
    def save(self, path: os.PathLike | str | bytes, layout: str = 'vgen') -> None:
        """
        Writes state_dict(layout); the name's ending chooses safetensors or .pth.
        """
    def state_dict(self, layout: str = 'vgen') -> dict[str, torch.Tensor]:
        """
        What adapters::load reads back. vgen: our names and "alpha"; reference, diffusers (PEFT), kohya: as those
        programs write it, ConfigError if the layout cannot express it.
        """
    def unmerge(self) -> None:
        """
        Restores the weights that merge replaced, bit for bit.
        """
    @property
    def attached(self) -> bool:
        """
        False after remove().
        """
    @property
    def merged(self) -> bool:
        """
        True while its LoRA is folded into the weights.
        """
    @property
    def report(self) -> LoadReport:
        """
        What was attached and what was left out: a LoadReport.
        """
    @property
    def scale(self) -> float:
        """
        any finite number; 0 switches it off
        """
    @scale.setter
    def scale(self, arg1: typing.SupportsFloat) -> None:
        ...
    @property
    def steps(self) -> tuple[int, int]:
        """
        Acts in these steps of a run only, counted from 0, both included; at_step says where the run is. ConfigError while
        merged.
        """
    @steps.setter
    def steps(self, arg1: tuple[typing.SupportsInt, typing.SupportsInt]) -> None:
        ...
def adapter_request(text: str) -> AdapterRequest:
    """
    "style.safetensors:0.6@0..30". What follows the last : is a scale if it is a number, what follows @ are steps if they
    are written first..last; else it belongs to the name. ConfigError for an empty name and for steps out of order.
    """
def audit(unet: vgen._core.unet.UNet, adapter: Adapter, *, ignore: str = '', ignore_base: bool = False) -> LoadReport:
    """
    How a file fits a network; nothing is attached.
    """
def identity_adapter() -> BottleneckOptions:
    """
    DreamVideo's: the subject, on the cross-attention of single frames.
    """
@typing.overload
def inject(unet: vgen._core.unet.UNet, adapter: Adapter, *, scale: typing.SupportsFloat = 1.0, position: str = 'parallel', ignore: str = '', ignore_base: bool = False) -> Injection:
    """
    Attaches what a file holds, converted to the number type and device of the network. If anything in the file is
    unknown, of another shape, incomplete or not finite, one WeightsError says all of it and nothing is attached.

    New ones to be trained, with gradients on. ConfigError if no layer matches.

    Loads and injects it. The report goes to the log.
    """
@typing.overload
def inject(unet: vgen._core.unet.UNet, options: LoraOptions, *, seed: typing.SupportsInt = 0) -> Injection:
    """
    A new LoRA to be trained, with gradients on.
    """
@typing.overload
def inject(unet: vgen._core.unet.UNet, options: BottleneckOptions, *, seed: typing.SupportsInt = 0) -> Injection:
    """
    New bottleneck adapters to be trained, with gradients on.
    """
def load(path: os.PathLike | str | bytes) -> Adapter:
    """
    Reads a file (safetensors, .pth, .bin, ..) or PEFT's folder (adapter_model.safetensors, adapter_config.json).
    IoError, FormatError, UnsupportedError for a PEFT configuration that no scale can express.
    """
def motion_adapter() -> BottleneckOptions:
    """
    DreamVideo's: the motion, on all three sub-layers over the frames, with the condition `image`.
    """
