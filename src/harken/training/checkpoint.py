"""The checkpoint of a training loop: its whole state in one file, to resume it with the same result.

The file is a SHA-256, followed by a safetensors file that must have it.
"""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from harken.support.errors import HarkenError
from harken.support.files import write_bytes
from harken.training.history import History

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
