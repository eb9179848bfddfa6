"""The result of a test on held-out recordings: a new model beside the model in use, and the decision by label.

It is described in sentences here, too. The values are plain, without PyTorch, because the description of
``GET /api/learn`` is made from them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from harken.support.printable import duration_text, quoted

HeldOut = Literal["occasion", "bouts", "people"]
"""What was held out: each person's last occasion, the last part of each bout, or whole people."""
Verdict = Literal["better", "worse", "not known"]
TESTED_ON = {"occasion": "the last occasion", "bouts": "the last part of each bout", "people": "people left out"}
NOT_COMPARED = "The model in use was trained on these recordings, so it cannot be compared on them."


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


def describe_held_out(held_out: HeldOut, people: Sequence[str]) -> str:
    """Describe what a test measures, in a sentence."""
    if held_out == "people":
        whom = f"{quoted(people)} was" if len(people) == 1 else f"{quoted(people)} were"
        return f"{whom} left out of training. Scores are means over people."
    whose = quoted(people) if len(people) == 1 else f"each person ({quoted(people)})"
    if held_out == "occasion":
        return f"The last occasion on which {whose} recorded was held out of training. It is at least an hour later."
    return (
        f"The last part of each bout of {whose} was held out of training, after a gap, so no sample is in both. Day, "
        "watch and strap are the same."
    )


def describe_sureness(seconds: Mapping[str, float], window_length_s: float) -> str:
    """Describe how sure a score on this many tested seconds can be, in a sentence."""
    total_s = sum(seconds.values())
    apart = max(1, int(total_s / window_length_s))
    windows = "window" if apart == 1 else "windows"
    return (
        f"The test is {duration_text(total_s)} long: {apart} separate {windows} of {window_length_s:g} s, so one "
        f"window is {100 / apart:.1f} % of it. Differences of a few windows may be chance."
    )


def describe_decision(test: HeldOutTest) -> str | None:
    """Describe whether the new model is better than the model in use, in a sentence; None if it is not compared."""
    if test.decision is None or test.before is None:
        return None
    verdicts = []
    for verdict, words in (("better", "better"), ("worse", "worse"), ("not known", "not decided")):
        labels = [label for label, found in test.decision.by_label.items() if found.verdict == verdict]
        if labels:
            verdicts.append(f"{words}: {', '.join(labels)}")
    return (
        f"Beside the model in use, on {TESTED_ON[test.held_out]}: mean F1 {test.before.mean_f1:.2f} -> "
        f"{test.after.mean_f1:.2f} ({describe_difference(test.decision.mean)}). By label, {'; '.join(verdicts)}."
    )


def describe_difference(difference: Difference) -> str:
    """Describe a difference with its interval."""
    if difference.interval is None:
        return f"{difference.f1:+.2f}, without an interval"
    low, high = difference.interval
    return f"{difference.f1:+.2f}, 95 % interval {low:+.2f} to {high:+.2f}"
