"""Training on windows whose label is a set, such as sitting or standing for a person who eats.

The loss of a window is minus the logarithm of the sum of the probabilities that the network gives to the allowed
labels. That is the likelihood of a partial label (Jin, Ghahramani: Learning with multiple labels, NIPS 15, 2002). With
one allowed label it is the cross-entropy.
"""

import math

import torch
from torch import Tensor

MOST_SETS = 0.2
"""The largest share of windows with several allowed labels in a batch."""


def places_between_sets(batch_windows: int) -> int:
    """The least distance of two windows with several allowed labels, so that no batch has more than ``MOST_SETS``.

    >>> places_between_sets(64)
    6
    """
    return max(2, math.ceil(batch_windows / max(1, int(MOST_SETS * batch_windows))))


def with_spread_sets(single: Tensor, several: Tensor, *, places: int) -> Tensor:
    """One order of both kinds of rows, in which rows of ``several`` are at least ``places`` apart.

    Args:
        single: rows of windows with one allowed label, int64 ``[n]``.
        several: rows of windows with several allowed labels, int64 ``[m]``. Those at the end are left out if there are
            too many.
        places: the least distance, 2 or more.

    >>> import torch
    >>> with_spread_sets(torch.arange(5), torch.tensor([10, 11, 12]), places=3).tolist()
    [0, 10, 1, 2, 3, 11, 4]
    """
    kept = several[: len(single) // (places - 1)]
    n = len(single) + len(kept)
    order = torch.empty(n, dtype=torch.long)
    if len(kept) == 0:
        return single
    at = ((torch.arange(len(kept)) + 0.5) * n / len(kept)).long()
    between = torch.ones(n, dtype=torch.bool)
    between[at] = False
    order[at], order[between] = kept, single
    return order


def set_loss(logits: Tensor, allowed: Tensor, *, label_smoothing: float = 0.0) -> Tensor:
    """The mean loss over windows, a scalar.

    Args:
        logits: float32 ``[n, labels]``.
        allowed: which labels each window allows, bool ``[n, labels]``; at least one each.
        label_smoothing: as in ``torch.nn.functional.cross_entropy``, for windows with one allowed label. A set already
            expresses that the label is uncertain.

    Raises:
        ValueError: when a window allows no label.

    >>> import torch
    >>> logits = torch.tensor([[0.0, 0.0, 0.0]])
    >>> round(float(set_loss(logits, torch.tensor([[True, True, False]])).exp()), 4)  # 1 / (1/3 + 1/3)
    1.5
    """
    if not bool(allowed.any(dim=1).all()):
        raise ValueError("every window must allow at least one label")
    log_probabilities = torch.log_softmax(logits, dim=1)
    loss = -torch.logsumexp(log_probabilities.masked_fill(~allowed, -torch.inf), dim=1)
    if label_smoothing:
        single = allowed.sum(dim=1) == 1
        smoothed = (1 - label_smoothing) * loss - label_smoothing * log_probabilities.mean(dim=1)
        loss = torch.where(single, smoothed, loss)
    return loss.mean()
