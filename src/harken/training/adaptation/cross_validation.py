"""Cross-validation of the adaptation inside the labelled seconds, and the decision whether to keep the weights."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from harken.training.adaptation.output_layer import LabelledFeatures, label_shares, pulled_weights

STRENGTHS = (0.1, 0.01, 0.001, 0.0001)
"""Strengths of the prior, strongest first, for features with a mean squared length of 1."""
MOST_PARTS = 3
NOWHERE = -1
"""The part number of a window in the gap between two parts."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CrossValidated:
    """Scores of held-out windows, with the same weight for every label.

    Attributes:
        log_loss: the mean over labels of their windows' mean log loss, with all labels of the model as classes.
        balanced_accuracy: the mean recall of the labels.
    """

    log_loss: float
    balanced_accuracy: float


@dataclass(frozen=True, eq=False)
class Decision:
    """The decision whether to keep the adapted weights, with its scores.

    Attributes:
        kept: whether adapted weights are better.
        reason: why they are kept, or why not.
        before, after: scores of the general and of the best adapted weights; None if there was too little data.
        strength: the strength of the prior for the best weights.
        held_out_logits: their logits, float64 ``[tested, labels]``, from weights that were fitted without the window.
        held_out_codes: the true labels, ``[tested]``.
        too_short: codes of labels that are too short: they were tested by weights that were fitted without them.
    """

    kept: bool
    reason: str
    before: CrossValidated | None = None
    after: CrossValidated | None = None
    strength: float | None = None
    held_out_logits: Floats | None = None
    held_out_codes: NDArray[np.int64] | None = None
    too_short: tuple[int, ...] = ()


def decide(examples: LabelledFeatures, general: Floats) -> Decision:
    """Divide the labelled time into parts, and test each part with weights that were fitted to the other parts.

    Adapted weights are better if their log loss is smaller and their balanced accuracy is at least as high. Accuracy
    alone is too coarse for a few dozen windows, and log loss alone may improve by calibration only.

    Args:
        examples: the wearer's labelled windows.
        general: the general model's weights for their features, ``[features + 1, labels]``.
    """
    if len(np.unique(examples.codes)) < 2:
        return Decision(False, "only one label was recorded; at least two are needed")
    parts = time_parts(examples.starts_ns, examples.codes, duration_ns=examples.duration_ns, slack_ns=examples.slack_ns)
    logits, fitted = _held_out(examples, parts, general)
    if len(fitted) < 2:
        length_s = examples.duration_ns / 1e9
        return Decision(
            False,
            f"too little data for a cross-validation, which needs {3 * length_s:g} s in one piece of at least two "
            f"labels, or two bouts of them that are {length_s:g} s apart",
        )
    tested = parts != NOWHERE
    codes = examples.codes[tested]
    before = _scored(examples.features[tested] @ general, codes)
    scores = {strength: _scored(each[tested], codes) for strength, each in logits.items()}
    no_worse = [s for s, each in scores.items() if each.balanced_accuracy >= before.balanced_accuracy]
    best = min(no_worse or scores, key=lambda strength: scores[strength].log_loss)
    after = scores[best]
    return Decision(
        kept=bool(no_worse) and after.log_loss < before.log_loss,
        reason=f"{before.balanced_accuracy:.2f} -> {after.balanced_accuracy:.2f} in cross-validation (share of windows "
        f"recognised, every label counting the same; log loss {before.log_loss:.2f} -> {after.log_loss:.2f})",
        before=before,
        after=after,
        strength=best,
        held_out_logits=logits[best][tested],
        held_out_codes=codes,
        too_short=tuple(sorted(set(codes.tolist()) - fitted)),
    )


def _held_out(
    examples: LabelledFeatures, parts: NDArray[np.int64], general: Floats
) -> tuple[dict[float, Floats], set[int]]:
    """Logits ``[n, labels]`` for each strength, and the labels that were tested by weights fitted to them."""
    logits = np.stack([examples.features @ general] * len(STRENGTHS))
    both: set[int] = set()
    for part in np.unique(parts[parts != NOWHERE]):
        test = parts == part
        far = far_from(
            examples.starts_ns[test],
            examples.starts_ns,
            duration_ns=examples.duration_ns,
            slack_ns=examples.slack_ns,
        )
        training = (parts != NOWHERE) & ~test & far
        codes = examples.codes[training]
        weights = pulled_weights(examples.features[training], codes, general, strengths=STRENGTHS)
        logits[:, test] = [examples.features[test] @ each for each in weights]
        both |= set(np.intersect1d(codes, examples.codes[test]).tolist())
    return dict(zip(STRENGTHS, logits, strict=True)), both


def _scored(logits: Floats, codes: NDArray[np.int64]) -> CrossValidated:
    share = label_shares(codes)
    surprise = -log_softmax(logits, axis=1)[np.arange(len(codes)), codes]
    return CrossValidated(float(share @ surprise), float(share @ (logits.argmax(axis=1) == codes)))


def time_parts(
    starts_ns: NDArray[np.int64], codes: NDArray[np.int64], *, duration_ns: int, slack_ns: int
) -> NDArray[np.int64]:
    """The part of each window, int64 ``[n]``: 0, 1, 2, or ``NOWHERE``.

    The time of each label is divided separately, so that every part has windows of each label that lasts long enough:
    three windows' lengths in one piece, or two bouts a window's length apart. A shorter label is in a single part.

    Args:
        starts_ns, codes: the starts of windows and their labels, ``[n]``.
        duration_ns: the duration of a window.
        slack_ns: the tolerance of the gap, because times are rounded.
    """
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


def far_from(
    tests_ns: NDArray[np.int64], starts_ns: NDArray[np.int64], *, duration_ns: int, slack_ns: int
) -> NDArray[np.bool_]:
    """Whether each window is at least a window's length away from every tested window, bool ``[n]``.

    ``time_parts`` separates windows of the same label; this function also separates windows of different labels.

    Args:
        tests_ns: the starts of the tested windows, at least one, in any order.
        starts_ns: the starts of the windows to check, ``[n]``.
        duration_ns, slack_ns: as for ``time_parts``.
    """
    tests = np.sort(tests_ns)
    after = np.searchsorted(tests, starts_ns)
    before_it, behind_it = tests[np.maximum(after - 1, 0)], tests[np.minimum(after, len(tests) - 1)]
    nearest = np.minimum(np.abs(starts_ns - before_it), np.abs(behind_it - starts_ns))
    return np.asarray(nearest >= 2 * duration_ns - 4 * slack_ns)
