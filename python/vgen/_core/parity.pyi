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
        """
        Folder of the case.
        """
    @property
    def compared(self) -> int:
        """
        Number of tensors that were compared.
        """
    @property
    def error(self) -> float:
        """
        Error of the worst tensor, in the measure that its case prescribes.
        """
    @property
    def message(self) -> str:
        """
        Why the case could not run; empty if it did.
        """
    @property
    def name(self) -> str:
        """
        Name of the case.
        """
    @property
    def ok(self) -> bool:
        """
        every tensor is within its tolerance
        """
    @property
    def seconds(self) -> float:
        """
        Duration of the rerun.
        """
    @property
    def tolerance(self) -> float:
        """
        Largest error that the worst tensor may have.
        """
    @property
    def worst(self) -> str:
        """
        the tensor nearest to its tolerance, or furthest beyond
        """
def run(root: os.PathLike | str | bytes, only: str = '', device: str = 'cpu') -> list[Outcome]:
    """
    Runs every golden case under `root` (a folder or one .json) whose "area/name" matches the glob `only`.
    """
