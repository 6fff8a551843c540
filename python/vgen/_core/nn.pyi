"""
Building blocks of the networks and their CPU kernels
"""
from __future__ import annotations
import collections.abc
import torch
import typing
__all__: list[str] = ['Module', 'attend', 'attend_frames', 'cache_memory', 'conv2d', 'geglu', 'group_norm', 'initialise', 'layer_norm', 'linear', 'linear_geglu', 'upsample2x']
class Module:
    """
    Module: parameters, buffers and children by name; train/eval; conversion. A few lines instead of torch::nn (whose
    headers cost 10 s a file). torch::optim takes the tensors as they are. Modules are built on the CPU in float32
    without initial values worth having; `initialise` (nn/init.hpp) or a weight file gives them.
    """
    def __repr__(self) -> str:
        ...
    def eval(self) -> None:
        """
        The same as train(False).
        """
    def load_state_dict(self, state: collections.abc.Mapping[str, torch.Tensor]) -> None:
        """
        Replaces all parameters and buffers or, with WeightsError and a full report, none. The tensors are copied.
        """
    def named_buffers(self) -> list[tuple[str, torch.Tensor]]:
        """
        Tensors that are kept with the weights but not trained, with their names.
        """
    def named_parameters(self) -> list[tuple[str, torch.Tensor]]:
        """
        The same with their names, e.g. "down.0.res.conv1.weight".
        """
    def parameter_count(self) -> int:
        """
        Number of values in all parameters.
        """
    def parameters(self) -> list[torch.Tensor]:
        """
        Every parameter, depth first in the order of declaration.
        """
    def requires_grad_(self, requires_grad: bool = True) -> None:
        """
        Whether its parameters gather gradients.
        """
    def state_dict(self) -> dict[str, torch.Tensor]:
        """
        Parameters and buffers by name; the tensors are the module's own.
        """
    def to(self, device: torch.device, dtype: torch.dtype) -> None:
        """
        Converts parameters and buffers in place (same Tensor objects, new storage), so optimisers made before must be
        remade.
        """
    def train(self, mode: bool = True) -> None:
        """
        Switches this module and all below it to training (mode=True) or to evaluation.
        """
    @property
    def training(self) -> bool:
        """
        True in training mode.
        """
def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, heads: typing.SupportsInt, causal: bool = False) -> torch.Tensor:
    """
    softmax(q k^T / sqrt(d)) v with `heads` heads; q [N, Lq, heads*d], k and v [N, Lk, heads*d] (head-major channels).
    """
def attend_frames(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, heads: typing.SupportsInt) -> torch.Tensor:
    """
    The same over the frame axis: q, k, v [B, F, S, heads*d]; every position s attends over its F frames.
    """
def cache_memory(on: bool) -> None:
    """
    Turns the cache on or off for the whole process (it becomes the allocator of ATen's CPU tensors). Turning off frees
    what is cached; tensors made before stay valid. Memory in use and cached together stay below 1.25 times the peak in
    use.
    """
def conv2d(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None, stride: typing.SupportsInt = 1, pad_h: typing.SupportsInt = 0, pad_w: typing.SupportsInt = 0, residual: torch.Tensor | None = None) -> torch.Tensor:
    """
    [N, H, W, Cin] * weight [Cout, Cin, kh, kw] -> [N, H', W', Cout]; `residual` as in linear.
    """
def geglu(x: torch.Tensor) -> torch.Tensor:
    """
    a * gelu(g) with x = [a | g] along the last axis, exact (erf) GELU.
    """
def group_norm(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, groups: typing.SupportsInt, eps: typing.SupportsFloat = 1e-05, silu: bool = False, added: torch.Tensor | None = None) -> torch.Tensor:
    """
    silu(group_norm(x)) or group_norm(x); x [N, S.., C], weight and bias [C]. `added` [N, C], where given, is added to
    every position of x first.
    """
def initialise(module: Module, seed: typing.SupportsInt = 0) -> None:
    """
    Weights of two or more dimensions and the biases beside them: uniform in +-1/sqrt(fan in) (He et al. 2015 with a =
    sqrt 5). Weights of one dimension: 1; biases without such a weight before them: 0. Parameters are made contiguous
    float32 on the CPU and require gradients.
    """
def layer_norm(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, eps: typing.SupportsFloat = 1e-05) -> torch.Tensor:
    """
    Over the last axis; weight and bias [C].
    """
def linear(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None, residual: torch.Tensor | None = None) -> torch.Tensor:
    """
    x [.., in] * weight [out, in]^T + bias; `residual`, where given, has the shape of the result and is added to it.
    """
def linear_geglu(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None = None) -> torch.Tensor:
    """
    geglu(linear(x)).
    """
def upsample2x(x: torch.Tensor) -> torch.Tensor:
    """
    Nearest-neighbour enlargement by 2 of [N, H, W, C].
    """
