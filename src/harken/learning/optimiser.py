"""Optimisers by name, Adam as TensorFlow 1 wrote it among them, and the one-cycle learning rate."""

import math
from collections.abc import Callable, Iterable
from typing import Any, Literal

import torch

__all__ = ["EpsilonHatAdam", "OptimiserName", "one_cycle", "optimiser"]

OptimiserName = Literal["notebook_adam", "adamw", "rmsprop"]

RISING_SHARE = 0.3
FIRST_DIVISOR, LAST_DIVISOR = 25.0, 25e4


class EpsilonHatAdam(torch.optim.Adam):
    """Adam with "epsilon hat": epsilon is added to the root of the *uncorrected* second moment.

    Kingma and Ba (2015, end of section 2) and ``tf.train.AdamOptimizer`` step by
    ``rate * sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + epsilon)``, where PyTorch divides by
    ``sqrt(v) / sqrt(1 - b2^t) + epsilon``. Dividing PyTorch's epsilon by ``sqrt(1 - b2^t)`` before each step
    makes the two the same.
    """

    def __init__(self, params: Any, *, lr: float, epsilon_hat: float = 1e-8) -> None:
        params = list(params)
        super().__init__(params, lr=lr, eps=epsilon_hat, fused=_fused(params))
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


def optimiser(
    name: OptimiserName, parameters: Iterable[torch.nn.Parameter], *, learning_rate: float, weight_decay: float
) -> torch.optim.Optimizer:
    """The optimiser of this name over these parameters.

    ``notebook_adam`` is ``EpsilonHatAdam``, which knows no weight decay; ``adamw`` and ``rmsprop`` are PyTorch's
    (Loshchilov and Hutter, 2019; Tieleman and Hinton, 2012, with its factor of 0.9).

    Raises:
        ValueError: when there is none of this name.
    """
    if name == "notebook_adam":
        return EpsilonHatAdam(parameters, lr=learning_rate)
    if name == "adamw":
        parameters = list(parameters)
        return torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=weight_decay, fused=_fused(parameters))
    if name == "rmsprop":
        return torch.optim.RMSprop(parameters, lr=learning_rate, alpha=0.9, weight_decay=weight_decay)
    raise ValueError(f"there is no optimiser {name!r}")


def _fused(parameters: Iterable[torch.nn.Parameter]) -> bool:
    """Whether all is done in one visit to the memory: on a CPU in a quarter of the time. (On a GPU, where PyTorch
    chooses well by itself, a checkpoint's count of steps would have to move there.)"""
    return all(parameter.device.type == "cpu" for parameter in parameters)


def one_cycle(optimiser: torch.optim.Optimizer, step: int, steps: int, *, largest: float) -> None:
    """Set the learning rate of the (1-based) step: up along half a cosine, then down along another to nothing.

    The shape and its defaults are those of PyTorch's ``OneCycleLR`` (Smith and Topin, 2018), with the momentum
    left alone: a function of the step, so that a checkpoint need not hold the state of a scheduler.
    """
    top = RISING_SHARE * steps - 1
    done = step - 1
    if done <= top:
        low, share = largest / FIRST_DIVISOR, done / top
    else:
        low, share = largest / LAST_DIVISOR, 1 - (done - top) / max(steps - 1 - top, 1e-9)
    rate = low + (largest - low) * (1 - math.cos(math.pi * share)) / 2
    for group in optimiser.param_groups:
        group["lr"] = rate
