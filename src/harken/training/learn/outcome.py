"""The result of *Learn*: plain values, which the description of ``GET /api/learn`` is made from, too; and the sentences
among them on what the test measures, and on what the labelled recordings cannot show."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from harken.recordings.recording import UNLABELLED, Recording, local_time
from harken.support.files import Json
from harken.support.printable import duration_text, listed, quoted
from harken.training.learn.division import Division, is_labelled, seconds_by_label

SHORT_S = 60.0

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

    def as_dict(self) -> Json:
        """For JSON: the ``outcome`` of ``GET /api/learn``."""
        return asdict(self) | {"model_path": self.model_path and str(self.model_path)}


def described(division: Division, people: Sequence[str]) -> str:
    """What the test measures, in a sentence."""
    whose = quoted(people) if len(people) == 1 else f"each person ({quoted(people)})"
    if division.by_occasion:
        return f"The last occasion on which {whose} recorded was held out of training. It is at least an hour later."
    return (
        f"The last part of each bout of {whose} was held out of training, after a gap, so no sample is in both. Day, "
        "watch and strap are the same."
    )


def sureness(seconds: Mapping[str, float], window_length_s: float) -> str:
    """How sure a score on this many tested seconds can be, in a sentence."""
    total_s = sum(seconds.values())
    apart = max(1, int(total_s / window_length_s))
    windows = "window" if apart == 1 else "windows"
    return (
        f"The test is {duration_text(total_s)} long: {apart} separate {windows} of {window_length_s:g} s, so one "
        f"window is {100 / apart:.1f} % of it. Differences of a few windows may be chance."
    )


def cannot_show(
    division: Division,
    *,
    tested: Mapping[str, float],
    labels: Sequence[str],
    before_labels: Sequence[str],
    adapted: bool,
    left_out: Collection[str],
) -> list[str]:
    """What the recordings cannot show, in sentences.

    Args:
        division: the recordings, divided into training and test.
        tested: the tested seconds by label.
        labels: the labels of the new model.
        before_labels: those of the starting model; empty without one.
        adapted: whether the starting model was adapted.
        left_out: the people on whom a model was tested that was made without them.
    """
    recordings = [part.whole for part in division.parts]
    people = sorted({one.subject for one in recordings})
    seconds = seconds_by_label(recordings)
    recorded = list(seconds)
    bouts = Counter(
        one.label_names[code]
        for one in recordings
        for code in one.label_codes[one.bout_edges[:-1]].tolist()
        if code != UNLABELLED
    )
    found = [*_about_people(people, left_out), *_about_days(recordings)]
    if short := [f"“{label}” ({seconds[label]:.0f} s)" for label in recorded if seconds[label] < SHORT_S]:
        found.append(f"Less than a minute is labelled {listed(short)}. Record more of it before you rely on its score.")
    if not division.by_occasion and (single := [label for label in recorded if bouts[label] == 1 and label in tested]):
        found.append(
            f"There is one bout of {quoted(single)}, so its test is from the same bout. Whether the next bout is "
            "recognised as well is not known."
        )
    if not tested and division.by_occasion:
        found.append("The last occasion was not tested: the bouts of the earlier ones are too short for a model.")
    elif not tested:
        found.append("Nothing was held out: a test needs two labels with a bout that is long enough to be divided.")
    elif untested := [label for label in recorded if label not in tested]:
        found.append(f"Not tested, because no bout of it is long enough to be divided: {quoted(untested)}.")
    return found + _about_labels(recorded, labels, before_labels, adapted=adapted)


def _about_people(people: Sequence[str], left_out: Collection[str]) -> list[str]:
    from harken.models.scores import FEWEST_PEOPLE_FOR_AN_INTERVAL  # loads Polars, for which no server need wait

    if len(people) == 1:
        return [f"All labels are of {quoted(people)}. How well the model recognises other people is not known."]
    found = []
    if missing := [person for person in people if person not in left_out]:
        found.append(
            f"There is no score on {quoted(missing)} as a new person: bouts are too short, or the others and the "
            "starting model have none of that person's labels."
        )
    if len(people) < FEWEST_PEOPLE_FOR_AN_INTERVAL:
        found.append(f"{len(people)} people are too few for a confidence interval over people.")
    return found


def _about_days(recordings: Sequence[Recording]) -> list[str]:
    days = set()
    for one in recordings:
        times_ns = one.time_ns[is_labelled(one)]
        if len(times_ns):
            for edge_ns in times_ns[[0, -1]].tolist():
                days.add(local_time(edge_ns, one.timezone).date())
    if len(days) != 1:
        return []
    return [
        f"All labels are of one day, {min(days)}. On another day the watch may sit in another way, and you may move in "
        "another way."
    ]


def _about_labels(
    recorded: Sequence[str], labels: Sequence[str], before_labels: Sequence[str], *, adapted: bool
) -> list[str]:
    missing = sorted(set(before_labels) - set(recorded))
    if adapted:
        return [f"Not recorded, and so neither adapted nor tested: {quoted(missing)}."] if missing else []
    known = quoted(sorted(labels))
    found = [f"The new model knows only {known}. It labels all other time as one of these, or as not sure."]
    if missing:
        unknown = f"The new model does not know {quoted(missing)}, which the starting model knows."
        found = [f"{unknown} It labels such time as one of {known}."]
    if before_labels and (new := sorted(set(labels) - set(before_labels))):
        found.append(f"Only the new model knows {quoted(new)}, so the comparison leaves it out.")
    return found
