"""LSTM layers by their equations in PyTorch, step by step. In float64, autograd gives exact gradients."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

Cell = tuple[Tensor, Tensor, Tensor]
"""One layer in one direction: input weights, recurrent weights and bias, gates input, forget, candidate, output."""


def by_equations(x: Tensor, layers: Sequence[Sequence[Cell]]) -> tuple[Tensor, Tensor, Tensor]:
    """The states of all steps of the last layer, ``[batch, time, directions x units]``, and the last states and cells,
    ``[layers x directions, batch, units]``, from zeros.

    Args:
        x: ``[batch, time, inputs]``.
        layers: the cells of each layer. The second of a layer reads time backwards.
    """
    states, cells = [], []
    for layer in layers:
        made = []
        for direction, (inputs, recurrent, bias) in enumerate(layer):
            h = c = x.new_zeros(len(x), recurrent.shape[1])
            steps = []
            for step in (x.flip(1) if direction else x).unbind(1):
                i, f, g, o = (step @ inputs.T + h @ recurrent.T + bias).chunk(4, 1)
                c = f.sigmoid() * c + i.sigmoid() * g.tanh()
                h = o.sigmoid() * c.tanh()
                steps.append(h)
            made.append(torch.stack(steps[::-1] if direction else steps, 1))
            states.append(h)
            cells.append(c)
        x = torch.cat(made, 2)
    return x, torch.stack(states), torch.stack(cells)


def cells_named(
    weights: Mapping[str, Tensor], name: str, *, layers: int = 1, directions: Sequence[str] = ("",)
) -> list[list[Cell]]:
    """The cells of an LSTM whose weights begin with a name, as in a model file."""

    def cell(end: str) -> Cell:
        kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        inputs, recurrent, bias, other = (weights[f"{name}.{kind}_l{end}"] for kind in kinds)
        return inputs, recurrent, bias + other

    return [[cell(f"{layer}{direction}") for direction in directions] for layer in range(layers)]
