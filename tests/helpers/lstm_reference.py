"""LSTM layers by their equations in NumPy float64, forward and, by hand, backward."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass
class Cell:
    """One layer in one direction: PyTorch's weights, gates input, forget, candidate, output."""

    inputs: Array
    recurrent: Array
    bias: Array


def sigmoid(values: Array) -> Array:
    return np.asarray(0.5 * (1 + np.tanh(values / 2)))


def run(cell: Cell, x: Array, h: Array, c: Array) -> tuple[Array, Array, Array, list[tuple[Array, ...]]]:
    """``x`` [batch, time, inputs] -> states of all steps, last state and cell, and what going back needs."""
    steps: list[Array] = []
    saved: list[tuple[Array, ...]] = []
    for t in range(x.shape[1]):
        gates = x[:, t] @ cell.inputs.T + h @ cell.recurrent.T + cell.bias
        i, f, g, o = np.split(gates, 4, axis=1)
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        after = f * c + i * g
        saved.append((i, f, g, o, c, h, after))
        c, h = after, o * np.tanh(after)
        steps.append(h)
    return np.stack(steps, axis=1), h, c, saved


def back(
    cell: Cell, x: Array, saved: list[tuple[Array, ...]], dy: Array, dh: Array, dc: Array
) -> tuple[Array, Array, Array, Cell]:
    """Gradients of the input, of the first state and cell, and of the weights."""
    dx = np.zeros_like(x)
    grads = Cell(np.zeros_like(cell.inputs), np.zeros_like(cell.recurrent), np.zeros_like(cell.bias))
    for t in reversed(range(x.shape[1])):
        i, f, g, o, before, h, after = saved[t]
        dh = dh + dy[:, t]
        seen = np.tanh(after)
        dc = dc + dh * o * (1 - seen**2)
        gates = np.concatenate(
            [dc * g * i * (1 - i), dc * before * f * (1 - f), dc * i * (1 - g**2), dh * seen * o * (1 - o)], axis=1
        )
        grads.inputs += gates.T @ x[:, t]
        grads.recurrent += gates.T @ h
        grads.bias += gates.sum(0)
        dx[:, t] = gates @ cell.inputs
        dh, dc = gates @ cell.recurrent, dc * f
    return dx, dh, dc, grads


@dataclass
class Stack:
    """Layers, each a list of its directions. The second direction reads time backwards."""

    layers: list[list[Cell]]

    def run(self, x: Array, h: Array, c: Array) -> tuple[Array, Array, Array]:
        """``h``, ``c`` [layers x directions, batch, units] -> last layer's states, last states and cells."""
        self.read: list[Array] = []
        self.saved: list[list[list[tuple[Array, ...]]]] = []
        hs, cs, number = [], [], 0
        for layer in self.layers:
            self.read.append(x)
            made, saved = [], []
            for direction, cell in enumerate(layer):
                order = slice(None, None, -1 if direction else 1)
                y, last_h, last_c, mine = run(cell, x[:, order], h[number], c[number])
                made.append(y[:, order])
                saved.append(mine)
                hs.append(last_h)
                cs.append(last_c)
                number += 1
            self.saved.append(saved)
            x = np.concatenate(made, axis=2)
        self.last_steps = x
        return x, np.stack(hs), np.stack(cs)

    def back(self, dy: Array, dh: Array, dc: Array) -> tuple[Array, Array, Array, list[list[Cell]]]:
        """After ``run``: gradients of the input, the first states and cells, and all weights."""
        directions = len(self.layers[0])
        dh0, dc0 = np.zeros_like(dh), np.zeros_like(dc)
        grads: list[list[Cell]] = []
        for layer in reversed(range(len(self.layers))):
            dx, mine = np.zeros_like(self.read[layer]), []
            for direction, cell in enumerate(self.layers[layer]):
                number = layer * directions + direction
                order = slice(None, None, -1 if direction else 1)
                part = np.split(dy, directions, axis=2)[direction][:, order]
                given, dh0[number], dc0[number], weights = back(
                    cell, self.read[layer][:, order], self.saved[layer][direction], part, dh[number], dc[number]
                )
                dx += given[:, order]
                mine.append(weights)
            grads.insert(0, mine)
            dy = dx
        return dy, dh0, dc0, grads


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
