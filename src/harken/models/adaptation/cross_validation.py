"""Would adapting help? Cross-validation inside the labelled seconds, and the decision that rests on it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from harken.models.adaptation.examples import LabelledFeatures
from harken.models.adaptation.parts import NOWHERE, far_from, time_parts
from harken.models.adaptation.regression import label_shares, pulled_weights

__all__ = ["STRENGTHS", "CrossValidated", "Decision", "decide"]

STRENGTHS = (0.1, 0.01, 0.001, 0.0001)
"""How hard weights are pulled back, strongest first, where features have a mean squared length of 1."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CrossValidated:
    """How well held-out windows were recognised, every label counting the same.

    Attributes:
        log_loss: the mean over labels of their windows' mean log loss, all labels of the model competing.
        balanced_accuracy: the mean over labels of the share of their windows that was recognised.
    """

    log_loss: float
    balanced_accuracy: float


@dataclass(frozen=True, eq=False)
class Decision:
    """Whether to adapt, and what that rests on.

    Attributes:
        kept: whether adapted weights are better.
        reason: why, or why not.
        before, after: the general weights and the best of the adapted ones; None when there was too little data.
        strength: of the best ones.
        held_out_logits: theirs, float64 ``[tested, labels]``, by weights that had not met the window.
        held_out_codes: the truth, ``[tested]``.
        unlearned: codes of labels of which whoever tested them had learned nothing, because they are too short.
    """

    kept: bool
    reason: str
    before: CrossValidated | None = None
    after: CrossValidated | None = None
    strength: float | None = None
    held_out_logits: Floats | None = None
    held_out_codes: NDArray[np.int64] | None = None
    unlearned: tuple[int, ...] = ()


def decide(examples: LabelledFeatures, general: Floats) -> Decision:
    """Cut the labelled time into parts, and test each by what was learned from the others.

    Adapted weights are better where their log loss is smaller and their balanced accuracy is not. Accuracy alone
    is too coarse for a few dozen windows, and log loss alone would be content with surer probabilities.

    Args:
        examples: the wearer's labelled windows.
        general: the general model's weights for their features, ``[features + 1, labels]``.
    """
    if len(np.unique(examples.codes)) < 2:
        return Decision(False, "only one label was recorded, and one label alone cannot be told apart from others")
    parts = time_parts(examples.starts_ns, examples.codes, duration_ns=examples.duration_ns, slack_ns=examples.slack_ns)
    logits, learned = _held_out(examples, parts, general)
    if len(learned) < 2:
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
        unlearned=tuple(sorted(set(codes.tolist()) - learned)),
    )


def _held_out(
    examples: LabelledFeatures, parts: NDArray[np.int64], general: Floats
) -> tuple[dict[float, Floats], set[int]]:
    """Logits ``[n, labels]`` for each strength, and the labels that were tested by what had learned some of them."""
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
