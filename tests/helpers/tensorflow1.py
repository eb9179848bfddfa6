"""TensorFlow 1's Adam in NumPy float64."""

import numpy as np

Array = np.ndarray


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
