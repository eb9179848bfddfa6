"""The everyday network against its equations in float64, its band powers against NumPy, and its size."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from harken.networks.presets import PRESETS
from harken.networks.pytorch import build
from lstm_reference import by_equations, cells_named

EDGES_HZ_AT_30 = (0.3, 0.7, 1.2, 1.8, 2.5, 3.5, 5.0, 7.0, 10.0, 15.0)


def _convolved(signals: np.ndarray, weights: np.ndarray, *, stride: int = 2, groups: int = 1) -> np.ndarray:
    """``[n, channels, time]`` with zeros around, one output at a time."""
    kernel = weights.shape[2]
    padded = np.pad(signals, ((0, 0), (0, 0), (kernel // 2, kernel // 2)))
    places = range(0, padded.shape[2] - kernel + 1, stride)
    parts = zip(np.split(padded, groups, axis=1), np.split(weights, groups), strict=True)
    return np.concatenate(
        [
            np.stack([np.einsum("nck,wck->nw", part[:, :, p : p + kernel], filters) for p in places], axis=2)
            for part, filters in parts
        ],
        axis=1,
    )


def _normalised(values: np.ndarray, weights: dict[str, np.ndarray], name: str) -> np.ndarray:
    """Batch normalisation with the running statistics, then ReLU."""
    spread = np.sqrt(weights[f"{name}.running_var"] + 1e-5)
    values = (values - weights[f"{name}.running_mean"][:, None]) / spread[:, None]
    return np.asarray(np.maximum(0, values * weights[f"{name}.weight"][:, None] + weights[f"{name}.bias"][:, None]))


def _by_fourier(signals: np.ndarray) -> np.ndarray:
    """The logarithm of the power in each band, from a fast Fourier transform: ``[batch, bands, channels]``."""
    length = signals.shape[1]
    hann = np.hanning(length + 1)[:-1, None]
    spectrum = np.fft.rfft((signals - signals.mean(axis=1, keepdims=True)) * hann, axis=1)
    power = np.abs(spectrum) ** 2 / length
    hz = np.arange(length // 2 + 1) * 30 / length + 1e-7
    bands = [power[:, (hz >= low) & (hz < high)].sum(axis=1) for low, high in pairwise(EDGES_HZ_AT_30)]
    return np.asarray(np.log(np.stack(bands, axis=1) + 1e-5))


def _reference(weights: dict[str, np.ndarray], signals: np.ndarray) -> np.ndarray:
    length = np.sqrt((signals**2).sum(-1, keepdims=True) + 1e-6) - 1
    moving = signals - signals.mean(1, keepdims=True)
    patches = np.concatenate([signals, length, moving], axis=2).transpose(0, 2, 1)
    for layer in (0, 3, 6):
        patches = _normalised(_convolved(patches, weights[f"stem.{layer}.weight"]), weights, f"stem.{layer + 1}")
    for block in (0, 1):
        added = _convolved(patches, weights[f"blocks.{block}.0.weight"], stride=1, groups=8)
        patches = patches + _normalised(added, weights, f"blocks.{block}.1")
    of_lstm = {name: torch.from_numpy(weight) for name, weight in weights.items() if name.startswith("lstm")}
    steps = torch.from_numpy(patches.transpose(0, 2, 1))
    both = by_equations(steps, cells_named(of_lstm, "lstm", directions=("", "_reverse")))[0].numpy()
    at_a_glance = np.concatenate(
        [
            signals.mean(1),
            np.log(signals.std(1) + 0.001),
            np.log(np.diff(signals, axis=1).std(1) + 0.001),
            _by_fourier(np.concatenate([moving, length], axis=2)).reshape(len(signals), -1),
        ],
        axis=1,
    )
    spread = np.sqrt(weights["glance.0.running_var"] + 1e-5)
    seen = (at_a_glance - weights["glance.0.running_mean"]) / spread * weights["glance.0.weight"]
    seen += weights["glance.0.bias"]
    for layer in (1, 4):
        seen = np.maximum(0, seen @ weights[f"glance.{layer}.weight"].T + weights[f"glance.{layer}.bias"])
    features = np.concatenate([both.mean(1), both.max(1), patches.mean(2), patches.max(2), seen], axis=1)
    return np.asarray(features @ weights["output.weight"].T + weights["output.bias"])


@pytest.mark.parametrize("length", [16, 33, 300, 2100])
def test_agrees_with_its_equations(length: int) -> None:
    torch.manual_seed(0)
    network = build("everyday", {"channels": 3, "classes": 5, "stem": 6, "width": 16, "units": 4})
    for name, buffer in network.named_buffers():
        if "running" in name:
            buffer.uniform_(0.5, 1.5)
    network.eval()
    signals = torch.randn(3, length, 3)
    weights = {name: tensor.double().numpy() for name, tensor in network.state_dict().items()}
    with torch.inference_mode():
        given = network(signals).numpy()
    np.testing.assert_allclose(given, _reference(weights, signals.double().numpy()), atol=2e-5)


def test_the_preset_learns_fewer_than_300_000_numbers_and_reads_40_steps() -> None:
    network = build("everyday", {**PRESETS["everyday"].sizes, "channels": 3, "classes": 18})
    assert sum(parameter.numel() for parameter in network.parameters()) < 300_000
    steps: list[int] = []
    network.get_submodule("lstm").register_forward_hook(lambda module, given, made: steps.append(made[0].shape[1]))
    network(torch.zeros(2, 300, 3))
    assert 37 <= steps[0] <= 80
