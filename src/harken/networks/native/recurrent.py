"""The LSTM forward on NumPy arrays: by the compiled kernels, or in NumPy where they cannot be used."""

import ctypes
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from harken.networks.native import library
from harken.networks.native.library import LEVELS, Level, Problem, instructions, load

MOST_LAYERS, FEWEST_UNITS, MOST_UNITS = 3, 8, 256
"""The sizes for which there are kernels."""

Floats = NDArray[np.float32]


class Stack:
    """The layers of an LSTM, with the equations, weights and gate order of ``torch.nn.LSTM``.

    A window's result has the same bits for any other windows in the batch, if the kernels compute it. Several threads
    may call it at once.

    Args:
        weights: of each layer, and in it of each direction: input weights ``[4 x units, inputs]``, recurrent weights
            ``[4 x units, units]`` and two biases ``[4 x units]``.
        directions: 1 for forward, 2 for both.
        level: the instruction set, for tests; the best one if None.
    """

    def __init__(self, weights: Sequence[Floats], *, directions: int = 1, level: Level | None = None) -> None:
        self._weights = [np.ascontiguousarray(each, np.float32) for each in weights]
        self.units = self._weights[1].shape[1]
        self.directions = directions
        self.layers = len(self._weights) // (4 * directions)
        self._level = level
        self._addresses = (ctypes.c_void_p * len(weights))(*(each.ctypes.data for each in self._weights))

    @property
    def compiled(self) -> bool:
        """Whether the compiled kernels are used."""
        return self.layers <= MOST_LAYERS and FEWEST_UNITS <= self.units <= MOST_UNITS and load() is not None

    def __call__(self, x: Floats, *, steps: bool = True) -> tuple[Floats, Floats]:
        """Run it over ``x``, float32 ``[batch, time, inputs]``.

        Args:
            x: the input, contiguous.
            steps: whether to return the states of all steps; if not, the first of the results is empty.

        Returns:
            The states of the last layer, ``[batch, time, directions x units]``, and the states after the last step,
            ``[layers x directions, batch, units]``.

        Raises:
            MemoryError: when there is not enough memory.
        """
        return self._by_kernels(x, steps) if self.compiled else self._by_numpy(x, steps)

    def _by_kernels(self, x: Floats, steps: bool) -> tuple[Floats, Floats]:
        batch, length, _ = x.shape
        y = np.empty((batch, length if steps else 0, self.directions * self.units), np.float32)
        last = np.empty((self.layers * self.directions, batch, self.units), np.float32)
        cells = np.empty_like(last)
        strides = (stride // x.itemsize for stride in x.strides)
        problem = Problem(*x.shape, self.units, self.layers, self.directions, x.ctypes.data, *strides)
        problem.level, problem.threads = LEVELS.index(self._level or instructions()), 1
        problem.weights = ctypes.addressof(self._addresses)
        if steps:
            problem.y, problem.y_row, problem.y_time = y.ctypes.data, y.shape[1] * y.shape[2], y.shape[2]
        problem.hn, problem.cn = last.ctypes.data, cells.ctypes.data
        library.call("harken_lstm_forward", problem)
        return y, last

    def _by_numpy(self, x: Floats, steps: bool) -> tuple[Floats, Floats]:
        last = np.empty((self.layers * self.directions, len(x), self.units), np.float32)
        for layer in range(self.layers):
            each = []
            for direction in range(self.directions):
                number = layer * self.directions + direction
                y = _one_direction(x[:, ::-1] if direction else x, *self._weights[4 * number : 4 * number + 4])
                last[number] = y[:, -1]
                each.append(y[:, ::-1] if direction else y)
            x = np.concatenate(each, axis=2)
        return x if steps else x[:, :0], last


def _one_direction(x: Floats, input_weights: Floats, weights: Floats, input_bias: Floats, bias: Floats) -> Floats:
    """The states of all steps of one layer in one direction, ``[batch, time, units]``."""
    batch, length, inputs = x.shape
    units = weights.shape[1]
    entering = x.reshape(batch * length, inputs) @ input_weights.T + (input_bias + bias)
    entering = entering.reshape(batch, length, 4 * units)
    y = np.empty((batch, length, units), np.float32)
    state, cell = np.zeros((2, batch, units), np.float32)
    for step in range(length):
        gates = entering[:, step] + state @ weights.T
        enter, forget, leave = (_sigmoid(gates[:, units * gate : units * (gate + 1)]) for gate in (0, 1, 3))
        cell = forget * cell + enter * np.tanh(gates[:, 2 * units : 3 * units])
        state = leave * np.tanh(cell)
        y[:, step] = state
    return y


def _sigmoid(x: Floats) -> Floats:
    return np.asarray(0.5 * np.tanh(0.5 * x) + 0.5)
