"""The history of a training: the loss of every iteration, and the scheduled evaluations."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl


@dataclass
class History:
    """Losses and accuracies: of the training batch at every iteration, of the tests at every evaluation.

    The loss and accuracy of a batch are computed before the iteration changes the weights and with dropout, as in the
    notebook.
    """

    tests: tuple[str, ...] = ()
    train_loss: list[float] = field(default_factory=list)
    train_accuracy: list[float] = field(default_factory=list)
    evaluated_iterations: list[int] = field(default_factory=list)
    test_loss: dict[str, list[float]] = field(default_factory=dict)
    test_accuracy: dict[str, list[float]] = field(default_factory=dict)
    threads: int = 0
    """CPU threads of the training; 0 if it did not run on a CPU."""

    def __post_init__(self) -> None:
        for name in self.tests:
            self.test_loss.setdefault(name, [])
            self.test_accuracy.setdefault(name, [])

    def add_iteration(self, loss: float, accuracy: float) -> None:
        """Add the loss and accuracy of a training iteration."""
        self.train_loss.append(loss)
        self.train_accuracy.append(accuracy)

    def add_evaluation(self, iteration: int, results: Mapping[str, tuple[float, float]]) -> None:
        """Add the loss and accuracy of every test after ``iteration``."""
        self.evaluated_iterations.append(iteration)
        for name, (loss, accuracy) in results.items():
            self.test_loss[name].append(loss)
            self.test_accuracy[name].append(accuracy)

    @property
    def last_iteration(self) -> tuple[float, float]:
        """Loss and accuracy of the last training batch."""
        return self.train_loss[-1], self.train_accuracy[-1]

    @property
    def last_evaluated_iteration(self) -> int:
        """The iteration of the last evaluation; 0 before the first."""
        return self.evaluated_iterations[-1] if self.evaluated_iterations else 0

    @property
    def last_evaluation(self) -> dict[str, tuple[float, float]]:
        """Loss and accuracy of every test at the last evaluation."""
        return {
            name: (self.test_loss[name][-1], self.test_accuracy[name][-1])
            for name in self.tests
            if self.test_loss[name]
        }

    def to_csv(self, batch_windows: int) -> str:
        """One line for each iteration; the tests' columns are empty where there was no evaluation."""
        iterations = len(self.train_loss)
        columns: dict[str, object] = {
            "iteration": np.arange(1, iterations + 1),
            "windows": np.arange(1, iterations + 1) * batch_windows,
            "train_loss": self.train_loss,
            "train_accuracy": self.train_accuracy,
        }
        for name in self.tests:
            for kind, values in (("loss", self.test_loss[name]), ("accuracy", self.test_accuracy[name])):
                column: list[float | None] = [None] * iterations
                for iteration, value in zip(self.evaluated_iterations, values, strict=True):
                    column[iteration - 1] = value
                columns[f"{name}_{kind}"] = column
        buffer = io.BytesIO()
        pl.DataFrame(columns).write_csv(buffer)
        return buffer.getvalue().decode()
