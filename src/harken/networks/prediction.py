"""Prediction with a network in PyTorch: logits in batches, and the device that computes them."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from harken.networks.inference.network import WINDOWS_AT_ONCE
from harken.support.errors import HarkenError
from harken.support.resources import computing_threads

DEVICES = ("cpu", "cuda")


def logits(
    network: nn.Module, signals: Tensor, device: str = "cpu", at_once: int = WINDOWS_AT_ONCE
) -> NDArray[np.float32]:
    """The network's logits, float32 ``[n, classes]``, for signals ``[n, time, channels]``, ``at_once`` in a batch.

    Afterwards the network is on the device, in evaluation mode.
    """
    # Checked first, because ``eval`` visits all modules, which takes a quarter as long as the logits of one window.
    if network.training:
        network.eval()
    if next(network.parameters()).device.type != device:
        network.to(device)
    starts = range(0, len(signals), at_once)

    @torch.inference_mode()
    def answer(start: int) -> Tensor:
        found: Tensor = network(signals[start : start + at_once].to(device)).cpu()
        return found

    if device != "cpu" or len(starts) == 1 or torch.get_num_threads() == 1:
        parts = [answer(start) for start in starts]
    else:
        # The threads of one call wait for one another at every layer. Whole batches in parallel take less time.
        with computing_threads(1) as threads, ThreadPoolExecutor(min(threads, len(starts))) as executor:
            parts = list(executor.map(answer, starts))
    return np.asarray(torch.cat(parts).numpy(), dtype=np.float32)


def resolve_device(device: str) -> str:
    """``auto`` -> ``cuda`` if there is a GPU, else ``cpu``.

    Raises:
        HarkenError: when the device does not exist.
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device not in DEVICES:
        raise HarkenError(f"there is no device {device!r}; choose one of auto, {', '.join(DEVICES)}")
    if device == "cuda" and not torch.cuda.is_available():
        raise HarkenError("there is no CUDA device that PyTorch can use here; --device cpu always works")
    return device
