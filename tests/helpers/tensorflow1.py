"""The notebook's network in NumPy float64, written from TensorFlow 1's equations and nothing of ours.

``BasicLSTMCell`` (TensorFlow 1.x, ``rnn_cell_impl.py``) with ``forget_bias=1.0``:
``i, j, f, o = split([x, h] @ kernel + bias, 4)``; ``c' = c * sigmoid(f + 1) + sigmoid(i) * tanh(j)``;
``h' = tanh(c') * sigmoid(o)``. The gradients are written out by hand.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

Array = np.ndarray


@dataclass
class Weights:
    hidden_weight: Array  # [channels, units]
    hidden_bias: Array  # [units]
    kernels: list[Array]  # [units + units, 4 * units] a layer, columns i, j, f, o
    biases: list[Array]  # [4 * units] a layer
    output_weight: Array  # [units, classes]
    output_bias: Array  # [classes]

    def every(self) -> list[Array]:
        return [
            self.hidden_weight,
            self.hidden_bias,
            *self.kernels,
            *self.biases,
            self.output_weight,
            self.output_bias,
        ]


def sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


class Step(NamedTuple):
    """One step of a layer: what goes in, the gates, and the cell before and after."""

    joined: Array
    i: Array
    j: Array
    f: Array
    o: Array
    c_before: Array
    c: Array


class Tape(NamedTuple):
    """What the backward pass needs."""

    before_relu: Array
    layers: list[list[Step]]
    last_output: Array


def logits_of(weights: Weights, signals: Array, mask: Array) -> tuple[Array, Tape]:
    """Logits [batch, classes], and what the backward pass needs. ``mask`` is dropout's, scaled by 1 / keep."""
    before_relu = (signals @ weights.hidden_weight + weights.hidden_bias) * mask
    inputs = np.maximum(before_relu, 0)
    batch, time, units = inputs.shape
    layers: list[list[Step]] = []
    for kernel, bias in zip(weights.kernels, weights.biases, strict=True):
        h = c = np.zeros((batch, units))
        outputs = np.empty_like(inputs)
        steps: list[Step] = []
        for t in range(time):
            joined = np.concatenate([inputs[:, t], h], axis=1)
            i, j, f, o = np.split(joined @ kernel + bias, 4, axis=1)
            i, j, f, o = sigmoid(i), np.tanh(j), sigmoid(f + 1.0), sigmoid(o)
            c_before, c = c, c * f + i * j
            h = np.tanh(c) * o
            outputs[:, t] = h
            steps.append(Step(joined, i, j, f, o, c_before, c))
        layers.append(steps)
        inputs = outputs
    tape = Tape(before_relu, layers, inputs[:, -1])
    return inputs[:, -1] @ weights.output_weight + weights.output_bias, tape


def loss_and_gradients(weights: Weights, signals: Array, codes: Array, mask: Array, l2: float) -> tuple[float, Weights]:
    """softmax cross-entropy, mean over the batch, plus l2 * sum(w^2) / 2 over every variable; and its gradients."""
    logits, tape = logits_of(weights, signals, mask)
    batch, time, _ = signals.shape
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_softmax = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -log_softmax[np.arange(batch), codes].mean() + l2 * sum((w**2).sum() / 2 for w in weights.every())

    d_logits = np.exp(log_softmax)
    d_logits[np.arange(batch), codes] -= 1
    d_logits /= batch
    d_output_weight, d_output_bias = tape.last_output.T @ d_logits, d_logits.sum(axis=0)
    units = weights.hidden_weight.shape[1]
    d_outputs = np.zeros((batch, time, units))
    d_outputs[:, -1] = d_logits @ weights.output_weight.T
    d_kernels: list[Array] = []
    d_biases: list[Array] = []
    for kernel, steps in zip(reversed(weights.kernels), reversed(tape.layers), strict=True):
        d_kernel, d_bias = np.zeros_like(kernel), np.zeros(kernel.shape[1])
        d_inputs = np.zeros((batch, time, units))
        d_h, d_c = np.zeros((batch, units)), np.zeros((batch, units))
        for t in reversed(range(time)):
            joined, i, j, f, o, c_before, c = steps[t]
            d_h = d_h + d_outputs[:, t]
            d_o = d_h * np.tanh(c) * o * (1 - o)
            d_c = d_c + d_h * o * (1 - np.tanh(c) ** 2)
            d_i, d_j = d_c * j * i * (1 - i), d_c * i * (1 - j**2)
            d_f = d_c * c_before * f * (1 - f)
            d_gates = np.concatenate([d_i, d_j, d_f, d_o], axis=1)
            d_kernel += joined.T @ d_gates
            d_bias += d_gates.sum(axis=0)
            d_joined = d_gates @ kernel.T
            d_inputs[:, t], d_h = d_joined[:, :units], d_joined[:, units:]
            d_c = d_c * f
        d_kernels.insert(0, d_kernel)
        d_biases.insert(0, d_bias)
        d_outputs = d_inputs
    d_before_relu = d_outputs * (tape.before_relu > 0) * mask
    gradients = Weights(
        np.einsum("btc,btu->cu", signals, d_before_relu),
        d_before_relu.sum(axis=(0, 1)),
        d_kernels,
        d_biases,
        d_output_weight,
        d_output_bias,
    )
    for gradient, weight in zip(gradients.every(), weights.every(), strict=True):
        gradient += l2 * weight
    return float(loss), gradients


class Adam:
    """``tf.train.AdamOptimizer``: epsilon is added to the root of the uncorrected second moment ("epsilon hat")."""

    def __init__(self, rate: float, epsilon: float = 1e-8) -> None:
        self.rate, self.epsilon, self.t = rate, epsilon, 0
        self.m: list[Array] = []
        self.v: list[Array] = []

    def step(self, weights: list[Array], gradients: list[Array]) -> None:
        if not self.m:
            self.m = [np.zeros_like(w) for w in weights]
            self.v = [np.zeros_like(w) for w in weights]
        self.t += 1
        rate = self.rate * np.sqrt(1 - 0.999**self.t) / (1 - 0.9**self.t)
        for w, g, m, v in zip(weights, gradients, self.m, self.v, strict=True):
            m[...] = 0.9 * m + 0.1 * g
            v[...] = 0.999 * v + 0.001 * g**2
            w -= rate * m / (np.sqrt(v) + self.epsilon)
