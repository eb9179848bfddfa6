"""The result of *Learn*: plain values, which the description of ``GET /api/learn`` is made from, too."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

How = Literal["adapt", "train"]


@dataclass(frozen=True)
class LabelScores:
    """Scores of a model: the accuracy, the F1 of each true label, and their mean, each 0 to 1."""

    accuracy: float
    mean_f1: float
    f1: dict[str, float]


@dataclass(frozen=True)
class PeopleScores(LabelScores):
    """Means over people, the F1 of each label over all their moments, and the 95 % interval of the mean F1 over people;
    None for fewer than five."""

    mean_f1_interval: tuple[float, float] | None


@dataclass(frozen=True)
class HonestTest:
    """The test on the held-out part of the recordings.

    Attributes:
        what: what the test measures, in a sentence.
        seconds_by_label: the tested seconds.
        labels: the compared labels: those of the test that both models know.
        windows: the number of compared moments.
        before: the scores of the starting model on them; None if it knows none of the labels, or cannot be compared.
        after: the scores of a model that was made without the tested part.
        only_after: the F1 of labels that only the new model knows, on all moments.
        sureness: how sure the scores can be, in a sentence.
    """

    what: str
    seconds_by_label: dict[str, float]
    labels: tuple[str, ...]
    windows: int
    before: LabelScores | None
    after: LabelScores
    only_after: dict[str, float]
    sureness: str


@dataclass(frozen=True)
class OtherPeople:
    """The test on people who were left out of training.

    Attributes:
        what: what the test measures, in a sentence.
        people: their names.
        labels: the compared labels.
        before: the scores of the starting model; None as in ``HonestTest``.
        after: the scores of models that were made without these people.
    """

    what: str
    people: list[str]
    labels: list[str]
    before: PeopleScores | None
    after: PeopleScores


@dataclass(frozen=True)
class Learned:
    """The result of learning.

    Attributes:
        how: how the model was made.
        labels: the labels of the model.
        seconds_by_label: the labelled seconds, of all people.
        test: the honest test; None if too few bouts are long enough for one.
        other_people: the same for people who were left out; None for one person.
        cannot_show: what the recordings cannot show, in sentences.
        kept: whether the new model differs from the starting model: it does not if an adapted one is not better.
        reason: why, in a sentence.
        model_path: the file of the new model, made from all labelled minutes; None if the starting model is kept.
    """

    how: How
    labels: tuple[str, ...]
    seconds_by_label: dict[str, float]
    test: HonestTest | None
    other_people: OtherPeople | None
    cannot_show: tuple[str, ...]
    kept: bool
    reason: str
    model_path: Path | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON: the ``outcome`` of ``GET /api/learn``."""
        return asdict(self) | {"model_path": self.model_path and str(self.model_path)}
