"""The state of a training loop: its history (the loss of every iteration, and the scheduled evaluations), and the
checkpoint, one file from which it is resumed with the same result.

The file is a SHA-256, followed by a safetensors file that must have it.
"""

from collections import defaultdict
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

DIGEST_BYTES = sha256().digest_size


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
    test_loss: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    test_accuracy: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    threads: int = 0
    """CPU threads of the training; 0 if it did not run on a CPU."""
    iterations: int = 0
    """All iterations of the training. It has fewer losses if it was interrupted."""

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

    def to_csv(self, batch_windows: int) -> str:
        """One line for each iteration; the tests' columns are empty where there was no evaluation."""
        iterations = np.arange(1, len(self.train_loss) + 1)
        columns: dict[str, object] = {
            "iteration": iterations,
            "windows": iterations * batch_windows,
            "train_loss": self.train_loss,
            "train_accuracy": self.train_accuracy,
        }
        for name in self.tests:
            for kind, values in (("loss", self.test_loss[name]), ("accuracy", self.test_accuracy[name])):
                by_iteration = dict(zip(self.evaluated_iterations, values, strict=True))
                columns[f"{name}_{kind}"] = [by_iteration.get(iteration) for iteration in iterations.tolist()]
        return pl.DataFrame(columns).write_csv()


def save_checkpoint(
    path: Path,
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    history: History,
    device: str,
    mean: Mapping[str, Tensor],
) -> None:
    """Write the weights, their ``mean``, the optimiser's moments, the random generators' states and the history, whole
    or not at all.

    ``restore`` puts another loop into this state.
    """
    tensors = {f"network.{name}": tensor.detach().cpu() for name, tensor in network.state_dict().items()}
    tensors |= {f"mean.{name}": tensor.cpu() for name, tensor in mean.items()}
    for name, parameter in network.named_parameters():
        state = optimiser.state[parameter]
        tensors |= {f"optimiser.{name}.{moment}": tensor.detach().cpu() for moment, tensor in state.items()}
    tensors["random.cpu"] = torch.get_rng_state()
    if device.startswith("cuda"):
        tensors["random.cuda"] = torch.cuda.get_rng_state(device)
    columns = {name: getattr(history, name) for name in ("train_loss", "train_accuracy", "evaluated_iterations")}
    for name in history.tests:
        columns[f"test_loss.{name}"] = history.test_loss[name]
        columns[f"test_accuracy.{name}"] = history.test_accuracy[name]
    for name, values in columns.items():
        tensors[f"history.{name}"] = torch.tensor(values, dtype=torch.float64)
    tensors["iteration"] = torch.tensor(len(history.train_loss))
    tensors["threads"] = torch.tensor(history.threads)
    content = save(tensors)
    write_bytes(path, sha256(content).digest() + content)


def load_checkpoint(path: Path) -> tuple[dict[str, Tensor], History]:
    """Read a checkpoint: its tensors for ``restore``, and the history.

    Raises:
        HarkenError: when it is damaged.
    """
    file = path.read_bytes()
    digest, content = file[:DIGEST_BYTES], file[DIGEST_BYTES:]
    if sha256(content).digest() != digest:
        raise HarkenError(
            "the checkpoint is damaged (its checksum is wrong); remove it, and the training begins again",
            path=path,
        )
    tensors = load(content)
    columns = {
        name.removeprefix("history."): values.tolist()
        for name, values in tensors.items()
        if name.startswith("history.")
    }
    history = History(
        train_loss=columns.pop("train_loss"),
        train_accuracy=columns.pop("train_accuracy"),
        evaluated_iterations=[int(iteration) for iteration in columns.pop("evaluated_iterations")],
        threads=int(tensors["threads"]),
    )
    for name, values in columns.items():
        kind, _, test = name.partition(".")
        tested = history.test_loss if kind == "test_loss" else history.test_accuracy
        tested[test] = values
    return tensors, history


def restore(
    tensors: Mapping[str, Tensor], network: nn.Module, optimiser: torch.optim.Optimizer, device: str
) -> dict[str, Tensor]:
    """Put a loop into the state of a checkpoint, and return the mean of the weights.

    Raises:
        HarkenError: when the checkpoint is of another network.
    """
    try:
        network.load_state_dict({name: tensors[f"network.{name}"] for name in network.state_dict()})
        for name, parameter in network.named_parameters():
            prefix = f"optimiser.{name}."
            moments = {key[len(prefix) :]: tensor for key, tensor in tensors.items() if key.startswith(prefix)}
            optimiser.state[parameter] = {
                moment: tensor.to("cpu" if moment == "step" else device) for moment, tensor in moments.items()
            }
            if not moments:
                raise KeyError(prefix)
        torch.set_rng_state(tensors["random.cpu"])
        if device.startswith("cuda") and "random.cuda" in tensors:
            torch.cuda.set_rng_state(tensors["random.cuda"], device)
    except (KeyError, RuntimeError) as error:
        raise HarkenError("the checkpoint is of another network; start again in an empty folder") from error
    means = {name.removeprefix("mean."): value for name, value in tensors.items() if name.startswith("mean.")}
    return {name: value.to(device) for name, value in means.items()}
