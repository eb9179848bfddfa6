"""The result of a test on held-out recordings: a new model beside the model in use, and the decision by label.

These are plain values without PyTorch, because the description of ``GET /api/learn`` is made from them, too.
"""

from dataclasses import dataclass
from typing import Literal

HeldOut = Literal["occasion", "bouts", "people"]
"""What was held out: each person's last occasion, the last part of each bout, or whole people."""
Verdict = Literal["better", "worse", "not known"]


@dataclass(frozen=True)
class LabelScores:
    """Scores of a model, each 0 to 1: accuracy, the F1 of each true label, and the mean F1.

    Where people were held out, accuracy and mean F1 are means over people.
    """

    accuracy: float
    mean_f1: float
    f1: dict[str, float]


@dataclass(frozen=True)
class Difference:
    """A score of the new model minus that of the model in use.

    Attributes:
        f1: the difference of F1.
        interval: its 95 % interval over tested bouts, or over people if people were held out; None for fewer than five.
        verdict: whether the new model is better or worse. Without an interval, or if 0 lies in it, this is not known.
    """

    f1: float
    interval: tuple[float, float] | None
    verdict: Verdict

    @classmethod
    def of(cls, f1: float, interval: tuple[float, float] | None) -> "Difference":
        """Make a difference with its verdict."""
        verdict: Verdict = "not known"
        if interval is not None and interval[0] > 0:
            verdict = "better"
        elif interval is not None and interval[1] < 0:
            verdict = "worse"
        return cls(f1, interval, verdict)


@dataclass(frozen=True)
class DecisionByLabel:
    """Whether the new model is better than the model in use.

    Attributes:
        mean: the difference of the mean F1.
        by_label: the difference of the F1 of each compared label.
    """

    mean: Difference
    by_label: dict[str, Difference]


@dataclass(frozen=True)
class HeldOutTest:
    """A test on moments that were held out of training, one each second.

    Attributes:
        held_out: what was held out.
        people: the people on whom the models were tested.
        what: what the test measures, in a sentence.
        sureness: how sure the scores can be, in a sentence.
        seconds_by_label: the tested seconds.
        labels: the compared labels: those of the test that both models know.
        moments: the number of compared moments.
        before: the scores of the model in use; None if it knows none of the labels, or cannot be compared.
        after: the scores of a model that was made like the new one, without what was held out.
        only_after: the F1 of labels that only the new model knows, on all moments.
        decision: whether the new model is better; None if ``before`` is None.
    """

    held_out: HeldOut
    people: tuple[str, ...]
    what: str
    sureness: str
    seconds_by_label: dict[str, float]
    labels: tuple[str, ...]
    moments: int
    before: LabelScores | None
    after: LabelScores
    only_after: dict[str, float]
    decision: DecisionByLabel | None
