"""
State dictionaries, key maps between layouts, audited loading
"""
from __future__ import annotations
import collections.abc
import os
import torch
import typing
import vgen._core.nn
__all__: list[str] = ['AuditReport', 'audit', 'load_weights', 'read_state_dict', 'save_state_dict']
class AuditReport:
    """
    How a state dict fits a model.
    """
    def __repr__(self) -> str:
        ...
    def __str__(self) -> str:
        ...
    @property
    def fits(self) -> bool:
        """
        True if nothing is missing, unexpected or misshaped.
        """
    @property
    def matched(self) -> int:
        """
        Number of parameters that fit.
        """
    @property
    def misshaped(self) -> list[str]:
        """
        "name: expected [..], got [..]"
        """
    @property
    def missing(self) -> list[str]:
        """
        wanted by the model, not in the file: "ours" or "ours (theirs)"
        """
    @property
    def unexpected(self) -> list[str]:
        """
        in the file, not wanted
        """
def audit(module: vgen._core.nn.Module, state: dict) -> AuditReport:
    """
    How the tensors fit the parameters of the module; nothing is loaded.
    """
def load_weights(module: vgen._core.nn.Module, state: dict, *, check_finite: bool = False, ignore_unexpected: bool = False, ignore_missing: bool = False) -> AuditReport:
    """
    Replaces the targets by the tensors of `state`: views of the file where dtype and device agree, else converted one by
    one, each source given back at once, so that memory stays at one copy (move `state` in). requires_grad is kept.
    WeightsError with the audit's text if it does not fit. On any exception no target has changed.
    """
def read_state_dict(path: os.PathLike | str | bytes) -> dict[str, torch.Tensor]:
    """
    Names and tensors of a weight file: safetensors (or the index of its shards), .pth, .pt, .ckpt, .bin. Nothing in the file is executed, nothing is copied: tensors are views of the mapped file.
    """
def save_state_dict(path: os.PathLike | str | bytes, state: dict, metadata: collections.abc.Mapping[str, str] = {}) -> None:
    """
    By extension: .safetensors; .pth, .pt, .ckpt, .bin. Atomic. Tensors that are not contiguous or not on the CPU are
    converted one at a time while the file is written. Shards are named as the Hub does:
    model-00001-of-00003.safetensors, model.safetensors.index.json.
    """
