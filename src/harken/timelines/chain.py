"""Exact inference in hidden Markov chains with different transitions at each step, without a Python loop over steps.

A week has 121,000 steps. In NumPy, a loop over them takes a second or more for each pass. Here the chain is cut into
blocks. The effect of a block on a distribution is one matrix: the product of the matrices of its steps. The products of
all blocks are computed at the same time, step by step. Then the distribution at the start of each block is known, and
the passes within the blocks are computed at the same time too. This is an associative scan in two levels (S. Särkkä and
Á. García-Fernández, "Temporal parallelization of Bayesian smoothers", IEEE Trans. Automatic Control 66(1), 2021), and
it is exact. The most probable path is found in the same way, with a maximum in place of the sum.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["Chain"]

Array = NDArray[np.float64]
Number = TypeVar("Number", np.floating, np.int64)

STEPS_AND_BLOCKS = 4
"""One step in all blocks takes about four times as long as one block in the loops over blocks."""


@dataclass(frozen=True, eq=False)
class Chain:
    """A hidden Markov chain: a hidden state, and a likelihood of each state, at each of n steps.

    Attributes:
        transitions: the different transition matrices, float64 ``[m, states, states]``: rows are the previous state.
            All values are above 0.
        which: the number of the matrix from the previous step to each step, int64 ``[n]``. Before the first step, all
            states have the same probability.
        evidence: the likelihood of each state at each step, up to a factor, ``[n, states]``. All values are above 0.
            Results and stored intermediate values have its precision; the arithmetic is in float64.
    """

    transitions: Array
    which: NDArray[np.int64]
    evidence: NDArray[np.floating]

    def posteriors(self) -> NDArray[np.floating]:
        """The probability of each state at each step given all evidence, ``[n, states]`` (forward-backward)."""
        n, states = self.evidence.shape
        length, blocks = self._which.shape
        whole = np.broadcast_to(np.eye(states), (blocks, states, states))
        for step in self._steps():
            whole = whole @ step
            whole /= whole.max(axis=(1, 2), keepdims=True)
        entering, leaving = np.ones((2, blocks, states))
        for block in range(1, blocks):
            entering[block] = entering[block - 1] @ whole[block - 1]
            entering[block] /= entering[block].sum()
        for block in range(blocks - 2, -1, -1):
            leaving[block] = whole[block + 1] @ leaving[block + 1]
            leaving[block] /= leaving[block].sum()
        found = np.empty((length, blocks, states), dtype=self.evidence.dtype)
        forward = entering[:, None, :]
        for number, step in enumerate(self._steps()):
            forward = forward @ step
            forward /= forward.sum(axis=2, keepdims=True)
            found[number] = forward[:, 0]
        backward = leaving[:, :, None]
        for number, step in zip(range(length - 1, -1, -1), self._steps(backwards=True), strict=True):
            found[number] *= backward[:, :, 0]
            backward = step @ backward
            backward /= backward.sum(axis=1, keepdims=True)
        found /= found.sum(axis=2, keepdims=True)
        return found.swapaxes(0, 1).reshape(-1, states)[:n]

    def best_path(self) -> NDArray[np.int64]:
        """The most probable sequence of states given all evidence, ``[n]`` (Viterbi)."""
        n, states = self.evidence.shape
        length, blocks = self._which.shape
        whole = np.where(np.eye(states, dtype=bool), 0.0, -np.inf) + np.zeros((blocks, 1, 1))
        for step in self._log_steps():
            whole = _max_product(whole, step)
        score = np.zeros((blocks, states))
        for block in range(1, blocks):
            score[block] = (score[block - 1, :, None] + whole[block - 1]).max(axis=0)
        before = np.empty((length, blocks, states), dtype=np.int16)
        for number, step in enumerate(self._log_steps()):
            candidates = score[:, :, None] + step
            before[number] = candidates.argmax(axis=1)
            score = candidates.max(axis=1)
        # Trace back from each possible last state of a block, in all blocks at once; then from block to block.
        path = np.empty((length, blocks, states), dtype=np.int16)
        state = np.broadcast_to(np.arange(states, dtype=np.int16), (blocks, states))
        for number in range(length - 1, -1, -1):
            path[number] = state
            state = np.take_along_axis(before[number], state.astype(np.int64), axis=1)
        ends = np.empty(blocks, dtype=np.int64)
        ends[-1] = score[-1].argmax()
        for block in range(blocks - 1, 0, -1):
            ends[block - 1] = state[block, ends[block]]
        found = np.take_along_axis(path, ends[None, :, None], axis=2)[:, :, 0]
        return found.T.reshape(-1)[:n].astype(np.int64)

    @cached_property
    def _which(self) -> NDArray[np.int64]:
        """``which`` in blocks, ``[length, blocks]``. The last block is filled up with that of a matrix of ones."""
        n = len(self.which)
        length = max(1, round((n / STEPS_AND_BLOCKS) ** 0.5))
        return _in_blocks(self.which, length, len(self.transitions))

    @cached_property
    def _evidence(self) -> NDArray[np.floating]:
        """``evidence`` in blocks, ``[length, blocks, states]``."""
        return _in_blocks(self.evidence, len(self._which), 1.0)

    @cached_property
    def _transitions(self) -> Array:
        return np.concatenate([self.transitions, np.ones((1, *self.transitions.shape[1:]))])

    def _steps(self, *, backwards: bool = False) -> Iterator[Array]:
        """The matrix of each step of all blocks, transition and evidence, ``[blocks, states, states]``."""
        numbers = range(len(self._which))
        for number in reversed(numbers) if backwards else numbers:
            yield self._transitions[self._which[number]] * self._evidence[number][:, None, :]

    def _log_steps(self) -> Iterator[Array]:
        transitions = np.log(self._transitions)
        for number, which in enumerate(self._which):
            yield transitions[which] + np.log(self._evidence[number])[:, None, :]


def _in_blocks(values: NDArray[Number], length: int, fill: float) -> NDArray[Number]:
    """``[n, ...]`` -> ``[length, blocks, ...]``; the last block is filled up with ``fill``."""
    full, rest = divmod(len(values), length)
    found = np.full((length, full + (rest > 0), *values.shape[1:]), fill, dtype=values.dtype)
    found.swapaxes(0, 1)[:full] = values[: full * length].reshape(full, length, *values.shape[1:])
    if rest:
        found[:rest, full] = values[full * length :]
    return found


def _max_product(left: Array, right: Array) -> Array:
    """Products of matrices of logarithms, ``[blocks, states, states]``, with the maximum in place of the sum."""
    found = left[:, :, :1] + right[:, :1, :]
    for state in range(1, left.shape[2]):
        np.maximum(found, left[:, :, state, None] + right[:, state, None, :], out=found)
    return found
