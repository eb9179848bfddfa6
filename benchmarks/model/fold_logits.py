"""The outputs of fold models for unseen people, and temperatures fitted on the unseen people of other folds."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harken.learning.calibration import fit_temperature
from harken.support.files import replacing

__all__ = ["FoldLogits", "temperatures"]


@dataclass(frozen=True)
class FoldLogits:
    """The logits of a fold's model for the windows of unseen people.

    Attributes:
        logits: float32 ``[n, labels]``.
        codes: the true label, an index into ``labels``, int16 ``[n]``.
        subjects: the person of each window, ``[n]``.
        labels: the labels of the model.
    """

    logits: NDArray[np.float32]
    codes: NDArray[np.int16]
    subjects: NDArray[np.str_]
    labels: tuple[str, ...]

    @classmethod
    def read(cls, path: Path) -> "FoldLogits":
        """Read the file of a fold."""
        with np.load(path, allow_pickle=False) as content:
            return cls(content["logits"], content["codes"], content["subjects"], tuple(content["labels"].tolist()))

    def write(self, path: Path) -> None:
        """Write the file of a fold."""
        with replacing(path) as aside:
            np.savez(aside, logits=self.logits, codes=self.codes, subjects=self.subjects, labels=np.array(self.labels))


def temperatures(folds: Sequence[FoldLogits]) -> list[float]:
    """The temperature for each fold, fitted on the unseen people of all other folds.

    So nobody is scored at a temperature that was fitted on them.
    """
    found = []
    for fold in folds:
        others = [other for other in folds if other is not fold]
        logits, codes = (np.concatenate([getattr(other, name) for other in others]) for name in ("logits", "codes"))
        found.append(fit_temperature(logits, codes))
    return found
