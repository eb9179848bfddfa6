"""LSTM layers by their equations in float64. Gradients are PyTorch's, by its automatic differentiation of these."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.float64]


@dataclass
class Cell:
    """One layer in one direction: PyTorch's weights, gates input, forget, candidate, output."""

    inputs: Array
    recurrent: Array
    bias: Array


WEIGHTS = 3
"""Of a cell."""


def run(weights: list[Tensor], x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """``x`` [batch, time, inputs] -> states of all steps, last state and cell."""
    inputs, recurrent, bias = weights
    steps = []
    for t in range(x.shape[1]):
        i, f, g, o = (x[:, t] @ inputs.T + h @ recurrent.T + bias).chunk(4, dim=1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        steps.append(h)
    return torch.stack(steps, dim=1), h, c


@dataclass
class Stack:
    """Layers, each a list of its directions. The second direction reads time backwards."""

    layers: list[list[Cell]]

    def run(self, x: Array, h: Array, c: Array) -> tuple[Array, Array, Array]:
        """``h``, ``c`` [layers x directions, batch, units] -> last layer's states, last states and cells."""
        weights = [array for layer in self.layers for cell in layer for array in vars(cell).values()]
        self.leaves = [torch.tensor(array, dtype=torch.float64, requires_grad=True) for array in (x, h, c, *weights)]
        given, first_h, first_c, *leaves = self.leaves
        last: list[tuple[Tensor, Tensor]] = []
        for layer in self.layers:
            made = []
            for direction in range(len(layer)):
                number = len(last)
                own = leaves[WEIGHTS * number : WEIGHTS * (number + 1)]
                read = given.flip(1) if direction else given
                y, last_h, last_c = run(own, read, first_h[number], first_c[number])
                made.append(y.flip(1) if direction else y)
                last.append((last_h, last_c))
            given = torch.cat(made, dim=2)
        self.made = (given, *(torch.stack(states) for states in zip(*last, strict=True)))
        self.last_steps, h, c = (tensor.detach().numpy() for tensor in self.made)
        return self.last_steps, h, c

    def back(self, dy: Array, dh: Array, dc: Array) -> tuple[Array, Array, Array, list[list[Cell]]]:
        """After ``run``: gradients of the input, the first states and cells, and all weights."""
        pulls = [torch.tensor(pull, dtype=torch.float64) for pull in (dy, dh, dc)]
        dx, dh0, dc0, *grads = (grad.numpy() for grad in torch.autograd.grad(self.made, self.leaves, pulls))
        cells = iter(zip(*[iter(grads)] * WEIGHTS, strict=True))
        return dx, dh0, dc0, [[Cell(*next(cells)) for _ in layer] for layer in self.layers]


def stack_named(weights: dict[str, Array], name: str, *, layers: int = 1, directions: tuple[str, ...] = ("",)) -> Stack:
    """The layers of an LSTM whose weights begin with a name, as in a model file."""
    cells = [
        [
            Cell(
                weights[f"{name}.weight_ih_l{layer}{direction}"],
                weights[f"{name}.weight_hh_l{layer}{direction}"],
                weights[f"{name}.bias_ih_l{layer}{direction}"] + weights[f"{name}.bias_hh_l{layer}{direction}"],
            )
            for direction in directions
        ]
        for layer in range(layers)
    ]
    return Stack(cells)


def states(stack: Stack, x: Array) -> Array:
    """The states of the last layer, ``[batch, time, directions x units]``, from zeros."""
    zeros = np.zeros((sum(map(len, stack.layers)), len(x), stack.layers[0][0].recurrent.shape[1]))
    return stack.run(x, zeros, zeros)[0]
