"""A protocol of your own: half of the people are for training, and the other half for testing.

harken benchmark tiny_study --protocol own_protocol:HALVES --data . --out halves
"""

from collections.abc import Sequence
from pathlib import Path

from harken.evaluation.protocols.protocol import Protocol, cut_windows
from harken.windows.folds import Fold
from harken.windows.windows import Windows
from own_data_set import read_tiny_study


def draw(folders: Sequence[Path | None]) -> Windows:
    """The windows of everybody; there is a folder for each data set of the protocol."""
    return cut_windows(read_tiny_study(folders[0]))


def divide(windows: Windows) -> list[Fold]:
    """Train on the first half of the people, and test on the second."""
    people = sorted(set(windows.subjects.tolist()))
    middle = len(people) // 2
    return [Fold("second half", tuple(people[:middle]), tuple(people[middle:]))]


HALVES = Protocol("halves", ("tiny_study",), "Nothing: the people are invented.", draw, divide)
