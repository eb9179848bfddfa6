"""A new model beside the model in use, at the same moments of recordings that were held out of training."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from harken.models.recogniser import Recogniser
from harken.models.scores import (
    BOOTSTRAP_SAMPLES,
    CONFIDENCE,
    FEWEST_PEOPLE_FOR_AN_INTERVAL,
    interval_over_people,
)
from harken.mounting.estimate import as_trained
from harken.networks.specification import Specification
from harken.recordings.fingerprints import SAME_RECORDING
from harken.recordings.forearm_axis import ForearmAxis
from harken.recordings.recording import Recording
from harken.support.arrays import BoolArray, Float64Array, Int64Array, StrArray
from harken.support.errors import HarkenError
from harken.training.held_out import Part, sum_labelled_seconds
from harken.training.held_out_test import (
    DecisionByLabel,
    Difference,
    HeldOut,
    HeldOutTest,
    LabelScores,
    describe_held_out,
    describe_sureness,
)
from harken.windows.folds import number_people
from harken.windows.windows import Windows, covered_s, sliding_windows

HOP_S = 1.0
"""Seconds between two moments of a test: live, there is a label every second."""
DRAWS_AT_ONCE = 500
LIMITS_OF_INTERVAL = ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2)


@dataclass(frozen=True, eq=False)
class Comparison:
    """How a new model is tested beside the model in use.

    Attributes:
        before: the model in use; None if there is none.
        window_length_s: the length of the longest windows of the two models.
        recordings: all labelled recordings.
        orientation: whether watches are turned, as ``harken label`` turns them.
        forearm_axis: the axis along the forearm to which they are turned; None to find it by walking.
        compared: ``before``, unless it was trained on labelled time of one of the recordings.
    """

    before: Recogniser | None
    window_length_s: float
    recordings: Sequence[Recording]
    orientation: bool = True
    forearm_axis: ForearmAxis | None = None
    compared: Recogniser | None = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "compared", None if self.before_was_trained_on_them else self.before)

    @property
    def before_was_trained_on_them(self) -> bool:
        """Whether the model in use was trained on labelled time of one of the recordings."""
        if self.before is None:
            return False
        return any(self.before.measure_trained_labels(each) > SAME_RECORDING for each in self.recordings)

    @property
    def compared_labels(self) -> tuple[str, ...]:
        """The labels of the model in use; empty if it cannot be compared."""
        return () if self.compared is None else self.compared.specification_.labels


class Moments(NamedTuple):
    """Labelled moments of a recording: the middles of its windows.

    Attributes:
        middles_ns: int64 ``[n]``.
        labels: str ``[n]``.
        bouts: the number of the bout in the recording, int64 ``[n]``.
        length_s: the length of the windows.
    """

    middles_ns: Int64Array
    labels: StrArray
    bouts: Int64Array
    length_s: float

    @property
    def seconds_by_label(self) -> dict[str, float]:
        """Seconds that the windows of each label cover. Seconds in two windows count once."""
        duration_ns = round(self.length_s * 1e9)
        labels = np.unique(self.labels).tolist()
        return {label: covered_s(self.middles_ns[self.labels == label], duration_ns) for label in labels}

    def select_labels(self, labels: Collection[str]) -> "Moments":
        """Return those with one of these labels."""
        chosen = np.isin(self.labels, sorted(labels))
        return Moments(self.middles_ns[chosen], self.labels[chosen], self.bouts[chosen], self.length_s)


class Replies(NamedTuple):
    """What two models say at the moments of a test in one recording.

    Attributes:
        person: the wearer.
        truth, before, after: the true label, and the labels of the model in use (empty if it is not compared) and of
            the new one, str ``[n]``.
        middles_ns: the moments, int64 ``[n]``.
        bouts: the number of the bout in the recording, int64 ``[n]``.
        seconds: the tested seconds by label.
    """

    person: str
    truth: StrArray
    before: StrArray
    after: StrArray
    middles_ns: Int64Array
    bouts: Int64Array
    seconds: dict[str, float]


FitTo = Callable[[Sequence[Recording]], Recogniser]
"""Fits a model to mended recordings. Raises a HarkenError if they are too few."""


def fit_and_reply(fit: FitTo, parts: Sequence[Part], comparison: Comparison) -> list[Replies]:
    """Fit a model to the training parts of recordings, and return what it says about their test parts.

    Nothing is returned if there is nothing to test, or if the training parts are too small for a fit, as when their
    bouts are shorter than a window. What is wrong with all of the recordings is an error of the fit to all of them.
    """
    training = [part.training for part in parts if part.training is not None and sum_labelled_seconds([part.training])]
    trained = set(sum_labelled_seconds(training))
    if len(trained) < 2 or not any(len(each.labels) for each in _list_moments(parts, trained, comparison)):
        return []
    try:
        recogniser = fit(training)
    except HarkenError:
        return []
    return reply(recogniser, parts, trained, comparison)


def reply(
    recogniser: Recogniser, parts: Sequence[Part], trained: Collection[str], comparison: Comparison
) -> list[Replies]:
    """Return what a model and the model in use say about the test parts of recordings.

    Args:
        recogniser: a model that was fitted without the test parts.
        parts: the recordings. Labels are predicted in the whole ones.
        trained: the labels of its training. Moments of other labels are left out.
        comparison: how the two are compared.
    """
    known = {*trained} & {*recogniser.specification_.labels}
    tested = [part for part in parts if part.test is not None]
    replies = []
    for part, moments in zip(tested, _list_moments(parts, known, comparison), strict=True):
        said = _reply_in(recogniser, part.whole, moments, comparison)
        if len(said.truth):
            replies.append(said)
    return replies


def score_replies(replies: Sequence[Replies], held_out: HeldOut, comparison: Comparison) -> HeldOutTest | None:
    """Score what two models said about held-out recordings; None without replies."""
    if not replies:
        return None
    truth, before, after = (np.concatenate(labels) for labels in list(zip(*replies, strict=True))[1:4])
    units = number_units(replies, held_out)
    every = np.unique(truth).tolist()
    common = [label for label in every if label in comparison.compared_labels]
    labels = common or every
    both = np.isin(truth, labels)
    people = sorted({each.person for each in replies})
    groups = units[both] if held_out == "people" else np.zeros(int(both.sum()), np.int64)
    seconds = _sum_seconds(replies)
    scores_before, decision = None, None
    scores_after = score_labels(truth[both], after[both], groups)
    if common:
        scores_before = score_labels(truth[both], before[both], groups)
        decision = decide(truth[both], before[both], after[both], units[both], over_people=held_out == "people")
    only_after = score_labels(truth, after, np.zeros(len(truth), np.int64)).f1
    return HeldOutTest(
        held_out=held_out,
        people=tuple(people),
        what=describe_held_out(held_out, people),
        sureness=describe_sureness(seconds, comparison.window_length_s),
        seconds_by_label=seconds,
        labels=tuple(labels),
        moments=int(both.sum()),
        before=scores_before,
        after=scores_after,
        only_after={label: only_after[label] for label in every if label not in labels},
        decision=decision,
    )


def score_labels(truth: StrArray, predicted: StrArray, groups: Int64Array) -> LabelScores:
    """Score predicted labels ``[n]``. A label that is predicted where it is never true counts as wrong.

    Accuracy and mean F1 are means over groups, and the F1 of each label is over all moments.
    """
    of_groups = []
    for group in np.unique(groups).tolist():
        inside = groups == group
        right = float(np.mean(truth[inside] == predicted[inside]))
        of_groups.append((right, _compute_mean_f1(truth[inside], predicted[inside])))
    labels = np.unique(truth)
    f1 = _compute_f1(_count_replies(truth, predicted, np.zeros(len(truth), np.int64), labels)[0])
    accuracy, mean_f1 = np.mean(of_groups, axis=0).tolist()
    return LabelScores(accuracy, mean_f1, dict(zip(labels.tolist(), f1.tolist(), strict=True)))


def decide(
    truth: StrArray, before: StrArray, after: StrArray, units: Int64Array, *, over_people: bool
) -> DecisionByLabel:
    """Decide for each label, and for their mean, whether the new model is better than the model in use.

    The interval of a difference is a bootstrap over units, because moments of one bout, and of one person, are alike.

    Args:
        truth, before, after: the true labels, and those of the two models, str ``[n]``.
        units: the bout or the person of each moment, int64 ``[n]``.
        over_people: whether the units are people. Then the mean F1 is the mean over people.
    """
    labels = np.unique(truth)
    counts_before, counts_after = (_count_replies(truth, said, units, labels) for said in (before, after))
    resampled = _resample_difference(counts_before, counts_after)
    f1 = _compute_f1(counts_after.sum(axis=0)) - _compute_f1(counts_before.sum(axis=0))
    units_of_label = np.count_nonzero(counts_before[:, :, 0] + counts_before[:, :, 1], axis=0)
    enough = units_of_label >= FEWEST_PEOPLE_FOR_AN_INTERVAL
    by_label = {}
    for number, label in enumerate(labels.tolist()):
        interval = _find_interval(resampled[:, number]) if enough[number] else None
        by_label[label] = Difference.of(float(f1[number]), interval)
    if over_people:
        mean = _difference_over_people(truth, before, after, units)
    else:
        interval = _find_interval(np.nanmean(resampled, axis=1)) if enough.all() else None
        mean = Difference.of(float(f1.mean()), interval)
    return DecisionByLabel(mean, by_label)


def find_moments(recording: Recording, *, length_s: float) -> Moments:
    """Find the middles of windows of this length with a single label, every second.

    Args:
        recording: a mended recording. Samples that are marked invalid are in no window.
        length_s: the length of the windows.
    """
    try:
        windows = sliding_windows(recording, length_s=length_s, hop_s=HOP_S)
    except HarkenError:  # there is no such window
        return Moments(np.empty(0, np.int64), np.empty(0, np.str_), np.empty(0, np.int64), length_s)
    middles_ns = windows.starts_ns + round(length_s / 2 * 1e9)
    rows = np.searchsorted(recording.time_ns, middles_ns)
    bouts = np.searchsorted(recording.bout_edges, rows, side="right")
    return Moments(middles_ns, windows.labels, bouts.astype(np.int64), length_s)


def predict_moments(recogniser: Recogniser, recording: Recording, moments: Moments, comparison: Comparison) -> StrArray:
    """Return a model's labels of the windows around moments, str ``[n]``.

    A window that would have a gap in it has the empty label: it is in a recording that was not resampled at the moment.

    Args:
        recogniser: the model. Its windows must not be longer than those of ``moments``.
        recording: the whole mended recording, whose labels are not used.
        moments: the moments.
        comparison: how the watch is turned.
    """
    specification = recogniser.specification_
    if comparison.orientation:
        recording, _ = as_trained(recogniser, recording, forearm_axis=comparison.forearm_axis)
    prepared = specification.prepare_recording(recording)
    windows, whole = _cut_windows_around(prepared, moments.middles_ns, specification)
    labels: StrArray = np.full(len(whole), "", dtype=np.array(specification.labels).dtype)
    if whole.any():
        labels[whole] = recogniser.predict(windows)
    return labels


def _list_moments(parts: Sequence[Part], labels: Collection[str], comparison: Comparison) -> list[Moments]:
    """Return the moments of each part that has a test."""
    moments = []
    for part in parts:
        if part.test is not None:
            moments.append(find_moments(part.test, length_s=comparison.window_length_s).select_labels(labels))
    return moments


def _reply_in(recogniser: Recogniser, recording: Recording, moments: Moments, comparison: Comparison) -> Replies:
    """Return the replies in one recording. Moments without a whole window of either model are left out."""
    after = predict_moments(recogniser, recording, moments, comparison)
    seen, before = after != "", np.full(len(after), "")
    if comparison.compared is not None:
        before = predict_moments(comparison.compared, recording, moments, comparison)
        seen &= before != ""
    return Replies(
        person=recording.subject,
        truth=moments.labels[seen],
        before=before[seen],
        after=after[seen],
        middles_ns=moments.middles_ns[seen],
        bouts=moments.bouts[seen],
        seconds=moments.seconds_by_label,
    )


class _Bout(NamedTuple):
    """A bout of a wearer in one recording: its label, its first and last moment, and its moments among all replies."""

    person: int
    label: str
    first_ns: int
    last_ns: int
    rows: Int64Array


def number_units(replies: Sequence[Replies], held_out: HeldOut) -> Int64Array:
    """Return the number of the person or the bout of each moment, over all recordings, int64 ``[n]``.

    Two arms of one person are one person (``harken.windows.folds.group_arms``). What two sensors of a person recorded
    at the same time with the same label is one bout: their replies are not independent.
    """
    person_of = number_people(part.person for part in replies)
    if held_out == "people":
        return np.concatenate([np.full(len(part.truth), person_of[part.person], np.int64) for part in replies])
    units = np.empty(sum(len(part.truth) for part in replies), np.int64)
    for number, group in enumerate(_group_simultaneous(_list_bouts(replies, person_of))):
        for bout in group:
            units[bout.rows] = number
    return units


def _group_simultaneous(bouts: Sequence[_Bout]) -> list[list[_Bout]]:
    """Group the bouts of one person with one label that overlap in time."""
    groups: list[list[_Bout]] = []
    last_ns = 0
    for bout in sorted(bouts, key=lambda bout: (bout.person, bout.label, bout.first_ns, bout.last_ns)):
        first = groups[-1][0] if groups else bout
        is_alike = (first.person, first.label) == (bout.person, bout.label)
        if groups and is_alike and bout.first_ns <= last_ns:
            groups[-1].append(bout)
            last_ns = max(last_ns, bout.last_ns)
        else:
            groups.append([bout])
            last_ns = bout.last_ns
    return groups


def _list_bouts(replies: Sequence[Replies], person_of: Mapping[str, int]) -> list[_Bout]:
    bouts = []
    start = 0
    for part in replies:
        for number in np.unique(part.bouts):
            rows = np.flatnonzero(part.bouts == number)
            middles_ns = part.middles_ns[rows]
            label = str(part.truth[rows[0]])
            person = person_of[part.person]
            bouts.append(_Bout(person, label, int(middles_ns.min()), int(middles_ns.max()), start + rows))
        start += len(part.truth)
    return bouts


def _sum_seconds(replies: Sequence[Replies]) -> dict[str, float]:
    seconds: dict[str, float] = {}
    for each in replies:
        for label, spent_s in each.seconds.items():
            seconds[label] = round(seconds.get(label, 0.0) + spent_s, 3)
    return seconds


def _compute_mean_f1(truth: StrArray, predicted: StrArray) -> float:
    counts = _count_replies(truth, predicted, np.zeros(len(truth), np.int64), np.unique(truth))
    return float(np.mean(_compute_f1(counts[0])))


def _count_replies(truth: StrArray, predicted: StrArray, units: Int64Array, labels: StrArray) -> Int64Array:
    """Count the hits, the missed and the wrong replies of each label in each unit, int64 ``[units, labels, 3]``."""
    true = truth[:, None] == labels
    said = predicted[:, None] == labels
    kinds = np.stack([true & said, true & ~said, ~true & said], axis=2)
    counts = np.zeros((int(units.max()) + 1, len(labels), 3), np.int64)
    np.add.at(counts, units, kinds)
    return counts[np.unique(units)]


def _resample_difference(before: Int64Array, after: Int64Array) -> Float64Array:
    """Return differences of F1 for units drawn with replacement, float64 ``[draws, labels]``."""
    random = np.random.default_rng(0)
    units = len(before)
    differences = []
    for _ in range(BOOTSTRAP_SAMPLES // DRAWS_AT_ONCE):
        drawn = random.multinomial(units, np.full(units, 1 / units), size=DRAWS_AT_ONCE)
        differences.append(_compute_f1(np.tensordot(drawn, after, 1)) - _compute_f1(np.tensordot(drawn, before, 1)))
    return np.concatenate(differences)


def _compute_f1(counts: Int64Array) -> Float64Array:
    """Return the F1 of counts ``[..., 3]``; NaN for a label that is neither true nor said."""
    hits, missed, wrong = np.moveaxis(counts, -1, 0)
    weight = 2 * hits + missed + wrong
    return np.asarray(np.divide(2 * hits, weight, out=np.full(hits.shape, np.nan), where=weight > 0))


def _find_interval(values: Float64Array) -> tuple[float, float]:
    low, high = np.nanquantile(values, LIMITS_OF_INTERVAL).tolist()
    return low, high


def _difference_over_people(truth: StrArray, before: StrArray, after: StrArray, people: Int64Array) -> Difference:
    differences = []
    for person in np.unique(people).tolist():
        theirs = people == person
        with_new = _compute_mean_f1(truth[theirs], after[theirs])
        differences.append(with_new - _compute_mean_f1(truth[theirs], before[theirs]))
    interval = interval_over_people(differences)
    return Difference.of(float(np.mean(differences)), None if interval is None else (interval[0], interval[1]))


def _cut_windows_around(
    prepared: Recording, middles_ns: Int64Array, specification: Specification
) -> tuple[Windows, BoolArray]:
    """Cut the windows in whose middle moments are, and tell for which moments there is one without a gap."""
    length, step_ns = specification.window_length, 1e9 / prepared.sample_rate_hz
    starts_ns = middles_ns - round(length * step_ns / 2)
    first = np.searchsorted(prepared.time_ns, starts_ns - round(step_ns / 2))
    first = np.clip(first, 0, max(0, len(prepared) - length))
    last = np.minimum(first + length - 1, len(prepared) - 1)
    invalid = np.concatenate([[0], np.cumsum(~prepared.valid)])
    whole = (invalid[last + 1] == invalid[first]) & (last - first == length - 1)
    whole &= np.abs(prepared.time_ns[first] - starts_ns) <= 2 * step_ns
    whole &= prepared.time_ns[last] - prepared.time_ns[first] < (length + 1) * step_ns
    rows = first[whole]
    windows = Windows.unlabelled(
        prepared.signals[rows[:, None] + np.arange(length)],
        channels=prepared.channels,
        sample_rate_hz=prepared.sample_rate_hz,
        starts_ns=prepared.time_ns[rows],
    )
    return windows, whole
