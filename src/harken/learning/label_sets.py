"""The loss for windows whose label is a set, such as sitting or standing for a person who eats.

The loss of a window is minus the logarithm of the sum of the probabilities that the network gives to the allowed
labels. That is the likelihood of a partial label (Jin, Ghahramani: Learning with multiple labels, NIPS 15, 2002). With
one allowed label it is the cross-entropy.
"""

import torch
from torch import Tensor

__all__ = ["set_loss"]


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
