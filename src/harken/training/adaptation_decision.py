"""The decision whether a wearer's weights of the output layer are better than the general ones, by cross-validation.

What a wearer does in one bout says little about the next one: a forearm that lies on a table is one kind of sitting,
and hands in the lap are another. So whole bouts are left out where two labels or more have several bouts. Otherwise
parts of each bout are left out.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from harken.models.calibration import fit_temperature
from harken.support.arrays import BoolArray, Float64Array, Int64Array, nearest_distance_ns
from harken.support.printable import percent
from harken.training.output_layer import (
    Examples,
    LabelledFeatures,
    fit_new_labels,
    fit_recorded_labels,
    log_softmax,
)

MOST_PARTS = 3
NOWHERE = -1
"""The part number of a window in the gap between two parts."""
TRAINING_ONLY = -2
"""The part number of a window that no part leaves out."""
LEAST_ABOVE_CHANCE = 0.3
"""Weights are kept only if the balanced accuracy on left-out windows is at least this far on the way from chance to 1.
Labels that contradict each other stay below it."""
MOST_LOST = 0.1
"""They are not kept if the balanced accuracy falls by more than this. A smaller fall is no reason, because the weights
in cross-validation are fitted to fewer bouts: ``benchmarks.recognition.adaptation`` compares rules."""
LEAST_RECOGNISED, MOST_TAKEN = 0.5, 0.1
"""A new label is added if more than this share of its windows is recognised, and at most that share of the windows of
other labels is taken for it."""


@dataclass(frozen=True)
class CrossValidated:
    """Scores of held-out windows, with the same weight for every label.

    Attributes:
        log_loss: the mean over labels of their windows' mean log loss, with all labels of the model as classes.
        balanced_accuracy: the mean recall of the labels.
        recall: the code of each label -> the share of its windows that are recognised.
    """

    log_loss: float
    balanced_accuracy: float
    recall: dict[int, float]


@dataclass(frozen=True, eq=False)
class Decision:
    """The decision whether to keep the adapted weights, with its scores.

    Attributes:
        reason: why they are kept, or why not.
        before, after: scores of the general and of the adapted weights; None if there was too little data.
        tested_windows: the number of windows that were tested.
        between_bouts: whether whole bouts were left out, and not parts of each bout.
        too_short: codes of labels that are too short: they were tested by weights that were fitted without them.
        weights: the weights that are kept, fitted to all windows; None if they are not kept.
        softening: the factor of the temperature that the held-out windows need, at least 1.
    """

    reason: str
    before: CrossValidated | None = None
    after: CrossValidated | None = None
    tested_windows: int = 0
    between_bouts: bool = False
    too_short: tuple[int, ...] = ()
    weights: Float64Array | None = None
    softening: float = 1.0


@dataclass(frozen=True)
class NewLabelTest:
    """How well a new label was recognised in a cross-validation of its bouts.

    Attributes:
        recognised: the share of its held-out windows that got the label.
        taken: the share of training examples of other labels that got it, though they did not take part in the fit.
    """

    recognised: float
    taken: float

    @property
    def is_enough(self) -> bool:
        """Whether the label may be added."""
        return self.recognised > LEAST_RECOGNISED and self.taken <= MOST_TAKEN

    def describe(self) -> str:
        """Describe the test in a sentence without a full stop."""
        return (
            f"{percent(self.recognised)} of its windows that were left out are recognised, and {percent(self.taken)} "
            "of other windows are taken for it"
        )


def decide(windows: LabelledFeatures, general: Float64Array, examples: Examples | None) -> Decision:
    """Test weights that were fitted to a part of the bouts on the other ones, and decide whether to keep them.

    They are kept if left-out windows are recognised more often than by chance, and not much less often than by the
    general weights.

    Args:
        windows: the wearer's windows of labels that the model knows.
        general: the general model's weights for their features, ``[features + 1, labels]``.
        examples: training examples of the general model.
    """
    if len(np.unique(windows.codes)) < 2:
        return Decision("only one label was recorded; at least two are needed")
    parts = split_bouts(windows)
    between_bouts = parts is not None
    if parts is None:
        parts = split_time(windows)
    logits, fitted = _predict_left_out(windows, parts, general, examples)
    if len(fitted) < 2:
        length_s = windows.duration_ns / 1e9
        return Decision(
            f"too little data for a cross-validation, which needs {3 * length_s:g} s in one piece of at least two "
            f"labels, or two bouts of them that are {length_s:g} s apart",
        )
    tested = parts >= 0
    codes = windows.codes[tested]
    before = score_logits(windows.features[tested] @ general, codes)
    # If a few windows are all recognised, the fitted temperature falls towards 0. So it may only rise.
    softening = max(1.0, fit_temperature((logits[tested], codes)))
    after = score_logits(logits[tested] / softening, codes)
    decision = Decision(
        reason=_describe_scores(before, after, between_bouts=between_bouts),
        before=before,
        after=after,
        tested_windows=len(codes),
        between_bouts=between_bouts,
        too_short=tuple(sorted(set(codes.tolist()) - fitted)),
    )
    chance = 1 / len(np.unique(windows.codes))
    is_recognised = after.balanced_accuracy >= chance + LEAST_ABOVE_CHANCE * (1 - chance)
    is_much_worse = after.balanced_accuracy < before.balanced_accuracy - MOST_LOST
    if not is_recognised or is_much_worse or not np.isfinite(after.log_loss):
        return decision
    reason = decision.reason
    if between_bouts and after.balanced_accuracy < before.balanced_accuracy:
        reason += "; the fits for this lack the bouts that were left out, so they recognise less than the model will"
    weights = fit_recorded_labels(windows, general, examples)
    return replace(decision, reason=reason, weights=weights, softening=softening)


def _describe_scores(before: CrossValidated, after: CrossValidated, *, between_bouts: bool) -> str:
    what = "bouts that were left out" if between_bouts else "parts of the same bouts that were left out"
    return (
        f"{before.balanced_accuracy:.2f} -> {after.balanced_accuracy:.2f} in cross-validation (share of windows "
        f"recognised in {what}, every label counting the same; log loss {before.log_loss:.2f} -> {after.log_loss:.2f})"
    )


def check_new_labels(windows: LabelledFeatures, known: Float64Array, examples: Examples) -> dict[int, NewLabelTest]:
    """Test each new label on parts of its time, and on training examples, that took no part in the fit.

    Args:
        windows: the wearer's windows. Codes of new labels follow those of known ones.
        known: the weights of the known labels, ``[features + 1, labels]``.
        examples: training examples of the general model.

    Returns:
        The test of each new code; a label that is too short to be divided has none.
    """
    labels = known.shape[1]
    parts = split_time(windows)
    is_new = windows.codes >= labels
    part_of_example = np.arange(len(examples.codes)) % MOST_PARTS
    recognised: dict[int, list[BoolArray]] = {}
    taken: dict[int, list[BoolArray]] = {}
    for part in range(MOST_PARTS):
        tested = (parts == part) & is_new
        if not tested.any():
            continue
        training = (parts != NOWHERE) & ~tested & far_from(windows, tested)
        fitted = np.intersect1d(windows.codes[tested], windows.codes[training])
        if not len(fitted):
            continue
        weights = fit_new_labels(windows.select(training), known, examples.select(part_of_example != part))
        replies = (windows.features[tested] @ weights).argmax(axis=1)
        replies_of_others = (examples.features[part_of_example == part] @ weights).argmax(axis=1)
        for code in fitted.tolist():
            recognised.setdefault(code, []).append(replies[windows.codes[tested] == code] == code)
            taken.setdefault(code, []).append(replies_of_others == code)
    tests = {}
    for code, shares in recognised.items():
        tests[code] = NewLabelTest(float(np.concatenate(shares).mean()), float(np.concatenate(taken[code]).mean()))
    return tests


class _Predicted(NamedTuple):
    """Logits of windows that were left out, ``[n, labels]``, and the labels that were in both sides of a part."""

    logits: Float64Array
    fitted: set[int]


def _predict_left_out(
    windows: LabelledFeatures, parts: Int64Array, general: Float64Array, examples: Examples | None
) -> _Predicted:
    logits = windows.features @ general
    fitted: set[int] = set()
    for part in np.unique(parts[parts >= 0]):
        tested = parts == part
        training = (parts != NOWHERE) & ~tested & far_from(windows, tested)
        if not training.any():
            continue
        weights = fit_recorded_labels(windows.select(training), general, examples)
        logits[tested] = windows.features[tested] @ weights
        fitted |= set(np.intersect1d(windows.codes[training], windows.codes[tested]).tolist())
    return _Predicted(logits, fitted)


def score_logits(logits: Float64Array, codes: Int64Array) -> CrossValidated:
    """Score logits ``[n, labels]`` of windows with these true codes ``[n]``."""
    surprise = -log_softmax(logits)[np.arange(len(codes)), codes]
    is_right = logits.argmax(axis=1) == codes
    log_losses = []
    recall = {}
    for code in np.unique(codes).tolist():
        log_losses.append(surprise[codes == code].mean())
        recall[code] = float(is_right[codes == code].mean())
    return CrossValidated(float(np.mean(log_losses)), float(np.mean(list(recall.values()))), recall)


def split_bouts(windows: LabelledFeatures) -> Int64Array | None:
    """Return the part of each window, int64 ``[n]``: whole bouts of a label are dealt to 0, 1 and 2.

    What two watches of a person recorded at the same time is one bout. Windows of a label with a single bout are
    ``TRAINING_ONLY``. None if fewer than two labels have several bouts.
    """
    parts = np.full(len(windows.codes), TRAINING_ONLY, dtype=np.int64)
    divided = 0
    for code in np.unique(windows.codes):
        of_label = windows.codes == code
        bouts, which = np.unique(_join_simultaneous(windows.select(of_label)), return_inverse=True)
        if len(bouts) > 1:
            parts[of_label] = which % MOST_PARTS
            divided += 1
    return parts if divided > 1 else None


def _join_simultaneous(windows: LabelledFeatures) -> Int64Array:
    """Return the bout of each window of a label, with one number for bouts of a person that overlap in time."""
    bouts, rows, which = np.unique(windows.bouts, return_index=True, return_inverse=True)
    begins_ns, ends_ns = windows.starts_ns[rows].copy(), windows.starts_ns[rows] + windows.duration_ns
    np.minimum.at(begins_ns, which, windows.starts_ns)
    np.maximum.at(ends_ns, which, windows.starts_ns + windows.duration_ns)
    wearers = windows.wearers[rows]
    joined = bouts.copy()
    before, until_ns = -1, 0
    for bout in np.lexsort((begins_ns, wearers)).tolist():
        if before >= 0 and wearers[bout] == wearers[before] and begins_ns[bout] < until_ns:
            joined[bout] = joined[before]
            until_ns = max(until_ns, int(ends_ns[bout]))
        else:
            until_ns = int(ends_ns[bout])
        before = bout
    return np.asarray(joined[which])


def split_time(windows: LabelledFeatures) -> Int64Array:
    """Return the part of each window, int64 ``[n]``: 0, 1, 2, or ``NOWHERE``.

    The time of each label is divided separately, so that every part has windows of each label that lasts long enough:
    three windows' lengths in one piece, or two bouts a window's length apart. A shorter label is in a single part.
    """
    starts_ns, codes = windows.starts_ns, windows.codes
    duration_ns, slack_ns = windows.duration_ns, windows.slack_ns
    gap = 2 * duration_ns - slack_ns  # between the starts of two windows that are a window's length apart
    result = np.full(len(codes), NOWHERE, dtype=np.int64)
    for rank, code in enumerate(np.unique(codes)):
        mine = np.flatnonzero(codes == code)
        mine = mine[np.argsort(starts_ns[mine], kind="stable")]
        # A break between two bouts is itself a gap, so it counts as the length of one gap.
        time = np.cumsum(np.minimum(np.diff(starts_ns[mine], prepend=starts_ns[mine[0]]), gap))
        span = int(time[-1])
        if span < gap:
            result[mine] = rank % MOST_PARTS
            continue
        # The largest number of parts that are at least two windows long, and at least two parts.
        parts = int(np.clip((span + 2 * duration_ns) // (3 * duration_ns), 2, MOST_PARTS))
        width = (span - (parts - 1) * gap) / parts
        slack = slack_ns + 1  # the width is rounded to whole nanoseconds
        part = np.minimum(((time + slack) / (width + gap)).astype(np.int64), parts - 1)
        result[mine] = np.where(time - part * (width + gap) <= width + slack, part, NOWHERE)
    return result


def far_from(windows: LabelledFeatures, tested: BoolArray) -> BoolArray:
    """Return whether each window is a window's length or more away from all tested ones of its wearer, bool ``[n]``.

    ``split_time`` separates windows of the same label; this function also separates windows of different labels, and of
    two watches of one wearer.

    Args:
        windows: the windows, in any order.
        tested: which of them are tested, bool ``[n]``; at least one.
    """
    far = np.ones(len(windows.codes), dtype=bool)
    least_ns = 2 * windows.duration_ns - 4 * windows.slack_ns
    for wearer in np.unique(windows.wearers[tested]):
        of_wearer = windows.wearers == wearer
        tested_ns = np.sort(windows.starts_ns[tested & of_wearer])
        far[of_wearer] = nearest_distance_ns(windows.starts_ns[of_wearer], tested_ns) >= least_ns
    return far
