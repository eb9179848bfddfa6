"""The result of *Learn*: plain values, which the description of ``GET /api/learn`` is made from, too."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from harken.support.files import Json
from harken.training.held_out_test import HeldOutTest

How = Literal["adapt", "train"]


@dataclass(frozen=True)
class Shares:
    """The share of windows that are recognised by the starting model, and by the adapted one."""

    before: float
    after: float


@dataclass(frozen=True)
class CrossValidation(Shares):
    """These shares in cross-validation, with the same weight for every label.

    Attributes:
        between_bouts: whether whole bouts were left out, and not parts of each bout.
        labels: the shares of each label.
    """

    between_bouts: bool
    labels: dict[str, Shares]


@dataclass(frozen=True)
class Learned:
    """The result of learning.

    Attributes:
        how: how the model was made.
        labels: the labels of the model.
        seconds_by_label: the labelled seconds, of all people.
        tests: the tests beside the starting model; none if too few bouts are long enough, or without a starting model.
        cannot_show: what the recordings cannot show, in sentences.
        kept: whether the new model differs from the starting model: it does not if an adapted one is not better.
        reason: why, in a sentence.
        model_path: the file of the new model, made from all labelled minutes; None if the starting model is kept.
        has_report: whether the report of the training is beside the model; adapting writes none.
        cross_validation: by which an adapted model is kept or not; None if there was too little data, or it is trained.
    """

    how: How
    labels: tuple[str, ...]
    seconds_by_label: dict[str, float]
    tests: tuple[HeldOutTest, ...]
    cannot_show: tuple[str, ...]
    kept: bool
    reason: str
    model_path: Path | None
    has_report: bool
    cross_validation: CrossValidation | None = None

    def as_dict(self) -> Json:
        """For JSON: the ``outcome`` of ``GET /api/learn``."""
        return asdict(self) | {"model_path": self.model_path and str(self.model_path)}


def report_beside(model: Path) -> Path:
    """Return where the report of a training lies beside its model."""
    return model.with_suffix(".html")
