"""Adam as TensorFlow 1 wrote it."""

from collections.abc import Callable
from typing import Any

import torch

__all__ = ["EpsilonHatAdam"]


class EpsilonHatAdam(torch.optim.Adam):
    """Adam with "epsilon hat": epsilon is added to the root of the *uncorrected* second moment.

    Kingma and Ba (2015, end of section 2) and ``tf.train.AdamOptimizer`` step by
    ``rate * sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + epsilon)``, where PyTorch divides by
    ``sqrt(v) / sqrt(1 - b2^t) + epsilon``. Dividing PyTorch's epsilon by ``sqrt(1 - b2^t)`` before each step
    makes the two the same.
    """

    def __init__(self, params: Any, *, lr: float, epsilon_hat: float = 1e-8) -> None:
        super().__init__(params, lr=lr, eps=epsilon_hat)
        self.epsilon_hat = epsilon_hat

    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Take one step. All parameters have taken part in every step before."""
        for group in self.param_groups:
            state = self.state.get(group["params"][0], {})
            next_step = int(state["step"]) + 1 if state else 1
            _, second = group["betas"]
            group["eps"] = self.epsilon_hat / (1 - second**next_step) ** 0.5
        loss: float | None = super().step(closure)
        return loss
