"""The outputs of fold models for unseen people, and temperatures fitted on the unseen people of other folds."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from harken.models.calibration import fit_temperature
from harken.support.errors import HarkenError
from harken.support.files import replacing


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


class FoldModel(NamedTuple):
    """A fold's model, the temperature from the unseen people of other folds, and the people it was not trained on."""

    path: Path
    temperature: float
    unseen: list[str]


def fold_models(folder: Path) -> list[FoldModel]:
    """The fold models that ``benchmarks.model.packaged_model --folds`` keeps.

    Raises:
        HarkenError: when there is none.
    """
    paths = sorted(folder.glob("fold_*.npz"))
    if not paths:
        raise HarkenError(
            f"{folder}: there are no fold models; run python -m benchmarks.model.packaged_model --folds first"
        )
    folds = [FoldLogits.read(path) for path in paths]
    return [
        FoldModel(path.with_suffix(".safetensors"), temperature, np.unique(fold.subjects).tolist())
        for path, fold, temperature in zip(paths, folds, temperatures(folds), strict=True)
    ]


def temperatures(folds: Sequence[FoldLogits]) -> list[float]:
    """The temperature for each fold, fitted on the unseen people of all other folds.

    So nobody is scored at a temperature that was fitted on them.
    """
    found = []
    for fold in folds:
        others = [other for other in folds if other is not fold]
        logits, codes = (np.concatenate([getattr(other, name) for other in others]) for name in ("logits", "codes"))
        found.append(fit_temperature((logits, codes)))
    return found
