"""The state of a training loop: its history (the loss of every iteration, and the scheduled evaluations), and the
checkpoint, one file from which it is resumed with the same result.

The file is a SHA-256, followed by a safetensors file that must have it.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import numpy as np
import polars as pl
import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from harken.support.errors import HarkenError
from harken.support.files import write_bytes


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


DIGEST_BYTES = sha256().digest_size


@dataclass(frozen=True)
class Checkpoint:
    """The weights, the optimiser's moments, the random generators' states, and the history after ``iteration``."""

    tensors: dict[str, Tensor]
    iteration: int
    history: History

    @classmethod
    def of(
        cls, network: nn.Module, optimiser: torch.optim.Optimizer, iteration: int, history: History, device: str
    ) -> "Checkpoint":
        """Take a checkpoint of a running loop."""
        tensors = {f"network.{name}": tensor.detach().cpu() for name, tensor in network.state_dict().items()}
        for name, parameter in network.named_parameters():
            state = optimiser.state[parameter]
            tensors |= {f"optimiser.{name}.{moment}": tensor.detach().cpu() for moment, tensor in state.items()}
        tensors["random.cpu"] = torch.get_rng_state()
        if device.startswith("cuda"):
            tensors["random.cuda"] = torch.cuda.get_rng_state(device)
        return cls(tensors, iteration, history)

    def restore(self, network: nn.Module, optimiser: torch.optim.Optimizer, device: str) -> None:
        """Put a loop into this state.

        Raises:
            HarkenError: when the checkpoint is of another network.
        """
        try:
            weights = {name: self.tensors[f"network.{name}"] for name in network.state_dict()}
            network.load_state_dict(weights)
            for name, parameter in network.named_parameters():
                prefix = f"optimiser.{name}."
                moments = {key[len(prefix) :]: self.tensors[key] for key in self.tensors if key.startswith(prefix)}
                optimiser.state[parameter] = {
                    moment: tensor.to("cpu" if moment == "step" else device) for moment, tensor in moments.items()
                }
                if not moments:
                    raise KeyError(prefix)
            torch.set_rng_state(self.tensors["random.cpu"])
            if device.startswith("cuda") and "random.cuda" in self.tensors:
                torch.cuda.set_rng_state(self.tensors["random.cuda"], device)
        except (KeyError, RuntimeError) as error:
            raise HarkenError("the checkpoint is of another network; start again in an empty folder") from error


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, whole or not at all."""
    history = checkpoint.history
    numbers = {
        "history.train_loss": history.train_loss,
        "history.train_accuracy": history.train_accuracy,
        "history.evaluated_iterations": [float(iteration) for iteration in history.evaluated_iterations],
    }
    for name in history.tests:
        numbers[f"history.test_loss.{name}"] = history.test_loss[name]
        numbers[f"history.test_accuracy.{name}"] = history.test_accuracy[name]
    arrays = {name: torch.from_numpy(np.array(values, dtype=np.float64)) for name, values in numbers.items()}
    counts = {"iteration": torch.tensor(checkpoint.iteration), "threads": torch.tensor(history.threads)}
    content = save({**checkpoint.tensors, **arrays, **counts})
    write_bytes(path, sha256(content).digest() + content)


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        HarkenError: when it is damaged, or of an earlier version.
    """
    file = path.read_bytes()
    digest, content = file[:DIGEST_BYTES], file[DIGEST_BYTES:]
    if sha256(content).digest() != digest:
        raise HarkenError(
            f"{path}: the checkpoint is damaged, or of an earlier version of harken (its checksum is wrong); remove "
            "it, and the training begins again"
        )
    tensors = load(content)
    iteration, threads = (int(tensors.pop(name)) for name in ("iteration", "threads"))

    def numbers(name: str) -> list[float]:
        return [float(value) for value in tensors.pop(f"history.{name}")]

    tests = tuple(sorted(name.removeprefix("history.test_loss.") for name in tensors if ".test_loss." in name))
    history = History(
        tests=tests,
        train_loss=numbers("train_loss"),
        train_accuracy=numbers("train_accuracy"),
        evaluated_iterations=[int(iteration) for iteration in numbers("evaluated_iterations")],
        test_loss={name: numbers(f"test_loss.{name}") for name in tests},
        test_accuracy={name: numbers(f"test_accuracy.{name}") for name in tests},
        threads=threads,
    )
    return Checkpoint(tensors, iteration, history)
