"""
Reruns recorded outputs of the reference and compares
"""
from __future__ import annotations
import os
import typing
__all__: list[str] = ['Outcome', 'run']
class Outcome:
    """
    How one golden case compared.
    """
    def __bool__(self) -> bool:
        ...
    def __repr__(self) -> str:
        ...
    @property
    def area(self) -> str:
        ...
    @property
    def compared(self) -> int:
        ...
    @property
    def error(self) -> float:
        ...
    @property
    def message(self) -> str:
        ...
    @property
    def name(self) -> str:
        ...
    @property
    def ok(self) -> bool:
        """
        every tensor is within its tolerance
        """
    @property
    def seconds(self) -> float:
        ...
    @property
    def tolerance(self) -> float:
        ...
    @property
    def worst(self) -> str:
        """
        the tensor nearest to its tolerance, or furthest beyond
        """
def run(root: os.PathLike | str | bytes, only: str = '', device: str = 'cpu') -> list[Outcome]:
    """
    Runs every golden case under `root` (a folder or one .json) whose "area/name" matches the glob `only`.
    """
