"""Optimisers by name, including the Adam of TensorFlow 1, and the one-cycle learning rate."""

import math
from collections.abc import Callable, Iterable
from typing import Any, Literal

import torch

OptimiserName = Literal["notebook_adam", "adamw", "rmsprop"]

RISING_SHARE = 0.3
FIRST_DIVISOR, LAST_DIVISOR = 25.0, 25e4


class EpsilonHatAdam(torch.optim.Adam):
    """Adam with "epsilon hat": epsilon is added to the root of the *uncorrected* second moment.

    The update of Kingma and Ba (2015, end of section 2) and of ``tf.train.AdamOptimizer`` is
    ``rate * sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + epsilon)``. PyTorch divides by
    ``sqrt(v) / sqrt(1 - b2^t) + epsilon`` instead. If PyTorch's epsilon is divided by ``sqrt(1 - b2^t)`` before each
    update, both are the same.
    """

    def __init__(self, params: Any, *, lr: float, epsilon_hat: float = 1e-8) -> None:
        params = list(params)
        super().__init__(params, lr=lr, eps=epsilon_hat, fused=_fused(params))
        self.epsilon_hat = epsilon_hat

    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]
        """Update the parameters. All parameters must have taken part in every earlier update."""
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

    ``notebook_adam`` is ``EpsilonHatAdam``, which has no weight decay; ``adamw`` and ``rmsprop`` are PyTorch's
    (Loshchilov and Hutter, 2019; Tieleman and Hinton, 2012, with its factor of 0.9).

    Raises:
        ValueError: when no optimiser has this name.
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
    """Whether the update of all parameters is fused, which takes a quarter of the time on a CPU. (On a GPU PyTorch
    chooses well by default, and a fused update would need the checkpoint's count of steps on the GPU.)"""
    return all(parameter.device.type == "cpu" for parameter in parameters)


def one_cycle(optimiser: torch.optim.Optimizer, iteration: int, iterations: int, *, largest: float) -> None:
    """Set the learning rate of the (1-based) iteration: it rises along half a cosine, then falls along another to 0.

    The shape and its defaults are those of PyTorch's ``OneCycleLR`` (Smith and Topin, 2018); the momentum is not
    changed. The rate is a function of the iteration, so that a checkpoint does not need the state of a scheduler.
    """
    top = RISING_SHARE * iterations - 1
    done = iteration - 1
    if done <= top:
        low, share = largest / FIRST_DIVISOR, done / top
    else:
        low, share = largest / LAST_DIVISOR, 1 - (done - top) / max(iterations - 1 - top, 1e-9)
    rate = low + (largest - low) * (1 - math.cos(math.pi * share)) / 2
    for group in optimiser.param_groups:
        group["lr"] = rate
