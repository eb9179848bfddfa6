"""What happened while training: the loss of every step, and the evaluations on their schedule."""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import polars as pl

__all__ = ["History"]


@dataclass
class History:
    """Losses and accuracies: of the training batch at every step, of the tests at every evaluation.

    A batch's loss and accuracy are those before the step, with dropout, as the notebook showed them.
    """

    tests: tuple[str, ...] = ()
    train_loss: list[float] = field(default_factory=list)
    train_accuracy: list[float] = field(default_factory=list)
    evaluated_steps: list[int] = field(default_factory=list)
    test_loss: dict[str, list[float]] = field(default_factory=dict)
    test_accuracy: dict[str, list[float]] = field(default_factory=dict)
    threads: int = 0
    """Of the processor; 0 where they played no part."""

    def __post_init__(self) -> None:
        for name in self.tests:
            self.test_loss.setdefault(name, [])
            self.test_accuracy.setdefault(name, [])

    def add_step(self, loss: float, accuracy: float) -> None:
        """One more training step."""
        self.train_loss.append(loss)
        self.train_accuracy.append(accuracy)

    def add_evaluation(self, step: int, results: Mapping[str, tuple[float, float]]) -> None:
        """Loss and accuracy of every test after ``step``."""
        self.evaluated_steps.append(step)
        for name, (loss, accuracy) in results.items():
            self.test_loss[name].append(loss)
            self.test_accuracy[name].append(accuracy)

    @property
    def last_step(self) -> tuple[float, float]:
        """Loss and accuracy of the last training batch."""
        return self.train_loss[-1], self.train_accuracy[-1]

    @property
    def last_evaluated_step(self) -> int:
        """The step of the last evaluation; 0 before the first."""
        return self.evaluated_steps[-1] if self.evaluated_steps else 0

    @property
    def last_evaluation(self) -> dict[str, tuple[float, float]]:
        """Loss and accuracy of every test at the last evaluation."""
        return {
            name: (self.test_loss[name][-1], self.test_accuracy[name][-1])
            for name in self.tests
            if self.test_loss[name]
        }

    def to_csv(self, batch_windows: int) -> str:
        """One line a step; the tests' columns are empty where there was no evaluation."""
        steps = len(self.train_loss)
        columns: dict[str, object] = {
            "step": np.arange(1, steps + 1),
            "windows": np.arange(1, steps + 1) * batch_windows,
            "train_loss": self.train_loss,
            "train_accuracy": self.train_accuracy,
        }
        for name in self.tests:
            for kind, values in (("loss", self.test_loss[name]), ("accuracy", self.test_accuracy[name])):
                column: list[float | None] = [None] * steps
                for step, value in zip(self.evaluated_steps, values, strict=True):
                    column[step - 1] = value
                columns[f"{name}_{kind}"] = column
        buffer = io.BytesIO()
        pl.DataFrame(columns).write_csv(buffer)
        return buffer.getvalue().decode()
