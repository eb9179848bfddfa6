"""A protocol: the windows and the folds of people from which a score is computed, and how it is computed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harken.support.errors import HarkenError
from harken.windows.folds import Fold
from harken.windows.windows import Windows

if TYPE_CHECKING:  # it loads PyTorch
    from harken.evaluation.benchmark.scoring import Scoring

Folders = Sequence[Path | None]
Draw = Callable[[Folders], Windows]
Divide = Callable[[Windows], Sequence[Fold]]


@dataclass(frozen=True)
class Protocol:
    """The windows and the folds of people from which a score is computed.

    Attributes:
        name: the protocol's name, unique for its data set.
        datasets: the data sets it needs; the first is the training set.
        group: the name in place of a data set, for a protocol whose folds have different training sets.
        measures: sentences on what its score measures and what it does not measure.
        draw: a folder for each of ``datasets`` -> windows of all people. Call ``windows`` instead, which also checks
            the number of folders.
        folds: those windows -> the folds.
        scoring: how the people of a fold and a method over all folds are scored; None for macro F1 of each person
            (``harken.evaluation.benchmark.scoring.PeopleScoring``).
    """

    name: str
    datasets: tuple[str, ...]
    measures: str
    draw: Draw
    folds: Divide
    group: str | None = None
    scoring: "Scoring | None" = None

    @property
    def dataset(self) -> str:
        """The training set, or ``group``."""
        return self.group or self.datasets[0]

    def folders(self, *given: Path | None) -> tuple[Path | None, ...]:
        """The folder of each of ``datasets``.

        Args:
            given: a folder for each data set, in their order; or one folder that has a subfolder for each data set,
                with its name. Without folders, or where one is None, the folders in ``HARKEN_DATA`` are used.

        Raises:
            HarkenError: when there are more or fewer folders than data sets.
        """
        folders = given or (None,) * len(self.datasets)
        if len(folders) == 1 and folders[0] is not None and len(self.datasets) > 1:
            inside = tuple(folders[0] / name for name in self.datasets)
            folders = inside if any(one.is_dir() for one in inside) else folders
        if len(folders) != len(self.datasets):
            raise HarkenError(
                f"{self.dataset}/{self.name} needs {len(self.datasets)} folders, one for each of "
                f"{', '.join(self.datasets)} in this order, or one folder that contains them all, and got "
                f"{len(folders)}"
            )
        return folders

    def windows(self, *folders: Path | None) -> Windows:
        """Windows ``[n, 300, 3]`` of all people, 10 s of acceleration in g at 30 Hz.

        Args:
            folders: see ``folders``.

        Raises:
            HarkenError: when there are more or fewer folders than data sets, or one cannot be read.
        """
        return self.draw(self.folders(*folders))
